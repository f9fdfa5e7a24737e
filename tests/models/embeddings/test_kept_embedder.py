import numpy as np
import pytest

from spacy_ner_plus.models.embeddings import kept_embedder
from spacy_ner_plus.models.embeddings.embedder import Embedder
from spacy_ner_plus.models.embeddings.kept_embedder import KeptEmbedder
from spacy_ner_plus.models.embeddings.vector_store import VectorStore
from tests.conftest import TEXTS


@pytest.fixture
def make(encoder_folder, tmp_path):
    def make_embedder(precision: str = "fp32") -> KeptEmbedder:
        embedder = Embedder(encoder_folder, device="cpu", precision=precision)
        return KeptEmbedder(embedder, VectorStore(tmp_path, embedder.folder))

    return make_embedder


def test_kept_embedder_embeds_no_text_twice(make):
    first = make()
    made = first.embed([*TEXTS, TEXTS[0]])
    assert (first.embedded, first.from_store) == (len(TEXTS), 0)
    assert np.array_equal(made.vectors[0], made.vectors[-1])
    again = make()
    found = again.embed(TEXTS[::-1])
    assert (again.embedded, again.from_store) == (0, len(TEXTS))
    assert np.array_equal(found.vectors, made.vectors[:-1][::-1])
    # What is known needs no model.
    assert "_runner" not in vars(again._embedder)


def test_kept_embedder_takes_up_where_a_run_ended(make, monkeypatch):
    monkeypatch.setattr(kept_embedder, "CHUNK", 2)
    first = make()
    embed, calls = first._embedder.embed, []

    def fail(texts, kind):
        calls.append(texts)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return embed(texts, kind)

    monkeypatch.setattr(first._embedder, "embed", fail)
    with pytest.raises(KeyboardInterrupt):
        first.embed(TEXTS)
    second = make()
    second.embed(TEXTS)
    assert (second.embedded, second.from_store) == (2, 4)


def test_kept_embedder_takes_other_floats_only_where_any_will_do(make):
    make("bf16").embed(TEXTS)
    exact, any_will_do = make("fp32"), make("auto")
    exact.embed(TEXTS[:2])
    any_will_do.embed(TEXTS)
    assert (exact.embedded, any_will_do.embedded) == (2, 0)


def test_kept_embedder_without_a_store_embeds_each_time(encoder_folder):
    embedder = KeptEmbedder(Embedder(encoder_folder, device="cpu", precision="fp32"), None)
    embedder.embed(TEXTS)
    embedder.embed(TEXTS)
    assert embedder.embedded == 2 * len(TEXTS)
    assert embedder.embed([]).vectors.shape[0] == 0
