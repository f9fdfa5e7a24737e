"""The tokenizer of a pipeline's language, in configs in which the language may change."""

import pytest
import spacy
from spacy.util import load_config, load_model_from_config

from tests.conftest import ROOT

CONFIG = ROOT / "configs" / "cnn_ner.cfg"


@pytest.mark.parametrize(
    ("lang", "text"), [("en", "It's in the U.S.A."), ("zh", "张伟住在北京。"), ("xx", "It's here.")]
)
def test_language_tokenizer_is_that_of_a_blank_pipeline(lang, text, tmp_path):
    nlp = load_model_from_config(load_config(CONFIG, overrides={"nlp.lang": lang}), auto_fill=True)
    words = [token.text for token in spacy.blank(lang).make_doc(text)]
    assert [token.text for token in nlp.make_doc(text)] == words
    nlp.to_disk(tmp_path / lang)
    assert [token.text for token in spacy.load(tmp_path / lang).make_doc(text)] == words
