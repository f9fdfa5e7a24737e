import pytest
from spacy import registry

from spacy_ner_plus.errors import UserError


def test_architectures_are_registered():
    build = registry.architectures.get("spacy_ner_plus.TransformerTagger.v1")
    assert build(encoder="x").name == "transformer_tagger"


@pytest.mark.parametrize("overlap", [-1, 100, 200])
def test_architectures_refuse_an_overlap_that_does_not_fit(overlap):
    build = registry.architectures.get("spacy_ner_plus.TransformerTagger.v1")
    with pytest.raises(UserError, match=rf"E211.*{overlap}"):
        build(encoder="x", window=100, overlap=overlap)
