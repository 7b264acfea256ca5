"""Which components a PyMC model tells apart, however its variables are written."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from declared import rows
from pymc.distributions.transforms import ordered

import bayesgmm as bg
from bayesgmm.sampling.exchangeable import model_facts

ONE, TWO = rows(30, 1), rows(30, 2)
NAMES = {"component": ["a", "b", "c"], "feature": ["x1", "x2"]}


def mixture(weights, means, sigma, x=TWO):
    """The rest of a model, with the names that the package reads."""
    for name, value in (("weights", weights), ("means", means), ("variances", sigma**2)):
        if name not in pm.modelcontext(None):
            pm.Deterministic(name, value)
    bg.MarginalMixture("x", weights, means, sigma=sigma, observed=x)


def groups(model):
    return model_facts(model)[0].tolist()


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        (bg.NormalInverseWishart(), [0, 0, 0]),
        (bg.NormalLKJ(), [0, 0, 0]),
        (bg.NormalInverseWishart(concentration=[4, 2, 2]), [0, 1, 1]),
        (bg.NormalInverseWishart(mean=[[0, 0], [1, 1], [0, 0]]), [0, 1, 0]),
        (bg.NormalInverseWishart(df=[5, 6, 7]), [0, 1, 2]),
    ],
    ids=str,
)
def test_a_declared_prior_tells_apart_what_its_numbers_do(prior, expected):
    assert groups(bg.declare(bg.GaussianMixture(3, prior=prior), TWO)) == expected


def test_a_shared_spread_is_nobodys_though_it_has_as_many_features_as_there_are_components():
    assert groups(bg.declare(bg.GaussianMixture(2, "tied"), TWO)) == [0, 0]


def test_a_fixed_component_is_told_apart_from_the_others():
    with pm.Model() as model:
        means, sd = pm.Normal("m", 0, 3, shape=2), pm.HalfNormal("sd", 1, shape=2)
        means = pt.concatenate([[0.0], means])[:, None]
        mixture(pm.Dirichlet("w", np.ones(3)), means, pt.concatenate([[3.0], sd]), ONE)
    assert groups(model) == [0, 1, 1]


def test_an_order_that_is_imposed_tells_components_apart():
    with pm.Model(coords=NAMES) as model:
        places = pm.Normal("m", 0, 3, dims="component", transform=ordered, initval=[-1.0, 0.0, 1.0])
        sd = pm.HalfNormal("sd", 1, dims="component")
        mixture(pm.Dirichlet("weights", np.ones(3), dims="component"), places[:, None], sd, ONE)
    assert groups(model) == [0, 1, 2]


@pytest.mark.parametrize(("b", "expected"), [(2.0, [0, 0]), (3.0, [0, 1])])
def test_a_weight_and_its_rest_may_swap_where_their_prior_is_symmetric(b, expected):
    with pm.Model() as model:
        p = pm.Beta("p", 2.0, b)
        # Neither dimensions nor one variable for all components.
        means = pt.stack([pm.Normal("m0", 0, 3), pm.Normal("m1", 0, 3)])[:, None]
        s1, s0 = pm.HalfNormal("s1", 1), pm.HalfNormal("s0", 1)
        mixture(pt.stack([p, 1 - p]), means, pt.stack([s0, s1]), ONE)
    assert groups(model) == expected


@pytest.mark.parametrize("named", [True, False])
def test_log_odds_and_scales_of_priors_by_component_may_swap(named):
    with pm.Model(coords=NAMES if named else {}) as model:
        by = {"dims": "component"} if named else {"shape": 3}
        weights = pt.special.softmax(pm.Normal("odds", 0, 1, **by))
        width = pm.HalfNormal("width", 1, **by)
        means = pm.Normal("m", pm.Normal("centre", 0, 1), width, **by)[:, None]
        mixture(weights, means, pm.HalfNormal("s", 1) * pt.ones(3), ONE)
    assert groups(model) == [0, 0, 0]


@pytest.mark.parametrize(("sd", "expected"), [([1.0, 1.0], [0, 0]), ([1.0, 1.5], [0, 1])])
def test_as_many_features_as_components_are_no_confusion(sd, expected):
    with pm.Model() as model:
        centre = pm.Normal("centre", [0.0, 5.0], 1, shape=2)
        means = pm.Normal("means", centre, np.array(sd)[:, None], shape=(2, 2))
        mixture(pm.Dirichlet("weights", [1.0, 1.0]), means, pm.HalfNormal("s", 1, shape=(2, 2)))
    assert groups(model) == expected


def test_what_the_rows_or_a_potential_say_of_one_component_counts():
    with bg.declare(bg.GaussianMixture(2), TWO) as model:
        pm.Potential("small", -model["weights"][0])
    assert groups(model) == [0, 1]
    with bg.declare(bg.GaussianMixture(2), TWO) as model:
        pm.Normal("seen", model["means"][1, 0], 1, observed=3.0)
    assert groups(model) == [0, 1]


def test_of_a_model_without_our_names_nothing_is_said():
    with pm.Model() as model:
        pm.Normal("weights", 0, 1, shape=2)
    assert model_facts(model) == (None, True)


@pytest.mark.parametrize("penalty", [-np.inf, -1e6])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_an_order_that_a_potential_imposes_tells_components_apart(k, penalty):
    with pm.Model() as model:
        m = pm.Normal("means", 0, 2, shape=(k, 1), initval=np.linspace(-0.5, 0.5, k)[:, None])
        broken = pt.any(m[1:, 0] < m[:-1, 0])
        pm.Potential("order", pt.switch(broken, penalty, 0.0))
        mixture(pm.Dirichlet("weights", np.full(k, 2.0)), m, pm.HalfNormal("sd", 1, shape=k), ONE)
    assert groups(model) == list(range(k))


def test_where_no_point_is_possible_no_label_moves():
    with pm.Model() as model:
        m = pm.Normal("means", 0, 2, shape=(3, 1), initval=[[1.0], [1.0], [1.0]])
        pm.Potential("never", pt.switch(m.sum() > -1e9, -np.inf, 0.0))
        mixture(pm.Dirichlet("weights", np.full(3, 2.0)), m, pm.HalfNormal("sd", 1, shape=3), ONE)
    assert groups(model) == [0, 1, 2]


def test_components_of_different_support_are_told_apart():
    with pm.Model() as model:
        m = pm.Normal("means", 0, 3, shape=(2, 1))
        variances = pm.Uniform("variances", 0.01, [5.0, 100.0], shape=2)
        mixture(pm.Dirichlet("weights", [2.0, 2.0]), m, pt.sqrt(variances), ONE)
    assert groups(model) == [0, 1]


def plain(of):
    with pm.Model() as model:
        w = pm.Dirichlet("weights", [2.0, 2.0])
        m = pm.Normal("means", [[-1.0], [1.0]], 0.5, shape=(2, 1))
        v = pm.InverseGamma("variances", 3, 0.3, shape=2)
        of(w, m, pt.sqrt(v))
    return model


def with_covariate(w, m, sd):
    slope = pm.Normal("slope", 0, 5) * np.linspace(-1, 1, len(ONE))
    bg.MarginalMixture("x", w, m + slope[:, None, None], sigma=sd, observed=ONE)


OTHERS = {
    "covariate": with_covariate,
    "sample_weight": lambda w, m, sd: bg.MarginalMixture(
        "x", w, m, sigma=sd, observed=ONE, sample_weight=1.0 + np.arange(len(ONE)) % 2
    ),
    "standard deviations by the name of variances": lambda w, m, sd: bg.MarginalMixture(
        "x", w, m, sigma=sd**2, observed=ONE
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_model_of_other_rows_than_the_plain_mixtures_is_told(name):
    assert not model_facts(plain(OTHERS[name]))[1]
    assert model_facts(
        plain(lambda w, m, sd: bg.MarginalMixture("x", w, m, sigma=sd, observed=ONE))
    )[1]


def test_what_rows_say_of_such_a_model_is_refused():
    tree = bg.sample(bg.GaussianMixture(2), ONE, draws=20, tune=20, chains=1, progress=False)
    tree.attrs["plain_mixture"] = 0
    for use in (bg.relabel, bg.density, bg.log_likelihood, bg.diagnose, bg.partition):
        with pytest.raises(ValueError, match="rows do not have the density of the mixture"):
            use(tree)
