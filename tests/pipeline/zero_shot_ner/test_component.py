import warnings

import pytest
import spacy

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.pipeline.masking import mask
from spacy_ner_plus.pipeline.zero_shot_ner.scored_spans import ScoredSpan
from tests.conftest import TEXTS

pytest.importorskip("gliner")
pytest.importorskip("gliner2")
KINDS = ["uni-bert", "uni-deberta", "bi-deberta", "token-bert", "gliner2", "gliner2-boundary"]
LABELS = ["person", "city", "company"]


def make(model, **config):
    nlp = spacy.blank("en")
    nlp.add_pipe(
        "zero_shot_ner",
        config={"model": model, "labels": LABELS, "device": "cpu", "precision": "fp32", **config},
    )
    return nlp


def spans(doc):
    group = doc.spans["zero_shot_ner"]
    return [
        (span.start, span.end, span.label_, score)
        for span, score in zip(group, group.attrs["scores"], strict=True)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_component_finds_flat_entities_and_keeps_all_spans_with_their_scores(kind, zero_shot_folders):
    docs = list(make(zero_shot_folders[kind], threshold=0.3, overlap=8).pipe(TEXTS))
    assert any(doc.ents for doc in docs)
    for doc in docs:
        found = spans(doc)
        assert {(ent.start, ent.end, ent.label_, ent._.score) for ent in doc.ents} <= set(found)
        assert all(score >= 0.3 for *_, score in found)
        assert found == sorted(found)
    assert any(len(doc.ents) < len(doc.spans["zero_shot_ner"]) for doc in docs)


def test_component_leaves_tokens_missing_that_a_span_cuts(zero_shot_folders):
    """What is there is no entity of whole tokens, and it isn't nothing: it is neither O nor to be read when masked."""
    nlp = make(zero_shot_folders["uni-bert"])
    doc = nlp.make_doc("mail annaberg77 in Oslo")
    found = [ScoredSpan(5, 13, "person", 0.9), ScoredSpan(19, 23, "city", 0.8)]
    nlp.get_pipe("zero_shot_ner").set_annotations([doc], [found])
    assert [token.ent_iob_ for token in doc] == ["O", "", "O", "B"]
    assert mask(doc) is None


def test_component_needs_labels_and_a_model(zero_shot_folders):
    with pytest.raises(UserError, match="E624"):
        make(zero_shot_folders["uni-bert"], labels=[])
    with pytest.raises(UserError, match="E624"):
        make(zero_shot_folders["uni-bert"], labels=None)("Anna")
    with pytest.raises(UserError, match="E620"):
        make("")("Anna")


def asked(nlp):
    return nlp.get_pipe("zero_shot_ner").labels


def test_component_takes_labels_in_any_form(zero_shot_folders, tmp_path):
    model = zero_shot_folders["uni-bert"]
    (tmp_path / "labels.json").write_text('{"PER": "names of people", "LOC": {"definition": "places"}}')
    nlp = make(model, labels=str(tmp_path / "labels.json"))
    assert asked(nlp) == ()
    nlp.initialize()
    assert asked(nlp) == ("PER", "LOC")
    expected = spans(nlp(TEXTS[0]))
    described = {"PER": "names of people", "LOC": "places"}
    assert spans(make(model, labels=described)(TEXTS[0])) == expected
    # What a file says is saved with the pipeline.
    nlp.to_disk(tmp_path / "saved")
    (tmp_path / "labels.json").unlink()
    assert spans(spacy.load(tmp_path / "saved")(TEXTS[0])) == expected
    nlp = make(model, labels="conll")
    nlp(TEXTS[0])
    assert asked(nlp) == ("PER", "ORG", "LOC", "MISC")


def test_component_maps_prompts_to_labels(zero_shot_folders):
    model = zero_shot_folders["uni-bert"]
    names = ["person", "city", "company"]
    prompted = make(model, labels=names, label_map={"person": "PER", "city": "PER"}, threshold=0.3)
    assert asked(prompted) == ("PER", "company")
    mapped = {"person": "PER", "city": "PER", "company": "company"}
    best = {}
    for start, end, label, score in spans(make(model, labels=names, threshold=0.3)(TEXTS[0])):
        key = (start, end, mapped[label])
        best[key] = max(score, best.get(key, 0))
    assert {span[:3]: span[3] for span in spans(prompted(TEXTS[0]))} == pytest.approx(best)
    assert asked(make(model, labels=None, label_map={"name of a person": "PER"})) == ("PER",)


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"labels": []}, "E624"),
        ({"labels": {}}, "E624"),
        ({"labels": ["a", "b", "a"]}, "E625"),
        ({"labels": {"a": "the same", "b": "the same"}}, "E625"),
        ({"labels": ["a", " "]}, "E626"),
        ({"labels": {"a": 3}}, "E626"),
        ({"labels": ["a"], "label_map": {"b": "B"}}, "E628"),
        ({"labels": ["a"], "label_map": {"a": ""}}, "E626"),
        ({"labels": ["a"], "label_thresholds": {"b": 0.5}}, "E629"),
        ({"labels": ["a"], "label_thresholds": {"a": 2}}, "E629"),
        ({"window": 10, "overlap": 6}, "E630"),
        ({"batch_words": 0}, "E632"),
        ({"threshold": 2}, "E220"),
    ],
)
def test_component_says_at_once_what_cant_be_set(config, code, zero_shot_folders):
    with pytest.raises(UserError, match=code):
        make(zero_shot_folders["uni-bert"], **config)


