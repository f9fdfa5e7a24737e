"""Any Hugging Face base model: where it comes from, and what it can take."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from torch import nn

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.hub_access import hub_problem, is_hub_name, not_here, quiet_hub
from spacy_ner_plus.models.encoders.packaged import encoder_path_v1, is_installed
from spacy_ner_plus.models.encoders.tokenization import WordpieceTokenizer

if TYPE_CHECKING:
    from transformers import PretrainedConfig

# What configs call the dropout of attention weights.
_ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout", "attn_pdrop")


# transformers would put it on its base by itself, in names that may not be those of its layers, and without the head
# that was trained with it.
_ADAPTER = (
    "it is an adapter of peft and no whole model: merge it into its base (`merge_and_unload`), and give the folder "
    "where that was saved."
)


def load_encoder(name: str, attention_dropout: float = 0.0) -> tuple[nn.Module, WordpieceTokenizer]:
    """Load a pretrained encoder and its tokenizer.

    name (str): A local folder, or a model's name on the Hugging Face hub. Weights
        must be safetensors; code that comes with a model is never run.
    attention_dropout (float): Share of attention weights that is dropped in training.
    RETURNS (tuple[nn.Module, WordpieceTokenizer]): Base model in float32, tokenizer.
    RAISES (UserError): Where it can't be had, or isn't an encoder that we can use.
    """
    from transformers import AutoModel

    if not name:
        raise UserError(Errors.E201)
    encoder, tokenizer = _from_pretrained(AutoModel, name, _cant_load_encoder, attention_dropout)
    return _prepare(encoder), tokenizer


def read_weights(name: str) -> dict[str, torch.Tensor]:
    """Read an encoder's weights from this machine, without asking a network.

    name (str): As for `load_encoder`.
    RETURNS (dict[str, torch.Tensor]): Weights by name, in float32.
    RAISES (UserError): Where it isn't here, or isn't an encoder that we can use.
    """
    from transformers import AutoModel

    encoder, _ = _from_pretrained(AutoModel, name, _cant_load_encoder, local=True)
    return _prepare(encoder).state_dict()


def load_token_classifier(name: str) -> tuple[nn.Module, WordpieceTokenizer, nn.Linear, list[str]]:
    """Load a trained token classification model, and take it apart.

    name (str): As for `load_encoder`.
    RETURNS (tuple[nn.Module, WordpieceTokenizer, nn.Linear, list[str]]): Base
        model in float32, tokenizer, linear head, and the tag of each of its rows.
    RAISES (UserError): Where it can't be had, or more than one linear layer stands on the encoder.
    """
    from transformers import AutoModelForTokenClassification

    model, tokenizer = _from_pretrained(AutoModelForTokenClassification, name, _cant_import)
    head = getattr(model, "classifier", getattr(model, "score", None))
    if not isinstance(head, nn.Linear) or head.bias is None:
        raise _cant_import(name, f"the head of {type(model).__name__} isn't one linear layer.")
    parts = (*model.base_model.parameters(), *head.parameters())
    known = {id(parameter) for parameter in parts}
    others = [name for name, parameter in model.named_parameters() if id(parameter) not in known]
    if others:
        # Left out, they would change every score.
        raise _cant_import(
            name, f"{type(model).__name__} has layers between encoder and head, such as {others[0]}."
        )
    tags = [model.config.id2label[row] for row in range(head.out_features)]
    return _prepare(model.base_model), tokenizer, head.float(), tags


def _cant_load_encoder(name: str, reason: str) -> UserError:
    installed = "" if is_installed() else " and comes with: pip install 'spacy-ner-plus[encoder]'"
    return UserError(Errors.E202.format(name=name, reason=reason, installed=installed))


def _cant_import(name: str, reason: str) -> UserError:
    return UserError(Errors.E217.format(name=name, reason=reason))


def _from_pretrained(
    auto_class: type,
    given: str,
    failed: Callable[[str, str], UserError],
    attention_dropout: float = 0.0,
    *,
    local: bool = False,
) -> tuple[nn.Module, WordpieceTokenizer]:
    from transformers import AutoConfig

    name = encoder_path_v1(given)
    if (Path(name) / "adapter_config.json").is_file():
        raise failed(given, _ADAPTER)
    problem = hub_problem(name, ask=not local)
    # What was loaded before is in the hub's cache.
    source = {"trust_remote_code": False, "local_files_only": bool(problem)}
    try:
        with quiet_hub():
            tokenizer = _read_tokenizer(name, use_fast=True, **source)
            config = AutoConfig.from_pretrained(name, **source)
            for setting in _ATTENTION_DROPOUT:
                if hasattr(config, setting):
                    setattr(config, setting, attention_dropout)
            model, info = auto_class.from_pretrained(
                name, config=config, use_safetensors=True, output_loading_info=True, **source
            )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
        if problem and (isinstance(error, OSError) or not is_hub_name(name)):
            raise failed(given, not_here(problem)) from None
        raise failed(given, first_lines(error)) from error
    if getattr(model, "_hf_peft_config_loaded", False):
        raise failed(given, _ADAPTER)
    missing = [key for key in info["missing_keys"] if "pooler" not in key]
    if missing:
        # transformers would go on with random numbers in their place.
        raise failed(given, f"it lacks weights that {type(model).__name__} needs, such as {missing[0]}.")
    return model, WordpieceTokenizer(tokenizer, given)


def build_encoder(folder: Path) -> tuple[nn.Module, WordpieceTokenizer]:
    """Build the encoder of a saved component, its weights not yet loaded.

    folder (Path): Holds config.json and the tokenizer's files.
    RETURNS (tuple[nn.Module, WordpieceTokenizer]): Base model with untrained
        weights, tokenizer. Nothing is asked of a network.
    RAISES (OSError, ValueError): Where a file is missing or broken.
    """
    from transformers import AutoConfig

    for name in ("config.json", "tokenizer.json"):
        if not (folder / name).exists():
            # transformers would look for it on the hub, or take another class.
            raise FileNotFoundError(folder / name)
    with quiet_hub():
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        tokenizer = _read_tokenizer(folder, trust_remote_code=False, local_files_only=True)
    return blank_encoder(config), WordpieceTokenizer(tokenizer, str(folder))


def blank_encoder(config: "PretrainedConfig") -> nn.Module:
    """Build an encoder, its weights not yet loaded.

    config (PretrainedConfig): The encoder's.
    RETURNS (nn.Module): Base model in float32, with any weights.
    """
    from transformers import AutoModel

    with quiet_hub(), _no_initialization():
        encoder = AutoModel.from_config(config, trust_remote_code=False)
    return _prepare(encoder)


def _read_tokenizer(name: str | Path, **options):
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(name, **options)
    except (OSError, ImportError):
        raise
    except Exception as error:
        # The tokenizers library raises no narrower one.
        raise ValueError(f"its tokenizer can't be read ({error})") from error


def first_lines(error: Exception) -> str:
    """RETURNS (str): The first line of an error's message that isn't empty; with the next, where it ends in a colon."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    text = " ".join(lines[: 2 if lines[0].endswith(":") else 1])
    return text if text.endswith((".", "!", "?")) else f"{text}."


