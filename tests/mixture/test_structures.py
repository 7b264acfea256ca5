"""Structures: layouts of the spread, and what they count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import STRUCTURES, covariances, random_parameters

import bayesgmm as bg
from bayesgmm.cli.commands import Covariance
from bayesgmm.draws import entry_name
from bayesgmm.mixture import STRUCTURES as REGISTERED
from bayesgmm.mixture import MixtureParameters, structure_named


@pytest.mark.parametrize("covariance", STRUCTURES)
@pytest.mark.parametrize("batch", [(), (3,), (2, 5)])
def test_spread_and_factor_invert_each_other_under_any_batch(covariance, batch):
    rng = np.random.default_rng(1)
    size = int(np.prod(batch))
    factors = np.array([random_parameters(rng, covariance, 3, 4).factor for _ in range(size)])
    factor = factors.reshape(*batch, *factors.shape[1:])
    structure = structure_named(covariance)
    spread = structure.to_spread(factor)
    assert spread.shape == (*batch, *structure.spread_shape(3, 4))
    np.testing.assert_allclose(structure.from_spread(spread), factor, atol=1e-14)


@pytest.mark.parametrize("covariance", STRUCTURES)
def test_dense_covariances_are_those_of_every_component(covariance):
    rng = np.random.default_rng(2)
    several = [random_parameters(rng, covariance, 3, 4) for _ in range(5)]
    structure, factor = structure_named(covariance), np.array([p.factor for p in several])
    dense = np.array([covariances(p) for p in several])
    np.testing.assert_allclose(structure.covariances(factor, 3, 4), dense, rtol=1e-14)
    variances = dense.diagonal(axis1=2, axis2=3)
    np.testing.assert_allclose(structure.variances(factor, 3, 4), variances, rtol=1e-14)
    log_deviations = structure.log_deviations(factor, 3, 4).sum(axis=2)
    np.testing.assert_allclose(2 * log_deviations, np.linalg.slogdet(dense)[1], rtol=1e-12)


@pytest.mark.parametrize(
    ("covariance", "expected"),
    [
        ("full", 3 * 10),
        ("tied", 10),
        ("diag", 3 * 4),
        ("spherical", 3),
        ("tied_diag", 4),
        ("tied_spherical", 1),
        ("proportional", 3 + 9),
    ],
)
def test_free_parameters_of_the_spread_are_counted(covariance, expected):
    assert structure_named(covariance).n_free(3, 4) == expected


def test_a_matrix_that_is_not_positive_definite_is_refused():
    with pytest.raises(np.linalg.LinAlgError):
        structure_named("tied").from_spread([[1.0, 2.0], [2.0, 1.0]])


@given(st.lists(st.lists(st.text('a,[]" ', max_size=4), max_size=3), min_size=2, max_size=2))
def test_no_two_entries_share_a_name(labels):
    first, second = (entry_name("means", some) for some in labels)
    assert (first == second) == (labels[0] == labels[1])


def test_every_structure_is_tested_and_the_command_knows_all():
    assert list(REGISTERED) == list(STRUCTURES) == [c.value for c in Covariance]


@pytest.mark.parametrize("name", ["Full", "banded", ""])
def test_an_unknown_structure_is_an_error_wherever_it_arrives(name):
    p = random_parameters(np.random.default_rng(1), "full", 2, 2)
    unknown = MixtureParameters(name, p.weights, p.means, p.factor)
    for use in (
        lambda: structure_named(name),
        lambda: unknown.covariances,
        lambda: bg.GaussianMixture(2, name),
        lambda: bg.NormalInverseWishart().resolved(np.eye(2), np.ones(2), 2, name),
    ):
        with pytest.raises(ValueError, match="covariance must be one of 'full'"):
            use()
