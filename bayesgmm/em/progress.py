"""What a search shows of itself while it goes on."""

import math
import sys
from typing import Any

from bayesgmm.em.climb import Climb
from bayesgmm.em.objective import Objective
from bayesgmm.runtime import progress_bar


class Bar:
    """A progress bar over climbs, of which part is done that is left to the gradient norm."""

    def __init__(self, objective: Objective, show: bool) -> None:
        flat = objective.prior is None
        self.what = "maximum likelihood" if flat else "posterior mode"
        self.density = "log likelihood" if flat else "log posterior"
        self.done, self.first = 0.0, 0.0
        self.bar = progress_bar(
            None, self.what, show, total=1, miniters=0,
            bar_format="{desc}: {percentage:3.0f}% |{bar}| {elapsed}, {remaining} left{postfix}",
        )  # fmt: skip

    def __enter__(self) -> "Bar":
        self.bar.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self.bar.__exit__(*raised)

    def say(self, text: str) -> None:
        """A line above the bar, which stays."""
        if not self.bar.disable:
            self.bar.write(f"{self.what}: {text}", file=sys.stderr)

    def begin(self, name: str, total: int) -> None:
        """Of a part of the search nothing is done yet."""
        self.done = 0.0
        self.bar.total = total
        self.bar.set_description(f"{self.what}: {name}", refresh=False)
        self.bar.update(-self.bar.n)

    def advance(self, share: float) -> None:
        """A share of a climb has come to its end."""
        self.done, self.first = self.done + share, 0.0
        self.bar.update(self.done - self.bar.n)

    def show(self, climb: Climb, objective: Objective, tol: float) -> None:
        """Of a climb is done half the share of decades from its first gradient norm to tol."""
        norm = climb.end.gradient_norm
        self.first = max(self.first, norm)
        value = climb.end.value + objective.offset
        self.bar.set_postfix_str(
            f"iteration {len(climb.trace)}, {self.density} {value:.2f}", refresh=False
        )
        if tol < norm < self.first < math.inf:
            share = math.log(self.first / norm) / math.log(self.first / tol)
            self.bar.update(max(self.done + 0.5 * share - self.bar.n, 0))
