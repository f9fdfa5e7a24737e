import random

import pytest

from spacy_ner_plus.learning.variant_results import variant_results
from spacy_ner_plus.learning.variants_page import ends, figure, render_variants, verdict
from spacy_ner_plus.llm.store.store import Store
from tests.learning.inferences import make_inference

EVIL = "<script>alert(1)</script>"
LONG = "a-variant-with-a-rather-long-name-of-its-own-instruct"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Three variants of which one is better, one that failed at times, and a store that knows not all costs."""
    rng, rows = random.Random(0), []
    rates = {LONG: 0.85, "small": 0.3, EVIL: 0.2}
    with Store(tmp_path_factory.mktemp("store") / "replies.sqlite") as store:
        for number in range(260):
            name = list(rates)[number % 3]
            given = (
                {"fallback_of": "small"} if number % 40 == 0 and name != "small" else {"probability": 1 / 3}
            )
            cost = None if number % 50 == 1 else 0.0004
            inference = make_inference(
                f"Text {number}", variant=name, cost=cost, seconds=rng.random(), **given
            )
            store.inferences.add(inference)
            right = rng.random() < rates[name]
            rows += [(inference.id, "exact_match", right, ""), (inference.id, "jaccard", (1 + right) / 2, "")]
        store.feedback.add_many(rows)
        yield store


@pytest.fixture(scope="module")
def results(store):
    return variant_results(store)


@pytest.fixture(scope="module")
def page(results):
    return render_variants(results, title=f"Variants of {EVIL}")


def test_variants_page_says_which_is_best(results, store):
    assert verdict(results).startswith(f"{LONG} is the best by Exact match: decided after ")
    assert verdict(results).endswith("wrong with a probability of at most 5 %.")
    undecided = variant_results(store, alpha=1e-30)
    assert verdict(undecided) == "No variant is known to be the best by Exact match yet, after 260 texts."
    assert "badge" not in render_variants(undecided, title="T").partition("<body>")[2]


def test_variants_page_of_one_variant_says_that_nothing_is_tested(tmp_path):
    with Store(tmp_path / "store.sqlite") as store:
        store.inferences.add(make_inference("Text", variant=""))
        results = variant_results(store)
    assert "one variant alone was chosen" in verdict(results)
    page = render_variants(results, title="One")
    assert "(no variant)" in page
    assert "Over time" not in page


def test_variants_page_escapes_names_and_needs_nothing_from_elsewhere(page):
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "https://" not in page


def test_variants_page_writes_figures_as_people_read_them():
    assert (figure(0.5), figure(None), figure(12345.678, is_share=False)) == (
        "50.0",
        "\N{EN DASH}",
        "12,346",
    )
    assert (ends((0.1, 0.25)), ends(None)) == ("10.0 to 25.0", "")


@pytest.mark.slow
def test_variants_page_fits_and_is_accessible(page, chromium, tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf8")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width, scheme in ((360, "dark"), (1440, "light")):
            tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            noted = []
            tab.on("request", lambda request, noted=noted: noted.append(request.url))
            tab.on("dialog", lambda dialog, noted=noted: (noted.append("dialog"), dialog.dismiss()))
            tab.goto(path.as_uri())
            assert [url for url in noted if not url.startswith("data:")] == [path.as_uri()]
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            assert tab.locator(".badge").count() == 1
            assert tab.locator(".plot").count() == 2
            found = axe.Axe().run(tab).response["violations"]
            assert [row["id"] for row in found if row["impact"] in ("serious", "critical")] == []
        browser.close()
