import base64
import hashlib
import json
import random
import re
from dataclasses import replace

import pytest
from spacy.tokens import Doc

from spacy_ner_plus.evaluation.pages import page_tables
from spacy_ner_plus.evaluation.pages.comparison_page import render_comparison, write_comparison_page
from tests.evaluation.compared import compare, make_compared, make_doc, make_pipeline

EVIL = "<script>alert(1)</script>"
CLOSING = "</script><img src=x onerror=alert(2)>"
TITLE = f"My {EVIL}"
# Documents of interest stand first; what follows only makes pages.
SMILE, PLANTED, MARKUP, LONG, FILLED = 1, 2, 3, 4, 5


@pytest.fixture(scope="module")
def vocab():
    import spacy

    return spacy.blank("en").vocab


@pytest.fixture(scope="module")
def corpus(vocab):
    long = ["word"] * 400
    golds = [
        make_doc(vocab, "😀😀|Anna|in|Oslo", [(1, 2, "PER"), (3, 4, "LOC")]),
        make_doc(vocab, "Globex|fired|Bo|Berg|in|Xanadu", [(0, 1, "ORG"), (2, 4, "PER"), (5, 6, "LOC")]),
        make_doc(vocab, f"{EVIL}|{CLOSING}|x", [(0, 1, CLOSING)]),
        make_doc(vocab, [*long, "Oslo", *long], [(400, 401, "LOC")]),
        *(make_doc(vocab, f"Bo|sees|Rome|{i}", [(0, 1, "PER"), (2, 3, "LOC")]) for i in range(60)),
    ]
    good = [
        make_doc(vocab, "😀😀|Anna|in|Oslo", [(1, 2, "PER"), (3, 4, "LOC")], [0.9, 0.8]),
        make_doc(
            vocab, "Globex|fired|Bo|Berg|in|Xanadu", [(0, 1, "PER"), (2, 3, "PER"), (4, 5, "LOC")], [0.5, 0.4, 0.3]
        ),
        make_doc(vocab, f"{EVIL}|{CLOSING}|x", [(1, 2, EVIL)], [0.2]),
        make_doc(vocab, [*long, "Oslo", *long], [(400, 401, "ORG")], [0.6]),
        *(make_doc(vocab, f"Bo|sees|Rome|{i}", [(0, 1, "PER"), (2, 3, "LOC")], [0.9, 0.7]) for i in range(60)),
    ]  # fmt: skip
    poor = [
        make_doc(vocab, "😀😀|Anna|in|Oslo", [(1, 2, "PER")]),
        *good[1:3],
        make_doc(vocab, [*long, "Oslo", *long]),
        *(make_doc(vocab, f"Bo|sees|Rome|{i}", [(2, 3, "LOC")]) for i in range(60)),
    ]
    return golds, {"good": good, "poor & cheap": poor}


@pytest.fixture(scope="module")
def compared(corpus):
    golds, predictions = corpus
    pipelines, _ = make_compared(golds, predictions)
    usage = {"llm": {"llm_ner": {"requests": 64, "cost": 0.25, "issues": {"not found in the text": 3}}}}
    poor = pipelines[1]
    log = [
        {"seed": 0},
        *({"step": i, "seconds": 60 * i, "score": i / 10, "losses": {"ner": 9 - i}} for i in range(9)),
    ]
    pipelines = [
        replace(pipelines[0], training_log=log),
        replace(poor, runs=[{**poor.metrics, **usage}]),
    ]
    return pipelines, compare(pipelines)


@pytest.fixture(scope="module")
def page(compared):
    pipelines, comparison = compared
    return render_comparison(pipelines, comparison, title=TITLE)


# What the file holds


def make_silent(vocab, gold):
    """A Doc without any annotation, as where there was no reply."""
    return Doc(vocab, words=[token.text for token in gold])


def test_comparison_page_has_one_script_and_no_markup_of_documents(page):
    assert page.count("<script") == 2
    assert page.count("</script") == 2
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_comparison_page_allows_nothing_but_its_own_style_and_script(page):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)[1]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag in ("style", "script"):
        [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode("utf8")).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_comparison_page_needs_nothing_from_elsewhere(page):
    assert not re.search(r"https?://|//cdn|@import|url\((?!#)", page)
    places = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert {place for place in places if not place.startswith("#")} == {"data:,"}


def test_comparison_page_has_no_style_attributes(page):
    assert not re.search(r"<[a-z]+[^>]* style=", page)


