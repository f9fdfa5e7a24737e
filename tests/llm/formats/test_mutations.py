"""Replies changed at random. Of its form: the same entities, or fewer and marked as missing. Of its content: what an
independent reader of the changed reply reads."""

import ast
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.lang.en import English

from spacy_ner_plus.alignment.align import align_mentions
from spacy_ner_plus.llm.formats import FORMATS, get_format
from spacy_ner_plus.llm.formats.reading import Reading
from spacy_ner_plus.llm.requests import InvalidReply

NLP = English()
MANY = settings(max_examples=150, deadline=None)
LABELS = ["PER", "LOC", "work of art"]
# No name is part of another, and each stands once in a text, so that a reply has one meaning in each format.
NAMES = ["Ann Lee", "Bo", "Rome", "Guernica", "O'Hara", "Cy"]
WORDS = ["left", "and", "saw", "it", "there", ",", "again"]
FORM = {
    "fence": lambda reply: f"```json\n{reply}\n```",
    "tildes": lambda reply: f"~~~\n{reply}\n~~~",
    "thought": lambda reply: f"<think>Is it {{}}?</think>\n{reply}",
    "white space": lambda reply: f"\n \t{reply}\n\n",
    "prose": lambda reply: f"Here it is:\n{reply}",
    "case of labels": lambda reply: re.sub("PER|LOC|work of art", lambda match: match[0].swapcase(), reply),
    "hyphens": lambda reply: reply.replace("work of art", "work-of-art"),
    "trailing comma": lambda reply: reply.replace("]", ",]").replace("[,]", "[]"),
    "single quotes": lambda reply: reply.replace('"', "'"),
    "typographic quotes": lambda reply: reply.replace('"', "\u201d"),
    "no commas": lambda reply: reply.replace(", ", " "),
    "wrapper": lambda reply: f'{{"result": {reply}}}',
    "list": lambda reply: f"[{reply}]",
    "string": json.dumps,
    "twice": lambda reply: f"{reply}\n{reply}",
    "line breaks": lambda reply: reply.replace(", ", ",\n"),
}


@st.composite
def texts_with_gold(draw):
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
    text, gold = "", []
    for name in names:
        for word in draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3)):
            text += f"{word} "
        gold.append((len(text), len(text) + len(name), draw(st.sampled_from(LABELS))))
        text += f"{name} "
    return text + "today.", gold


def ideal(name, gold, text):
    """Labels and ideal reply of each question: one, or one for each label."""
    reply_format = get_format(name)
    groups = [[label] for label in LABELS] if hasattr(reply_format, "turns") else [LABELS]
    return [
        (labels, reply_format.render([span for span in gold if span[2] in labels], labels, text))
        for labels in groups
    ]


def read(name, replies, text):
    """Start, end and label of what is found, and the stretches that are unread; None where a reply is invalid."""
    try:
        readings = [Reading.of(get_format(name).parse(reply, labels, text)) for labels, reply in replies]
    except InvalidReply:
        return None, []
    reading = Reading([mention for one in readings for mention in one], unread=readings[0].unread)
    doc = NLP(text)
    spans = align_mentions(doc, reading, text=text).spans
    found = {(doc[s.start].idx, doc[s.end - 1].idx + len(doc[s.end - 1]), s.label) for s in spans}
    return found, list(reading.unread)


@pytest.mark.parametrize("name", sorted(FORMATS))
@MANY
@given(texts_with_gold(), st.lists(st.sampled_from(sorted(FORM)), min_size=1, max_size=3))
def test_mutations_of_form_give_the_same_entities_or_mark_what_is_missing(name, case, changes):
    text, gold = case
    replies = ideal(name, gold, text)
    for change in changes:
        replies = [(labels, FORM[change](reply)) for labels, reply in replies]
    found, unread = read(name, replies, text)
    if found is not None:
        assert found <= set(gold)
        lost = set(gold) - found
        # A copy in which words were changed: they are unread, or their mention is told as not found.
        assert all(any(a < end and start < b for a, b in unread) for start, end, _ in lost)


