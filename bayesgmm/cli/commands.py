"""Commands and their options."""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bayesgmm.cli.errors import blaming_input, exit_codes
from bayesgmm.cli.folder import STORE, recorded, running
from bayesgmm.cli.inputs import Declared, read_table
from bayesgmm.cli.work import Settings, fit_declared, fit_mixture, go_on

app = typer.Typer(
    name="bayesgmm", no_args_is_help=True, add_completion=False, rich_markup_mode="rich"
)

Covariance = StrEnum("Covariance", "full tied diag spherical tied_diag tied_spherical proportional")
PriorFamily = StrEnum("PriorFamily", "niw lkj")

SEPARATOR_WORDS = {"tab": "\t", "\\t": "\t", "space": " "}
"""What a shell passes badly."""


def _folder(text: str) -> Path:
    """A folder that is there or may come to be; an empty variable of a shell's names none."""
    if not text.strip() or Path(text).is_file():
        raise typer.BadParameter(f"expected a folder; got {text!r}.")
    return Path(text)


in_text, in_search, in_sampling, in_output = (
    partial(typer.Option, rich_help_panel=panel)
    for panel in ("Text files", "Search for the mode", "Sampling", "Output")
)
File = Annotated[
    Path, typer.Argument(help="A .csv, .tsv, .txt (or .csv.gz, …), .parquet or .npy file.")
]
Components = Annotated[int, typer.Option("--components", "-k", min=1, help="Number of components.")]
Structure = Annotated[Covariance, typer.Option(help="Structure of the covariances.")]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        help="Features: a,b,c, or repeat the option; default: all numeric but identifiers."
    ),
]
DropMissing = Annotated[
    bool, typer.Option("--drop-missing", help="Leave out rows with missing values.")
]
Weights = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Column of row weights: 2 counts a row twice.")
]
Family = Annotated[
    PriorFamily,
    typer.Option(help="niw: normal–inverse-Wishart; lkj: separate scales and correlations."),
]
Separator = Annotated[
    str | None, in_text(help="Between fields: , ; | tab space; default: found out.")
]
Decimal = Annotated[str | None, in_text(help="Decimal mark; default: found out.")]
Header = Annotated[
    bool | None,
    in_text(
        "--header/--no-header",
        help="Names or data in the first line; default: names, without numbers.",
    ),
]
Encoding = Annotated[str | None, in_text(help="Such as latin-1; default: UTF-8, or found out.")]
Draws = Annotated[int, in_sampling(min=1, help="Draws per chain.")]
Tune = Annotated[int, in_sampling(min=1, help="Tuning steps per chain.")]
Chains = Annotated[int, in_sampling(min=1, help="Chains.")]
Cores = Annotated[int | None, in_sampling(min=1, help="Chains at a time; default: all cores.")]
TargetAccept = Annotated[
    float, in_sampling(min=0.05, max=0.999, help="NUTS's acceptance; higher: shorter steps.")
]
Starts = Annotated[
    int | None, in_search(min=1, help="Starting points of EM; by default 20, or more in doubt.")
]
Seed = Annotated[int, in_sampling(min=0, max=2**63 - 1, help="Same seed, same draws.")]
Out = Annotated[
    Path | None,
    in_output(
        help="Folder for the files; default: out/<name of the file>-<K>-<structure>.",
        parser=_folder,
        metavar="DIRECTORY",
    ),
]
Quiet = Annotated[bool, in_output("--quiet", "-q", help="Print only problems.")]
Force = Annotated[bool, in_output("--force", help="Replace another run.")]


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
    file: File,
    components: Components,
    covariance: Structure = Covariance.full,
    columns: Columns = None,
    drop_missing: DropMissing = False,
    weights: Weights = None,
    separator: Separator = None,
    decimal: Decimal = None,
    header: Header = None,
    encoding: Encoding = None,
    prior: Family = PriorFamily.niw,
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    cores: Cores = None,
    starts: Starts = None,
    seed: Seed = 1,
    target_accept: TargetAccept = 0.8,
    out: Out = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Fit a mixture to the numeric columns of FILE.

    Finds the MAP, samples the posterior, and writes [bold]posterior.nc[/], [bold]summary.csv[/],
    [bold]report.html[/], its numbers as [bold]report.json[/], and figures.

    Example: [bold]bayesgmm fit waiting.csv --components 2[/]
    """
    arguments = locals()
    with exit_codes():
        import bayesgmm as bg

        with blaming_input():
            x, weight = read_table(
                file,
                columns,
                drop_missing,
                weights,
                separator=SEPARATOR_WORDS.get(separator or "", separator),
                decimal=decimal,
                header=header,
                encoding=encoding,
            )
            family = bg.NormalInverseWishart if prior == PriorFamily.niw else bg.NormalLKJ
            mixture = bg.GaussianMixture(components, covariance=str(covariance), prior=family())
            settings = Settings.of(arguments, file, mixture)
        with running(settings.out, "fit", file, arguments):
            fit_mixture(mixture, x, weight, None, settings)


@app.command()
def run(
    model: Annotated[
        Path, typer.Argument(help="A Python file: x and mixture, or x and declare(x).")
    ],
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    cores: Cores = None,
    starts: Starts = None,
    seed: Seed = 1,
    target_accept: TargetAccept = 0.8,
    out: Out = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Fit the model that a Python file declares.

    The file defines [bold]x[/], the data, and [bold]mixture[/], a GaussianMixture; or [bold]x[/]
    and [bold]declare(x)[/], which returns a pymc.Model. With [bold]truth[/], known labels, the
    MAP's clustering is compared with them.

    Example: [bold]bayesgmm run models/penguins.py[/]
    """
    arguments = locals()
    with exit_codes():
        with blaming_input():
            declared = Declared.of(model)
            settings = Settings.of(arguments, model, declared.mixture)
        with running(settings.out, "run", model, arguments):
            if declared.mixture is None:
                fit_declared(declared, settings)
            else:
                fit_mixture(declared.mixture, declared.x, None, declared.truth, settings)


@app.command()
def resume(
    folder: Annotated[Path, typer.Argument(help="The folder of the run.", file_okay=False)],
) -> None:
    """Go on with a run that was killed, interrupted, or ran out of disk.

    Every draw that was written is kept. The run's file must be what it was.

    Example: [bold]bayesgmm resume out/waiting-2-full[/]
    """
    with exit_codes():
        record = recorded(folder)
        file, is_table = record["file"], record["command"] == "fit"
        arguments = record["arguments"] | {"out": folder, "force": True}
        if not (folder / STORE).exists():  # it had not come to sampling
            if is_table:
                fit(**arguments | {"file": file})
            else:
                run(**arguments | {"model": file})
            return
        with blaming_input():
            declared = None if is_table or not file.exists() else Declared.of(file)
            settings = Settings.of(arguments, file, None)
        with running(folder):
            go_on(declared, settings)