def test_comparison_page_marks_the_winner_where_the_difference_is_real(page):
    [best] = re.findall(r'<tr class="best">.*?</tr>', page, re.DOTALL)
    assert ">good<" in best
    assert '<span class="badge">best</span>' in best
    assert "good is the best, and not by chance." in page


def test_comparison_page_says_that_two_cannot_be_told_apart(corpus):
    golds, predictions = corpus
    pipelines, comparison = make_compared(golds, {"one": predictions["good"], "two": predictions["good"]})
    same = render_comparison(pipelines, comparison, title="Same")
    assert "No winner: one and two can&#39;t be told apart." in same
    assert same.count("not told apart</span>") == 2
    assert '<span class="badge">best</span>' not in same


def test_comparison_page_of_few_documents_claims_nothing(corpus):
    golds, predictions = corpus
    few = {name: docs[:5] for name, docs in predictions.items()}
    pipelines, comparison = make_compared(golds[:5], few)
    page = render_comparison(pipelines, comparison, title="Few")
    assert "not tested" in page
    assert '<span class="badge' not in page


def test_comparison_page_draws_what_there_is_to_draw(page):
    titles = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    assert titles == [
        "Reliability: on the dashed line a score is a probability",
        "F1 as the threshold moves",
        "Precision and recall as it moves",
        "Risk and coverage: trust the surest only",
        "Speed against F1",
        "Cost against F1",
        "Score on the development set in training",
        "Loss in training",
    ]
    assert page.count('<svg viewBox="0 0 340') == 8


def test_comparison_page_of_metrics_alone_has_no_documents(compared):
    pipelines, comparison = compared
    bare = [replace(pipeline, counts=None, matched=None) for pipeline in pipelines]
    alone = render_comparison(bare, comparison, title="Metrics")
    assert "No predictions were kept" in alone
    assert "<script" not in alone
    assert 'href="#kind=' not in alone


def test_comparison_page_names_pipelines_without_predictions(compared):
    pipelines, comparison = compared
    part = [pipelines[0], replace(pipelines[1], matched=None)]
    assert "so not among these: poor &amp; cheap." in render_comparison(part, comparison, title="Part")


def test_comparison_page_tells_issues_and_use_of_language_models(compared):
    pipelines, comparison = compared
    issues = {"issues": {"entity inside a token": {"count": 3, "example": "'<U.S.>'", "where": "document 7"}}}
    lossy = replace(pipelines[0], runs=[{**pipelines[0].metrics, **issues}])
    page = render_comparison([lossy, pipelines[1]], comparison, title="Issues")
    assert "entity inside a token. First: &#39;&lt;U.S.&gt;&#39; (document 7)" in page
    assert "requests 64, cost 0.25; 3 \N{MULTIPLICATION SIGN} not found in the text" in page


def test_comparison_page_is_written_whole_or_not_at_all(compared, tmp_path):
    pipelines, comparison = compared
    path = tmp_path / "report" / "page.html"
    write_comparison_page(path, pipelines=pipelines, comparison=comparison, title=TITLE)
    assert path.read_text(encoding="utf8").endswith("</html>")
    lacking = [replace(pipelines[0], matched=pipelines[0].matched[:-1]), pipelines[1]]
    with pytest.raises(ValueError, match="argument"):
        write_comparison_page(tmp_path / "other.html", pipelines=lacking, comparison=comparison, title=TITLE)
    assert [file.name for file in tmp_path.iterdir()] == ["report"]


# The file in a real browser


@pytest.fixture(scope="module")
def browser(chromium):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page, encoding="utf8")
    return path.as_uri()


@pytest.fixture
def open_at(browser, address):
    """Opens the page at a place, and at the end sees that it asked for nothing and complained of nothing."""
    tabs = []

    def open_page(place="", **settings):
        tab = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **settings})
        tab.noted = []
        tab.on("request", lambda request: tab.noted.append(request.url))
        tab.on("pageerror", lambda error: tab.noted.append(str(error)))
        tab.on("console", lambda message: tab.noted.append(message.text))
        tab.on("dialog", lambda dialog: (tab.noted.append(dialog.message), dialog.dismiss()))
        tab.goto(address + place)
        tabs.append(tab)
        return tab

    yield open_page
    for tab in tabs:
        notes = [note for note in tab.noted if not note.startswith("data:")]
        assert [note.split("#")[0] for note in notes] == [address]
        tab.close()


