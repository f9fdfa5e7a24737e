"""Gold entities that don't fit the pipeline's tokens: told once, with counts, and refused where none fits."""

import re
import warnings

import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.pipeline.transformer_ner.misalignment import AlignmentCheck
from tests.conftest import make_examples, make_pipeline


def gold_doc(vocab, words: list[str], tags: list[str], spaces: bool | list[bool] = True) -> Doc:
    spaces = [spaces] * len(words) if isinstance(spaces, bool) else spaces
    return Doc(vocab, words=words, spaces=spaces, ents=tags)


def chinese(nlp) -> list[Example]:
    """By characters, as corpora are annotated; the pipeline's tokens are those of its language."""
    docs = [
        gold_doc(
            nlp.vocab, list("张伟住在北京。"), ["B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC", "O"], False
        ),
        gold_doc(
            nlp.vocab, list("李娜去了上海。"), ["B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC", "O"], False
        ),
    ]
    return [Example(nlp.make_doc(doc.text), doc) for doc in docs]


def misfit(nlp) -> Example:
    """'U.S.' is a part of a token."""
    words, tags = ["A", "U.S.", "-based", "man"], ["O", "B-LOC", "O", "O"]
    doc = gold_doc(nlp.vocab, words, tags, [True, False, True, False])
    return Example(Doc(nlp.vocab, words=["A", "U.S.-based", "man"]), doc)


@pytest.fixture
def untrained(encoder_folder):
    return make_pipeline(encoder_folder)


def warned(records) -> list[str]:
    return [str(record.message) for record in records if "[W203]" in str(record.message)]


def test_misalignment_of_everything_is_refused_before_training(encoder_folder, untrained):
    nlp = spacy.blank("xx")
    pipe = nlp.add_pipe("transformer_ner", source=untrained)
    labels, scores = pipe.labels, pipe.token_scorer.score([nlp.make_doc("Oslo")]).data
    with pytest.raises(UserError, match=r"E236.*None of the 4 .*'张伟' in '张伟住在北京'.*nlp.lang \('xx'\)"):
        nlp.initialize(lambda: chinese(nlp))
    # What was there before stays.
    assert pipe.labels == labels
    assert (pipe.token_scorer.score([nlp.make_doc("Oslo")]).data == scores).all()


def test_misalignment_with_given_labels_is_refused_too(encoder_folder, untrained):
    pipe = untrained.get_pipe("transformer_ner")
    with pytest.raises(UserError, match="E236"):
        pipe.initialize(lambda: chinese(untrained), labels=["PER", "LOC"])


def test_misalignment_is_told_once_with_counts(untrained):
    examples = [*make_examples(untrained), misfit(untrained)]
    entities = sum(len(eg.reference.ents) for eg in examples)
    with warnings.catch_warnings(record=True) as records:
        warnings.simplefilter("always")
        untrained.initialize(lambda: examples)
        for _ in range(2):
            untrained.update(examples)
    (text,) = warned(records)
    assert f"1 of the {entities} gold entities" in text
    assert "'U.S.' in 'U.S.-based'" in text
    assert "'transformer_ner'" in text


def test_misalignment_is_told_where_training_goes_on(untrained):
    """What nlp.resume_training and nlp.update are given was never seen by initialize."""
    examples = [*make_examples(untrained), misfit(untrained)]
    optimizer = untrained.resume_training()
    with warnings.catch_warnings(record=True) as records:
        warnings.simplefilter("always")
        untrained.update(make_examples(untrained), sgd=optimizer)
        assert not warned(records)
        for _ in range(2):
            untrained.update(examples, sgd=optimizer)
    assert len(warned(records)) == 1


def test_misalignment_of_none_is_silent(untrained, recwarn):
    untrained.initialize(lambda: make_examples(untrained))
    untrained.update(make_examples(untrained))
    assert not warned(recwarn)


@pytest.mark.parametrize(
    ("predicted", "reference", "tags", "misaligned"),
    [
        # Tokens differ, and bounds don't.
        (["Anna", "Berg", "!"], ["Anna Berg", "!"], ["B-PER", "O"], 0),
        (["Anna", "Ber", "g"], ["Anna", "Berg"], ["B-PER", "I-PER"], 0),
        # The texts differ by white space and case, which spaCy's alignment forgives.
        (["anna", "berg"], ["Anna", "Berg"], ["B-PER", "I-PER"], 0),
        (["Anna", "Berg"], ["Anna", " ", "Berg"], ["B-PER", "O", "O"], 0),
        # One within a token, one across two.
        (["AnnaBerg"], ["Anna", "Berg"], ["B-PER", "O"], 1),
        (["An", "naBe", "rg"], ["Anna", "Berg"], ["B-PER", "B-PER"], 2),
        (["Anna"], ["Anna"], ["O"], 0),
        ([], [], [], 0),
    ],
)
def test_misalignment_is_what_spacys_training_leaves_out(nlp, predicted, reference, tags, misaligned):
    eg = Example(Doc(nlp.vocab, words=predicted), gold_doc(nlp.vocab, reference, tags))
    check = AlignmentCheck("ner")
    check.add(eg)
    assert check._misaligned == misaligned
    aligned, _ = eg.get_aligned_ents_and_ner()
    assert check._misaligned == len(eg.reference.ents) - len(aligned)


def test_misalignment_of_long_texts_is_shown_short(nlp):
    words, tags = ["x" * 500, "y"], ["B-PER", "O"]
    check = AlignmentCheck("ner")
    check.add(Example(Doc(nlp.vocab, words=["x" * 500 + "y"]), gold_doc(nlp.vocab, words, tags, False)))
    with pytest.raises(UserError) as error:
        check.finish()
    assert len(re.sub(r"\s", "", str(error.value))) < 500
