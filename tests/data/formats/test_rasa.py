"""Rasa's NLU training data, after its documentation and its own readers."""

import json

import pytest
import spacy

from spacy_ner_plus.data.detection import find_sources
from spacy_ner_plus.data.formats.format import Reading
from spacy_ner_plus.data.formats.rasa import RASA
from spacy_ner_plus.data.records.record import record_of, spans_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import doc_to_tags

NLP = spacy.blank("en")
TEXT = "Rosa Quint moved to Lund."
SPANS = [("Rosa Quint", "PER"), ("Lund", "LOC")]
ENTITIES = [
    {"start": 0, "end": 10, "value": "Rosa Quint", "entity": "PER"},
    {"start": 20, "end": 24, "value": "Lund", "entity": "LOC"},
]
YAML = """version: "3.1"
nlu:
- intent: tell
  examples: |
    - [Rosa Quint](PER) moved to [Lund](LOC).
    - nothing here
"""
MARKDOWN = "## intent:tell\n- [Rosa Quint](PER) moved to [Lund](LOC).\n* nothing here\n"


def read(tmp_path, content, name="nlu.yml"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    issues, notes = IssueLog(), []
    source = Source(str(path))
    assert RASA.sniff(source).confidence == 1
    reading = Reading(NLP, RASA.options(), issues, notes)
    return [record.doc for record in RASA.read(source, reading)], issues, notes


def of_json(*examples, **others):
    return {"rasa_nlu_data": {"common_examples": list(examples), **others}}


def ents(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (YAML, "nlu.yml"),
        (YAML.replace("\n", "\r\n"), "nlu.yaml"),
        ("\ufeff" + YAML, "nlu.yml"),
        (MARKDOWN, "nlu.md"),
        (
            of_json(
                {"text": TEXT, "intent": "tell", "entities": ENTITIES},
                {"text": "nothing here", "intent": "tell", "entities": []},
            ),
            "nlu.json",
        ),
    ],
)
def test_rasa_reads_examples_and_intents(content, name, tmp_path):
    docs, issues, _ = read(tmp_path, content, name)
    assert [(doc.text, ents(doc)) for doc in docs] == [(TEXT, SPANS), ("nothing here", [])]
    assert [record_of(doc)["meta"] for doc in docs] == [{"intent": "tell"}] * 2
    assert set(doc_to_tags(docs[1])) == {"O"}
    assert not issues.kinds


def test_rasa_reads_examples_with_metadata(tmp_path):
    content = """nlu:
- intent: faq/ask
  metadata: {source: web}
  examples:
  - text: |
      in [Lund](LOC)
    metadata: {sentiment: 0.5}
  - in [Lund](LOC)
"""
    docs, issues, _ = read(tmp_path, content)
    assert [ents(doc) for doc in docs] == [[("Lund", "LOC")]] * 2
    assert record_of(docs[0])["meta"] == {
        "intent": "faq/ask",
        "intent_metadata": {"source": "web"},
        "metadata": {"sentiment": 0.5},
    }
    assert not issues.kinds


@pytest.mark.parametrize(
    ("mark", "labels", "lost"),
    [
        ("[Lund](LOC)", ["LOC"], set()),
        ("[Lund](LOC:Lund in Sweden)", ["LOC"], {"value"}),
        ("[Lund](LOC:Lund)", ["LOC"], set()),
        ('[Lund]{"entity": "LOC"}', ["LOC"], set()),
        (
            '[Lund]{"entity": "LOC", "role": "to", "group": "1", "value": "LU"}',
            ["LOC"],
            {"role", "group", "value"},
        ),
        ('[Lund][{"entity": "LOC"}, {"entity": "TOWN"}]', ["LOC", "TOWN"], set()),
    ],
)
def test_rasa_reads_every_way_to_mark(mark, labels, lost, tmp_path):
    docs, issues, _ = read(tmp_path, f"nlu:\n- intent: x\n  examples: |\n    - from {mark}, now\n")
    assert docs[0].text == "from Lund, now"
    assert [found.span.label_ for found in spans_of(docs[0])] == labels
    assert set(issues.kinds) == {f"key of spans that isn't kept: {key}" for key in lost}


@pytest.mark.parametrize(
    "mark",
    [
        "[Lund(LOC)",
        "Lund](LOC)",
        "[Lund] (LOC)",
        "[Lund](LOC",
        '[Lund]{"entity": LOC}',
        '[Lund]{"label": "LOC"}',
        '[Lund]{"entity": "LOC"',
        '[Lund][{"entity": "LOC"}, {}]',
        "[Lund]( )",
        "[Lund](L](LOC)",
        "[of[Lund](LOC)",
    ],
)
def test_rasa_makes_no_o_of_marks_that_are_broken(mark, tmp_path):
    docs, issues, _ = read(tmp_path, f"nlu:\n- intent: x\n  examples: |\n    - [Rosa](PER) in {mark} now\n")
    tags = dict(zip([token.text for token in docs[0]], doc_to_tags(docs[0]), strict=True))
    assert tags["Rosa"] == "B-PER"
    assert {tag for word, tag in tags.items() if "Lund" in word} == {"-"}
    assert issues["label not understood"] == 1


@pytest.mark.parametrize("text", ["see [1] for it", "an array a[0]", "(so)", "a {b}"])
def test_rasa_leaves_brackets_that_mark_nothing(text, tmp_path):
    docs, issues, _ = read(tmp_path, f"nlu:\n- intent: x\n  examples: |\n    - {text}\n")
    assert docs[0].text == text
    assert set(doc_to_tags(docs[0])) == {"O"}
    assert not issues.kinds


