import spacy

from spacy_ner_plus.annotation.generate.overlap import KnownCorpus
from spacy_ner_plus.annotation.generate.records import RecordCheck
from spacy_ner_plus.spans import CharSpan


def test_overlap_counts_same_and_near_texts_and_entities():
    nlp = spacy.blank("en")
    check = RecordCheck(nlp)
    long = "Ann will meet the whole team in the big room on the third floor tomorrow"
    made = [
        check("Ann is here", [CharSpan(0, 3, "PER")]),
        check(f"{long} at noon", [CharSpan(0, 3, "PER")]),
        check("Zoe has gone away", [CharSpan(0, 3, "PER")]),
    ]
    docs = [nlp("ANN  is here"), nlp(long)]
    docs[1].set_ents([docs[1].char_span(0, 3, "PER")])
    found = KnownCorpus(iter(docs), "dev").overlap(made)
    assert (found.documents, found.same_texts, found.near_texts) == (2, 1, 1)
    assert found.entities == 0.5
    assert found.ngrams == 8 / 10
    assert found.example == ("Ann is here", "Ann is here")


def test_overlap_with_nothing_is_none():
    check = RecordCheck(spacy.blank("en"))
    found = KnownCorpus([], "none").overlap([check("Ann is here", [])])
    assert (found.same_texts, found.near_texts, found.ngrams, found.entities) == (0, 0, 0.0, 0.0)
