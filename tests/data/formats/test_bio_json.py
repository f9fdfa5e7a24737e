import json

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_ner_plus.data.formats.bio_json import bio_json_to_docs, docs_to_bio_json
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog

NLP = spacy.blank("en")
TEXT = "Mail john@gmail.com at 6 on May 7"
EMAIL = [["john", "B-EMAIL"], ["@", "I-EMAIL"], ["gmail", "I-EMAIL"], [".com", "I-EMAIL"]]
PAIRS = [*EMAIL, ["6", "B-TIME"], ["May", "B-DATE"], ["7", "I-DATE"]]
SPANS = [(5, 19, "EMAIL"), (23, 24, "TIME"), (28, 33, "DATE")]

# Words that stand for what tokenisation makes hard: fused, repeated, parts of each other, any script.
FUSED = [
    "a",
    "A",
    "aa",
    "May",
    "may",
    "7",
    "17",
    "can",
    "not",
    "john",
    "@",
    "gmail",
    ".com",
    "-",
    "--",
    ".",
    "'s",
]
SCRIPTS = [
    "ß",
    "İ",
    "naïve",
    "e\u0301",
    "東京",
    "都",
    "🙂",
    "👩\u200d💻",
    "שלום",
    "مرحبا",
    "\n",
    "  ",
    "\u00a0",
    '"',
    "\\",
]
WORDS = st.sampled_from(FUSED + SCRIPTS)


