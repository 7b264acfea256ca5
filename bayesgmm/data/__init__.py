"""Observations: anything a user has, as checked float64 rows with feature names.

Must not import pymc or arviz. Table libraries are imported only when a table comes.
"""

from bayesgmm.data.peculiar import peculiarities
from bayesgmm.data.rows import Observations, observations, rows_like
from bayesgmm.data.training import training_data

__all__ = ["Observations", "observations", "peculiarities", "rows_like", "training_data"]
