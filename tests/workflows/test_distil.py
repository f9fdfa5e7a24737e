import json

import numpy as np
import pytest
import spacy
from spacy.cli.train import train as spacy_train
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus
from thinc.api import Adam

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.soft_tags import SOFT_TAGS, read_soft_tags, write_soft_tags
from spacy_ner_plus.workflows.annotate import annotate
from spacy_ner_plus.workflows.distil import distil
from tests.conftest import ROOT, TEXTS, make_docs, make_pipeline


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n")
    return path


def rules(name="rules", **patterns):
    nlp = spacy.blank("en")
    nlp.meta["name"] = name
    nlp.add_pipe("entity_ruler").add_patterns(
        [{"label": label, "pattern": text} for text, label in patterns.items()]
    )
    return nlp


def load(path):
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


def test_distil_makes_a_corpus_from_which_a_student_learns_what_its_teacher_says(
    trained_folder, encoder_folder, texts, tmp_path
):
    made = distil(trained_folder, texts, tmp_path / "student.spacy")
    assert made.report["soft_tags"]["of_spans_alone"] == []
    assert made.report["soft_tags"]["said"] == made.report["tokens"]
    assert made.report["mix"]["weak"] == len(TEXTS)
    assert json.loads(made.report_path.read_text()) == made.report
    teacher = spacy.load(trained_folder)
    student = make_pipeline(encoder_folder, seed=1)
    examples = list(Corpus(tmp_path / "student.spacy")(student))
    for eg in examples:
        # From soft tags alone: the entities may say what they will.
        soft = read_soft_tags(eg.reference)
        eg.reference.set_ents([], default="outside")
        write_soft_tags(eg.reference, soft)
    student.initialize(lambda: examples)
    assert student.get_pipe("transformer_ner").labels == ("LOC", "ORG", "PER")
    optimizer = Adam(3e-3, use_averages=False)
    for _ in range(60):
        losses = {}
        student.update(examples, sgd=optimizer, losses=losses, drop=0.0)
    assert losses["transformer_ner"] < 0.05
    for text in TEXTS:
        found, expected = ([(ent.text, ent.label_) for ent in nlp(text).ents] for nlp in (student, teacher))
        assert found == expected


def test_distil_averages_teachers_and_reads_scores_as_probabilities(trained_folder, texts, tmp_path):
    other = rules(Oslo="ORG", Anna="PER", Globex="ORG", Berlin="LOC")
    made = distil([trained_folder, other], texts, tmp_path / "student.spacy")
    assert made.report["soft_tags"]["of_spans_alone"] == ["en_rules"]
    doc = load(tmp_path / "student.spacy")[0]
    soft = read_soft_tags(doc)
    assert soft.labels == ("LOC", "ORG", "PER")
    oslo = [token.text for token in doc].index("Oslo")
    own = read_soft_tags(next(iter(distil(trained_folder, texts).docs)))
    assert soft.probs[oslo, 1] == pytest.approx(own.probs[oslo, 1] / 2, abs=1e-3)
    assert soft.probs[oslo, 2] == pytest.approx(0.5 + own.probs[oslo, 2] / 2, abs=1e-3)
    # Each is sure of something else.
    assert soft.weights[oslo] < 0.2
    assert soft.weights[1] > 0.9 or soft.probs[1].max() < 0.9


@pytest.mark.slow
def test_distil_writes_what_spacy_train_learns_from(trained_folder, small_corpus, train_overrides, tmp_path):
    distil(trained_folder, small_corpus, tmp_path / "student.spacy", temperature=2.0)
    settings = {"soft_weight": 0.5, "soft_agreement": 0.0}
    spacy_train(
        ROOT / "configs" / "transformer_ner.cfg",
        tmp_path / "training",
        overrides={
            **train_overrides,
            **{f"components.transformer_ner.{name}": value for name, value in settings.items()},
            "paths.train": str(tmp_path / "student.spacy"),
        },
    )
    student = spacy.load(tmp_path / "training" / "model-last")
    assert student.get_pipe("transformer_ner").labels == ("LOC", "ORG", "PER")
    config = student.config["components"]["transformer_ner"]
    assert {name: config[name] for name in settings} == settings
    # Neither they nor what they learnt from is on what they annotate.
    assert SOFT_TAGS not in student(TEXTS[0]).spans


