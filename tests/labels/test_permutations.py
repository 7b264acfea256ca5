"""Labels of plain arrays: exhaustive oracles, scrambled labels, and the traps of other tools."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from trees import divergence

import bayesgmm as bg
from bayesgmm.labels import permutations as permutations_module
from bayesgmm.labels import stephens_sweeps


def tables(rng, n_draws, n_obs, k, spread=0.5):
    """Responsibilities (S, n, K) that scatter about a common table, labels scrambled."""
    centre = rng.normal(scale=2.0, size=(n_obs, k))
    logits = centre + spread * rng.normal(size=(n_draws, n_obs, k))
    p = np.exp(logits)
    p /= p.sum(axis=2, keepdims=True)
    return np.array([t[:, rng.permutation(k)] for t in p])


def permuted(p, orders):
    return np.take_along_axis(p, np.asarray(orders)[:, None, :], axis=2)


def lowest_divergence(p):
    """The least over all permutations of all draws but the first, whose labels are free."""
    n_draws, _, k = p.shape
    every = list(permutations(range(k)))
    return min(divergence(p, [every[0], *rest]) for rest in product(every, repeat=n_draws - 1))


def mismatches(z, pivot, order):
    """Rows of one draw that are not where the pivot has them, label c for component order[c]."""
    return int((np.argsort(order)[z] != pivot).sum())


def assert_permutations(orders, k):
    assert orders.dtype.kind == "i"
    np.testing.assert_array_equal(
        np.sort(orders, axis=1), np.broadcast_to(np.arange(k), orders.shape)
    )


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from([(2, 7), (3, 4)]))
def test_no_permutations_cost_less_than_stephens_from_every_start(seed, size):
    """Exhaustive over all (K!)^(S − 1) labellings; starts at all labels of the second draw."""
    k, n_draws = size
    rng = np.random.default_rng(seed)
    p = tables(rng, n_draws, 12, k)
    starts = [np.tile(np.arange(k), (n_draws, 1))]
    starts += [np.array([rng.permutation(k) for _ in range(n_draws)]) for _ in range(20)]
    orders, cost = bg.stephens(p, np.array(starts))
    assert_permutations(orders, k)
    assert cost == pytest.approx(divergence(p, orders), rel=1e-9)
    assert cost <= lowest_divergence(p) + 1e-6


@pytest.mark.parametrize("seed", [1, 5])
def test_stephens_ends_no_higher_than_from_draws_aligned_to_any_of_several(seed):
    """Four components that overlap; sweeps from the identity alone stop too early."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=80) * 1.5
    means = np.array([-2.0, -0.7, 0.7, 2.0]) + rng.normal(0, 0.7, (300, 4))
    means = rng.permuted(means, axis=1)
    p = np.exp(-0.5 * ((x[None, :, None] - means[:, None, :]) / 0.8) ** 2)
    p /= p.sum(axis=2, keepdims=True)
    starts = [[linear_sum_assignment(-p[i].T @ t)[1] for t in p] for i in range(0, 300, 40)]
    assert bg.stephens(p)[1] <= bg.stephens(p, np.array(starts))[1] + 1e-6
    blocks, identity = [p], np.tile(np.arange(4), (1, 300, 1))
    alone = stephens_sweeps.descend(
        blocks, lambda b: (b, np.ones(80)), identity, np.zeros(4, dtype=int), False
    )
    assert bg.stephens(p)[1] < alone.cost - 0.1


def test_stephens_ends_where_no_change_of_one_draw_lowers_its_cost():
    for seed in range(10):
        p = tables(np.random.default_rng(seed), 8, 10, 3, spread=2.0)
        orders, cost = bg.stephens(p)
        mean = permuted(p, orders).mean(axis=0)
        for s, order in enumerate(orders):
            own = -(p[s][:, order] * np.log(mean)).sum()
            for other in permutations(range(3)):
                assert own <= -(p[s][:, other] * np.log(mean)).sum() + 1e-6
        assert cost == pytest.approx(divergence(p, orders), rel=1e-9)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_stephens_undoes_any_scrambling(seed, k):
    rng = np.random.default_rng(seed)
    p = tables(rng, 12, 40, k, spread=0.3)
    q = np.array([t[:, rng.permutation(k)] for t in p])
    straight, cost = bg.stephens(p)
    back, again = bg.stephens(q)
    assert again == pytest.approx(cost, abs=1e-6)
    first, second = permuted(p, straight), permuted(q, back)
    order = [int(np.argmax((second[0] == first[0][:, [c]]).all(axis=0))) for c in range(k)]
    np.testing.assert_array_equal(second[:, :, order], first)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_order_of_the_rows_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    p = tables(rng, 10, 30, 3)
    orders, cost = bg.stephens(p)
    shuffled, same = bg.stephens(p[:, rng.permutation(30)])
    np.testing.assert_array_equal(orders, shuffled)
    assert same == pytest.approx(cost, rel=1e-12)


