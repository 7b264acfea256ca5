"""Against label.switching, mcclust and salso; tests/reference/clusterings.R asks them."""

import json
import shutil
import subprocess
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.clusterings.allocations import compact
from bayesgmm.clusterings.losses import LOSSES, losses

SCRIPT = Path(__file__).parents[1] / "reference" / "clusterings.R"
PACKAGES = ["label.switching", "mcclust", "mcclust.ext", "salso", "jsonlite"]
EARLY = "early stop"


@pytest.fixture(scope="module", params=["as committed", "asked now"])
def cases(request, tmp_path_factory):
    """Inputs and the packages' answers: those committed, and to other inputs where R is at hand."""
    if request.param == "as committed":
        return answers(SCRIPT.with_suffix(".json").read_text("utf-8"))
    if shutil.which("Rscript") is None:
        pytest.skip("NOT COMPARED with R: install it (r-base-core)")
    missing = f'cat(setdiff(c({str(PACKAGES)[1:-1]}), rownames(installed.packages())), sep = ", ")'
    missing = r("-e", missing)
    if missing:
        pytest.skip(f"NOT COMPARED with R: install its packages {missing}")
    path = tmp_path_factory.mktemp("r") / "inputs.json"
    rng = np.random.default_rng(1)
    sizes = [(50, 40, 2), (40, 30, 3), (100, 60, 4), (30, 20, 5)]
    path.write_text(json.dumps([inputs(rng, *size) for size in sizes]), "utf-8")
    return answers(r(SCRIPT, path))


def r(*arguments):
    run = subprocess.run(["Rscript", *map(str, arguments)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def inputs(rng, n_draws, n_obs, k):
    """Responsibilities that scatter about a common table, labels scrambled, and assignments."""
    centre = rng.normal(scale=2.0, size=(n_obs, k))
    logits = centre + rng.normal(size=(n_draws, n_obs, k))
    p = np.exp(logits - logits.max(axis=2, keepdims=True))
    p = np.maximum(np.round(1000 * p / p.sum(axis=2, keepdims=True)), 1).astype(int)
    np.put_along_axis(
        p,
        p.argmax(axis=2)[..., None],
        (p.max(axis=2) + 1000 - p.sum(axis=2))[..., None],
        axis=2,
    )
    p = np.array([table[:, rng.permutation(k)] for table in p])
    z = (np.cumsum(p, axis=2) <= rng.integers(1000, size=(n_draws, n_obs, 1))).sum(axis=2)
    return {
        "name": f"K = {k}",
        "p": p.tolist(),
        "z": (1 + z).tolist(),
        "pivot": (1 + centre.argmax(axis=1)).tolist(),
        "prob": 0.9,
    }


def answers(text):
    """The cases, with components from 0."""
    found = json.loads(text)["cases"]
    for case in found:
        case["p"] = np.array(case["p"]) / 1000
        for name in ("z", "pivot"):
            case[name] = np.array(case[name]) - 1
        for method in ("stephens", "ecr"):
            case[method]["permutations"] = np.array(case[method]["permutations"]) - 1
    return found


def test_stephens_is_that_of_label_switching(cases):
    for case in cases:
        orders, cost = bg.stephens(case["p"])
        theirs = case["stephens"]
        if case["name"] == EARLY:
            # It stops when the last draw's cost stands still; going on from there still gains.
            assert cost < theirs["cost"] - 10
            assert bg.stephens(case["p"], theirs["permutations"])[1] < theirs["cost"] - 10
        else:
            np.testing.assert_array_equal(orders, theirs["permutations"])
            assert cost == pytest.approx(theirs["cost"], rel=1e-9)


def test_ecr_is_that_of_label_switching(cases):
    """Permutations are the same where no other mismatches as few rows."""
    for case in cases:
        z, pivot, theirs = case["z"], case["pivot"], case["ecr"]
        orders, cost = bg.ecr(z, pivot)
        assert cost == theirs["cost"]
        every = np.array(list(permutations(range(orders.shape[1]))))
        moved = np.argsort(every, axis=1)[:, z]
        mismatches = (moved != pivot).sum(axis=2)
        alone = (mismatches == mismatches.min(axis=0)).sum(axis=0) == 1
        assert alone.any() or case["name"] == EARLY
        np.testing.assert_array_equal(orders[alone], theirs["permutations"][alone])


def test_similarity_is_that_of_mcclust(cases):
    for case in cases:
        psm = bg.similarity(case["z"], progress=False)
        np.testing.assert_allclose(psm, case["psm"], atol=1e-12)


def expected_loss(case, labels, loss, a=1.0):
    return losses(compact(case["z"]), np.array(labels), LOSSES[loss], a).mean()


def test_partition_loses_no_more_than_those_of_salso_and_mcclust(cases):
    for case in cases:
        theirs = [case["minVI"] | {"loss": "vi", "a": 1}, *case["salso"]]
        theirs.append(case["minbinder"] | {"loss": "binder", "a": 1})
        assert len(theirs) == 6
        for found in theirs:
            loss, a = found["loss"], found["a"]
            assert expected_loss(case, found["labels"], loss, a) == pytest.approx(
                found["expected_loss"], abs=1e-9
            )
            ours = bg.partition(case["z"], loss, a, random_seed=1, progress=False)
            assert ours.expected_loss <= found["expected_loss"] + 1e-9


def test_what_mcclust_minimises_is_not_the_loss_but_a_lower_bound(cases):
    assert all(case["minVI"]["lower_bound"] < case["minVI"]["expected_loss"] for case in cases)


@pytest.mark.parametrize("loss", ["vi", "binder"])
def test_ball_is_that_of_mcclust(cases, loss):
    """Of draws that tie at the radius theirs holds a few only, ours all."""
    for case in cases:
        theirs, ours = case["ball"][loss], ball_of(case, loss)
        assert ours.radius == pytest.approx(theirs["radius"], abs=1e-12)
        assert as_set(theirs["horizontal"]) <= as_set(ours.horizontal)
        if round(ours.achieved * len(case["z"])) == np.ceil(ours.prob * len(case["z"]) - 1e-9):
            for name in ("horizontal", "vertical_upper", "vertical_lower"):
                assert as_set(theirs[name]) <= as_set(getattr(ours, name))


def test_ball_of_mcclust_takes_gaps_in_labels_for_clusters():
    """Its bounds then have neither the fewest clusters nor the most."""
    [case] = [
        case
        for case in answers(SCRIPT.with_suffix(".json").read_text("utf-8"))
        if case["name"] == "four components, some empty"
    ]
    theirs, ours = case["ball"]["vi_of_labels_with_gaps"], ball_of(case, "vi")
    assert ours.radius == pytest.approx(theirs["radius"], abs=1e-12)
    assert n_clusters(ours.vertical_upper) < n_clusters(theirs["vertical_upper"])
    assert n_clusters(ours.vertical_lower) > n_clusters(theirs["vertical_lower"])


def ball_of(case, loss):
    centre = np.array(case["ball"]["centre"])
    return bg.credible_ball(case["z"], centre, case["prob"], loss=loss, progress=False)


def as_set(partitions):
    return set(map(tuple, compact(np.array(partitions)).tolist()))


def n_clusters(partitions):
    [number] = {len(set(labels)) for labels in np.array(partitions).tolist()}
    return number
