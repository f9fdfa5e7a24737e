import spacy

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.learning.export.answers import Answer
from spacy_ner_plus.learning.export.docs import MISALIGNED, NO_WORDS, answers_to_docs
from spacy_ner_plus.spans import CharSpan, doc_to_tags
from tests.learning.export.stored import ANNA, OSLO, TEXT
from tests.llm.store.test_inferences import make_inference

NLP = spacy.blank("en")


def docs_of(*answers):
    left_out = IssueLog()
    found = answers_to_docs([Answer(*answer, False, 1.0) for answer in answers], NLP, left_out)
    return [doc for _, doc in found], left_out


def test_docs_have_entities_and_else_o():
    (doc,), left_out = docs_of((make_inference(), (ANNA, OSLO)))
    assert (doc.text, doc_to_tags(doc)) == (TEXT, ["B-PER", "O", "O", "B-LOC", "O"])
    assert annotated_labels(doc) is None
    assert not len(left_out)


def test_docs_do_not_say_o_of_what_is_not_known():
    within = CharSpan(1, 10, "LOC")
    (doc,), left_out = docs_of((make_inference(), (within, OSLO)))
    assert doc_to_tags(doc) == ["-", "-", "O", "B-LOC", "O"]
    assert left_out[MISALIGNED] == 1
    (doc,), _ = docs_of((make_inference(valid=False, failure="cut"), (ANNA,)))
    assert doc_to_tags(doc) == ["B-PER", "-", "-", "-", "-"]


def test_docs_say_which_labels_were_asked_for_where_they_differ():
    docs, _ = docs_of((make_inference(), (ANNA,)), (make_inference("Hi.", labels=("ORG",)), ()))
    assert [annotated_labels(doc) for doc in docs] == [{"PER", "LOC"}, {"ORG"}]


def test_docs_without_words_are_none():
    docs, left_out = docs_of((make_inference(" \n"), ()), (make_inference(""), ()))
    assert docs == []
    assert left_out[NO_WORDS] == 2
