"""The numbers of a report: every one from the saved tree, and the main ones by other means."""

import hashlib
import json
from functools import cache
from importlib.resources import files

import arviz as az
import jsonschema
import numpy as np
import pytest
from oracles import SHARED
from reports import SHORT, by_hand, posterior, rows
from scipy import stats

import bayesgmm as bg
from bayesgmm.draws.read import Reading
from bayesgmm.labels.relabelling import relabelled
from bayesgmm.page import clustering_numbers, numbers
from bayesgmm.page.clustering_numbers import clustered
from bayesgmm.posterior import advice

SCHEMA = json.loads(files("bayesgmm.page").joinpath("report.schema.json").read_text("utf-8"))


@cache
def tree():
    return bg.relabel(posterior(), progress=False)


def numbers_of(post):
    reading = relabelled(bg.relabel(post, progress=False))
    return numbers.numbers_of(reading, clustered(reading, 1, progress=False))


@cache
def found():
    return numbers_of(tree())


def fits(found):
    jsonschema.Draft202012Validator(SCHEMA).validate(found | {"figures": []})


def column(records, name):
    return np.array([record[name] for record in records], dtype=float)


def close(actual, expected):
    np.testing.assert_allclose(actual, np.ravel(expected), rtol=1e-9)


CASES = {
    "tied": lambda: posterior(covariance="tied"),
    "diag": lambda: posterior(covariance="diag"),
    "spherical": lambda: posterior(covariance="spherical"),
    "tied_diag": lambda: posterior(covariance="tied_diag"),
    "tied_spherical": lambda: posterior(covariance="tied_spherical"),
    "one component": lambda: posterior(n_components=1),
    "one feature": lambda: posterior(("waiting",)),
    "one of each": lambda: posterior(("waiting",), n_components=1),
    "labels that are ambiguous": lambda: posterior(n_components=3),
    "weighted rows": lambda: posterior(weighted=True),
    "declared by hand": by_hand,
    "one chain": lambda: posterior().isel(chain=[0], missing_dims="ignore"),
    "few draws": lambda: posterior().isel(draw=slice(5), missing_dims="ignore"),
}


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("case", CASES)
def test_every_number_comes_from_the_saved_tree(case, tmp_path):
    post = CASES[case]()
    report = numbers_of(post)
    fits(report)
    bg.save(post, tmp_path / "posterior.nc")
    assert numbers_of(bg.load(tmp_path / "posterior.nc")) == report


def test_the_schema_refuses_what_is_not_a_report():
    with pytest.raises(jsonschema.ValidationError):
        fits(found() | {"interval": 2})


def test_parameters_are_those_of_arviz():
    group = tree()["posterior"].to_dataset()
    weights, means = group["weights"], group["means"]
    tails = [0.03, 0.97]
    for name, draws in (("weights", weights), ("means", means)):
        records = found()["posterior"][name]
        values = draws.values.reshape(60, -1)
        close(column(records, "mean"), values.mean(axis=0))
        close(column(records, "sd"), values.std(axis=0, ddof=1))
        lower, upper = np.quantile(values, tails, axis=0)
        close(column(records, "lower"), lower)
        close(column(records, "upper"), upper)
        dataset = draws.to_dataset(name="v")
        close(column(records, "mcse_mean"), az.mcse(dataset, method="mean")["v"])
        close(column(records, "ess_bulk"), az.ess(dataset, method="bulk")["v"])
        close(column(records, "ess_tail"), az.ess(dataset, method="tail", prob=(0.05, 0.95))["v"])
        close(column(records, "r_hat"), az.rhat(dataset)["v"])
    assert [r["feature"] for r in found()["posterior"]["means"]] == [*SHORT, *SHORT]


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
def test_spreads_are_those_of_the_dense_covariances(covariance):
    post = bg.relabel(posterior(covariance=covariance), progress=False)
    section = numbers._posterior(Reading.of(post))
    matrices = bg.covariances(post).values.reshape(60, 2, 2, 2)
    own = matrices[:, :1] if covariance in SHARED else matrices
    close(column(section["sds"], "mean"), np.sqrt(np.einsum("skii->ski", own)).mean(axis=0))
    upper = own[:, :, [0, 0, 1], [0, 1, 1]].mean(axis=0)
    close(column(section["covariances"], "mean"), upper)
    owners = {r["component"] for r in section["sds"]}
    assert owners == ({None} if covariance in SHARED else {0, 1})


