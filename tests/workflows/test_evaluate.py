import json

import pytest
import spacy
from spacy.cli.evaluate import evaluate as spacy_evaluate
from spacy.tokens import Doc
from spacy.training import Example

from spacy_ner_plus.corpus import load_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.failures import find_failure
from spacy_ner_plus.evaluation.metrics.file import FORMAT_VERSION, read_metrics
from spacy_ner_plus.workflows.evaluate import FAILED, UNKNOWN_SPACES, evaluate
from tests.workflows.evaluated import TAGS, TEXT, add_ruler, make_corpus, make_gold


@pytest.fixture
def ruler(nlp):
    return add_ruler(nlp)


@pytest.fixture
def pipeline(ruler, tmp_path):
    ruler.to_disk(tmp_path / "pipeline")
    return str(tmp_path / "pipeline")


@pytest.fixture
def corpus(nlp, tmp_path):
    return make_corpus(tmp_path / "gold.spacy", [make_gold(nlp), make_gold(nlp)])


@pytest.fixture(scope="module")
def trained_ner(tmp_path_factory):
    """A stock `ner` with a CPU tok2vec that has seen the text."""
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    examples = [Example(nlp.make_doc(make_gold(nlp).text), make_gold(nlp))]
    nlp.initialize(lambda: examples)
    for _ in range(15):
        nlp.update(examples)
    path = tmp_path_factory.mktemp("ner") / "pipeline"
    nlp.to_disk(path)
    return str(path)


def test_evaluate_writes_all_that_spacy_evaluate_writes(trained_ner, corpus, tmp_path):
    theirs = spacy_evaluate(trained_ner, corpus)
    evaluate(trained_ner, corpus, target=tmp_path / "ours.json")
    ours = json.loads((tmp_path / "ours.json").read_text())
    assert theirs.pop("speed") > 0
    assert ours["speed"] > 0
    assert theirs.keys() <= ours.keys()
    assert {key: ours[key] for key in theirs} == theirs


def test_evaluate_scores_strictly_and_says_why_spacy_differs(pipeline, corpus):
    metrics = evaluate(pipeline, corpus)
    assert metrics["seqeval"]["per_label"]["PER"]["f1"] == 1.0
    assert metrics["seqeval"]["per_label"]["LOC"]["correct"] == 2
    assert metrics["seqeval"]["per_label"]["LOC"]["predicted"] == 6
    assert metrics["agreement"]["difference"] > 0
    assert metrics["agreement"]["explained"]
    assert "takes 2 of them for right" in metrics["agreement"]["reasons"][0]


def test_evaluate_on_gold_tokens_agrees_with_spacy(pipeline, corpus):
    metrics = evaluate(pipeline, corpus, gold_tokens=True)
    assert metrics["settings"]["tokens"] == "gold"
    assert metrics["agreement"] == {
        "spacy_f": metrics["ents_f"],
        "seqeval_f": metrics["seqeval"]["f1"],
        "difference": pytest.approx(0),
        "agree": True,
        "explained": True,
        "reasons": [],
    }


def test_evaluate_describes_corpus_and_pipeline(pipeline, corpus):
    import hashlib

    metrics = evaluate(pipeline, corpus)
    assert len(metrics["corpus"].pop("fingerprint")) == 64
    assert metrics["corpus"] == {
        "name": "gold.spacy",
        "documents": 2,
        "tokens": 18,
        "entities": 8,
        "sha256": hashlib.sha256(corpus.read_bytes()).hexdigest(),
    }
    assert metrics["pipeline"]["components"] == {"entity_ruler": "entity_ruler"}
    assert metrics["pipeline"]["spacy_version"] == spacy.__version__


