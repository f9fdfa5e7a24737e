import json
import pickle
import shutil
from pathlib import Path

import pytest
import spacy

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.encoders.pretrained import load_encoder
from tests.conftest import TEXTS, make_examples, make_pipeline, train
from tests.encoders import FAMILIES, save_family


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {kind: save_family(kind, tmp_path_factory.mktemp(kind)) for kind in FAMILIES}


def eight_examples(nlp):
    examples = make_examples(nlp)
    return [*examples, *make_examples(nlp)[:2]]


@pytest.mark.parametrize("kind", FAMILIES)
def test_encoder_families_overfit_eight_documents_through_save_and_load(folders, tmp_path, kind):
    nlp = make_pipeline(folders[kind])
    train(nlp, steps=100)
    assert len(eight_examples(nlp)) == 8
    assert nlp.evaluate(eight_examples(nlp))["ents_f"] == 1.0
    nlp.to_disk(tmp_path / "saved")
    again = spacy.load(tmp_path / "saved")
    assert again.evaluate(eight_examples(again))["ents_f"] == 1.0


@pytest.mark.parametrize("kind", FAMILIES)
def test_encoder_families_keep_their_classes(folders, kind):
    encoder, tokenizer = load_encoder(folders[kind])
    config = json.loads((Path(folders[kind]) / "config.json").read_text())
    assert type(encoder).__name__ == config["architectures"][0]
    assert tokenizer([TEXTS[0]]).ids.size


@pytest.mark.parametrize("kind", FAMILIES)
def test_encoder_families_take_their_longest_window_and_long_documents(folders, kind):
    nlp = make_pipeline(folders[kind], window=55, overlap=10)
    doc = nlp(" ".join(TEXTS * 20))
    scores = nlp.get_pipe("transformer_ner").token_scorer.score([doc]).data
    assert abs(scores).sum(axis=1).all()


@pytest.mark.parametrize("kind", FAMILIES)
def test_encoder_families_compute_in_bf16(folders, kind):
    nlp = make_pipeline(folders[kind], precision="bf16")
    train(nlp, steps=3)
    assert nlp(TEXTS[0]).text == TEXTS[0]


@pytest.mark.parametrize("kind", FAMILIES)
def test_encoder_families_are_the_same_pickled_after_use(folders, kind):
    # transformers 5 hangs functions on the modules of some that can't be pickled.
    nlp = make_pipeline(folders[kind])
    train(nlp, steps=1)
    expected = [(ent.text, ent._.score) for ent in nlp(TEXTS[0]).ents]
    again = pickle.loads(pickle.dumps(nlp))
    assert [(ent.text, ent._.score) for ent in again(TEXTS[0]).ents] == expected


@pytest.mark.parametrize("kind", FAMILIES)
def test_encoder_families_run_under_openvino(folders, kind):
    pytest.importorskip("openvino")
    nlp = make_pipeline(folders[kind], precision="fp32")
    train(nlp, steps=3)
    docs = [nlp.make_doc(text) for text in (*TEXTS, " ".join(TEXTS * 20))]
    pipe = nlp.get_pipe("transformer_ner")
    expected = pipe.token_scorer.score(docs).data
    pipe.token_scorer.configure("openvino", "fp32")
    assert abs(pipe.token_scorer.score(docs).data - expected).max() < 1e-3


def test_encoder_cut_on_disk_is_one_message(folders, tmp_path):
    folder = shutil.copytree(folders["bert"], tmp_path / "cut")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match=r"E202.*cut"):
        load_encoder(str(folder))


def test_encoder_of_another_kind_is_refused(tmp_path):
    from transformers import T5Config, T5Model, ViTConfig, ViTModel

    t5 = T5Model(T5Config(vocab_size=100, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2))
    vit = ViTModel(
        ViTConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32
        )
    )
    for name, model in (("t5", t5), ("vit", vit)):
        save_family("bert", tmp_path / name)
        model.save_pretrained(tmp_path / name, safe_serialization=True)
        with pytest.raises(UserError, match=r"E20[26].*(T5|ViT|vit)"):
            load_encoder(str(tmp_path / name))


def test_encoder_with_a_sentencepiece_model_alone_is_read(folders, tmp_path):
    # As DeBERTa-v3 is published: spm.model and no tokenizer.json.
    sentencepiece = pytest.importorskip("sentencepiece")
    pytest.importorskip("google.protobuf")
    folder = shutil.copytree(folders["deberta-v3"], tmp_path / "published")
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false, "vocab_type": "spm"}')
    special = {"pad": "[PAD]", "bos": "[CLS]", "eos": "[SEP]", "unk": "[UNK]"}
    options = {f"{name}_piece": piece for name, piece in special.items()}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20),
        model_prefix=str(folder / "spm"),
        vocab_size=60,
        pad_id=0,
        bos_id=1,
        eos_id=2,
        unk_id=3,
        user_defined_symbols=["[MASK]"],
        minloglevel=2,
        **options,
    )
    _, tokenizer = load_encoder(str(folder))
    pieces = tokenizer([TEXTS[0]])
    first = pieces.starts[0]
    assert TEXTS[0][first : first + 1] in ("A", " ")
    assert pieces.ends[-1] == len(TEXTS[0])


@pytest.mark.parametrize(
    ("name", "content"),
    [("tokenizer.json", ""), ("tokenizer.json", "{"), ("config.json", "[]"), ("config.json", "{")],
)
def test_encoder_with_a_broken_file_is_one_message(folders, tmp_path, name, content):
    folder = shutil.copytree(folders["bert"], tmp_path / "broken")
    (folder / name).write_text(content)
    with pytest.raises(UserError, match=r"E202.*broken"):
        load_encoder(str(folder))


def test_encoder_of_another_size_than_its_config_says_is_one_message(folders, tmp_path):
    folder = shutil.copytree(folders["bert"], tmp_path / "other")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_size": 64}))
    with pytest.raises(UserError, match=r"E202.*other"):
        load_encoder(str(folder))


def test_encoder_families_are_saved_for_transformers_4_and_5(folders):
    _, tokenizer = load_encoder(folders["modernbert"])
    assert b"TokenizersBackend" not in tokenizer.to_files()["tokenizer_config.json"]
