"""Tokens and tags in JSON: the columns that people have, tags as numbers, texts with a tag a word."""

import json

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.detection import find_sources
from spacy_ner_plus.data.formats.format import Reading
from spacy_ner_plus.data.formats.options import options_for
from spacy_ner_plus.data.formats.rows.tokens import TOKENS_FORMAT
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import doc_to_tags

NLP = spacy.blank("en")
WORDS = ["Rosa", "Quint", "moved", "to", "Lund", "."]
TAGS = ["B-PER", "I-PER", "O", "O", "B-LOC", "O"]
NUMBERS = [1, 2, 0, 0, 3, 0]
NAMES = ["O", "B-PER", "I-PER", "B-LOC"]
SPANS = [("Rosa Quint", "PER"), ("Lund", "LOC")]
TEXT = "Rosa Quint moved to Lund ."
HUGGING_FACE = (
    '{"id": "0", "tokens": ["Rosa", "Quint", "moved", "to", "Lund", "."], '
    '"ner_tags": ["B-PER", "I-PER", "O", "O", "B-LOC", "O"]}\n'
    '{"id": "1", "tokens": ["Lund", "is", "small", "."], "ner_tags": ["B-LOC", "O", "O", "O"]}\n'
)
STRINGS = '[{"sentence": "Rosa moved to Lund .", "tags": "B-PER O O B-LOC O"}]'


def read(path, nlp=NLP, **options):
    issues, notes = IssueLog(), []
    source = Source(str(path))
    assert find_sources([str(path)], "auto", "utf-8", [])[0].format is TOKENS_FORMAT
    reading = Reading(nlp, options_for(TOKENS_FORMAT, options), issues, notes)
    return list(TOKENS_FORMAT.read(source, reading)), issues


@pytest.fixture
def file(tmp_path):
    def write(*records, name="a.jsonl", **options):
        path = tmp_path / name
        path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
        return read(path, **options)

    return write


def spans_of(record):
    return [(ent.text, ent.label_) for ent in record.doc.ents]


def test_tokens_reads_the_case_of_tokens_and_tags(tmp_path):
    (tmp_path / "a.jsonl").write_text(HUGGING_FACE)
    records, issues = read(tmp_path / "a.jsonl")
    assert [spans_of(record) for record in records] == [SPANS, [("Lund", "LOC")]]
    assert [record.id for record in records] == ["0", "1"]
    assert records[0].doc.text == "Rosa Quint moved to Lund."
    assert len(issues) == 0


def test_tokens_reads_the_case_of_strings(tmp_path):
    (tmp_path / "a.json").write_text(STRINGS)
    records, issues = read(tmp_path / "a.json")
    assert [spans_of(record) for record in records] == [[("Rosa", "PER"), ("Lund", "LOC")]]
    assert records[0].doc.text == "Rosa moved to Lund ."
    assert len(issues) == 0


@pytest.mark.parametrize(
    "record",
    [
        {"tokens": WORDS, "ner_tags": TAGS, "pos_tags": ["X"] * 6, "chunk_tags": ["B-NP"] + ["I-NP"] * 5},
        {"words": WORDS, "labels": TAGS},
        {"words": WORDS, "ner": TAGS},
        {"sentence": WORDS, "labels": TAGS},
        {"text": WORDS, "tags": TAGS},
        {"Tokens": WORDS, "NER_Tags": TAGS},
        {"str_words": WORDS, "entity_tags": TAGS, "tags": ["NNP"] * 6},
        {"tokens": WORDS, "my_column": TAGS, "pos": ["NNP"] * 6},
        {"data": {"words": WORDS, "tags": TAGS}},
        {"tokens": WORDS, "annotation": {"ner": TAGS}},
        {"tokens": WORDS, "tags": ["PER", "PER", "O", "O", "LOC", "O"]},
        {"tokens": WORDS, "tags": ["B-PER", "L-PER", "O", "O", "U-LOC", "O"]},
        {"tokens": WORDS, "tags": " ".join(TAGS)},
        {"text": TEXT, "tags": TAGS},
        {"text": TEXT, "labels": TAGS},
        {"sentence": TEXT, "ner_tags": " ".join(TAGS)},
        {"text": TEXT, "tags": ",".join(TAGS)},
        {"text": "Rosa Quint moved to Lund.", "tags": TAGS},
        {"text": "Rosa Quint moved to Lund.", "tokens": WORDS, "tags": TAGS},
        {"text": "RosaQuint.", "tags": ["B-PER", *["I-PER"] * 8, "O"]},
        [[word, tag] for word, tag in zip(WORDS, TAGS, strict=True)],
        [[word, "NNP", tag] for word, tag in zip(WORDS, TAGS, strict=True)],
    ],
    ids=lambda record: " ".join(record) if isinstance(record, dict) else "pairs",
)
def test_tokens_reads_the_columns_that_people_have(record, file):
    records, issues = file(record, record)
    found = [(text.replace("RosaQuint", "Rosa Quint"), label) for text, label in spans_of(records[1])]
    assert found in (SPANS, SPANS[:1])
    assert len(issues) == 0


