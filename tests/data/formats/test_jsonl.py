import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.data.formats.jsonl import JSONL
from spacy_ner_plus.data.records.record import record_of, spans_of
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.spans import doc_to_tags
from tests.data.formats.docs import docs, told
from tests.data.formats.record_files import NLP, ents, offsets, sniffed, write
from tests.data.formats.record_files import read as read_as

TEXT = "Ann Lee left U.S.-based Acme."
SPANS = [(0, 7, "PER"), (24, 28, "ORG")]
LISTS = [list(span) for span in SPANS]
OBJECTS = [{"start": start, "end": end, "label": label} for start, end, label in SPANS]
OFFSETS = [{"id": 1, "start_offset": start, "end_offset": end, "label": label} for start, end, label in SPANS]
# Beside what is tried, so that the source isn't refused as one of which nothing could be read.
READABLE = {"text": "Bob", "entities": [[0, 3, "PER"]]}


def read(*records, **options):
    return read_as(JSONL, *records, **options)


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
    assert offsets(docs[0]) == SPANS
    assert dict(issues) == {}


def test_jsonl_reads_an_array_of_pairs():
    docs, issues = read(json.dumps([[TEXT, {"entities": LISTS}], ["Bob left", {"entities": []}]]))
    assert [offsets(doc) for doc in docs] == [SPANS, []]
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
    assert offsets(docs[0]) == [(1, 2, "X")]


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
    assert offsets(docs[0]) == SPANS
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
    assert record_of(docs[1])["meta"] == {"label": "news"}
    assert {kind: issue.count for kind, issue in issues} == {"record without annotation": 2}


def test_jsonl_refuses_a_record_with_annotation_elsewhere():
    with pytest.raises(UserError, match="'gold' looks like some"):
        read({"text": "a b", "gold": [[0, 1, "X"]]})


@pytest.mark.parametrize(
    ("spans", "kind", "kept"),
    [
        ([[0, 99, "PER"], [0, 3, "PER"]], "misaligned span", [(0, 3, "PER")]),
        ([[-3, 3, "PER"]], "misaligned span", []),
        ([[3, 3, "PER"]], "misaligned span", []),
        ([[3, 4, "PER"]], "misaligned span", []),
        ([[0, 4, "PER"]], "white space trimmed from a span", [(0, 3, "PER")]),
        ([[13, 17, "LOC"]], "token split at a span's edge", [(13, 17, "LOC")]),
        ([[0, 3]], "label not understood", []),
        ([[0, 3, None]], "span without a label", []),
        ([[0, 3, 7]], "label not understood", []),
        (["Ann"], "label not understood", []),
        ([[0, "x", "PER"]], "label not understood", []),
        ([{"start": 0, "end": 3, "label": "PER", "text": "Bob"}], "span whose text isn't at its offsets", []),
        ([[0, 3, "PER"], [8, 12, "O"]], "span labelled O, which is no entity", [(0, 3, "PER")]),
        ([[0, 3, "PER"], [0, 3, "PER"]], "span given twice", [(0, 3, "PER")]),
    ],
)
def test_jsonl_counts_a_repair_and_keeps_the_rest(spans, kind, kept):
    docs, issues = read({"text": TEXT, "entities": spans}, READABLE)
    assert issues[kind] == 1
    assert len(issues) == 1
    assert offsets(docs[0]) == kept
    assert docs[0].text == TEXT


@pytest.mark.parametrize(
    ("span", "tags"),
    [
        # Where it lies isn't known, so nothing is O.
        (["Ann", "LOC"], "- - - - - - B-ORG -"),
        ({"start": 0, "end": 3, "label": None}, "- O O O O O B-ORG O"),
        ({"start": 0, "end": 3, "label": "PER", "text": "Lee"}, "- - O O O O B-ORG O"),
        ([0, 99, "PER"], "- - - - - - B-ORG -"),
    ],
)
def test_jsonl_makes_missing_what_a_span_may_have_meant_that_is_dropped(span, tags):
    text = "Ann Lee left the old Foo Acme."
    docs, _ = read({"text": text, "entities": [span, [25, 29, "ORG"]]})
    assert " ".join(doc_to_tags(docs[0])) == tags