@st.composite
def docs(draw):
    words = draw(st.lists(WORDS, min_size=1, max_size=30))
    spaces = draw(st.none() | st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    doc = Doc(NLP.vocab, words=words, spaces=spaces)
    # Cuts make spans that touch, of one label or two, and of any length.
    cuts = sorted(draw(st.sets(st.integers(0, len(words)), max_size=8)))
    labels = draw(st.lists(st.sampled_from(["", "X", "Y"]), min_size=len(cuts), max_size=len(cuts)))
    spans = [
        Span(doc, start, end, label=label)
        for start, end, label in zip(cuts, cuts[1:], labels, strict=False)
        if label
    ]
    doc.set_ents(spans, default="outside")
    return doc


def read(text):
    issues = IssueLog()
    lines = text.splitlines(keepends=True) if isinstance(text, str) else text
    return list(bio_json_to_docs(lines, NLP, issues=issues, where="f.json")), issues


def spans_of(doc):
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def trimmed_spans(doc):
    spans = []
    for ent in doc.ents:
        if ent.text.strip():
            start = ent.start_char + len(ent.text) - len(ent.text.lstrip())
            spans.append((start, start + len(ent.text.strip()), ent.label_))
    return spans


def record(labels, text=TEXT, **more):
    return json.dumps({"text": text, "labels": labels, **more})


@pytest.mark.parametrize(
    "labels",
    [
        PAIRS,
        [{token: tag} for token, tag in PAIRS],
        dict(PAIRS),
        [{"token": token, "label": tag} for token, tag in PAIRS],
        [{"word": token, "tag": tag} for token, tag in PAIRS],
        "\n".join(f"{token}: {tag}" for token, tag in PAIRS),
        "\n".join(f"- {token} -> {tag}" for token, tag in PAIRS),
        ", ".join(f"{token}: {tag}" for token, tag in PAIRS),
        [f"{token}: {tag}" for token, tag in PAIRS],
        [
            ["Mail", "O"],
            *EMAIL,
            ["at", "O"],
            ["6", "U-TIME"],
            ["on", "O"],
            ["May", "B-DATE"],
            ["7", "L-DATE"],
        ],
    ],
)
def test_bio_json_reads_every_spelling_of_labels(labels):
    docs, issues = read(record(labels))
    assert spans_of(docs[0]) == SPANS
    assert dict(issues) == {}


def test_bio_json_reads_tags_beside_tokens():
    tokens = [token for token, _ in PAIRS]
    docs, issues = read(json.dumps({"sentence": TEXT, "tokens": tokens, "tags": [tag for _, tag in PAIRS]}))
    assert spans_of(docs[0]) == SPANS
    assert len(issues) == 0


def test_bio_json_keeps_a_key_that_appears_twice_in_a_mapping():
    docs, _ = read('{"text": "7 at 7", "labels": {"7": "B-DATE", "7": "B-TIME"}}')
    assert spans_of(docs[0]) == [(0, 1, "DATE"), (5, 6, "TIME")]


def test_bio_json_takes_numbers_as_they_are_written():
    docs, issues = read('{"text": "at 7.30, not 007", "labels": [[7.30, "B-TIME"]]}')
    assert spans_of(docs[0]) == [(3, 7, "TIME")]
    assert len(issues) == 0


@pytest.mark.parametrize(
    "text",
    [
        '{"text": "a b", "labels": []}\n{"text": "c", "labels": []}\n',
        '[{"text": "a b", "labels": []}, {"text": "c", "labels": []}]',
        '[\n  {\n    "text": "a b",\n    "labels": []\n  }, {\n    "text": "c",\n "labels": []}\n]\n',
        '\ufeff{"records": [{"text": "a b", "labels": []}, {"text": "c", "labels": []}]}',
        '["a b", []]\n["c", []]\n',
    ],
)
def test_bio_json_reads_an_array_lines_or_one_object(text):
    docs, issues = read(text)
    assert [doc.text for doc in docs] == ["a b", "c"]
    assert all(token.ent_iob_ == "O" for doc in docs for token in doc)
    assert len(issues) == 0


def test_bio_json_reads_records_before_the_file_has_ended():
    def lines():
        yield "[\n"
        yield '{"text": "a", "labels": []},\n'
        raise AssertionError("read ahead")

    docs = bio_json_to_docs(lines(), NLP, issues=IssueLog(), where="f.json")
    assert next(docs).text == "a"


def test_bio_json_prefers_a_whole_word():
    docs, issues = read(record([["7", "B-TIME"]], text="room 17 at 7"))
    assert spans_of(docs[0]) == [(11, 12, "TIME")]
    assert len(issues) == 0


def test_bio_json_counts_an_ambiguous_place_and_takes_the_nearest():
    docs, issues = read("\n" + record([["May", "B-NAME"]], text="May met May"))
    assert spans_of(docs[0]) == [(0, 3, "NAME")]
    assert issues["ambiguous place"] == 1
    assert issues.kinds["ambiguous place"].where == "f.json:2"


def test_bio_json_takes_a_place_as_certain_where_its_neighbours_leave_one():
    labels = [["Ann", "B-NAME"], ["7", "B-TIME"], ["May", "B-DATE"]]
    docs, issues = read(record(labels, text="7 for Ann at 7 in May"))
    assert spans_of(docs[0]) == [(6, 9, "NAME"), (13, 14, "TIME"), (18, 21, "DATE")]
    assert len(issues) == 0


@pytest.mark.parametrize(
    ("labels", "kind", "spans"),
    [
        ([["7", "TIME"], ["6", "B-TIME"]], "invalid tag", [(23, 24, "TIME")]),
        ([["6", "I-TIME"]], "I- that opens an entity", [(23, 24, "TIME")]),
        ([["6", "B-DATE"], ["7", "I-DATE"]], "I- that opens an entity", [(23, 24, "DATE"), (32, 33, "DATE")]),
        ([["9", "B-TIME"], ["6", "B-TIME"]], "token not found", [(23, 24, "TIME")]),
        ([["May", "B-DATE"], ["6", "B-TIME"]], "token out of order", [(23, 24, "TIME"), (28, 31, "DATE")]),
        ([["may", "B-DATE"]], "token in another case", [(28, 31, "DATE")]),
        ([["john", "B-EMAIL"], ["gmail", "I-EMAIL"]], "gap inside an entity", [(5, 15, "EMAIL")]),
        ([["gmail", "B-ORG"]], "token split at a span's edge", [(10, 15, "ORG")]),
        ([17, ["6", "B-TIME"]], "label not understood", [(23, 24, "TIME")]),
    ],
)
def test_bio_json_counts_a_repair_and_keeps_the_rest(labels, kind, spans):
    docs, issues = read(record(labels))
    assert issues[kind] == 1
    assert spans_of(docs[0]) == spans
    assert docs[0].text == TEXT


def test_bio_json_leaves_out_an_empty_text():
    docs, issues = read(record([], text=" \n"))
    assert docs == []
    assert issues["empty text"] == 1


def test_bio_json_leaves_annotation_missing_without_labels():
    docs, issues = read('{"text": "a b"}')
    assert not docs[0].has_annotation("ENT_IOB")
    assert issues["record without annotation"] == 1


def test_bio_json_mends_a_lone_surrogate():
    docs, issues = read('{"text": "a \\ud83d b", "labels": [["b", "B-X"]]}')
    assert spans_of(docs[0]) == [(4, 5, "X")]
    assert issues["lone surrogate"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"text": "a"}\n{"text": "b"\n{"text": "c"}\n', "f.json:2"),
        ('[\n{"text": "a"},\n{"text": "b",}\n]', "f.json:3"),
        ('[\n{"text": "a"}\n', "f.json:2"),
        ('["a", []]\n{"text": }', "f.json:2"),
        ("[" * 100_000, "f.json:1"),
        ('{"body": "a", "n": 1}', "body, n"),
        ('"a"', "f.json:1"),
    ],
)
def test_bio_json_names_the_line_of_what_it_cannot_read(text, message):
    with pytest.raises(UserError, match=message):
        read(text)