@pytest.mark.slow
def test_distil_renames_labels(trained_folder, texts):
    label_map = {"PER": "PERSON", "ORG": None, "LOC": "LOC"}
    before = read_soft_tags(next(iter(distil(trained_folder, texts).docs)))
    made = distil(trained_folder, texts, label_map=label_map)
    doc = next(iter(made.docs))
    after = read_soft_tags(doc)
    assert {ent.label_ for ent in doc.ents} == {"PERSON", "LOC"}
    assert after.labels == ("LOC", "PERSON")
    assert after.probs[:, 0] == pytest.approx(before.probs[:, [0, 2, 5]].sum(axis=1), abs=0.003)


def test_distil_sets_gold_beside_the_teachers(trained_folder, texts, small_corpus, tmp_path):
    nlp = spacy.blank("en")
    gold = make_docs(nlp.vocab)[:2]
    gold.append(Doc(nlp.vocab, words=["Sunday", "it", "is"], ents=["B-DATE", "O", "O"]))
    DocBin(docs=gold).to_disk(tmp_path / "gold.spacy")
    made = distil(trained_folder, small_corpus, tmp_path / "student.spacy", gold=tmp_path / "gold.spacy")
    docs = load(tmp_path / "student.spacy")
    assert made.report["mix"] == {
        "gold": 3,
        "gold_open": 0,
        "weak": 4,
        "replaced": 2,
        "unmatched": 1,
        "softened_tokens": 0,
        "gold_alone": ["DATE"],
        "teachers_alone": [],
    }
    assert [SOFT_TAGS in doc.spans for doc in docs] == [True] * 4 + [False] * 3
    # No teacher looked for dates.
    assert [annotated_labels(doc) for doc in docs] == [frozenset({"LOC", "ORG", "PER"})] * 4 + [None] * 3
    assert [doc.text for doc in made.docs] == [doc.text for doc in docs]
    assert {ent.label_ for doc in made.docs for ent in doc.ents} == {"LOC", "ORG", "PER", "DATE"}


@pytest.mark.slow
def test_distil_softens_gold_and_asks_nobody_again(trained_folder, small_corpus, tmp_path):
    out = tmp_path / "student.spacy"
    distil(trained_folder, small_corpus, out)
    answers = {path: path.stat().st_mtime_ns for path in (tmp_path / "student.spacy.answers").iterdir()}
    made = distil(trained_folder, small_corpus, out, gold=small_corpus, soften_gold=True)
    assert {path: path.stat().st_mtime_ns for path in answers} == answers
    docs = load(out)
    assert len(docs) == len(TEXTS)
    assert all(read_soft_tags(doc).beside_gold for doc in docs)
    assert made.report["mix"]["softened_tokens"] == sum(map(len, docs))
    # Softer tags are other answers.
    distil(trained_folder, small_corpus, out, temperature=4.0)
    assert len(list((tmp_path / "student.spacy.answers").iterdir())) == 2 * len(answers)
    assert read_soft_tags(load(out)[0]).temperature == 4.0


def test_distil_leaves_pipelines_and_annotate_as_they_were(trained, texts):
    distil(trained, texts)
    assert trained.get_pipe("transformer_ner").soft_temperature is None
    assert all(SOFT_TAGS not in doc.spans for doc in annotate(trained, texts).docs)


def test_distil_says_nothing_of_texts_on_which_teachers_fail(texts):
    nlp = rules(Oslo="LOC")
    nlp.add_pipe("distil_fails")
    docs = list(distil(nlp, texts).docs)
    assert [bool(read_soft_tags(doc).weights.any()) for doc in docs] == [True] * 3 + [False] + [True] * 2


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan"), float("inf")])
def test_distil_refuses_a_temperature_that_is_none(trained_folder, texts, tmp_path, temperature):
    with pytest.raises(UserError, match="E771"):
        distil(trained_folder, texts, tmp_path / "student.spacy", temperature=temperature)
    assert not (tmp_path / "student.spacy").exists()


def test_distil_refuses_formats_without_a_place_for_soft_tags(trained_folder, texts, tmp_path):
    with pytest.raises(UserError, match=r"E772.*student\.conll"):
        distil(trained_folder, texts, tmp_path / "student.conll")


def test_distil_refuses_to_soften_gold_that_is_not_there(trained_folder, texts):
    with pytest.raises(UserError, match=r"E828.*--gold"):
        distil(trained_folder, texts, soften_gold=True)


def test_distil_reads_gold_before_teachers_work(texts, tmp_path):
    DocBin(docs=[spacy.blank("en").make_doc("Anna left")]).to_disk(tmp_path / "bare.spacy")
    with pytest.raises(UserError, match="E305"):
        distil("no such pipeline", texts, tmp_path / "out.spacy", lang="en", gold=tmp_path / "bare.spacy")
    # What teachers said is no gold.
    distil(rules(Oslo="LOC"), texts, tmp_path / "weak.spacy")
    with pytest.raises(UserError, match=r"E774.*weak\.spacy.*'Anna Berg lives"):
        distil(rules(Oslo="LOC"), texts, tmp_path / "out.spacy", gold=tmp_path / "weak.spacy")
    with pytest.raises(UserError, match="E320"):
        distil(rules(), texts, tmp_path / "bare.spacy", gold=tmp_path / "bare.spacy")


