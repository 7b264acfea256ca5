"""What a family of priors owes the package: checked numbers, their defaults, and a density."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from bayesgmm.mixture.structures import Structure
from bayesgmm.runtime import arguments

ROBUST = (
    "the centre and covariance of the bulk of the rows, and their covariance within components, "
    "both without the twentieth of them that fits worst (García-Escudero et al., 2008)"
)
MOST_ROWS = 1e12
"""Largest number that counts as rows do; beyond it densities keep no digit."""


@dataclass(frozen=True, eq=False)
class Prior(ABC):
    """A family of priors, with numbers that are given or, if None, scaled from the rows."""

    concentration: float | np.ndarray | None = None

    dims: ClassVar[dict[str, tuple[str, ...]]]
    """Dimensions of every number at most, by its name, innermost last."""
    _positive: ClassVar[tuple[str, ...]] = ()
    _in_rows: ClassVar = ("concentration", "mean_concentration", "df", "eta")
    _from_rows: ClassVar[tuple[str, ...]] = ()
    _of_spread: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for f in fields(self):
            given = getattr(self, f.name)
            if f.type is bool:
                arguments.flag(f.name, given)
                continue
            if given is None:
                continue
            numbers = arguments.numbers(f.name, given)
            if f.name in self._positive and (numbers <= 0).any():
                raise ValueError(f"{f.name} must be positive; got {given!r}.")
            if f.name in self._in_rows and (numbers > MOST_ROWS).any():
                raise ValueError(
                    f"{f.name} must be at most {MOST_ROWS:g}; got {given!r}. Try a smaller one: "
                    "even a thousandth of it leaves nothing to the data."
                )
            object.__setattr__(self, f.name, float(numbers) if numbers.ndim == 0 else numbers)

    @property
    def source(self) -> str:
        """For a sentence: what the numbers that are not given are taken from."""
        return ROBUST

    @abstractmethod
    def words(self, structure: Structure) -> str:
        """For a sentence: the priors of the means and of a structure's spread."""

    @property
    @abstractmethod
    def bounded(self) -> bool:
        """Whether the posterior's density has a maximum."""

    def check_structure(self, structure: Structure) -> None:
        """Refuse a structure that it has no form for, or numbers by component of a shared spread.

        Raises
        ------
        ValueError
        """
        for name, dims in self.dims.items():
            given = np.ndim(getattr(self, name))
            if structure.one_prior and name in self._of_spread and given > len(dims) - 1:
                raise ValueError(
                    f"{name} of the prior must be one for all components where covariance="
                    f"{structure.name!r}, of which all share a part; got shape "
                    f"{np.shape(getattr(self, name))}. Try covariance='full'."
                )

    @abstractmethod
    def resolved(
        self, x: np.ndarray, sample_weight: np.ndarray, n_components: int, covariance: str
    ) -> Self:
        """The prior with every number given, the missing ones scaled from the rows."""

    @abstractmethod
    def affine(self, scale: np.ndarray, shift: np.ndarray) -> Self:
        """The prior of ``scale * x + shift`` if this resolved one is the prior of x."""

    @abstractmethod
    def numbers(self, structure: Structure, n_components: int, n_features: int) -> Any:
        """A resolved prior in compiled code: a NamedTuple with the method ``add_log_density``."""

    @property
    def surrogate(self) -> "Prior":
        """A prior whose objective EM climbs in this one's place: itself, where it is conjugate."""
        return self

    @classmethod
    def from_dict(cls, numbers: dict[str, Any]) -> Self:
        """The prior that ``to_dict`` wrote, without its family's name."""
        return cls(**numbers)

    @property
    def scaled(self) -> list[str]:
        """Names of the numbers that are not given and depend on the rows."""
        return [name for name in self._from_rows if getattr(self, name) is None]

    def to_dict(self) -> dict[str, Any]:
        """Family name and given numbers, ready for JSON."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        numbers = {n: v.tolist() if isinstance(v, np.ndarray) else v for n, v in given.items()}
        return {"family": type(self).__name__, **numbers}

    def __repr__(self) -> str:
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        given = {n: v for n, v in given.items() if v is not None and v is not False}
        shown = (f"{n}={np.round(v, 4).tolist()}" for n, v in given.items())
        return f"{type(self).__name__}({', '.join(shown)})"

    def _filled(
        self, name: str, default: Any, shape: tuple[int, ...], n_components: int | None = None
    ) -> np.ndarray:
        """The given value, or the default, broadcast to its shape.

        With ``n_components``, a value of one more dimension has an axis of components in front.
        """
        given = getattr(self, name)
        value = np.asarray(default if given is None else given, dtype=np.float64)
        shapes = [shape] if n_components is None else [shape, (n_components, *shape)]
        try:
            return np.broadcast_to(value, shapes[value.ndim > len(shape)]).copy()
        except (ValueError, IndexError):
            expected = " or ".join(str(s) for s in shapes if s)
            raise ValueError(
                f"{name} of the prior must be a number or have shape {expected}; got {value.shape}."
            ) from None
