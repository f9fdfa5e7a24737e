import pytest
from spacy.tokens import Doc

from spacy_ner_plus.annotation.review.label_errors.folds import split_folds
from spacy_ner_plus.errors import UserError


def docs_of(nlp, *texts):
    return [Doc(nlp.vocab, words=text.split()) for text in texts]


def test_folds_hold_each_document_once_and_copies_together(nlp):
    docs = docs_of(nlp, *(f"Text number {i}" for i in range(10)), "text  NUMBER 3", "Text number 3")
    folds = split_folds(docs, 3, seed=1)
    assert sorted(number for fold in folds for number in fold) == list(range(12))
    assert any({3, 10, 11} <= set(fold) for fold in folds)
    assert folds == split_folds(docs, 3, seed=1) != split_folds(docs, 3, seed=2)


def test_folds_have_about_as_many_tokens(nlp):
    docs = docs_of(nlp, *(f"{i} " * (i + 1) for i in range(40)))
    sizes = [sum(len(docs[number]) for number in fold) for fold in split_folds(docs, 4)]
    assert max(sizes) - min(sizes) < 30


def test_folds_of_too_few_texts_are_refused(nlp):
    with pytest.raises(UserError, match=r"E760.*Give a larger corpus\.$"):
        split_folds(docs_of(nlp, "a", "A", "b"), 3)
    with pytest.raises(UserError, match=r"E760.*or lower `folds`\.$"):
        split_folds(docs_of(nlp, "a", "A", "b"), 3, setting="`folds`")
    assert all(split_folds(docs_of(nlp, "a", "b", ""), 3))