def test_rasa_tells_what_else_a_file_holds(tmp_path):
    content = (
        YAML
        + """- synonym: Lund
  examples: |
    - LU
- lookup: LOC
  examples: |
    - Lund
- regex: zip
  examples: |
    - \\d{5}
- rule: x
responses:
  utter: []
"""
    )
    docs, issues, notes = read(tmp_path, content)
    assert len(docs) == 2
    assert set(issues.kinds) == {
        "synonym that isn't kept",
        "lookup table that isn't kept",
        "regular expression that isn't kept",
        "section that isn't read",
    }
    assert any("not responses" in note for note in notes)


@pytest.mark.parametrize("key", ["xamples: text", "examples: 3", "examples: |", "metadata: {}"])
def test_rasa_counts_an_intent_without_examples(key, tmp_path):
    docs, issues, _ = read(tmp_path, f"{YAML}- intent: other\n  {key}\n")
    assert len(docs) == 2
    assert issues["intent without examples"] == 1


def test_rasa_markdown_has_comments_sections_and_escapes(tmp_path):
    content = (
        "<!-- - [no](X)\n - [no](X) -->\n## intent:a\n+ one\\ntwo [Lund](LOC)\n"
        "## synonym:Lund\n- LU\n## lookup:LOC\n  data/towns.txt\n## regex:zip\n- [0-9]{5}\n## other:x\n- [Lund](LOC)\n"
    )
    docs, issues, _ = read(tmp_path, content, "nlu.md")
    assert [doc.text for doc in docs] == ["one\ntwo Lund"]
    assert {kind: issue.count for kind, issue in issues} == {
        "synonym that isn't kept": 1,
        "lookup table that isn't kept": 1,
        "regular expression that isn't kept": 1,
        "section that isn't read": 1,
        "line not understood": 1,
    }
    assert issues.kinds["line not understood"].where.endswith("nlu.md:12")


def test_rasa_takes_values_that_stand_for_the_text_as_no_sign_of_wrong_offsets(tmp_path):
    entities = [{"start": 20, "end": 24, "value": "Lund in Sweden", "entity": "LOC", "role": "to"}]
    others = {"entity_synonyms": [{"value": "Lund in Sweden", "synonyms": ["Lund"]}]}
    docs, issues, _ = read(tmp_path, of_json({"text": TEXT, "entities": entities}, **others), "a.json")
    assert ents(docs[0]) == [("Lund", "LOC")]
    assert set(issues.kinds) == {
        "key of spans that isn't kept: value",
        "key of spans that isn't kept: role",
        "synonym that isn't kept",
    }


def test_rasa_never_makes_o_of_wrong_offsets_or_entities(tmp_path):
    wrong = {**ENTITIES[1], "start": 17, "end": 19}
    docs, issues, _ = read(
        tmp_path,
        of_json(
            {"text": TEXT, "entities": ENTITIES},
            {"text": TEXT, "entities": [ENTITIES[0], wrong]},
            {"text": TEXT, "entities": [ENTITIES[0], {"start": 20, "end": 24, "type": "LOC"}]},
            {"text": TEXT, "entities": {"LOC": "Lund"}},
            {"text": TEXT, "intent": "tell"},
        ),
        "a.json",
    )
    assert [doc_to_tags(doc)[4] for doc in docs] == ["B-LOC", "-", "-", "-", "-"]
    assert issues["record without annotation"] == 1


def test_rasa_reads_scores_of_its_own_predictions(tmp_path):
    entities = [{**ENTITIES[1], "confidence_entity": 0.75, "extractor": "DIETClassifier"}]
    docs, issues, _ = read(tmp_path, of_json({"text": TEXT, "entities": entities}), "a.json")
    assert [found.score for found in spans_of(docs[0])] == [0.75]
    assert not issues.kinds


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("nlu:\n- intent: [x\n  examples: 3\n", "a.yml", "not valid YAML"),
        ("nlu:\n  a: 3\n  - intent: x\n", "a.yml", "not valid YAML"),
        (
            "nlu: !!python/object/apply:os.system [true]\n# \nx:\n- intent: x\n",
            "a.yml",
            "YAML|no training data",
        ),
        ("nlu: text\nx:\n- intent: x\n", "a.yml", "no training data of Rasa"),
        ({"rasa_nlu_data": {"common_examples": [{"intent": "x"}]}}, "a.json", "without a text"),
        ({"rasa_nlu_data": {"common_examples": 3}}, "a.json", "no training data of Rasa"),
        ({"rasa_nlu_data": []}, "a.json", "no training data of Rasa"),
    ],
)
def test_rasa_refuses_what_is_none(content, name, message, tmp_path):
    with pytest.raises(UserError, match=message):
        read(tmp_path, content, name)


def test_rasa_leaves_out_values_that_grow_without_end(tmp_path):
    lines = ["x: &a0 [1, 1]"] + [f"x{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60)]
    content = (
        "\n".join(lines) + "\nnlu:\n- intent: x\n  metadata: *a59\n  examples: |\n    - in [Lund](LOC)\n"
    )
    docs, issues, _ = read(tmp_path, content)
    assert ents(docs[0]) == [("Lund", "LOC")]
    assert issues["value too large to keep"] == 1


def test_rasa_is_found_in_a_project_folder(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "nlu.yml").write_text(YAML)
    (tmp_path / "data" / "stories.yml").write_text("stories:\n- story: x\n  steps:\n  - intent: tell\n")
    (tmp_path / "domain.yml").write_text("intents:\n- tell\n")
    (tmp_path / "NOTES.md").write_text("# Notes\n")
    notes = []
    for format in ("auto", "rasa"):
        found = find_sources([str(tmp_path)], format, "utf-8", notes)
        assert [(one.source.path.name, one.format) for one in found] == [("nlu.yml", RASA)]
    assert any("domain.yml" in note and "stories.yml" in note for note in notes)
