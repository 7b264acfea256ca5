"""Partitions, credible balls and K₊, against every partition there is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import STRUCTURES
from trees import draws_about, scrambled, tree_of

import bayesgmm as bg
from bayesgmm.clusterings.allocations import compact
from bayesgmm.clusterings.losses import LOSSES, additive, losses
from bayesgmm.clusterings.salso import _put
from bayesgmm.draws.monte_carlo_error import mcse_of_mean

from .labels import (
    LOSS,
    all_partitions,
    expected,
    random_assignments,
    same_partition,
    scrambled_labels,
    together,
)

every_structure = pytest.mark.parametrize("covariance", STRUCTURES)
either_loss = pytest.mark.parametrize("loss", ["vi", "binder"])
every_loss = pytest.mark.parametrize("loss", LOSSES)


def costs(loss, *some):
    """Costs of splitting that a loss can have."""
    return some if LOSSES[loss].costs else (1.0,)


def partition(source, loss="vi", a=1.0, random_seed=1, **options):
    return bg.partition(source, loss, a, random_seed=random_seed, progress=False, **options)


def exhaustive(loss, draws, a=1.0):
    """The least expected loss over all partitions."""
    every = np.array(list(all_partitions(draws.shape[1])))
    draws = compact(draws)
    return min(losses(draws, labels, LOSSES[loss], a).mean() for labels in every)


@every_loss
@pytest.mark.parametrize("k", [1, 2, 5])
def test_losses_are_what_their_definitions_say(loss, k):
    rng = np.random.default_rng(k)
    for a in costs(loss, 0.3, 1.0, 1.7):
        draws, estimate = random_assignments(rng, 15, 12, k), rng.integers(4, size=12)
        actual = losses(compact(draws), estimate, LOSSES[loss], a)
        np.testing.assert_allclose(actual, [LOSS[loss](z, estimate, a) for z in draws], atol=1e-12)
        assert losses(compact(draws), draws[3], LOSSES[loss], a)[3] == pytest.approx(0, abs=1e-12)


def test_units_are_bits_and_ordered_pairs():
    draw, estimate = np.array([[0, 0, 1, 1]]), np.zeros(4, dtype=int)
    assert losses(draw, estimate, LOSSES["vi"]) == pytest.approx(1)
    assert losses(draw, estimate, LOSSES["binder"]) == pytest.approx(8 / 16)
    # Joining costs 2 − a, splitting a.
    assert losses(draw, estimate, LOSSES["vi"], 0.5) == pytest.approx(1.5)
    assert losses(draw, np.arange(4), LOSSES["binder"], 0.5) == pytest.approx(0.5 * 4 / 16)


@every_loss
def test_what_a_partition_loses_is_known_through_all_moves(loss):
    """Rows taken out of clusters and put into others; but for what the draws alone decide."""
    rng = np.random.default_rng(8)
    draws = compact(random_assignments(rng, 30, 20, 4))
    some = [np.bincount(z).astype(float) for z in draws]
    by_draws = np.mean([LOSSES[loss].f(sizes, 20).sum() for sizes in some])
    offset = np.concatenate([[0], np.cumsum([len(sizes) for sizes in some])])
    given, labels = LOSSES[loss].compiled(20, 1.0), np.full(20, -1)
    sizes, counts = np.zeros(4, dtype=np.int64), np.zeros((4, offset[-1]), dtype=np.int32)
    sums = given.new_sums(30, offset[-1])
    moves = [*zip(rng.integers(20, size=300), rng.integers(-1, 4, size=300), strict=True)]
    for row, cluster in [*moves, *enumerate(rng.integers(4, size=20))]:
        _put(row, cluster, labels, sizes, counts, (draws.T.copy(), offset, given, sums))
    told = given.expected(labels, sizes, counts, sums, 30)
    told += by_draws if LOSSES[loss].costs else 0.0
    assert told == pytest.approx(expected(loss, draws, labels), abs=1e-12)


@every_loss
@pytest.mark.parametrize("n_obs", [1, 2, 5, 7])
def test_no_partition_loses_less(loss, n_obs):
    rng = np.random.default_rng(n_obs)
    for a in costs(loss, 0.5, 1.0, 1.5):
        for k in (2, 4):
            draws = random_assignments(rng, 20, n_obs, k)
            best = partition(draws, loss, a)
            assert best.expected_loss == pytest.approx(exhaustive(loss, draws, a), abs=1e-12)
            assert best.expected_loss == pytest.approx(expected(loss, draws, best.labels, a))


@every_loss
def test_no_partition_of_nine_rows_loses_less(loss):
    draws = random_assignments(np.random.default_rng(3), 30, 9, 3)
    assert partition(draws, loss).expected_loss == pytest.approx(exhaustive(loss, draws), abs=1e-12)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 12), st.sampled_from(list(LOSS)))
def test_no_partition_loses_less_whatever_the_draws(seed, n_obs, n_draws, loss):
    draws = np.random.default_rng(seed).integers(n_obs, size=(n_draws, n_obs))
    assert partition(draws, loss).expected_loss == pytest.approx(exhaustive(loss, draws), abs=1e-12)


def test_binder_by_pairs_and_by_counts_agree(monkeypatch):
    draws = random_assignments(np.random.default_rng(4), 40, 25, 3)
    by_pairs = partition(draws, "binder", 0.8)
    monkeypatch.setattr(additive, "PAIR_BYTES", 0)
    by_counts = partition(draws, "binder", 0.8)
    assert by_pairs.expected_loss == pytest.approx(by_counts.expected_loss, abs=1e-12)
    np.testing.assert_array_equal(by_pairs.labels, by_counts.labels)


@either_loss
def test_more_clusters_than_any_draw_has(loss):
    """Two crossed halvings: four quarters lose less than either, when splitting is cheap."""
    rows = np.arange(40)
    draws = np.array([rows % 2, rows // 20] * 5)
    found = partition(draws, loss, 0.1)
    assert found.n_clusters == 4
    assert same_partition(found.labels, 2 * (rows % 2) + rows // 20)


def test_many_clusters_from_few():
    """The table of counts grows from three slots to a hundred."""
    rng = np.random.default_rng(0)
    draws = rng.integers(2, size=(60, 100))
    assert partition(draws, "vi", 1e-3).n_clusters == 100


def test_the_record_says_how_sure_it_is():
    rng = np.random.default_rng(5)
    draws = random_assignments(rng, 200, 14, 3)
    best = partition(draws)
    psm = np.mean([together(z) for z in draws], axis=0)
    for i, certainty in enumerate(best.certainty):
        others = (best.labels == best.labels[i]) & (np.arange(14) != i)
        alone = np.mean([(z == z[i]).sum() == 1 for z in draws])
        assert certainty == pytest.approx(psm[i, others].mean() if others.any() else alone)
    np.testing.assert_array_equal(best.sizes, np.bincount(best.labels))
    assert (np.diff(best.sizes) <= 0).all()
    assert (best.n_draws, best.loss, best.a) == (200, "vi", 1.0)
    assert 1 <= best.n_found <= 16
    by_draw = [LOSS["vi"](z, best.labels) for z in draws]
    means = np.array(by_draw)[:196].reshape(14, 14).mean(axis=1)
    assert best.mcse == pytest.approx(means.std(ddof=1) / np.sqrt(14))


def test_a_row_by_itself_is_as_sure_as_it_is_alone():
    draws = np.array([[0, 0, 0, 1]] * 9 + [[0, 0, 0, 0]])
    best = partition(draws)
    np.testing.assert_array_equal(best.labels, [0, 0, 0, 1])
    np.testing.assert_allclose(best.certainty, [1, 1, 1, 0.9])
    assert best.n_found == 16


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from(STRUCTURES), st.integers(1, 4))
def test_neither_labels_nor_the_order_of_rows_of_a_posterior_matter(seed, covariance, k):
    rng = np.random.default_rng(seed)
    x, draws, _ = draws_about(covariance, k=k, n_draws=8, n_obs=12, width=0.5, seed=seed)
    mixed, _ = scrambled(draws, rng)
    order = rng.permutation(12)
    straight, other = tree_of(draws, x), tree_of(mixed, x[order])
    for loss in LOSS:
        one, two = partition(straight, loss), partition(other, loss)
        assert one.expected_loss == pytest.approx(two.expected_loss, abs=1e-12)
        assert one.mcse == pytest.approx(two.mcse, abs=1e-9)
        assert same_partition(one.labels[order], two.labels)
        np.testing.assert_allclose(one.certainty[order], two.certainty, atol=1e-12)
        balls = [
            bg.credible_ball(t, p, 0.5, progress=False) for t, p in ((straight, one), (other, two))
        ]
        assert balls[0].radius == pytest.approx(balls[1].radius, abs=1e-12)
        assert balls[0].achieved == balls[1].achieved
        for name in ("horizontal", "vertical_upper", "vertical_lower"):
            bounds = [getattr(b, name) for b in balls]
            np.testing.assert_array_equal(
                np.unique(compact(bounds[0][:, order]), axis=0), bounds[1]
            )
    occupied = [bg.occupied_components(t, random_seed=1, progress=False) for t in (straight, other)]
    np.testing.assert_array_equal(*occupied)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from(list(LOSS)))
def test_neither_labels_nor_the_order_of_rows_of_assignments_matter(seed, loss):
    rng = np.random.default_rng(seed)
    z = rng.integers(3, size=(9, 8))
    order = rng.permutation(8)
    one, renamed = partition(z, loss), partition(scrambled_labels(rng, z), loss)
    np.testing.assert_array_equal(one.labels, renamed.labels)
    assert one.expected_loss == renamed.expected_loss
    # Several partitions may lose the least; which of them is found the order may decide.
    assert partition(z[:, order], loss).expected_loss == pytest.approx(one.expected_loss, abs=1e-12)


@every_structure
def test_assignments_share_components_whatever_the_order(covariance):
    x, draws, _ = draws_about(covariance, width=0.5)
    rng = np.random.default_rng(1)
    mixed, orders = scrambled(draws, rng)
    order = rng.permutation(30)
    one = bg.assignments(tree_of(draws, x), random_seed=3, progress=False)
    two = bg.assignments(tree_of(mixed, x[order]), random_seed=3, progress=False)
    # Component c of a scrambled draw was orders[c].
    np.testing.assert_array_equal(np.take_along_axis(orders, two.astype(int), 1), one[:, order])


def test_the_same_seed_gives_the_same_partition():
    x, draws, _ = draws_about("full", width=0.5)
    one, same, other = (partition(tree_of(draws, x), random_seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.labels, same.labels)
    assert one.expected_loss == same.expected_loss != other.expected_loss


@either_loss
@pytest.mark.parametrize("prob", [0.2, 0.5, 0.95, 1.0])
def test_the_ball_is_the_smallest_with_its_probability(loss, prob):
    draws = random_assignments(np.random.default_rng(6), 60, 7, 3)
    centre = partition(draws, loss)
    ball = bg.credible_ball(draws, centre, prob)
    distance = np.array([LOSS[loss](z, centre.labels) for z in draws])
    np.testing.assert_allclose(ball.distances, distance, atol=1e-12)
    shares = {d: np.mean(distance <= d + 1e-10) for d in distance}
    radius = min(d for d, share in shares.items() if share >= prob - 1e-12)
    assert ball.radius == pytest.approx(radius, abs=1e-12)
    assert ball.achieved == shares[radius] >= prob
    assert ball.mcse == pytest.approx(mcse_of_mean(distance <= radius + 1e-10, 1))
    inside = draws[distance <= radius + 1e-10]
    far = distance[distance <= radius + 1e-10]
    n_clusters = np.array([len(np.unique(z)) for z in inside])
    kinds = {
        "horizontal": np.full(len(inside), True),
        "vertical_upper": n_clusters == n_clusters.min(),
        "vertical_lower": n_clusters == n_clusters.max(),
    }
    for name, kind in kinds.items():
        bound = inside[kind & (far >= far[kind].max() - 1e-10)]
        np.testing.assert_array_equal(getattr(ball, name), np.unique(compact(bound), axis=0))


def test_draws_tied_with_the_radius_are_inside_and_gaps_are_no_clusters():
    """Two known slips: ties dropped, clusters counted by the largest label."""
    centre = np.array([0, 0, 1, 1])
    draws = np.array([centre] * 8 + [[5, 5, 5, 5], [900, 7, 0, 0]])
    ball = bg.credible_ball(draws, centre, 0.9, loss="binder")
    assert ball.achieved == 0.9
    assert ball.radius == pytest.approx(2 / 16)
    tied = np.array([centre] * 6 + [[0, 1, 2, 2], [0, 0, 1, 2]] * 2)
    ball = bg.credible_ball(tied, centre, 0.7)
    assert ball.achieved == 1.0
    assert len(ball.horizontal) == 2
    ball = bg.credible_ball(draws, centre, 1.0)
    np.testing.assert_array_equal(ball.vertical_lower, [[0, 1, 2, 2]])
    np.testing.assert_array_equal(ball.vertical_upper, [[0, 0, 0, 0]])


def test_ball_and_partition_see_the_same_assignments():
    x, draws, _ = draws_about("full", width=0.5)
    tree = tree_of(draws, x)
    for loss in LOSS:
        best = partition(tree, loss, random_seed=7)
        ball = bg.credible_ball(tree, best, progress=False)
        assert ball.loss == loss
        assert ball.distances.mean() == pytest.approx(best.expected_loss)


def test_occupied_components_are_counted_in_assignments():
    z = np.array([[0, 0, 9], [1, 1, 1], [4, 5, 6], [-1, 2, 2]])
    number = bg.occupied_components(z)
    np.testing.assert_array_equal(number["n_occupied"], [1, 2, 3])
    np.testing.assert_allclose(number, [0.25, 0.5, 0.25])
    x, draws, _ = draws_about("full", k=4, n_obs=3)
    tree = tree_of(draws, x)
    number = bg.occupied_components(tree, random_seed=2, progress=False)
    labels = bg.assignments(tree, random_seed=2, progress=False)
    expected = np.bincount([len(set(row)) for row in labels], minlength=5)[1:] / len(labels)
    np.testing.assert_allclose(number, expected)
    counts = np.array([len(set(row)) for row in labels])
    np.testing.assert_allclose(number["mcse"], mcse_of_mean(counts[:, None] == [1, 2, 3, 4], 2))
    assert number.values[3] == 0


def test_labels_become_small_in_order_of_appearance():
    wild = np.array([[2**62, -(2**62), 2**62], [3, 3, -7]])
    np.testing.assert_array_equal(compact(wild), [[0, 1, 0], [0, 0, 1]])
    many = np.arange(40_000)[None, ::-1]
    np.testing.assert_array_equal(compact(many), np.arange(40_000)[None])
    assert (compact(wild).dtype, compact(many).dtype) == (np.int16, np.int32)
    for narrow in (np.array([200, 7, 200], np.uint8), np.array([127, -128, 127], np.int8)):
        np.testing.assert_array_equal(compact(narrow[None]), [[0, 1, 0]])
    np.testing.assert_array_equal(compact(np.array([[2**64 - 1, 2**64 - 2]], np.uint64)), [[0, 1]])


def test_rows_may_be_handed_in():
    x, draws, _ = draws_about("full")
    tree = tree_of(draws, x)
    bare = tree.drop_nodes(["observed_data", "constant_data"])
    np.testing.assert_array_equal(partition(bare, x=x).labels, partition(tree).labels)


def test_bad_input_is_refused_in_words():
    z = np.zeros((3, 4), dtype=int)
    with pytest.raises(ValueError, match=r"loss must be one of 'vi', .*; got 'omari'"):
        partition(z, "omari")
    with pytest.raises(ValueError, match="a must be 1 for loss='adjusted_rand', which has no cost"):
        partition(z, "adjusted_rand", 0.5)
    for a in (0, 2, -1, np.nan):
        with pytest.raises(ValueError, match="a, the cost of splitting"):
            partition(z, a=a)
    with pytest.raises(TypeError, match="post must be a DataTree or an array of integers"):
        partition("labels")
    with pytest.raises(ValueError, match=r"\(n_draws, n_obs\); got shape \(0, 4\)"):
        partition(z[:0])
    for prob in (0, 1.1, np.nan):
        with pytest.raises(ValueError, match="prob must be a finite number above 0 and at most 1"):
            bg.credible_ball(z, z[0], prob)
    with pytest.raises(ValueError, match="one label for each of 4 rows; got 3"):
        bg.credible_ball(z, z[0, :3])
    with pytest.raises(TypeError, match="partition must be a Partition or an array of integers"):
        bg.credible_ball(z, [0.5, 1, 1, 1])
