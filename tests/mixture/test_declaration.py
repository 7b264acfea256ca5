"""The declaration of a mixture, and one point θ."""

import dataclasses
import json

import numpy as np
import pytest
from oracles import ISOTROPIC, STRUCTURES, covariances, random_parameters

import bayesgmm as bg
from bayesgmm.mixture import structure_named
from bayesgmm.mixture.parameters import MixtureParameters


@pytest.mark.parametrize("covariance", STRUCTURES)
@pytest.mark.parametrize(
    "prior",
    [
        bg.NormalInverseWishart(),
        bg.NormalInverseWishart(np.array([1.0, 2.5]), [0.0, 1.0], 0.1, 5, [[2.0, 0.5], [0.5, 1.0]]),
        bg.NormalLKJ(),
        bg.NormalLKJ(1.5, [0.0, 1.0], 3.0, [1.0, 2.0], eta=4),
    ],
    ids=["conjugate default", "conjugate given", "separate default", "separate given"],
)
def test_a_declaration_survives_json(covariance, prior):
    mixture = bg.GaussianMixture(2, covariance, prior)
    again = bg.GaussianMixture.from_dict(json.loads(json.dumps(mixture.to_dict())))
    assert (again.n_components, again.covariance) == (2, covariance)
    assert type(again.prior) is type(prior)
    for field in dataclasses.fields(prior):
        given, back = getattr(prior, field.name), getattr(again.prior, field.name)
        assert (given is None) == (back is None)
        if given is not None:
            np.testing.assert_array_equal(back, given)


def test_the_default_prior_is_conjugate_and_the_default_structure_full():
    mixture = bg.GaussianMixture(2)
    assert mixture.covariance == "full"
    assert isinstance(mixture.prior, bg.NormalInverseWishart)


def test_a_declaration_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        bg.GaussianMixture(2).n_components = 3


@pytest.mark.parametrize("size", [2, np.int64(2), np.uint8(2)])
def test_any_integer_is_a_number_of_components(size):
    mixture = bg.GaussianMixture(size)
    assert type(mixture.n_components) is int
    assert mixture.n_components == 2


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"n_components": 0}, ValueError, ["n_components", "at least 1", "0"]),
        ({"n_components": 2.0}, TypeError, ["n_components", "integer", "2.0"]),
        ({"n_components": True}, TypeError, ["n_components", "integer", "True"]),
        ({"n_components": "2"}, TypeError, ["n_components", "integer", "'2'"]),
        ({"n_components": 2, "covariance": "VVV"}, ValueError, ["covariance", "'tied'", "'VVV'"]),
        ({"n_components": 2, "prior": 1.0}, TypeError, ["prior", "NormalLKJ", "float"]),
        (
            {"n_components": 2, "covariance": "tied", "prior": bg.NormalInverseWishart(df=[4, 5])},
            ValueError,
            ["df", "one for all components", "'tied'", "(2,)"],
        ),
        (
            {"n_components": 2, "covariance": "proportional", "prior": bg.NormalLKJ()},
            ValueError,
            ["NormalLKJ has no form for covariance='proportional'", "NormalInverseWishart"],
        ),
        (
            {
                "n_components": 2,
                "covariance": "proportional",
                "prior": bg.NormalInverseWishart(df=[4, 5]),
            },
            ValueError,
            ["df", "one for all components", "'proportional'", "(2,)"],
        ),
        (
            {
                "n_components": 2,
                "covariance": "tied",
                "prior": bg.NormalInverseWishart(scale=np.ones((2, 1, 1))),
            },
            ValueError,
            ["scale", "one for all components", "'tied'", "(2, 1, 1)"],
        ),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected_and_what_came(arguments, error, words):
    with pytest.raises(error) as caught:
        bg.GaussianMixture(**arguments)
    assert all(word in str(caught.value) for word in words)


def test_a_concentration_below_one_is_raised_where_a_mode_is_needed_and_nothing_else_changes():
    prior = bg.NormalInverseWishart(np.array([0.5, 3.0]), mean_concentration=0.2)
    mixture = bg.GaussianMixture(2, "diag", prior)
    interior = mixture.with_interior_mode()
    np.testing.assert_array_equal(interior.prior.concentration, [1.0, 3.0])
    assert interior.prior.mean_concentration == 0.2
    assert interior.covariance == "diag"
    for concentration in (None, 1.0, 2.0):
        same = bg.GaussianMixture(2, prior=bg.NormalLKJ(concentration))
        assert same.with_interior_mode() is same


@pytest.mark.parametrize("covariance", STRUCTURES)
def test_parameters_come_back_from_the_spread(covariance):
    p = random_parameters(np.random.default_rng(1), covariance, 3, 2)
    again = MixtureParameters.from_spread(covariance, p.weights, p.means, p.spread)
    np.testing.assert_allclose(again.factor, p.factor, atol=1e-14)
    np.testing.assert_allclose(again.covariances, covariances(p), rtol=1e-13)
    assert p.structure.spread == structure_named(covariance).spread
    assert p.covariances.shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("covariance", "expected"), [("full", 44), ("tied", 24), ("diag", 26), ("spherical", 17)]
)
def test_parameters_are_counted_as_mclust_counts_them(covariance, expected):
    assert random_parameters(np.random.default_rng(1), covariance, 3, 4).n_parameters == expected


@pytest.mark.parametrize("covariance", STRUCTURES)
def test_permuted_components_are_the_same_mixture_in_another_order(covariance):
    p = random_parameters(np.random.default_rng(1), covariance, 3, 2)
    q = p.permuted([2, 0, 1])
    np.testing.assert_array_equal(q.weights, p.weights[[2, 0, 1]])
    np.testing.assert_array_equal(q.means, p.means[[2, 0, 1]])
    np.testing.assert_array_equal(q.covariances, p.covariances[[2, 0, 1]])


@pytest.mark.parametrize("covariance", STRUCTURES)
def test_the_affine_image_is_the_mixture_of_the_affine_data(covariance):
    p = random_parameters(np.random.default_rng(1), covariance, 3, 2)
    scale = np.full(2, 3.0) if covariance in ISOTROPIC else np.array([1e-3, 40.0])
    q = p.affine(scale, np.array([5.0, -7.0]))
    np.testing.assert_array_equal(q.weights, p.weights)
    np.testing.assert_allclose(q.means, p.means * scale + [5.0, -7.0])
    np.testing.assert_allclose(covariances(q), covariances(p) * np.outer(scale, scale), rtol=1e-13)


def test_log_weights_stay_finite_where_a_weight_underflows():
    p = MixtureParameters("diag", np.array([1.0, 0.0]), np.zeros((2, 1)), np.ones((2, 1)))
    assert np.isfinite(p.log_weights).all()
    np.testing.assert_allclose(np.exp(p.log_weights), p.weights, atol=1e-200)


def test_separate_priors_written_by_version_0_1_have_half_normal_scales():
    written = bg.GaussianMixture(2, prior=bg.NormalLKJ(half_normal=True)).to_dict()
    for new in ("half_normal", "df"):
        del written["prior"][new]
    assert bg.GaussianMixture.from_dict(written).prior.half_normal
