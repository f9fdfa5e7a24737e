"""What a student learns from soft tags: what counts how much, by names of labels, whatever its own tokens are."""

import pickle
import warnings

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from spacy_ner_plus.annotated_labels import set_annotated_labels
from spacy_ner_plus.data.label_map import LabelMap
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.ragged import Ragged
from spacy_ner_plus.pipeline.transformer_ner.soft_targets import BatchTargets
from spacy_ner_plus.soft_tags import SOFT_TAGS, SoftTags, read_soft_tags, write_soft_tags
from tests.conftest import TEXTS, make_docs, make_examples, make_pipeline

LABELS = ("LOC", "PER")
# Columns: O, B-LOC, B-PER, I-LOC, I-PER.
KNOWN = np.zeros((1, 5), dtype=bool)
KNOWN[0, 0] = True
OPEN = np.ones((1, 5), dtype=bool)


def example(nlp, probs, *, labels=LABELS, weight=1.0, **values):
    reference = Doc(nlp.vocab, words=["Anna"])
    return Example(nlp.make_doc("Anna"), reference), SoftTags(
        tuple(labels), np.array([probs], dtype=float), np.array([weight]), **values
    )


def targets(eg, soft, *, labels=LABELS, allowed=OPEN, weight=1.0, share=0.5, agreement=1.0):
    batch = BatchTargets(labels, weight=weight, share=share, agreement=agreement)
    batch.add(eg, soft, allowed)
    hard, found = batch.gather()
    return hard[0], found, batch


def groups(found):
    """What each group of tags has, by the tags in it."""
    row, probs = found.part_of[0], found.probs[0]
    return {
        tuple(np.flatnonzero(row == group).tolist()): pytest.approx(float(probs[group]), abs=1e-9)
        for group in np.unique(row)
    }


def test_soft_targets_go_by_names_of_labels(nlp):
    eg, soft = example(nlp, [0.1, 0.5, 0.2, 0.15, 0.05], labels=("PER", "LOC"))
    _, found, _ = targets(eg, soft)
    assert found.probs[0] == pytest.approx([0.1, 0.2, 0.5, 0.05, 0.15])


def test_soft_targets_leave_what_no_tag_has_to_all_others_together(nlp):
    eg, soft = example(nlp, [0.7, 0.29, 0, 0, 0])
    _, found, _ = targets(eg, soft)
    assert groups(found) == {(0,): 0.7, (1,): 0.29, (2, 3, 4): 0.01}


def test_soft_targets_take_o_for_labels_that_nobody_looked_for(nlp):
    eg, soft = example(nlp, [0.7, 0.2, 0.1], labels=("LOC",))
    _, found, _ = targets(eg, soft)
    assert groups(found) == {(0, 2, 4): 0.7, (1,): 0.2, (3,): 0.1}
    # But a teacher that may look for all says that nothing is there.
    eg, soft = example(nlp, [0.7, 0.2, 0.1], labels=("LOC",), complete=True)
    _, found, _ = targets(eg, soft)
    assert groups(found) == {(0,): 0.7, (1,): 0.2, (2, 4): 0, (3,): 0.1}
    # Where O is below the floor, too, nothing is known of these.
    eg, soft = example(nlp, [0, 0.99, 0], labels=("LOC",))
    _, found, _ = targets(eg, soft)
    assert groups(found) == {(1,): 0.99, (0, 2, 3, 4): 0.01}


def test_soft_targets_of_labels_that_the_student_does_not_know_are_missing(nlp):
    eg, soft = example(nlp, [0.3, 0.1, 0, 0.6, 0, 0, 0], labels=("LOC", "PER", "ORG"), weight=0.5)
    _, found, batch = targets(eg, soft)
    assert found.probs[0, :2] == pytest.approx([0.75, 0.25])
    assert found.weights == pytest.approx([0.5 * 0.4])
    assert batch.unknown == {"ORG"}
    # Of a token that is one of them nothing is learnt, not even that it is O.
    eg, soft = example(nlp, [0, 0, 0, 1, 0, 0, 0], labels=("LOC", "PER", "ORG"))
    assert targets(eg, soft)[1].weights == pytest.approx([0])


@pytest.mark.parametrize(
    ("values", "allowed", "settings", "hard", "soft"),
    [
        # In place of gold: what stands in the annotation was made of the same.
        ({}, KNOWN, {}, 0, 0.25),
        ({}, KNOWN, {"weight": 0.5}, 0, 0.125),
        ({}, KNOWN, {"agreement": 0}, 0, 1),
        ({}, KNOWN, {"agreement": 2}, 0, 0.0625),
        # Beside gold.
        ({"beside_gold": True}, KNOWN, {"weight": 0.5}, 0.875, 0.125),
        ({"beside_gold": True}, KNOWN, {"share": 0}, 1, 0),
        ({"beside_gold": True}, KNOWN, {"share": 1, "agreement": 0}, 0, 1),
        # Where people left it open.
        ({"beside_gold": True}, OPEN, {"weight": 0.5}, 0.875, 0.125),
    ],
)
def test_soft_targets_count_as_the_settings_say(nlp, values, allowed, settings, hard, soft):
    eg, said = example(nlp, [0.5, 0.5, 0, 0, 0], weight=0.25, **values)
    hard_weight, found, _ = targets(eg, said, allowed=allowed, **settings)
    assert hard_weight == pytest.approx(hard)
    assert found.weights == pytest.approx([soft])