def max_window(encoder: nn.Module, tokenizer: WordpieceTokenizer) -> int | None:
    """Find the longest window that an encoder can take.

    encoder (nn.Module): The base model.
    tokenizer (WordpieceTokenizer): Its tokenizer.
    RETURNS (int | None): In wordpieces, special tokens not counted; None where
        positions are not limited.
    """
    positions = getattr(encoder.config, "max_position_embeddings", None)
    if not positions or positions < 0:
        return None
    # RoBERTa and its relatives number positions from the padding id on, and say so in
    # the padding index of that embedding.
    embeddings = getattr(encoder, "embeddings", None)
    position_embeddings = getattr(embeddings, "position_embeddings", None)
    offset = getattr(position_embeddings, "padding_idx", None)
    if offset is not None:
        positions -= offset + 1
    return positions - len(tokenizer.prefix) - len(tokenizer.suffix)


def freeze_layers(encoder: nn.Module, count: int) -> None:
    """Keep the embeddings and the lowest layers as they are.

    encoder (nn.Module): The base model.
    count (int): How many layers; 0 freezes nothing.
    RAISES (UserError): Where the encoder doesn't have so many layers.
    """
    if not count:
        return
    depth, stack = encoder.config.num_hidden_layers, layer_stack(encoder)
    if stack is None or count > depth:
        raise UserError(Errors.E204.format(count=count, depth=depth))
    for module in (encoder.get_input_embeddings(), getattr(encoder, "embeddings", None), *stack[:count]):
        if module is not None:
            module.requires_grad_(False)


def layer_stack(encoder: nn.Module) -> nn.ModuleList | None:
    """RETURNS (ModuleList | None): An encoder's layers, from the lowest to the last; None where they aren't found."""
    depth = encoder.config.num_hidden_layers
    return next((m for m in encoder.modules() if isinstance(m, nn.ModuleList) and len(m) == depth), None)


def layer_parameters(encoder: nn.Module) -> list[list[nn.Parameter]]:
    """RETURNS (list[list[Parameter]]): Those of each layer, after those of embeddings and whatever else there is.

    RAISES (UserError): Where the layers aren't found.
    """
    stack = layer_stack(encoder)
    if stack is None:
        raise UserError(Errors.E918.format(kind=type(encoder).__name__))
    of_layers = [list(layer.parameters()) for layer in stack]
    known = {id(parameter) for parameters in of_layers for parameter in parameters}
    return [[p for p in encoder.parameters() if id(p) not in known], *of_layers]


def _prepare(encoder: nn.Module) -> nn.Module:
    embeddings = encoder.get_input_embeddings()
    sized = hasattr(encoder.config, "hidden_size") and isinstance(embeddings, nn.Embedding)
    if not sized or encoder.config.is_encoder_decoder:
        raise UserError(Errors.E206.format(kind=type(encoder).__name__))
    if getattr(encoder, "pooler", None) is not None:
        # A sentence vector that tagging has no use for.
        encoder.pooler = None
    return encoder.float()


@contextlib.contextmanager
def _no_initialization() -> Iterator[None]:
    """Skip drawing random weights that are overwritten at once."""
    try:
        from transformers.initialization import no_init_weights  # transformers 5
    except ImportError:
        from transformers.modeling_utils import no_init_weights

    with no_init_weights():
        yield
