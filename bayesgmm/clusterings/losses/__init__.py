"""Losses between partitions of the rows, one file per kind: a new one is a file, and a row here."""

from typing import Literal

from bayesgmm.clusterings.losses.additive import BINDER, INFORMATION
from bayesgmm.clusterings.losses.adjusted_rand import ADJUSTED_RAND
from bayesgmm.clusterings.losses.by_draw import grouped, losses
from bayesgmm.clusterings.losses.protocol import Loss
from bayesgmm.runtime import arguments

LossName = Literal["vi", "binder", "adjusted_rand"]
LOSSES: dict[LossName, Loss] = {
    "vi": INFORMATION,
    "binder": BINDER,
    "adjusted_rand": ADJUSTED_RAND,
}
"""Every loss by its name."""


def loss_named(name: LossName, a: float = 1.0) -> Loss:
    """The loss of this name, if it can have this cost of splitting.

    Raises
    ------
    ValueError, TypeError
        There is none, or it has no such cost.
    """
    arguments.one_of("loss", name, LOSSES)
    loss = LOSSES[name]
    if arguments.number("a, the cost of splitting,", a, 0, 2) != 1 and not loss.costs:
        raise ValueError(f"a must be 1 for loss={name!r}, which has no cost of splitting; got {a}.")
    return loss


__all__ = ["LOSSES", "Loss", "LossName", "grouped", "loss_named", "losses"]
