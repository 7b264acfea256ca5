"""Observations: anything a user has, as checked float64 rows with feature names.

Must not import pymc or arviz. Table libraries are imported only when a table comes.
"""

from bayesgmm.data.bulk import Bulk as Bulk
from bayesgmm.data.dialects import Dialect as Dialect
from bayesgmm.data.drawing import canonical_order as canonical_order
from bayesgmm.data.drawing import drawn as drawn
from bayesgmm.data.drawing import systematic as systematic
from bayesgmm.data.evidence import Evidence as Evidence
from bayesgmm.data.evidence import training_data as training_data
from bayesgmm.data.names import clean_name as clean_name
from bayesgmm.data.new_rows import rows_like as rows_like
from bayesgmm.data.peculiar import peculiarities as peculiarities
from bayesgmm.data.rows import Observations as Observations
from bayesgmm.data.rows import Rows as Rows
from bayesgmm.data.rows import observations as observations
from bayesgmm.data.rows import observations_of as observations_of
from bayesgmm.data.rows import usual_columns as usual_columns
from bayesgmm.data.rows import with_reasons as with_reasons
from bayesgmm.data.scaling import location_and_covariance as location_and_covariance
from bayesgmm.data.scaling import well_conditioned as well_conditioned
from bayesgmm.data.tables import table_of as table_of
