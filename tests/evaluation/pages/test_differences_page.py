import re

import pytest
from spacy.tokens import Doc, Span

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
from spacy_ner_plus.evaluation.pages.colours import COLOURS
from spacy_ner_plus.evaluation.pages.differences_page import render_differences

DASH = "\N{EN DASH}"
EVIL = "<script>alert(1)</script>"


def render(golds, predictions, **settings):
    return render_differences(match_docs(golds, predictions), **settings)


def make_doc(nlp, words, ents=()):
    words = words.split("|") if isinstance(words, str) else words
    doc = Doc(nlp.vocab, words=words)
    doc.set_ents([Span(doc, *ent) for ent in ents])
    return doc


@pytest.fixture
def pairs(nlp):
    long = ["word"] * 300
    return [
        (make_doc(nlp, "Anna|in|Oslo", [(0, 1, "PER")]), make_doc(nlp, "Anna|in|Oslo", [(0, 1, "PER")])),
        (
            make_doc(nlp, "May|met|Anna|Smith|in|Oslo", [(0, 1, "PER"), (2, 4, "PER"), (5, 6, "LOC")]),
            make_doc(nlp, "May|met|Anna|Smith|in|Oslo", [(0, 1, "DATE"), (2, 3, "PER"), (4, 5, "LOC")]),
        ),
        (make_doc(nlp, f"{EVIL}|x", [(0, 1, EVIL)]), make_doc(nlp, f"{EVIL}|x", [(1, 2, '"><img src=x>')])),
        (make_doc(nlp, [*long, "Oslo", *long], [(300, 301, "LOC")]), make_doc(nlp, [*long, "Oslo", *long])),
    ]


@pytest.fixture
def page(pairs):
    golds, predictions = zip(*pairs, strict=True)
    return render(golds, predictions, title=f"My {EVIL}")


def section(page, number):
    return re.search(rf'<section id="document-{number}">.*?</section>', page, re.DOTALL)[0]


def test_differences_page_shows_documents_that_differ_alone(page):
    assert re.findall(r'<section id="document-(\d+)"', page) == ["2", "3", "4"]
    assert re.findall(r'href="#document-(\d+)"', page) == ["2", "3", "4"]
    assert "3 of 4 documents differ." in page


def test_differences_page_shows_all_documents_if_told(pairs):
    golds, predictions = zip(*pairs, strict=True)
    everything = render(golds, predictions, show_all=True)
    assert re.findall(r'<section id="document-(\d+)"', everything) == ["1", "2", "3", "4"]
    assert "3 of 4 documents differ; 4 shown." in everything


def test_differences_page_lists_errors_by_kind_as_evaluate_does(page):
    kinds = re.findall(r'<span class="kind">(.*?)</span>', section(page, 2))
    assert kinds == ["wrong label", "boundary too short", "spurious", "missed"]
    assert re.findall(r"<td>(\w[\w ]+)</td><td class=\"n\">(\d+)</td>", page)[:3] == [
        ("missed", "3"),
        ("spurious", "2"),
        ("wrong label", "1"),
    ]


def test_differences_page_names_what_was_split_with_all_its_parts(nlp):
    gold = make_doc(nlp, "Anna|of|Oslo", [(0, 3, "PER")])
    page = render([gold], [make_doc(nlp, "Anna|of|Oslo", [(0, 1, "PER"), (2, 3, "LOC")])])
    [error] = re.findall(r"<li>(.*?)</li>", section(page, 1))
    assert re.sub(r"<.*?>", " ", error).split() == [
        *("split", "Anna", "of", "Oslo", "PER", "\N{RIGHTWARDS ARROW}", "Anna", "PER", ",", "Oslo", "LOC")
    ]


def test_differences_page_counts_what_does_not_fit(nlp):
    gold = Doc(nlp.vocab, words=["the", "U.S.-based"], ents=["O", "B-LOC"])
    tags = ["O", "B-LOC", "O"]
    predicted = Doc(nlp.vocab, words=["the", "U.S.", "-based"], spaces=[True, False, True], ents=tags)
    page = render([gold], [predicted])
    assert "1 \N{MULTIPLICATION SIGN} predicted entity ends inside a gold token: counted as wrong" in page


def test_differences_page_marks_entities_in_our_colours(page):
    gold = section(page, 2)
    assert f'<mark class="entity differs" style="background: {COLOURS["PER"]}">May' in gold
    assert f'<mark class="entity differs" style="background: {COLOURS["DATE"]}">May' in gold


def test_differences_page_escapes_text_labels_and_title(page):
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 4


def test_differences_page_needs_nothing_from_elsewhere(page):
    assert not re.search(r"https?://|//cdn|@import|url\(", page)
    assert set(re.findall(r'(?:src|href)="([^"#][^"]*)"', page)) == {"data:,"}


def test_differences_page_shows_long_documents_around_their_differences(page):
    gold = section(page, 4)
    assert gold.count("… 275 tokens not shown …") == 4
    assert gold.count("word") == 2 * 2 * 25


def test_differences_page_draws_predictions_of_another_tokenization_on_the_gold_text(nlp):
    gold = Doc(nlp.vocab, words=["the", "U.S.-based"], ents=["O", "B-LOC"])
    spaces, tags = [True, False, True], ["O", "B-LOC", "O"]
    predicted = Doc(nlp.vocab, words=["the", "U.S.", "-based"], spaces=spaces, ents=tags)
    marked = section(render([gold], [predicted]), 1)
    assert re.search(r">U\.S\.-based<span", marked)
    assert re.search(r">U\.S\.<span class=\"label\">LOC</span></mark>-based", marked)