def test_component_refuses_a_window_that_would_be_cut(zero_shot_folders):
    with pytest.raises(UserError, match=r"E631.*24 at most"):
        make(zero_shot_folders["uni-bert"], window=25)("Anna")


@pytest.mark.parametrize("kind", ["uni-bert", "bi-deberta", "gliner2"])
def test_component_asks_about_a_doc_what_the_doc_says(kind, zero_shot_folders):
    nlp = make(zero_shot_folders[kind], threshold=0.3, label_map={"person": "PER"})
    docs = [nlp.make_doc(TEXTS[0]) for _ in range(5)]
    docs[1]._.labels = []
    docs[2]._.labels = ["person"]
    docs[3]._.labels = {"animal": "a living thing"}
    docs[4]._.labels = ["person", "city", "company"]
    found = [spans(doc) for doc in nlp.pipe(docs)]
    assert [span[:3] for span in found[0]] == [span[:3] for span in found[4]]
    assert found[1] == []
    assert docs[1].has_annotation("ENT_IOB")
    assert {label for *_, label, _ in found[2]} <= {"PER"}
    assert {label for *_, label, _ in found[3]} <= {"animal"}
    assert any(found[0])


@pytest.mark.parametrize("value", ["person", ["a", "a"], [""], 3, {"a": 1}])
def test_component_hands_a_doc_with_labels_that_are_none_to_the_error_handler(value, zero_shot_folders):
    nlp, failed = make(zero_shot_folders["uni-bert"]), []
    nlp.set_error_handler(lambda name, pipe, docs, error: failed.append((docs[0].text, str(error))))
    docs = [nlp.make_doc(text) for text in TEXTS]
    docs[1]._.labels = value
    assert [doc.text for doc in nlp.pipe(docs)] == [TEXTS[0], *TEXTS[2:]]
    ((text, reason),) = failed
    assert text == TEXTS[1]
    assert reason.startswith(("[E62", "[E627"))


def test_component_has_thresholds_for_labels(zero_shot_folders):
    every = spans(make(zero_shot_folders["uni-bert"], threshold=0.2)(TEXTS[0]))
    nlp = make(
        zero_shot_folders["uni-bert"], threshold=0.9, label_thresholds={"person": 0.2, "company": 0.55}
    )
    least = {"person": 0.2, "company": 0.55, "city": 0.9}
    kept = [span for span in every if span[3] >= least[span[2]]]
    assert spans(nlp(TEXTS[0])) == kept
    assert kept


def test_component_threshold_is_found_by_spacy(zero_shot_folders, tmp_path):
    from spacy.cli.find_threshold import find_threshold
    from spacy.tokens import DocBin

    nlp = make(zero_shot_folders["uni-bert"], threshold=0.6)
    docs = list(nlp.pipe(TEXTS))
    assert any(doc.ents for doc in docs)
    DocBin(docs=docs).to_disk(tmp_path / "dev.spacy")
    nlp.to_disk(tmp_path / "pipeline")
    best, score, _ = find_threshold(
        str(tmp_path / "pipeline"), tmp_path / "dev.spacy", "zero_shot_ner", "threshold", "ents_f", n_trials=6
    )
    assert (round(best, 1), score) == (0.6, 1.0)


def test_component_is_calibrated(zero_shot_folders, tmp_path):
    from spacy.training import Example

    from spacy_ner_plus.workflows.calibrate import calibrate

    nlp = make(zero_shot_folders["bi-deberta"], threshold=0.05)
    pipe = nlp.get_pipe("zero_shot_ner")
    gold = []
    for i, doc in enumerate(nlp.pipe(TEXTS * 4)):
        # Right are those with even numbers: a score says nothing.
        doc.ents = [ent for number, ent in enumerate(doc.ents) if (number + i) % 2]
        gold.append(doc)
    before = spans(nlp(TEXTS[0]))
    fitted = pipe.calibrate([Example(nlp.make_doc(doc.text), doc) for doc in gold])
    assert fitted.temperature > 1
    assert pipe.cfg["temperature"] == fitted.temperature
    after = spans(nlp(TEXTS[0]))
    assert [span[:3] for span in after if span[3] > 0.5] == [span[:3] for span in before if span[3] > 0.5]
    assert all(abs(new[3] - 0.5) <= abs(old[3] - 0.5) for old, new in zip(before, after, strict=False))
    nlp.to_disk(tmp_path / "saved")
    assert spans(spacy.load(tmp_path / "saved")(TEXTS[0])) == after
    pipe.cfg["temperature"] = 1.0
    assert calibrate(nlp, gold).temperature == fitted.temperature


