"""A tagger as plain data: what copies and pickles of it keep, and what they leave behind."""

import copy
import io
import pickle
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
import spacy
import torch

from spacy_ner_plus.models.tagger_state import TaggerState
from tests.conftest import TEXTS, make_docs, make_pipeline, train


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


COPIES = pytest.mark.parametrize("copied", [copy.deepcopy, pickled])


def scorer_of(nlp):
    return nlp.get_pipe("transformer_ner").token_scorer


def weights_of(nlp) -> dict[str, torch.Tensor]:
    return {k: w.detach().clone() for k, w in scorer_of(nlp).tagger.network.state_dict().items()}


def is_trained(nlp) -> dict[str, bool]:
    return {name: w.requires_grad for name, w in scorer_of(nlp).tagger.network.named_parameters()}


@COPIES
@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_tagger_state_scores_as_before_after_use(trained_folder, copied, precision):
    nlp = spacy.load(trained_folder, config={"components.transformer_ner.precision": precision})
    docs = make_docs(nlp.vocab)
    expected = scorer_of(nlp).score(docs).data
    assert (scorer_of(copied(nlp)).score(docs).data == expected).all()
    assert (scorer_of(nlp).score(docs).data == expected).all()


@COPIES
def test_tagger_state_keeps_which_weights_are_trained(encoder_folder, copied):
    nlp = make_pipeline(encoder_folder, model={"frozen_layers": 1})
    scorer_of(nlp).tagger.network.head.bias.requires_grad_(False)
    scorer_of(nlp).tagger.network.encoder.embeddings.requires_grad_(True)
    assert is_trained(copied(nlp)) == is_trained(nlp)


@COPIES
def test_tagger_state_is_of_its_own(trained, copied):
    before = weights_of(trained)
    other = copied(trained)
    train(other, steps=3)
    assert all(torch.equal(w, before[name]) for name, w in weights_of(trained).items())
    assert any(not torch.equal(w, before[name]) for name, w in weights_of(other).items())


@COPIES
def test_tagger_state_leaves_the_optimizer_s_averages_behind_as_a_saved_pipeline_does(
    encoder_folder, tmp_path, copied
):
    nlp = make_pipeline(encoder_folder)
    size = len(pickle.dumps(scorer_of(nlp).model))
    train(nlp, steps=3)
    assert len(pickle.dumps(scorer_of(nlp).model)) < 1.1 * size
    nlp.to_disk(tmp_path / "saved")
    histories = []
    for other in (copied(nlp), spacy.load(tmp_path / "saved")):
        torch.manual_seed(1)
        histories.append(train(other, steps=3))
    assert histories[0] == pytest.approx(histories[1], rel=1e-5)


@COPIES
def test_tagger_state_draws_no_random_numbers(trained, copied):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    copied(trained)
    assert torch.rand(1) == expected


def test_tagger_state_shares_no_memory_with_the_process_it_is_sent_to(trained):
    # torch would move tensors to shared memory, of which a container has 64 MB.
    trained(TEXTS[0])
    again = pickle.loads(ForkingPickler.dumps(scorer_of(trained).model))
    for model in (scorer_of(trained).model, again):
        assert not any(weight.is_shared() for weight in model.shims[0].network.state_dict().values())


def test_tagger_state_can_be_trained_on_where_it_was_read_from_memory_that_must_not_be_written_to(trained):
    network = scorer_of(trained).tagger.network
    state = TaggerState.of(network)
    for array in state.weights.values():
        array.flags.writeable = False
    state.fill(network)
    assert network.head.weight.detach().numpy().flags.writeable
    train(trained, steps=1)


def test_tagger_state_is_no_copy_of_the_weights_on_a_cpu(trained):
    network = scorer_of(trained).tagger.network
    state = TaggerState.of(network)
    assert np.shares_memory(state.weights["head.weight"], network.head.weight.detach().numpy())


def test_tagger_state_begins_with_all_memory_again(trained):
    scorer_of(trained).tagger.budget.wordpieces = 7
    copied = pickled(trained)
    assert scorer_of(copied).tagger.budget.wordpieces == scorer_of(copied).tagger.settings.batch_wordpieces


def test_tagger_state_of_a_network_that_is_not_made_yet():
    nlp = spacy.blank("en")
    nlp.add_pipe("transformer_ner")
    stream = io.BytesIO(pickle.dumps(nlp))
    assert scorer_of(pickle.load(stream)).n_tags is None