def test_differences_page_of_agreement_says_so(nlp):
    doc = make_doc(nlp, "Anna", [(0, 1, "PER")])
    page = render([doc], [doc])
    assert "Gold and predicted agree everywhere." in page
    assert "<section" not in page


def test_differences_page_refuses_predictions_of_another_text(nlp):
    with pytest.raises(UserError, match=r"E307.*Document 1 .*'b '.*'a '"):
        render([make_doc(nlp, "a")], [make_doc(nlp, "b")])


@pytest.fixture
def browser(chromium):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, page, tmp_path):
    """The page in a real browser, with all that it asks for or complains of."""
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf8")
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.noted = []
    tab.on("request", lambda request: tab.noted.append(request.url))
    tab.on("pageerror", lambda error: tab.noted.append(str(error)))
    tab.on("console", lambda message: tab.noted.append(message.text))
    tab.on("dialog", lambda dialog: (tab.noted.append(dialog.message), dialog.dismiss()))
    tab.goto(path.as_uri())
    return tab


def test_differences_page_opens_in_a_browser_and_asks_for_nothing(opened):
    requests = [note for note in opened.noted if not note.startswith("data:")]
    assert requests == [opened.url]
    assert opened.title() == f"My {EVIL}"
    assert opened.locator("#document-3 .gold mark").inner_text().startswith(EVIL)


def test_differences_page_puts_columns_beside_each_other_or_below(opened):
    gold, predicted = opened.locator("#document-2 .gold"), opened.locator("#document-2 .predicted")
    assert gold.bounding_box()["y"] == predicted.bounding_box()["y"]
    assert gold.bounding_box()["x"] < predicted.bounding_box()["x"]
    opened.set_viewport_size({"width": 390, "height": 800})
    assert gold.bounding_box()["x"] == predicted.bounding_box()["x"]
    assert gold.bounding_box()["y"] < predicted.bounding_box()["y"]
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390


def test_differences_page_is_readable_in_both_themes(opened):
    style = "getComputedStyle(document.querySelector('{}')).{}"
    seen = {}
    for scheme in ("light", "dark"):
        opened.emulate_media(color_scheme=scheme)
        seen[scheme] = [
            opened.evaluate(style.format(place, key))
            for place, key in (("body", "backgroundColor"), ("body", "color"), ("mark", "color"))
        ]
    assert seen["light"][:2] == ["rgb(255, 255, 255)", "rgb(27, 29, 34)"]
    assert seen["dark"][:2] == ["rgb(21, 23, 28)", "rgb(231, 233, 238)"]
    assert seen["light"][2] == seen["dark"][2] == "rgb(20, 22, 26)"


def test_differences_page_links_lead_to_their_documents(opened):
    opened.get_by_role("link", name="4", exact=True).click()
    box = opened.locator("#document-4").bounding_box()
    assert 0 <= box["y"] < 900


@pytest.mark.parametrize("width", [360, 390, 1440])
def test_differences_page_shows_every_column_of_scores(browser, nlp, tmp_path, width):
    labels = ["PER", "LOCATION", "A_LABEL_WITH_A_VERY_LONG_NAME_OF_SEVERAL_WORDS", "<b>"]
    words = [f"w{i}" for i in range(40)]
    gold = make_doc(nlp, words, [(i, i + 1, labels[i % 3]) for i in range(40)])
    found = make_doc(nlp, words, [(i, i + 1, labels[i % 3] if i else "<b>") for i in range(40)])
    path = tmp_path / "page.html"
    path.write_text(render([gold] * 30, [found] * 30), encoding="utf8")
    tab = browser.new_page(viewport={"width": width, "height": 780})
    tab.goto(path.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for table in ("#scores", "#kinds"):
        ends = tab.locator(f"{table} tr > :last-child").evaluate_all(
            "all => all.map((x) => x.getBoundingClientRect().right)"
        )
        assert max(ends) <= width
        assert len({round(end) for end in ends}) == 1
    assert tab.locator("#scores").evaluate("x => x.parentElement.scrollWidth <= x.parentElement.clientWidth")
    tab.close()


def test_differences_page_has_a_dash_for_what_is_not_defined(nlp):
    golds = [make_doc(nlp, "Anna|in|Oslo", [(0, 1, "PER"), (2, 3, "LOC")])]
    page = render(golds, [make_doc(nlp, "Anna|in|Oslo", [(0, 1, "PER"), (1, 2, "ORG")])])
    rows = {
        label: re.findall(r'<td class="n">(.*?)</td>', cells)
        for label, cells in re.findall(r"</span>(LOC|ORG|PER)</td>(.*?)</tr>", page, re.DOTALL)
    }
    assert rows["PER"] == ["100.00", "100.00", "100.00", "1"]
    assert rows["ORG"] == ["0.00", DASH, DASH, "0"]
    assert rows["LOC"] == [DASH, "0.00", "0.00", "1"]
    assert f"{DASH} where nothing was predicted, or gold has none." in page
    assert f"{DASH} where" not in render(golds, golds)


def test_differences_page_of_agreement_has_no_empty_table_of_errors(nlp):
    golds = [make_doc(nlp, "Anna|in|Oslo", [(0, 1, "PER")])]
    assert "Errors by kind" not in render(golds, golds)
