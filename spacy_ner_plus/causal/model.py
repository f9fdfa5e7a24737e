"""What of a base is trained: an adapter that peft puts into it, or all of its weights."""

from typing import TYPE_CHECKING, Any

from spacy_ner_plus.causal.base import Base
from spacy_ner_plus.causal.precision import Precision
from spacy_ner_plus.causal.settings import FinetuneSettings
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra

if TYPE_CHECKING:
    import torch


def prepare(
    base: Base, settings: FinetuneSettings, precision: Precision, device: str
) -> "tuple[Any, dict[str, torch.nn.Parameter]]":
    """Say which weights are trained.

    base (Base): Its model gets the adapter, which works wherever the model is called.
    device (str): 'cpu' or 'cuda'.
    RETURNS (tuple[PeftModel | None, dict[str, torch.nn.Parameter]]): What saves the adapter, None where there is
        none; and the weights that are trained, by name.
    RAISES (UserError): Where the model has none of the layers that the adapter is for.
    """
    import torch

    model = base.model
    torch.manual_seed(settings.seed)
    wrapped = None
    if settings.method != "full":
        with from_extra("finetune"):
            from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

        if settings.method == "qlora":
            model = prepare_model_for_kbit_training(
                model, use_gradient_checkpointing=settings.gradient_checkpointing
            )
        config = LoraConfig(
            r=settings.rank,
            lora_alpha=settings.alpha,
            lora_dropout=settings.dropout,
            target_modules=settings.targets or _linear_layers(model),
            layers_to_transform=_layers(model, settings.layer_share),
            task_type="CAUSAL_LM",
        )
        try:
            wrapped = get_peft_model(model, config)
        except ValueError as error:
            targets = settings.targets or "that are linear"
            raise UserError(Errors.E909.format(targets=targets, reason=str(error).rstrip("."))) from error
        if precision == "bf16" and settings.method == "lora":
            for weight in model.parameters():
                if not weight.requires_grad:
                    weight.data = weight.data.to(torch.bfloat16)
    if settings.method != "qlora":
        model.to(device)
    if settings.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        # The base's weights are no input that needs gradients.
        model.enable_input_require_grads()
    return wrapped, {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def _linear_layers(model: Any) -> list[str]:
    """RETURNS (list[str]): The names of all linear layers but the output."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    output = model.get_output_embeddings()
    return sorted(
        {
            name.rpartition(".")[2]
            for name, layer in model.named_modules()
            if isinstance(layer, nn.Linear | Conv1D) and layer is not output
        }
    )


def _layers(model: Any, share: float) -> list[int] | None:
    """RETURNS (list[int] | None): The layers that get an adapter; None for all."""
    count = model.config.num_hidden_layers
    own = max(round(share * count), 1)
    return None if own >= count else list(range(count - own, count))
