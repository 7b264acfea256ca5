"""The fused Op: the same numbers as a plain mixture, in one pass, in every linker."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from declared import FAST, close, log_density, rows
from oracles import STRUCTURES
from pytensor.compile.mode import Mode
from pytensor.gradient import NullTypeGradError
from scipy import stats

from bayesgmm.mixture import structure_named
from bayesgmm.pymc_model.op import MixtureRows, MixtureSum, mixture_rows

K, D = 3, 2
every_structure = pytest.mark.parametrize("covariance", STRUCTURES)


def arguments(covariance, seed=1):
    """Rows, their weights, mixing proportions, means and a factor."""
    rng = np.random.default_rng(seed)
    x = rows(30, D)
    shape = structure_named(covariance).factor_shape(K, D)
    factor = rng.uniform(0.5, 2.0, size=shape)
    if factor.ndim == 3:
        factor = np.tril(factor) * x.std(axis=0)[:, None]
    else:
        factor = factor * x.std(axis=0)[: shape[-1]]
    means = x.mean(axis=0) + x.std(axis=0) * rng.normal(size=(K, D))
    weight = rng.integers(0, 4, size=len(x)).astype(float)
    return [x, weight, rng.dirichlet(np.full(K, 3.0)), means, factor]


def variables(values):
    """Free tensors of the right types, named for error messages."""
    names = ("x", "sample_weight", "weights", "means", "factor")
    return [
        pt.tensor(name, shape=v.shape, dtype=v.dtype) for name, v in zip(names, values, strict=True)
    ]


def scipy_rows(covariance, x, weight, weights, means, factor):
    dense = structure_named(covariance).covariances(factor, K, D)
    return weight * log_density(x, weights, means, dense)


def plain_rows(covariance, x, weight, weights, means, factor):
    """The same density in plain PyTensor: inverses and determinants of the matrices themselves."""
    if factor.type.ndim == 3:
        lower = pt.tril(factor)
        dense = pt.broadcast_to(lower @ lower.mT, (K, D, D))
    else:
        dense = pt.broadcast_to(factor, (K, D))[..., None] ** 2 * pt.eye(D)
    terms = []
    for k in range(K):
        centred = x - means[k]
        quadratic = ((centred @ pt.linalg.inv(dense[k])) * centred).sum(axis=1)
        log_det = pt.log(pt.linalg.det(dense[k]))
        terms.append(pt.log(weights[k]) - 0.5 * (quadratic + log_det + D * np.log(2 * np.pi)))
    return weight * pt.logsumexp(pt.stack(terms), axis=0)


def count(function, op):
    return sum(isinstance(node.op, op) for node in function.maker.fgraph.toposort())


@every_structure
def test_rows_equal_scipy(covariance):
    values = arguments(covariance)
    free = variables(values)
    function = pytensor.function(free, mixture_rows(*free), mode=FAST)
    close(function(*values), scipy_rows(covariance, *values), rtol=1e-11)


@every_structure
def test_summed_value_and_gradient_equal_a_plain_graph(covariance):
    values = arguments(covariance)
    free = variables(values)
    results = []
    for build in (mixture_rows, lambda *a: plain_rows(covariance, *a)):
        total = build(*free).sum()
        outputs = [total, *pytensor.grad(total, free[2:])]
        results.append(pytensor.function(free, outputs, mode=FAST)(*values))
    for ours, plain in zip(*results, strict=True):
        assert np.shape(ours) == np.shape(plain)
        close(ours, plain)


@every_structure
def test_gradient_equals_finite_differences_of_scipy(covariance):
    values = arguments(covariance)
    free = variables(values)
    total = mixture_rows(*free).sum()
    positions = (0, 2, 3, 4)
    slopes = pytensor.grad(total, [free[i] for i in positions])
    function = pytensor.function(free, slopes, mode=FAST)
    for position, gradient in zip(positions, function(*values), strict=True):
        for index in np.ndindex(gradient.shape):
            if gradient.ndim == 3 and index[2] > index[1]:
                assert gradient[index] == 0
                continue
            step = 1e-5 * max(1.0, abs(values[position][index]))
            sides = []
            for sign in (1, -1):
                moved = [v.copy() for v in values]
                moved[position][index] += sign * step
                sides.append(scipy_rows(covariance, *moved).sum())
            slope = (sides[0] - sides[1]) / (2 * step)
            assert gradient[index] == pytest.approx(slope, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("weights", [[0.7, 0.3, 0.0], [0.0, 1.0, 0.0]])
def test_gradient_in_a_weight_of_zero_is_how_the_density_starts_to_rise(weights):
    """∂ log p / ∂w_k = N(x | k) / p(x), which does not need w_k."""
    x, count, _, means, factor = arguments("full")
    values = [x, count, np.array(weights), means, factor]
    free = variables(values)
    total = mixture_rows(*free).sum()
    function = pytensor.function(free, [total, *pytensor.grad(total, free[2:])], mode=FAST)
    value, slopes, *others = function(*values)
    dense = structure_named("full").covariances(factor, K, D)
    alone = [stats.multivariate_normal(m, c).pdf(x) for m, c in zip(means, dense, strict=True)]
    density = np.dot(weights, alone)
    assert value == pytest.approx(count @ np.log(density), rel=1e-11)
    close(slopes, (alone / density) @ count)
    assert all(np.isfinite(g).all() for g in others)


def test_an_excluded_component_far_more_likely_than_the_rest_has_a_finite_slope():
    x, ones = np.full((5, 1), 1e3), np.ones(5)
    values = [x, ones, np.array([1.0, 0.0]), np.array([[0.0], [1e3]]), np.ones((2, 1))]
    free = variables(values)
    total = mixture_rows(*free).sum()
    function = pytensor.function(free, [total, *pytensor.grad(total, free[2:])], mode=FAST)
    value, slopes, *_ = function(*values)
    assert value == pytest.approx(5 * stats.norm(0, 1).logpdf(1e3))
    assert np.isfinite(slopes).all()


def test_under_a_negative_weight_the_density_is_zero():
    """So that PyMC's −∞ in place of weights that are no proportions makes the density −∞."""
    x, count, _, means, factor = arguments("diag")
    for weights in (np.full(K, -np.inf), [0.5, np.nan, 0.5], [-0.5, 1.0, 0.5]):
        values = [x, count, np.array(weights), means, factor]
        free = variables(values)
        density = mixture_rows(*free)
        total = density.sum()
        slopes = pytensor.grad(total, [free[0], *free[2:]])
        function = pytensor.function(free, [density, total, *slopes], mode=FAST)
        rows_, value, *gradients = function(*values)
        assert (rows_ == -np.inf).all()
        assert value == -np.inf
        assert not any(g.any() for g in gradients)