def test_jsonl_splits_no_token_for_a_span_that_is_dropped():
    span = {"start": 13, "end": 17, "label": "LOC", "text": "Lund"}
    docs, issues = read({"text": TEXT, "entities": [span]}, READABLE)
    assert [token.text for token in docs[0]] == [token.text for token in NLP(TEXT)]
    assert issues["token split at a span's edge"] == 0
    assert doc_to_tags(docs[0]) == ["O", "O", "O", "-", "O", "O"]


def test_jsonl_keeps_an_inner_span_beside_the_entities():
    docs, issues = read({"text": TEXT, "entities": [[0, 3, "FIRST"], [0, 7, "PER"]]})
    assert ents(docs[0]) == [("Ann Lee", "PER")]
    assert [(span.text, span.label_) for span, _ in spans_of(docs[0])] == [
        ("Ann Lee", "PER"),
        ("Ann", "FIRST"),
    ]
    assert len(issues) == 0


@pytest.mark.parametrize(
    ("key", "spans"),
    [
        ("entities", [{"start": "0", "end": "7", "label": "PER"}]),
        ("entities", [{"start": 0.0, "end": 7.0, "label": "PER"}]),
        ("entities", [{"begin": 0, "end": 7, "type": "PER"}]),
        ("entities", [{"startOffset": 0, "endOffset": 7, "entityType": "PER"}]),
        (
            "entities",
            [{"start_char": 0, "end_char": 7, "entity_group": "PER", "word": "ann lee", "score": 0.9}],
        ),
        ("annotations", [{"offset": 0, "length": 7, "category": "PER", "text": "Ann Lee"}]),
        ("entities", [{"span": [0, 7], "label": "PER"}]),
        ("mentions", [{"position": [0, 7], "labels": ["PER"], "mention": "Ann Lee"}]),
        ("entities", [{"indices": [[0, 7]], "label": "PER", "quote": "Ann Lee"}]),
        ("entities", [{"from": 0, "to": 7, "tag": "PER", "value": "Ann Lee"}]),
        ("entities", [[0, 7, ["PER"]]]),
        ("entities", [["PER", 0, 7]]),
        ("entities", [[[0, 7], "PER"]]),
        ("entities", {"PER": [[0, 7]], "LOC": []}),
        ("entities", {"PER": [0, 7]}),
        ("entities", {"PER": [{"start": 0, "end": 7, "text": "Ann Lee"}]}),
        ("annotations", {"entities": [[0, 7, "PER"]]}),
        (
            "spans",
            [{"text": "Ann Lee", "start": 0, "end": 7, "token_start": 0, "token_end": 1, "label": " PER "}],
        ),
    ],
)
def test_jsonl_reads_a_span_in_any_spelling(key, spans):
    docs, issues = read({"content": TEXT, key: spans})
    assert offsets(docs[0]) == [(0, 7, "PER")]
    assert dict(issues) == {}


def test_jsonl_reads_several_labels_of_a_span():
    span = {
        "start": 0,
        "end": 10,
        "text": "Rosa Quint",
        "label": ["PER", "ARTIST"],
        "id": 4,
        "confidence": 0.5,
    }
    docs, issues = read({"id": 1, "text": "Rosa Quint moved.", "entities": [span]})
    assert ents(docs[0]) == [("Rosa Quint", "PER")]
    found = [(span.text, span.label_, span.id_, score) for span, score in spans_of(docs[0])]
    assert found == [("Rosa Quint", "PER", "4", 0.5), ("Rosa Quint", "ARTIST", "4", 0.5)]
    assert record_of(docs[0])["id"] == "1"
    assert len(issues) == 0


def test_jsonl_keeps_what_else_a_record_says():
    docs, issues = read({"text": "Bob", "entities": [], "url": "x", "meta": {"n": [1, None]}, "doc_id": 7})
    assert record_of(docs[0])["meta"] == {"url": "x", "n": [1, None], "doc_id": 7}
    assert record_of(docs[0])["id"] == "7"
    assert len(issues) == 0


