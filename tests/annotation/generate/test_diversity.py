import pytest
import spacy

from spacy_ner_plus.annotation.generate.diversity import measure_diversity
from spacy_ner_plus.annotation.generate.records import RecordCheck
from spacy_ner_plus.spans import CharSpan


def records(*texts):
    check = RecordCheck(spacy.blank("en"))
    return [check(text, [CharSpan(text.index("Ann"), text.index("Ann") + 3, "PER")]) for text in texts]


def test_diversity_counts_what_is_distinct():
    found = measure_diversity(records("Ann is here", "Ann is there"))
    assert found.distinct == {1: pytest.approx(4 / 6), 2: pytest.approx(3 / 4), 3: 1.0}
    assert (found.texts, found.tokens, found.patterns) == (2, 6, 2)
    # Of start-ann, ann-is, is-here, here-end the other has two.
    assert found.self_similarity == pytest.approx(2 / 6)


def test_diversity_of_one_pattern_and_of_a_single_text():
    check = RecordCheck(spacy.blank("en"))
    one = check("Ann is here", [CharSpan(0, 3, "PER")])
    other = check("Bob is here", [CharSpan(0, 3, "PER")])
    assert measure_diversity([one, other]).patterns == 1
    assert measure_diversity([one]).self_similarity is None


def test_diversity_knows_words_that_are_no_entities_elsewhere():
    check = RecordCheck(spacy.blank("en"))
    month = check("See you in May", [CharSpan(11, 14, "DATE")])
    verb = check("May I go", [])
    assert measure_diversity([month, verb]).ambiguous == 1
    assert measure_diversity([month]).ambiguous == 0
