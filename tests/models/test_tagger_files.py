"""A tagger's files: how its network reads texts is saved with it."""

import json

import pytest
import spacy

from tests.conftest import make_pipeline


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