@pytest.mark.parametrize("form", ["array", "indented", "objects", "wrapped"])
def test_tokens_reads_each_form_of_json(form, tmp_path):
    record = {"tokens": WORDS, "ner_tags": TAGS}
    texts = {
        "array": json.dumps([record, record]),
        "indented": "\ufeff" + json.dumps([record, record], indent=2).replace("\n", "\r\n"),
        "objects": json.dumps(record, indent=1) * 2,
        "wrapped": json.dumps({"data": [record, record]}),
    }
    path = tmp_path / "a.json"
    path.write_bytes(texts[form].encode())
    records, issues = (
        read(path)
        if form != "wrapped"
        else (
            list(
                TOKENS_FORMAT.read(Source(str(path)), Reading(NLP, TOKENS_FORMAT.options(), IssueLog(), []))
            ),
            [],
        )
    )
    assert [spans_of(record) for record in records] == [SPANS, SPANS]
    assert len(issues) == 0


@pytest.mark.parametrize(
    "labels",
    [
        NAMES,
        {"O": 0, "B-PER": 1, "I-PER": 2, "B-LOC": 3},
        {"0": "O", "1": "B-PER", "2": "I-PER", "3": "B-LOC"},
        {"model_type": "bert", "id2label": {"0": "O", "1": "B-PER", "2": "I-PER", "3": "B-LOC"}},
        [{"id": number, "text": name} for number, name in enumerate(NAMES)],
        "O\nB-PER\nI-PER\nB-LOC\n",
        "names:\n- O\n- B-PER\n- I-PER\n- B-LOC\n",
    ],
)
def test_tokens_reads_numbers_by_a_label_file(labels, file, tmp_path):
    text = labels if isinstance(labels, str) else json.dumps(labels)
    path = tmp_path / ("labels.yaml" if "names:" in text else "labels.json")
    path.write_text(text)
    records, issues = file({"tokens": WORDS, "ner_tags": NUMBERS}, labels=str(path))
    assert spans_of(records[0]) == SPANS
    assert len(issues) == 0


def test_tokens_reads_numbers_by_names_on_the_command_line(file):
    records, _ = file({"tokens": WORDS, "ner_tags": NUMBERS}, labels=",".join(NAMES))
    assert spans_of(records[0]) == SPANS


@pytest.mark.parametrize("description", ["dataset_infos.json", "dataset_info.json", "README.md"])
def test_tokens_reads_numbers_by_what_describes_the_dataset(description, file, tmp_path):
    label = {"names": NAMES, "_type": "ClassLabel"}
    features = {"tokens": {"feature": {"dtype": "string"}}, "ner_tags": {"feature": label}}
    card = "---\ndataset_info:\n  features:\n  - name: tokens\n    sequence: string\n"
    card += "  - name: ner_tags\n    sequence:\n"
    card += "      class_label:\n        names:\n" + "".join(
        f"          '{i}': {name}\n" for i, name in enumerate(NAMES)
    )
    texts = {
        "dataset_infos.json": json.dumps({"default": {"features": features}}),
        "dataset_info.json": json.dumps({"features": features}),
        "README.md": card + "---\n# A dataset\n",
    }
    (tmp_path / description).write_text(texts[description])
    records, issues = file({"tokens": WORDS, "ner_tags": NUMBERS})
    assert spans_of(records[0]) == SPANS
    assert len(issues) == 0


