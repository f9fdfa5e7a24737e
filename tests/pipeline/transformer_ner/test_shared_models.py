"""`transformer_ner` over models that are not its own: a listener, a convolutional network."""

import pytest
import spacy
from spacy.language import Language

from spacy_ner_plus.errors import UserError
from tests.conftest import TEXTS, make_examples, train

CNN = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "pretrained_vectors": None,
    "width": 32,
    "depth": 2,
    "embed_size": 200,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": True,
}
TRANSFORMER_LISTENER = {
    "@architectures": "spacy-transformers.TransformerListener.v1",
    "grad_factor": 1.0,
    "pooling": {"@layers": "reduce_mean.v1"},
}
TOK2VEC_LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32}


def tagger(tok2vec: dict) -> dict:
    return {"model": {"@architectures": "spacy_ner_plus.Tok2VecTagger.v1", "tok2vec": tok2vec}}


def with_transformer(encoder: str) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe(
        "transformer",
        config={
            "model": {
                "@architectures": "spacy-transformers.TransformerModel.v3",
                "name": encoder,
                "tokenizer_config": {"use_fast": True},
                "get_spans": {
                    "@span_getters": "spacy-transformers.strided_spans.v1",
                    "window": 12,
                    "stride": 8,
                },
            }
        },
    )
    nlp.add_pipe("transformer_ner", config=tagger(TRANSFORMER_LISTENER))
    return nlp


def make(kind: str, encoder: str) -> Language:
    if kind == "transformer-listener":
        pytest.importorskip("spacy_transformers")
        return with_transformer(encoder)
    nlp = spacy.blank("en")
    if kind == "tok2vec-listener":
        nlp.add_pipe("tok2vec", config={"model": CNN})
        nlp.add_pipe("transformer_ner", config=tagger(TOK2VEC_LISTENER))
    else:
        nlp.add_pipe("transformer_ner", config=tagger(CNN))
    return nlp


@pytest.mark.parametrize("kind", ["cnn", "tok2vec-listener", "transformer-listener"])
def test_shared_models_learn_and_are_the_same_from_disk(encoder_folder, tmp_path, kind):
    nlp = make(kind, encoder_folder)
    nlp.initialize(lambda: make_examples(nlp))
    train(nlp, steps=100, rate=2e-3)
    assert nlp.evaluate(make_examples(nlp))["ents_f"] == 1.0
    nlp.to_disk(tmp_path / "saved")
    again = spacy.load(tmp_path / "saved")
    assert again.evaluate(make_examples(again))["ents_f"] == 1.0
    one, two = nlp(TEXTS[0]), again(TEXTS[0])
    assert [ent._.score for ent in two.ents] == pytest.approx([ent._.score for ent in one.ents], abs=1e-4)


def test_shared_models_feed_several_components_from_one_encoder(encoder_folder):
    pytest.importorskip("spacy_transformers")
    nlp = with_transformer(encoder_folder)
    nlp.add_pipe("transformer_ner", name="second", config=tagger(TRANSFORMER_LISTENER))
    nlp.initialize(lambda: make_examples(nlp))
    assert len(nlp.get_pipe("transformer").listeners) == 2
    assert set(nlp(TEXTS[0]).spans) == {"transformer_ner", "second"}


@pytest.mark.parametrize("setting", [{"device": "cuda"}, {"precision": "bf16"}])
def test_shared_models_refuse_settings_that_they_do_not_take(setting):
    with pytest.raises(UserError, match=r"E221.*transformer_ner"):
        spacy.blank("en").add_pipe("transformer_ner", config={**tagger(CNN), **setting})


@pytest.mark.parametrize("text", ["", "  \n ", "\nAnna Berg \n"])
def test_shared_models_take_any_text(text):
    nlp = make("cnn", "")
    nlp.initialize(lambda: make_examples(nlp))
    doc = nlp(text)
    assert doc.text == text
    assert not any(ent[0].is_space or ent[-1].is_space for ent in doc.ents)


def test_shared_models_cut_on_disk_are_one_message(tmp_path):
    nlp = make("cnn", "")
    nlp.initialize(lambda: make_examples(nlp))
    nlp.to_disk(tmp_path / "cut")
    path = tmp_path / "cut" / "transformer_ner" / "model" / "model.msgpack"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"E222.*transformer_ner"):
        spacy.load(tmp_path / "cut")


def test_shared_models_are_the_same_pickled():
    import pickle

    nlp = make("cnn", "")
    nlp.initialize(lambda: make_examples(nlp))
    train(nlp, steps=40, rate=2e-3)
    again = pickle.loads(pickle.dumps(nlp))
    assert [ent.text for ent in again(TEXTS[0]).ents] == [ent.text for ent in nlp(TEXTS[0]).ents]


@pytest.mark.parametrize("labels", [["A", "LOC", "ORG", "PER"], ["LOC", "ORG", "PER"], ["A"]])
def test_shared_models_initialized_again_start_over(tmp_path, labels):
    nlp = make("cnn", "")
    nlp.initialize(lambda: make_examples(nlp))
    train(nlp, steps=5, rate=2e-3)
    pipe = nlp.get_pipe("transformer_ner")
    pipe.initialize(lambda: make_examples(nlp), labels=labels)
    assert pipe.token_scorer.score([nlp.make_doc("Oslo")]).data.tolist() == [[0.0] * (2 * len(labels) + 1)]
    nlp.to_disk(tmp_path / "saved")
    assert spacy.load(tmp_path / "saved").get_pipe("transformer_ner").labels == tuple(labels)


def test_shared_models_say_what_a_bare_layer_lacks():
    nlp = spacy.blank("en")
    nlp.add_pipe("transformer_ner", config={"model": CNN})
    with pytest.raises(UserError, match=r"E2.*Tok2VecTagger|E2.*width"):
        nlp.initialize(lambda: make_examples(nlp))