def test_bio_json_refuses_a_text_over_the_limit(monkeypatch):
    monkeypatch.setattr(NLP, "max_length", 3)
    with pytest.raises(UserError, match="max_length"):
        read('{"text": "a b c", "labels": []}')


def test_bio_json_writes_only_tokens_that_are_not_o():
    docs, _ = read(record(PAIRS))
    labels = [["john@gmail.com", "B-EMAIL"], ["6", "B-TIME"], ["May", "B-DATE"], ["7", "I-DATE"]]
    assert json.loads("".join(docs_to_bio_json(docs)))[0]["labels"] == labels


def test_bio_json_writes_all_tokens_where_the_place_would_not_be_certain():
    doc = NLP("May met May")
    doc.set_ents([Span(doc, 2, 3, label="NAME")])
    written = "".join(docs_to_bio_json([doc]))
    assert json.loads(written)[0]["labels"] == [["May", "O"], ["met", "O"], ["May", "B-NAME"]]
    docs, issues = read(written)
    assert spans_of(docs[0]) == [(8, 11, "NAME")]
    assert len(issues) == 0


def test_bio_json_reads_what_it_writes_piece_by_piece():
    docs, _ = read(record(PAIRS) + "\n" + record([], text="a b"))
    back, issues = read(docs_to_bio_json(docs))
    assert [spans_of(doc) for doc in back] == [SPANS, []]
    assert len(issues) == 0


def test_bio_json_writes_an_empty_array_for_no_docs():
    assert json.loads("".join(docs_to_bio_json([]))) == []


@settings(max_examples=300, deadline=None)
@given(st.lists(docs(), max_size=3))
def test_bio_json_keeps_spans_there_and_back(originals):
    back, issues = read("".join(docs_to_bio_json(originals)).split("\n"))
    originals = [doc for doc in originals if doc.text.strip()]
    assert [doc.text for doc in back] == [doc.text for doc in originals]
    assert [spans_of(doc) for doc in back] == [trimmed_spans(doc) for doc in originals]
    # Tokens that are glued to others may be noted as found in another case, though the spans are kept.
    allowed = {"empty text", "token split at a span's edge", "token in another case"}
    assert {kind for kind, _ in issues} <= allowed


def test_bio_json_counts_labels_under_a_second_key_and_writes_no_o_beside_them():
    issues = IssueLog()
    record = {"text": "Ann saw Bob", "labels": [["Ann", "B-PER"]], "tags": [["Bob", "B-PER"]]}
    docs = list(bio_json_to_docs([json.dumps(record)], spacy.blank("en"), issues=issues, where="f.json"))
    assert [token.ent_iob_ for token in docs[0]] == ["B", "", ""]
    assert issues["spans under another key, not read"] == 1
