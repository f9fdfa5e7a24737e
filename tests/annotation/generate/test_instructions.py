import json

import pytest
import spacy

from spacy_ner_plus.annotation.generate.instructions import INSTRUCTIONS, UNIVERSAL_NER, conversations
from spacy_ner_plus.annotation.generate.records import RecordCheck
from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.spans import CharSpan

TEXT = "Ann Lee flew to Rome."
LABELS = load_labels({"PER": "Names of people.", "LOC": "Names of places."})


@pytest.fixture(scope="module")
def record():
    return RecordCheck(spacy.blank("en"))(TEXT, [CharSpan(0, 7, "PER"), CharSpan(16, 20, "LOC")])


@pytest.mark.parametrize("format", [name for name in INSTRUCTIONS if name != UNIVERSAL_NER])
def test_instructions_end_with_a_reply_that_the_format_reads(format, record):
    found = set()
    for line in conversations([record], LABELS, format, task="Travel notes."):
        messages = json.loads(line)["messages"]
        assert [turn["role"] for turn in messages][0 :: len(messages) - 1] == ["system", "assistant"]
        assert messages[0]["content"].startswith("Travel notes.") or format == "guidelines"
        asked = [name for name in LABELS.names if format != "per_type" or name in messages[-2]["content"]]
        read = get_format(format).parse(messages[-1]["content"], asked, TEXT)
        found |= {(mention.text, mention.label) for mention in read}
    assert found == {("Ann Lee", "PER"), ("Rome", "LOC")}


def test_instructions_as_guidelines_have_a_class_with_its_definition(record):
    (line,) = conversations([record], LABELS, "guidelines")
    system, user, reply = json.loads(line)["messages"]
    assert "class PER(Entity)" in system["content"]
    assert "Names of people." in system["content"]
    assert user["content"] == TEXT
    assert reply["content"] == 'result = [\n    PER(span="Ann Lee"),\n    LOC(span="Rome"),\n]'


def test_instructions_about_one_label_at_a_time_are_a_conversation_each(record):
    replies = [
        json.loads(line)["messages"][-1]["content"] for line in conversations([record], LABELS, "per_type")
    ]
    assert len(replies) == 2
    assert "Ann Lee" in replies[0]
    assert "Rome" not in replies[0]
