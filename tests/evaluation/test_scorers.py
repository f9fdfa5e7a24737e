import warnings

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, SpanGroup
from spacy.training import Example
from spacy.training.loop import create_evaluation_callback
from spacy.util import registry

from spacy_ner_plus.annotated_labels import set_annotated_labels
from spacy_ner_plus.corpus import save_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.failures import FAILURE
from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
from spacy_ner_plus.evaluation.scorers import make_llm_ner_scorer_v1, make_ner_scorer_v1, make_ner_scorer_v2
from spacy_ner_plus.evaluation.spacy_scores import spacy_scores
from tests.evaluation.strategies import make_doc

NAME = "spacy_ner_plus.ner_scorer.v2"
WORDS = "Bo Lee met Al in Rome"
GOLD = make_doc(WORDS, "B-PER I-PER O B-PER O B-LOC")
FOUND = make_doc(WORDS, "B-PER O O B-PER O B-ORG")


def registered() -> bool:
    return NAME in registry.scorers.get_all()


@pytest.fixture(scope="module", autouse=True)
def _registered():
    # As the entry point does it, where the package was installed before it had this one.
    if not registered():
        registry.scorers(NAME)(make_ner_scorer_v2)


@pytest.fixture
def train(tmp_path):
    save_docs([make_doc("Al left", "B-PER O")], tmp_path / "train.spacy")
    return str(tmp_path / "train.spacy")


def test_scorers_give_spacys_scores_and_those_of_other_schemes():
    scores = make_ner_scorer_v2()([Example(FOUND, GOLD)])
    spacys = registry.scorers.get("spacy.ner_scorer.v1")()([Example(FOUND, GOLD)])
    assert {key: scores[key] for key in spacys} == spacys
    assert scores["ents_f"] == pytest.approx(1 / 3)
    assert scores["ents_exact_f"] == pytest.approx(2 / 3)
    assert scores["ents_partial_f"] == pytest.approx(2.5 / 3)
    assert scores["ents_type_f"] == pytest.approx(2 / 3)
    assert scores["ents_token_p"] == pytest.approx(2 / 3)
    assert (scores["ents_exact_match"], scores["ents_jaccard"]) == (0.0, pytest.approx(1 / 5))
    assert "ents_unseen_f" not in scores


def test_scorers_know_unseen_entities_by_the_training_corpus(train):
    scores = make_ner_scorer_v2(train=train)([Example(FOUND, GOLD)])
    # 'Al' is seen; of 'Bo Lee' and 'Rome' none is right, and 'Bo' and 'Rome' are wrong.
    assert (scores["ents_unseen_p"], scores["ents_unseen_r"], scores["ents_unseen_f"]) == (0.0, 0.0, 0.0)
    right = make_ner_scorer_v2(train=train)([Example(GOLD, GOLD)])
    assert right["ents_unseen_f"] == 1.0


def test_scorers_read_the_training_corpus_when_it_is_needed_and_once(tmp_path, train):
    scorer = make_ner_scorer_v2(train=train)
    assert scorer([Example(GOLD, GOLD)])["ents_unseen_f"] == 1.0
    (tmp_path / "train.spacy").unlink()
    assert scorer([Example(GOLD, GOLD)])["ents_unseen_f"] == 1.0


def test_scorers_warn_where_the_training_corpus_is_elsewhere(tmp_path):
    scorer = make_ner_scorer_v2(train=str(tmp_path / "gone.spacy"))
    with pytest.warns(UserWarning, match=r"W303.*gone\.spacy"):
        assert scorer([Example(GOLD, GOLD)])["ents_unseen_f"] is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scorer([Example(GOLD, GOLD)])


