"""Tagged words: found in the order of the text, and the same by every caller."""

import json
import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spacy_ner_plus.alignment.align import align_mentions
from spacy_ner_plus.alignment.align_words import align_words, is_certain
from spacy_ner_plus.alignment.mentions import Mention, TaggedWords
from spacy_ner_plus.alignment.normalization import normalise
from spacy_ner_plus.alignment.occurrences import OccurrenceFinder, cuts_word
from spacy_ner_plus.data.formats.bio_json import bio_json_to_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats import get_format
from tests.alignment.docs import NLP, make_doc
from tests.alignment.work import count_calls

MANY = settings(max_examples=200, deadline=None)
WORDS = st.sampled_from(
    ["Jon", "Smith", "ROME", "rome", "Rome", "May", "7", "O\u2019Hara", "Lee-Ann", "said"]
)


def align(text, *tagged, **settings):
    finder = OccurrenceFinder.of_doc(make_doc(text))
    return align_words(
        finder, [TaggedWords(tuple(words.split()), label) for words, label in tagged], **settings
    )


def places(text, alignment):
    return [(text[found.start : found.end], found.how) for found in alignment.placed]


# What each caller makes of one list of mentions with labels.


def by_mentions(doc, mentions):
    spans = align_mentions(doc, [Mention(text, label) for text, label in mentions]).spans
    return [(doc[span.start : span.end].text, doc[span.start].idx, span.label) for span in spans]


def by_format(name, reply):
    def find(doc, mentions):
        parsed = get_format(name).parse(reply(mentions), ["X", "Y"], doc.text)
        spans = align_mentions(doc, parsed).spans
        return [(doc[span.start : span.end].text, doc[span.start].idx, span.label) for span in spans]

    return find


def by_bio_json(doc, mentions):
    record = json.dumps({"text": doc.text, "labels": tags(mentions)})
    try:
        (read,) = bio_json_to_docs([record], NLP, issues=IssueLog(), where="")
    except UserError:  # a source none of whose words is found is refused
        return []
    return [(ent.text, ent.start_char, ent.label_) for ent in read.ents]


def tags(mentions):
    return [
        (word, f"{'I' if i else 'B'}-{label}")
        for text, label in mentions
        for i, word in enumerate(text.split())
    ]


def in_lists(mentions):
    return json.dumps({label: [text for text, own in mentions if own == label] for label in "XY"})


def in_lines(mentions):
    return "\n".join(f"{word}: {tag}" for word, tag in tags(mentions))


CALLERS = {
    "mentions": by_mentions,
    "label_lists": by_format("label_lists", in_lists),
    "bio_lines": by_format("bio_lines", in_lines),
    "bio_json": by_bio_json,
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(
    ("text", "mentions", "expected"),
    [
        ("Call Jon Smith now .", ["John Smith"], ["Jon Smith"]),
        ("Call jon  smith now .", ["Jon Smith"], ["jon smith"]),
        ("Call O\u2019Hara now .", ["O'Hara"], ["O\u2019Hara"]),
        ("JAPAN WIN . Yesterday Japan beat Syria", ["Japan", "Japan"], ["JAPAN", "Japan"]),
        ("The US told us", ["US", "US"], ["US"]),
        ("He uses Windows 95", ["Windows 98"], None),
        ("7 , 7 and 17", ["7", "7"], ["7", "7"]),
    ],
)
def test_align_words_callers_give_one_answer(caller, text, mentions, expected):
    doc = NLP(" ".join(text.split()))
    found = [place[0] for place in CALLERS[caller](doc, [(mention, "X") for mention in mentions])]
    # Tagged words may come apart, as their tags may be wrong: 'Windows' alone is there.
    assert found == (expected or (["Windows"] if caller == "bio_json" else []))


@MANY
@given(st.lists(WORDS, min_size=1, max_size=10), st.data())
def test_align_words_callers_give_one_answer_to_any_spelling(words, data):
    doc = NLP(" ".join(words))
    start = data.draw(st.integers(0, len(words) - 1))
    spelling = " ".join(words[start : start + data.draw(st.integers(1, 3))])
    spelling = data.draw(
        st.sampled_from([spelling, spelling.upper(), spelling.lower(), spelling.replace("\u2019", "'")])
    )
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(spelling) - 1))
        spelling = spelling[:at] + data.draw(st.sampled_from(["", "h"])) + spelling[at + 1 :]
    mention = " ".join(spelling.split())
    assume(mention)
    text, form = normalise(doc.text), normalise(mention)
    at = text.find(form)
    # Inside of longer words callers that can split tokens find more than others.
    assume(at < 0 or not (cuts_word(text, at) or cuts_word(text, at + len(form))))
    # And inside of tokens, where these others take the whole token.
    assume(at < 0 or doc.char_span(at, at + len(form)) is not None)
    found = {name: find(doc, [(mention, "X")]) for name, find in CALLERS.items()}
    expected = found.pop("mentions")
    if not expected:
        found.pop("bio_json")
    assert all(spans == expected for spans in found.values()), found


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Ann Lee", [("Ann Lee", "exact")]),
        ("ann lee", [("Ann Lee", "normalised")]),
        ("Lee Rome", [("Lee , Rome", "gapped")]),
        ("Anne Lee", [("Ann Lee", "fuzzy")]),
        ("Ann Rome", [("Ann", "exact"), ("Rome", "exact")]),
        ("Oslo", []),
    ],
)
def test_align_words_says_how_they_were_found(words, expected):
    text = "Mr Ann Lee , Rome"
    assert places(text, align(text, (words, "X"))) == expected


