import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.evaluation.predictions import pipe_in_order, predict_docs


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
    piped = list(pipe_in_order(ruler, numbered(texts), batch_size=2, n_process=n_process))
    assert [one.context for one in piped] == list(range(6))
    made = [one.doc and one.doc.text for one in piped]
    assert made == [None, "Oslo 1", None, None, "Oslo 4", None]
    assert all(one.failure for one in piped if one.doc is None)


def test_predictions_say_which_component_failed_and_why(ruler):
    ruler.add_pipe("fails_on_bad")
    (one,) = pipe_in_order(ruler, [("bad", None)])
    assert one.failure == "fails_on_bad: bad text"


def test_predictions_of_a_component_that_gives_new_docs_keep_their_place(nlp):
    nlp.add_pipe("fails_on_bad")
    nlp.add_pipe("gives_a_new_doc")
    piped = list(pipe_in_order(nlp, numbered(["a", "bad", "c"]), batch_size=1))
    assert [one.doc and one.doc.text.strip() for one in piped] == ["A", None, "C"]


def test_predictions_refuse_a_text_over_the_limit_alone(ruler):
    ruler.max_length = 10
    piped = list(pipe_in_order(ruler, numbered(["Oslo", "x" * 11, "Oslo"])))
    assert [one.doc is None for one in piped] == [False, True, False]
    assert "nlp.max_length (10)" in piped[1].failure


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
    (one,) = predict_docs(nlp, [gold], gold_tokens=True)
    assert not one.doc.ents
    assert not one.doc.has_annotation("SENT_START")
