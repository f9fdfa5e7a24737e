import json

from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
from spacy_ner_plus.evaluation.pages.error_browser import browse, in_script
from tests.evaluation.compared import make_doc

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(st.integers() | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner))


@given(JSON)
def test_error_browser_writes_json_that_no_html_parser_ends(value):
    text = in_script(value)
    assert json.loads(text) == value
    assert not set(text) & set("<>&\u2028\u2029")


def browsed(golds, predictions):
    return json.loads(browse({name: match_docs(golds, docs) for name, docs in predictions.items()}).json)


def test_error_browser_gives_entities_scores_and_errors(nlp):
    gold = make_doc(nlp.vocab, "Anna|Smith|saw|Oslo", [(0, 2, "PER"), (3, 4, "LOC")])
    found = make_doc(nlp.vocab, "Anna|Smith|saw|Oslo", [(0, 1, "PER"), (3, 4, "LOC")], [0.5, 0.9])
    data = browsed([gold], {"a": [found]})
    assert data["labels"] == ["LOC", "PER"]
    [document] = data["documents"]
    assert (document["n"], document["t"], document["w"]) == (1, gold.text, 4)
    assert document["g"] == [0, 10, 1, 15, 19, 0]
    assert document["p"][0]["e"] == [0, 4, 1, 500, 15, 19, 0, 900]
    assert document["p"][0]["x"] == [[data["kinds"].index("boundary too short"), [0], [0], 0]]


def test_error_browser_marks_what_gold_has_both_ways(nlp):
    sure = make_doc(nlp.vocab, "Jordan|won", [(0, 1, "PER")])
    other = make_doc(nlp.vocab, "in|Jordan|now")
    data = browsed([sure, other], {"a": [make_doc(nlp.vocab, "Jordan|won"), other]})
    assert data["documents"][0]["p"][0]["x"] == [[data["kinds"].index("missed"), [0], [], 1]]


def test_error_browser_tells_which_label_was_taken_for_which(nlp):
    gold = make_doc(nlp.vocab, "Oslo|and|Rome|or|Bo", [(0, 1, "LOC"), (2, 3, "LOC"), (4, 5, "PER")])
    found = make_doc(nlp.vocab, "Oslo|and|Rome|or|Bo", [(0, 1, "PER"), (3, 4, "PER"), (4, 5, "PER")])
    data = browsed([gold, gold], {"a": [found, gold]})
    runs = [document["p"][0] for document in data["documents"]]
    # Labels by number, and -1 for no entity: LOC taken for PER, one missed, one spurious.
    assert runs[0]["c"] == [0, 1, 0, -1, -1, 1]
    assert "c" not in runs[1]


def test_error_browser_names_entities_without_a_place(nlp):
    gold = make_doc(nlp.vocab, "Oslo", [(0, 1, "LOC")])
    data = browsed([gold], {"a": [make_doc(nlp.vocab, "Bergen", [(0, 1, "LOC")])]})
    run = data["documents"][0]["p"][0]
    assert run["e"] == [0, 0, 0, -1]
    assert run["h"] == {"0": "Bergen"}


def test_error_browser_tells_what_is_left_out_and_what_has_no_answer(nlp):
    gold = make_doc(nlp.vocab, "Oslo|and|Rome", [(0, 1, "LOC")])
    gold.set_ents([], missing=[gold[2:3]], default="unmodified")
    silent = make_doc(nlp.vocab, "Oslo|and|Rome")
    silent.set_ents([], missing=[silent[0:3]])
    found = make_doc(nlp.vocab, "Oslo|and|Rome", [(0, 1, "LOC"), (2, 3, "LOC")])
    runs = browsed([gold], {"a": [found], "b": [silent]})["documents"][0]["p"]
    assert (runs[0]["u"], runs[0]["x"]) == ([9, 13, 0], [])
    assert "a" not in runs[0]
    assert runs[1]["a"] == 0


def test_error_browser_keeps_the_worst_where_not_all_fit(nlp):
    golds = [make_doc(nlp.vocab, "Oslo|Rome|Bonn", [(i, i + 1, "LOC") for i in range(3)])] * 4
    found = [
        make_doc(nlp.vocab, "Oslo|Rome|Bonn", [(i, i + 1, "LOC") for i in range(n)]) for n in (3, 1, 2, 0)
    ]
    kept = browse({"a": match_docs(golds, found)}, most_bytes=290)
    assert (kept.shown, kept.documents) == (2, 4)
    assert [document["n"] for document in json.loads(kept.json)["documents"]] == [2, 4]
