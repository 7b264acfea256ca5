"""What the command does: mode, posterior, tables and files, with words on the way."""

import sys
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from bayesgmm.cli.errors import InputError, blaming_input, complain, saving_on_interrupt
from bayesgmm.cli.folder import STORE
from bayesgmm.runtime import files

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    import bayesgmm as bg
    from bayesgmm.cli.inputs import Declared
    from bayesgmm.data import Observations

LOG_WIDTH = 120
"""Columns of what is printed to a file or a pipe."""


@dataclass(frozen=True)
class Settings:
    """How to search, how to sample, and where to write."""

    draws: int
    tune: int
    chains: int
    cores: int | None
    starts: int | None
    seed: int
    target_accept: float
    out: Path
    quiet: bool

    @classmethod
    def of(
        cls, arguments: dict[str, Any], file: Path, mixture: "bg.GaussianMixture | None"
    ) -> "Settings":
        """Those among a command's arguments; the folder is named after what is fitted."""
        given = {field.name: arguments[field.name] for field in fields(cls)}
        if given["out"] is None:
            kind = "" if mixture is None else f"-{mixture.n_components}-{mixture.covariance}"
            given["out"] = Path("out") / f"{file.stem}{kind}"
        return cls(**given)

    @property
    def of_sampling(self) -> dict[str, Any]:
        """Those that ``bg.sample`` takes."""
        names = ("draws", "tune", "chains", "cores", "target_accept")
        more = {"random_seed": self.seed, "progress": not self.quiet, "store": self.out / STORE}
        return {name: getattr(self, name) for name in names} | more


def fit_mixture(
    mixture: "bg.GaussianMixture",
    x: "Observations",
    weight: "np.ndarray | None",
    truth: "np.ndarray | None",
    settings: Settings,
) -> None:
    """MAP, posterior, tables and files of a declared mixture."""
    import bayesgmm as bg

    console = console_of(settings)
    _say_data(console, x, weight)
    began = time.perf_counter()
    with blaming_input():
        _check_memory(mixture, x, settings)
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
        from bayesgmm.clusterings import adjusted_rand

        agreement = adjusted_rand(mode.predict(x), truth)
        console.print(f"Adjusted Rand index of the MAP's clustering and truth: {agreement:.3f}")
    table = settings.out / "map.csv"
    with saving_on_interrupt(lambda: files.write(table, mode.to_dataframe().to_csv())):
        if mode.interrupted:  # fit_map returned what it had
            raise KeyboardInterrupt
        post = bg.sample(mixture, x, start=mode, sample_weight=weight, **settings.of_sampling)
    _finish(post, settings, console)


def fit_declared(declared: "Declared", settings: Settings) -> None:
    """Posterior, tables and files of a model that the user wrote in PyMC."""
    import bayesgmm as bg

    console = console_of(settings)
    _say_data(console, declared.x, None)
    with blaming_input():
        model = declared.model()
    console.print("The model is declared by hand: no MAP, straight to the sampler.")
    _finish(bg.sample(model, **settings.of_sampling), settings, console)


def go_on(declared: "Declared | None", settings: Settings) -> None:
    """The rest of the posterior, tables and files of a run that was cut short.

    ``declared`` is what its model file says now; None for a table, or where the file has gone.
    """
    import bayesgmm as bg

    console = console_of(settings)
    with blaming_input():
        model = None
        if declared is not None and declared.mixture is None:
            model = declared.model()
        elif declared is not None:
            _check_rows(declared.x, settings.out / STORE)
    post = bg.resume(settings.out / STORE, model, cores=settings.cores, progress=not settings.quiet)
    _finish(post, settings, console)


def _check_rows(x: "Observations", store: Path) -> None:
    """Refuse to go on where the model file now reads other rows."""
    import numpy as np
    import zarr

    from bayesgmm.draws import data_hash

    attrs = zarr.open_group(store, mode="r").attrs
    if data_hash(x.values, np.ones(x.n_obs)) != attrs["data_hash"]:
        raise InputError("the rows of x have changed since the run began; begin a new run.")


def _check_memory(mixture: "bg.GaussianMixture", x: "Observations", settings: Settings) -> None:
    """Before the search for the mode, refuse what ``sample`` would refuse after it."""
    from bayesgmm.draws import mixture_variables, n_values
    from bayesgmm.sampling import check_memory

    sizes = {"draws": settings.draws, "tune": settings.tune, "chains": settings.chains}
    check_memory(n_values(mixture_variables(mixture, x.n_features)), sizes, copies=True)


