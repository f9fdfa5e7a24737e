from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.models.zero_shot.training.gold_windows import (
    TOO_WIDE,
    UNASKED,
    WITHIN_A_WORD,
    GoldSpan,
    GoldText,
    gold_windows,
    unlearnable,
)
from spacy_ner_plus.models.zero_shot.windows import Stretch, Windowing, Word


class Words:
    """A model that cuts words at spaces, each of one piece."""

    widest = 3

    def words(self, text):
        found, start = [], 0
        for word in text.split():
            start = text.index(word, start)
            found.append(Word(word, start, start + len(word)))
            start += len(word)
        return found

    def sizes(self, words):
        return [1] * len(words)


TEXT = "Anna Berg of Oslo met the King of Norway Harald"


def entity(mention, label="person"):
    start = TEXT.index(mention)
    return GoldSpan(start, start + len(mention), label)


def test_gold_windows_hold_entities_by_word():
    (window,) = gold_windows(
        Words(), [GoldText(TEXT, [entity("Anna Berg"), entity("Oslo", "city")], [], None)], Windowing(20, 4)
    )
    assert window.spans == [(0, 2, "person"), (3, 4, "city")]
    assert window.unknown == frozenset()
    assert window.labels is None


def test_gold_windows_leave_out_what_the_model_cant_find():
    spans = [entity("Ann"), entity("King of Norway Harald")]
    text = GoldText(TEXT, spans, [Stretch(10, 12)], None)
    (window,) = gold_windows(Words(), [text], Windowing(20, 4))
    assert window.spans == []
    assert window.unknown == frozenset({0, 2, 6, 7, 8, 9})
    issues = IssueLog()
    unlearnable(Words(), [text, GoldText(TEXT, [entity("Oslo", "city")], [], None)], ["person"], issues)
    assert {kind: issue.count for kind, issue in issues} == {WITHIN_A_WORD: 1, TOO_WIDE: 1, UNASKED: 1}


@settings(max_examples=60, deadline=None)
@given(
    bounds=st.lists(st.tuples(st.integers(0, 29), st.integers(1, 3)), max_size=8),
    longest=st.integers(6, 40),
)
def test_gold_windows_hold_each_entity_whole_or_know_nothing_of_its_words(bounds, longest):
    text = " ".join(f"w{i:02}" for i in range(30))
    taken, spans = set(), []
    for start, width in bounds:
        if start + width <= 30 and taken.isdisjoint(range(start, start + width)):
            taken.update(range(start, start + width))
            spans.append(GoldSpan(4 * start, 4 * (start + width) - 1, "x"))
    # Windows share as many words as the widest entity has.
    windows = gold_windows(Words(), [GoldText(text, spans, [], None)], Windowing(longest, 3))
    held = set()
    for window in windows:
        first = int(window.window.words[0].text[1:])
        inside = {i for s in window.spans for i in range(s.start, s.end)}
        assert inside.isdisjoint(window.unknown)
        assert {first + i for i in inside | window.unknown} == taken & set(
            range(first, first + len(window.window.words))
        )
        held |= {(4 * (first + s.start), 4 * (first + s.end) - 1, s.label) for s in window.spans}
    assert held == set(spans)


def test_gold_windows_of_nothing():
    assert gold_windows(Words(), [GoldText("", [], [], None)], Windowing(20, 4)) == []
