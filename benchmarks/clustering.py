"""Relabelling, partition and similarity: beside R's label.switching and salso, and at size."""

import json
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

import bayesgmm as bg
from bayesgmm.clusterings.allocations import compact
from bayesgmm.clusterings.losses import LOSSES, losses
from bayesgmm.clusterings.partitions import N_RUNS
from bayesgmm.draws.read import Reading
from bayesgmm.labels.stephens_sweeps import look
from bayesgmm.likelihood.rows import row_densities
from benchmarks.measure import REPETITIONS, Row, Seconds, interleaved, size
from benchmarks.peers import clusterings
from benchmarks.simulate import mixture_rows, posterior_of
from benchmarks.workers import run

K = 5
PAIRED = {"quick": 1, "full": 3}
"""Repetitions beside label.switching, which takes half a minute."""


def rows(profile, relabelled=(4000, 1000), large=(4000, 100_000), searched=(1000, 1000),
         similar=(1000, 5000)):  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "array"
        yield beside_label_switching(profile, path, *relabelled)
        yield from relabelling_at_size(*large)
        yield from beside_salso(profile, path, *searched)
    yield similarity(profile, *similar)


def responsibilities(n_draws, n_obs, n_features=2):
    """Of simulated rows under draws about their mixture, labels in another order in each."""
    x, mixture = mixture_rows(n_obs, n_features, K)
    return row_densities(Reading.of(posterior_of(x, mixture, n_draws)).parameters, x)[1]


def beside_label_switching(profile, path, n_draws, n_obs):
    name = "relabel_stephens"
    what = (
        f"Stephens' relabelling, {n_draws} draws: n = {n_obs}, K = {K}, from the labels as drawn, "
        "label.switching by R's clock"
    )
    if not clusterings.versions():
        return Row(name, what, "≥ 50", skipped=clusterings.MISSING)
    p = responsibilities(n_draws, n_obs)
    clusterings.save_for_r(path, p)
    ends = {}
    with clusterings.worker() as r:

        def theirs():
            seconds, ends["label.switching"] = clusterings.relabel(r, path, p.shape)
            return Seconds(seconds)

        def ours():
            ends["bayesgmm"] = bg.stephens(p)[0]

        sides = {"label.switching": theirs, "bayesgmm": ours}
        seconds = interleaved(sides, PAIRED[profile])
    nats = {side: divergence(p, end) for side, end in ends.items()}
    if nats["bayesgmm"] > nats["label.switching"] + 1e-6:
        raise AssertionError(f"label.switching relabels better: {nats}.")
    return Row(name, what, "≥ 50", seconds=seconds, extra={"nats": nats})


def divergence(p, permutations):
    """Stephens' criterion of a labelling, by our own pass over the rows."""
    weight, groups = np.ones(p.shape[1]), np.zeros(K)
    [labelling] = look([p], lambda block: (block, weight), permutations[None], groups, "", False)
    return labelling.cost


def relabelling_at_size(n_draws, n_obs, n_features=2):
    """Seconds and memory of a process that relabels a posterior from both starts."""
    found = json.loads(run("relabel_memory", n_draws, n_obs, n_features, K))
    what = (
        f"Stephens' relabelling, {n_draws} draws: at {size(n_obs, n_features, K)}, from the "
        "labels as drawn and from the MAP's"
    )
    yield Row("relabel_large", what, "< 60", "s", value=found["seconds"], extra=found)
    yield Row(
        "relabel_large_memory",
        f"{what}, highest resident memory of the process, the libraries' included",
        "< 1000",
        "MB",
        value=found["MB"],
        skipped="" if found["MB"] else "memory is read from Linux's /proc",
    )


def beside_salso(profile, path, n_draws, n_obs, n_features=5):
    """The search for a partition: its time beside salso's and by itself, and what is lost."""
    what = f"partition by VI, {n_draws} draws: n = {n_obs}, {N_RUNS} runs"
    z = assigned(responsibilities(n_draws, n_obs, n_features))
    ends, missing = {}, "" if clusterings.versions() else clusterings.MISSING
    with ExitStack() as processes:

        def theirs():
            taken, ends["salso"] = clusterings.search(r, path, z.shape, N_RUNS, seed=1)
            return Seconds(taken)

        def ours():
            ends["bayesgmm"] = bg.partition(z, random_seed=1, progress=False).labels

        sides = {"bayesgmm": ours}
        if not missing:
            r = processes.enter_context(clusterings.worker())
            clusterings.save_for_r(path, 1 + z)
            sides = {"salso": theirs} | sides
        seconds = interleaved(sides, REPETITIONS[profile])
    bits = {side: float(losses(compact(z), end, LOSSES["vi"]).mean()) for side, end in ends.items()}
    beside = {"seconds": {} if missing else seconds, "skipped": missing}
    yield Row("partition_vi", f"{what}, salso on every core by R's clock", "≥ 0.5", **beside)
    yield Row(
        "partition_vi_loss",
        f"{what}, expected loss over that of salso's partition",
        "≤ 1",
        "",
        value=None if missing else round(bits["bayesgmm"] / bits["salso"], 9),
        extra={"bits": bits},
        skipped=missing,
    )
    own = seconds["bayesgmm"]
    yield Row("partition_vi_seconds", what, "< 5", "s", value=median(own), extra={"own": own})


def assigned(responsibilities):
    """Components (n_draws, n_obs), int32, drawn from responsibilities."""
    level = np.random.default_rng(1).random((*responsibilities.shape[:2], 1))
    above = (np.cumsum(responsibilities, axis=2) < level).sum(axis=2)
    return np.minimum(above, K - 1).astype(np.int32)


def similarity(profile, n_draws, n_obs, n_features=2):
    x, mixture = mixture_rows(n_obs, n_features, K)
    post = posterior_of(x, mixture, n_draws)
    call = partial(bg.similarity, post, progress=False)
    [own] = interleaved({"bayesgmm": call}, REPETITIONS[profile]).values()
    what = (
        f"similarity matrix and its standard errors of {n_draws} draws at "
        f"{size(n_obs, n_features, K)}"
    )
    return Row("similarity", what, "< 5", "s", value=median(own), extra={"own": own})
