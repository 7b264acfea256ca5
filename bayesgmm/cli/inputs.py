"""What the command reads: tables, and Python files that declare a model."""

import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bayesgmm.cli.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pymc

    import bayesgmm as bg
    from bayesgmm.data import Observations


def read_table(
    file: Path, columns: list[str] | None, drop_missing: bool, weights: str | None, **written: Any
) -> "tuple[Observations, np.ndarray | None]":
    """Observations and row weights (None without a column of them) from a table on disk.

    ``written`` is what is known of how a text file is written, as ``bg.observations`` takes it.
    """
    import numpy as np

    from bayesgmm.data import Dialect, clean_name, observations_of, table_of, usual_columns

    table = table_of(file, "data", Dialect(**written))
    ignored: dict[str, str] = {}
    if columns:
        # A name may have commas of its own.
        parts = [[part] if clean_name(part) in table.names else part.split(",") for part in columns]
        chosen = [clean_name(name) for part in parts for name in part if name.strip()]
    else:
        features, ignored = usual_columns(table, "data")
        chosen = list(features)
    if weights is None:
        return replace(observations_of(table, "data", chosen, drop_missing), ignored=ignored), None
    weights = clean_name(weights)
    chosen = [name for name in chosen if name != weights]
    if not chosen:
        raise InputError(f"--weights {weights} leaves no feature; choose another with --columns.")
    joint = observations_of(table, "data", [*chosen, weights], drop_missing)
    ignored.pop(weights, None)
    values = np.ascontiguousarray(joint.values[:, :-1])
    values.flags.writeable = False
    x = replace(joint, values=values, features=joint.features[:-1], ignored=ignored)
    return x, joint.values[:, -1]


def execute(file: Path) -> ModuleType:
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
        with blaming_file(file):
            spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    return module


@contextmanager
def blaming_file(file: Path) -> Iterator[None]:
    """What is raised here is told with its line in the file."""
    try:
        yield
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f.lineno for f in frames if Path(f.filename) == file.resolve()]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        where = f"{file}, line {line}" if line else str(file)
        raise InputError(f"{where}: {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Declared:
    """What a model file declares: its data, and a mixture or a function that returns a model."""

    module: ModuleType
    x: "Observations"
    mixture: "bg.GaussianMixture | None"
    truth: "np.ndarray | None"

    @classmethod
    def of(cls, file: Path) -> "Declared":
        import bayesgmm as bg

        module = execute(file)
        if not hasattr(module, "x"):
            raise InputError(
                f"{file} does not define x. A model file defines x, its data, and mixture, a "
                "bayesgmm.GaussianMixture (or declare(x), which returns a pymc.Model)."
            )
        x = bg.observations(module.x)
        mixture = getattr(module, "mixture", None)
        if mixture is None and not hasattr(module, "declare"):
            raise InputError(
                f"{file} defines x but neither mixture nor declare. Define "
                "mixture = bg.GaussianMixture(n_components), or declare(x) that returns a "
                "pymc.Model."
            )
        if mixture is not None and not isinstance(mixture, bg.GaussianMixture):
            raise InputError(
                f"{file} defines mixture as a {type(mixture).__name__}; expected a "
                "bayesgmm.GaussianMixture."
            )
        return cls(module, x, mixture, labels(getattr(module, "truth", None), x, file))

    def model(self) -> "pymc.Model":
        """The model that is declared by hand."""
        with blaming_file(Path(self.module.__file__ or "")):
            return self.module.declare(self.module.x)


def labels(truth: Any, x: "Observations", file: Path) -> "np.ndarray | None":
    """Known labels of the kept rows, or None."""
    if truth is None:
        return None
    import numpy as np

    labels = np.asarray(truth)
    if labels.shape not in ((x.n_obs,), (x.n_rows,)):
        raise InputError(
            f"{file}: truth has shape {labels.shape}; expected one label for each of the {x.n_obs} "
            "rows of x."
        )
    return labels if len(labels) == x.n_obs else labels[x.rows]
