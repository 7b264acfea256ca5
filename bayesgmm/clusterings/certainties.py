"""How sure the draws are that the rows of a cluster belong together."""

import numpy as np

from bayesgmm.clusterings.losses import grouped
from bayesgmm.runtime import compiled


def certainties(draws, labels):
    """Per row the mean share of the rest of its cluster that is with it in a draw, (n_obs,).

    Of a row that is a cluster by itself: the share of draws in which it is alone.
    """
    order, bounds = grouped(labels)
    return _certainties(draws, order, bounds, int(draws.max()) + 1)


@compiled
def _certainties(draws, order, bounds, n_labels):
    n_draws, n_obs = draws.shape
    out, count, size = np.zeros(n_obs), np.zeros(n_labels), np.zeros(n_labels)
    for s in range(n_draws):
        size[:] = 0
        for i in range(n_obs):
            size[draws[s, i]] += 1
        for k in range(len(bounds) - 1):
            members = order[bounds[k] : bounds[k + 1]]
            if len(members) == 1:
                out[members[0]] += size[draws[s, members[0]]] == 1
                continue
            for i in members:
                count[draws[s, i]] += 1
            for i in members:
                out[i] += (count[draws[s, i]] - 1) / (len(members) - 1)
            for i in members:
                count[draws[s, i]] = 0
    return out / n_draws
