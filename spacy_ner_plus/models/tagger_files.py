"""A tagger as files: weights (safetensors), configuration and tokenizer."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import srsly
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import nn

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.adapters.base import Base
from spacy_ner_plus.models.adapters.files import ADAPTER, adapter_to_files, has_adapter, read_adapter
from spacy_ner_plus.models.encoders.pretrained import build_encoder, first_lines
from spacy_ner_plus.models.encoders.tokenization import WordpieceTokenizer
from spacy_ner_plus.models.network.activation_ranges import ActivationRanges
from spacy_ner_plus.models.network.lora import Adapter
from spacy_ner_plus.models.network.tagger import Tagger

WEIGHTS = "model.safetensors"
_SETTINGS = "tagger.json"
_SIZES = ("n_tags", "n_cases", "n_lines", "n_layers")
# What earlier versions saved doesn't have it: their networks read wordpieces that tokens share.
_CUTS = "cuts_at_tokens"
# What predicting in eight bits needs, where the network was trained by a version that measures it.
_RANGES = "ranges.safetensors"
_INT8_COST = "int8_cost"
# What `model-table` shows of a pipeline.
_TRAINED = "trained_parameters"
# Where a network has its encoder.
_ENCODER = "encoder."


class StoredTagger(NamedTuple):
    """What is read from a tagger's files.

    encoder (nn.Module): The base model, its weights not yet loaded.
    tokenizer (WordpieceTokenizer): Its tokenizer.
    sizes (dict[str, int]): Sizes of what stands on and beside the encoder, as `Tagger` takes them.
    state (dict[str, torch.Tensor]): All weights by name.
    ranges (ActivationRanges | None): Those of its layers' activations, where they were measured.
    adapter (Adapter | None): What is added to weights of the encoder; then `state` has none of the encoder's.
    base (Base | None): Whose weights these are.
    trained (int | None): How many numbers the last training changed, where that is noted.
    """

    encoder: nn.Module
    tokenizer: WordpieceTokenizer
    sizes: dict[str, int]
    state: dict[str, torch.Tensor]
    ranges: ActivationRanges | None
    adapter: Adapter | None = None
    base: Base | None = None
    trained: int | None = None


def tagger_to_files(
    network: Tagger, tokenizer: WordpieceTokenizer, base: Base | None = None, trained: int | None = None
) -> dict[str, bytes]:
    """Write a tagger's weights, configuration and tokenizer.

    base (Base | None): The encoder that its adapter was trained on, of which only name and hash are written; None to
        write all weights, an adapter's merged.
    trained (int | None): How many numbers the last training changed; None where that isn't known.
    RETURNS (dict[str, bytes]): Files by name.
    """
    config = srsly.json_loads(network.encoder.config.to_json_string(use_diff=False))
    # Where it was read from: a folder of this machine, and another one each time it is saved.
    config.pop("_name_or_path", None)
    adapter = {} if base is None else adapter_to_files(network.adapter, base)
    weights = network.merged().state_dict() if base is None else without_encoder(network.plain_state())
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    settings = {**network.sizes, _CUTS: tokenizer.cuts_at_tokens}
    if trained is not None:
        settings[_TRAINED] = trained
    files = {
        **tokenizer.to_files(),
        **adapter,
        "config.json": srsly.json_dumps(config, indent=2, sort_keys=True).encode("utf8"),
        WEIGHTS: save_safetensors(state),
    }
    if network.ranges is not None:
        settings[_INT8_COST] = network.ranges.cost
        files[_RANGES] = save_safetensors(network.ranges.to_tensors())
    return {**files, _SETTINGS: srsly.json_dumps(settings).encode("utf8")}


def read_tagger(folder: Path, weights: bytes | None = None, where: str | Path = "") -> StoredTagger:
    """Read the files of a tagger.

    folder (Path): A folder with these files.
    weights (bytes): The weights, where they are not in the folder.
    where (str | Path): What the folder is called in messages. Default: as it is.
    RETURNS (StoredTagger): What they hold.
    RAISES (UserError): Where the folder holds no tagger, or a broken one.
    """
    try:
        settings = srsly.json_loads((folder / _SETTINGS).read_text(encoding="utf8"))
        sizes = {name: settings[name] for name in _SIZES if name in settings or name == "n_tags"}
        encoder, tokenizer = build_encoder(folder)
        tokenizer.cuts_at_tokens = bool(settings.get(_CUTS, False))
        state = load_safetensors(weights if weights is not None else (folder / WEIGHTS).read_bytes())
        ranges = None
        if (folder / _RANGES).exists():
            measured = load_safetensors((folder / _RANGES).read_bytes())
            cost = settings.get(_INT8_COST)
            if cost is not None and (
                isinstance(cost, bool) or not isinstance(cost, int | float) or not cost >= 0
            ):
                raise ValueError(f"{_INT8_COST} is {cost!r}")
            ranges = ActivationRanges(**measured, cost=cost)
        adapter, base = read_adapter(folder) if has_adapter(folder) else (None, None)
        if adapter is not None and of_encoder(state):
            # Earlier versions left an adapter beside what was saved over it later.
            raise ValueError(
                f"it has all weights, and {ADAPTER} of another network; delete what is called adapter_*"
            )
    except FileNotFoundError as error:
        raise UserError(Errors.E209.format(path=where or folder)) from error
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise broken(where or folder, error) from error
    return StoredTagger(encoder, tokenizer, sizes, state, ranges, adapter, base, settings.get(_TRAINED))


def of_encoder(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """RETURNS (dict[str, torch.Tensor]): Of a network's weights the encoder's, by the names that they have in it."""
    return {
        name.removeprefix(_ENCODER): weight for name, weight in weights.items() if name.startswith(_ENCODER)
    }


def without_encoder(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """RETURNS (dict[str, torch.Tensor]): Of a network's weights all others."""
    return {name: weight for name, weight in weights.items() if not name.startswith(_ENCODER)}


def with_encoder(
    weights: Mapping[str, torch.Tensor], encoder: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """RETURNS (dict[str, torch.Tensor]): Both together again."""
    return {**weights, **{f"{_ENCODER}{name}": weight for name, weight in encoder.items()}}


def broken(folder: str | Path, error: Exception) -> UserError:
    """RETURNS (UserError): An error that says why a folder's files can't be read; `error` itself where it is one."""
    if isinstance(error, UserError):
        return error
    return UserError(Errors.E222.format(path=folder, reason=first_lines(error).rstrip(".")))