def test_distil_takes_measured_precision_for_scores_that_are_not_given(texts, small_corpus):
    # Right with one of its two kinds of places: by Laplace's rule, 3 of 5 and 1 of 2 that were never seen.
    nlp = rules(Oslo="LOC", Monday="LOC", Nobody="PER", Globex="MISC")
    docs = list(distil(nlp, texts, dev=small_corpus).docs)
    soft = [read_soft_tags(doc) for doc in docs]
    oslo = [token.text for token in docs[0]].index("Oslo")
    assert soft[0].labels == ("LOC", "MISC", "PER")
    assert soft[0].probs[oslo, [0, 1]] == pytest.approx([0.4, 0.6], abs=1e-3)
    assert soft[3].probs[0, [0, 3]] == pytest.approx([2 / 3, 1 / 3], abs=1e-3)
    # Entities and their scores are those of the policy.
    assert docs[0].spans["votes"].attrs["scores"] == [1.0]


def test_distil_takes_scores_with_the_temperature(texts):
    nlp = rules(Oslo="LOC")
    nlp.add_pipe("distil_scored")
    docs = list(distil(nlp, texts, temperature=2.0).docs)
    soft = read_soft_tags(docs[0])
    oslo = [token.text for token in docs[0]].index("Oslo")
    assert soft.probs[oslo] == pytest.approx(np.array([0.25, 0.75, 0]), abs=1e-3)


def test_distil_takes_labels_that_a_component_named_without_saying_so(texts, tmp_path):
    """Of a function nobody knows which labels it looks for: that gold has others must not end the run."""
    nlp = rules(Oslo="LOC")
    nlp.add_pipe("distil_names_greetings")
    vocab = nlp.vocab
    DocBin(docs=[Doc(vocab, words=["Sunday", "is"], ents=["B-DATE", "O"])]).to_disk(tmp_path / "gold.spacy")
    with pytest.warns(UserWarning, match=r"W961.*GREETING, LOC.*DATE.*--label-map"):
        made = distil(nlp, texts, gold=tmp_path / "gold.spacy")
    docs = list(made.docs)
    assert annotated_labels(docs[0]) == {"LOC", "GREETING"}
    assert {ent.label_ for doc in docs for ent in doc.ents} == {"LOC", "GREETING", "DATE"}


def test_distil_does_not_learn_past_rules_where_a_teacher_keeps_no_group(trained_folder, texts):
    nlp = spacy.load(trained_folder, config={"components.transformer_ner.spans_key": ""})
    assert distil(nlp, texts).report["soft_tags"]["of_spans_alone"] == []
    nlp.add_pipe("entity_ruler", config={"overwrite_ents": True}).add_patterns(
        [{"label": "SHIP", "pattern": "Oslo"}]
    )
    made = distil(nlp, texts)
    assert len(made.report["soft_tags"]["of_spans_alone"]) == 1
    doc = next(iter(made.docs))
    oslo = [token.text for token in doc].index("Oslo")
    assert doc[oslo].ent_type_ == "SHIP"
    soft = read_soft_tags(doc)
    assert soft.probs[oslo, 1 + soft.labels.index("SHIP")] == 1


def test_distil_takes_spans_alone_where_a_teacher_merges_tokens(trained_folder, texts):
    nlp = spacy.load(trained_folder)
    nlp.add_pipe("merge_entities")
    made = distil(nlp, texts)
    assert len(made.report["soft_tags"]["of_spans_alone"]) == 1
    assert made.report["soft_tags"]["said"] == made.report["tokens"]
    assert {ent.label_ for doc in made.docs for ent in doc.ents} == {"LOC", "ORG", "PER"}


@spacy.Language.component("distil_names_greetings")
def names_greetings(doc):
    doc.set_ents([spacy.tokens.Span(doc, 0, 1, label="GREETING")], default="unmodified")
    return doc


@spacy.Language.component("distil_fails")
def fails(doc):
    if "Globex" in doc.text:
        raise ValueError("no such company")
    return doc


@spacy.Language.component("distil_scored")
def scored(doc):
    doc.spans["scored"] = spacy.tokens.SpanGroup(
        doc, name="scored", spans=list(doc.ents), attrs={"scores": [0.9] * len(doc.ents)}
    )
    return doc
