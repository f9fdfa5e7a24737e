from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.models.zero_shot.windows import Stretch, Windowing, Word, lay_windows, merge_windows


def words_of(text):
    found, start = [], 0
    for part in text.split():
        start = text.index(part, start)
        found.append(Word(part, start, start + len(part)))
        start += len(part)
    return found


@st.composite
def laid(draw):
    count = draw(st.integers(1, 60))
    longest = draw(st.integers(2, 20))
    overlap = draw(st.integers(0, longest // 2))
    sizes = draw(st.lists(st.integers(0, 12), min_size=count, max_size=count))
    pieces = draw(st.sampled_from([10, 30, 10**9]))
    words = words_of(" ".join("w" for _ in range(count)))
    windowing = Windowing(longest, overlap, pieces=pieces)
    return windowing, sizes, lay_windows("", words, windowing, sizes)[0]


@given(laid())
def test_windows_hold_every_word_and_never_too_many(case):
    windowing, sizes, windows = case
    assert windows[0].start == 0
    assert windows[-1].end == len(sizes)
    for one, other in pairwise(windows):
        assert one.start < other.start <= one.end < other.end
    for window in windows:
        assert 0 < window.end - window.start <= windowing.longest
        assert sum(sizes[window.start : window.end]) <= windowing.pieces or window.end - window.start == 1


@given(laid(), st.data())
def test_windows_decide_about_each_span_once_and_see_it_whole(case, data):
    windowing, sizes, windows = case
    start = data.draw(st.integers(0, len(sizes) - 1))
    span = Stretch(start, min(start + data.draw(st.integers(1, 5)), len(sizes)))
    held = [[span] if window.start <= span.start and span.end <= window.end else [] for window in windows]
    assert list(merge_windows(windows, held)) == ([span] if any(held) else [])
    if windowing.pieces > 100 and span.end - span.start <= windowing.overlap:
        assert any(held)


def test_windows_nearest_to_the_middle_decide():
    windows = [Stretch(0, 10), Stretch(6, 16)]
    early, late = Stretch(6, 8), Stretch(8, 10)
    assert list(merge_windows(windows, [[early, late], [early, late]])) == [early, late]
    # What the deciding window doesn't find isn't there.
    assert list(merge_windows(windows, [[late], [early]])) == []


@pytest.mark.parametrize(
    ("ends", "parts"),
    [("anywhere", ["a b c d e f"]), ("lines", ["a b", "c d", "e f"]), ("paragraphs", ["a b c d", "e f"])],
)
def test_windows_end_where_they_have_to(ends, parts):
    text = "a b\nc d\n \n\ne f"
    words = words_of(text)
    found = lay_windows(text, words, Windowing(10, 2, ends), [1] * len(words))
    assert [" ".join(w.text for w in words[part[0].start : part[-1].end]) for part in found] == parts


def test_windows_are_none_for_a_text_without_words():
    assert lay_windows(" ", [], Windowing(10, 2), []) == []
