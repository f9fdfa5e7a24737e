import pytest

from spacy_ner_plus.evaluation.comparison.verdict import significant_best
from spacy_ner_plus.evaluation.pages import page_tables
from tests.evaluation.compared import make_compared, make_doc

WORDS = "Anna|met|Bo|in|Oslo"
GOLD = [(0, 1, "PER"), (2, 3, "PER"), (4, 5, "LOC")]


@pytest.fixture(scope="module")
def vocab():
    import spacy

    return spacy.blank("en").vocab


@pytest.fixture(scope="module")
def compared(vocab):
    golds = [make_doc(vocab, WORDS, GOLD)] * 30
    good = [make_doc(vocab, WORDS, GOLD)] * 29 + [make_doc(vocab, WORDS, GOLD[:2])]
    even = [make_doc(vocab, WORDS, GOLD[1:])] + [make_doc(vocab, WORDS, GOLD)] * 29
    poor = [make_doc(vocab, WORDS, [(0, 2, "PER"), (4, 5, "PER")])] * 30
    return make_compared(golds, {"good": good, "even": even, "poor": poor})


def ordered(compared):
    pipelines, comparison = compared
    names = [row["name"] for row in comparison["pipelines"]]
    return sorted(pipelines, key=lambda pipeline: names.index(pipeline.name)), comparison


def test_page_tables_mark_no_best_where_two_cannot_be_told_apart(compared):
    pipelines, comparison = ordered(compared)
    rows = page_tables.summary(comparison, pipelines)
    assert [row["best"] for row in rows] == [False, False, False]
    assert [row["leads"] for row in rows] == [True, True, False]
    assert significant_best(comparison, "strict") is None


def test_page_tables_mark_the_best_where_it_is_significant(vocab):
    golds = [make_doc(vocab, WORDS, GOLD)] * 30
    poor = [make_doc(vocab, WORDS, GOLD[:1])] * 30
    pipelines, comparison = ordered(make_compared(golds, {"poor": poor, "good": golds}))
    assert [row["name"] for row in page_tables.summary(comparison, pipelines) if row["best"]] == ["good"]
    assert all(row["cells"][0]["best"] for row in page_tables.measures(comparison))
    assert [row["label"] for row in page_tables.labels(comparison, pipelines)] == ["LOC", "PER"]


def test_page_tables_give_no_rate_that_is_not_defined(vocab):
    golds = [make_doc(vocab, WORDS, GOLD)] * 12
    strange = [make_doc(vocab, WORDS, [(0, 1, "ORG"), (2, 3, "PER")])] * 12
    pipelines, comparison = ordered(make_compared(golds, {"good": golds, "strange": strange}))
    loc, org, per = page_tables.labels(comparison, pipelines)
    assert (org["label"], org["support"]) == ("ORG", 0)
    assert [cell["f1"] for cell in org["cells"]] == [None, None]
    assert [(cell["predicted"], cell["precision"]) for cell in org["cells"]] == [(0, None), (12, 0.0)]
    assert all(cell["low"] is None for cell in org["cells"])
    # In gold, but never predicted: nothing is found, and what precision would be nobody knows.
    assert [loc["cells"][1][rate] for rate in ("precision", "recall", "f1")] == [None, 0.0, 0.0]
    assert per["cells"][0]["f1"] == 1.0


def test_page_tables_lay_intervals_on_one_scale(compared):
    pipelines, comparison = ordered(compared)
    for row in page_tables.summary(comparison, pipelines):
        assert 0 <= row["low"] <= row["at"] <= row["high"] <= 100


def test_page_tables_have_kinds_by_frequency(compared):
    pipelines, _ = ordered(compared)
    rows = page_tables.kinds(pipelines)
    assert [row["kind"] for row in rows] == ["missed", "wrong label", "boundary too long"]
    assert [cell["count"] for cell in rows[2]["cells"]] == [0, 0, 30]
    assert rows[2]["cells"][2]["share"] == 1


def test_page_tables_heat_what_is_wrong_and_not_what_is_right(compared):
    pipelines, _ = ordered(compared)
    poor = list(page_tables.confusions(pipelines))[2]
    assert poor["labels"] == ["LOC", "PER", "O"]
    loc = poor["rows"][0]["cells"]
    assert [cell["count"] for cell in loc] == [0, 30, 0]
    assert (loc[1]["heat"], loc[1]["right"], loc[0]["right"]) == (9, False, True)
    # None of them is right, and none is green.
    assert loc[0]["heat"] == 0


def test_page_tables_name_the_labels_that_a_cell_of_the_confusion_is_about(compared):
    pipelines, _ = ordered(compared)
    cells = [row["cells"] for row in next(page_tables.confusions(pipelines))["rows"]]
    assert (cells[0][1]["gold"], cells[0][1]["predicted"]) == ("LOC", "PER")
    assert (cells[0][2]["gold"], cells[0][2]["predicted"]) == ("LOC", "no entity")
    assert (cells[2][1]["gold"], cells[2][1]["predicted"]) == ("no entity", "PER")


def test_page_tables_leave_out_calibration_where_nothing_has_scores(compared):
    assert page_tables.calibrations(compared[0]) == []
