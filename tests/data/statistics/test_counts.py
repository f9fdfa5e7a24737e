"""Counts of what Docs hold, against counting by hand."""

from collections import Counter

import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_ner_plus.data.statistics.counts import CorpusCounts, quantile
from spacy_ner_plus.spans import spans_to_tags, tags_to_spans

NLP = spacy.blank("en")


def count(*docs):
    counts = CorpusCounts()
    for doc in docs:
        counts.add(doc)
    return counts


def test_counts_of_one_doc():
    doc = Doc(
        NLP.vocab,
        words=list("abcdef"),
        ents=["B-X", "B-X", "I-X", "O", "", "B-Y"],
        sent_starts=[True, False, False, True, False, False],
    )
    counts = count(doc)
    assert (counts.docs, counts.sentences, counts.tokens, counts.missing) == (1, 2, 6, 1)
    assert counts.entities == {"X": 2, "Y": 1}
    assert counts.entity_tokens == {"X": 3, "Y": 1}
    assert counts.entity_lengths == {1: 2, 2: 1}


def test_counts_take_no_blocked_token_for_an_entity():
    doc = NLP("Nobody knows Paris .")
    doc.set_ents([Span(doc, 2, 3, "X")], blocked=[doc[:1], doc[3:]], default="outside")
    counts = count(doc)
    assert (counts.entities, counts.entity_tokens, counts.entity_lengths) == ({"X": 1}, {"X": 1}, {1: 1})
    assert counts.missing == 0


def test_counts_of_a_doc_without_tokens_and_without_sentences():
    counts = count(Doc(NLP.vocab), Doc(NLP.vocab, words=["a", "b"]))
    assert (counts.docs, counts.sentences, counts.tokens, counts.missing) == (2, 1, 2, 2)


def test_counts_of_repeated_and_shared_texts():
    ann, bob = (Doc(NLP.vocab, words=[word]) for word in ("Ann", "Bob"))
    first, second = count(ann, ann, bob), count(ann)
    assert first.duplicates == 1
    assert first.shared_with(second) == 2
    assert second.shared_with(first) == 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["B-X", "I-X", "B-Y", "O", ""]), min_size=1, max_size=12))
def test_counts_agree_with_doc_ents(tags):
    # spaCy takes no I- that opens an entity.
    valid = spans_to_tags(tags_to_spans(tags), len(tags))
    doc = Doc(
        NLP.vocab, words=["w"] * len(tags), ents=[tag and new for tag, new in zip(tags, valid, strict=True)]
    )
    counts = count(doc)
    assert counts.entities == Counter(ent.label_ for ent in doc.ents)
    assert counts.entity_lengths == Counter(len(ent) for ent in doc.ents)


def test_quantile_of_counted_lengths():
    lengths = Counter({1: 2, 5: 1, 9: 1})
    assert [quantile(lengths, share) for share in (0, 0.5, 0.75, 1)] == [1, 1, 5, 9]
    assert quantile(Counter(), 0.5) == 0