def test_rows_in_blocks_give_what_the_array_gives(monkeypatch):
    p = tables(np.random.default_rng(1), 10, 31, 3)
    orders, cost = bg.stephens(p)

    class Rows:
        def __iter__(self):
            return (p[:, i : i + 7] for i in range(0, 31, 7))

    parts = [bg.stephens([p[:, :5], p[:, 5:]]), bg.stephens(Rows())]
    monkeypatch.setattr(permutations_module, "BLOCK_BYTES", 8 * 10 * 3 * 4)
    parts.append(bg.stephens(p))
    for found, same in parts:
        np.testing.assert_array_equal(found, orders)
        assert same == pytest.approx(cost, rel=1e-12)


def test_number_of_threads_changes_no_digit(monkeypatch):
    p = tables(np.random.default_rng(1), 10, 100, 3)
    monkeypatch.setattr(permutations_module, "BLOCK_BYTES", 8 * 10 * 3 * 4)
    costs = set()
    for n_threads in (1, 2, 4):
        monkeypatch.setattr(stephens_sweeps, "MAX_THREADS", n_threads)
        costs.add(bg.stephens(p)[1])
    assert len(costs) == 1


def test_an_iterator_that_is_spent_after_one_pass_is_refused():
    p = tables(np.random.default_rng(1), 4, 10, 2)
    for spent in ((b for b in [p]), iter([p])):
        with pytest.raises(TypeError, match=r"can be gone through many times.*Try list"):
            bg.stephens(spent)


def test_a_second_start_can_only_help_and_the_first_of_equals_is_kept():
    p = tables(np.random.default_rng(3), 10, 20, 3)
    orders, cost = bg.stephens(p)
    turned = orders[:, [1, 2, 0]]
    both, same = bg.stephens(p, np.array([turned, orders]))
    np.testing.assert_array_equal(both, turned)
    assert same == pytest.approx(cost, rel=1e-12)
    for seed in range(20):
        q = tables(np.random.default_rng(seed), 8, 10, 4, spread=3.0)
        starts = np.array([np.tile(np.arange(4), (8, 1)), bg.stephens(q[::-1])[0][::-1]])
        alone = [bg.stephens(q, start)[1] for start in starts]
        assert bg.stephens(q, starts)[1] == pytest.approx(min(alone), abs=1e-6)


def test_sweeps_go_on_while_any_draw_still_gains():
    """Trap: a rule that watches the last draw's cost alone stops early, at a higher total.

    The last draw has all rows in component 0, about which the draws agree.
    """
    rng = np.random.default_rng(0)
    p = np.full((200, 30, 4), 0.5)
    p[:, :, 1:] = 0.5 * tables(rng, 200, 30, 3, spread=3.0)
    p[-1] = [1 - 3e-12, 1e-12, 1e-12, 1e-12]
    cost = bg.stephens(p)[1]
    assert cost < _stopping_on_the_last_draw(p) - 10


def _stopping_on_the_last_draw(p):
    orders = np.tile(np.arange(p.shape[2]), (len(p), 1))
    before = np.inf
    for _ in range(100):
        log_mean = np.log(permuted(p, orders).mean(axis=0))
        costs = np.einsum("snj,snj->sj", p, np.log(p))[:, :, None] - np.swapaxes(p, 1, 2) @ log_mean
        orders = stephens_sweeps.assign(costs)
        last = stephens_sweeps.cost_of(costs, orders)[-1]
        if abs(before - last) <= 1e-6:
            break
        before = last
    return divergence(p, orders)


def test_probabilities_are_not_clipped():
    """Trap: with p no smaller than 1e-6 these two labellings would cost the same to 1e-3."""
    p = np.full((2, 50, 2), 1e-12)
    p[:, :25, 0] = p[:, 25:, 1] = 1 - 1e-12
    p[1, 0] = [1e-9, 1 - 1e-9]
    orders, cost = bg.stephens(p)
    assert cost == pytest.approx(divergence(p, orders), rel=1e-9)
    clipped = np.maximum(p, 1e-6)
    assert abs(cost - divergence(clipped, orders)) > 1e-5


def test_certain_rows_cost_nothing_and_zeros_give_no_infinities():
    z = np.array([[0, 0, 1, 1, 2], [1, 1, 0, 0, 2], [2, 2, 1, 1, 0]])
    p = np.eye(3)[z]
    orders, cost = bg.stephens(p)
    assert cost == 0
    assert (permuted(p, orders) == permuted(p, orders)[0]).all()
    p[0, 0] = [0.5, 0.5, 0]
    assert 0 < bg.stephens(p)[1] < 2