def test_evaluate_keeps_predictions_beside_the_metrics_or_where_told(pipeline, corpus, tmp_path, nlp):
    evaluate(pipeline, corpus, target=tmp_path / "out" / "m.json")
    kept = load_docs(tmp_path / "out" / "m-predictions.spacy", nlp.vocab)
    assert [ent.text for ent in kept[1].ents] == ["Anna Smith", "Oslo", "Acme", "Oslo"]
    evaluate(pipeline, corpus, predictions=tmp_path / "p.spacy")
    assert len(load_docs(tmp_path / "p.spacy", nlp.vocab)) == 2


def test_evaluate_scores_a_failing_document_as_empty_and_keeps_the_order(ruler, tmp_path):
    ruler.add_pipe("evaluate_fails_on_bad", first=True)
    ruler.to_disk(tmp_path / "pipeline")
    bad = make_gold(ruler, ["bad", "Oslo"], ["O", "B-LOC"])
    good = [make_gold(ruler, ["Anna", "Smith", "left", "."], ["B-PER", "I-PER", "O", "O"])] * 3
    corpus = make_corpus(tmp_path / "gold.spacy", [bad, good[0], bad, good[1], good[2]])
    metrics = evaluate(str(tmp_path / "pipeline"), corpus, predictions=tmp_path / "p.spacy")
    assert metrics["issues"][FAILED]["count"] == 2
    assert "bad text" in metrics["issues"][FAILED]["example"]
    assert metrics["seqeval"]["per_label"]["PER"]["f1"] == 1.0
    assert metrics["seqeval"]["per_label"]["LOC"] == {
        "precision": 0.0, "recall": 0.0, "f1": 0.0, "correct": 0, "predicted": 0, "support": 2
    }  # fmt: skip
    kept = load_docs(tmp_path / "p.spacy", ruler.vocab)
    assert [doc[0].text for doc in kept] == ["bad", "Anna", "bad", "Anna", "Anna"]
    reason = "evaluate_fails_on_bad: bad text"
    assert [find_failure(doc) for doc in kept] == [reason, "", reason, "", ""]
    assert metrics["agreement"]["agree"]


def test_evaluate_refuses_a_pipeline_that_fails_everywhere(ruler, tmp_path):
    ruler.add_pipe("evaluate_fails_on_bad", first=True)
    ruler.to_disk(tmp_path / "pipeline")
    corpus = make_corpus(tmp_path / "gold.spacy", [make_gold(ruler, ["bad"], ["O"])])
    with pytest.raises(UserError, match=r"E304.*bad text"):
        evaluate(str(tmp_path / "pipeline"), corpus, target=tmp_path / "m.json")
    assert not (tmp_path / "m.json").exists()


def test_evaluate_gives_gold_tokens_where_white_space_is_unknown(pipeline, nlp, tmp_path):
    corpus = make_corpus(tmp_path / "gold.spacy", [Doc(nlp.vocab, words=TEXT, ents=TAGS)])
    metrics = evaluate(pipeline, corpus)
    assert metrics["issues"][UNKNOWN_SPACES]["count"] == 1
    assert metrics["agreement"]["agree"]


def test_evaluate_takes_a_limit_a_batch_size_processes_and_overrides(trained_ner, corpus):
    metrics = evaluate(
        trained_ner,
        corpus,
        limit=1,
        batch_size=1,
        n_process=2,
        overrides=["components.ner.moves=null", "nlp.batch_size=7"],
    )
    assert metrics["corpus"]["documents"] == 1
    assert metrics["settings"]["batch_size"] == 1
    assert metrics["settings"]["overrides"][1] == "nlp.batch_size=7"


def test_evaluate_scores_transformer_ner(trained_folder, tmp_path):
    from tests.conftest import make_docs

    corpus = make_corpus(tmp_path / "gold.spacy", make_docs(spacy.blank("en").vocab))
    metrics = evaluate(str(trained_folder), corpus, overrides=["components.transformer_ner.device=cpu"])
    assert metrics["seqeval"]["f1"] > 0.9
    assert metrics["agreement"]["agree"]


