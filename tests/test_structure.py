"""Structures: layouts of the spread, and what they count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import STRUCTURES, covariances, random_parameters

from bayesgmm import structure


@pytest.mark.parametrize("covariance", STRUCTURES)
@pytest.mark.parametrize("batch", [(), (3,), (2, 5)])
def test_spread_and_factor_invert_each_other_under_any_batch(covariance, batch):
    rng = np.random.default_rng(1)
    size = int(np.prod(batch))
    factors = np.array([random_parameters(rng, covariance, 3, 4).factor for _ in range(size)])
    factor = factors.reshape(*batch, *factors.shape[1:])
    spread = structure.spread_from_factor(factor, covariance)
    assert spread.shape == (*batch, *structure.spread_shape(covariance, 3, 4))
    np.testing.assert_allclose(structure.factor_from_spread(spread, covariance), factor, atol=1e-14)


@pytest.mark.parametrize("covariance", STRUCTURES)
def test_dense_covariances_are_those_of_every_component(covariance):
    rng = np.random.default_rng(2)
    several = [random_parameters(rng, covariance, 3, 4) for _ in range(5)]
    dense = structure.dense_covariances(np.array([p.factor for p in several]), covariance, 3, 4)
    np.testing.assert_allclose(dense, [covariances(p) for p in several], rtol=1e-14)


@pytest.mark.parametrize(
    ("covariance", "expected"),
    [("full", 3 * 10), ("tied", 10), ("diag", 3 * 4), ("spherical", 3)],
)
def test_free_parameters_of_the_spread_are_counted(covariance, expected):
    assert structure.n_spread(covariance, 3, 4) == expected


def test_a_matrix_that_is_not_positive_definite_is_refused():
    with pytest.raises(np.linalg.LinAlgError):
        structure.factor_from_spread([[1.0, 2.0], [2.0, 1.0]], "tied")


@given(st.lists(st.lists(st.text('a,[]" ', max_size=4), max_size=3), min_size=2, max_size=2))
def test_no_two_entries_share_a_name(labels):
    first, second = (structure.entry_name("means", some) for some in labels)
    assert (first == second) == (labels[0] == labels[1])