@pytest.mark.parametrize("name", sorted(FORMATS))
@MANY
@given(texts_with_gold(), st.data())
def test_mutations_that_cut_a_reply_never_invent_and_never_say_nothing(name, case, data):
    text, gold = case
    replies = ideal(name, gold, text)
    number = data.draw(st.integers(0, len(replies) - 1))
    labels, reply = replies[number][0], replies[number][1].encode()
    at = data.draw(st.integers(0, len(reply) - 1))
    replies[number] = labels, reply[:at].decode("utf8", "ignore")
    found, unread = read(name, replies, text)
    if name in ("label_lists", "entity_list", "guidelines", "per_type"):
        assert found is None
    # Lines that aren't there can't be told from words of no entity: of those, the server says that it cut them.
    elif found is not None and name == "inline_tags":
        lost = set(gold) - found
        assert found <= set(gold)
        assert all(any(a < end and start < b for a, b in unread) for start, end, _ in lost)


@pytest.mark.parametrize("name", ["label_lists", "entity_list"])
@MANY
@given(texts_with_gold(), st.data())
def test_mutations_of_the_order_change_nothing(name, case, data):
    text, gold = case
    reply = json.loads(get_format(name).render(gold, LABELS, text))
    if name == "label_lists":
        shuffled = {label: data.draw(st.permutations(reply[label])) for label in reversed(reply)}
    else:
        keys = data.draw(st.permutations(["text", "label", "occurrence"]))
        shuffled = {
            "entities": [
                {key: entity[key] for key in keys} for entity in data.draw(st.permutations(reply["entities"]))
            ]
        }
    assert read(name, [(LABELS, json.dumps(shuffled))], text)[0] == set(gold)


@pytest.mark.parametrize("name", sorted(FORMATS))
@MANY
@given(texts_with_gold(), st.data())
def test_mutations_of_content_give_what_the_changed_reply_states(name, case, data):
    text, gold = case
    changed = []
    for start, end, label in gold:
        match data.draw(st.sampled_from(["keep", "label", "drop", "mention"])):
            case "label":
                changed.append((start, end, data.draw(st.sampled_from(LABELS))))
            case "keep":
                changed.append((start, end, label))
            case "mention":  # the word before it, unless it is a sign
                before = text[:start].rstrip()
                at = before.rfind(" ") + 1
                if text.count(before[at:]) == 1 and before[at:].isalpha():
                    changed.append((at, len(before), label))
    replies = ideal(name, changed, text)
    expected = {
        entity for labels, reply in replies for entity in _read_independently(name, reply, labels, text)
    }
    assert read(name, replies, text) == (expected, [])


def _read_independently(name, reply, labels, text):
    """What a reply states, read by other means; each mention stands in the text once."""
    if name == "per_type":
        stated = [(mention, labels[0]) for mention in json.loads(reply)["entities"]]
    elif name == "label_lists":
        stated = [(mention, label) for label, mentions in json.loads(reply).items() for mention in mentions]
    elif name == "entity_list":
        stated = [(entity["text"], entity["label"]) for entity in json.loads(reply)["entities"]]
    elif name == "guidelines":
        stated = [
            (call.keywords[0].value.value, {"WorkOfArt": "work of art"}.get(call.func.id, call.func.id))
            for call in ast.parse(reply).body[0].value.elts
        ]
    elif name == "inline_tags":
        stated = [(mention, label) for label, mention in re.findall(r"<([^<>/]+)>([^<>]+)</\1>", reply)]
    else:
        stated = []
        for line in reply.splitlines() if reply != "NONE" else ():
            word, tag = line.split(": ", 1)
            if tag.startswith("B-"):
                stated.append((word, tag[2:]))
            else:
                stated[-1] = (f"{stated[-1][0]} {word}", tag[2:])
    return {(text.index(mention), text.index(mention) + len(mention), label) for mention, label in stated}