@pytest.mark.parametrize(
    ("record", "options", "message"),
    [
        (
            {"tokens": WORDS, "ner_tags": NUMBERS},
            {},
            "E165.*a.jsonl:1.*integers without names.*labels=O,B-PER",
        ),
        ({"tokens": WORDS, "ner_tags": ["1", "2", "0", "0", "3", "0"]}, {}, "integers without names"),
        (
            {"tokens": WORDS, "ner_tags": NUMBERS},
            {"labels": "O,B-PER"},
            "E191.*the tag 2 has no name.*0 to 1",
        ),
        ({"tokens": WORDS, "ner_tags": NUMBERS}, {"labels": "none.json"}, "E190.*no such file"),
        ({"tokens": WORDS, "ner_tags": TAGS}, {"token_column": "words"}, "no column 'words'; it has: tokens"),
        ({"tokens": WORDS, "ner_tags": TAGS}, {"tag_column": "tags"}, "no column 'tags'; it has: tokens"),
        ({"tokens": WORDS, "ner_tags": TAGS[:2]}, {"tag_column": "ner_tags"}, "E171.*6 tokens, 2 tags"),
        (
            {"tokens": WORDS, "ner_tags": ["x", "y", "O", "O", "B-", "O"]},
            {"scheme": "IOB2"},
            "E171.*none of it could be read",
        ),
    ],
)
def test_tokens_says_what_it_misses(record, options, message, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(record))
    reading = Reading(NLP, options_for(TOKENS_FORMAT, options), IssueLog(), [])
    with pytest.raises(UserError, match=message):
        list(TOKENS_FORMAT.read(Source(str(path)), reading))


def test_tokens_takes_a_row_without_tags_for_not_annotated(file):
    records, issues = file(
        {"tokens": WORDS, "ner_tags": TAGS},
        {"tokens": ["a", "b"]},
        {"tokens": ["a", "b"], "ner_tags": None},
        {"tokens": ["a", "b"], "ner_tags": ["O", "O"]},
    )
    assert [doc_to_tags(record.doc) for record in records[1:]] == [["-", "-"], ["-", "-"], ["O", "O"]]
    assert issues["record without annotation"] == 2


@pytest.mark.parametrize(
    "tags",
    [
        ["PER-B", "PER-I", "O", "O", "LOC-B", "O"],
        ["b-PER", "i-PER", "o", "o", "b-LOC", "o"],
        ["B-PER", "I-PER", "0", "0", "B-LOC", "0"],
        ["PER", "PER", "0", "0", "LOC", "0"],
    ],
)
def test_tokens_reads_other_spellings_of_tags(tags, file):
    records, issues = file({"tokens": WORDS, "ner_tags": tags})
    assert spans_of(records[0]) == SPANS
    assert len(issues) == 0


def test_tokens_refuses_a_row_whose_tags_stand_elsewhere(file):
    with pytest.raises(UserError, match=r"E180.*a\.jsonl:2.*'labels' looks like some"):
        file({"tokens": WORDS, "ner_tags": TAGS}, {"tokens": WORDS, "labels": TAGS})


@pytest.mark.parametrize("tags", [TAGS[:-1], [*TAGS, "O"], []])
def test_tokens_takes_tags_of_another_number_for_missing(tags, file):
    records, issues = file({"tokens": WORDS, "ner_tags": TAGS}, {"tokens": WORDS, "ner_tags": tags})
    assert doc_to_tags(records[1].doc) == ["-"] * 6
    assert issues["tokens and tags of unequal length"] == 1


def test_tokens_keeps_what_is_missing_within_a_row(file):
    tags = [None, -100, "O", "O", 3, 0.0]
    records, issues = file(
        {"tokens": WORDS, "ner_tags": [1, *tags[1:]]},
        {"tokens": WORDS, "ner_tags": tags},
        labels=",".join(NAMES),
    )
    assert doc_to_tags(records[1].doc) == ["-", "-", "O", "O", "B-LOC", "O"]
    assert len(issues) == 0


