from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.annotation.review.tasks import Submission, TaskSpan
from spacy_ner_plus.annotation.review.uniting import lost_spans, unite

TEXT = "Ann Lee met Bob in Oslo."
ANN, BOB, OSLO = TaskSpan(0, 7, "PER"), TaskSpan(12, 15, "PER"), TaskSpan(19, 23, "LOC")
ALL = (0, len(TEXT))


def said(*spans, missing=(), **about):
    return Submission("1", TEXT, spans, "ann", missing=missing, **about)


def around(span):
    """What is left open by a yes about a span."""
    return ((0, span.start), (span.end, len(TEXT)))


@pytest.mark.parametrize(
    ("earlier", "later", "spans", "missing"),
    [
        # All was looked at again.
        (said(ANN, BOB), said(ANN), (ANN,), ()),
        (said(ANN, OSLO), said(), (), ()),
        (said(ANN), said(ANN._replace(label="ORG")), (ANN._replace(label="ORG"),), ()),
        # A question for each label.
        (said(ANN, BOB), said(OSLO), (ANN, BOB, OSLO), ()),
        # A yes for each span, and one after all of it was annotated.
        (
            said(ANN, missing=around(ANN)),
            said(OSLO, missing=around(OSLO)),
            (ANN, OSLO),
            ((7, 19), (23, 24)),
        ),
        (said(ANN, OSLO), said(BOB, missing=around(BOB)), (ANN, BOB, OSLO), ()),
        # What can't be read.
        (said(ANN, OSLO), said(missing=(ALL,)), (ANN, OSLO), ()),
        # It reaches into what the later one says.
        (said(TaskSpan(0, 15, "PER")), said(BOB, missing=((0, 12),)), (BOB,), ((0, 12),)),
    ],
)
def test_unite_lets_the_later_speak_and_fills_what_it_leaves_open(earlier, later, spans, missing):
    found = unite(earlier, later)
    assert (found.spans, found.missing) == (spans, missing)


def test_unite_adds_the_time_that_both_took_and_keeps_what_was_shown_first():
    found = unite(
        said(ANN, seconds=2.0, predictions=(ANN,), submitted="1"),
        said(ANN, seconds=3.0, predictions=(), submitted="2"),
    )
    assert (found.seconds, found.predictions, found.submitted) == (5.0, (ANN,), "2")


places = st.tuples(st.integers(0, len(TEXT)), st.integers(0, len(TEXT))).map(sorted).map(tuple)
submissions = st.builds(
    lambda spans, missing: said(*(TaskSpan(*at, label) for at, label in spans), missing=tuple(missing)),
    st.lists(st.tuples(places, st.sampled_from(("PER", "LOC"))), max_size=3),
    st.lists(places, max_size=3),
)


@given(submissions, submissions)
def test_unite_keeps_all_of_the_later_and_opens_nothing_that_it_says(earlier, later):
    found = unite(earlier, later)
    assert set(later.spans) <= set(found.spans)
    open_now, open_then = ({i for a, b in one.missing for i in range(a, b)} for one in (found, later))
    assert open_now <= open_then
    # What is dropped where nothing was said later isn't O.
    for span in lost_spans(earlier, found):
        within = {i for i in range(span.start, span.end) if not TEXT[i : i + 1].isspace()}
        assert within & open_then <= open_now | {i for one in found.spans for i in range(one.start, one.end)}


def test_unite_takes_offsets_outside_of_the_text():
    far = TaskSpan(5, 10**12, "PER")
    assert far in unite(said(ANN), replace(said(far), missing=((-3, 10**12),))).spans