WRONG = {
    "sample_weight .* each of the 30 rows; got 29": (1, (29,)),
    "sample_weight .* each of the 30 rows; got 1": (1, (1,)),
    r"means .* shape \(2, 2\), as there are 2 weights .*; got \(3, 2\)": (2, (2,)),
    r"means .* shape \(3, 2\).*; got \(2, 2\)": (3, (2, 2)),
    r"means .* shape \(3, 2\).*; got \(3, 1\)": (3, (3, 1)),
    r"means .* shape \(3, 1\).*rows of 1 features; got \(3, 2\)": (0, (30, 1)),
    r"chol .* \(3, 2, 2\) or \(2, 2\); got \(2, 2, 2\)": (4, (2, 2, 2)),
    r"chol .* \(3, 2, 2\) or \(2, 2\); got \(3, 2, 1\)": (4, (3, 2, 1)),
    r"sigma .* \(3,\) or \(3, 2\); got \(30, 2\)": (4, (30, 2)),
    r"sigma .* \(3,\) or \(3, 2\); got \(3, 3\)": (4, (3, 3)),
}


@pytest.mark.parametrize("words", WRONG)
def test_no_pass_reads_past_the_end_of_its_arrays(words):
    values = arguments("full")
    position, shape = WRONG[words]
    values[position] = np.full(shape, 0.5)
    free = [pt.tensor(shape=(None,) * v.ndim, dtype=v.dtype) for v in values]
    density = mixture_rows(*free)
    total = density.sum()
    for outputs in (
        density,
        [total, *pytensor.grad(total, free[2:])],
        pytensor.grad(total, free[0]),
    ):
        function = pytensor.function(free, outputs, mode=FAST, on_unused_input="ignore")
        with pytest.raises(ValueError, match=words):
            function(*values)


@every_structure
def test_value_and_gradient_cost_one_pass(covariance):
    values = arguments(covariance)
    free = variables(values)
    total = mixture_rows(*free).sum()
    function = pytensor.function(free, [total, *pytensor.grad(total, free[2:])], mode=FAST)
    assert count(function, MixtureSum) == 1
    assert count(function, MixtureRows) == 0


