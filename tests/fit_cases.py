"""Data sets of many kinds, at which fits are held against other packages' and their own best.

Each is a function of no argument that returns its rows, (n_obs, n_features) float64, in the units
in which they are fitted: real ones from ``models/data`` and scikit-learn, and simulated ones.
"""

import csv
from functools import cache
from pathlib import Path

import numpy as np
from sklearn import datasets
from sklearn.decomposition import PCA

MODELS_DATA = Path(__file__).parents[1] / "models" / "data"


def measured(name, *columns):
    """Complete rows of named columns of a CSV file in models/data."""
    with open(MODELS_DATA / name, newline="", encoding="utf-8") as file:
        rows = [[row[c] for c in columns] for row in csv.DictReader(file)]
    return np.array([r for r in rows if not {"", "NA"} & set(r)], dtype=np.float64)


@cache
def shipped(name):
    """A data set that scikit-learn ships: its rows, and its columns by name."""
    bunch = getattr(datasets, f"load_{name}")()
    return bunch.data, dict(zip(bunch.feature_names, bunch.data.T, strict=True))


def columns_of(name, *columns):
    return np.column_stack([shipped(name)[1][c] for c in columns])


def principal(name, n_obs, n_features):
    return PCA(n_features, svd_solver="full").fit_transform(shipped(name)[0][:n_obs])


REAL = {
    "old_faithful": lambda: measured("old_faithful.csv", "eruptions", "waiting"),
    "galaxies": lambda: measured("galaxies.csv", "velocity_km_s") / 1000,
    "penguins": lambda: measured(
        "penguins.csv", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"
    ),
    "penguin_bills": lambda: measured("penguins.csv", "bill_length_mm", "bill_depth_mm"),
    "penguin_mass": lambda: measured("penguins.csv", "body_mass_g"),
    "iris": lambda: shipped("iris")[0],
    "iris_petals": lambda: shipped("iris")[0][:, 2:],
    "wine": lambda: columns_of(
        "wine", "alcohol", "flavanoids", "color_intensity", "hue", "proline"
    ),
    "wine_chemistry": lambda: shipped("wine")[0][:, :8],
    "tumour_sizes": lambda: columns_of(
        "breast_cancer", "mean radius", "mean perimeter", "worst area"
    ),
    "tumour_errors": lambda: columns_of(
        "breast_cancer", "radius error", "texture error", "smoothness error", "symmetry error"
    ),
    "diabetes_blood": lambda: columns_of("diabetes", "s1", "s2", "s3", "s5", "s6"),
    "diabetes_body": lambda: columns_of("diabetes", "bmi", "bp"),
    "digits_5": lambda: principal("digits", 500, 5),
    "digits_10": lambda: principal("digits", 400, 10),
}


def blobs(seed, sizes, centres, spreads=1.0, noise="normal"):
    """Clusters of given sizes about ``centres``, (n_components, n_features).

    ``spreads`` broadcasts to the clusters' linear maps of unit noise, (n_components, n_features,
    n_features); a spread that is no matrix is one standard deviation. Noise is normal, or Student's
    with so many degrees of freedom.
    """
    rng, centres = np.random.default_rng(seed), np.asarray(centres, dtype=np.float64)
    k, d = centres.shape
    spreads = np.asarray(spreads)
    if spreads.ndim < 2:
        spreads = np.broadcast_to(spreads, k)[:, None, None] * np.eye(d)
    z = np.repeat(np.arange(k), sizes)
    size = (len(z), d)
    unit = rng.normal(size=size) if noise == "normal" else rng.standard_t(noise, size=size)
    maps = np.broadcast_to(spreads, (k, d, d))
    return centres[z] + (maps[z] @ unit[..., None])[..., 0]


def scattered(seed, sizes, d, distance, spreads=1.0, noise="normal"):
    """Clusters about centres drawn from N(0, distance² I)."""
    centres = distance * np.random.default_rng([seed, 1]).normal(size=(len(sizes), d))
    return blobs(seed, sizes, centres, spreads, noise)


def turned(deviations, *angles):
    """Maps of unit noise to ellipses of such half-axes, turned by angles (degrees)."""
    a = np.radians(angles)
    rotations = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]).transpose(2, 0, 1)
    return rotations * np.asarray(deviations)


def random_maps(seed, k, deviations):
    """Maps of unit noise to ellipsoids of such half-axes, in random directions."""
    normal = np.random.default_rng([seed, 2]).normal(size=(k, len(deviations), len(deviations)))
    return np.linalg.qr(normal)[0] * np.asarray(deviations)


def uniform(seed, n, d, half_width):
    return np.random.default_rng(seed).uniform(-half_width, half_width, (n, d))


