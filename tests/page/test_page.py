"""The page and its tables: self-contained, honest about convergence, every number recomputable."""

import io
import json
import re
from base64 import b64decode
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from oracles import MATRICES, STRUCTURES
from reports import SHORT, by_hand, posterior, rows
from rich.console import Console

import bayesgmm as bg
from bayesgmm.cli import terminal
from bayesgmm.draws.read import Reading
from bayesgmm.html import cells
from bayesgmm.page import tables
from bayesgmm.page.page import report, write_outputs
from bayesgmm.posterior.summaries import summary_table


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


@pytest.fixture
def path(tmp_path):
    return report(posterior(), path=tmp_path / "report.html", progress=False)


def test_the_saved_tree_gives_the_same_page(path, tmp_path):
    bg.save(posterior(), tmp_path / "posterior.nc")
    again = report(bg.load(tmp_path / "posterior.nc"), path=tmp_path / "2.html", progress=False)
    for suffix in (".html", ".json"):
        assert again.with_suffix(suffix).read_bytes() == path.with_suffix(suffix).read_bytes()


@pytest.mark.parametrize(
    "make",
    [
        lambda: posterior(("waiting",), n_components=1),
        lambda: posterior().isel(draw=slice(5), missing_dims="ignore"),
        lambda: posterior().isel(chain=[0], missing_dims="ignore"),
        lambda: posterior(covariance="spherical", weighted=True),
    ],
    ids=["one of each", "few draws", "one chain", "weighted rows"],
)
def test_every_posterior_has_a_page(make, tmp_path):
    tree = make()
    page = Page(report(tree, path=tmp_path / "report.html", progress=False))
    names = ["mixture", "components", "assignments", "similarity", "comparison", "occupied"]
    names += ["convergence"] * (tree["posterior"].sizes["draw"] > 5) + ["em_trace"]
    shown = [attrs["id"] for tag, attrs in page.tags if tag == "figure"]
    assert shown == [f"figure-{name}" for name in names]


def test_a_folder_of_files(tmp_path):
    written, numbers = write_outputs(posterior(), tmp_path / "new" / "folder", progress=False)
    names = {"posterior.nc", "summary.csv", "report.html", "report.json", "mixture.png"}
    names |= {"em_trace.png", "components.png", "assignments.png"}
    assert {path.name for path in written} >= names
    folder = tmp_path / "new" / "folder"
    kept = json.loads((folder / "report.json").read_text("utf-8"))
    assert kept == numbers | {"figures": kept["figures"]}
    images = [attrs["src"] for tag, attrs in Page(folder / "report.html").tags if tag == "img"]
    pngs = [(folder / f"{figure['name']}.png").read_bytes() for figure in kept["figures"]]
    assert [b64decode(image.partition(",")[2]) for image in images] == pngs
    table = pd.DataFrame(summary_table(Reading.of(bg.relabel(posterior())), round_to="none"))
    summary = pd.read_csv(folder / "summary.csv", index_col="quantity")
    pd.testing.assert_frame_equal(summary, table, check_names=False, rtol=1e-12)
    saved = bg.load(folder / "posterior.nc")
    assert saved["posterior"].identical(bg.relabel(posterior())["posterior"])


def test_the_page_needs_no_network_and_says_what_its_figures_show(path):
    page = Page(path)
    assert path.stat().st_size < 5_000_000
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    figures = json.loads(path.with_suffix(".json").read_text("utf-8"))["figures"]
    assert len(images) == len(figures) == 8
    assert all(image["src"].startswith("data:image/png;base64,") for image in images)
    assert [image["alt"] for image in images] == [figure["alt"] for figure in figures]
    assert all(len(figure[text]) > 20 for figure in figures for text in ("alt", "caption"))
    assert "iframe" not in {tag for tag, _ in page.tags}
    links = [attrs[name] for _, attrs in page.tags for name in ("src", "href") if name in attrs]
    assert all(link.startswith(("data:", "#")) for link in links)
    text = path.read_text(encoding="utf-8")
    assert "@import" not in text
    assert "url(" not in text


