"""The command ``bayesgmm``. Imports the core inside commands only, so that help is quick."""

import importlib.util
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

app = typer.Typer(
    name="bayesgmm",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
)


class Covariance(StrEnum):
    """Structures of the covariance."""

    full = "full"
    tied = "tied"
    diag = "diag"
    spherical = "spherical"


class PriorFamily(StrEnum):
    """Families of the prior, by their short names."""

    niw = "niw"
    lkj = "lkj"


@dataclass(frozen=True)
class Settings:
    """How to search, how to sample, and where to write."""

    draws: int
    tune: int
    chains: int
    cores: int | None
    starts: int
    seed: int
    target_accept: float
    out: Path
    quiet: bool


class InputError(Exception):
    """Something the user gave is wrong; the text says what and what to try."""


LOG_WIDTH = 120
"""Columns of what is printed to a file or a pipe."""

SAMPLING, SEARCH, OUTPUT = "Sampling", "Search for the mode", "Output"
Draws = Annotated[int, typer.Option(min=1, help="Draws per chain.", rich_help_panel=SAMPLING)]
Tune = Annotated[int, typer.Option(min=1, help="Tuning steps per chain.", rich_help_panel=SAMPLING)]
Chains = Annotated[int, typer.Option(min=1, help="Chains.", rich_help_panel=SAMPLING)]
Cores = Annotated[
    int | None,
    typer.Option(min=1, help="Chains at a time; default: all cores.", rich_help_panel=SAMPLING),
]
TargetAccept = Annotated[
    float,
    typer.Option(
        min=0.05,
        max=0.999,
        help="NUTS's acceptance; higher: shorter steps.",
        rich_help_panel=SAMPLING,
    ),
]
Starts = Annotated[int, typer.Option(min=1, help="Starting points of EM.", rich_help_panel=SEARCH)]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same draws.", rich_help_panel=SAMPLING)]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Folder for the files; default: out/<name of the file>.",
        file_okay=False,
        rich_help_panel=OUTPUT,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only problems.", rich_help_panel=OUTPUT)
]


