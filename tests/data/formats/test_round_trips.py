"""Docs written in each format that is written, and read back: what it keeps is equal, all else is counted by its name.

Places are counted in characters that aren't white space, which all formats keep, whatever becomes of spaces.
"""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_ner_plus.annotated_labels import annotated_labels, set_annotated_labels
from spacy_ner_plus.data.detection import detect
from spacy_ner_plus.data.format_losses import count_losses
from spacy_ner_plus.data.formats.format import (
    ANNOTATOR,
    FEATURES,
    IDS,
    LABELS,
    META,
    MISSING,
    NESTED,
    SCORES,
    SENTENCES,
    SOFT,
    SPACES,
    SPAN_IDS,
    TOKENS,
    Reading,
)
from spacy_ner_plus.data.formats.registered import get_format
from spacy_ner_plus.data.records.record import Record, ScoredSpan, mark_record, record_of, spans_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.format_names import format_names, format_points
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.soft_tags import SOFT_TAGS, SoftTags, write_soft_tags
from spacy_ner_plus.spans import without_overlaps

NLP = spacy.blank("en")
WRITTEN = [
    name
    for name in format_names()
    if format_points()[name].value.startswith("spacy_ner_plus.") and get_format(name).writes
]
# What is written there has the marks of another tool.
DETECTED_AS = {"jsonl": {"jsonl", "prodigy"}}
PLAIN = st.sampled_from(
    [
        "Ann",
        "a",
        "May",
        "7",
        "can",
        "not",
        "U.S.-based",
        ".",
        ",",
        "(",
        "ß",
        "e\u0301",
        "東京",
        "🙂",
        "שלום",
        "नमस्ते",
    ]
)
# Signs that some format means something by, and white space of every kind.
STRANGE = st.sampled_from(
    [
        *("\n", " ", "\t", "\u2028", "\u00a0", "\u200b", "\ufeff", "\x85", "a\tb", "a b", "👩\u200d💻"),
        *(
            '"',
            "'",
            "|",
            "||",
            "\\",
            "#",
            "# x",
            "[x](y)",
            "]",
            "[1]",
            "{",
            "<b>",
            "&",
            "*",
            "%",
            "=",
            "-",
            ";",
        ),
        *("_", "O", "0", "B-X", "-DOCSTART-"),
    ]
)
LABELS_USED = st.sampled_from(["PER", "LOC", "Ü_1", "A-B"])
STRANGE_LABELS = st.sampled_from(
    ["PER", "first name", "a|b", "B-X", "x=y", "[1]", "a:b", "a,b", "O", "_", "東京"]
)
# The same examples in every run: which of two crossing spans is an entity hangs on the tokens, which not all formats
# keep, and other seeds come upon that.
QUICK = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
VALUES = st.none() | st.booleans() | st.integers(-5, 2**40) | st.text(max_size=5) | st.floats(0, 1)
KEYS = st.sampled_from(["source", "topic", "a b", "Ü", "date"])
METAS = st.dictionaries(KEYS, VALUES | st.lists(VALUES, max_size=2), max_size=3)