def headings(tab):
    return tab.locator("#list h2").all_inner_texts()


def wait_for(tab, count):
    from playwright.sync_api import expect

    expect(tab.locator("#list h2")).to_have_count(count)


def wait_for_count(tab, text):
    """The line above the documents, which comes a moment after an address has changed."""
    from playwright.sync_api import expect

    expect(tab.locator("#count")).to_have_text(re.compile(re.escape(text)))


def test_comparison_page_opens_with_the_scores(open_at):
    tab = open_at()
    assert tab.title() == TITLE
    assert tab.locator("#scores").is_visible()
    assert not tab.locator("#documents").is_visible()
    tab.get_by_role("link", name="Documents and their errors").click()
    tab.locator("#documents").wait_for()
    assert not tab.locator("#scores").is_visible()


def test_comparison_page_puts_the_worst_first(open_at):
    tab = open_at("#documents")
    assert headings(tab)[:2] == [f"Document {PLANTED}", f"Document {MARKUP}"]
    wait_for_count(tab, "64 documents, 75 errors")
    tab.locator("#sort").select_option("corpus")
    assert headings(tab)[0] == "Document 1"


def test_comparison_page_finds_the_planted_error(open_at):
    tab = open_at("#documents")
    tab.locator("#kind").select_option("boundary too short")
    assert headings(tab) == [f"Document {PLANTED}"]
    row = tab.locator(f"#document-{PLANTED} .run").nth(1)
    assert row.locator(".errors li:not(.dim)").inner_text() == "boundary too shortBo Berg PER→Bo PER"
    assert row.locator("mark.wrong").all_inner_texts() == ["GlobexPER", "BoPER", "inLOC"]
    assert row.locator(".ghost").all_inner_texts() == ["Xanadu"]


def test_comparison_page_filters_by_label_pipeline_and_text(open_at):
    tab = open_at("#documents")
    tab.locator("#kind").select_option("missed")
    tab.locator("#label").select_option("LOC")
    tab.locator("#pipeline").select_option("poor & cheap")
    assert headings(tab) == ["Document 1", f"Document {PLANTED}", f"Document {LONG}"]
    assert tab.locator(f"#document-{PLANTED} .run").count() == 2
    tab.locator("#q").fill("xana")
    wait_for(tab, 1)
    assert headings(tab) == [f"Document {PLANTED}"]
    assert tab.evaluate("[...CSS.highlights.get('found')].map(String)") == ["Xana", "Xana"]
    tab.locator("#q").fill("nowhere")
    wait_for(tab, 0)
    wait_for_count(tab, "No document is like that.")
    tab.get_by_role("button", name="Clear").click()
    wait_for_count(tab, "64 documents, 75 errors")


def test_comparison_page_counts_the_kinds_under_the_other_filters(open_at):
    tab = open_at("#pipeline=good")
    assert tab.locator("#kind option[value=missed]").inner_text() == "missed (2)"
    tab.locator("#pipeline").select_option("poor & cheap")
    assert tab.locator("#kind option[value=missed]").inner_text() == "missed (64)"


def test_comparison_page_shows_where_pipelines_differ(open_at):
    tab = open_at("#differ=1&sort=corpus")
    assert tab.locator("#differ").is_checked()
    assert headings(tab)[:3] == ["Document 1", f"Document {LONG}", f"Document {FILLED}"]


def test_comparison_page_follows_a_shared_link(open_at):
    tab = open_at("#documents")
    tab.locator("#kind").select_option("wrong label")
    tab.locator("#pipeline").select_option("poor & cheap")
    shared = tab.url.partition("#")[2]
    assert shared == "kind=wrong%20label&pipeline=poor%20%26%20cheap"
    other = open_at(f"#{shared}")
    assert headings(other) == headings(tab) == [f"Document {PLANTED}"]
    assert other.locator("#pipeline").input_value() == "poor & cheap"


def test_comparison_page_keeps_the_filter_beside_the_scores(open_at):
    tab = open_at("#kind=missed")
    tab.get_by_role("link", name="Scores").click()
    tab.get_by_role("link", name="Documents and their errors").click()
    wait_for_count(tab, "(missed)")


def test_comparison_page_explains_its_keys_in_both_views(open_at):
    for place in ("", "#documents"):
        tab = open_at(place)
        tab.get_by_role("button", name="Keys").click()
        assert tab.get_by_role("dialog").get_by_text("next, previous document").is_visible()


