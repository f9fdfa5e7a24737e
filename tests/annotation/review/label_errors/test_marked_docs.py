from spacy.tokens import Span, SpanGroup

from spacy_ner_plus.annotation.review.label_errors.marked_docs import SPANS_KEY, marked_docs, to_row
from spacy_ner_plus.annotation.review.label_errors.suggestions import Suggestion
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.pipeline.uncertainty import uncertainty
from spacy_ner_plus.spans import TokenSpan, span_scores
from tests.conftest import make_docs

WRONG = Suggestion(0, "label", 0.6, 0, 2, (TokenSpan(0, 2, "PER"),), (TokenSpan(0, 2, "ORG"),), 0.2, 0.8)
LOST = Suggestion(2, "missing", 0.9, 7, 8, (), (TokenSpan(7, 8, "LOC"),), 0.05, 0.95)


def mark(nlp, *, show_found=False, chosen=(LOST, WRONG)):
    docs = make_docs(nlp.vocab)
    rows = [to_row(one, docs[one.document], rank) for rank, one in enumerate(chosen, start=1)]
    return docs, rows, marked_docs(docs, chosen, rows, show_found=show_found)


def test_marked_docs_come_by_their_most_suspicious_place(nlp):
    docs, rows, marked = mark(nlp)
    assert marked == [docs[2], docs[0]]
    assert [uncertainty(doc) for doc in marked] == [0.9, 0.6]
    assert record_of(marked[1])["meta"]["suggestions"][0]["found"] == rows[1]["found"]
    assert rows[1]["found"] == [{"start": 0, "end": 9, "label": "ORG", "text": "Anna Berg"}]
    assert (rows[1]["before"], rows[1]["text"], rows[1]["document"]) == ("", "Anna Berg", 1)


def test_marked_docs_keep_their_annotation_and_say_how_sure_of_it_readers_are(nlp):
    _, _, (_, doc) = mark(nlp)
    before = make_docs(nlp.vocab)[0]
    assert [(ent.text, ent.label_) for ent in doc.ents] == [(ent.text, ent.label_) for ent in before.ents]
    assert span_scores(doc) == {(0, 2, nlp.vocab.strings["PER"]): 0.2}


def test_marked_docs_show_what_was_found_where_that_is_asked_for(nlp):
    _, _, (_, doc) = mark(nlp, show_found=True)
    assert [(ent.text, ent.label_) for ent in doc.ents][:2] == [("Anna Berg", "ORG"), ("Oslo", "LOC")]
    assert list(doc.spans[SPANS_KEY].attrs["scores"]) == [0.8]


def test_marked_docs_forget_what_others_were_unsure_of(nlp):
    docs = make_docs(nlp.vocab)
    docs[0].spans["ner"] = SpanGroup(docs[0], name="ner", spans=[Span(docs[0], 0, 2, "PER")])
    docs[0].spans["ner"].attrs["uncertainty"] = 1.0
    (doc,) = marked_docs(docs, [WRONG], [to_row(WRONG, docs[0], 1)], show_found=False)
    assert uncertainty(doc) == 0.6
