import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.predictions import (
    load_docs,
    pipe_in_order,
    predict_docs,
    save_docs,
)


@Language.component("fails_on_bad")
def fails_on_bad(doc):
    if "bad" in doc.text:
        raise ValueError("bad text")
    return doc


@Language.component("gives_a_new_doc")
def gives_a_new_doc(doc):
    return Doc(doc.vocab, words=[token.text.upper() for token in doc])


@pytest.fixture
def ruler(nlp):
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "LOC", "pattern": "Oslo"}])
    return nlp


def numbered(texts):
    return ((text, number) for number, text in enumerate(texts))


@pytest.mark.parametrize("n_process", [1, 2])
def test_predictions_keep_their_place_when_docs_fail(ruler, n_process):
    ruler.add_pipe("fails_on_bad")
    texts = ["bad 0", "Oslo 1", "bad 2", "bad 3", "Oslo 4", "bad 5"]
    outcomes = list(pipe_in_order(ruler, numbered(texts), batch_size=2, n_process=n_process))
    assert [outcome.context for outcome in outcomes] == list(range(6))
    made = [outcome.doc and outcome.doc.text for outcome in outcomes]
    assert made == [None, "Oslo 1", None, None, "Oslo 4", None]
    assert all(outcome.error for outcome in outcomes if outcome.doc is None)


def test_predictions_say_which_component_failed_and_why(ruler):
    ruler.add_pipe("fails_on_bad")
    (outcome,) = pipe_in_order(ruler, [("bad", None)])
    assert outcome.error == "fails_on_bad: bad text"


def test_predictions_of_a_component_that_gives_new_docs_keep_their_place(nlp):
    nlp.add_pipe("fails_on_bad")
    nlp.add_pipe("gives_a_new_doc")
    outcomes = list(pipe_in_order(nlp, numbered(["a", "bad", "c"]), batch_size=1))
    assert [outcome.doc and outcome.doc.text.strip() for outcome in outcomes] == ["A", None, "C"]


def test_predictions_refuse_a_text_over_the_limit_alone(ruler):
    ruler.max_length = 10
    outcomes = list(pipe_in_order(ruler, numbered(["Oslo", "x" * 11, "Oslo"])))
    assert [outcome.doc is None for outcome in outcomes] == [False, True, False]
    assert "nlp.max_length (10)" in outcomes[1].error


def test_predictions_are_made_while_texts_come_in(ruler):
    asked = []

    def texts():
        for number in range(100):
            asked.append(number)
            yield "Oslo", number

    next(iter(pipe_in_order(ruler, texts(), batch_size=2)))
    assert len(asked) < 10


def test_predictions_see_gold_tokens_only_if_told(ruler):
    gold = Doc(ruler.vocab, words=["Oslo-based"], spaces=[False], ents=["O"])
    (own,) = predict_docs(ruler, [gold])
    (given,) = predict_docs(ruler, [gold], gold_tokens=True)
    assert [ent.text for ent in own.doc.ents] == ["Oslo"]
    assert [token.text for token in given.doc] == ["Oslo-based"]


def test_predictions_never_see_gold_annotation(nlp):
    gold = Doc(nlp.vocab, words=["Oslo", "x"], ents=["B-LOC", "O"], sent_starts=[True, True])
    (outcome,) = predict_docs(nlp, [gold], gold_tokens=True)
    assert not outcome.doc.ents
    assert not outcome.doc.has_annotation("SENT_START")


def test_predictions_read_a_folder_in_order_and_up_to_the_limit(nlp, tmp_path):
    for name in "ba":
        save_docs([Doc(nlp.vocab, words=[name, str(i)]) for i in range(2)], tmp_path / f"{name}.spacy")
    assert [doc[0].text for doc in load_docs(tmp_path, nlp.vocab)] == ["a", "a", "b", "b"]
    assert len(load_docs(tmp_path, nlp.vocab, limit=3)) == 3


def test_predictions_are_the_same_after_save_and_load(nlp, tmp_path):
    tags = ["B-X", "B-X", "I-X", "O", ""]
    doc = Doc(nlp.vocab, words=list("abcde"), spaces=[False] * 5, ents=tags)
    doc.user_data["object"] = object()
    save_docs([doc, Doc(nlp.vocab)], tmp_path / "new" / "p.spacy")
    loaded, empty = load_docs(tmp_path / "new" / "p.spacy", spacy.blank("en").vocab)
    assert [token.ent_iob_ + token.ent_type_ for token in loaded] == ["BX", "BX", "IX", "O", ""]
    assert len(empty) == 0


@pytest.mark.parametrize("content", [b"", b"not a DocBin", None])
def test_predictions_refuse_an_unreadable_corpus(nlp, tmp_path, content):
    path = tmp_path / "corpus.spacy"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"E301.*corpus\.spacy"):
        load_docs(path, nlp.vocab)


def test_predictions_refuse_an_empty_corpus_and_an_empty_folder(nlp, tmp_path):
    with pytest.raises(UserError, match=r"holds no \.spacy file"):
        load_docs(tmp_path, nlp.vocab)
    save_docs([], tmp_path / "empty.spacy")
    with pytest.raises(UserError, match="E302"):
        load_docs(tmp_path / "empty.spacy", nlp.vocab)


def test_predictions_leave_nothing_behind_where_they_can_not_be_written(nlp, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(UserError, match="E303"):
        save_docs([Doc(nlp.vocab)], tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