def test_evaluate_puts_the_baseline_beside(pipeline, corpus, nlp):
    pytest.importorskip("spacy_ner_plus.evaluation.baseline")
    metrics = evaluate(pipeline, corpus, baseline=corpus)
    assert metrics["baseline"]["corpus"] == "gold.spacy"
    assert 0 <= metrics["baseline"]["f1"] <= 1


@pytest.fixture
def many(nlp, tmp_path):
    """As many documents as intervals need."""
    return make_corpus(tmp_path / "many.spacy", [make_gold(nlp)] * 12)


def test_evaluate_writes_metrics_that_can_be_read_again(pipeline, many, tmp_path):
    metrics = evaluate(pipeline, many, target=tmp_path / "m.json")
    read = read_metrics(tmp_path / "m.json")
    assert read.keys() == metrics.keys()
    assert read["format_version"] == FORMAT_VERSION
    strict = read["schemes"]["strict"]
    assert strict["f1"] == pytest.approx(read["seqeval"]["f1"])
    assert read["schemes"]["type"]["f1"] > strict["f1"]
    assert len(strict["interval"]["f1"]) == 2
    assert read["per_document"]["correct"] == [2] * 12
    assert read["errors"]["kinds"]["wrong label"]["count"] == 12


def test_evaluate_says_what_the_run_took(pipeline, corpus):
    run = evaluate(pipeline, corpus)["performance"]
    assert run["load_seconds"] > 0
    assert run["words_per_second"] == run["words"] / run["seconds"]
    assert run["peak_memory_mib"] > 20
    assert run["processor"]


def test_evaluate_says_which_predictions_it_scored(pipeline, corpus, tmp_path):
    import hashlib

    metrics = evaluate(pipeline, corpus, target=tmp_path / "m.json")
    kept = tmp_path / "m-predictions.spacy"
    assert metrics["predictions"] == {
        "file": kept.name,
        "sha256": hashlib.sha256(kept.read_bytes()).hexdigest(),
    }
    assert "predictions" not in evaluate(pipeline, corpus)


def test_evaluate_parts_seen_from_unseen(pipeline, corpus, nlp, tmp_path):
    train = make_corpus(tmp_path / "train.spacy", [make_gold(nlp, ["Oslo", "left"], ["B-LOC", "O"])])
    metrics = evaluate(pipeline, corpus, train=train)
    assert metrics["slices"]["training"]["seen"]["support"] == 2
    assert metrics["slices"]["training"]["unseen"]["support"] == 6
    assert metrics["settings"]["train"] == "train.spacy"


def test_evaluate_refuses_a_training_corpus_without_entities(pipeline, corpus, nlp, tmp_path):
    train = make_corpus(tmp_path / "train.spacy", [make_gold(nlp, ["Oslo"], ["O"])])
    with pytest.raises(UserError, match=r"E319.*train\.spacy"):
        evaluate(pipeline, corpus, train=train)


def test_evaluate_takes_resamples_threshold_and_examples(pipeline, many):
    metrics = evaluate(pipeline, many, resamples=0, similarity_threshold=0.5, examples=1)
    assert metrics["schemes"]["strict"]["interval"] is None
    assert metrics["settings"]["similarity_threshold"] == 0.5
    assert len(metrics["errors"]["kinds"]["wrong label"]["examples"]) == 1