def on_curve(seed, n, curve, noise):
    """Rows about a curve, a function of n parameters in (0, 1) to (n_features, n)."""
    rng = np.random.default_rng(seed)
    points = np.asarray(curve(rng.uniform(size=n))).T
    return points + noise * rng.normal(size=points.shape)


def circle(turns):
    """A curve: so much of the unit circle."""
    return lambda t: (np.cos(2 * np.pi * turns * t), np.sin(2 * np.pi * turns * t))


def spaced(k, radius):
    """Centres at even steps of a circle."""
    return radius * np.transpose(circle(1)(np.arange(k) / k))


def grid(*lengths):
    return np.stack(np.meshgrid(*map(np.arange, lengths)), axis=-1).reshape(-1, len(lengths))


def factors(seed, sizes, d, n_factors, noise, distance):
    """Clusters whose features all follow a few factors."""
    rng = np.random.default_rng(seed)
    loadings = rng.normal(size=(d, n_factors))
    z = np.repeat(np.arange(len(sizes)), sizes)
    scores = distance * rng.normal(size=(len(sizes), n_factors))[z]
    scores += rng.normal(size=scores.shape)
    return scores @ loadings.T + noise * rng.normal(size=(len(z), d))


TWO, THREE = [[0, 0], [3, 0]], [[0, 0], [2.5, 0], [1, 2.5]]

SIMULATED = {
    # Apart, and less and less so
    "separated_2": lambda: blobs(1, [300, 450, 750], [[0, 0], [9, 0], [0, 9]]),
    "separated_5": lambda: scattered(2, [50, 100, 100, 150], 5, 5),
    "separated_10": lambda: scattered(3, [100] * 5, 10, 4),
    "overlapping_1": lambda: blobs(4, [120, 80], [[0], [2]]),
    "overlapping_2": lambda: blobs(5, [100, 100, 100], THREE),
    "overlapping_8": lambda: scattered(7, [150, 150, 100], 8, 0.9),
    "one_blob": lambda: blobs(8, [60], [[0, 0, 0]]),
    # Through and inside each other, and long and thin
    "nested_2": lambda: blobs(9, [100, 150], [[0, 0], [0, 0]], [1, 5]),
    "nested_3": lambda: blobs(10, [80, 100, 120], np.zeros((3, 3)), [0.3, 1.5, 6]),
    "crossing_2": lambda: blobs(11, [120, 120], np.zeros((2, 2)), turned([4, 0.4], 30, -30)),
    "crossing_3": lambda: blobs(
        12, [100] * 3, np.zeros((3, 3)), np.eye(3) * (0.4 + 4.6 * np.eye(3)[:, None])
    ),
    "star": lambda: blobs(13, [80] * 5, np.zeros((5, 2)), turned([5, 0.3], 0, 36, 72, 108, 144)),
    "thin_2": lambda: blobs(
        14, [100] * 4, [[0, 0], [0, 1.5], [0, 3], [6, 1]], turned([6, 0.25], 20, 20, 20, 110)
    ),
    "thin_3": lambda: scattered(15, [70] * 5, 3, 3, random_maps(15, 5, [4, 0.3, 0.2])),
    "thin_6": lambda: scattered(16, [120] * 4, 6, 2, random_maps(16, 4, [5, 3, 1, 1, 0.3, 0.1])),
    # Unequal
    "rare_1": lambda: blobs(17, [196, 4], [[0], [6]], [1, 0.3]),
    "rare_2": lambda: blobs(18, [280, 260, 12, 10], [[0, 0], [7, 0], [3.5, 4], [3.5, -4]], 0.8),
    "rare_5": lambda: scattered(19, [240, 240, 20], 5, 2.5, [1, 1, 0.5]),
    "unlike_features_7": lambda: scattered(21, [90] * 4, 7, 1.5) * np.geomspace(1e-3, 1e5, 7),
    "unlike_clusters_2": lambda: blobs(22, [100] * 3, [[0, 0], [4, 0], [0, 8]], [0.1, 1, 8]),
    "unlike_clusters_4": lambda: scattered(23, [60, 80, 100, 120], 4, 4, [0.1, 0.5, 2, 6]),
    # Not normal
    "heavy_tails_1": lambda: blobs(24, [150, 150], [[0], [6]], noise=2),
    "heavy_tails_3": lambda: scattered(25, [100] * 3, 3, 4, noise=3),
    "lognormal_1": lambda: np.exp(blobs(26, [250], [[0]])),
    "lognormal_3": lambda: np.exp(scattered(27, [150, 150], 3, 1, 0.7)),
    "noise_2": lambda: np.vstack(
        [blobs(28, [80] * 3, [[0, 0], [6, 3], [-4, 5]], 0.6), uniform(28, 80, 2, 10)]
    ),
    "ring": lambda: on_curve(30, 300, circle(1), 0.08),
    "bananas": lambda: np.vstack(
        [on_curve(31, 200, circle(0.5), 0.1), [1, 0.5] - on_curve(32, 200, circle(0.5), 0.1)]
    ),
    "helix": lambda: on_curve(33, 400, lambda t: (*circle(1.5)(t), 2 * t), 0.1),
    # Ties
    "rounded_2": lambda: np.round(2 * blobs(34, [120, 120], TWO)) / 2,
    "counts_3": lambda: (
        np.random.default_rng(35)
        .poisson(np.repeat([[3, 20, 8], [12, 6, 30], [25, 25, 2]], 80, axis=0))
        .astype(float)
    ),
    "repeated_2": lambda: blobs(36, [60, 60], TWO)[
        np.random.default_rng(36).integers(120, size=240)
    ],
    "thrice_3": lambda: np.repeat(scattered(37, [40, 60], 3, 2), 3, axis=0),
    # Many clusters
    "many_1": lambda: blobs(38, [40] * 9, 4.0 * np.arange(9)[:, None], 0.7),
    "many_2": lambda: blobs(39, [50] * 8, 4.0 * grid(4, 2), 0.8),
    "many_circle": lambda: blobs(40, [40] * 12, spaced(12, 10), 0.9),
    "many_4": lambda: scattered(41, [60] * 10, 4, 3),
    # Features that say nothing, or the same
    "one_of_six": lambda: blobs(42, [150, 150], [[0] * 6, [4] + [0] * 5]),
    "one_of_ten": lambda: blobs(43, [200, 200], [[0] * 10, [5] + [0] * 9]),
    "correlated_5": lambda: factors(44, [100, 150], 5, 1, 0.15, 2),
    "correlated_8": lambda: factors(45, [120, 120, 120], 8, 2, 0.3, 3),
    # Far
    "offset_2": lambda: blobs(46, [100, 100, 80], THREE) + 1e5,
    "offset_4": lambda: scattered(47, [90, 90, 90], 4, 2) - [1e5, 2e5, 1e4, 1e5],
    "outlier_2": lambda: np.vstack([blobs(48, [100, 100], TWO), [[300, -200]]]),
    "outlier_4": lambda: np.vstack([scattered(49, [80, 80, 80], 4, 2.5), [[500, 0, 0, 500]]]),
}

