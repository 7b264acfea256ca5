"""What a comparison of two clusterings says in words."""

from typing import TYPE_CHECKING

import numpy as np

from bayesgmm.clusterings.disagreements import DISPUTED
from bayesgmm.posterior import AMBIGUOUS, Diagnosis

if TYPE_CHECKING:
    from bayesgmm.clusterings.comparison import Comparison


def sentence(c: "Comparison", diagnosis: Diagnosis) -> str:
    n, n_disputed = len(c.rows), int(c.rows["disputed"].sum())
    ball = f"the {c.prob:.0%} credible ball"
    if c.distance == 0:
        says = ["The MAP's clustering is the posterior's own."]
    elif c.inside:
        says = [
            f"The MAP's clustering is not the posterior's, but lies in {ball}: the data do not "
            f"rule it out ({c.distance:.2g} bits apart, adjusted Rand index {c.adjusted_rand:.2f})."
        ]
    else:
        says = [
            f"The MAP's clustering lies outside {ball}, farther out than {1 - c.farther:.1%} of "
            f"the draws ({c.distance:.2g} bits apart, adjusted Rand index {c.adjusted_rand:.2f}): "
            "do not report it for the posterior's."
        ]
    in_map = len(np.unique(c.map_labels))
    if in_map != c.partition.n_clusters:
        says.append(f"It has {in_map} clusters, the posterior's {c.partition.n_clusters}.")
    if diagnosis.labels == AMBIGUOUS:
        says.append(
            "Labels are ambiguous: trust what needs none, distances, regret and pairs, before "
            "probabilities of labels and single parameters."
        )
    expected = c.rows["p_wrong"].sum()
    verb = "has" if n_disputed == 1 else "have"
    says.append(
        f"About {expected:.2g} of {n} MAP labels are expected to be wrong; {n_disputed} "
        f"{'row' if n_disputed == 1 else 'rows'} {verb} a wrong one with a probability above "
        f"{DISPUTED:.0%}."
    )
    at = c.parameters
    outside = int(((at["map"] < at["lower"]) | (at["map"] > at["upper"])).sum())
    if outside:
        says.append(
            f"{outside} of {len(at)} parameters of the MAP lie outside their {c.prob:.0%} "
            "intervals."
        )
    if not c.enough:
        says.insert(0, diagnosis.statements[0])
    return " ".join(says)
