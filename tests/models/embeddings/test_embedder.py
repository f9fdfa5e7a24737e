import numpy as np
import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.embeddings.embedder import Embedder
from spacy_ner_plus.models.embeddings.own_layers import OwnLayers
from spacy_ner_plus.models.embeddings.sentence_transformer import BySentenceTransformers
from tests.conftest import TEXTS

LONG = " ".join(TEXTS * 4)
ODD = ["", " ", "🙂", "Zoë\u0301 in\u00a0Łódź", "x" * 300, "line\nbreak\r\nand\ttab"]


def test_embedder_loads_nothing_before_the_first_text(encoder_folder):
    embedder = Embedder(encoder_folder, device="cpu")
    assert "_runner" not in vars(embedder)
    assert embedder.embed(TEXTS).vectors.shape == (len(TEXTS), 32)
    assert isinstance(vars(embedder)["_runner"], OwnLayers)


@pytest.mark.parametrize("kind", ["wordpiece", "cased-wordpiece", "bpe"])
def test_embedder_gives_what_sentence_transformers_gives(encoder_folders, kind):
    pytest.importorskip("sentence_transformers")
    # A byte-level BPE has other wordpieces at the beginning of a part than within a text.
    texts = [*TEXTS, *ODD, LONG] if kind != "bpe" else TEXTS
    embedder = Embedder(encoder_folders[kind], device="cpu", precision="fp32")
    theirs, parts = BySentenceTransformers(embedder.folder.path, "cpu", "fp32").embed(texts)
    ours = embedder.embed(texts)
    assert np.abs(ours.vectors - theirs).max() < 1e-5
    assert ours.parts.tolist() == parts.tolist()
    assert (ours.parts[-1] > 1) == (kind != "bpe")


def test_embedder_embeds_a_text_alike_whatever_stands_beside_it(encoder_folder):
    embedder = Embedder(encoder_folder, device="cpu", precision="fp32")
    together = embedder.embed([*TEXTS, LONG]).vectors
    alone = np.concatenate([embedder.embed([text]).vectors for text in [*TEXTS, LONG]])
    assert np.abs(together - alone).max() < 1e-5


def test_embedder_reads_the_end_of_a_long_text(encoder_folder):
    embedder = Embedder(encoder_folder, device="cpu", precision="fp32")
    vectors = embedder.embed([LONG, f"{LONG} Maria Lopez met Anna Berg ."]).vectors
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3


def test_embedder_in_bf16_is_as_near_as_promised(encoder_folder):
    fp32, bf16 = (
        Embedder(encoder_folder, device="cpu", precision=name).embed([*TEXTS, LONG]).vectors
        for name in ("fp32", "bf16")
    )
    assert 0 < 1 - (fp32 * bf16).sum(axis=1).min() < 1e-3


def test_embedder_refuses_a_precision_that_is_none(encoder_folder):
    with pytest.raises(UserError, match="E670"):
        Embedder(encoder_folder, precision="int8")
