"""What a fit says of its modes: every number recomputed from them."""

import re

import numpy as np
from oracles import brute_force, log_likelihood
from scipy.optimize import linear_sum_assignment

import bayesgmm as bg


def fit(x, k, function=bg.fit_map):
    return function(bg.GaussianMixture(k), x, random_seed=1, progress=False)


def n_moved(x, a, b):
    labels = [brute_force(x, p)[1].argmax(axis=1) for p in (a, b)]
    k = len(a.weights)
    table = np.zeros((k, k))
    np.add.at(table, tuple(labels), 1)
    return len(x) - table[linear_sum_assignment(-table)].sum()


def test_what_divides_the_best_mode_from_the_next_is_said(old_faithful):
    estimate = fit(old_faithful, 3)
    best, rival = estimate.modes[:2]
    gap = best.log_posterior - rival.log_posterior
    assert gap < 3
    moved = n_moved(old_faithful, best.parameters, rival.parameters)
    assert f"The next mode lies {gap:.1f} nats below" in estimate.status
    assert f"{moved:.0f} of 272 rows belong to another component there." in estimate.status
    by_data = log_likelihood(old_faithful, best.parameters)
    by_data -= log_likelihood(old_faithful, rival.parameters)
    assert by_data > 0
    assert gap - by_data < 0
    words = f"the prior prefers it by {by_data - gap:.1f}, the data the best by {by_data:.1f}"
    assert words in estimate.status


def test_of_likelihoods_the_prior_is_not_spoken_of(old_faithful):
    estimate = fit(old_faithful, 4, bg.fit_ml)
    gap = estimate.modes[0].log_posterior - estimate.modes[1].log_posterior
    assert f"The next mode lies {gap:.1f} nats below: " in estimate.status
    assert "the prior" not in estimate.status


def test_a_mode_far_below_is_no_rival(old_faithful):
    assert "next mode" not in fit(old_faithful, 2).status


def test_the_stages_say_what_was_passed_over(old_faithful, penguins):
    two = fit(old_faithful, 2).stages
    assert [stage.name for stage in two] == ["starts", "curvature", "moving components"]
    assert {stage.n_obs for stage in two} == {272}
    three = fit(penguins, 3).stages
    names = ["starts", "curvature", "splitting and merging", "moving components"]
    assert [stage.name for stage in three] == names
    assert all(stage.n_passes >= 1 for stage in three)
    rng = np.random.default_rng(1)
    many = rng.normal(size=(60_000, 2)) + rng.choice([0.0, 8.0], size=(60_000, 1))
    stages = fit(many, 2).stages
    assert (stages[0].name, stages[0].n_obs) == ("starts", 32_768)
    assert [(s.name, s.n_obs) for s in stages if s.n_obs != 32_768] == [("the best", 60_000)]
    assert re.match(r"Converged: 20 starts found 1 mode", fit(many, 2).status)