def test_soft_targets_of_tokens_of_which_teachers_say_nothing_are_the_annotation(nlp):
    eg, said = example(nlp, [0, 0, 0, 0, 0], weight=0)
    assert targets(eg, said, allowed=KNOWN, weight=0.5)[0] == 0.5
    eg, said = example(nlp, [0, 0, 0, 0, 0], weight=0, beside_gold=True)
    assert targets(eg, said, allowed=KNOWN, weight=0.5)[0] == 1


def test_soft_targets_are_laid_on_the_tokens_of_the_student(nlp):
    reference = Doc(nlp.vocab, words=["Anna-Bob"])
    eg = Example(nlp.make_doc("Anna-Bob"), reference)
    soft = SoftTags(LABELS, np.array([[0.1, 0, 0.9, 0, 0]]), np.ones(1))
    _, found, _ = targets(eg, soft, allowed=np.ones((3, 5), dtype=bool))
    assert found.probs[:, [0, 2, 4]] == pytest.approx(np.array([[0.1, 0.9, 0], [0.1, 0, 0.9], [0.1, 0, 0.9]]))


def test_soft_targets_are_laid_on_tokens_in_other_white_space(nlp):
    reference = Doc(nlp.vocab, words=["  ", "Anna", " ", "left"], spaces=[False, True, False, False])
    predicted = Doc(nlp.vocab, words=["Anna", "left"])
    soft = SoftTags(
        LABELS, np.array([[0] * 5, [0.1, 0, 0.9, 0, 0], [0] * 5, [1, 0, 0, 0, 0]]), np.array([0, 1, 0, 1])
    )
    hard, found, batch = targets(Example(predicted, reference), soft, allowed=np.ones((2, 5), dtype=bool))
    assert hard == 0
    assert found.probs[:, [0, 2]] == pytest.approx(np.array([[0.1, 0.9], [1, 0]]))
    assert batch.other_text is None
    other = Doc(nlp.vocab, words=["anna", "left"])
    _, found, batch = targets(Example(other, reference), soft, allowed=np.ones((2, 5), dtype=bool))
    assert not found.weights.any()
    assert batch.other_text == "anna left "


# The component with them


def with_soft_tags(vocab, certain=True, labels=("LOC", "ORG", "PER"), **values):
    """The little corpus with soft tags that say what its annotation does."""
    docs = make_docs(vocab)
    for doc in docs:
        probs = np.zeros((len(doc), 2 * len(labels) + 1))
        for token in doc:
            number = 0
            if token.ent_type_:
                number = 1 + labels.index(token.ent_type_) + len(labels) * (token.ent_iob_ == "I")
            probs[token.i, number] = 1.0
        if not certain:
            probs = 0.7 * probs + 0.3 / probs.shape[1]
        write_soft_tags(doc, SoftTags(tuple(labels), probs, np.ones(len(doc)), **values))
    return docs


def learn_from(nlp, docs):
    return [Example(Doc(nlp.vocab, words=[token.text for token in doc]), doc) for doc in docs]


