"""The page and its tables: self-contained, honest about convergence, every number recomputable."""

import io
from functools import cache
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rich.console import Console

import bayesgmm as bg
from bayesgmm.reporting import report, tables, write_outputs

# A handful of draws by hand is too few for a verdict.
pytestmark = pytest.mark.filterwarnings("ignore:Verdict")


def frame(names=("eruptions", "waiting")):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(80, 2)) + 6 * (np.arange(80) % 2)[:, None]
    return pd.DataFrame(x, columns=list(names))


@cache
def posterior(names=("eruptions", "waiting"), covariance="full", n_components=2):
    mixture = bg.GaussianMixture(n_components, covariance=covariance)
    return bg.sample(
        mixture, frame(names), draws=30, tune=60, chains=2, cores=1, random_seed=1, progress=False
    )


class Page(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def test_a_folder_of_files(tmp_path):
    written = write_outputs(posterior(), tmp_path / "new" / "folder")
    names = {"posterior.nc", "summary.csv", "report.html", "mixture.png", "em_trace.png"}
    names |= {"components.png", "assignments.png"}
    assert {path.name for path in written} == names
    assert all(path.stat().st_size > 500 for path in written)


def test_the_saved_tree_gives_the_same_page(tmp_path):
    tree = bg.relabel(posterior())
    bg.save(tree, tmp_path / "posterior.nc")
    one = report(tree, path=tmp_path / "one.html").read_text(encoding="utf-8")
    two = report(bg.load(tmp_path / "posterior.nc"), path=tmp_path / "two.html")
    assert two.read_text(encoding="utf-8") == one


def test_the_page_needs_no_network_and_says_what_its_figures_show(tmp_path):
    path = report(posterior(), path=tmp_path / "report.html")
    page = Page(path)
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 4
    assert all(image["src"].startswith("data:image/png;base64,") for image in images)
    assert all(len(image["alt"]) > 20 for image in images)
    assert not {"link", "script", "iframe"} & {tag for tag, _ in page.tags}
    assert "http" not in "".join(str(attrs) for tag, attrs in page.tags if tag != "img")
    assert "@import" not in path.read_text(encoding="utf-8")


def test_the_page_carries_the_worst_numbers_and_where_it_all_came_from(tmp_path):
    tree = bg.relabel(posterior())
    words = Page(report(tree, path=tmp_path / "report.html")).words
    worst = tables.convergence(tree, bg.summary(tree, round_to="none"))
    assert tables.convergence_line(worst) in words
    for name in ("eruptions", "waiting"):
        assert f"means[0, {name}]" in words
    for fact in (tree.attrs["data_hash"], tree.attrs["bayesgmm_version"], "NormalInverseWishart"):
        assert str(fact) in words


def test_names_cannot_inject_markup(tmp_path):
    names = ("<script>alert(1)</script>", "a & b")
    page = Page(report(posterior(names), path=tmp_path / "report.html"))
    assert "script" not in {tag for tag, _ in page.tags}
    assert "means[0, <script>alert(1)</script>]" in page.words


def test_a_mode_of_another_order_takes_the_order_of_the_posterior(tmp_path):
    tree = bg.relabel(posterior())
    mode = bg.fit_map(bg.GaussianMixture(2), frame(), random_seed=1, progress=False)
    table = tables.html_table(tables.estimate_table(tables.estimate(tree), mode.features), "")
    rows = [line for line in table.splitlines() if line.startswith("<tr>")]
    text = report(tree, mode=mode, path=tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(row in text for row in rows)


def test_a_mode_of_another_mixture_is_refused(tmp_path):
    mode = bg.fit_map(bg.GaussianMixture(3), frame(), n_starts=2, random_seed=1, progress=False)
    with pytest.raises(ValueError, match="mode must have the posterior's 2 components"):
        report(posterior(), mode=mode, path=tmp_path / "report.html")


def test_a_single_component_is_reported(tmp_path):
    words = Page(report(posterior(n_components=1), path=tmp_path / "report.html")).words
    assert "Gaussian mixture, 1 component" in words


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
def test_the_map_table_holds_the_dense_covariances(covariance):
    tree = posterior(covariance=covariance)
    parameters = tables.estimate(tree)
    table = tables.estimate_table(parameters, ["eruptions", "waiting"])
    variances = np.diagonal(parameters.covariances, axis1=1, axis2=2).ravel()
    np.testing.assert_allclose(table["sd"] ** 2, variances)
    assert ("cov waiting" in table) == (covariance in ("full", "tied"))
    np.testing.assert_allclose(table["mean"], tree["map"]["means"].values.ravel())


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
def test_dense_covariances_agree_with_the_posterior_room(covariance):
    tree = posterior(covariance=covariance)
    ours = tables.dense(tree["posterior"].to_dataset())
    np.testing.assert_allclose(ours, bg.covariances(tree).values, rtol=1e-9)


def healthy():
    return {
        "r_hat": 1.001,
        "ess_bulk": 2000.0,
        "ess_tail": 1500.0,
        "divergences": 0,
        "n_chains": 4,
        "n_draws": 1000,
        "n_chains_requested": 4,
        "interrupted": False,
    }


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"r_hat": 1.2}, "R-hat should be below 1.01"),
        ({"r_hat": np.nan}, "R-hat could not be computed"),
        ({"ess_tail": 30.0}, "ESS of at least 100 per chain"),
        ({"divergences": 3}, "raise target_accept"),
        ({"interrupted": True}, "interrupted"),
        ({"n_chains": 3}, "Only 3 of 4 chains"),
    ],
)
def test_trouble_is_named_with_advice(change, advice):
    assert advice in tables.convergence_line(healthy() | change)
    assert advice not in tables.convergence_line(healthy())


def test_chains_in_different_places_are_not_called_converged():
    tree = bg.relabel(posterior()).copy(deep=True)
    assert not tables.convergence(tree, bg.summary(tree, round_to="none"))["r_hat"] > 1.3
    group = tree["posterior"].to_dataset()
    apart = 5 * group["chain"]
    tree["posterior"] = xr.DataTree(group.assign(means=group["means"] + apart))
    worst = tables.convergence(tree, bg.summary(tree, round_to="none"))
    assert worst["r_hat"] > 1.3
    assert not worst["ok"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.36123, "0.3612"),
        (-2.5, "−2.500"),
        (371312.2, "371312"),
        (1e-9, "1.000e-09"),
        (0, "0"),
        (np.nan, "–"),
    ],
)
def test_numbers_have_four_significant_digits(value, text):
    assert tables.number(value) == text


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_number_is_cut_however_narrow_the_terminal(width):
    tree = bg.relabel(posterior(("a_rather_long_name_of_a_feature", "waiting")))
    frame = tables.named_rows(bg.summary(tree, round_to="none"))
    console = Console(width=width, file=io.StringIO())
    console.print(tables.rich_table(frame, "Posterior", console.width))
    text, _, left_out = console.file.getvalue().partition("Too wide")
    assert "…" not in text
    kept = [name for name in frame.columns if name in text.split()]
    assert bool(left_out) == (len(kept) < len(frame.columns)) == (width < 200)
    for row in tables.cells(frame[kept]):
        assert all(number in text for number in row[1:])