@pytest.mark.parametrize(
    ("responsibilities", "message"),
    [
        (np.ones((3, 4)), r"must be \(n_draws, n_obs, n_components\).*got \(3, 4\)"),
        (np.ones((3, 0, 2)), r"got \(3, 0, 2\)"),
        ([], r"got \(0,\)"),
        (np.ones((3, 4, 2)), "must be probabilities"),
        (np.full((3, 4, 1), np.nan), "must be probabilities"),
        (np.array([[[1.5, -0.5]]]), "must be probabilities"),
        ([np.full((3, 4, 2), 0.5), np.full((2, 4, 2), 0.5)], r"\(3, any, 2\) in every block"),
    ],
)
def test_what_are_no_responsibilities_is_refused_in_words(responsibilities, message):
    with pytest.raises(ValueError, match=message):
        bg.stephens(responsibilities)


def test_what_is_no_start_is_refused_in_words():
    p = np.full((3, 4, 2), 0.5)
    with pytest.raises(ValueError, match=r"whole or in blocks of rows.*got \(\)"):
        bg.stephens(3)
    for start in (np.zeros((3, 2), int), np.arange(2), np.zeros((0, 3, 2), int)):
        with pytest.raises(ValueError, match="start must be permutations of 0 … 1"):
            bg.stephens(p, start)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 8))
def test_no_permutation_has_fewer_mismatches_than_ecr(seed, k, n_obs):
    rng = np.random.default_rng(seed)
    z, pivot = rng.integers(k, size=(6, n_obs)), rng.integers(k, size=n_obs)
    orders, cost = bg.ecr(z, pivot)
    size = 1 + max(z.max(), pivot.max())
    assert_permutations(orders, size)
    each = [mismatches(a, pivot, o) for a, o in zip(z, orders, strict=True)]
    assert cost == sum(each)
    assert isinstance(cost, int)
    every = [list(o) for o in permutations(range(size))]
    assert each == [min(mismatches(a, pivot, o) for o in every) for a in z]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_ecr_undoes_any_scrambling(seed):
    rng = np.random.default_rng(seed)
    pivot = np.concatenate([np.arange(4), rng.integers(4, size=30)])
    orders = np.array([rng.permutation(4) for _ in range(10)])
    z = np.array([o[pivot] for o in orders])
    found, cost = bg.ecr(z, pivot)
    assert cost == 0
    np.testing.assert_array_equal(found, orders)


def test_empty_components_keep_their_labels():
    """Trap: components that are empty in the draw and in the pivot tie."""
    pivot = np.array([4, 4, 1, 1])
    found, cost = bg.ecr(np.array([[4, 4, 1, 1], [1, 1, 4, 4]]), pivot)
    np.testing.assert_array_equal(found, [[0, 1, 2, 3, 4], [0, 4, 2, 3, 1]])
    assert cost == 0


def test_a_bad_pivot_gives_bad_labels():
    """Trap: where the pivot merges two clusters, their labels are arbitrary."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 10)
    z = np.array([rng.permutation(3)[truth] for _ in range(50)])
    good, cost = bg.ecr(z, truth)
    bad, worse = bg.ecr(z, np.repeat([0, 0, 2], 10))
    assert cost == 0 < worse
    labels = [np.array([np.argsort(o)[a] for a, o in zip(z, p, strict=True)]) for p in (good, bad)]
    assert (labels[0] == truth).all()
    assert len(np.unique(labels[1], axis=0)) == 2


@pytest.mark.parametrize(
    ("z", "pivot", "message"),
    [
        (np.zeros((2, 3)), np.zeros(3, int), r"assignments must be an array of integers.*float64"),
        (np.zeros(3, int), np.zeros(3, int), r"assignments must be .*\(n_draws, n_obs\)"),
        (np.zeros((2, 3), int), np.zeros(4, int), r"pivot must be .*\(3,\); got shape \(4,\)"),
        (np.zeros((2, 3), int), np.array([0, -1, 1]), "pivot must hold .* from 0 to 999; got -1"),
        (np.zeros((2, 0), int), np.zeros(0, int), r"got shape \(2, 0\)"),
    ],
)
def test_what_are_no_assignments_is_refused_in_words(z, pivot, message):
    with pytest.raises((ValueError, TypeError), match=message):
        bg.ecr(z, pivot)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_margin_is_that_of_all_permutations_in_order_of_cost(seed, k):
    costs = np.random.default_rng(seed).normal(size=(5, k, k))
    best = stephens_sweeps.assign(costs)
    ranked = [
        sorted(sum(cost[j, c] for c, j in enumerate(o)) for o in permutations(range(k)))
        for cost in costs
    ]
    np.testing.assert_allclose(
        stephens_sweeps.cost_of(costs, best), [r[0] for r in ranked], atol=1e-12
    )
    margins = stephens_sweeps.margins(costs, best)
    np.testing.assert_allclose(margins, [r[1] - r[0] for r in ranked], atol=1e-12)
    assert (stephens_sweeps.margins(costs, best[:, np.roll(np.arange(k), 1)]) == 0).all()


def test_one_component_has_no_second_best():
    p = np.ones((4, 10, 1))
    orders, cost = bg.stephens(p)
    assert (orders == 0).all()
    assert cost == 0
    assert np.isinf(stephens_sweeps.margins(np.zeros((4, 1, 1)), orders)).all()