def test_transformer_ner_learns_from_certain_teachers_as_from_gold(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    pipe = nlp.get_pipe("transformer_ner")
    gold = make_examples(nlp)
    lengths = np.array([len(eg.predicted) for eg in gold])
    rng = np.random.default_rng(0)
    scores = Ragged(rng.normal(size=(lengths.sum(), 7)).astype(np.float32), lengths)
    loss, gradient = pipe.get_loss(gold, scores)
    for labels in (("LOC", "ORG", "PER"), ("PER", "LOC", "ORG")):
        found = pipe.get_loss(learn_from(nlp, with_soft_tags(nlp.vocab, labels=labels)), scores)
        assert found[0] == pytest.approx(loss, abs=1e-6)
        assert found[1] == pytest.approx(gradient, abs=1e-7)
        assert found[1].dtype == np.float32
    # Half of the batch has them.
    mixed = [*gold[:3], *learn_from(nlp, with_soft_tags(nlp.vocab))[3:]]
    assert pipe.get_loss(mixed, scores)[0] == pytest.approx(loss, abs=1e-6)


def test_transformer_ner_warns_once_of_labels_that_teachers_know_alone(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    docs = make_docs(nlp.vocab)[:1]
    probs = np.zeros((len(docs[0]), 3))
    probs[:, 1] = 1.0
    write_soft_tags(docs[0], SoftTags(("MISC",), probs, np.ones(len(docs[0]))))
    examples = learn_from(nlp, docs)
    losses = {}
    with pytest.warns(UserWarning, match=r"W201.*'MISC'"):
        nlp.update(examples, losses=losses)
    assert losses["transformer_ner"] == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.update(examples)


def test_transformer_ner_does_not_pass_over_corrections_of_what_teachers_said(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    docs = with_soft_tags(nlp.vocab)
    # As they come from a file, and renamed together with the soft tags, they are as they were.
    docs = list(DocBin().from_bytes(DocBin(docs=docs).to_bytes()).get_docs(nlp.vocab))
    LabelMap({"LOC": "ORG"}).apply(docs[1])
    nlp.update(learn_from(nlp, docs))
    docs[0].set_ents(list(docs[0].ents)[:1], default="outside")
    for learn in (nlp.update, lambda examples: nlp.initialize(lambda: examples)):
        nlp.get_pipe("transformer_ner").cfg["labels"] = ["LOC", "ORG", "PER"]
        with pytest.raises(UserError, match=r"E773.*'Anna Berg lives in Oslo"):
            learn(learn_from(nlp, docs))
    del docs[0].spans[SOFT_TAGS]
    nlp.update(learn_from(nlp, docs))


def test_transformer_ner_takes_labels_from_soft_tags(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    docs = make_docs(nlp.vocab)[:1]
    probs = np.tile([0.99, 0.01, 0, 0, 0], (len(docs[0]), 1))
    write_soft_tags(docs[0], SoftTags(("MISC", "NEVER"), probs, np.ones(len(docs[0]))))
    nlp.get_pipe("transformer_ner").cfg["labels"] = []
    nlp.initialize(lambda: learn_from(nlp, docs))
    assert nlp.get_pipe("transformer_ner").labels == ("LOC", "MISC", "ORG", "PER")


def test_transformer_ner_writes_soft_tags_where_it_is_asked_to(trained, nlp):
    text = "Anna Berg lives in Oslo  and works for Acme Corp ."
    assert SOFT_TAGS not in trained(text).spans
    pipe = trained.get_pipe("transformer_ner")
    pipe.soft_temperature = 1.0
    doc = trained(text)
    found = read_soft_tags(doc)
    assert found.labels == pipe.labels
    # White space has no tag of its own.
    assert (found.weights > 0).tolist() == [not token.is_space for token in doc]
    best = found.probs.argmax(axis=1)
    labels = ["O", *(f"B{label}" for label in pipe.labels), *(f"I{label}" for label in pipe.labels)]
    words = [token for token in doc if not token.is_space]
    assert [labels[best[token.i]] for token in words] == [token.ent_iob_ + token.ent_type_ for token in words]
    pipe.soft_temperature = 3.0
    softer = read_soft_tags(trained(text))
    assert softer.temperature == 3.0
    assert softer.probs.max(axis=1)[:4].max() < found.probs.max(axis=1)[:4].min()


@pytest.mark.slow
def test_transformer_ner_writes_soft_tags_in_every_state(trained_folder):
    nlp = spacy.load(trained_folder, config={"components.transformer_ner.soft_temperature": 2.0})
    expected = read_soft_tags(nlp(TEXTS[0])).probs
    again = spacy.blank("en")
    again.add_pipe("transformer_ner", source=nlp)
    copies = [again, pickle.loads(pickle.dumps(nlp)), spacy.load(trained_folder, config=nlp.config)]
    for doc in [copy(TEXTS[0]) for copy in copies] + list(nlp.pipe(TEXTS[:2], n_process=2))[:1]:
        assert read_soft_tags(doc).probs == pytest.approx(expected, abs=1e-3)
    # A Doc that had them gets new ones, and one without tokens has none to give.
    doc = nlp(TEXTS[0])
    nlp.get_pipe("transformer_ner").soft_temperature = 1.0
    assert read_soft_tags(nlp(doc)).temperature == 1.0
    assert len(read_soft_tags(nlp("")).probs) == 0


def test_transformer_ner_respects_annotated_labels_beside_soft_tags(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    docs = with_soft_tags(nlp.vocab, beside_gold=True)
    for doc in docs:
        doc.set_ents([ent for ent in doc.ents if ent.label_ == "PER"])
        set_annotated_labels(doc, ["PER"])
    lengths = np.array([len(doc) for doc in docs])
    scores = Ragged(np.zeros((lengths.sum(), 7), dtype=np.float32), lengths)
    _, gradient = nlp.get_pipe("transformer_ner").get_loss(learn_from(nlp, docs), scores)
    oslo = [token.text for doc in docs for token in doc].index("Oslo")
    # "None of PER" by the annotation, and a place by the teachers: B-LOC is to rise, and above O.
    assert gradient[oslo, 1] < min(0, gradient[oslo, 0])


def test_transformer_ner_warns_once_of_texts_that_teachers_did_not_read(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    examples = learn_from(nlp, with_soft_tags(nlp.vocab))
    for eg in examples:
        eg.predicted = Doc(nlp.vocab, words=[token.lower_ for token in eg.predicted])
    with pytest.warns(UserWarning, match=r"W960.*'anna berg lives") as warned:
        nlp.update(examples + examples)
    assert sum("W960" in str(one.message) for one in warned) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.update(examples)
