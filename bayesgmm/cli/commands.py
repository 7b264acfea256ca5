"""Commands and their options."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bayesgmm.cli.errors import InputError, blaming_input, exit_codes
from bayesgmm.cli.inputs import defined, execute, labels, read_table
from bayesgmm.cli.work import Settings, fit_declared, fit_mixture

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


SEPARATOR_WORDS = {"tab": "\t", "\\t": "\t", "space": " "}
"""What a shell passes badly."""

TEXT, SAMPLING, SEARCH, OUTPUT = "Text files", "Sampling", "Search for the mode", "Output"
Separator = Annotated[
    str | None,
    typer.Option(help="Between fields: , ; | tab space; default: found out.", rich_help_panel=TEXT),
]
Decimal = Annotated[
    str | None, typer.Option(help="Decimal mark; default: found out.", rich_help_panel=TEXT)
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Names or data in the first line; default: names, without numbers.",
        rich_help_panel=TEXT,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(help="Such as latin-1; default: UTF-8, or found out.", rich_help_panel=TEXT),
]
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
    file: Annotated[
        Path, typer.Argument(help="A .csv, .tsv, .txt (or .csv.gz, …), .parquet or .npy file.")
    ],
    components: Annotated[
        int, typer.Option("--components", "-k", min=1, help="Number of components.")
    ],
    covariance: Annotated[
        Covariance, typer.Option(help="Structure of the covariances.")
    ] = Covariance.full,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            help="Features: a,b,c, or repeat the option; default: all numeric but identifiers."
        ),
    ] = None,
    drop_missing: Annotated[
        bool, typer.Option("--drop-missing", help="Leave out rows with missing values.")
    ] = False,
    weights: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column of row weights: 2 counts a row twice."),
    ] = None,
    separator: Separator = None,
    decimal: Decimal = None,
    header: Header = None,
    encoding: Encoding = None,
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
    [bold]report.html[/], its numbers as [bold]report.json[/], and figures.

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
            family = bg.NormalInverseWishart if prior is PriorFamily.niw else bg.NormalLKJ
            mixture = bg.GaussianMixture(components, covariance=covariance.value, prior=family())
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
    with exit_codes():
        import bayesgmm as bg

        module = execute(model)
        with blaming_input():
            x = bg.observations(defined(module, "x", model))
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
            truth = labels(getattr(module, "truth", None), x, model)
        if mixture is None and declare is not None:
            fit_declared(declare, module.x, x, settings)
        else:
            fit_mixture(mixture, x, None, truth, settings)
