"""Partitions of a few rows: all of them, and the losses between them by definition."""

import numpy as np


def all_partitions(n):
    """Every partition of n rows, as labels by first appearance."""
    if n == 0:
        yield []
        return
    for head in all_partitions(n - 1):
        for label in range(max(head, default=-1) + 2):
            yield [*head, label]


def random_assignments(rng, n_draws, n_obs, k):
    """Noisy copies of one clustering, with labels that mean nothing and have gaps."""
    truth = rng.integers(k, size=n_obs)
    noisy = rng.random((n_draws, n_obs)) < rng.random()
    z = np.where(noisy, rng.integers(k, size=(n_draws, n_obs)), truth)
    return scrambled_labels(rng, z)


def scrambled_labels(rng, z):
    """Other labels in every draw, for the same partitions."""
    names = np.array([rng.choice(1000, size=z.max() + 1, replace=False) for _ in z]) - 500
    return np.take_along_axis(names, z, axis=1)


def together(labels):
    labels = np.asarray(labels)
    return labels[:, None] == labels


def binder(draw, estimate, a=1.0):
    """Ordered pairs on which two partitions differ, by loops, divided by n²."""
    n = len(draw)
    one, two = together(draw), together(estimate)
    return (a * (one & ~two).sum() + (2 - a) * (~one & two).sum()) / n**2


def entropy(*labels):
    """Of the partition that several have in common, bits."""
    _, counts = np.unique(np.array(labels), axis=1, return_counts=True)
    p = counts / counts.sum()
    return -np.sum(p * np.log2(p))


def information(draw, estimate, a=1.0):
    """Variation of information, bits: a H(estimate | draw) + (2 − a) H(draw | estimate)."""
    both = entropy(draw, estimate)
    return a * (both - entropy(draw)) + (2 - a) * (both - entropy(estimate))


def rand(draw, estimate, a=1.0):
    """One less scikit-learn's adjusted Rand index."""
    from sklearn.metrics import adjusted_rand_score

    return 1 - adjusted_rand_score(draw, estimate)


LOSS = {"vi": information, "binder": binder, "adjusted_rand": rand}


def expected(loss, draws, estimate, a=1.0):
    return np.mean([LOSS[loss](draw, estimate, a) for draw in draws])


def same_partition(one, two):
    return bool((together(one) == together(two)).all())