def every_number(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return set().union(*map(every_number, value))
    return {value}


def test_every_number_in_a_table_is_in_the_json(path):
    shown = re.findall(r'data-value="([^"]*)"', path.read_text(encoding="utf-8"))
    assert len(shown) > 300
    kept = every_number(json.loads(path.with_suffix(".json").read_text("utf-8")))
    assert {float(v) for v in shown} <= {float(v) for v in kept if isinstance(v, int | float)}


def test_the_verdict_comes_first_and_the_rest_is_there(path):
    page, numbers = Page(path), json.loads(path.with_suffix(".json").read_text("utf-8"))
    first = page.words.index(f"Verdict: {numbers['convergence']['verdict']}")
    assert first < page.words.index("What was fitted")
    assert numbers["convergence"]["advice"] in page.words
    assert numbers["convergence"]["labels_advice"] in page.words
    assert numbers["comparison"]["sentence"] in page.words
    assert numbers["methods"]["text"] in page.words
    for fact in (numbers["fit"]["data"]["hash"], "NormalInverseWishart", *SHORT):
        assert str(fact) in page.words
    headings = [tag for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == "h1"
    assert headings.count("h1") == 1
    assert headings.count("h2") == 9


def test_names_cannot_inject_markup(tmp_path):
    names = ("<script>alert(1)</script>", "a & b")
    page = Page(report(posterior(names), path=tmp_path / "report.html", progress=False))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "<script>alert(1)</script>" in page.words


def test_sections_that_cannot_be_computed_say_why(tmp_path):
    words = Page(report(by_hand(), path=tmp_path / "report.html", progress=False)).words
    assert "Not computed: the posterior holds no MAP" in words
    assert "declared by hand" in words


def test_a_page_may_not_take_the_name_of_its_json(tmp_path):
    with pytest.raises(ValueError, match="JSON goes beside it"):
        report(posterior(), path=tmp_path / "report.json")


def test_a_mode_of_another_order_takes_the_order_of_the_posterior(tmp_path):
    mode = bg.fit_map(bg.GaussianMixture(2), rows(), random_seed=1, progress=False)
    pages = [
        report(posterior(), mode=m, path=tmp_path / f"{i}.html", progress=False)
        for i, m in enumerate([None, mode])
    ]
    own, given = (json.loads(p.with_suffix(".json").read_text("utf-8")) for p in pages)
    for a, b in zip(own["map"]["parameters"], given["map"]["parameters"], strict=True):
        assert a["component"] == b["component"]
        assert a["mean"] == pytest.approx(b["mean"])


def test_a_mode_of_another_mixture_is_refused(tmp_path):
    mode = bg.fit_map(bg.GaussianMixture(3), rows(), n_starts=2, random_seed=1, progress=False)
    with pytest.raises(ValueError, match="mode must have the posterior's 2 components"):
        report(posterior(), mode=mode, path=tmp_path / "report.html", progress=False)


def test_results_in_a_notebook_cell_share_the_style_of_the_page():
    tree = bg.relabel(posterior(), progress=False)
    best = bg.partition(tree, random_seed=1, progress=False)
    results = [
        bg.fit_map(bg.GaussianMixture(2), rows(), random_seed=1, progress=False),
        best,
        bg.credible_ball(tree, best, progress=False),
        bg.diagnose(tree, progress=False),
        bg.compare(tree, random_seed=1, progress=False),
    ]
    for result in results:
        cell = result._repr_html_()
        assert cell.startswith(f'<div class="bayesgmm"><style>{cells.style()}</style>')
        assert 'class="verdict' in cell
        assert cell.count("<table>") == cell.count("</table>") > 0


@pytest.mark.parametrize("covariance", STRUCTURES)
def test_the_map_table_holds_the_dense_covariances(covariance):
    tree = posterior(covariance=covariance)
    parameters = Reading.of(tree).map
    table = tables.estimate_table(parameters, ["eruptions", "waiting"])
    variances = np.diagonal(parameters.covariances, axis1=1, axis2=2).ravel()
    np.testing.assert_allclose(table["sd"] ** 2, variances)
    assert ("cov waiting" in table) == (covariance in MATRICES)
    np.testing.assert_allclose(table["mean"], tree["map"]["means"].values.ravel())


def test_the_verdict_in_a_line():
    found = {
        "verdict": "converged",
        "advice": "The chains agree.",
        "notes": ["Only 3 of 4 chains have draws."],
        "worst": {"r_hat": 1.00123, "ess_bulk": 2000.0, "ess_tail": None},
        "labels": "labels are stable",
        "labels_advice": "each means the same.",
    }
    assert terminal.verdict_line(found) == (
        "Verdict: converged. The chains agree. Only 3 of 4 chains have draws. "
        "Without labels the worst R-hat is 1.0012, the smallest bulk ESS 2\u202f000 and tail ESS "
        "–.\n"
        "Labels are stable: each means the same."
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.36123, "0.3612"),
        (-2.5, "−2.500"),
        (371312.2, "371312"),
        (1e-9, "1.000e−09"),
        (0, "0"),
        (np.nan, "–"),
    ],
)
def test_numbers_have_four_significant_digits(value, text):
    assert cells.number(value) == text


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_number_is_cut_however_narrow_the_terminal(width):
    tree = bg.relabel(posterior(("a_rather_long_name_of_a_feature", "waiting")))
    frame = terminal.named_rows(summary_table(Reading.of(tree), round_to="none"))
    console = Console(width=width, file=io.StringIO())
    console.print(terminal.rich_table(frame, "Posterior", console.width))
    text, _, left_out = console.file.getvalue().partition("Too wide")
    assert "…" not in text
    kept = [name for name in frame.columns if name in text.split()]
    assert bool(left_out) == (len(kept) < len(frame.columns)) == (width < 200)
    for row in terminal.cells(frame[kept]):
        assert all(number in text for number in row[1:])