def test_scorers_take_the_threshold_of_the_fuzzy_scheme():
    strict, lenient = (
        make_ner_scorer_v2(similarity_threshold=threshold)([Example(FOUND, GOLD)]) for threshold in (0.9, 0.4)
    )
    assert strict["ents_fuzzy_f"] < lenient["ents_fuzzy_f"]
    with pytest.raises(UserError, match="E316"):
        make_ner_scorer_v2(similarity_threshold=90)


@pytest.mark.parametrize("likeness", [40, 90, 100])
def test_scorers_of_before_have_the_threshold_on_a_scale_of_100(likeness):
    before, now = (
        make_ner_scorer_v1(likeness=likeness),
        make_ner_scorer_v2(similarity_threshold=likeness / 100),
    )
    assert before([Example(FOUND, GOLD)]) == now([Example(FOUND, GOLD)])
    with pytest.raises(UserError, match="E328"):
        make_ner_scorer_v1(likeness=0)


def test_scorers_of_language_models_give_the_share_that_failed():
    failed = FOUND.copy()
    failed.spans["llm"] = SpanGroup(failed, attrs={FAILURE: "no reply"})
    scores = make_llm_ner_scorer_v1()([Example(FOUND, GOLD), Example(failed, GOLD)])
    assert scores["ents_invalid"] == 0.5
    assert scores["ents_f"] == pytest.approx(1 / 3)


def test_scorers_leave_documents_without_annotation_out():
    bare = Doc(GOLD.vocab, words=WORDS.split())
    scores = make_ner_scorer_v2()([Example(GOLD, bare)])
    assert scores["ents_f"] is scores["ents_partial_f"] is scores["ents_jaccard"] is None


@pytest.fixture
def pipeline(train, tmp_path) -> Language:
    """A saved and loaded pipeline whose config names the scorer."""
    nlp = spacy.blank("en")
    scorer = {"@scorers": NAME, "train": train}
    nlp.add_pipe("ner", config={"scorer": scorer})
    nlp.initialize(lambda: [Example(nlp.make_doc(GOLD.text), GOLD)])
    nlp.to_disk(tmp_path / "pipeline")
    return spacy.load(tmp_path / "pipeline")


def test_scorers_score_a_saved_pipeline(pipeline):
    scores = pipeline.evaluate([Example(pipeline.make_doc(GOLD.text), GOLD)])
    assert {"ents_f", "ents_partial_f", "ents_unseen_f", "speed"} <= scores.keys()


def test_scorers_give_training_its_main_score(pipeline):
    weights = {"ents_f": 0.5, "ents_partial_f": 0.5, "ents_unseen_f": 0.0, "ents_per_type": None}
    examples = [Example(pipeline.make_doc(GOLD.text), GOLD)]
    for _ in range(30):
        pipeline.update(examples)
    main, scores = create_evaluation_callback(pipeline, lambda nlp: examples, weights)()
    assert main == pytest.approx((scores["ents_f"] + scores["ents_partial_f"]) / 2)
    assert main > 0.5


def partly_annotated() -> Example:
    gold = make_doc(WORDS, "O O O O O B-LOC")
    set_annotated_labels(gold, ["LOC"])
    return Example(make_doc(WORDS, "B-PER I-PER O B-LOC O B-LOC"), gold)


def test_scorers_do_not_count_labels_that_were_not_annotated():
    scores = make_ner_scorer_v2()([partly_annotated()])
    assert scores["ents_per_type"].keys() == {"LOC"}
    assert scores["ents_p"] == scores["ents_exact_p"] == scores["ents_token_p"] == 0.5
    assert scores["ents_r"] == scores["ents_exact_r"] == 1.0


def test_spacy_scores_do_not_count_labels_that_were_not_annotated():
    example = partly_annotated()
    golds, predictions = [example.reference], [example.predicted]
    scores, _ = spacy_scores(spacy.blank("en"), golds, predictions, match_docs(golds, predictions))
    assert scores["ents_per_type"].keys() == {"LOC"}
    assert (scores["ents_p"], scores["ents_r"]) == (0.5, 1.0)
