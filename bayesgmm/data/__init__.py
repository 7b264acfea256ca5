"""Observations: anything a user has, as checked float64 rows with feature names.

Must not import pymc or arviz. Table libraries are imported only when a table comes.
"""

from bayesgmm.data.bulk import Bulk
from bayesgmm.data.dialects import Dialect
from bayesgmm.data.evidence import Evidence, training_data
from bayesgmm.data.names import clean_name
from bayesgmm.data.new_rows import rows_like
from bayesgmm.data.peculiar import peculiarities
from bayesgmm.data.rows import (
    Observations,
    observations,
    observations_of,
    usual_columns,
    with_reasons,
)
from bayesgmm.data.scaling import location_and_covariance, well_conditioned
from bayesgmm.data.tables import Rows, table_of

__all__ = [
    "Bulk",
    "Dialect",
    "Evidence",
    "Observations",
    "Rows",
    "clean_name",
    "location_and_covariance",
    "observations",
    "observations_of",
    "peculiarities",
    "rows_like",
    "table_of",
    "training_data",
    "usual_columns",
    "well_conditioned",
    "with_reasons",
]
