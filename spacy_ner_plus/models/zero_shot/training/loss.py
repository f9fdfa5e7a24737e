"""The loss of a zero-shot model's scores, and how far they have come from those of an earlier one."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from spacy_ner_plus.models.zero_shot.training.targets import Targets


def gold_loss(logits: torch.Tensor, targets: Targets) -> torch.Tensor:
    """RETURNS (Tensor): The sum of binary cross-entropies of what gold knows, as gliner's default has it."""
    return (cross_entropy(logits, targets.wanted, reduction="none") * targets.known).sum()


def rehearsal_loss(logits: torch.Tensor, taught: torch.Tensor, targets: Targets) -> torch.Tensor:
    """How far scores have come from those that an earlier model gives, where gold says nothing of a label (learning
    without forgetting: Li and Hoiem, 2016, for independent labels).

    taught (Tensor): The earlier model's logits, of the same shape.
    RETURNS (Tensor): The sum of Kullback-Leibler divergences, 0 where nothing has changed.
    """
    wanted = taught.sigmoid()
    apart = cross_entropy(logits, wanted, reduction="none") - cross_entropy(taught, wanted, reduction="none")
    return (apart * targets.unasked).sum()
