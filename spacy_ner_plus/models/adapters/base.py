"""The encoder that an adapter stands on: which it is, and where its weights are found again."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.encoders.packaged import portable_name
from spacy_ner_plus.models.encoders.pretrained import read_weights


@dataclass(frozen=True)
class Base:
    """An encoder, by its name and what its weights are.

    name (str): Where it came from: a folder or a hub name.
    sha256 (str): Of its weights, whichever files they are in.
    """

    name: str
    sha256: str

    @classmethod
    def of(cls, name: str, sha256: str) -> "Base":
        """RETURNS (Base): That of an encoder which is called so here."""
        return cls(portable_name(name), sha256)

    def read(self, beside: Sequence[str], where: str | Path) -> dict[str, torch.Tensor]:
        """Read the weights from this machine; no network is asked.

        beside (Sequence[str]): Other names under which it may be found, which are tried first.
        where (str | Path): What needs it, for messages.
        RETURNS (dict[str, torch.Tensor]): Weights by name.
        RAISES (UserError): Where it isn't found, or what is found has other weights.
        """
        reasons, others = [], []
        for name in dict.fromkeys(name for name in (*beside, self.name) if name):
            try:
                weights = read_weights(name)
            except UserError as error:
                reasons.append(str(error))
                continue
            if (found := hash_weights(weights)) == self.sha256:
                return weights
            others.append((name, found))
        if others:
            name, found = others[0]
            text = Errors.E914.format(
                path=where, base=self.name, name=name, found=found, expected=self.sha256
            )
            raise UserError(text)
        raise UserError(
            Errors.E913.format(path=where, base=self.name, reason=" ".join(reasons), expected=self.sha256)
        )


def hash_weights(weights: Mapping[str, torch.Tensor]) -> str:
    """RETURNS (str): The sha256 of weights, by their names, shapes and numbers in float32."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        if tensor.is_floating_point():
            tensor = tensor.float()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(memoryview(tensor.numpy()).cast("B"))
    return digest.hexdigest()