def test_align_words_that_stand_apart_are_parted_or_lost():
    alignment = align("Ann met Rome", ("Ann Rome Oslo", "X"))
    assert [found.words for found in alignment.placed] == [("Ann",), ("Rome",)]
    assert alignment.parted == [TaggedWords(("Rome", "Oslo"), "X"), TaggedWords(("Oslo",), "X")]
    assert alignment.lost == [TaggedWords(("Oslo",), "X")]
    whole = align("Ann met Rome", ("Ann Rome Oslo", "X"), can_split=False)
    assert not whole.placed
    assert whole.lost == [TaggedWords(("Ann", "Rome", "Oslo"), "X")]


def test_align_words_take_parts_of_words_only_for_the_order():
    text = "17 for Ann at 7"
    (seven, _) = align(text, ("7", "X"), ("Ann", "Y")).placed
    assert (seven.start, seven.in_order) == (1, True)
    (_, seven) = align(text, ("7", "X"), ("Ann", "Y"), can_split=False).placed
    assert (seven.start, seven.in_order) == (14, False)


def test_align_words_without_a_label_lead_the_others():
    (first, second) = align("Rome and Rome", ("Rome", ""), ("Rome", "X")).placed
    assert (first.start, second.start, second.is_certain) == (0, 9, True)


@MANY
@given(st.lists(WORDS, max_size=8), st.data())
def test_align_words_are_certain_where_every_reader_finds_them(words, data):
    text = data.draw(st.sampled_from([" ", ""])).join(words)
    tagged, meant, at = [], [], 0
    for word in words:
        at = text.find(word, at)
        if data.draw(st.booleans()):
            tagged.append(TaggedWords((word,), "X"))
            meant.append((at, at + len(word)))
        at += len(word)
    if is_certain(text, tagged, meant):
        for finder in (OccurrenceFinder(text), OccurrenceFinder.of_doc(NLP(text))):
            alignment = align_words(finder, tagged)
            assert [(found.start, found.end) for found in alignment.placed] == meant
            assert all(found.in_order and found.is_certain for found in alignment.placed)
            assert not alignment.lost


def zipf(length):
    """A text's words as often as words are."""
    chance = random.Random(0)
    return chance.choices([f"w{i}" for i in range(1000)], [1 / (i + 1) for i in range(1000)], k=length)


def copied(n):
    words = zipf(n)
    lines = [f"{word}: {'B-X' if i % 7 else 'O'}" for i, word in enumerate(words) if i % 50]
    return " ".join(words), lines


def shuffled(n):
    words = zipf(n)
    return " ".join(words), [f"{word}: B-X" for word in random.Random(1).sample(words, n)]


# A reply that repeats itself without end, as those of models do that have lost their way.
LONG = {
    "copied": copied,
    "shuffled": shuffled,
    "one word": lambda n: ("a " * n, ["a: B-X"] * n),
    "fewer than listed": lambda n: ("a a b " * (n // 2), ["b: O"] * 9 + ["a: B-X"] * n + ["b: O"] * 9),
    "one entity": lambda n: ("a " * n + "b", ["b: O", "a: B-X"] + ["a: I-X"] * (n // 2)),
    "signs": lambda n: ("." * n + "b", ["b: O", ".: B-X"] + [".: I-X"] * (n // 2) + ["c: I-X"]),
}


@pytest.mark.parametrize("name", LONG)
def test_align_words_of_long_replies_takes_no_more_steps_a_word(name):
    def calls(n):
        text, lines = LONG[name](n)
        return count_calls(lambda: get_format("bio_lines").parse("\n".join(lines), ["X"], text))

    # 8 times as many words: n log n steps are some 12 times as many, the square of n would be 64 times.
    assert calls(800) < 26 * calls(100)


def test_align_words_of_a_long_copy_with_slips_finds_each_word_at_its_place():
    words = zipf(6000)
    starts, at = [], 0
    for word in words:
        starts.append(at)
        at += len(word) + 1
    kept = [i for i in range(len(words)) if i % 40]
    finder = OccurrenceFinder(" ".join(words))
    tagged = [TaggedWords((words[i],), "X" if i % 3 else "") for i in kept]
    placed = align_words(finder, tagged, can_split=False).placed
    right = sum(found.start == starts[kept[found.number]] for found in placed)
    assert len(placed) == len(kept)
    assert right > 0.98 * len(kept)
