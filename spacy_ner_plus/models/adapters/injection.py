"""peft's modules around the linear layers of an encoder, to train an adapter."""

import warnings
from collections.abc import Sequence
from math import isclose

import torch
from torch import nn

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.models.adapters.settings import ALL_LINEAR, LoraSettings
from spacy_ner_plus.models.encoders.pretrained import layer_stack
from spacy_ner_plus.models.network.lora import Adapter


def inject(encoder: nn.Module, settings: LoraSettings, adapter: Adapter | None = None) -> None:
    """Put peft's modules around linear layers of an encoder, in place: from then on they alone are trained.

    encoder (nn.Module): A Hugging Face base model of plain layers; those that are frozen get none.
    adapter (Adapter | None): What was trained before, of the rank and scale that it had then; None for a new one,
        which adds nothing yet.
    RAISES (UserError): Where peft isn't installed, no layer is called as `targets` says, or one is smaller than the
        rank.
    """
    with from_extra("lora"):
        from peft import LoraConfig, inject_adapter_in_model
    if adapter is None:
        names, rank, scale = target_layers(encoder, settings.targets), settings.r, settings.alpha / settings.r
        _check_rank(encoder, names, rank)
    else:
        first = next(iter(adapter.values()))
        names, rank, scale = list(adapter), len(first.down), first.scale
    config = LoraConfig(
        r=rank,
        lora_alpha=scale * rank,
        lora_dropout=settings.dropout,
        target_modules=names,
        bias="none",
        task_type="FEATURE_EXTRACTION",
    )
    with warnings.catch_warnings():
        # That this encoder's class isn't in its tables of models, which aren't asked for.
        warnings.simplefilter("ignore")
        inject_adapter_in_model(config, encoder)
    # In whichever mode the encoder is, as it is trained on.
    encoder.train(encoder.training)
    if adapter is not None:
        with torch.no_grad():
            for name, part in adapter.items():
                module = encoder.get_submodule(name)
                module.lora_A["default"].weight.copy_(part.down)
                module.lora_B["default"].weight.copy_(part.up)


def target_layers(encoder: nn.Module, targets: str | Sequence[str]) -> list[str]:
    """Find the layers that get an adapter.

    targets (str | Sequence[str]): As `LoraSettings` has it.
    RETURNS (list[str]): Names of linear layers in the encoder, none of them frozen.
    RAISES (UserError): Where there are none, or one of the names fits none.
    """
    layers = set(layer_stack(encoder) or [encoder])
    inside = {module for layer in layers for module in layer.modules()}
    linear = {
        name: module
        for name, module in encoder.named_modules()
        if isinstance(module, nn.Linear) and module in inside and module.weight.requires_grad
    }
    wanted = [""] if targets == ALL_LINEAR else list(targets)
    found = {end: [name for name in linear if _ends(name, end)] for end in wanted}
    for end, names in found.items():
        if not names:
            has_some = any(isinstance(module, nn.Linear) for module in inside)
            none = "none, as all are frozen" if has_some else "none, as its layers have no linear ones"
            kinds = ", ".join(sorted({name.rpartition(".")[2] for name in linear})) or none
            raise UserError(
                Errors.E910.format(target=end or ALL_LINEAR, kind=type(encoder).__name__, kinds=kinds)
            )
    return [name for name in linear if any(name in names for names in found.values())]


def differences(settings: LoraSettings, adapter: Adapter) -> list[str]:
    """Tell where an adapter that was trained before isn't as the settings would make one.

    RETURNS (list[str]): Each difference with what the settings say.
    """
    first = next(iter(adapter.values()))
    rank, alpha = len(first.down), first.scale * len(first.down)
    found = []
    if rank != settings.r:
        found.append(f"r is {rank}, not {settings.r}")
    if not isclose(alpha, settings.alpha, rel_tol=1e-6):
        found.append(f"alpha is {alpha:g}, not {settings.alpha:g}")
    ends = [""] if settings.targets == ALL_LINEAR else settings.targets
    if other := next((name for name in adapter if not any(_ends(name, end) for end in ends)), None):
        found.append(f"{other} has one, and isn't among the targets")
    if other := next((end for end in ends if not any(_ends(name, end) for name in adapter)), None):
        found.append(f"no layer that is called {other} has one")
    return found


def _check_rank(encoder: nn.Module, names: Sequence[str], rank: int) -> None:
    for name in names:
        outputs, inputs = encoder.get_submodule(name).weight.shape
        if rank > (most := min(outputs, inputs)):
            kind = type(encoder).__name__
            raise UserError(Errors.E956.format(rank=rank, layer=name, kind=kind, most=most))


def _ends(name: str, end: str) -> bool:
    return not end or name == end or name.endswith(f".{end}")
