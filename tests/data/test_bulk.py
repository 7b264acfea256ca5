"""The bulk of the rows: what one row in twenty, the order of rows and their units cannot move."""

import numpy as np
import pytest
from oracles import ISOTROPIC, STRUCTURES

from bayesgmm.data.bulk import MOST_ROWS, Bulk
from bayesgmm.mixture import structure_named

structures = pytest.mark.parametrize("structure", STRUCTURES)
SPREAD = np.array([[1.0, 0.5, 0.1], [0.5, 2.0, -0.4], [0.1, -0.4, 0.7]])
CENTRES = np.array([[0.0, 0, 0], [9, 0, 3], [-6, 8, 0]])


def clusters(n=600, seed=1, spread=SPREAD, centres=CENTRES):
    """Rows of clusters that share a covariance, one after another."""
    rng = np.random.default_rng(seed)
    centre = np.repeat(centres, n // len(centres), axis=0)
    return centre + rng.multivariate_normal(np.zeros(len(spread)), spread, len(centre))


def bulk(x, structure="full", weight=None):
    weight = np.ones(len(x)) if weight is None else np.asarray(weight, dtype=float)
    return Bulk.of(np.asarray(x, dtype=float), weight, structure_named(structure))


def close(a, b, rtol):
    """Covariance matrices, in the units of the second."""
    sd = np.sqrt(np.diag(b))
    np.testing.assert_allclose(a / np.outer(sd, sd), b / np.outer(sd, sd), atol=rtol)


def test_within_is_the_covariance_that_clusters_share():
    close(bulk(clusters(6000)).within(3), SPREAD, 0.08)


@pytest.mark.parametrize("apart", [1, 100, 10_000])
def test_within_does_not_depend_on_how_far_clusters_lie_apart(apart):
    x = clusters(centres=CENTRES * apart)
    close(bulk(x).within(3), bulk(clusters()).within(3), 0.02)


def test_of_one_component_it_is_the_covariance():
    x = clusters(6000, centres=np.zeros((1, 3)))
    close(bulk(x).within(1), SPREAD, 0.08)
    close(bulk(x).covariance, SPREAD, 0.08)
    np.testing.assert_allclose(bulk(x).centre, 0, atol=0.1)


@pytest.mark.parametrize("k", [4, 6, 12])
def test_components_beyond_the_clusters_do_not_narrow_it(k):
    close(bulk(clusters()).within(k), bulk(clusters()).within(3), 1e-9)


def test_diag_and_spherical_have_their_own_form():
    x = clusters(6000, spread=np.diag([1.0, 2.0, 4.0]))
    close(bulk(x, "diag").within(3), np.diag([1.0, 2.0, 4.0]), 0.08)
    assert not bulk(x, "diag").within(3)[~np.eye(3, dtype=bool)].any()
    isotropic = bulk(x, "spherical").within(3)
    np.testing.assert_allclose(isotropic, np.eye(3) * isotropic[0, 0])
    np.testing.assert_allclose(isotropic[0, 0], 7 / 3, rtol=0.15)


@structures
@pytest.mark.parametrize("far", [30.0, 1e4, 1e9, 1e300])
@pytest.mark.parametrize("where", ["one place", "all over", "one column"])
def test_one_row_in_twenty_moves_none_of_it(structure, far, where):
    x = clusters()
    bad = x.copy()
    rng = np.random.default_rng(2)
    if where == "one place":
        bad[::20] = far
    elif where == "all over":
        bad[::20] = far * rng.normal(size=(30, 3))
    else:
        bad[::20, 1] = -far
    # That of good rows alone; the twentieth that is left out is then one of the good ones.
    good = bulk(np.delete(x, np.s_[::20], axis=0), structure)
    found = bulk(bad, structure)
    close(found.within(3), good.within(3), 0.3)
    close(found.covariance, good.covariance, 0.3)
    sd = np.sqrt(np.diag(good.covariance))
    np.testing.assert_allclose((found.centre - good.centre) / sd, 0, atol=0.2)


@structures
def test_the_order_of_rows_plays_no_part(structure):
    x = clusters()
    mixed = np.random.default_rng(3).permutation(x)
    for k in (1, 3):
        close(bulk(mixed, structure).within(k), bulk(x, structure).within(k), 1e-9)


def test_nor_does_it_among_many_rows():
    x = clusters(3 * MOST_ROWS)
    mixed = np.random.default_rng(3).permutation(x)
    close(bulk(mixed).within(3), bulk(x).within(3), 1e-9)


@structures
@pytest.mark.parametrize("unit", [1e-8, 1e8])
def test_it_moves_with_the_units(structure, unit):
    x, scale = clusters(), unit * np.array([1.0, 7.0, 0.1])
    if structure in ISOTROPIC:
        scale[:] = unit
    before, after = bulk(x, structure), bulk(x * scale + 5 * scale, structure)
    for k in (1, 3):
        close(after.within(k), before.within(k) * np.outer(scale, scale), 1e-7)
    np.testing.assert_allclose(after.centre, before.centre * scale + 5 * scale, rtol=1e-7)


@structures
def test_a_row_counts_as_often_as_its_weight_says(structure):
    x = clusters(300)
    weight = np.random.default_rng(4).integers(0, 4, size=len(x))
    a, b = bulk(x, structure, weight), bulk(np.repeat(x, weight, axis=0), structure)
    for k in (1, 3):
        close(a.within(k), b.within(k), 1e-9)


@structures
@pytest.mark.parametrize(
    "x",
    [
        np.random.default_rng(5).normal(size=(5, 8)),
        np.random.default_rng(5).integers(0, 2, size=(150, 2)),
        np.eye(40)[np.random.default_rng(5).integers(0, 40, 200)][:, :3],
        np.column_stack([np.arange(50.0), 2 * np.arange(50.0)]),
        np.column_stack([np.arange(50.0), np.r_[2 * np.arange(49.0), -9999]]),
        np.repeat([[0.0, 1], [1, 0]], [97, 3], axis=0),
        np.random.default_rng(5).standard_cauchy(size=(200, 2)),
    ],
    ids=[
        *("few rows", "zeros and ones", "rare ones"),
        *("collinear", "collinear but for one row", "two rows", "Cauchy"),
    ],
)
def test_whatever_the_rows_it_is_positive_definite(structure, x):
    found = bulk(x, structure)
    for matrix in (found.covariance, *(found.within(k) for k in (1, 2, 5))):
        sd = np.sqrt(np.diag(matrix))
        assert np.linalg.eigvalsh(matrix / np.outer(sd, sd))[0] > 0


def test_a_column_that_hardly_varies_in_many_rows_has_a_scale():
    x = np.random.default_rng(6).normal(size=(50_000, 2))
    x[:, 1] = 0
    x[[7, 20_000], 1] = 3
    for matrix in (bulk(x).covariance, bulk(x).within(3)):
        assert (np.linalg.eigvalsh(matrix) > 0).all()


@pytest.mark.parametrize("k", [1, 2, 3, 4, 8])
def test_components_on_single_values_leave_the_step_between_values(k):
    x = np.random.default_rng(78).integers(0, 2, size=(150, 2))
    assert np.linalg.eigvalsh(bulk(x).within(k))[0] > 0.01


def test_weights_too_small_to_estimate_a_scale_are_refused():
    with pytest.raises(ValueError, match=r"sample_weight.*sums to 1"):
        bulk(np.ones((4, 2)), weight=np.full(4, 0.25))