def _finish(post: "xr.DataTree", settings: Settings, console: Console) -> None:
    """Save the draws first, then relabel, summarise, and write everything."""
    import bayesgmm as bg

    bg.save(post, settings.out / "posterior.nc")
    with saving_on_interrupt(lambda: settings.out / "posterior.nc"):
        from bayesgmm.cli import terminal
        from bayesgmm.draws import holds_mixture
        from bayesgmm.labels import relabelled
        from bayesgmm.page import write_outputs
        from bayesgmm.posterior import AMBIGUOUS, summary_table

        if not holds_mixture(post):
            _finish_foreign(post, settings, console)
            return
        began = time.perf_counter()
        reading = relabelled(post, progress=not settings.quiet)
        took = time.perf_counter() - began
        frame = terminal.named_rows(summary_table(reading, round_to="none"))
        console.print(terminal.rich_table(frame, "Posterior, relabelled", console.width))
        began = time.perf_counter()
        written, numbers = write_outputs(reading, settings.out, progress=not settings.quiet)
        judged = numbers["convergence"]
        verdict = terminal.verdict_line(judged)
        good = judged["ok"] and judged["labels"] != AMBIGUOUS
        colour = "green" if good else "yellow"
        console.print(f"[{colour}]{escape(verdict)}[/]", highlight=False)
        if settings.quiet and not good:
            complain(verdict, "yellow")
        seconds = float(post.attrs.get("wall_time", float("nan")))
        console.print(
            f"Sampling took {seconds:.1f} s, relabelling {took:.1f} s, files "
            f"{time.perf_counter() - began:.1f} s."
        )
        names = ", ".join(path.name for path in written)
        console.print(f"Written to [bold]{escape(str(settings.out))}[/]: {names}", highlight=False)
    if post.attrs.get("interrupted", 0):
        raise KeyboardInterrupt


def _finish_foreign(post: "xr.DataTree", settings: Settings, console: Console) -> None:
    """Table and draws of a model whose variables are not those of a Gaussian mixture."""
    import arviz_stats
    import pandas as pd

    from bayesgmm.cli import terminal
    from bayesgmm.posterior import INTERVAL

    summary = arviz_stats.summary(post, ci_prob=INTERVAL, round_to="none")
    table = pd.DataFrame(summary).to_csv(index_label="quantity")
    files.write(settings.out / "summary.csv", table)
    console.print(terminal.rich_table(terminal.named_rows(summary), "Posterior", console.width))
    console.print(
        "No relabelling, figures or page: they need the variables weights (component), means "
        "(component, feature), the covariances of bg.declare, and the observed x. R-hat above is "
        "of labels as they were drawn."
    )
    folder = escape(str(settings.out))
    console.print(f"Written to [bold]{folder}[/]: posterior.nc, summary.csv", highlight=False)


def _say_data(console: Console, x: "Observations", weight: "np.ndarray | None") -> None:
    console.print(
        f"[bold]Data[/]: {x.n_obs} rows of {x.n_features}: {escape(', '.join(x.features))}"
    )
    if x.n_missing:
        console.print(f"Left out: {x.n_missing} of {x.n_rows} rows, with missing values")
    if x.reading:
        console.print(f"Read with {escape(x.reading)}", highlight=False)
    if x.ignored:
        from bayesgmm.data import with_reasons

        console.print(f"Columns left out: {escape(with_reasons(x.ignored))}", highlight=False)
    if weight is not None:
        console.print(f"Row weights: sum {weight.sum():.6g}")


def _say_mode(console: Console, mode: "bg.PointEstimate", seconds: float) -> None:
    from bayesgmm.cli import terminal
    from bayesgmm.page import tables

    frame = tables.estimate_table(mode.parameters, mode.features, covariances=False)
    console.print(terminal.rich_table(frame, "MAP, in the data's units", console.width))
    console.print(
        f"Log posterior {mode.log_posterior:.4f} nats; number of modes found: {len(mode.modes)}; "
        f"{seconds:.1f} s."
    )
    console.print(escape(str(mode.status)), highlight=False)


def console_of(settings: Settings) -> Console:
    return Console(quiet=settings.quiet, width=None if sys.stdout.isatty() else LOG_WIDTH)
