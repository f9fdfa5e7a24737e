"""A network of one layer, to measure what many layers take."""

import copy
from typing import TYPE_CHECKING

import torch

from spacy_ner_plus.models.encoders.pretrained import blank_encoder
from spacy_ner_plus.models.network.activation_ranges import measure_ranges
from spacy_ner_plus.models.network.bert_layers import Layers
from spacy_ner_plus.models.network.lora import plain_names
from spacy_ner_plus.models.network.tagger import Tagger

if TYPE_CHECKING:
    from transformers import PretrainedConfig

_VOCABULARY = 64
_HEAD = 9
# What is larger is measured by its first rows and columns: there would be no time to compute many wordpieces, and for
# few of them precisions differ by the time that weights take from memory.
_WIDTH = 768
_INNER = 2 * _WIDTH**2


def make_probe(network: Tagger) -> Tagger:
    """Make a network of an encoder's first layer; of a large one a part.

    network (Tagger): On the CPU; it isn't changed.
    RETURNS (Tagger): One with the same kind of layer and the same weights in it, but few wordpieces. Modules and
        gradients are its own, weights are shared where they are whole.
    """
    config = _smaller(network.encoder.config)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        encoder = blank_encoder(config)
        given, state = plain_names(network.encoder.state_dict()), encoder.state_dict()
        for name, weight in state.items():
            theirs = given.get(name)
            if theirs is not None and theirs.dim() == weight.dim():
                theirs = theirs[tuple(slice(size) for size in weight.shape)]
            if theirs is not None and theirs.shape == weight.shape:
                state[name] = theirs.contiguous()
            elif weight.is_floating_point():
                weight.normal_(std=0.02)
        encoder.load_state_dict(state, assign=True)
        probe = Tagger(encoder, n_tags=_HEAD).eval()
        if probe.layers is not None:
            probe.ranges = measure_ranges(probe.layers, lambda layers: _run(probe, layers))
    return probe


def _run(probe: Tagger, layers: Layers) -> None:
    probe.predicting(layers, torch.float32)(*probe_inputs(_VOCABULARY, _VOCABULARY))


def _smaller(config: "PretrainedConfig") -> "PretrainedConfig":
    config = copy.deepcopy(config)
    config.num_hidden_layers = 1
    config.vocab_size = max(_VOCABULARY, (getattr(config, "pad_token_id", None) or 0) + 1)
    heads = getattr(config, "num_attention_heads", 1)
    size = config.hidden_size // heads
    if config.hidden_size > _WIDTH and size * heads == config.hidden_size and size <= _WIDTH:
        config.num_attention_heads = _WIDTH // size
        config.hidden_size = size * config.num_attention_heads
    for name in ("intermediate_size", "hidden_dim"):
        if isinstance(inner := getattr(config, name, None), int):
            setattr(config, name, min(inner, max(_INNER // (2 * config.hidden_size), config.hidden_size)))
    return config


def probe_inputs(wordpieces: int, longest: int) -> tuple[torch.Tensor, ...]:
    """Make what a probe is given.

    wordpieces (int): How many, as `probe_size` rounds them.
    longest (int): The most in a window.
    RETURNS (tuple[torch.Tensor, ...]): What `Tagger.forward` takes; the last window is a little padded.
    """
    windows = max(1, wordpieces // longest)
    length = wordpieces // windows
    ids = (torch.arange(windows * length) % (_VOCABULARY - 8) + 4).view(windows, length)
    mask = torch.ones_like(ids)
    mask[-1, -2:] = 0
    return ids, torch.zeros_like(ids), torch.zeros_like(ids), mask, torch.arange(windows * length)


def probe_size(wordpieces: int, longest: int, most: int) -> int:
    """Round a number of wordpieces to whole windows, or one shorter window.

    longest (int): The most in a window.
    most (int): The most at once.
    RETURNS (int): One window of some multiple of 32, or whole windows of the longest.
    """
    wordpieces = min(wordpieces, max(most, longest))
    if wordpieces >= longest:
        return wordpieces // longest * longest
    return min(longest, max(wordpieces // 32 * 32, 32))