def test_comparison_page_goes_back_to_the_last_filter(open_at):
    tab = open_at("#documents")
    tab.locator("#kind").select_option("missed")
    tab.locator("#kind").select_option("spurious")
    tab.go_back()
    wait_for_count(tab, "(missed)")
    assert tab.locator("#kind").input_value() == "missed"


def test_comparison_page_goes_from_a_number_to_its_documents(open_at):
    tab = open_at()
    row = tab.locator("#kinds tr", has=tab.get_by_role("rowheader", name="missed", exact=True))
    assert row.locator("a").all_inner_texts() == ["2", "64"]
    row.locator("a").nth(1).click()
    wait_for_count(tab, "64 documents, 64 errors (missed)")


@pytest.mark.parametrize(
    ("row", "column", "said", "document"),
    [
        ("LOC", "ORG", "1 document, 1 time LOC taken for ORG", LONG),
        ("ORG", "PER", "1 document, 1 time ORG taken for PER", PLANTED),
        ("LOC", "missed", "1 document, 1 time LOC missed", PLANTED),
        ("spurious", "LOC", "1 document, 1 time LOC where gold has nothing", PLANTED),
    ],
)
def test_comparison_page_goes_from_a_confusion_to_its_documents(open_at, row, column, said, document):
    tab = open_at()
    table = tab.locator(".map").first
    heads = table.locator("thead th").all_inner_texts()
    cells = table.locator("tbody tr", has=tab.get_by_role("rowheader", name=row, exact=True)).locator("td")
    cells.nth(heads.index(column) - 1).locator("a").click()
    wait_for_count(tab, said)
    assert headings(tab) == [f"Document {document}"]
    tab.locator("#confusion").click()
    wait_for_count(tab, "64 documents")
    assert not tab.locator("#confusion").is_visible()


def test_comparison_page_leads_to_one_document(open_at):
    tab = open_at("#doc=40")
    assert tab.locator("#document-40").evaluate("box => box.classList.contains('current')")
    box = tab.locator("#document-40").bounding_box()
    assert 0 <= box["y"] < 900


@pytest.mark.parametrize(
    ("place", "notice"),
    [
        ("#kind=typo&q=", "no kind “typo” here"),
        ("#label=XXX&pipeline=nobody", "no pipeline “nobody” here"),
        ("#colour=red", "no filter “colour” here"),
        ("#kind=split&doc=1", "Document 1 isn't among these"),
    ],
)
def test_comparison_page_says_what_an_address_asks_in_vain(open_at, place, notice):
    tab = open_at(place)
    assert notice in tab.locator("#notice").inner_text()


@pytest.mark.parametrize("width", [1280, 390])
def test_comparison_page_shows_what_an_address_asks_in_vain_at_once(open_at, width):
    tab = open_at("#kind=bogus&pipeline=good", viewport={"width": width, "height": 780})
    box = tab.locator("#notice").bounding_box()
    assert 0 <= box["y"] < 780
    assert tab.url.partition("#")[2] == "pipeline=good"


def test_comparison_page_is_walked_by_keys(open_at):
    tab = open_at("#sort=corpus")
    for key, expected in (("j", 1), ("j", 2), ("k", 1)):
        tab.keyboard.press(key)
        assert tab.locator(".document.current h2").inner_text() == f"Document {expected}"
        assert f"doc={expected}" in tab.url
    tab.keyboard.press("ArrowRight")
    assert headings(tab)[0] == "Document 21"
    tab.keyboard.press("j")
    tab.keyboard.press("k")
    assert tab.locator(".document.current h2").inner_text() == "Document 20"
    tab.keyboard.press("/")
    tab.keyboard.type("xanadu")
    wait_for(tab, 1)
    tab.keyboard.press("Escape")
    tab.keyboard.press("Escape")
    wait_for_count(tab, "64 documents, 75 errors")
    tab.keyboard.press("?")
    assert tab.get_by_role("dialog").is_visible()
    tab.keyboard.press("Escape")
    tab.keyboard.press("s")
    tab.locator("#scores").wait_for()


def test_comparison_page_shows_markup_of_documents_as_text(open_at):
    tab = open_at(f"#doc={MARKUP}")
    words = tab.locator(f"#document-{MARKUP} .gold .words")
    assert words.inner_text().startswith(EVIL)
    assert CLOSING in words.inner_text()
    assert tab.locator("#list script, #list img").count() == 0


