import json

import pytest
import spacy
from spacy.tokens import Span

from spacy_ner_plus.corpus import load_docs, save_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.pipeline.uncertainty import uncertainty
from spacy_ner_plus.workflows.review.suggest import review_suggest
from tests.conftest import ROOT, make_docs

CONFIG = ROOT / "configs" / "transformer_ner.cfg"


@pytest.fixture
def corpus(nlp, tmp_path):
    """The little corpus, with an entity broken: in the third document, Acme Corp is a person."""
    docs = make_docs(nlp.vocab)
    docs[2].set_ents([Span(docs[2], 0, 2, "PER"), docs[2].ents[1]])
    save_docs(docs, tmp_path / "corpus.spacy")
    return tmp_path / "corpus.spacy"


def test_suggest_finds_a_broken_entity(corpus, trained_folder, tmp_path):
    found = review_suggest(corpus, tmp_path / "out.spacy", pipelines=str(trained_folder))
    (row,) = found.rows
    assert (row["kind"], row["text"], row["document"]) == ("label", "Acme Corp", 3)
    assert [span["label"] for span in (*row["annotated"], *row["found"])] == ["PER", "ORG"]
    assert row["score"] == pytest.approx(row["found_probability"] - row["annotated_probability"], abs=2e-6)
    assert (found.documents, found.entities, found.suggested, found.kinds["label"]) == (6, 13, 1, 1)
    (doc,) = load_docs(tmp_path / "out.spacy", spacy.blank("en").vocab)
    assert doc.ents[0].label_ == "PER"
    assert uncertainty(doc) == pytest.approx(row["score"], abs=1e-6)
    written = (tmp_path / "out.spacy.suggestions.jsonl").read_text(encoding="utf8").splitlines()
    assert [json.loads(line) for line in written] == found.rows


def test_suggest_goes_by_predictions_too(corpus, nlp, tmp_path):
    save_docs(make_docs(nlp.vocab), tmp_path / "predicted.spacy")
    found = review_suggest(corpus, predictions=tmp_path / "predicted.spacy", show="found")
    assert [(row["text"], row["score"]) for row in found.rows] == [("Acme Corp", 1.0)]
    assert [ent.label_ for ent in found.docs[0].ents] == ["ORG", "LOC"]
    assert found.path is found.report_path is None


def test_suggest_counts_labels_that_a_pipeline_does_not_look_for(corpus, nlp, tmp_path):
    ruler = spacy.blank("en")
    ruler.add_pipe("entity_ruler").add_patterns(
        [{"label": "LOC", "pattern": "Oslo"}, {"label": "DAY", "pattern": "Monday"}]
    )
    found = review_suggest(corpus, pipelines=ruler)
    assert {(row["kind"], row["text"]) for row in found.rows} == {
        ("spurious", "Berlin"),
        ("spurious", "Paris"),
    }
    assert sum(issue.count for kind, issue in found.issues if "doesn't look for" in kind) == 7
    assert any("DAY" in note for note in found.notes)


def test_suggest_takes_only_what_is_asked_for(corpus, tmp_path):
    def run(**settings):
        return review_suggest(corpus, pipelines=blank, **settings)

    blank = spacy.blank("en")
    blank.add_pipe("entity_ruler").add_patterns(
        [{"label": label, "pattern": "nothing there"} for label in ("LOC", "ORG", "PER")]
    )
    assert len(run().rows) == 13
    assert len(run(number=2).rows) == 2
    assert run(kinds=["missing"]).rows == []
    assert run(kinds=["spurious"], least=0.5).rows[0]["found_probability"] == 1.0


@pytest.mark.parametrize(
    ("code", "settings"),
    [
        ("E761", {}),
        ("E761", {"config": CONFIG, "predictions": "some.spacy"}),
        ("E762", {"predictions": "some.spacy", "kinds": ["wrong"]}),
        ("E762", {"predictions": "some.spacy", "show": "both"}),
        ("E763", {"config": CONFIG}),
        ("E507", {"predictions": "some.spacy", "number": 0}),
    ],
)
def test_suggest_refuses_what_makes_no_sense(corpus, code, settings):
    with pytest.raises(UserError, match=code):
        review_suggest(corpus, **settings)


