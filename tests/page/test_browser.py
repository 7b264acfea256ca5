"""The page in a real browser: it loads, fits the screen, sorts, prints, and is accessible."""

import shutil
from importlib.resources import files

import pytest
from reports import LONG, by_hand, posterior, rows

import bayesgmm as bg
from bayesgmm.page.page import report

sync_api = pytest.importorskip("playwright.sync_api", reason="no browser is driven: no playwright")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="PAGES ARE NOT LOOKED AT: no chromium here; try apt-get install chromium",
)

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCREENS = [(width, scheme) for width in (360, 1280) for scheme in ("light", "dark")]
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        # Launched with an empty profile of its own.
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


def cells(folder):
    """A notebook's output of the five results that show themselves."""
    tree = bg.relabel(posterior(), progress=False)
    best = bg.partition(tree, random_seed=1, progress=False)
    results = [
        bg.fit_map(bg.GaussianMixture(2), rows(), random_seed=1, progress=False),
        best,
        bg.credible_ball(tree, best, progress=False),
        bg.diagnose(tree, progress=False),
        bg.compare(tree, random_seed=1, progress=False),
    ]
    head = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Notebook</title>'
    head += '<link rel="icon" href="data:,"><body style="margin:0"><main><h1>Cells</h1>'
    path = folder / "cells.html"
    path.write_text(head + "".join(r._repr_html_() for r in results) + "</main>", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Paths of pages to look at, by name."""
    folder = tmp_path_factory.mktemp("pages")
    posteriors = {
        "two features": posterior(),
        "many features with long names": posterior(LONG, n_components=3),
        "declared by hand": by_hand(),
    }
    paths = {
        name: report(post, path=folder / f"{i}.html", progress=False)
        for i, (name, post) in enumerate(posteriors.items())
    }
    return paths | {"cells": cells(folder)}


@pytest.fixture
def visit(browser, pages):
    """Opens a page; whatever it complains of or asks the network for fails the test."""
    contexts, trouble = [], []

    def opened(name, width=1280, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda r: asked(r.url))
        page.goto(pages[name].as_uri())
        return page

    def asked(url):
        if not url.startswith(("file:", "data:")):
            trouble.append(f"asked for {url}")

    yield opened
    for context in contexts:
        context.close()
    assert trouble == []


NAMES = ["two features", "many features with long names", "declared by hand", "cells"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_a_page_fits_the_screen_and_is_accessible(visit, name, width, scheme):
    page = visit(name, width, scheme)
    for step in ("closed", "open"):
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, step
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    if (width, scheme) not in SCREENS[1:3]:
        return  # axe takes seconds: each width once, and each scheme
    page.evaluate(AXE)
    found = page.evaluate("axe.run()")
    assert len(found["passes"]) > 10
    grave = {
        v["id"]: [node["html"] for node in v["nodes"]]
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    }
    assert grave == {}


@pytest.mark.parametrize("name", NAMES[:-1])
def test_every_figure_is_loaded(visit, name):
    page = visit(name)
    sizes = page.evaluate("[...document.images].map(i => i.complete ? i.naturalWidth : 0)")
    assert len(sizes) >= 3
    assert min(sizes) > 300


def test_the_dark_page_is_dark_and_its_figures_lie_on_white(visit):
    page = visit("two features", scheme="dark")
    shade = "getComputedStyle(document.querySelector('{}')).backgroundColor"
    assert page.evaluate(shade.format("body")) == "rgb(20, 24, 29)"
    assert page.evaluate(shade.format("figure .scroll")) == "rgb(255, 255, 255)"


def test_tables_sort_by_the_keyboard(visit):
    page = visit("two features")
    table = page.locator("table", has=page.locator("caption", has_text="Least certain rows"))
    heading = table.locator("thead th", has_text="probability")
    index = 1 + heading.evaluate("th => th.cellIndex")

    def values():
        cells = table.locator(f"tbody tr > :nth-child({index})")
        return cells.evaluate_all("cells => cells.map(c => Number(c.dataset.value))")

    before = values()
    heading.locator("button").focus()
    for key, order, reverse in (("Enter", "ascending", False), ("Space", "descending", True)):
        page.keyboard.press(key)
        assert heading.get_attribute("aria-sort") == order
        assert values() == sorted(before, reverse=reverse)
    assert table.locator("th[aria-sort]").count() == 1


def test_a_column_of_names_sorts_too(visit):
    page = visit("two features")
    table = page.locator("table", has=page.locator("caption", has_text="Statistics of the data"))
    table.locator("thead button", has_text="statistic").click()
    names = table.locator("tbody tr > :nth-child(2)").all_inner_texts()
    assert names == sorted(names, key=str.lower)


def test_every_table_of_more_than_a_row_sorts(visit):
    page = visit("many features with long names")
    counts = page.evaluate(
        "[...document.querySelectorAll('table')].map(t => [t.tBodies[0].rows.length,"
        " t.tHead.rows[0].cells.length, t.querySelectorAll('th button').length])"
    )
    assert len(counts) > 10
    assert all(buttons == (columns if rows > 1 else 0) for rows, columns, buttons in counts)


def test_print_opens_what_is_folded(visit):
    page = visit("two features")
    assert page.locator("details[open]").count() == 0
    assert page.pdf(format="A4").startswith(b"%PDF")
    assert page.locator("details:not([open])").count() == 0


def test_the_checks_can_fail(visit):
    """A negative control: pale text is found, and so is a table too wide for its box."""
    page = visit("two features", 360)
    page.add_style_tag(
        content=".bayesgmm p { color: #ddd !important } .scroll { overflow: visible !important }"
    )
    page.evaluate(AXE)
    found = page.evaluate("axe.run({runOnly: ['color-contrast']})")
    assert [v["impact"] for v in found["violations"]] == ["serious"]
    assert page.evaluate("document.documentElement.scrollWidth") > 360
