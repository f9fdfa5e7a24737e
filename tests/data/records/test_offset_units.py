"""How sources count their offsets, and what is believed of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.offset_units import AS_GIVEN, UNITS, OffsetUnits, UnitFinder

TEXT = "  🚀 Köln:\r\nRosa\r\nQuint moved to Malmö."


def utf16(text, at):
    return len(text[:at].encode("utf-16-le")) // 2


# How a tool of each kind writes the span that lies from start to end.
WRITTEN = {
    AS_GIVEN: lambda text, start, end: (start, end),
    "utf-16": lambda text, start, end: (utf16(text, start), utf16(text, end)),
    "bytes": lambda text, start, end: (len(text[:start].encode()), len(text[:end].encode())),
    "inclusive": lambda text, start, end: (start, end - 1),
    "from-1": lambda text, start, end: (start + 1, end + 1),
    "from-1-inclusive": lambda text, start, end: (start + 1, end),
    "one-short": lambda text, start, end: (start - 1, end - 1),
    "one-long": lambda text, start, end: (start, end + 1),
    "stripped": lambda text, start, end: tuple(at - len(text) + len(text.lstrip()) for at in (start, end)),
    "one-line-end": lambda text, start, end: tuple(at - text[:at].count("\r\n") for at in (start, end)),
}


def marked(text, unit, mentions, with_text=True):
    spans = []
    for mention in mentions:
        start = text.index(mention)
        written = WRITTEN[unit](text, start, start + len(mention))
        spans.append(MarkedSpan(*written, "X", mention if with_text else None))
    return MarkedText(text, "f:1", spans)


def find_units(texts):
    finder = UnitFinder()
    for text in texts:
        finder.add(text)
    return finder


def test_units_have_a_writer_each():
    assert set(WRITTEN) == set(UNITS)


@pytest.mark.parametrize("unit", UNITS)
def test_units_read_what_a_tool_of_their_kind_writes(unit):
    text = marked(TEXT, unit, ["Rosa", "Quint", "Malmö"])
    OffsetUnits(unit).translate(text)
    assert [TEXT[span.start : span.end] for span in text.spans] == ["Rosa", "Quint", "Malmö"]


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_found_by_the_texts_of_spans(unit):
    texts = [
        marked(f"{before}{TEXT}", unit, ["Rosa", "Quint", "Malmö"]) for before in ("", "ß🚀 ", " \r\n") * 3
    ]
    assert find_units(texts).best() == unit


def test_units_that_come_to_the_same_places_are_no_rivals():
    # An emoji before each span: UTF-16 units are one more than characters, as if these were counted from 1.
    finder = find_units([marked("🚀 Rosa moved to Malmö.", "utf-16", ["Rosa", "Malmö"])] * 3)
    assert finder.fits["utf-16"] == finder.fits["from-1"] == 6
    assert finder.best() in ("utf-16", "from-1")


@given(st.text(max_size=12), st.sampled_from(sorted(UNITS)), st.text(max_size=12))
@settings(max_examples=150)
def test_units_translate_into_the_text_or_to_nowhere(before, unit, after):
    text = MarkedText(f"{before}Rosa{after}", "f:1", [MarkedSpan(0, 4, "X", "Rosa"), MarkedSpan(3, 99, "X")])
    OffsetUnits(unit).translate(text)
    assert all(isinstance(span.start, int) and isinstance(span.end, int) for span in text.spans)


def test_units_as_they_stand_are_believed_where_half_of_the_spans_fit():
    texts = [marked(TEXT, AS_GIVEN, ["Rosa"]), marked(TEXT, "utf-16", ["Quint"])]
    finder = find_units(texts)
    assert finder.best() == AS_GIVEN
    assert not finder.hint()


def test_units_that_fit_too_few_spans_are_only_hinted_at():
    finder = find_units([marked(TEXT, "utf-16", ["Rosa", "Quint"])])
    assert finder.best() == AS_GIVEN
    assert "`offsets` utf-16 (UTF-16 units): 2 of 2" in finder.hint()


def test_units_that_fit_all_where_most_fit_as_they_stand_are_hinted_at():
    texts = [marked("Rosa left.", "utf-16", ["Rosa"])] * 8 + [marked(TEXT, "utf-16", ["Quint", "Malmö"])]
    finder = find_units(texts)
    assert finder.best() == AS_GIVEN
    assert "The texts of 2 of 10 spans aren't at their offsets" in finder.hint()
    assert "`offsets` utf-16 (UTF-16 units): 10 of 10" in finder.hint()


def test_units_of_spans_without_text_are_as_given():
    finder = UnitFinder()
    finder.add(marked(TEXT, "utf-16", ["Rosa", "Quint", "Malmö"], with_text=False))
    assert (finder.best(), finder.hint()) == (AS_GIVEN, "")


def test_what_is_lost_is_counted_as_the_spans_are():
    marked = MarkedText("🚀 Rosa left", "a:1", spans=[], lost=[(3, 7), (1, 2)])
    OffsetUnits("utf-16").translate(marked)
    assert marked.lost == [(2, 6)]
    assert len(marked.unread) == 1