def test_evaluate_keeps_what_components_tell_of_language_models(ruler, corpus, tmp_path):
    ruler.add_pipe("evaluate_asks")
    ruler.to_disk(tmp_path / "pipeline")
    metrics = evaluate(str(tmp_path / "pipeline"), corpus)
    assert metrics["llm"] == {"evaluate_asks": {"requests": 2, "cost": 0.5}}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"pipeline": "no_such_pipeline"}, "E501.*no_such_pipeline"),
        ({"overrides": ["device"]}, "E502.*device"),
        ({"overrides": ["components.nothing.device=cpu"]}, "E501"),
        ({"limit": -1}, "E507.*limit is -1"),
        ({"batch_size": 0}, "E507.*batch_size is 0"),
        ({"n_process": 0}, "E845.*n_process is 0"),
        ({"n_process": -2}, "E845.*n_process is -2"),
        ({"resamples": -1}, "E507.*resamples is -1"),
        ({"similarity_threshold": 0}, "E316.*is 0"),
        ({"similarity_threshold": 90}, "E316.*is 90.*up to 1.*0.9"),
    ],
)
def test_evaluate_refuses_wrong_options(pipeline, corpus, changes, code):
    options = {"pipeline": pipeline, "corpus": corpus, **changes}
    with pytest.raises(UserError, match=code):
        evaluate(options.pop("pipeline"), options.pop("corpus"), **options)


def test_evaluate_refuses_a_corpus_without_annotation(pipeline, nlp, tmp_path):
    corpus = make_corpus(tmp_path / "raw.spacy", [Doc(nlp.vocab, words=TEXT)])
    with pytest.raises(UserError, match=r"E305.*raw\.spacy"):
        evaluate(pipeline, corpus)


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        ({"target": "gold.spacy"}, "E320.*the metrics"),
        ({"predictions": "gold.spacy"}, "E320.*the predictions"),
        ({"target": "m.json", "predictions": "m.json"}, "E321"),
        ({"target": "folder"}, "E303.*it is a folder"),
        ({"target": "gold.spacy/m.json"}, "E303.*is a file"),
    ],
)
def test_evaluate_refuses_targets_before_anything_runs(corpus, tmp_path, targets, code):
    (tmp_path / "folder").mkdir()
    before = {path: path.is_dir() or path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match=code):
        evaluate("no_such_pipeline", corpus, **{key: tmp_path / name for key, name in targets.items()})
    assert {path: path.is_dir() or path.read_bytes() for path in tmp_path.iterdir()} == before


def test_evaluate_takes_a_pipeline_and_docs(ruler, pipeline, corpus, nlp, tmp_path):
    golds = load_docs(corpus, spacy.blank("en").vocab)
    metrics = evaluate(ruler, golds, tmp_path / "m.json", train=golds, baseline=golds)
    saved = evaluate(pipeline, corpus, train=corpus, baseline=corpus)
    assert metrics.path == tmp_path / "m.json"
    assert metrics["corpus"]["name"] == metrics["settings"]["train"] == "Docs"
    for key in ("schemes", "labels", "errors", "slices", "per_document"):
        assert metrics[key] == saved[key]
    assert metrics["corpus"]["fingerprint"] == saved["corpus"]["fingerprint"]
    assert metrics["baseline"]["f1"] == saved["baseline"]["f1"]
    assert read_metrics(tmp_path / "m.json")["corpus"]["documents"] == 2


def test_evaluate_writes_nothing_where_no_file_is_given(ruler, corpus, tmp_path):
    before = sorted(tmp_path.iterdir())
    evaluate(ruler, corpus)
    assert sorted(tmp_path.iterdir()) == before


def test_evaluate_refuses_no_docs(ruler):
    with pytest.raises(UserError, match="E302"):
        evaluate(ruler, [])


def test_evaluate_tells_how_far_it_is(ruler, corpus):
    told = []

    def progress(items, description, total=None):
        told.append((description, total))
        return items

    evaluate(ruler, corpus, progress=progress)
    assert told == [("Predicting", 2)]


def test_evaluate_renames_what_the_pipeline_finds(pipeline, corpus):
    metrics = evaluate(pipeline, corpus, label_map={"PER": None})
    assert metrics["seqeval"]["per_label"]["PER"]["recall"] == 0
    assert metrics["settings"]["label_map"] == {"PER": None}
    assert metrics["seqeval"]["per_label"]["LOC"]["correct"] == 2