def test_tokens_leaves_out_tokens_without_text(file):
    records, issues = file(
        {"tokens": ["Rosa", "", None, "0", "Lund"], "ner_tags": ["B-PER", "O", "O", "O", "B-LOC"]}
    )
    assert [token.text for token in records[0].doc] == ["Rosa", "0", "Lund"]
    assert spans_of(records[0]) == [("Rosa", "PER"), ("Lund", "LOC")]
    assert issues["token without text"] == 2


def test_tokens_keeps_other_columns_and_what_says_where_a_document_begins(file):
    rows = [
        {"id": 4, "doc_id": "a", "tokens": WORDS, "ner_tags": TAGS, "pos_tags": ["X"] * 6, "source": "s"},
        {"id": 5, "doc_id": "a", "tokens": ["Lund"], "ner_tags": ["B-LOC"], "pos_tags": ["Y"], "source": "s"},
        {"id": 6, "doc_id": "b", "tokens": ["no"], "ner_tags": ["O"]},
    ]
    records, issues = file(*rows)
    assert [spans_of(record) for record in records] == [[*SPANS, ("Lund", "LOC")], []]
    assert [record.id for record in records] == ["a", "b"]
    assert records[0].meta == {
        "source": "s",
        "sentences": [{"id": "4", "pos_tags": ["X"] * 6}, {"id": "5", "pos_tags": ["Y"]}],
    }
    records, _ = file(*rows, group="sentence")
    assert [record.id for record in records] == ["4", "5", "6"]
    assert record_of(records[0].doc)["meta"] == {"pos_tags": ["X"] * 6, "source": "s"}
    assert len(issues) == 0


def test_tokens_reads_a_document_of_sentences(file):
    record = {
        "id": "d",
        "tokens": [WORDS, ["Lund", "!"], ["a"]],
        "ner_tags": [TAGS, ["B-LOC", "O"], ["O", "O"]],
    }
    records, issues = file(record, {"id": "e", "tokens": [["a"]], "ner_tags": [["O"]]})
    assert [spans_of(record) for record in records] == [[*SPANS, ("Lund", "LOC")], []]
    assert [sent.text for sent in records[0].doc.sents] == ["Rosa Quint moved to Lund.", "Lund!", "a"]
    assert doc_to_tags(records[0].doc)[-1] == "-"
    assert issues["tokens and tags of unequal length"] == 1


def test_tokens_reads_a_text_by_the_way_that_fits_most_rows(file):
    text = "Rosa moved to Lund, alone."
    tags = ["B-PER", "O", "O", "B-LOC", "O", "O", "O"]
    odd = {"text": "Rosa left", "tags": ["O", "O", "O"]}
    records, issues = file({"text": text, "tags": tags}, {"text": text, "tags": tags}, odd)
    assert [spans_of(record) for record in records] == [[("Rosa", "PER"), ("Lund", "LOC")]] * 2 + [[]]
    assert records[0].doc.text == text
    assert doc_to_tags(records[2].doc) == ["-", "-"]
    assert issues["tokens and tags of unequal length"] == 1


def test_tokens_counts_white_space_that_a_doc_of_words_has_no_place_for(file):
    records, issues = file({"text": "Rosa  moved", "tags": ["B-PER", "O"]})
    assert records[0].doc.text == "Rosa moved"
    assert issues["white space of a text made one space"] == 1


def test_tokens_reads_characters_with_their_spaces(file):
    records, issues = file({"text": "罗莎 在隆德", "labels": ["B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC"]})
    assert records[0].doc.text == "罗莎 在隆德"
    assert spans_of(records[0]) == [("罗莎", "PER"), ("隆德", "LOC")]
    assert len(issues) == 0