def test_component_counts_what_doesnt_fit_the_tokens(zero_shot_folders):
    from spacy.tokens import Doc

    nlp = make(zero_shot_folders["uni-bert"], threshold=0.0)
    doc = Doc(nlp.vocab, words=["U.S.-based", "firms"])
    with pytest.warns(UserWarning, match=r"W321.*entity that doesn't fit the tokens"):
        doc = next(nlp.get_pipe("zero_shot_ner").pipe([doc]))
    # The first token has more words than the model's spans.
    assert {(span.start, span.end) for span in doc.spans["zero_shot_ner"]} == {(1, 2)}
    assert nlp.get_pipe("zero_shot_ner").issues["entity that doesn't fit the tokens"] > 0


def test_component_warns_once_of_many_labels_where_they_take_time(zero_shot_folders):
    labels = [f"kind{number}" for number in range(31)]
    nlp = make(zero_shot_folders["uni-deberta"], labels=labels)
    with pytest.warns(UserWarning, match=r"W320.*31 labels.*\d+ wordpieces.*about \d\.\d times") as told:
        list(nlp.pipe([*TEXTS, *TEXTS], batch_size=2))
    assert len([warning for warning in told if "W320" in str(warning.message)]) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(zero_shot_folders["bi-deberta"], labels=labels)(TEXTS[0])


def test_component_in_bf16_finds_nearly_the_same(zero_shot_folders):
    for kind in ("uni-bert", "gliner2"):
        exact = make(zero_shot_folders[kind], threshold=0.0)(TEXTS[0])
        rough = make(zero_shot_folders[kind], threshold=0.0, precision="bf16")(TEXTS[0])
        assert [span[:3] for span in spans(rough)] == [span[:3] for span in spans(exact)]
        assert [s[3] for s in spans(rough)] == pytest.approx([s[3] for s in spans(exact)], abs=0.1)
        assert [s[3] for s in spans(rough)] != [s[3] for s in spans(exact)]


def test_component_is_assembled_by_spacy(zero_shot_folders, tmp_path):
    from spacy.cli.assemble import assemble_cli

    nlp = make(zero_shot_folders["gliner2"])
    nlp.config.to_disk(tmp_path / "config.cfg")
    assemble_cli(_context(), tmp_path / "config.cfg", tmp_path / "out", code_path=None, verbose=False)
    assert spans(spacy.load(tmp_path / "out")(TEXTS[0])) == spans(nlp(TEXTS[0]))


def _context():
    import typer

    return typer.Context(typer.main.get_command(typer.Typer(callback=lambda: None)))


def test_component_needs_no_model_where_one_was_saved(zero_shot_folders, tmp_path):
    import shutil

    folder = shutil.copytree(zero_shot_folders["bi-deberta"], tmp_path / "model")
    nlp = make(str(folder))
    nlp.to_disk(tmp_path / "saved")
    shutil.rmtree(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.socket.connect", None)
        loaded = spacy.load(tmp_path / "saved")
        assert spans(loaded(TEXTS[0])) == spans(make(zero_shot_folders["bi-deberta"])(TEXTS[0]))
    assert loaded.meta["requirements"][0].startswith("spacy-ner-plus[zero-shot]")


@pytest.mark.parametrize("part", ["model.safetensors", "tokenizer_config.json", "gliner_config.json"])
def test_component_says_what_is_missing_in_a_saved_pipeline(part, zero_shot_folders, tmp_path):
    make(zero_shot_folders["uni-bert"]).to_disk(tmp_path / "saved")
    (tmp_path / "saved" / "zero_shot_ner" / "model" / part).unlink()
    with pytest.raises(UserError, match="E621"):
        spacy.load(tmp_path / "saved")


@pytest.mark.parametrize(
    "text", ["", " \n ", "\U0001f600", "…", "a" * 300, "\u200b", "<<ENT>> [SEP] Anna <<SEP>>"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_component_takes_any_text(kind, text, zero_shot_folders):
    nlp = make(zero_shot_folders[kind], threshold=0.1)
    doc = nlp(text)
    assert doc.text == text
    assert len(doc.spans["zero_shot_ner"]) == len(doc.spans["zero_shot_ner"].attrs["scores"])
