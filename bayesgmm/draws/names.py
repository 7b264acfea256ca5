"""How the tree of draws spells its groups, variables, dimensions and attributes."""

from collections.abc import Sequence

POSTERIOR = "posterior"
STATISTICS = "sample_stats"
WARMUP = "warmup_"
"""Before the names of both, for the tuning draws."""
OBSERVED = "observed_data"
CONSTANT = "constant_data"
MAP = "map"
CLUSTERING = "clustering"
LOG_LIKELIHOOD = "log_likelihood"
PREDICTIVE = "posterior_predictive"
RUN = "run"
"""What a run must know of itself to go on; only on disk."""

CHAIN, DRAW = "chain", "draw"
LEAD = (CHAIN, DRAW)
COMPONENT, FEATURE, FEATURE_BIS, OBS = "component", "feature", "feature_bis", "obs"

WEIGHTS, MEANS = "weights", "means"
LP = "lp"
POSITION = "position"
X = "x"
SAMPLE_WEIGHT = "sample_weight"
PERMUTATION = "permutation"
MEAN_PROBABILITY = "mean_probability"
MARGIN = "margin"
EXCHANGEABLE = "exchangeable"
"""A variable of a relabelled clustering, and an attribute of what was sampled."""

DECLARATION = "bayesgmm_declaration"
DATA_HASH = "data_hash"
PLAIN = "plain_mixture"
"""Whether the rows have the density of the mixture of weights, means and spread; 1 if not said."""
AMBIGUOUS = "ambiguous"
INTERRUPTED = "interrupted"
WALL_TIME = "wall_time"
VERSIONS = "versions"


def entry_name(variable: str, labels: Sequence[object]) -> str:
    """Name of one entry of a variable, such as ``means[0, waiting]``; no two entries share one."""
    return f"{variable}[{', '.join(quoted(label) for label in labels)}]" if labels else variable


def quoted(label: object) -> str:
    """A label as text; in quotes where a comma or a bracket in it could be taken for the list's."""
    text = str(label)
    if any(mark in text for mark in ',[]"'):
        return '"' + text.replace('"', '""') + '"'
    return text