@pytest.mark.parametrize("name", ["out.jsonl", "out"])
def test_suggest_writes_no_file_that_reads_as_annotated(corpus, nlp, tmp_path, name):
    save_docs(make_docs(nlp.vocab), tmp_path / "predicted.spacy")
    with pytest.raises(UserError, match=r"E837.*review push"):
        review_suggest(corpus, tmp_path / name, predictions=tmp_path / "predicted.spacy")
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("docs", [["Of something else."], []])
def test_suggest_refuses_predictions_of_which_none_is_of_the_corpus(corpus, nlp, tmp_path, docs):
    other = [nlp(text) for text in docs] or [nlp.make_doc(doc.text) for doc in make_docs(nlp.vocab)]
    for doc in other if docs else ():
        doc.set_ents([], default="outside")
    save_docs(other, tmp_path / "predicted.spacy")
    with pytest.raises(UserError, match=r"E838.*predicted\.spacy.*Acme|E838.*predicted\.spacy"):
        review_suggest(corpus, tmp_path / "out.spacy", predictions=tmp_path / "predicted.spacy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus.spacy", "predicted.spacy"]


def test_suggest_refuses_the_corpus_as_its_predictions(corpus, tmp_path):
    for name in (corpus, corpus.parent / "." / corpus.name):
        with pytest.raises(UserError, match=r"E839.*corpus\.spacy"):
            review_suggest(corpus, predictions=name)


def test_suggest_says_that_nothing_is_suspicious_and_writes_no_empty_corpus(nlp, tmp_path):
    docs = make_docs(nlp.vocab)
    for name in ("gold", "predicted"):
        save_docs(docs, tmp_path / f"{name}.spacy")
    found = review_suggest(
        tmp_path / "gold.spacy", tmp_path / "out.spacy", predictions=tmp_path / "predicted.spacy"
    )
    assert (found.rows, found.path) == ([], None)
    assert not (tmp_path / "out.spacy").exists()
    assert any("no suspicious place" in note for note in found.notes)
    (tmp_path / "out.spacy").write_bytes(b"of an earlier run")
    found = review_suggest(
        tmp_path / "gold.spacy", tmp_path / "out.spacy", predictions=tmp_path / "predicted.spacy"
    )
    assert any("that of an earlier run" in note for note in found.notes)


def test_suggest_refuses_a_corpus_without_annotation(nlp, tmp_path):
    save_docs([nlp("Nobody has read this.")], tmp_path / "bare.spacy")
    with pytest.raises(UserError, match="E305"):
        review_suggest(tmp_path / "bare.spacy", tmp_path / "out.spacy", predictions=tmp_path / "other.spacy")
    assert [path.name for path in tmp_path.iterdir()] == ["bare.spacy"]


def test_suggest_trains_a_pipeline_for_each_fold_and_goes_on_where_it_was(corpus, encoder_folder, tmp_path):
    sizes = {"window": 30, "overlap": 10, "lead": 6}
    settings = [f"components.transformer_ner.model.{name}={size}" for name, size in sizes.items()]
    settings += [f"paths.encoder={encoder_folder}", "vars.device=cpu"]

    def run(**more):
        target = tmp_path / "out.spacy"
        return review_suggest(corpus, target, config=CONFIG, folds=2, steps=2, overrides=settings, **more)

    first = run()
    work = tmp_path / "out.spacy.folds"
    assert sorted(path.name for path in work.iterdir()) == ["fold-1", "fold-2"]
    texts = [
        {doc.text for doc in load_docs(work / f"fold-{k}" / "train.spacy", spacy.blank("en").vocab)}
        for k in (1, 2)
    ]
    assert not texts[0] & texts[1]
    assert len(texts[0] | texts[1]) == 6
    log = (work / "fold-1" / "log.jsonl").read_text(encoding="utf8").splitlines()
    assert [step for line in log if (step := json.loads(line).get("step")) is not None] == [0, 1]
    made = [path.stat().st_mtime_ns for path in sorted(work.glob("*/model-last/meta.json"))]
    assert run().rows == first.rows
    assert [path.stat().st_mtime_ns for path in sorted(work.glob("*/model-last/meta.json"))] == made
