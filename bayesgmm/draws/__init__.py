"""The tree of draws, and nobody else: how it is written, read, and kept on disk."""

from bayesgmm.draws import names
from bayesgmm.draws.exchangeable import said
from bayesgmm.draws.files import load, save
from bayesgmm.draws.monte_carlo_error import batches, mcse_of_mean, standard_error
from bayesgmm.draws.names import entry_name, quoted
from bayesgmm.draws.read import Posterior, Reading, Rows, holds_mixture, is_relabelled
from bayesgmm.draws.store import Store, claimed_store, read_tree
from bayesgmm.draws.write import (
    SAMPLER_STATISTICS,
    data_hash,
    kept,
    map_dataset,
    mixture_tree,
    mixture_variables,
    model_tree,
    model_variables,
    n_values,
    run_group,
)

__all__ = [
    "SAMPLER_STATISTICS",
    "Posterior",
    "Reading",
    "Rows",
    "Store",
    "batches",
    "claimed_store",
    "data_hash",
    "entry_name",
    "holds_mixture",
    "is_relabelled",
    "kept",
    "load",
    "map_dataset",
    "mcse_of_mean",
    "mixture_tree",
    "mixture_variables",
    "model_tree",
    "model_variables",
    "n_values",
    "names",
    "quoted",
    "read_tree",
    "run_group",
    "said",
    "save",
    "standard_error",
]