def test_comparison_page_runs_no_script_but_its_own(browser, address):
    tab = browser.new_page()
    complaints = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.goto(address)
    ran = tab.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = true';"
        " document.body.append(s); return window.ran === true; }"
    )
    assert not ran
    assert "Content Security Policy" in complaints[0]
    tab.close()


def test_comparison_page_marks_entities_after_emojis_in_their_place(open_at):
    tab = open_at(f"#doc={SMILE}")
    row = tab.locator(f"#document-{SMILE} .run").nth(1)
    assert row.locator("mark").all_inner_texts() == ["AnnaPER", "OsloLOC"]
    assert row.locator("mark").first.get_attribute("title") == "PER, score 0.900"


def test_comparison_page_shows_long_documents_around_their_errors(open_at):
    tab = open_at(f"#doc={LONG}")
    words = tab.locator(f"#document-{LONG} .words").first
    assert len(words.inner_text()) < 600
    assert "characters not shown" in words.inner_text()
    tab.locator(f"#document-{LONG}").get_by_role("button", name="Show all of it").click()
    assert len(words.inner_text()) > 4000


def test_comparison_page_is_readable_in_both_themes(open_at):
    style = "getComputedStyle(document.querySelector('{}')).{}"
    places = (("body", "backgroundColor"), ("body", "color"), (".p0", "fill"), ("#scores .plot text", "fill"))
    seen = {}
    for scheme in ("light", "dark"):
        tab = open_at(color_scheme=scheme)
        seen[scheme] = [tab.evaluate(style.format(place, key)) for place, key in places]
    assert seen["light"][:2] == ["rgb(255, 255, 255)", "rgb(27, 29, 34)"]
    assert seen["dark"][:2] == ["rgb(21, 23, 28)", "rgb(231, 233, 238)"]
    assert all(light != dark for light, dark in zip(*seen.values(), strict=True))


@pytest.mark.parametrize("place", ["", "#documents"])
@pytest.mark.parametrize("width", [360, 768])
def test_comparison_page_fits_a_narrow_screen(open_at, place, width):
    tab = open_at(place, viewport={"width": width, "height": 780})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    if place and width == 360:
        gold = tab.locator(".document .run").first
        who, words = (gold.locator(name).bounding_box() for name in (".who", ".words"))
        assert who["y"] < words["y"]
        assert who["x"] == words["x"]


def test_comparison_page_has_all_bars_of_labels_on_one_scale(browser, vocab, tmp_path):
    # Scores of one digit and of three, long labels, labels that gold lacks.
    labels = ["A", "B", "A_LABEL_WITH_A_VERY_LONG_NAME_OF_SEVERAL_WORDS"]
    words = [f"w{i}" for i in range(60)]
    gold = make_doc(vocab, words, [(i, i + 1, labels[i % 3]) for i in range(60)])
    found = make_doc(
        vocab, words, [(i, i + 1, ("A", labels[2] if i < 6 else "X", "A")[i % 3]) for i in range(60)]
    )
    pipelines, comparison = make_compared([gold] * 12, {"one": [gold] * 12, "two": [found] * 12})
    path = tmp_path / "page.html"
    write_comparison_page(path, pipelines=pipelines, comparison=comparison, title="Bars")
    by_label = page_tables.labels(comparison, pipelines)
    expected = [cell["f1"] for row in by_label for cell in row["cells"] if cell["f1"] is not None]
    assert {round(f1, 2) for f1 in expected} == {0.0, 0.67, 1.0}
    for width in (1440, 390):
        tab = browser.new_page(viewport={"width": width, "height": 900})
        tab.goto(path.as_uri())
        bars = tab.locator(".bar").evaluate_all(
            "all => all.map((bar) => [...bar.children].slice(0, 2).map((x) => x.getBoundingClientRect().width))"
        )
        assert len({round(whole, 1) for whole, _ in bars}) == 1
        assert [share / whole for whole, share in bars] == pytest.approx(expected, abs=0.005)
        tab.close()


