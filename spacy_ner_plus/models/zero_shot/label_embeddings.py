"""Embeddings of labels for bi-encoders, which don't change with the text: each is computed once."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock

import torch

# Some megabytes.
MOST = 10_000
_BATCH = 64
# Of this process: all copies of a model have the same.
_kept: OrderedDict[tuple[str, str], torch.Tensor] = OrderedDict()
_lock = Lock()


class LabelEmbeddings:
    """The embeddings of a model's labels, kept by the hash of the weights that compute them and the label's text."""

    def __init__(self):
        self._hash = ""

    def of(
        self, labels: Sequence[str], network: torch.nn.Module, encode: Callable[[list[str]], torch.Tensor]
    ) -> torch.Tensor:
        """Look embeddings up, and compute those that are missing, shorter labels first, many at once.

        network (Module): Whose weights compute them.
        encode (Callable): Gives the embeddings of some labels, of shape (labels, hidden).
        RETURNS (Tensor): Of shape (labels, hidden).
        """
        if not self._hash:
            self._hash = hash_of(network)
        with _lock:
            found = {label: _kept[self._hash, label] for label in labels if (self._hash, label) in _kept}
        missing = sorted({label for label in labels if label not in found}, key=len)
        for i in range(0, len(missing), _BATCH):
            some = missing[i : i + _BATCH]
            found.update(zip(some, encode(some).float(), strict=True))
        with _lock:
            for label in labels:
                _kept[self._hash, label] = found[label]
                _kept.move_to_end((self._hash, label))
            while len(_kept) > MOST:
                _kept.popitem(last=False)
        return torch.stack([found[label] for label in labels])


def hash_of(network: torch.nn.Module) -> str:
    """RETURNS (str): The same for equal weights on one kind of device, and for no others."""
    digest = hashlib.sha256()
    for name, weight in sorted(network.named_parameters()):
        if "labels" in name:
            digest.update(f"{name} {weight.dtype} {weight.device}".encode())
            digest.update(weight.detach().cpu().contiguous().view(torch.uint8).numpy())
    return digest.hexdigest()
