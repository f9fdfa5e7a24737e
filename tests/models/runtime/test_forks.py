import os
import signal
import subprocess
import sys

import pytest
import torch

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.runtime.device import choose_device
from spacy_ner_plus.models.runtime.placement import Placement
from tests.conftest import TEXTS, make_pipeline, train

# Each takes a process of its own.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes aren't forked here"),
]


@pytest.fixture
def after_fork(monkeypatch):
    """As it is in a process that was forked from one which had used CUDA."""
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


@pytest.mark.parametrize("setting", ["auto", "cuda", "cuda:1"])
def test_forks_a_gpu_after_a_fork_is_one_message_with_the_way_out(after_fork, setting):
    with pytest.raises(UserError, match=r"E275.*set_start_method\('spawn'\)"):
        choose_device(setting)
    assert choose_device("cpu").type == "cpu"


def test_forks_a_network_that_was_on_a_gpu_before_is_the_same_message(after_fork, trained):
    tagger = trained.get_pipe("transformer_ner").token_scorer.tagger
    tagger._placement = Placement(torch.device("cuda"), torch.float32)
    with pytest.raises(UserError, match="E275"):
        trained(TEXTS[0])


CODE = """
import os, sys
import spacy
nlp = spacy.load(sys.argv[1])
texts = ["Anna Berg lives in Oslo ."] * 8
list(nlp.pipe(texts))
print([len(doc.ents) for doc in nlp.pipe(texts, n_process=2, batch_size=2)])
print(os.environ.get("TOKENIZERS_PARALLELISM"))
"""


# True: they would use a pool of threads which the fork has left behind, and wait for ever.
@pytest.mark.parametrize("given", [None, "true"])
def test_forks_workers_tokenize_in_silence_whatever_the_user_set(trained_folder, given):
    stdout, stderr = run(CODE, trained_folder, parallelism=given)
    assert (stdout.splitlines(), stderr) == ([str([2] * 8), str(given)], "")


# Threads that torch has used are left behind as well, and another component would wait for them.
SHARED = """
import os, sys
import torch
from spacy_ner_plus.models.runtime.forks import limit_threads_at_fork
limit_threads_at_fork()
torch.set_num_threads(2)
numbers = torch.ones(2000, 500)
torch.nn.functional.layer_norm(numbers, (500,))
pid = os.fork()
if pid == 0:
    torch.nn.functional.layer_norm(numbers, (500,))
    print(torch.get_num_threads(), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print(torch.get_num_threads())
"""


def test_forks_torch_computes_with_one_thread_in_workers_alone():
    stdout, _ = run(SHARED)
    assert stdout.split() == ["1", "2"]


# A network that is packed when it first predicts: in the parent, or each worker would hold its own.
PRIVATE = """
import os, re, sys
import spacy, torch
from transformers import AutoConfig, AutoModel

def private_kb():
    return sum(map(int, re.findall(r"Private_\\w+: +(\\d+)", open("/proc/self/smaps_rollup").read())))

nlp = spacy.load(sys.argv[1])
tagger = nlp.get_pipe("transformer_ner").token_scorer.tagger
sizes = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 6, "num_attention_heads": 8}
network = tagger.network
config = network.encoder.config
config.update(sizes)
tagger.adopt(AutoModel.from_config(config), tagger.tokenizer, network.head_size)
if sys.argv[2] == "used":
    nlp("Anna Berg lives in Oslo .")
weights_kb = sum(weight.nbytes for weight in tagger.network.parameters()) // 1024
pid = os.fork()
if pid == 0:
    before = private_kb()
    nlp("Anna Berg lives in Oslo .")
    print(weights_kb, private_kb() - before, flush=True)
    os._exit(0)
os.waitpid(pid, 0)
"""


@pytest.mark.skipif(
    not os.path.exists("/proc/self/smaps_rollup"), reason="the system doesn't say what is shared"
)
@pytest.mark.parametrize("before", ["fresh", "used"])
def test_forks_share_the_weights_whether_they_were_used_before_or_not(trained_folder, before):
    stdout, stderr = run(PRIVATE, trained_folder, before)
    weights, grown = map(int, stdout.split())
    assert weights > 70_000, stderr
    assert grown < weights / 2


def test_forks_in_training_leave_the_network_as_it_is(encoder_folder):
    nlp = make_pipeline(encoder_folder)
    train(nlp, steps=1)
    tagger = nlp.get_pipe("transformer_ner").token_scorer.tagger
    tagger.prepare_for_fork()
    assert tagger._inference is None


OTHER_MODEL = """
import spacy
from spacy_ner_plus.models.runtime import forks
sizes = {"width": 16, "depth": 1, "embed_size": 50, "window_size": 1, "maxout_pieces": 2}
tok2vec = {"@architectures": "spacy.HashEmbedCNN.v2", **sizes, "subword_features": True, "pretrained_vectors": None}
model = {"@architectures": "spacy_ner_plus.Tok2VecTagger.v1", "tok2vec": tok2vec}
spacy.blank("en").add_pipe("transformer_ner", config={"model": model})
print(forks._is_registered)
"""


def test_forks_are_prepared_for_models_that_are_not_ours():
    assert run(OTHER_MODEL)[0].split() == ["True"]


def run(code, *arguments, parallelism=None):
    """RETURNS (tuple[str, str]): What a process printed, by stdout and stderr."""
    environment = {k: value for k, value in os.environ.items() if k != "TOKENIZERS_PARALLELISM"}
    if parallelism is not None:
        environment["TOKENIZERS_PARALLELISM"] = parallelism
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    # A process group of its own, whose workers end with it where they hang.
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return stdout, stderr