@pytest.mark.parametrize(
    ("record", "format", "found"),
    [
        ({"text": "Ann left", "spans": [], "answer": "accept", "_task_hash": 1}, "prodigy", []),
        (["Ann left", {"entities": [[0, 3, "PER"]]}], "spacy-train", [("Ann", "PER")]),
        ({"tokenized_text": ["Ann", "left"], "ner": [[0, 0, "PER"]]}, "gliner", [("Ann", "PER")]),
    ],
)
def test_jsonl_hands_a_source_to_the_format_that_is_surer_of_it(record, format, found):
    notes = []
    docs, issues = read(record, notes=notes)
    assert ents(docs[0]) == found
    assert notes == [f"f.jsonl: read as {format}"]
    assert len(issues) == 0


def test_jsonl_counts_what_hinders_storing():
    docs, issues = read(
        '{"text": "a \\ud83d b", "entities": [[4, 5, "B\\udc00"]], "n": 1e400, "m": "\\ud83d"}'
    )
    assert offsets(docs[0]) == [(4, 5, "B\ufffd")]
    assert issues["lone surrogate"] == 3
    assert docs[0].to_bytes()


def test_jsonl_is_what_is_left_for_records_with_offsets():
    assert sniffed({"text": TEXT, "entities": OBJECTS}) == "jsonl"
    assert sniffed({"text": TEXT, "annotations": OBJECTS}, array=True) == "jsonl"
    assert sniffed({"text": TEXT}) == "jsonl"


def test_jsonl_counts_an_empty_text():
    docs, issues = read({"text": " ", "spans": []})
    assert docs == []
    assert issues["empty text"] == 1


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


@settings(max_examples=40, deadline=None)
@given(st.lists(docs(), min_size=1, max_size=2))
def test_jsonl_keeps_all_of_docs_there_and_back(originals):
    written, lost = write(JSONL, originals)
    back, issues = read(written)
    assert [told(doc) for doc in back] == [told(doc) for doc in originals]
    assert not len(lost)
    assert not len(issues)


def test_jsonl_writes_what_is_not_annotated():
    written, _ = write(JSONL, [Doc(NLP.vocab, words=["a"])])
    assert json.loads(written).keys() == {"text", "tokens"}


def test_jsonl_counts_spans_under_a_second_key_and_writes_no_o_beside_them():
    docs, issues = read({"text": "Ann saw Bob", "entities": [[0, 3, "PER"]], "mentions": [[8, 11, "PER"]]})
    assert doc_to_tags(docs[0]) == ["B-PER", "-", "-"]
    assert dict(issues).keys() == {"spans under another key, not read"}


def test_jsonl_takes_spans_that_are_repeated_under_a_second_key_once():
    docs, issues = read({"text": "Ann left", "entities": [[0, 3, "PER"]], "label": [[0, 3, "PER"]]})
    assert doc_to_tags(docs[0]) == ["B-PER", "O"]
    assert not len(issues)


def test_jsonl_reads_no_predictions_where_annotation_says_that_there_is_nothing():
    docs, _ = read({"text": "Ann left", "entities": [], "predictions": [[0, 3, "PER"]]})
    assert doc_to_tags(docs[0]) == ["O", "O"]


@pytest.mark.parametrize(
    "lines",
    [
        ['{"text": "Bob", "ents": []}', '{"text": "Ann", "ents": [[0, 3, "PER"]], "ents": []}'],
        ["[", '{"text": "Ann", "ents": [{"start": 0, "end": 3, "label": "PER", "label": "ORG"}]}', "]"],
        ['{"text": "Bob", "ents": []}', '{"text": "Ann", "text": "Bob",', '"ents": []}'],
        ["", '[{"text": "Ann", "ents": [], "ents": []}, {"text": "Bob"}]'],
    ],
)
def test_jsonl_refuses_an_object_with_a_key_twice(lines):
    with pytest.raises(UserError, match=r"f\.jsonl:2: .*it has the key '(text|ents|label)' twice"):
        read(*lines)
