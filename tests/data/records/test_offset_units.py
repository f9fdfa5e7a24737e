from spacy_ner_plus.data.records.marked import MarkedText
from spacy_ner_plus.data.records.offset_units import OffsetUnits


def test_what_is_lost_is_counted_as_the_spans_are():
    marked = MarkedText("🚀 Rosa left", "a:1", spans=[], lost=[(3, 7), (1, 2)])
    OffsetUnits("utf-16").translate(marked)
    assert marked.lost == [(2, 6)]
    assert len(marked.unread) == 1