def test_the_data_are_described_and_hashed():
    x = rows().to_numpy()
    data = found()["fit"]["data"]
    assert (data["n_obs"], data["features"]) == (80, list(SHORT))
    close(column(data["summary"], "mean"), x.mean(axis=0))
    close(column(data["summary"], "sd"), x.std(axis=0))
    digest = hashlib.sha256(np.ascontiguousarray(x))
    digest.update(np.ones(len(x)))
    assert data["hash"] == digest.hexdigest()


def test_the_clustering_and_its_ball_are_those_of_their_functions():
    section = found()["clustering"]
    best = bg.partition(tree(), random_seed=1, progress=False)
    ball = bg.credible_ball(tree(), best, 0.94, progress=False)
    assert [r["cluster"] for r in section["rows"]] == best.labels.tolist()
    assert section["expected_loss"] == best.expected_loss
    assert section["ball"]["radius"] == ball.radius
    assert section["ball"]["achieved"] == ball.achieved
    labels = bg.assignments(tree(), random_seed=1)
    row, mates = 3, np.flatnonzero(best.labels == best.labels[3])
    together = (labels[:, mates] == labels[:, [row]]).mean(axis=0)
    expected = (together.sum() - 1) / (len(mates) - 1)
    assert section["rows"][row]["certainty"] == pytest.approx(expected)
    probability = tree()["clustering"]["mean_probability"].values
    close(column(section["rows"], "probability"), probability.max(axis=1))


def test_the_comparison_is_that_of_its_function():
    section = found()["comparison"]
    compared = bg.compare(tree(), prob=0.94, random_seed=1, progress=False)
    for name in ("sentence", "inside", "farther", "distance", "adjusted_rand"):
        assert section[name] == getattr(compared, name)
    close(column(section["rows"], "p_wrong"), compared.rows["p_wrong"])
    close(column(section["parameters"], "position"), compared.parameters["position"])


def test_occupied_components_are_counted_in_assignments():
    labels = bg.assignments(tree(), random_seed=1)
    counts = np.array([len(np.unique(draw)) for draw in labels])
    expected = [(counts == n).mean() for n in (1, 2)]
    close(column(found()["occupied"]["probabilities"], "probability"), expected)


@pytest.mark.parametrize("weighted", [False, True])
def test_predictive_checks_compare_data_and_replicas(weighted):
    post = bg.relabel(posterior(weighted=weighted), progress=False)
    section = numbers.checks.predictive_checks(Reading.of(post), 0.94, 1)
    records = {(r["feature"], r["statistic"]): r for r in section["statistics"]}
    replicas = bg.posterior_predictive(post, 1)["posterior_predictive"]["x"].values
    replicas = replicas.reshape(60, 80, 2)
    x = rows().to_numpy()
    if weighted:
        x = np.repeat(x, 1 + np.arange(80) % 3, axis=0)
    computed = {
        "mean": np.mean,
        "SD": np.std,
        "skewness": stats.skew,
        "kurtosis": lambda v: stats.kurtosis(v, fisher=False),
        "smallest": np.min,
        "largest": np.max,
    }
    for name, statistic in computed.items():
        record = records["waiting", name]
        drawn = np.array([statistic(replica[:, 1]) for replica in replicas])
        observed = statistic(x[:, 1])
        assert record["observed"] == pytest.approx(observed)
        assert record["mean"] == pytest.approx(drawn.mean())
        assert record["p_value"] == pytest.approx((drawn > observed).mean())
        close([record["lower"], record["upper"]], np.quantile(drawn, [0.03, 0.97]))
    correlation = records["eruptions, waiting", "correlation"]
    assert correlation["observed"] == pytest.approx(np.corrcoef(x.T)[0, 1])
    assert section["weighted"] == weighted


def test_a_model_that_misses_the_tails_is_caught():
    """A negative control: one component for two groups of rows."""
    post = bg.relabel(posterior(n_components=1), progress=False)
    section = numbers.checks.predictive_checks(Reading.of(post), 0.94, 1)
    found = {r["statistic"]: r["p_value"] for r in section["statistics"]}
    assert found["kurtosis"] > 0.99
    assert section["surprises"] > 0