@st.composite
def docs(draw, words=PLAIN, labels=LABELS_USED):
    texts = draw(st.lists(words, min_size=1, max_size=12))
    if not any(text.strip() and text.isprintable() for text in texts):
        texts.append("Ann")
    spaces = draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    starts = draw(st.none() | st.sets(st.integers(1, 11)))
    sent_starts = None if starts is None else [i == 0 or i in starts for i in range(len(texts))]
    doc = Doc(NLP.vocab, words=texts, spaces=spaces, sent_starts=sent_starts)
    solid = [token.i for token in doc if not token.is_space]
    record = Record(doc, "x")
    if draw(st.booleans()):
        record.id = draw(st.sampled_from(["7", "doc-1", "Ü/2"]))
    if draw(st.booleans()):
        record.annotator = draw(st.sampled_from(["ann", "2", "ann@example.com"]))
    record.meta = draw(METAS)
    if draw(st.integers(0, 9)) == 0:
        # Not annotated.
        return mark_record(record, None).doc
    ends = st.tuples(st.sampled_from(solid), st.sampled_from(solid), labels)
    wanted = draw(st.lists(ends, max_size=5, unique=True))
    scored = draw(st.booleans())
    named = draw(st.booleans())
    spans, seen = [], set()
    for number, (first, last, label) in enumerate(wanted):
        first, last = min(first, last), max(first, last)
        # White space at a span's ends belongs to none.
        if (first, last, label) in seen or last - first > 4:
            continue
        seen.add((first, last, label))
        span = Span(doc, first, last + 1, label=label, span_id=f"T{number + 1}" if named else "")
        spans.append(ScoredSpan(span, draw(st.sampled_from([0.25, 0.5, 1.0])) if scored else None))
    kept, others = without_overlaps(span for span, _ in spans)
    taken = {i for span in kept for i in range(span.start, span.end)}
    missing = {i for span in others for i in range(span.start, span.end)} - taken
    missing |= draw(st.just(set()) | st.sets(st.sampled_from(range(len(doc))), max_size=2)) - taken
    doc.set_ents(kept, missing=[doc[i : i + 1] for i in sorted(missing)], default="outside")
    if not doc.has_annotation("ENT_IOB"):
        spans = []
        doc.set_ents([], default="outside")
    mark_record(record, spans)
    if draw(st.booleans()):
        set_annotated_labels(doc, sorted({span.label_ for span, _ in spans} | {"Z"}))
    # Not drawn, so that the other draws stay as they are.
    if len(doc) % 3 == 0:
        probs = np.tile([0.5, 0.375, 0.125], (len(doc), 1))
        write_soft_tags(doc, SoftTags(("PER",), probs, np.ones(len(doc))))
    return doc


def letters_of(doc):
    return "".join(doc.text.split())


def solid(text: str, end: int) -> int:
    """How many characters before a place aren't white space."""
    return sum(not character.isspace() for character in text[:end])


def place(span) -> tuple[int, int, str]:
    text = span.doc.text
    return solid(text, span.start_char), solid(text, span.end_char), span.label_


def entities_of(doc):
    return sorted(place(ent) for ent in doc.ents)


def features_of(doc):
    """What a Doc has of each feature, such that equal values mean that nothing was lost."""
    known, spans, text = record_of(doc), spans_of(doc), doc.text
    ents = set(entities_of(doc))
    words = [token for token in doc if not token.is_space]
    starts = {solid(text, token.idx) for token in doc if token.is_sent_start} - {0, solid(text, len(text))}
    return {
        TOKENS: [solid(text, token.idx) for token in words],
        SENTENCES: starts if doc.has_annotation("SENT_START") else set(),
        # What ends a text is no loss: a Doc made of words has a space there.
        SPACES: text.rstrip(),
        NESTED: {place(span) for span, _ in spans} - ents,
        MISSING: {
            i for token in words if not token.ent_iob for i in range(*place(doc[token.i : token.i + 1])[:2])
        },
        IDS: known["id"],
        META: known["meta"],
        ANNOTATOR: known["annotator"],
        SPAN_IDS: {(place(span), span.id_) for span, _ in spans if span.id_},
        SCORES: {(place(span), score) for span, score in spans if score is not None},
        LABELS: annotated_labels(doc),
        SOFT: doc.spans[SOFT_TAGS].attrs if SOFT_TAGS in doc.spans else None,
    }


def written_and_read(name, given):
    """RETURNS (tuple[list[Doc], IssueLog]): What is read again, and what was counted on the way."""
    format, issues = get_format(name), IssueLog()
    with tempfile.TemporaryDirectory() as folder:
        ending = "" if getattr(format, "writes_folder", False) or not format.endings else format.endings[0]
        path = Path(folder) / f"out{ending}"
        options = format.options()
        format.write(count_losses(given, format, NLP, issues), path, options, issues)
        source = Source(str(path))
        records = list(format.read(source, Reading(NLP, options, issues, [])))
        return [record.doc for record in records], issues


