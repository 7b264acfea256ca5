"""Few rows drawn from many: the same whatever their order, and weights for repeats."""

import numpy as np
import pytest

from bayesgmm.data import canonical_order, drawn, systematic
from bayesgmm.data import drawing as module

SHIFT, SCALE = np.array([0.1, -0.2]), np.array([1.5, 0.7])


def table(kind, n=5000):
    rng = np.random.default_rng(1)
    x = {
        "continuous": lambda: rng.normal(size=(n, 2)),
        "of few values": lambda: rng.integers(3, size=(n, 2)).astype(float),
        "with far rows": lambda: rng.standard_cauchy(size=(n, 2)),
        "all equal": lambda: np.ones((n, 2)),
    }[kind]()
    return x, rng.integers(0, 4, size=n).astype(float)


def rows_of(x, weight, n=300):
    return x[drawn(x, weight, SHIFT, SCALE, n, np.random.default_rng(2))]


every_kind = pytest.mark.parametrize(
    "kind", ["continuous", "of few values", "with far rows", "all equal"]
)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 700)


@every_kind
def test_it_draws_as_from_all_rows_in_order(kind):
    x, weight = table(kind)
    order = canonical_order(x, SHIFT, SCALE)
    expected = order[systematic(weight[order], 300, np.random.default_rng(2))]
    np.testing.assert_array_equal(rows_of(x, weight), x[expected])


@every_kind
def test_neither_order_nor_weights_for_repeats_matter(kind):
    x, weight = table(kind)
    found = rows_of(x, weight)
    shuffled = np.random.default_rng(3).permutation(len(x))
    np.testing.assert_array_equal(rows_of(x[shuffled], weight[shuffled]), found)
    repeated = np.repeat(x, weight.astype(int), axis=0)
    np.testing.assert_array_equal(rows_of(repeated, np.ones(len(repeated))), found)


def test_rows_are_drawn_in_proportion_to_weight():
    x = np.arange(4000.0)[:, None] * np.ones(2)
    weight = np.where(np.arange(4000) < 1000, 3.0, 1.0)
    found = rows_of(x, weight, n=600)[:, 0]
    assert (found < 1000).sum() == 300
    assert np.diff(np.sort(found)).max() < 30
