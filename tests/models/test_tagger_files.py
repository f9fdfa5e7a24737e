"""A tagger's files: how its network reads texts is saved with it."""

import json

import pytest
import spacy
from safetensors.torch import load_file, save_file

from spacy_ner_plus.errors import UserError
from tests.conftest import make_pipeline, train


@pytest.fixture
def saved(encoder_folder, tmp_path):
    make_pipeline(encoder_folder).to_disk(tmp_path / "saved")
    return tmp_path / "saved"


def cuts(folder) -> bool:
    return spacy.load(folder).get_pipe("transformer_ner").token_scorer.tokenizer.cuts_at_tokens


def test_tagger_files_say_that_wordpieces_are_cut_at_tokens(saved):
    assert cuts(saved) is True


def test_tagger_files_of_before_have_whole_wordpieces_and_keep_them(saved, tmp_path):
    path = saved / "transformer_ner" / "model" / "tagger.json"
    sizes = json.loads(path.read_text(encoding="utf8"))
    del sizes["cuts_at_tokens"]
    path.write_text(json.dumps(sizes), encoding="utf8")
    assert cuts(saved) is False
    spacy.load(saved).to_disk(tmp_path / "again")
    assert cuts(tmp_path / "again") is False


def tagger_of(nlp):
    return nlp.get_pipe("transformer_ner").token_scorer.tagger


def ranges_of(nlp) -> dict[str, list]:
    ranges = tagger_of(nlp).network.ranges
    return {name: tensor.tolist() for name, tensor in ranges.to_tensors().items()}


def test_tagger_files_have_the_ranges_that_eight_bits_need(trained_folder, tmp_path):
    nlp = spacy.load(trained_folder)
    assert tagger_of(nlp).int8_cost is None or 0 <= tagger_of(nlp).int8_cost < 5
    nlp.to_disk(tmp_path / "again")
    assert ranges_of(spacy.load(tmp_path / "again")) == ranges_of(nlp)
    assert tagger_of(spacy.load(tmp_path / "again")).int8_cost == tagger_of(nlp).int8_cost


def test_tagger_files_have_new_ranges_when_the_network_was_trained_on(trained_folder, tmp_path):
    nlp = spacy.load(trained_folder)
    before = ranges_of(nlp)
    train(nlp, steps=2)
    assert tagger_of(nlp).network.ranges is None
    nlp.to_disk(tmp_path / "again")
    assert ranges_of(nlp) != before


def test_tagger_files_without_ranges_predict_in_eight_bits_by_torch(saved):
    assert not (saved / "transformer_ner" / "model" / "ranges.safetensors").exists()
    nlp = spacy.load(saved, config={"components.transformer_ner.precision": "int8"})
    assert tagger_of(nlp).int8_cost is None
    assert len(nlp("Anna lives in Oslo.")) == 5


def test_tagger_files_with_ranges_of_another_network_are_read_without_them(trained_folder, tmp_path):
    nlp = spacy.load(trained_folder)
    nlp.to_disk(tmp_path / "again")
    path = tmp_path / "again" / "transformer_ner" / "model" / "ranges.safetensors"
    ranges = load_file(path)
    save_file({name: tensor[:1].contiguous() for name, tensor in ranges.items()}, path)
    assert tagger_of(spacy.load(tmp_path / "again")).network.ranges is None


def test_tagger_files_with_broken_ranges_are_refused(trained_folder, tmp_path):
    spacy.load(trained_folder).to_disk(tmp_path / "again")
    path = tmp_path / "again" / "transformer_ner" / "model" / "ranges.safetensors"
    path.write_bytes(b"no tensors")
    with pytest.raises(UserError, match="E222"):
        spacy.load(tmp_path / "again")


@pytest.mark.parametrize("cost", ["0.05", -1, True, [0.1]])
def test_tagger_files_with_a_broken_cost_of_eight_bits_are_refused(trained_folder, tmp_path, cost):
    spacy.load(trained_folder).to_disk(tmp_path / "again")
    path = tmp_path / "again" / "transformer_ner" / "model" / "tagger.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "int8_cost": cost}))
    with pytest.raises(UserError, match=r"E222.*int8_cost is"):
        spacy.load(tmp_path / "again")
