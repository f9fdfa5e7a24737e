import numpy as np
import pytest
from spacy.tokens import Doc

from spacy_ner_plus.annotation.review.label_errors.readings import EntityReadings, TagReadings
from spacy_ner_plus.annotation.review.label_errors.suggestions import Annotated, find_suggestions, kind_of
from spacy_ner_plus.models.decoding.tags import tag_names
from spacy_ner_plus.models.ragged import Ragged
from spacy_ner_plus.spans import TokenSpan

LABELS = ["LOC", "PER"]
WANTED = frozenset(LABELS)


def annotated(nlp, tags, *, labels=WANTED, number=0):
    """A "-" is a token without annotation."""
    tags = tags.split()
    doc = Doc(nlp.vocab, words=["w"] * len(tags), ents=["O" if tag == "-" else tag for tag in tags])
    missing = [doc[i : i + 1] for i, tag in enumerate(tags) if tag == "-"]
    doc.set_ents(doc.ents, missing=missing, default="outside")
    return Annotated.of(doc, number, labels)


def sure(tags, margin=4.0):
    """Logits of a network that finds these tags."""
    names = tag_names(LABELS)
    scores = np.zeros((len(tags.split()), len(names)))
    for row, tag in zip(scores, tags.split(), strict=True):
        row[names.index(tag)] = margin
    return scores


def read(*documents, wanted=None):
    return TagReadings(Ragged.join(list(documents)), LABELS, wanted or [WANTED] * len(documents))


def entities(*spans, silent=(), scores=None):
    found = [TokenSpan(*span) for span in spans]
    return EntityReadings([found], [dict(zip(found, scores or [1.0] * len(found), strict=True))], [silent])


@pytest.mark.parametrize(
    ("given", "found", "kind"),
    [
        ("O B-PER O", "O B-LOC O", "label"),
        ("O B-PER O", "O B-PER I-PER", "boundary"),
        ("B-PER B-PER O", "B-PER I-PER O", "boundary"),
        ("O B-PER O", "O B-LOC I-LOC", "label and boundary"),
        ("O O O", "O B-LOC O", "missing"),
        ("B-LOC I-LOC I-LOC", "O O O", "spurious"),
    ],
)
def test_suggestions_name_what_the_annotation_has_wrong(nlp, given, found, kind):
    (suggestion,) = find_suggestions([annotated(nlp, given)], [read(sure(found))])
    assert suggestion.kind == kind
    assert 0 < suggestion.score <= suggestion.found_probability <= 1


def test_suggestions_are_none_where_annotation_and_readers_agree(nlp):
    assert find_suggestions([annotated(nlp, "O B-PER I-PER")], [read(sure("O B-PER I-PER"))]) == []


def test_suggestions_score_whole_entities_whatever_their_length(nlp):
    """Token by token, a long spurious entity would be as many errors as it has tokens."""
    docs = [
        annotated(nlp, "B-LOC O O O O O"),
        annotated(nlp, "B-LOC I-LOC I-LOC I-LOC I-LOC I-LOC", number=7),
    ]
    short, long = find_suggestions(docs, [read(sure("O O O O O O", 9.0), sure("O O O O O O", 9.0))])
    assert (short.document, long.document) == (0, 7)
    assert short.score == pytest.approx(long.score, abs=0.01)
    assert (long.start, long.end) == (0, 6)


def test_suggestions_join_what_overlaps_and_part_what_does_not(nlp):
    found = find_suggestions(
        [annotated(nlp, "B-PER I-PER B-LOC O B-PER")], [read(sure("B-PER B-LOC I-LOC O O"))]
    )
    assert [(one.start, one.end, len(one.annotated), len(one.found)) for one in found] == [
        (0, 3, 2, 2),
        (4, 5, 1, 0),
    ]


def test_suggestions_leave_tokens_without_annotation_and_of_unknown_labels(nlp):
    given = annotated(nlp, "- B-MISC O", labels=WANTED)
    found = find_suggestions([given], [read(sure("B-PER B-LOC B-PER"))])
    assert [(one.kind, one.start) for one in found] == [("missing", 2)]


def test_suggestions_of_a_corpus_with_some_labels_annotated_are_of_these(nlp):
    readings = read(sure("B-PER O B-LOC"), wanted=[frozenset({"LOC"})])
    (found,) = find_suggestions([annotated(nlp, "O O O")], [readings])
    assert (found.start, found.found) == (2, (TokenSpan(2, 3, "LOC"),))


def test_suggestions_average_readers(nlp):
    """Two that agree with the annotation outweigh one; what most of them find is suggested."""
    given = annotated(nlp, "B-PER O B-PER")
    answers = [
        entities((0, 1, "PER")),
        entities((0, 1, "PER"), (2, 3, "LOC")),
        entities((0, 1, "LOC"), (2, 3, "LOC")),
    ]
    (found,) = find_suggestions([given], answers)
    assert (found.kind, found.start) == ("label", 2)
    assert (found.annotated_probability, found.found_probability) == pytest.approx((0.0, 2 / 3))


def test_suggestions_by_entities_go_by_their_scores(nlp):
    given = annotated(nlp, "O B-PER O")
    for score, expected in ((0.9, 0.8), (0.4, None)):
        found = find_suggestions([given], [entities((1, 2, "LOC"), scores=[score])])
        assert [one.score for one in found] == ([] if expected is None else [pytest.approx(expected)])


def test_suggestions_ignore_readers_that_say_nothing_of_a_place(nlp):
    given = annotated(nlp, "B-PER O O")
    silent = entities(silent=(0,))
    assert find_suggestions([given], [silent]) == []
    assert find_suggestions([given], [EntityReadings([None], [{}], [()])]) == []
    (found,) = find_suggestions([given], [silent, entities((0, 1, "LOC"))])
    assert found.score == pytest.approx(1.0)


def test_suggestions_of_a_boundary_between_two_entities_of_one_label():
    one, two = [TokenSpan(0, 2, "PER")], [TokenSpan(0, 1, "PER"), TokenSpan(1, 2, "PER")]
    assert kind_of(one, two) == kind_of(two, one) == "boundary"