def fits_iob(given):
    """Whether the pipes and lines of IOB files can say what there is: what they can't, their docstring names."""
    lengths = [len(list(doc.sents)) if doc.has_annotation("SENT_START") else 1 for doc in given]
    rows = all(count == len(doc) for count, doc in zip(lengths, given, strict=True))
    labels = {span.label_ for doc in given for span, _ in spans_of(doc)}
    tagged = any(token.ent_iob_ for doc in given for token in doc)
    return not rows and tagged and not any("|" in label or label in ("O", "B-X", "_") for label in labels)


def check(name, given):
    assume(name != "iob" or fits_iob(given))
    format = get_format(name)
    try:
        again, issues = written_and_read(name, given)
    except UserError:
        # A file without any annotation may be refused.
        assert not any(doc.has_annotation("ENT_IOB") for doc in given)
        return
    by_name = {feature for feature in FEATURES if issues[f"{feature} that {format.name} has no place for"]}
    others = [kind for kind, _ in issues if not kind.endswith("has no place for")]
    if others:
        # Something of the text or the annotation itself can't be written, and is told; what is left is right.
        places = [entities_of(doc) for doc in again]
        assert sum(map(len, places)) <= sum(len(spans_of(doc)) for doc in given), others
        return
    assert len(again) == len(given)
    if getattr(format, "writes_folder", False):
        # Its files stand in the order of their names.
        again, given = (sorted(docs, key=letters_of) for docs in (again, given))
    for doc, read in zip(given, again, strict=True):
        assert read.has_annotation("ENT_IOB") == doc.has_annotation("ENT_IOB")
        assert letters_of(read) == letters_of(doc)
        assert entities_of(read) == entities_of(doc)
        before, after = features_of(doc), features_of(read)
        different = {feature for feature in FEATURES if before[feature] != after[feature]}
        if not before[IDS]:
            # A document may get a name: that of its file.
            different -= {IDS}
        if before[SPAN_IDS] == {(at, name) for at, name in after[SPAN_IDS] if at in dict(before[SPAN_IDS])}:
            # And spans, where the format has none without.
            different -= {SPAN_IDS}
        assert different <= by_name, {
            feature: (before[feature], after[feature]) for feature in different - by_name
        }


@pytest.mark.parametrize("name", WRITTEN)
@QUICK
@given(st.lists(docs(), min_size=1, max_size=2, unique_by=letters_of))
def test_round_trips_keep_or_count(name, given):
    check(name, given)


@pytest.mark.parametrize("name", WRITTEN)
@QUICK
@given(
    st.lists(
        docs(PLAIN | STRANGE, LABELS_USED | STRANGE_LABELS), min_size=1, max_size=2, unique_by=letters_of
    )
)
def test_round_trips_keep_or_count_what_formats_have_signs_for(name, given):
    check(name, given)


@pytest.mark.parametrize("name", WRITTEN)
def test_round_trips_are_known_as_what_they_are(name, tmp_path):
    format, issues = get_format(name), IssueLog()
    doc = Doc(NLP.vocab, words=["Ann", "left", "Oslo"], ents=["B-PER", "O", "B-LOC"])
    path = tmp_path / ("out" if getattr(format, "writes_folder", False) else f"out{[*format.endings, ''][0]}")
    format.write([doc], path, format.options(), issues)
    assert detect(Source(str(path)), []).name in DETECTED_AS.get(name, {name})
    assert dict(issues) == {}


@pytest.mark.parametrize("name", WRITTEN)
def test_round_trips_take_a_blocked_token_for_o(name):
    doc = Doc(NLP.vocab, words=["Nobody", "left", "Oslo"])
    doc.set_ents([Span(doc, 2, 3, "LOC")], blocked=[doc[:1]], default="outside")
    (again,), issues = written_and_read(
        name, [mark_record(Record(doc, "x"), [ScoredSpan(doc.ents[0], None)]).doc]
    )
    assert [(ent.text, ent.label_) for ent in again.ents] == [("Oslo", "LOC")]
    assert dict(issues) == {}