def test_comparison_page_has_bars_of_errors_on_one_scale(browser, corpus, tmp_path):
    golds, predictions = corpus
    long = "a-pipeline-with-a-very-long-name-2026-11-26, of four words"
    pipelines, comparison = make_compared(
        golds, {"x": predictions["good"], long: predictions["poor & cheap"]}
    )
    path = tmp_path / "page.html"
    write_comparison_page(path, pipelines=pipelines, comparison=comparison, title="Bars")
    expected = [cell["count"] for row in page_tables.kinds(pipelines) for cell in row["cells"]]
    for width in (1440, 390):
        tab = browser.new_page(viewport={"width": width, "height": 900})
        tab.goto(path.as_uri())
        widths = tab.locator(".share rect").evaluate_all(
            "all => all.map((bar) => bar.getBoundingClientRect().width)"
        )
        whole = max(widths)
        # Bars are rounded to a tenth of a percent.
        assert [value / whole for value in widths] == pytest.approx(
            [count / max(expected) for count in expected], abs=0.01
        )
        tab.close()


def test_comparison_page_says_why_a_label_has_no_score(browser, vocab, tmp_path):
    gold = make_doc(vocab, "Anna|met|Bo", [(0, 1, "PER")])
    found = make_doc(vocab, "Anna|met|Bo", [(0, 1, "PER"), (2, 3, "VEHICLE")])
    pipelines, comparison = make_compared([gold] * 12, {"one": [gold] * 12, "two": [found] * 12})
    path = tmp_path / "page.html"
    write_comparison_page(path, pipelines=pipelines, comparison=comparison, title="Labels")
    tab = browser.new_page()
    tab.goto(path.as_uri())
    card = tab.locator(".label-card", has_text="VEHICLE")
    assert "not in gold: no F1" in card.inner_text()
    rows = card.locator("tbody tr").all_inner_texts()
    assert "none predicted" in rows[0]
    assert "12 predicted, all wrong" in rows[1]
    assert card.locator(".bar").count() == 0
    assert "0.0\t" not in "".join(rows)
    tab.close()


def test_comparison_page_of_many_labels_fits_a_phone(browser, vocab, tmp_path):
    labels = [f"A_RATHER_LONG_LABEL_{i}" for i in range(24)]
    words = [f"w{i}" for i in range(48)]
    gold = make_doc(vocab, words, [(i, i + 1, labels[i % 24]) for i in range(48)])
    found = make_doc(vocab, words, [(i, i + 1, labels[(i + i % 2) % 24]) for i in range(47)])
    runs = {f"a-model-with-a-long-name-{i}-instruct": [found] * 12 for i in range(2)}
    pipelines, comparison = make_compared([gold] * 12, {"gold": [gold] * 12, **runs})
    path = tmp_path / "page.html"
    write_comparison_page(path, pipelines=pipelines, comparison=comparison, title="Labels" * 20)
    tab = browser.new_page(viewport={"width": 390, "height": 780}, color_scheme="dark")
    tab.goto(path.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    # All but the confusions are there without scrolling to the side.
    wide = tab.locator(".scroll:not(:has(.map))").evaluate_all(
        "all => all.filter((x) => x.scrollWidth > x.clientWidth).map((x) => x.ariaLabel)"
    )
    assert wide == []
    # Marks in heads of columns are named by the legend above.
    assert tab.locator("#measures thead .symbol").count() == 3
    assert tab.locator(".legend.phone").first.is_visible()
    tab.set_viewport_size({"width": 1440, "height": 900})
    assert not tab.locator(".legend.phone").first.is_visible()
    inner, outer = tab.locator(".scroll:has(.map)").first.evaluate("x => [x.scrollWidth, x.clientWidth]")
    assert inner <= outer
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(tab).response["violations"]
    assert [row["id"] for row in found if row["impact"] in ("serious", "critical")] == []
    tab.close()


def test_comparison_page_shows_whole_confusions(browser, vocab, tmp_path):
    labels = [
        "EMAIL",
        "DATE",
        "LOCATION",
        "NAME",
        "ORGANIZATION",
        "PHONE",
        "TIME",
        "URL",
        "VEHICLE",
        "WEAPON",
    ]
    words = [label.lower() for label in labels]
    gold = make_doc(vocab, words, [(i, i + 1, label) for i, label in enumerate(labels)])
    found = make_doc(vocab, words, [(i, i + 1, label) for i, label in enumerate(labels[1:])])
    pipelines, comparison = make_compared([gold] * 12, {"one": [gold] * 12, "two": [found] * 12})
    path = tmp_path / "page.html"
    write_comparison_page(path, pipelines=pipelines, comparison=comparison, title="Labels")
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.goto(path.as_uri())
    sizes = tab.locator(".maps > .scroll").evaluate_all(
        "all => all.map((x) => [x.scrollWidth, x.clientWidth])"
    )
    assert all(inner <= outer for inner, outer in sizes)
    # On a phone it scrolls, and what was missed stays in sight.
    tab.set_viewport_size({"width": 390, "height": 780})
    box = tab.locator(".map").nth(1).locator("tbody tr").last.locator("td").last.bounding_box()
    assert box["x"] + box["width"] <= 390
    assert tab.locator(".map").nth(1).locator("tbody td.r0").count() == len(labels)
    tab.close()


def test_comparison_page_stacks_the_pairs_on_a_phone(open_at):
    tab = open_at(viewport={"width": 390, "height": 780})
    verdict_cell = tab.locator("#pairs td").last
    box = verdict_cell.bounding_box()
    assert box["x"] + box["width"] <= 390
    region = tab.get_by_role("region", name="Differences between pipelines")
    assert region.evaluate("x => x.scrollWidth <= x.clientWidth")


def test_comparison_page_of_metrics_alone_is_in_english(compared):
    pipelines, comparison = compared
    bare = [replace(pipeline, counts=None, matched=None) for pipeline in pipelines]
    assert '<html lang="en">' in render_comparison(bare, comparison, title="Metrics")


def test_comparison_page_counts_documents_without_an_answer(corpus, vocab):
    golds, predictions = corpus
    silent = [*predictions["good"][:60], *(make_silent(vocab, gold) for gold in golds[60:])]
    pipelines, comparison = make_compared(golds, {"good": predictions["good"], "silent": silent})
    page = render_comparison(pipelines, comparison, title="Silent")
    assert "silent gave no prediction for 4 of 64 documents" in page
    assert re.search(r'<td class="n wrong"[^>]*>4</td>', page)


def test_comparison_page_prints_within_its_cards(open_at):
    tab = open_at(viewport={"width": 700, "height": 900})
    tab.emulate_media(media="print")
    sizes = tab.locator(".scroll").evaluate_all("all => all.map((x) => [x.scrollWidth, x.clientWidth])")
    assert all(inner <= outer for inner, outer in sizes)


def test_comparison_page_prints_without_its_controls(open_at):
    tab = open_at("#documents")
    tab.emulate_media(media="print", color_scheme="dark")
    assert not tab.locator("#filters").is_visible()
    assert not tab.locator(".views").is_visible()
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.locator(".document").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ["", "#kind=wrong%20label&q=o"])
def test_comparison_page_is_accessible(open_at, scheme, place):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    tab = open_at(place, color_scheme=scheme)
    found = axe.Axe().run(tab).response["violations"]
    assert [
        (row["id"], row["nodes"][0]["html"]) for row in found if row["impact"] in ("serious", "critical")
    ] == []


