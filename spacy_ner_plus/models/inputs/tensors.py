"""From Docs to what the network is given."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from spacy.tokens import Doc

from spacy_ner_plus.models.encoders.tokenization import WordpieceTokenizer, read_texts
from spacy_ner_plus.models.inputs.batching import MicroBatch, micro_batches
from spacy_ner_plus.models.inputs.layout import Windowing
from spacy_ner_plus.models.inputs.token_pieces import read_wordpieces
from spacy_ner_plus.models.inputs.windows import make_windows
from spacy_ner_plus.models.network.tagger import Tagger


def batcher(
    docs: Sequence[Doc],
    tokenizer: WordpieceTokenizer,
    windowing: Windowing,
    network: Tagger,
    *,
    training: bool = False,
) -> Callable[[int], Iterator[MicroBatch]]:
    """Tokenize Docs and lay windows over them.

    network (Tagger): Its features say what windows hold beside wordpieces.
    training (bool): Whether there is a backward pass. Default False.
    RETURNS (Callable): Makes micro-batches of the windows, under a budget of wordpieces.
    """
    batch = read_texts(docs)
    windows = make_windows(
        batch,
        read_wordpieces(batch, tokenizer),
        windowing,
        separator=tokenizer.suffix[:1],
        with_cases=network.cases is not None,
        with_lines=network.lines is not None,
    )
    special = (tokenizer.prefix, tokenizer.suffix, tokenizer.pad_id)
    return partial(micro_batches, windows, *special, windowing.longest, training=training)


def to_tensors(batch: MicroBatch, device: torch.device) -> tuple[torch.Tensor, ...]:
    """RETURNS (tuple[torch.Tensor, ...]): A micro-batch on a device, as `Tagger.forward` takes it."""
    tensors = [
        torch.from_numpy(array) for array in (batch.ids, batch.cases, batch.lines, batch.mask, batch.places)
    ]
    if device.type != "cuda":
        return tuple(tensor.to(device) for tensor in tensors)
    # From pinned memory a copy doesn't wait for what the GPU is doing.
    return tuple(tensor.pin_memory().to(device, non_blocking=True) for tensor in tensors)