def test_rows_alone_stay_row_wise():
    values = arguments("full")
    free = variables(values)
    density = mixture_rows(*free)
    function = pytensor.function(free, [density, density.sum()], mode=FAST)
    by_row, total = function(*values)
    assert by_row.shape == (30,)
    assert total == pytest.approx(by_row.sum(), rel=1e-12)


def test_gradient_of_any_function_of_the_rows():
    """Not the plain sum alone: Σ c_n f_n² has a cotangent that differs from row to row."""
    values = arguments("full")
    free = variables(values)
    c = np.linspace(-1, 2, 30)
    gradients = []
    for build in (mixture_rows, lambda *a: plain_rows("full", *a)):
        total = (c * build(*free) ** 2).sum()
        function = pytensor.function(free, pytensor.grad(total, [free[0], *free[2:]]), mode=FAST)
        gradients.append(function(*values))
    for ours, plain in zip(*gradients, strict=True):
        close(ours, plain)


def test_gradient_of_any_function_of_the_sum():
    """Taken after the rewrite, so that it is the fused Op that is differentiated."""
    values = arguments("full")
    free = variables(values)
    total = pytensor.graph.rewrite_graph(mixture_rows(*free).sum(), include=("canonicalize",))
    assert isinstance(total.owner.op, MixtureSum)
    gradients = []
    for log_likelihood in (total, plain_rows("full", *free).sum()):
        slopes = pytensor.grad(-1e-3 * log_likelihood**2, [free[0], *free[2:]])
        gradients.append(pytensor.function(free, slopes, mode=FAST)(*values))
    for ours, plain in zip(*gradients, strict=True):
        close(ours, plain)


@every_structure
def test_weight_of_a_row_is_how_often_it_stands(covariance):
    x, weight, *parameters = arguments(covariance)
    repeated = np.repeat(x, weight.astype(int), axis=0)
    assert len(repeated) != len(x)
    results = []
    for values in ([x, weight, *parameters], [repeated, np.ones(len(repeated)), *parameters]):
        free = variables(values)
        total = mixture_rows(*free).sum()
        outputs = [total, *pytensor.grad(total, free[2:])]
        results.append(pytensor.function(free, outputs, mode=FAST)(*values))
    for weighted, standing in zip(*results, strict=True):
        close(weighted, standing, rtol=1e-11)


def test_sample_weight_has_no_gradient_and_says_so():
    values = arguments("full")
    free = variables(values)
    with pytest.raises(NullTypeGradError, match="sample_weight of a MarginalMixture must be known"):
        pytensor.grad(mixture_rows(*free).sum(), free[1])


def test_second_derivatives_are_refused_in_words():
    values = arguments("full")
    free = variables(values)
    total = mixture_rows(*free).sum()
    rewritten = pytensor.graph.rewrite_graph(total, include=("canonicalize",))
    slope = pytensor.grad(rewritten, free[3])
    for first in (slope, pytensor.grad(rewritten, free[0])):
        with pytest.raises(NullTypeGradError, match="second derivatives"):
            pytensor.grad(first.sum(), free[3])


def test_strided_and_integer_inputs_are_taken_as_they_are():
    x, weight, *parameters = arguments("full")
    whole = np.round(x).astype(int)
    expected = scipy_rows("full", whole, weight, *parameters)
    for given in (whole, np.asfortranarray(whole), whole.repeat(2, axis=0)[::2]):
        free = variables([given, weight, *parameters])
        function = pytensor.function(free, mixture_rows(*free), mode=FAST)
        close(function(given, weight, *parameters), expected, rtol=1e-11)


@pytest.mark.slow
@every_structure
def test_numba_gives_what_python_gives(covariance):
    values = arguments(covariance)
    free = variables(values)
    density = mixture_rows(*free)
    total = density.sum()
    outputs = [density, total, *pytensor.grad(total, [free[0], *free[2:]])]
    slow = pytensor.function(free, outputs, mode=FAST)
    fast = pytensor.function(free, outputs, mode=Mode(linker="numba", optimizer="fast_run"))
    for by_python, by_numba in zip(slow(*values), fast(*values), strict=True):
        assert np.shape(by_python) == np.shape(by_numba)
        close(by_numba, by_python, rtol=1e-13)
