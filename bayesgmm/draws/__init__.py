"""The tree of draws, and nobody else: how it is written, read, and kept on disk."""

from bayesgmm.draws import names as names
from bayesgmm.draws.exchangeable import said as said
from bayesgmm.draws.files import load as load
from bayesgmm.draws.files import save as save
from bayesgmm.draws.monte_carlo_error import batches as batches
from bayesgmm.draws.monte_carlo_error import mcse_of_mean as mcse_of_mean
from bayesgmm.draws.monte_carlo_error import standard_error as standard_error
from bayesgmm.draws.names import entry_name as entry_name
from bayesgmm.draws.names import quoted as quoted
from bayesgmm.draws.read import Posterior as Posterior
from bayesgmm.draws.read import Reading as Reading
from bayesgmm.draws.read import holds_mixture as holds_mixture
from bayesgmm.draws.read import is_relabelled as is_relabelled
from bayesgmm.draws.store import Store as Store
from bayesgmm.draws.store import claimed_store as claimed_store
from bayesgmm.draws.store import read_tree as read_tree
from bayesgmm.draws.write import SAMPLER_STATISTICS as SAMPLER_STATISTICS
from bayesgmm.draws.write import data_hash as data_hash
from bayesgmm.draws.write import kept as kept
from bayesgmm.draws.write import map_dataset as map_dataset
from bayesgmm.draws.write import mixture_tree as mixture_tree
from bayesgmm.draws.write import mixture_variables as mixture_variables
from bayesgmm.draws.write import model_tree as model_tree
from bayesgmm.draws.write import model_variables as model_variables
from bayesgmm.draws.write import n_values as n_values
from bayesgmm.draws.write import run_group as run_group