def _version(wanted: bool) -> None:
    if wanted:
        from bayesgmm import __version__

        typer.echo(f"bayesgmm {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Bayesian Gaussian mixtures: the MAP by EM, the posterior by NUTS, tables, figures, a page."""


@app.command()
def fit(
    file: Annotated[Path, typer.Argument(help="A .csv or .parquet file.")],
    components: Annotated[
        int, typer.Option("--components", "-k", min=1, help="Number of components.")
    ],
    covariance: Annotated[
        Covariance, typer.Option(help="Structure of the covariances.")
    ] = Covariance.full,
    columns: Annotated[
        list[str] | None,
        typer.Option(help="Features: a,b,c, or repeat the option; default: every numeric column."),
    ] = None,
    drop_missing: Annotated[
        bool, typer.Option("--drop-missing", help="Leave out rows with missing values.")
    ] = False,
    weights: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column of row weights: 2 counts a row twice."),
    ] = None,
    prior: Annotated[
        PriorFamily,
        typer.Option(help="niw: normal–inverse-Wishart; lkj: separate scales and correlations."),
    ] = PriorFamily.niw,
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    cores: Cores = None,
    starts: Starts = 20,
    seed: Seed = 1,
    target_accept: TargetAccept = 0.8,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Fit a mixture to the numeric columns of FILE.

    Finds the MAP, samples the posterior, and writes [bold]posterior.nc[/], [bold]summary.csv[/],
    [bold]report.html[/] and figures.

    Example: [bold]bayesgmm fit waiting.csv --components 2[/]
    """
    settings = Settings(
        draws,
        tune,
        chains,
        cores,
        starts,
        seed,
        target_accept,
        out or Path("out") / file.stem,
        quiet,
    )
    with _exit_codes():
        import bayesgmm as bg

        with _blaming_input():
            x, weight = _read(file, columns, drop_missing, weights)
            family = bg.NormalInverseWishart if prior is PriorFamily.niw else bg.NormalLKJ
            mixture = bg.GaussianMixture(components, covariance=covariance.value, prior=family())
        _fit(mixture, x, weight, None, settings)


@app.command()
def run(
    model: Annotated[
        Path, typer.Argument(help="A Python file: x and mixture, or x and declare(x).")
    ],
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    cores: Cores = None,
    starts: Starts = 20,
    seed: Seed = 1,
    target_accept: TargetAccept = 0.8,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Fit the model that a Python file declares.

    The file defines [bold]x[/], the data, and [bold]mixture[/], a GaussianMixture; or [bold]x[/]
    and [bold]declare(x)[/], which returns a pymc.Model. With [bold]truth[/], known labels, the
    MAP's clustering is compared with them.

    Example: [bold]bayesgmm run models/penguins.py[/]
    """
    settings = Settings(
        draws,
        tune,
        chains,
        cores,
        starts,
        seed,
        target_accept,
        out or Path("out") / model.stem,
        quiet,
    )
    with _exit_codes():
        import bayesgmm as bg

        module = _execute(model)
        with _blaming_input():
            x = bg.observations(_defined(module, "x", model))
            mixture = getattr(module, "mixture", None)
            declare = getattr(module, "declare", None)
            if mixture is None and declare is None:
                raise InputError(
                    f"{model} defines x but neither mixture nor declare. Define "
                    "mixture = bg.GaussianMixture(n_components), or declare(x) that returns a "
                    "pymc.Model."
                )
            if mixture is not None and not isinstance(mixture, bg.GaussianMixture):
                raise InputError(
                    f"{model} defines mixture as a {type(mixture).__name__}; expected a "
                    "bayesgmm.GaussianMixture."
                )
            truth = _labels(getattr(module, "truth", None), x, model)
        if mixture is None and declare is not None:
            _fit_declared(declare, module.x, x, settings)
        else:
            _fit(mixture, x, None, truth, settings)


def _read(file: Path, columns: list[str] | None, drop_missing: bool, weights: str | None) -> Any:
    """Observations and row weights (None without a column of them) from a table on disk."""
    import bayesgmm as bg

    chosen = None
    if columns:
        chosen = [name.strip() for part in columns for name in part.split(",") if name.strip()]
    if weights is None:
        return bg.observations(file, columns=chosen, drop_missing=drop_missing), None
    import numpy as np

    ignored: tuple[str, ...] = ()
    if chosen is None:
        numeric = bg.observations(file, drop_missing=True)
        chosen, ignored = list(numeric.features), numeric.ignored
    features = [name for name in chosen if name != weights]
    if not features:
        raise InputError(f"--weights {weights} leaves no feature; choose another with --columns.")
    joint = bg.observations(file, columns=[*features, weights], drop_missing=drop_missing)
    values = np.ascontiguousarray(joint.values[:, :-1])
    values.flags.writeable = False
    x = replace(joint, values=values, features=joint.features[:-1], ignored=ignored)
    return x, joint.values[:, -1]


def _execute(file: Path) -> ModuleType:
    """The module that a Python file is; its folder is importable while it runs."""
    if not file.is_file():
        raise InputError(f"there is no file {str(file)!r} (looked from {str(Path.cwd())!r}).")
    spec = importlib.util.spec_from_file_location(f"_model_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise InputError(f"{str(file)!r} is not a Python file; expected one that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f.lineno for f in frames if f.filename == spec.origin]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        where = f"{file}, line {line}" if line else str(file)
        raise InputError(f"{where}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(folder)
    return module


def _defined(module: ModuleType, name: str, file: Path) -> Any:
    if not hasattr(module, name):
        raise InputError(
            f"{file} does not define {name}. A model file defines x, its data, and mixture, a "
            "bayesgmm.GaussianMixture (or declare(x), which returns a pymc.Model)."
        )
    return getattr(module, name)


def _labels(truth: Any, x: Any, file: Path) -> Any:
    """Known labels of the kept rows, or None."""
    if truth is None:
        return None
    import numpy as np

    labels = np.asarray(truth)
    if labels.shape == (x.n_obs,):
        return labels
    if labels.shape == (x.n_rows,):
        return labels[x.rows]
    raise InputError(
        f"{file}: truth has shape {labels.shape}; expected one label for each of the {x.n_obs} "
        "rows of x."
    )


def _fit(mixture: Any, x: Any, weight: Any, truth: Any, settings: Settings) -> None:
    """MAP, posterior, tables and files of a declared mixture."""
    import bayesgmm as bg

    console = _console(settings)
    _say_data(console, x, weight)
    began = time.perf_counter()
    with _blaming_input():
        interior = mixture.with_interior_mode()
        mode = bg.fit_map(
            interior,
            x,
            n_starts=settings.starts,
            random_seed=settings.seed,
            sample_weight=weight,
            progress=not settings.quiet,
        )
    if interior is not mixture:
        console.print("With a concentration below 1 there is no interior mode: MAP with it at 1.")
    _say_mode(console, mode, time.perf_counter() - began)
    if truth is not None:
        agreement = adjusted_rand(mode.predict(x), truth)
        console.print(f"Adjusted Rand index of the MAP's clustering and truth: {agreement:.3f}")
    with _saving_on_interrupt(lambda: _save_mode(mode, settings.out), settings):
        if sum(found.count for found in mode.modes) < settings.starts:
            raise KeyboardInterrupt  # fit_map returned what it had
        post = bg.sample(
            mixture,
            x,
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=settings.cores,
            start=mode,
            target_accept=settings.target_accept,
            random_seed=settings.seed,
            progress=not settings.quiet,
            sample_weight=weight,
        )
    _finish(post, settings, console)


def _fit_declared(declare: Callable[..., Any], data: Any, x: Any, settings: Settings) -> None:
    """Posterior, tables and files of a model that the user wrote in PyMC."""
    import bayesgmm as bg

    console = _console(settings)
    _say_data(console, x, None)
    with _blaming_input():
        model = declare(data)
    console.print("The model is declared by hand: no MAP, straight to the sampler.")
    post = bg.sample(
        model,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=settings.cores,
        target_accept=settings.target_accept,
        random_seed=settings.seed,
        progress=not settings.quiet,
    )
    _finish(post, settings, console)


def _finish(post: Any, settings: Settings, console: Console) -> None:
    """Save the draws first, then relabel, summarise, and write everything."""
    import bayesgmm as bg

    settings.out.mkdir(parents=True, exist_ok=True)
    bg.save(post, settings.out / "posterior.nc")
    interrupted = bool(post.attrs.get("interrupted", 0))
    with _saving_on_interrupt(lambda: settings.out / "posterior.nc", settings):
        from bayesgmm.reporting import tables, write_outputs

        if not tables.holds_mixture(post):
            _finish_foreign(post, settings, console)
            return
        began = time.perf_counter()
        post = bg.relabel(post, progress=not settings.quiet)
        relabelled = time.perf_counter() - began
        summary = bg.summary(post, round_to="none")
        frame = tables.named_rows(summary)
        console.print(tables.rich_table(frame, "Posterior, relabelled", console.width))
        worst = tables.convergence(post, summary)
        colour = "green" if worst["ok"] else "yellow"
        console.print(f"[{colour}]{escape(tables.convergence_line(worst))}[/]", highlight=False)
        if settings.quiet and not worst["ok"]:
            _complain(tables.convergence_line(worst), "yellow")
        began = time.perf_counter()
        written = write_outputs(post, settings.out)
        seconds = float(post.attrs.get("wall_time", float("nan")))
        console.print(
            f"Sampling took {seconds:.1f} s, relabelling {relabelled:.1f} s, files "
            f"{time.perf_counter() - began:.1f} s."
        )
        names = ", ".join(path.name for path in written)
        console.print(f"Written to [bold]{escape(str(settings.out))}[/]: {names}", highlight=False)
    if interrupted:
        raise KeyboardInterrupt


def _finish_foreign(post: Any, settings: Settings, console: Console) -> None:
    """Table and draws of a model whose variables are not those of a Gaussian mixture."""
    import arviz_stats
    import pandas as pd

    from bayesgmm.reporting import tables

    summary = arviz_stats.summary(post, ci_prob=0.94, round_to="none")
    pd.DataFrame(summary).to_csv(settings.out / "summary.csv", index_label="quantity")
    console.print(tables.rich_table(tables.named_rows(summary), "Posterior", console.width))
    console.print(
        "No relabelling, figures or page: they need the variables weights (component), means "
        "(component, feature), the covariances of bg.declare, and the observed x. R-hat above is "
        "of labels as they were drawn."
    )
    folder = escape(str(settings.out))
    console.print(f"Written to [bold]{folder}[/]: posterior.nc, summary.csv", highlight=False)


def _say_data(console: Console, x: Any, weight: Any) -> None:
    console.print(
        f"[bold]Data[/]: {x.n_obs} rows of {x.n_features}: {escape(', '.join(x.features))}"
    )
    if x.n_missing:
        console.print(f"Left out: {x.n_missing} of {x.n_rows} rows, with missing values")
    if x.ignored:
        console.print(f"Ignored, not numeric: {escape(', '.join(x.ignored))}")
    if weight is not None:
        console.print(f"Row weights: sum {weight.sum():.6g}")


def _say_mode(console: Console, mode: Any, seconds: float) -> None:
    from bayesgmm.reporting import tables

    frame = tables.estimate_table(mode.parameters, mode.features, covariances=False)
    console.print(tables.rich_table(frame, "MAP, in the data's units", console.width))
    n_modes = len(mode.modes)
    console.print(
        f"Log posterior {mode.log_posterior:.4f} nats; {n_modes} mode{'s' if n_modes > 1 else ''} "
        f"found, the best by {mode.modes[0].count} of {sum(m.count for m in mode.modes)} starts; "
        f"{seconds:.1f} s."
    )
    console.print(escape(str(mode.status)), highlight=False)


def _save_mode(mode: Any, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    mode.to_dataframe().to_csv(folder / "map.csv")
    return folder / "map.csv"


def adjusted_rand(labels: Any, truth: Any) -> float:
    """Adjusted Rand index of two clusterings: 1 where equal, 0 on average where unrelated.

    Hubert & Arabie (1985), Journal of Classification 2, 193–218.
    """
    import numpy as np

    rows = np.unique(np.asarray(labels), return_inverse=True)[1].ravel()
    columns = np.unique(np.asarray(truth).astype(str), return_inverse=True)[1].ravel()
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), 1)

    def pairs(counts: Any) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both, left, right = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = left * right / max(pairs(table.sum()), 1.0)
    top = (left + right) / 2
    return 1.0 if top == expected else (both - expected) / (top - expected)


def _console(settings: Settings) -> Console:
    return Console(quiet=settings.quiet, width=None if sys.stdout.isatty() else LOG_WIDTH)


def _complain(text: str, style: str = "red") -> None:
    Console(stderr=True, soft_wrap=True).print(f"[{style}]{escape(text)}[/]", highlight=False)


@contextmanager
def _blaming_input() -> Iterator[None]:
    """What is raised here is about what the user gave."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        raise InputError(str(error)) from error


@contextmanager
def _saving_on_interrupt(save: Callable[[], Path], settings: Settings) -> Iterator[None]:
    """On Ctrl-C keep what is there, and say where."""
    try:
        yield
    except KeyboardInterrupt:
        _complain(f"Interrupted. Kept: {save()}", "yellow")
        raise


@contextmanager
def _exit_codes() -> Iterator[None]:
    """2 for wrong input, with one line; 130 for Ctrl-C; 1 for anything unexpected."""
    try:
        yield
    except InputError as error:
        _complain(f"Error: {' '.join(str(error).split())}")
        raise typer.Exit(2) from error
    except KeyboardInterrupt as error:
        _complain("Stopped by Ctrl-C.", "yellow")
        raise typer.Exit(130) from error
    except typer.Exit:
        raise
    except Exception as error:
        traceback.print_exc()
        _complain(f"Unexpected: {type(error).__name__}: {error}")
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app()
