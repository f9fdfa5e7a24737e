import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Corpus, Example

from spacy_ner_plus.annotated_labels import annotated_labels, only_annotated, set_annotated_labels
from spacy_ner_plus.corpus import DocSpool, load_docs, save_docs, to_vocab
from spacy_ner_plus.errors import UserError

WORDS = ["Anna", "left", "Acme", "in", "Oslo"]


@pytest.fixture
def doc(nlp):
    return Doc(nlp.vocab, words=WORDS, ents=["O", "O", "B-ORG", "O", "O"])


def test_annotated_labels_of_a_doc_that_says_nothing_are_all(doc):
    assert annotated_labels(doc) is None


def test_annotated_labels_are_those_that_were_set(doc):
    set_annotated_labels(doc, ["ORG", "LOC", "ORG"])
    assert doc.user_data["annotated_labels"] == ["LOC", "ORG"]
    assert annotated_labels(doc) == {"LOC", "ORG"}


@pytest.mark.parametrize("value", ["ORG", [], {}, 3, [1], ["ORG", None], [""], {"ORG": True}])
def test_annotated_labels_of_another_kind_are_refused(doc, value):
    doc.user_data["annotated_labels"] = value
    with pytest.raises(UserError, match=r"E238.*Anna left Acme"):
        annotated_labels(doc)


def test_annotated_labels_that_an_entity_contradicts_are_refused(doc):
    doc.user_data["annotated_labels"] = ["LOC"]
    with pytest.raises(UserError, match=r"E239.*Anna left.*'Acme'.*ORG.*LOC"):
        annotated_labels(doc)


def test_annotated_labels_stay_in_all_files(doc, nlp, tmp_path):
    plain = Doc(nlp.vocab, words=["Oslo"])
    plain.user_data["other"] = object()
    set_annotated_labels(doc, ["ORG"])
    save_docs([plain, doc], tmp_path / "saved.spacy")
    spool = DocSpool(tmp_path)
    spool.add(doc)
    spool.write(tmp_path / "written.spacy")
    spool.close()
    for found in (
        load_docs(tmp_path / "saved.spacy", nlp.vocab)[1],
        load_docs(tmp_path / "written.spacy", nlp.vocab)[0],
        to_vocab([doc], spacy.blank("en").vocab)[0],
    ):
        assert annotated_labels(found) == {"ORG"}
    assert "other" not in load_docs(tmp_path / "saved.spacy", nlp.vocab)[0].user_data


def test_annotated_labels_are_read_by_spacys_reader(doc, nlp, tmp_path):
    set_annotated_labels(doc, ["ORG"])
    save_docs([doc], tmp_path / "corpus.spacy")
    (example,) = Corpus(tmp_path / "corpus.spacy")(nlp)
    assert annotated_labels(example.reference) == {"ORG"}
    assert annotated_labels(example.predicted) is None


def test_only_annotated_takes_other_predictions_out(doc, nlp):
    predicted = Doc(nlp.vocab, words=WORDS)
    predicted.ents = [
        Span(predicted, 0, 1, "PER"),
        Span(predicted, 2, 3, "ORG"),
        Span(predicted, 4, 5, "LOC"),
    ]
    example = Example(predicted, doc)
    assert only_annotated(example) is example
    set_annotated_labels(doc, ["ORG"])
    assert [ent.text for ent in only_annotated(example).predicted.ents] == ["Acme"]
    assert len(predicted.ents) == 3
