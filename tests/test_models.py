"""Every file in models/: its textbook declaration in plain PyMC is the model that is fitted."""

import ast
import importlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from declared import close, compiled, draw_parameters, flat, pieces, rows, value_and_gradient

import bayesgmm as bg
from bayesgmm.likelihood.target import Target, unconstrain

FOLDER = Path(__file__).parents[1] / "models"
MODELS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "textbook")
every_model = pytest.mark.parametrize("name", MODELS)


def test_there_are_models():
    assert {"old_faithful", "galaxies", "penguins"} <= set(MODELS)


@every_model
def test_textbook_is_the_target(name):
    module = importlib.import_module(name)
    x, k = np.asarray(module.x), module.mixture.n_components
    ones, rng = np.ones(len(x)), np.random.default_rng(5)
    prior = module.mixture.resolved_prior(x)
    model = module.textbook(module.x, prior)
    function = compiled(model, value_and_gradient(model, True) + value_and_gradient(model, False))
    target = Target.of(module.mixture.covariance, k, x, ones, prior)
    for _ in range(3):
        y = unconstrain(draw_parameters(module.mixture, x, ones, rng))
        results = function(*pieces(model, y))
        half = len(results) // 2
        for jacobian, (value, *slopes) in ((True, results[:half]), (False, results[half:])):
            expected, gradient = target(y, jacobian)
            assert value == pytest.approx(expected, rel=1e-9)
            close(flat(slopes), gradient)


def test_a_wrong_textbook_would_be_noticed(monkeypatch):
    """The comparison sees one degree of freedom in the prior."""
    module = importlib.import_module("old_faithful")
    x = np.asarray(module.x)
    ones = np.ones(len(x))
    prior = module.mixture.resolved_prior(x, ones)
    wrong = bg.NormalInverseWishart(
        prior.concentration, prior.mean, prior.mean_concentration, prior.df + 1, prior.scale
    )
    rng = np.random.default_rng(5)
    y = unconstrain(draw_parameters(module.mixture, x, ones, rng))
    right, other = (Target.of("full", 2, x, ones, p)(y)[0] for p in (prior, wrong))
    assert other != pytest.approx(right, rel=1e-9)


def imports(tree):
    """Every package that is imported anywhere in a syntax tree."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.split(".")[0])
    return names


def test_textbook_leans_on_pymc_alone():
    tree = ast.parse((FOLDER / "textbook.py").read_text("utf-8"))
    assert imports(tree) <= {"numpy", "pymc", "pytensor"}


@every_model
def test_textbook_of_a_model_uses_nothing_of_the_package(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text("utf-8"))
    [scope] = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "textbook"]
    assert "bayesgmm" not in imports(scope)
    assert not {n.id for n in ast.walk(scope) if isinstance(n, ast.Name)} & {"bg", "mixture"}


@every_model
def test_model_has_rows_a_mixture_and_words(name):
    module = importlib.import_module(name)
    assert isinstance(module.x, bg.Observations)
    assert isinstance(module.mixture, bg.GaussianMixture)
    assert "Data:" in module.__doc__
    assert f"K = {module.mixture.n_components}" in module.__doc__
    d = module.x.n_features
    text = module.__doc__
    assert f"InverseWishart({d + 2}, " in text


def test_rows_are_those_of_the_sources():
    """Counts and known values of the published tables."""
    galaxies = np.asarray(importlib.import_module("galaxies").x)[:, 0]
    assert len(galaxies) == 82
    assert {9172, 26960, 34279} <= set(galaxies)
    assert 26690 not in galaxies
    geyser = importlib.import_module("old_faithful").x
    assert geyser.features == ("eruptions", "waiting")
    assert geyser.values.shape == (272, 2)
    np.testing.assert_array_equal(geyser.values[0], [3.6, 79])
    np.testing.assert_allclose(geyser.values.mean(axis=0), [3.487783, 70.897059], atol=1e-6)


def test_truth_of_the_penguins_stands_beside_their_rows():
    module = importlib.import_module("penguins")
    assert module.x.values.shape == (342, 4)
    assert Counter(module.truth) == {"Adelie": 151, "Gentoo": 123, "Chinstrap": 68}
    # Gentoos are heavy, with shallow bills: were the truth shifted by a row, one would not be.
    gentoo = module.truth == "Gentoo"
    depth, mass = module.x.values[:, 1], module.x.values[:, 3]
    assert depth[gentoo].max() < 17.5
    assert mass[gentoo].min() > 3900
    table = module.table.loc[module.x.rows]
    np.testing.assert_array_equal(table[list(module.x.features)].to_numpy(), module.x.values)
    np.testing.assert_array_equal(table["species"].to_numpy(), module.truth)


def test_textbook_takes_any_rows():
    """One feature and three, as the model files have; here on other data."""
    from textbook import gaussian_mixture

    x = rows(20, 3)
    model = gaussian_mixture(x, n_components=2)
    assert model.initial_point()["means"].shape == (2, 3)