CASES = REAL | SIMULATED

DESIGNED = {
    "grid_20": lambda: blobs(52, [25] * 20, 4.0 * grid(5, 4), 0.8),
    "grid_18": lambda: blobs(53, [25] * 18, 4.0 * grid(3, 3, 2), 0.7),
    "groups_20": lambda: blobs(
        55, [25] * 20, np.repeat(spaced(4, 20), 5, axis=0) + np.tile(spaced(5, 4), (4, 1)), 0.8
    ),
    "unequal_15": lambda: blobs(56, np.geomspace(12, 100, 15).astype(int), 4.0 * grid(5, 3), 0.7),
    "scattered_15": lambda: scattered(57, [30] * 15, 3, 4),
}
"""Hard ones, with more clusters than the others are fitted with."""

LARGE = {"separated": (50, 3000, 10, 5.0), "overlapping": (51, 5000, 20, 1.5)}
"""Seed, rows, features and standard deviation of the centres of 20 standard normal clusters."""


def large(name):
    """Rows of one of the large cases, and their clusters."""
    seed, n, d, distance = LARGE[name]
    return scattered(seed, [n // 20] * 20, d, distance), np.repeat(np.arange(20), n // 20)


HARD = (
    "galaxies full 4 map",
    "penguins full 8 map",
    "wine spherical 8 map",
    "digits_5 full 3 map",
    "digits_10 tied 2 map",
    "unequal_15 full 15 map",
    "scattered_15 tied 15 map",
    "groups_20 full 20 map",
    "grid_18 full 18 map",
    "grid_20 full 20 map",
    "iris diag 5 ml",
    "wine_chemistry diag 3 ml",
    "digits_5 full 3 ml",
    "digits_10 tied 2 ml",
    "crossing_2 spherical 2 ml",
    "thin_3 tied 7 ml",
    "unlike_clusters_4 full 3 ml",
    "helix spherical 2 ml",
    "unequal_15 tied 15 ml",
    "scattered_15 spherical 15 ml",
)
"""Data, structure, number of components, and fit, whose best mode few starts lead to."""
