import json

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.annotation.generate import records
from spacy_ner_plus.annotation.generate.llm import reading
from spacy_ner_plus.annotation.generate.llm.plan import PlannedRecord
from spacy_ner_plus.annotation.generate.llm.reading import DraftReader
from spacy_ner_plus.annotation.generate.records import RecordCheck
from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.llm.requests import ChatReply, InvalidReply

LABELS = load_labels(["PER", "LOC"])
CHECK = RecordCheck(spacy.blank("en"), LABELS.names)
TEXT = "Ann Lee flew to Rome."
ENTITIES = [
    {"text": "Ann Lee", "label": "PER", "occurrence": 1},
    {"text": "Rome", "label": "LOC", "occurrence": 1},
]


def reader(*, words=(4, 6), labels=("PER",), ambiguous="", count=1):
    planned = PlannedRecord(0, "train", words, labels, ambiguous)
    return DraftReader(dict.fromkeys(range(1, count + 1), planned), LABELS, CHECK)


def read(items, **planned):
    return reader(**planned).read(ChatReply(json.dumps({"records": items})))


def read_one(text, entities, **planned):
    drafts = read([{"number": 1, "text": text, "entities": entities}], **planned)
    return drafts.records.get(1) or drafts.refusals[1]


def test_reading_takes_a_record_with_its_entities():
    record = read_one(TEXT, ENTITIES)
    assert record.entities == [("PER", "Ann Lee"), ("LOC", "Rome")]


@pytest.mark.parametrize(
    ("text", "entities", "planned", "kind"),
    [
        (TEXT, [{"text": "Bob", "label": "PER", "occurrence": 1}], {}, reading.NOT_FOUND),
        (TEXT, [{"text": "ann lee", "label": "PER", "occurrence": 1}], {}, reading.NOT_FOUND),
        (TEXT, [{"text": "Ann Lee", "label": "PER", "occurrence": 2}], {}, reading.NOT_FOUND),
        (TEXT, [{"text": "Ann Lee", "label": "DOG", "occurrence": 1}], {}, reading.SHAPE),
        (TEXT, [{"text": "Ann Lee", "label": "PER", "occurrence": 0}], {}, reading.SHAPE),
        (TEXT, [{"text": "Ann Lee", "label": "PER"}], {}, reading.SHAPE),
        (TEXT, ["Ann Lee"], {}, reading.SHAPE),
        (TEXT, "Ann Lee", {}, reading.SHAPE),
        (None, [], {}, reading.SHAPE),
        (TEXT, [{"text": "Rom", "label": "LOC", "occurrence": 1}], {}, records.MISALIGNED),
        (TEXT, [*ENTITIES, {"text": "Lee", "label": "PER", "occurrence": 1}], {}, records.OVERLAP),
        (TEXT, [ENTITIES[0], ENTITIES[0]], {}, reading.TWICE),
        ("Ann saw Ann in Rome.", [{"text": "Ann", "label": "PER", "occurrence": 1}], {}, reading.UNMARKED),
        (TEXT, ENTITIES[1:], {}, reading.LABELS_LACKING),
        (TEXT, ENTITIES, {"labels": ()}, reading.NOT_NEGATIVE),
        (TEXT, ENTITIES, {"words": (10, 20)}, reading.LENGTH),
        (TEXT, ENTITIES, {"words": (1, 2)}, reading.LENGTH),
        ("", [], {"labels": ()}, records.EMPTY),
    ],
)
def test_reading_says_why_a_record_is_not_taken(text, entities, planned, kind):
    refusal = read_one(text, entities, **planned)
    assert refusal.kind == kind
    assert refusal.reason


@pytest.mark.parametrize(
    ("text", "mention", "label", "unmarked"),
    [
        ("Anna said that anna and ANNA saw it.", "Anna", "PER", "ANNA"),
        ("Anna Berg met anna berg today.", "Anna Berg", "PER", "anna berg"),
        ("NEW YORK is New York.", "New York", "LOC", "NEW YORK"),
        # Words in lower case, or with a capital of their own, are mostly words.
        ("Apple grows no apple here.", "Apple", "PER", ""),
        ("It moved to the US for us.", "US", "LOC", ""),
        ("IT moved there. It was late.", "IT", "LOC", ""),
        ("I met I. Berg and i.", "I", "PER", "I"),
        ("Ann saw ANNE and ANNEX.", "Ann", "PER", ""),
        ("Ann saw Ann Lee in ANN.", "Ann Lee", "PER", ""),
    ],
)
def test_reading_refuses_a_mention_that_stands_unmarked_in_another_case(text, mention, label, unmarked):
    found = read_one(
        text, [{"text": mention, "label": label, "occurrence": 1}], words=(4, 8), labels=(label,)
    )
    assert getattr(found, "kind", None) == (reading.UNMARKED if unmarked else None)
    assert not unmarked or f"'{unmarked}'" in found.reason


def test_reading_takes_a_mention_that_is_marked_in_another_case():
    entities = [{"text": text, "label": "PER", "occurrence": 1} for text in ("Ann Lee", "ANN LEE")]
    assert len(read_one("Ann Lee is ANN LEE .", entities).spans) == 2


def test_reading_takes_words_that_are_an_entity_in_one_place_where_that_was_asked_for():
    record = read_one(
        "May I call May now?", [{"text": "May", "label": "PER", "occurrence": 2}], ambiguous="PER"
    )
    assert [tuple(span) for span in record.spans] == [(11, 14, "PER")]


def test_reading_finds_records_by_their_numbers_and_knows_which_are_missing():
    good = {"text": TEXT, "entities": ENTITIES}
    drafts = read([{"number": 3, **good}, {"number": "1", **good}, {"number": 9, **good}], count=3)
    assert sorted(drafts.records) == [1, 3]
    assert {place: refusal.kind for place, refusal in drafts.refusals.items()} == {2: reading.MISSING}


def test_reading_takes_records_in_their_order_without_numbers():
    drafts = read([{"text": TEXT, "entities": ENTITIES}, {"text": TEXT, "entities": []}], count=2)
    assert sorted(drafts.records) == [1]
    assert drafts.refusals[2].kind == reading.LABELS_LACKING


@pytest.mark.parametrize(
    "content", ["", "no", "[]", "{}", '{"records": []}', '{"records": {}}', '{"records": "x"}']
)
def test_reading_refuses_a_reply_without_records(content):
    with pytest.raises(InvalidReply):
        reader().read(ChatReply(content))


def test_reading_takes_the_whole_records_of_a_reply_that_was_cut():
    whole = json.dumps(
        {"records": [{"number": 1, "text": TEXT, "entities": ENTITIES}, {"number": 2, "text": "An"}]}
    )
    drafts = reader(count=2).read_cut(ChatReply(whole[: whole.index('"An"') + 2]))
    assert sorted(drafts.records) == [1]
    assert sorted(drafts.refusals) == [2]


ITEM = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats(allow_nan=False) | st.text(max_size=12)
    | st.sampled_from([TEXT, "Ann Lee", "Rome", "PER", "LOC", "a", "\ud800", "\u0130stanbul", "A\u0301nn"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["number", "text", "entities", "label", "occurrence", "x"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(items=st.lists(ITEM, max_size=4), labels=st.sampled_from([(), ("PER",)]))
def test_reading_gives_valid_records_alone_whatever_comes(items, labels):
    try:
        drafts = read(items, labels=labels, count=2)
    except InvalidReply:
        return
    for record in drafts.records.values():
        assert CHECK.reads_back(record)
        assert all(label in LABELS.names for label, _ in record.entities)
    assert {*drafts.records} | {*drafts.refusals} == {1, 2}
