import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.inputs.batching import MicroBatch
from spacy_ner_plus.models.runtime.memory import Budget, is_out_of_memory
from tests.conftest import ROOT, TEXTS, make_examples, make_pipeline

TOO_MUCH = 2**60


def micro_batches(rows: int, length: int):
    """Micro-batches of so many equal windows in all, under a budget."""

    def make(budget: int):
        at_once = max(1, budget // length)
        for begin in range(0, rows, at_once):
            shape = (min(at_once, rows - begin), length)
            yield MicroBatch(np.zeros(shape), *([None] * 5))

    return make


def forward_within(most: int):
    """A forward pass that asks for more memory than there is beyond so many wordpieces."""

    def forward(batch):
        torch.empty(TOO_MUCH if batch.ids.size > most else 1, dtype=torch.uint8)
        return torch.tensor(len(batch.ids))

    return forward


def test_memory_halves_the_batch_and_goes_on_with_one_warning():
    budget = Budget(80)
    with pytest.warns(UserWarning, match=r"W202.*80 wordpieces") as caught:
        _, parts = budget.run(micro_batches(16, 10), forward_within(25))
    assert len(caught) == 1
    assert sum(parts) == 16
    assert budget.wordpieces == 20


def test_memory_remembers_what_fitted():
    budget = Budget(80)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        budget.run(micro_batches(16, 10), forward_within(25))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batches, _ = budget.run(micro_batches(16, 10), forward_within(25))
    assert {len(batch.ids) for batch in batches} == {2}


def test_memory_too_small_for_one_window_is_one_message():
    budget = Budget(10)
    with pytest.raises(UserError, match=r"E224.*10 wordpieces"):
        budget.run(micro_batches(16, 10), forward_within(5))


def test_memory_other_errors_are_not_taken_for_it():
    def forward(batch):
        raise RuntimeError("another")

    with pytest.raises(RuntimeError, match="another"):
        Budget(80).run(micro_batches(2, 10), forward)


def test_memory_knows_torch_s_message_that_it_has_run_out():
    with pytest.raises(RuntimeError) as raised:
        torch.empty(TOO_MUCH, dtype=torch.uint8)
    assert is_out_of_memory(raised.value)
    assert is_out_of_memory(RuntimeError("could not create a primitive"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_memory_tight_in_training_gives_the_same_gradient(encoder_folder):
    gradients = []
    for tight in (False, True):
        nlp = make_pipeline(encoder_folder)
        pipe = nlp.get_pipe("transformer_ner")
        tagger = pipe.token_scorer.tagger
        tagger.budget.is_tight = tight
        examples = make_examples(nlp)
        tagger.set_dropout(0.0)
        scores, backprop = tagger.begin_update([eg.predicted for eg in examples])
        backprop(pipe.get_loss(examples, scores)[1])
        gradients.append(tagger.network.head.weight.grad.clone())
    assert torch.allclose(*gradients, atol=1e-6)
    assert gradients[0].abs().sum() > 0


@pytest.mark.parametrize("accumulated", [False, True])
def test_memory_that_runs_out_in_the_backward_pass_gives_the_same_gradient(encoder_folder, accumulated):
    gradients = []
    for most in (None, 2):
        # Told of lines at random in training, it would have another gradient each time.
        nlp = make_pipeline(encoder_folder, model={"line_features": False})
        pipe = nlp.get_pipe("transformer_ner")
        tagger = pipe.token_scorer.tagger
        examples = make_examples(nlp)
        tagger.set_dropout(0.0)
        if accumulated:
            scores, backprop = tagger.begin_update([eg.predicted for eg in examples[:1]])
            backprop(pipe.get_loss(examples[:1], scores)[1])
        if most:
            # The layer next to the embeddings is the last to be reached: others have their gradient by then.
            first_layer = tagger.network.encoder.encoder.layer[0].attention.self.query

            def use_memory(module, grad_input, grad_output, most=most):
                torch.empty(TOO_MUCH if len(grad_output[0]) > most else 1, dtype=torch.uint8)

            first_layer.register_full_backward_hook(use_memory)
        scores, backprop = tagger.begin_update([eg.predicted for eg in examples])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            backprop(pipe.get_loss(examples, scores)[1])
        assert ["W202" in str(warning.message) for warning in caught] == ([True] if most else [])
        assert tagger.budget.is_tight == bool(most)
        gradients.append({name: p.grad.clone() for name, p in tagger.network.named_parameters()})
    one, other = gradients
    assert all(torch.allclose(one[name], other[name], atol=1e-5) for name in one)
    assert one["head.weight"].abs().sum() > 0


LIMITED = """
import resource, sys, warnings
import spacy, torch
torch.set_num_threads(1)
nlp = spacy.load(sys.argv[1], config={"components.transformer_ner.model.batch_wordpieces": 10_000_000})
pipe = nlp.get_pipe("transformer_ner")
docs = [nlp.make_doc(sys.argv[2]) for _ in range(12_000)]
nlp(sys.argv[2])
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
messages = []

def note(message, *others):
    messages.append(str(message)[:6])
    # Only the forward pass is tried here: what comes after it needs memory, too.
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

warnings.simplefilter("always")
warnings.showwarning = note
resource.setrlimit(resource.RLIMIT_AS, (used + 40_000_000, resource.RLIM_INFINITY))
pipe.set_annotations(docs, pipe.predict(docs))
print(len(docs), {len(doc.ents) for doc in docs}, messages)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits its own memory as Linux does")
def test_memory_that_really_runs_out_costs_no_document(trained_folder):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(trained_folder), TEXTS[0]],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.stdout.strip() == "12000 {3} ['[W202]']", done.stdout + done.stderr[-2000:]
