import spacy
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.data.records.record import Record, mark_record, record_of

NLP = spacy.blank("en")


def test_record_has_lists_again_after_a_docbin():
    meta = {"authors": ["Ann", {"names": ["Bo", []]}], "year": 1999}
    doc = mark_record(Record(Doc(NLP.vocab, words=["a"]), "x:1", meta=meta), []).doc
    saved = DocBin(docs=[doc], store_user_data=True).to_bytes()
    again = next(iter(DocBin().from_bytes(saved).get_docs(NLP.vocab)))
    assert record_of(again)["meta"] == meta
