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


def test_architectures_refuse_a_head_that_reads_nothing():
    build = registry.architectures.get("spacy_ner_plus.TransformerTagger.v1")
    with pytest.raises(UserError, match=r"E230.*0"):
        build(encoder="x", head_layers=0)
