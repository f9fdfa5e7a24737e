import itertools
import pickle
import warnings
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Adam

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.ragged import Ragged
from spacy_ner_plus.pipeline.transformer_ner.component import DEFAULT_MODEL
from tests.conftest import ENCODERS, TEXTS, make_docs, make_examples, make_pipeline, train
from tests.encoders import save_chinese


def entities(docs):
    return [[(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in docs]


def weights(nlp):
    network = nlp.get_pipe("transformer_ner").token_scorer.tagger.network
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("kind", ENCODERS)
def test_transformer_ner_learns(encoder_folders, kind):
    nlp = make_pipeline(encoder_folders[kind])
    history = train(nlp, steps=80)
    assert history[-1] < 0.1 < history[0]
    assert nlp.evaluate(make_examples(nlp))["ents_f"] == 1.0


CHINESE_TEXTS = [
    name + verb + place + "。"
    for name in ("张伟", "李娜")
    for place in ("北京", "上海")
    for verb in ("住在", "去了")
]


def test_transformer_ner_tells_tokens_of_one_wordpiece_apart(tmp_path):
    """Where wordpieces are words and tokens are characters, fresh, saved, and by OpenVINO."""
    nlp = spacy.blank("zh")
    model = {
        **DEFAULT_MODEL,
        "encoder": save_chinese(tmp_path / "encoder"),
        "window": 30,
        "overlap": 10,
        "lead": 6,
    }
    nlp.add_pipe("transformer_ner", config={"device": "cpu", "model": model})
    entities = {"entities": [(0, 2, "PER"), (4, 6, "LOC")]}
    examples = [Example.from_dict(nlp.make_doc(text), entities) for text in CHINESE_TEXTS]
    nlp.initialize(lambda: examples)
    optimizer = Adam(3e-3, use_averages=False)
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    assert nlp.evaluate(examples)["ents_f"] == 1.0
    nlp.to_disk(tmp_path / "saved")
    for device in ("cpu", "openvino") if find_spec("openvino") else ("cpu",):
        again = spacy.load(tmp_path / "saved", config={"components.transformer_ner.device": device})
        assert again.evaluate(examples)["ents_f"] == 1.0


def test_transformer_ner_takes_labels_from_data(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    assert nlp.get_pipe("transformer_ner").labels == ("LOC", "ORG", "PER")
    assert nlp.get_pipe("transformer_ner").label_data == ["LOC", "ORG", "PER"]


def test_transformer_ner_takes_given_labels(encoder_folder):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("transformer_ner", config={"model": model_config(encoder_folder)})
    pipe.initialize(lambda: [], nlp=nlp, labels=["A", "B"])
    assert pipe.labels == ("A", "B")
    assert pipe.model.get_dim("nO") == 5


def test_transformer_ner_takes_labels_added_before_training(encoder_folder):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("transformer_ner", config={"model": model_config(encoder_folder)})
    assert pipe.add_label("EXTRA") == 1
    assert pipe.add_label("EXTRA") == 0
    nlp.initialize(lambda: make_examples(nlp))
    assert pipe.labels == ("EXTRA", "LOC", "ORG", "PER")


def test_transformer_ner_refuses_data_without_entities(encoder_folder):
    nlp = spacy.blank("en")
    nlp.add_pipe("transformer_ner", config={"model": model_config(encoder_folder)})
    doc = nlp.make_doc("nothing here")
    with pytest.raises(UserError, match="E215"):
        nlp.initialize(lambda: [Example(doc, doc.copy())])


def test_transformer_ner_says_that_no_encoder_is_given(nlp):
    nlp.add_pipe("transformer_ner")
    with pytest.raises(UserError, match=r"E201.*encoder"):
        nlp.initialize(lambda: make_examples(nlp))


def test_transformer_ner_says_that_it_is_not_initialized(nlp):
    nlp.add_pipe("transformer_ner")
    with pytest.raises(UserError, match=r"E208.*initialize"):
        nlp("Anna lives in Oslo")


def test_transformer_ner_gives_missing_tokens_no_gradient(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    pipe = nlp.get_pipe("transformer_ner")
    gold = Doc(nlp.vocab, words=["Anna", "in", "Oslo"], ents=["B-PER", "", "B-LOC"])
    example = Example(Doc(nlp.vocab, words=["Anna", "in", "Oslo"]), gold)
    _, gradient = pipe.get_loss([example], Ragged.join([np.zeros((3, 7), dtype=np.float32)]))
    assert not gradient[1].any()
    assert gradient[0].any()
    assert gradient[2].any()


def test_transformer_ner_loss_has_its_gradient(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    pipe = nlp.get_pipe("transformer_ner")
    examples = make_examples(nlp)[:2]
    rng = np.random.default_rng(0)
    scores = Ragged.join([rng.normal(size=(len(eg.predicted), 7)) for eg in examples])
    _, gradient = pipe.get_loss(examples, scores)
    for row, column in [(0, 0), (1, 3), (4, 6)]:
        nudged = Ragged(scores.data.copy(), scores.lengths)
        nudged.data[row, column] += 1e-5
        slope = (pipe.get_loss(examples, nudged)[0] - pipe.get_loss(examples, scores)[0]) / 1e-5
        assert gradient[row, column] == pytest.approx(slope, abs=1e-4)


def test_transformer_ner_does_not_train_on_unknown_labels_and_warns_once(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    pipe = nlp.get_pipe("transformer_ner")
    gold = Doc(nlp.vocab, words=["Anna", "in", "Oslo"], ents=["B-ALIEN", "O", "B-LOC"])
    example = Example(Doc(nlp.vocab, words=["Anna", "in", "Oslo"]), gold)
    scores = Ragged.join([np.zeros((3, 7), dtype=np.float32)])
    with pytest.warns(UserWarning, match=r"W201.*ALIEN"):
        _, gradient = pipe.get_loss([example], scores)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipe.get_loss([example], scores)
    assert not gradient[0].any()


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " \n\t  ",
        "🙂🙂 👩‍👩‍👧 Anna 🇳🇴",
        "x" * 400,
        "مرحبا آنا من أوسلو في 3 مايو",
        "\u200b\u200b",
        "a\u0301bc e\u0301",
        "New  York",
    ],
)
def test_transformer_ner_takes_any_text(encoder_folders, text):
    for kind in ENCODERS:
        nlp = make_pipeline(encoder_folders[kind])
        doc = nlp(text)
        assert doc.text == text
        assert all(token.ent_iob_ for token in doc)


def test_transformer_ner_scores_every_token_of_a_long_document(trained):
    words = (" ".join(TEXTS)).split()
    doc = Doc(trained.vocab, words=(words * 200)[:5000])
    pipe = trained.get_pipe("transformer_ner")
    scores = pipe.model.predict([doc])[0]
    assert scores.shape == (5000, 7)
    assert np.abs(scores).sum(axis=1).all()
    pipe(doc)
    tail = [ent.text for ent in doc[-60:].ents]
    assert "Oslo" in tail


def test_transformer_ner_is_the_same_alone_and_in_any_batch(trained):
    texts = [*TEXTS, "", "Oslo", " ".join(TEXTS * 5)]
    alone = entities([trained(text) for text in texts])
    for batch_size in (1, 2, 100):
        assert entities(trained.pipe(texts, batch_size=batch_size)) == alone
    assert entities(trained.pipe(texts[::-1]))[::-1] == alone


def test_transformer_ner_pipe_takes_a_generator_and_keeps_order(trained):
    texts = [f"{text} {i}" for i, text in enumerate(TEXTS * 10)]
    docs = list(trained.pipe((text for text in texts), batch_size=7))
    assert [doc.text for doc in docs] == texts


def test_transformer_ner_hands_only_the_failing_doc_to_the_error_handler(trained):
    pipe = trained.get_pipe("transformer_ner")
    failed = []
    pipe.set_error_handler(lambda name, proc, docs, error: failed.extend(doc.text for doc in docs))
    set_annotations = pipe.set_annotations

    def fail_on_globex(docs, tags):
        if any("Globex" in doc.text for doc in docs):
            raise ValueError("no")
        set_annotations(docs, tags)

    pipe.set_annotations = fail_on_globex
    docs = list(pipe.pipe([trained.make_doc(text) for text in TEXTS], batch_size=4))
    assert failed == [TEXTS[3]]
    assert [doc.text for doc in docs] == TEXTS[:3] + TEXTS[4:]


def test_transformer_ner_hands_no_fault_of_a_setting_to_the_error_handler(trained):
    trained.get_pipe("transformer_ner").token_scorer.configure("cuda:99", "fp32")
    trained.set_error_handler(lambda name, proc, docs, error: None)
    with pytest.raises(UserError, match=r"E205.*[a-z]\. Set `device`"):
        list(trained.pipe(TEXTS))


def test_transformer_ner_keeps_entities_that_are_there(trained):
    doc = trained.make_doc(TEXTS[0])
    doc.ents = [Span(doc, 1, 3, label="RULE")]
    trained.get_pipe("transformer_ner")(doc)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [
        ("Berg lives", "RULE"),
        ("Oslo", "LOC"),
        ("Acme Corp", "ORG"),
    ]


def test_transformer_ner_overwrites_entities_when_told(trained_folder):
    nlp = spacy.load(trained_folder, config={"components.transformer_ner.overwrite_ents": True})
    doc = nlp.make_doc(TEXTS[0])
    doc.ents = [Span(doc, 1, 3, label="RULE"), Span(doc, 10, 11, label="STOP")]
    nlp.get_pipe("transformer_ner")(doc)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [
        ("Anna Berg", "PER"),
        ("Oslo", "LOC"),
        ("Acme Corp", "ORG"),
        (".", "STOP"),
    ]


def test_transformer_ner_overwritten_entities_take_their_ids_with_them(trained_folder):
    nlp = spacy.load(trained_folder, config={"components.transformer_ner.overwrite_ents": True})
    doc = nlp.make_doc(TEXTS[0])
    doc.ents = [
        Span(doc, 0, 3, label="RULE", span_id="rule"),
        Span(doc, 10, 11, label="STOP", span_id="stop"),
    ]
    nlp.get_pipe("transformer_ner")(doc)
    assert [token.ent_id_ for token in doc] == [""] * 10 + ["stop"]


@pytest.mark.parametrize("kind", ["wordpiece", "bpe"])
def test_transformer_ner_entities_never_begin_or_end_with_space(encoder_folders, kind):
    nlp = make_pipeline(encoder_folders[kind])
    head = nlp.get_pipe("transformer_ner").token_scorer.tagger.network.head
    with torch.no_grad():
        head.weight.zero_()
        # All within one entity, whatever the token.
        head.bias.copy_(torch.tensor([0.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0]))
    doc = nlp(" New  York \n here \n")
    assert [ent.text for ent in doc.ents] == ["New  York \n here"]


def test_transformer_ner_is_the_same_from_disk(trained_folder, tmp_path):
    nlp = spacy.load(trained_folder)
    nlp.to_disk(tmp_path / "again")
    again = spacy.load(tmp_path / "again")
    before = [
        scores.tobytes() for scores in nlp.get_pipe("transformer_ner").model.predict(make_docs(nlp.vocab))
    ]
    after = [
        scores.tobytes() for scores in again.get_pipe("transformer_ner").model.predict(make_docs(again.vocab))
    ]
    assert before == after
    assert entities(again.pipe(TEXTS)) == entities(make_docs(nlp.vocab))


def test_transformer_ner_saves_safetensors_and_no_pickle(trained_folder):
    names = {path.name for path in (trained_folder / "transformer_ner").rglob("*") if path.is_file()}
    assert "model.safetensors" in names
    assert "tokenizer.json" in names
    assert "config.json" in names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl"))]


def test_transformer_ner_is_the_same_from_bytes(trained):
    again = spacy.blank("en")
    again.add_pipe(
        "transformer_ner", config={"model": model_config(""), "device": "cpu", "precision": "fp32"}
    )
    again.from_bytes(trained.to_bytes())
    assert entities(again.pipe(TEXTS)) == entities(trained.pipe(TEXTS))


def test_transformer_ner_is_the_same_pickled(trained):
    pipe = pickle.loads(pickle.dumps(trained.get_pipe("transformer_ner")))
    docs = [pipe(Doc(pipe.vocab, words=text.split())) for text in TEXTS]
    assert entities(docs) == entities(make_docs(trained.vocab))


def test_transformer_ner_can_be_saved_before_it_is_initialized(nlp, tmp_path):
    nlp.add_pipe("transformer_ner")
    nlp.to_disk(tmp_path / "empty")
    assert spacy.load(tmp_path / "empty").get_pipe("transformer_ner").labels == ()
    nlp.from_bytes(nlp.to_bytes())


def test_transformer_ner_load_time_settings_win(trained_folder):
    nlp = spacy.load(trained_folder, config={"components.transformer_ner.precision": "bf16"})
    assert nlp.get_pipe("transformer_ner").token_scorer.tagger.precision == "bf16"


def test_transformer_ner_works_in_forked_workers(trained):
    texts = TEXTS * 4
    expected = entities(trained.pipe(texts))
    assert entities(trained.pipe(texts, n_process=2, batch_size=5)) == expected


def test_transformer_ner_resumes_training(trained_folder):
    nlp = spacy.load(trained_folder)
    before = weights(nlp)
    optimizer = nlp.resume_training()
    loss: dict[str, float] = {}
    nlp.update(make_examples(nlp), sgd=optimizer, losses=loss)
    after = weights(nlp)
    assert any((before[name] != after[name]).any() for name in before)
    assert loss["transformer_ner"] < 0.5


def test_transformer_ner_resumes_training_where_the_training_corpus_is_not(trained_folder):
    nlp = spacy.load(trained_folder)
    nlp.config["training"]["optimizer"]["learn_rate"] = {
        "@schedules": "spacy_ner_plus.warmup_linear_by_epochs.v1",
        "corpus": "${paths.train}",
    }
    optimizer = nlp.resume_training(sgd=nlp.get_pipe("transformer_ner").create_optimizer())
    before = weights(nlp)
    nlp.update(make_examples(nlp), sgd=optimizer)
    assert any((before[name] != tensor).any() for name, tensor in weights(nlp).items())


@pytest.mark.parametrize("labels", [["LOC", "ORG", "PER"], ["ANIMAL", "LOC", "ORG", "PER"], ["A", "B", "C"]])
def test_transformer_ner_initialized_again_starts_over(trained, labels):
    pipe = trained.get_pipe("transformer_ner")
    before = weights(trained)["head.weight"]
    pipe.initialize(list, labels=labels)
    after = weights(trained)["head.weight"]
    assert pipe.labels == tuple(labels)
    assert len(after) == 2 * len(labels) + 1
    assert after.shape != before.shape or (after != before).any()


def test_transformer_ner_stays_as_it_is_where_it_can_not_be_initialized_again(trained):
    pipe = trained.get_pipe("transformer_ner")
    tagger = pipe.token_scorer.tagger
    tagger.settings = replace(tagger.settings, encoder="")
    with pytest.raises(UserError, match="E201"):
        pipe.initialize(list, labels=["A", "B", "C"])
    assert entities(trained.pipe(TEXTS)) == entities(make_docs(trained.vocab))


def test_transformer_ner_can_be_sourced(trained):
    nlp = spacy.blank("en", vocab=trained.vocab)
    nlp.add_pipe("transformer_ner", source=trained)
    assert entities(nlp.pipe(TEXTS)) == entities(trained.pipe(TEXTS))


def test_transformer_ner_leaves_frozen_layers_alone(encoder_folder):
    nlp = make_pipeline(encoder_folder, model={"frozen_layers": 1})
    before = weights(nlp)
    train(nlp, steps=3)
    changed = {name for name, tensor in weights(nlp).items() if (tensor != before[name]).any()}
    assert not [name for name in changed if ".layer.0." in name or ".embeddings." in name]
    assert [name for name in changed if ".layer.1." in name]


def test_transformer_ner_trains_head_and_encoder_at_their_rates(encoder_folder):
    from thinc.api import Adam

    moved = {}
    for factor in (1.0, 100.0):
        nlp = make_pipeline(encoder_folder, model={"head_rate_factor": factor})
        before = weights(nlp)
        nlp.update(make_examples(nlp), sgd=Adam(1e-4, L2=0.0, use_averages=False), drop=0.0)
        after = weights(nlp)
        moved[factor] = {
            name: float((after[name] - before[name]).abs().max())
            for name in ("head.weight", "encoder.encoder.layer.0.output.dense.weight")
        }
    assert moved[100.0]["head.weight"] == pytest.approx(100 * moved[1.0]["head.weight"], rel=0.05)
    encoder = "encoder.encoder.layer.0.output.dense.weight"
    assert moved[100.0][encoder] == pytest.approx(moved[1.0][encoder], rel=0.05)


def test_transformer_ner_dropout_is_that_of_the_training(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    pipe = nlp.get_pipe("transformer_ner")
    losses = []
    for rate in (0.0, 0.0, 0.5):
        loss: dict[str, float] = {}
        nlp.update(make_examples(nlp), sgd=False, drop=rate, losses=loss)
        losses.append(loss["transformer_ner"])
    assert losses[0] == losses[1] != losses[2]
    rates = {m.p for m in pipe.token_scorer.tagger.network.modules() if type(m).__name__ == "Dropout"}
    assert rates <= {0.0, 0.5}
    assert 0.5 in rates


def test_transformer_ner_accumulates_gradients(encoder_folder):
    from thinc.api import Adam

    nlp = make_pipeline(encoder_folder)
    pipe = nlp.get_pipe("transformer_ner")
    before = weights(nlp)
    for example in make_examples(nlp)[:2]:
        nlp.update([example], sgd=False)
    unchanged = weights(nlp)
    assert all((unchanged[name] == before[name]).all() for name in before)
    pipe.finish_update(Adam(1e-3))
    assert (weights(nlp)["head.weight"] != before["head.weight"]).any()


def test_transformer_ner_bf16_finds_what_fp32_finds(trained_folder):
    expected = entities(spacy.load(trained_folder).pipe(TEXTS))
    nlp = spacy.load(trained_folder, config={"components.transformer_ner.precision": "bf16"})
    assert entities(nlp.pipe(TEXTS)) == expected


def test_transformer_ner_trains_in_bf16(encoder_folder):
    nlp = make_pipeline(encoder_folder, precision="bf16")
    history = train(nlp, steps=60)
    assert history[-1] < 0.2 * history[0]


def test_transformer_ner_uses_case_where_the_tokenizer_lowercases(encoder_folders):
    for kind, used in (("wordpiece", True), ("cased-wordpiece", False)):
        nlp = make_pipeline(encoder_folders[kind])
        assert (nlp.get_pipe("transformer_ner").token_scorer.tagger.network.cases is not None) is used


@pytest.mark.parametrize(("setting", "used"), [("always", True), ("never", False)])
def test_transformer_ner_case_features_can_be_set(encoder_folder, setting, used):
    nlp = make_pipeline(encoder_folder, model={"case_features": setting})
    assert (nlp.get_pipe("transformer_ner").token_scorer.tagger.network.cases is not None) is used


def test_transformer_ner_tells_case_apart_with_an_uncased_tokenizer(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    words, optimizer = ["polish", "Polish"], nlp.create_optimizer()
    optimizer.learn_rate = 3e-3
    docs = [
        Doc(nlp.vocab, words=["a", words[0]], ents=["O", "O"]),
        Doc(nlp.vocab, words=["a", words[1]], ents=["O", "B-LOC"]),
    ]
    for _ in range(60):
        nlp.update([Example(Doc(nlp.vocab, words=[t.text for t in doc]), doc) for doc in docs], sgd=optimizer)
    found = entities(nlp.get_pipe("transformer_ner")(Doc(nlp.vocab, words=["a", word])) for word in words)
    assert found == [[], [(1, 2, "LOC")]]


def test_transformer_ner_window_longer_than_the_encoder_is_refused(encoder_folder):
    with pytest.raises(UserError, match=r"E207.*507.*62"):
        make_pipeline(encoder_folder, window=500)


def test_transformer_ner_device_that_is_not_there_is_refused(encoder_folder):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    nlp = make_pipeline(encoder_folder, device="cuda")
    with pytest.raises(UserError, match=r"E205.*cuda"):
        nlp("Oslo")


def test_transformer_ner_is_a_factory_of_that_name():
    meta = Language.get_factory_meta("transformer_ner")
    assert meta.assigns == ["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type", "span._.score"]
    assert meta.default_score_weights["ents_f"] == 1.0


def test_transformer_ner_keeps_nothing_of_the_forward_pass_on_the_doc(trained):
    doc = trained(TEXTS[0])
    assert doc.tensor.size == 0
    assert not doc.user_data


def model_config(encoder: str) -> dict:
    return {
        "@architectures": "spacy_ner_plus.TransformerTagger.v2",
        "encoder": encoder,
        "window": 30,
        "overlap": 10,
    }


def scores_of(docs):
    return [doc.spans["transformer_ner"].attrs["scores"] for doc in docs]


def test_transformer_ner_scores_each_entity(trained):
    for doc in trained.pipe(TEXTS):
        group = doc.spans["transformer_ner"]
        assert [(s.start, s.end, s.label_) for s in group] == [(e.start, e.end, e.label_) for e in doc.ents]
        assert all(0.5 < ent._.score <= 1 for ent in doc.ents)


def test_transformer_ner_scores_are_of_the_whole_span(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    head = nlp.get_pipe("transformer_ner").token_scorer.tagger.network.head
    with torch.no_grad():
        head.weight.zero_()
        # B-LOC four times as likely as O and the rest, which are alike.
        head.bias.copy_(torch.tensor([0.0, np.log(4), -99.0, -99.0, -99.0, -99.0, -99.0]))
    doc = nlp("Oslo Oslo")
    assert [ent._.score for ent in doc.ents] == pytest.approx([0.8, 0.8])


def test_transformer_ner_writes_scores_under_the_key_that_is_given(trained_folder):
    nlp = spacy.load(trained_folder, config={"components.transformer_ner.spans_key": "found"})
    assert list(nlp(TEXTS[0]).spans) == ["found"]


def test_transformer_ner_finds_fewer_entities_the_higher_the_threshold(trained_folder):
    found = []
    for threshold in np.linspace(0, 1, 6):
        nlp = spacy.load(trained_folder, config={"components.transformer_ner.threshold": threshold})
        docs = list(nlp.pipe([*TEXTS, "Oslo Berg Acme In Globex Maria", "anna from Berlin Corp"]))
        assert all(score >= threshold for scores in scores_of(docs) for score in scores)
        found.append({(i, *span) for i, spans in enumerate(entities(docs)) for span in spans})
    assert all(more >= fewer for more, fewer in itertools.pairwise(found))
    assert found[0] > found[-1]


@pytest.mark.parametrize("threshold", [-0.1, 1.1])
def test_transformer_ner_refuses_a_threshold_that_is_no_probability(trained_folder, threshold):
    with pytest.raises(UserError, match=rf"E220.*{threshold}"):
        spacy.load(trained_folder, config={"components.transformer_ner.threshold": threshold})


def test_transformer_ner_keeps_a_threshold_that_was_set_and_saved(trained, tmp_path):
    trained.get_pipe("transformer_ner").cfg["threshold"] = 0.7
    trained.to_disk(tmp_path / "saved")
    assert spacy.load(tmp_path / "saved").get_pipe("transformer_ner").cfg["threshold"] == pytest.approx(0.7)
    given = spacy.load(tmp_path / "saved", config={"components.transformer_ner.threshold": 0.4})
    assert given.get_pipe("transformer_ner").cfg["threshold"] == 0.4


def test_transformer_ner_threshold_is_found_by_spacy(trained_folder, tmp_path):
    from spacy.cli.find_threshold import find_threshold
    from spacy.tokens import DocBin

    DocBin(docs=make_docs(spacy.blank("en").vocab)).to_disk(tmp_path / "dev.spacy")
    _, best, scores = find_threshold(
        str(trained_folder), tmp_path / "dev.spacy", "transformer_ner", "threshold", "ents_f", n_trials=3
    )
    assert best == 1.0
    assert scores[1.0] < 1.0


def test_transformer_ner_temperature_changes_scores_alone_and_is_saved(trained, tmp_path):
    before = list(trained.pipe(TEXTS))
    trained.get_pipe("transformer_ner").cfg["temperature"] = 4.0
    trained.to_disk(tmp_path / "saved")
    after = list(spacy.load(tmp_path / "saved").pipe(TEXTS))
    assert entities(after) == entities(before)
    assert all(
        a < b
        for old, new in zip(scores_of(before), scores_of(after), strict=True)
        for a, b in zip(new, old, strict=True)
    )


def test_transformer_ner_reads_where_lines_begin(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    pipe = nlp.get_pipe("transformer_ner")
    torch.nn.init.normal_(pipe.token_scorer.tagger.network.lines.weight.data)
    one, two = (pipe.token_scorer.score([nlp.make_doc(text)]).data for text in ("In Oslo", "In\nOslo"))
    assert np.abs(one[-1] - two[-1]).max() > 1e-3


@pytest.mark.parametrize("lines", [True, False])
def test_transformer_ner_is_told_of_lines_as_configured(encoder_folder, lines):
    nlp = make_pipeline(encoder_folder, model={"line_features": lines})
    assert (nlp.get_pipe("transformer_ner").token_scorer.tagger.network.lines is not None) is lines


def test_transformer_ner_consistency_is_as_configured(trained_folder):
    text = "Anna Berg flew from Oslo to Paris, and ANNA BERG saw Oslo"
    scores = []
    for consistency in (0.0, 0.9):
        nlp = spacy.load(trained_folder, config={"components.transformer_ner.consistency": consistency})
        scores.append(scores_of(nlp.pipe([text])))
    assert scores[0] != scores[1]


def test_transformer_ner_refuses_a_consistency_that_is_no_share(trained_folder):
    with pytest.raises(UserError, match=r"E231.*1\.5"):
        spacy.load(trained_folder, config={"components.transformer_ner.consistency": 1.5})


@pytest.mark.parametrize(("head_layers", "read"), [(1, 1), (2, 2), (4, 2)])
def test_transformer_ner_reads_the_last_layers_as_configured(encoder_folder, tmp_path, head_layers, read):
    nlp = make_pipeline(encoder_folder, model={"head_layers": head_layers})
    network = nlp.get_pipe("transformer_ner").token_scorer.tagger.network
    # The encoder has two layers.
    assert network.head.in_features == read * network.encoder.config.hidden_size
    expected = nlp.get_pipe("transformer_ner").token_scorer.score([nlp.make_doc(TEXTS[0])]).data
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    found = loaded.get_pipe("transformer_ner").token_scorer.score([loaded.make_doc(TEXTS[0])]).data
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tagger.json", "tokenizer.json"])
def test_transformer_ner_that_is_cut_on_disk_is_one_message(trained_folder, tmp_path, name):
    import shutil

    folder = shutil.copytree(trained_folder, tmp_path / "cut")
    path = folder / "transformer_ner" / "model" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=r"E222.*transformer_ner"):
        spacy.load(folder)
    path.unlink()
    with pytest.raises(UserError, match=r"E2(09|22).*transformer_ner"):
        spacy.load(folder)


def test_transformer_ner_with_labels_of_another_training_is_one_message(trained_folder, tmp_path):
    import shutil

    import srsly

    folder = shutil.copytree(trained_folder, tmp_path / "mixed")
    path = folder / "transformer_ner" / "cfg"
    srsly.write_json(path, {**srsly.read_json(path), "labels": ["A", "B"]})
    with pytest.raises(UserError, match=r"E223.*7 tags.*A, B"):
        spacy.load(folder)


def test_transformer_ner_int8_finds_about_the_same(trained_folder):
    nlp = spacy.load(trained_folder, config={"components.transformer_ner.precision": "int8"})
    expected = entities(spacy.load(trained_folder).pipe(TEXTS))
    assert entities(nlp.pipe(TEXTS)) == expected
    saved = nlp.get_pipe("transformer_ner").token_scorer.tagger.to_files()["model.safetensors"]
    assert saved == (trained_folder / "transformer_ner" / "model" / "model.safetensors").read_bytes()


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_transformer_ner_threshold_given_at_load_wins_over_one_that_was_saved(trained, tmp_path, threshold):
    trained.get_pipe("transformer_ner").cfg["threshold"] = 0.7
    trained.to_disk(tmp_path / "saved")
    nlp = spacy.load(tmp_path / "saved", config={"components.transformer_ner.threshold": threshold})
    assert nlp.get_pipe("transformer_ner").cfg["threshold"] == threshold


def test_transformer_ner_threshold_of_the_config_wins_over_bytes(trained):
    nlp = spacy.blank("en")
    nlp.add_pipe("transformer_ner", config={"model": model_config(""), "threshold": 0.9})
    nlp.from_bytes(trained.to_bytes())
    assert nlp.get_pipe("transformer_ner").cfg["threshold"] == 0.9


def test_transformer_ner_sourced_under_another_name_writes_scores_under_it(trained):
    nlp = spacy.blank("en")
    nlp.add_pipe("transformer_ner", name="second", source=trained)
    assert set(nlp(TEXTS[0]).spans) == {"second"}


@pytest.mark.parametrize(
    ("content", "message"),
    [('{"labels": ["A"', "no JSON"), ("[]", "broken"), ("{}", "no labels"), ("", "no JSON")],
)
def test_transformer_ner_with_broken_settings_is_one_message(trained_folder, tmp_path, content, message):
    import shutil

    folder = shutil.copytree(trained_folder, tmp_path / "broken")
    (folder / "transformer_ner" / "cfg").write_text(content)
    with pytest.raises(UserError, match=rf"E241.*transformer_ner.*cfg.*{message}"):
        spacy.load(folder)


@pytest.mark.parametrize("content", ["{}", "[]", "7", '{"n_tags": "7"}'])
def test_transformer_ner_with_broken_sizes_is_one_message(trained_folder, tmp_path, content):
    import shutil

    folder = shutil.copytree(trained_folder, tmp_path / "broken")
    (folder / "transformer_ner" / "model" / "tagger.json").write_text(content)
    with pytest.raises(UserError, match="E222"):
        spacy.load(folder)


def test_transformer_ner_without_its_network_is_one_message(trained_folder, tmp_path):
    import shutil

    folder = shutil.copytree(trained_folder, tmp_path / "broken")
    shutil.rmtree(folder / "transformer_ner" / "model")
    with pytest.raises(UserError, match="E209"):
        spacy.load(folder)


def test_transformer_ner_that_is_not_initialized_says_so_of_any_text(nlp):
    nlp.add_pipe("transformer_ner")
    with pytest.raises(UserError, match="E208"):
        nlp("")


def test_transformer_ner_is_saved_where_its_device_is_not(trained_folder, tmp_path):
    nlp = spacy.load(trained_folder, config={"components.transformer_ner.device": "cuda:99"})
    nlp.to_disk(tmp_path / "saved")
    assert (tmp_path / "saved" / "transformer_ner" / "model" / "model.safetensors").exists()
