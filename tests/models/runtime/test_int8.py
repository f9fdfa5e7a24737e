import numpy as np
import pytest

from spacy_ner_plus.models.runtime.int8 import WORDPIECES, Int8Sample
from tests.conftest import make_docs, make_pipeline


def test_int8_sample_keeps_few_inputs_of_large_batches_and_measures_on_them(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    tagger = nlp.get_pipe("transformer_ner").token_scorer.tagger
    # A GPU's budget: all windows in one micro-batch.
    tagger.budget.wordpieces = 16 * WORDPIECES
    docs = make_docs(nlp.vocab)
    batch = tagger.micro_batches(docs * (4 * WORDPIECES // sum(map(len, docs))))[0]
    assert batch.ids.size > 2 * WORDPIECES
    sample = Int8Sample()
    sample.add([batch])
    (kept,) = sample._batches
    assert 0 < kept.ids.size <= WORDPIECES
    assert len(kept.places) == len(kept.tokens) > 0
    assert kept.places.max() < kept.ids.size
    assert np.array_equal(kept.ids, batch.ids[: len(kept.ids)])
    sample.measure(tagger.network)
    assert tagger.network.ranges is not None


def test_int8_sample_lets_a_network_be_saved_where_memory_runs_out(encoder_folder, monkeypatch):
    nlp = make_pipeline(encoder_folder)
    tagger = nlp.get_pipe("transformer_ner").token_scorer.tagger
    sample = Int8Sample()
    sample.add(tagger.micro_batches(make_docs(nlp.vocab)))

    def run_out(*args):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("spacy_ner_plus.models.runtime.int8.measure_ranges", run_out)
    tagger.network.train()
    with pytest.warns(UserWarning, match="W204"):
        sample.measure(tagger.network)
    assert tagger.network.ranges is None
    assert tagger.network.training
