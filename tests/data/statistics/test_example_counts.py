"""Counts of examples: gold Docs beside a pipeline's own tokens."""

from spacy.tokens import Doc
from spacy.training import Example

from spacy_ner_plus.data.statistics.example_counts import ExampleCounts


def count(nlp, *golds):
    counts = ExampleCounts()
    for gold in golds:
        counts.add(Example(nlp.make_doc(gold.text), gold))
    return counts


def test_example_counts_find_entities_that_begin_within_a_token(nlp):
    # spaCy's tokenizer leaves "Oslo-based" whole where it is written "Oslo_based".
    gold = Doc(
        nlp.vocab, words=["Oslo", "_based", "Acme"], spaces=[False, True, False], ents=["B-LOC", "O", "B-ORG"]
    )
    counts = count(nlp, gold, gold)
    assert counts.misaligned == {"LOC": 2}
    assert counts.examples == {"misaligned": "Oslo"}
    assert counts.misaligned_tokens == 2
    assert counts.gold.entities == {"LOC": 2, "ORG": 2}


def test_example_counts_find_entities_with_white_space_or_punctuation_at_their_ends(nlp):
    spaced = Doc(nlp.vocab, words=["Acme", "\n", "grew"], ents=["B-ORG", "I-ORG", "O"])
    quoted = Doc(nlp.vocab, words=["“", "Acme", "”"], ents=["B-ORG", "I-ORG", "I-ORG"])
    counts = count(nlp, spaced, quoted)
    assert counts.whitespace == {"ORG": 1}
    assert counts.punctuation == {"ORG": 1}


def test_example_counts_find_entities_over_the_beginning_of_a_sentence(nlp):
    gold = Doc(
        nlp.vocab,
        words=["Acme", "Corp", "grew"],
        sent_starts=[True, True, False],
        ents=["B-ORG", "I-ORG", "O"],
    )
    assert count(nlp, gold).crossing == {"ORG": 1}


def test_example_counts_tell_documents_without_entities_from_those_without_annotation(nlp):
    one = Doc(nlp.vocab, words=["Anna", "met", "Bob"], ents=["B-PER", "O", "B-PER"])
    none = Doc(nlp.vocab, words=["Nobody", "came"], ents=["O", "O"])
    unknown = Doc(nlp.vocab, words=["Nobody", "came"])
    counts = count(nlp, one, none, unknown)
    assert (counts.without_entities, counts.unannotated) == (1, 1)
    assert counts.docs_with == {"PER": 1}
