import json

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_ner_plus.data.formats.jsonl import docs_to_jsonl, jsonl_to_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog

NLP = spacy.blank("en")
TEXT = "Ann Lee left U.S.-based Acme."
SPANS = [(0, 7, "PER"), (24, 28, "ORG")]
LISTS = [list(span) for span in SPANS]
OBJECTS = [{"start": start, "end": end, "label": label} for start, end, label in SPANS]
OFFSETS = [{"id": 1, "start_offset": start, "end_offset": end, "label": label} for start, end, label in SPANS]

FUSED = ["a", "May", "7", "can", "not", ".com", "-", "."]
SCRIPTS = ["ß", "e\u0301", "東京", "🙂", "👩\u200d💻", "שלום", "\n", " ", "\u2028", '"']
WORDS = st.sampled_from(FUSED + SCRIPTS)


@st.composite
def docs(draw):
    words = draw(st.lists(WORDS, min_size=1, max_size=30))
    spaces = draw(st.none() | st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    doc = Doc(NLP.vocab, words=words, spaces=spaces)
    cuts = sorted(draw(st.sets(st.integers(0, len(words)), max_size=8)))
    labels = draw(st.lists(st.sampled_from(["", "X", "Y"]), min_size=len(cuts), max_size=len(cuts)))
    doc.set_ents(
        [
            Span(doc, start, end, label=label)
            for start, end, label in zip(cuts, cuts[1:], labels, strict=False)
            if label
        ]
    )
    return doc


def read(*records):
    issues = IssueLog()
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    return list(jsonl_to_docs(lines, NLP, issues=issues, where="f.jsonl")), issues


def spans_of(doc):
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


@pytest.mark.parametrize(
    "record",
    [
        {"text": TEXT, "spans": OBJECTS, "answer": "accept"},
        [TEXT, {"entities": LISTS}],
        {"text": TEXT, "entities": LISTS},
        {"text": TEXT, "entities": OFFSETS, "relations": []},
        {"text": TEXT, "label": LISTS},
        {"data": TEXT, "labels": LISTS},
        {"text": TEXT, "label": "news", "spans": OBJECTS},
    ],
)
def test_jsonl_reads_every_spelling_of_offsets(record):
    docs, issues = read(record)
    assert docs[0].text == TEXT
    assert spans_of(docs[0]) == SPANS
    assert dict(issues) == {}


def test_jsonl_reads_an_array_of_pairs():
    docs, issues = read(json.dumps([[TEXT, {"entities": LISTS}], ["Bob left", {"entities": []}]]))
    assert [spans_of(doc) for doc in docs] == [SPANS, []]
    assert len(issues) == 0


def test_jsonl_reads_token_offsets_with_inclusive_ends():
    words = ["Ann", "Lee", "left", "Acme", ",", "Paris"]
    docs, issues = read({"tokenized_text": words, "ner": [[0, 1, "PER"], [5, 5, "LOC"]]})
    assert [(ent.text, ent.label_) for ent in docs[0].ents] == [("Ann Lee", "PER"), ("Paris", "LOC")]
    assert [token.text for token in docs[0]] == words
    assert docs[0].text == "Ann Lee left Acme, Paris"
    assert len(issues) == 0


def test_jsonl_keeps_token_offsets_past_an_empty_token():
    docs, issues = read(
        {"tokenized_text": ["Ann", "", "left"], "ner": [[0, 1, "PER"], [2, 2, "X"], [1, 1, "Y"]]}
    )
    assert [(ent.text, ent.label_) for ent in docs[0].ents] == [("Ann", "PER"), ("left", "X")]
    assert issues["empty token"] == 1
    assert issues["misaligned span"] == 1


def test_jsonl_keeps_the_tokens_of_prodigy():
    tokens = [{"text": word, "start": i, "end": i + 1, "id": i, "ws": False} for i, word in enumerate("abc")]
    docs, _ = read({"text": "abc", "tokens": tokens, "spans": [{"start": 1, "end": 2, "label": "X"}]})
    assert [token.text for token in docs[0]] == ["a", "b", "c"]
    assert spans_of(docs[0]) == [(1, 2, "X")]


def test_jsonl_takes_spaces_from_offsets_where_tokens_do_not_say():
    tokens = [
        {"text": "a", "start": 0, "end": 1},
        {"text": "b", "start": 2, "end": 3},
        {"text": "c", "start": 3, "end": 4},
    ]
    docs, issues = read({"text": "a bc", "tokens": tokens, "spans": []})
    assert [token.text for token in docs[0]] == ["a", "b", "c"]
    assert len(issues) == 0


def test_jsonl_counts_tokens_that_do_not_make_up_the_text():
    docs, issues = read({"text": TEXT, "tokens": [{"text": "Ann", "ws": True}], "spans": OBJECTS})
    assert spans_of(docs[0]) == SPANS
    assert issues["tokens that do not make up the text"] == 1


@pytest.mark.parametrize(("answer", "kind"), [("reject", "rejected answer"), ("ignore", "ignored answer")])
def test_jsonl_leaves_out_what_was_not_accepted(answer, kind):
    docs, issues = read({"text": TEXT, "spans": OBJECTS, "answer": answer}, {"text": TEXT, "spans": []})
    assert len(docs) == 1
    assert issues[kind] == 1
    assert issues.kinds[kind].where == "f.jsonl:1"


def test_jsonl_reads_an_accepted_record_without_spans_as_o():
    docs, issues = read({"text": "a b", "answer": "accept"})
    assert [token.ent_iob_ for token in docs[0]] == ["O", "O"]
    assert len(issues) == 0


def test_jsonl_leaves_annotation_missing_without_spans():
    docs, issues = read({"text": "a b"}, {"text": "a b", "label": "news"})
    assert not any(doc.has_annotation("ENT_IOB") for doc in docs)
    assert issues["record without labels"] == 2
    assert issues["label not understood"] == 1


@pytest.mark.parametrize(
    ("spans", "kind", "kept"),
    [
        ([[0, 99, "PER"], [0, 3, "PER"]], "misaligned span", [(0, 3, "PER")]),
        ([[-3, 3, "PER"]], "misaligned span", []),
        ([[3, 3, "PER"]], "misaligned span", []),
        ([[3, 4, "PER"]], "misaligned span", []),
        ([[0, 4, "PER"]], "white space trimmed from a span", [(0, 3, "PER")]),
        ([[0, 3, "PER"], [0, 7, "PER"]], "overlapping spans", [(0, 7, "PER")]),
        ([[13, 17, "LOC"]], "token split at a span's edge", [(13, 17, "LOC")]),
        ([[0, 3]], "label not understood", []),
        ([[0, 3, None]], "label not understood", []),
        (["Ann"], "label not understood", []),
        ([[0, "3", "PER"]], "label not understood", []),
    ],
)
def test_jsonl_counts_a_repair_and_keeps_the_rest(spans, kind, kept):
    docs, issues = read({"text": TEXT, "label": spans})
    assert issues[kind] == 1
    assert len(issues) == 1
    assert spans_of(docs[0]) == kept
    assert docs[0].text == TEXT


def test_jsonl_splits_no_token_for_a_span_that_is_dropped():
    docs, issues = read({"text": TEXT, "label": [[13, 17, "LOC"], [0, 23, "X"]]})
    assert spans_of(docs[0]) == [(0, 23, "X")]
    assert [token.text for token in docs[0]] == [token.text for token in NLP(TEXT)]
    assert issues["token split at a span's edge"] == 0


def test_jsonl_counts_an_empty_text():
    docs, issues = read({"text": " ", "spans": []}, {"tokenized_text": [""], "ner": []})
    assert docs == []
    assert issues["empty text"] == 2


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (['{"text": "a", "spans": []}', '{"text": "a", "spans": []'], "f.jsonl:2"),
        ([{"body": "a"}], "body"),
        (["17"], "f.jsonl:1"),
        ([["a", 1]], "f.jsonl:1"),
    ],
)
def test_jsonl_names_the_line_of_what_it_cannot_read(records, message):
    with pytest.raises(UserError, match=message):
        read(*records)


@settings(max_examples=200, deadline=None)
@given(st.lists(docs(), max_size=3))
def test_jsonl_keeps_spans_and_tokens_there_and_back(originals):
    back, _ = read(*docs_to_jsonl(originals))
    originals = [doc for doc in originals if doc.text.strip()]
    assert [[token.text for token in doc] for doc in back] == [
        [token.text for token in doc] for doc in originals
    ]
    for doc, original in zip(back, originals, strict=True):
        assert doc.text == original.text
        trimmed = [ent for ent in original.ents if ent.text.strip()]
        assert [(ent.text, ent.label_) for ent in doc.ents] == [
            (ent.text.strip(), ent.label_) for ent in trimmed
        ]
        assert [ent.start_char - len(ent.text) + len(ent.text.lstrip()) for ent in doc.ents] == [
            ent.start_char + len(ent.text) - len(ent.text.lstrip()) for ent in trimmed
        ]