def test_the_verdict_is_that_of_diagnose():
    section, verdict = found()["convergence"], bg.diagnose(tree(), progress=False)
    assert (section["verdict"], section["advice"]) == (verdict.verdict, verdict.advice)
    assert (section["labels"], section["labels_advice"]) == (verdict.labels, verdict.labels_advice)
    assert section["worst"]["r_hat"] == verdict.functionals["r_hat"].max()
    assert section["verdict"] in found()["methods"]["text"]
    assert found()["comparison"]["sentence"].startswith(verdict.statements[0])


def test_the_schema_knows_all_words():
    words = SCHEMA["properties"]["convergence"]["properties"]
    assert words["verdict"]["enum"] == list(advice.VERDICTS)
    assert words["labels"]["enum"] == list(advice.LABELS)


def test_chains_cut_short_are_no_good_news():
    cut = tree().copy()
    cut.attrs = cut.attrs | {"interrupted": 1, "n_chains_requested": 4}
    section = numbers_of(cut)["convergence"]
    assert not section["ok"]
    assert [note.split()[0] for note in section["notes"]] == ["Sampling", "Only"]


def test_what_cannot_be_computed_says_why():
    report = numbers_of(by_hand())
    assert "holds no MAP" in report["map"]["unavailable"]
    assert "no MAP" in report["comparison"]["unavailable"]
    assert report["fit"]["declared_by_hand"]
    few = numbers_of(CASES["few draws"]())
    assert few["convergence"]["verdict"] == "too few draws to tell"
    assert few["convergence"]["worst"]["r_hat"] is None


def test_many_rows_and_draws_are_bounded(monkeypatch):
    monkeypatch.setattr(clustering_numbers, "MAX_ROWS", 30)
    monkeypatch.setattr(clustering_numbers, "MAX_LABELS", 30 * 20)
    report = numbers_of(tree())
    fits(report)
    section = report["clustering"]
    assert (section["n_rows"], section["n_draws"]) == (30, 20)
    assert not section["all_rows"]
    assert not section["all_draws"]
    chosen = [r["obs"] for r in section["rows"]]
    assert chosen == sorted(set(chosen))
    assert [r["obs"] for r in report["comparison"]["rows"]] == chosen
    probability = tree()["clustering"]["mean_probability"].values[chosen]
    close(column(section["rows"], "probability"), probability.max(axis=1))
    assert report["occupied"]["n_draws"] == 60


def test_the_paragraph_of_methods_cites_what_it_lists():
    section = found()["methods"]
    for work in section["references"]:
        author = work.split(",")[0]
        assert author in section["text"]
    assert "4 chains" not in section["text"]
    assert "2 chains of 30 draws" in section["text"]


PRIORS = {
    "default": (bg.NormalInverseWishart(), "normal–inverse-Wishart", {"García-Escudero"}),
    "mclust's": (bg.FraleyRaftery(), "normal–inverse-Wishart", {"Fraley"}),
    "given": (
        bg.NormalInverseWishart(mean=3, mean_concentration=0.1, scale=4.0),
        "normal–inverse-Wishart",
        set(),
    ),
    "separate": (bg.NormalLKJ(), "inverse-χ²", {"Lewandowski", "García-Escudero"}),
    "half-normal": (bg.NormalLKJ(half_normal=True), "half-normal", {"Lewandowski"}),
}


@pytest.mark.parametrize("case", PRIORS)
def test_the_paragraph_of_methods_describes_the_prior_that_was_used(case):
    prior, kind, cited = PRIORS[case]
    report = numbers_of(posterior(prior=prior))
    fits(report)
    assert report["fit"]["prior"]["family"] == type(prior).__name__
    assert kind in report["methods"]["text"]
    authors = {work.split(",")[0] for work in report["methods"]["references"]}
    assert authors & {"García-Escudero", "Fraley", "Lewandowski"} == cited
    assert all(author in report["methods"]["text"] for author in authors)


def test_variances_have_no_prior_on_matrices():
    diag = numbers_of(posterior(covariance="diag", prior=bg.NormalLKJ()))["methods"]["text"]
    assert "variances scaled inverse-χ² priors" in diag
    assert "LKJ" not in diag
    assert "inverse-gamma" in numbers_of(posterior(covariance="diag"))["methods"]["text"]