@pytest.mark.slow
def test_comparison_page_of_a_whole_test_set_opens_at_once(browser, vocab, tmp_path):
    """3,453 texts and four pipelines: under 15 MB, open under 2 s."""
    rng = random.Random(0)
    names = [
        "Anna",
        "Berg",
        "Oslo",
        "Globex",
        "Rome",
        "met",
        "in",
        "the",
        "said",
        "on",
        "Monday",
        ",",
        "and",
        "of",
    ]
    golds = []
    for _ in range(3453):
        words = [rng.choice(names) for _ in range(14)]
        golds.append(
            make_doc(vocab, words, [(i, i + 1, "PER") for i, word in enumerate(words) if word[0].isupper()])
        )
    runs = {}
    for number in range(4):
        runs[f"pipeline {number}"] = [
            make_doc(
                vocab,
                [token.text for token in gold],
                [(ent.start, ent.end, rng.choice(["PER", "LOC"])) for ent in gold.ents if rng.random() < 0.9],
            )
            for gold in golds
        ]
    pipelines = [make_pipeline(golds, docs, name, resamples=20) for name, docs in runs.items()]
    path = tmp_path / "page.html"
    write_comparison_page(path, pipelines=pipelines, comparison=compare(pipelines), title="Whole")
    assert path.stat().st_size < 15_000_000
    tab = browser.new_page()
    tab.goto(f"{path.as_uri()}#documents")
    # Since the page was asked for; the script has drawn the documents by then.
    assert tab.evaluate("performance.getEntriesByType('navigation')[0].domInteractive") < 2000
    assert tab.locator("#list article").count() == 20
    data = json.loads(tab.locator("#data").inner_text())
    assert len(data["documents"]) == 3453
    tab.close()