@pytest.mark.parametrize(
    "record",
    [
        {"tokenized_text": ["Ann"], "ner": [[0, 0, "PER"]]},
        {"text": "Ann left", "label": [[0, 3, "PER"]]},
        {
            "text": "Ann left",
            "spans": [{"start": 0, "end": 3, "label": "PER"}],
            "tokens": [{"text": "Ann", "start": 0}],
        },
        {"text": "A good film", "labels": ["positive", "film"]},
        {"text": "A good film", "labels": [1, 0, 1]},
        {"text": "Ann left", "labels": [["Ann", "B-PER"]]},
        {"text": "Ann left", "tokens": ["Ann"], "labels": ["B-PER"]},
        {"tokens": ["Ann", "left"], "pos_tags": ["NNP", "VBD"]},
        {
            "tokens": ["Ann", "left"],
            "entities": [{"start": 0, "end": 1, "type": "PER"}, {"start": 1, "end": 2}],
        },
    ],
)
def test_tokens_leaves_records_of_other_formats(record, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(record))
    assert TOKENS_FORMAT.sniff(Source(str(path))) is None


def test_tokens_is_found_beside_its_description(tmp_path):
    """A folder is read file by file, and the description is no corpus."""
    (tmp_path / "train.jsonl").write_text(HUGGING_FACE)
    (tmp_path / "README.md").write_text("---\n[\n---\n")
    assert [one.format.name for one in find_sources([str(tmp_path)], "auto", "utf-8", [])] == ["tokens"]


TAGGED = st.lists(
    st.tuples(
        st.sampled_from(["a", "May", ".", "東京", "🙂", "'s", '"']), st.sampled_from(["", "X", "Y", "-"])
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(TAGGED, min_size=1, max_size=4))
def test_tokens_writes_what_it_reads(tmp_path_factory, sentences):
    folder = tmp_path_factory.mktemp("tokens")
    rows = [
        {
            "id": str(number),
            "tokens": [word for word, _ in sentence],
            "ner_tags": [{"": "O", "-": None}.get(label, f"B-{label}") for _, label in sentence],
            "source": number,
        }
        for number, sentence in enumerate(sentences)
    ]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    reading = Reading(NLP, TOKENS_FORMAT.options(scheme="IOB2"), IssueLog(), [])
    docs = [record.doc for record in TOKENS_FORMAT.read(Source(str(folder / "a.jsonl")), reading)]
    TOKENS_FORMAT.write(docs, folder / "b.jsonl", reading.options, reading.issues)
    again = [record.doc for record in TOKENS_FORMAT.read(Source(str(folder / "b.jsonl")), reading)]
    assert [doc_to_tags(doc) for doc in again] == [doc_to_tags(doc) for doc in docs]
    assert [doc.text for doc in again] == [doc.text for doc in docs]
    written = [json.loads(line) for line in (folder / "b.jsonl").read_text().splitlines()]
    assert [{**row, "ner_tags": row.get("ner_tags", [None] * len(row["tokens"]))} for row in written] == rows
    assert len(reading.issues) == sum("ner_tags" not in row for row in written)


def test_tokens_counts_a_second_column_of_tags_of_entities(tmp_path):
    path = tmp_path / "a.jsonl"
    row = {
        "tokens": ["Ann", "left"],
        "ner_tags": ["B-PER", "O"],
        "fine": ["B-Actor", "O"],
        "chunks": ["B-NP", "B-VP"],
    }
    path.write_text(json.dumps(row), encoding="utf-8")
    assert read(path)[1]["column of tags that isn't read"] == 1
    assert not len(read(path, tag_column="ner_tags")[1])


def test_tokens_reads_texts_with_nothing_but_o(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"sentence": "Ann left .", "tags": "O O O"}]), encoding="utf-8")
    records, issues = read(path)
    assert doc_to_tags(records[0].doc) == ["O", "O", "O"]
    assert not len(issues)


def test_tokens_counts_spans_beside_tags(tmp_path):
    path = tmp_path / "a.jsonl"
    row = {
        "tokens": ["Ann", "left"],
        "ner_tags": ["B-PER", "O"],
        "entities": [{"start": 1, "end": 2, "type": "X"}],
    }
    path.write_text(json.dumps(row), encoding="utf-8")
    assert read(path)[1]["spans under another key, not read"] == 1
