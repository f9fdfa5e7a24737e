import spacy

from spacy_ner_plus.annotation.generate.patterns import pattern_of
from spacy_ner_plus.annotation.generate.records import RecordCheck
from spacy_ner_plus.spans import CharSpan


def test_patterns_of_records_have_labels_for_entities():
    check = RecordCheck(spacy.blank("en"))
    record = check("Ann saw Bo.", [CharSpan(0, 3, "PER"), CharSpan(8, 10, "DOG")])
    assert pattern_of(record) == "[PER] saw [DOG]."
