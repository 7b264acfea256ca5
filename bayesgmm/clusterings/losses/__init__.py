"""Losses between partitions of the rows, one file per kind: a new one is a file, and a row here."""

from typing import Literal

from bayesgmm.clusterings.losses.additive import Binder, Information
from bayesgmm.clusterings.losses.adjusted_rand import AdjustedRand
from bayesgmm.clusterings.losses.by_draw import grouped as grouped
from bayesgmm.clusterings.losses.by_draw import losses as losses
from bayesgmm.clusterings.losses.protocol import Loss as Loss
from bayesgmm.runtime import arguments

LossName = Literal["vi", "binder", "adjusted_rand"]
LOSSES: dict[LossName, Loss] = {
    "vi": Information(),
    "binder": Binder(),
    "adjusted_rand": AdjustedRand(),
}
"""Every loss by its name."""


def loss_named(name: LossName, a: float = 1.0) -> Loss:
    """The loss of this name, refused if there is none, or none with this cost of splitting."""
    arguments.one_of("loss", name, LOSSES)
    loss = LOSSES[name]
    if arguments.number("a, the cost of splitting,", a, 0, 2) != 1 and not loss.costs:
        raise ValueError(f"a must be 1 for loss={name!r}, which has no cost of splitting; got {a}.")
    return loss
