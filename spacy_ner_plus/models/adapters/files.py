"""An adapter as files, as peft writes and reads them: its weights (safetensors) and its configuration."""

from pathlib import Path

import srsly
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors

from spacy_ner_plus.models.adapters.base import Base
from spacy_ner_plus.models.network.lora import Adapter, LowRank

ADAPTER = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
# What peft's own class for a whole model puts before each name.
_PREFIX = "base_model.model."
# Settings of peft by which something else is added to weights.
_OTHER_KINDS = (
    "use_rslora",
    "use_dora",
    "fan_in_fan_out",
    "rank_pattern",
    "alpha_pattern",
    "modules_to_save",
)
_DOWN, _UP = ".lora_A.weight", ".lora_B.weight"
# Of ours, beside peft's: what the adapter was trained on.
_BASE = "adapter_base.json"


def adapter_to_files(adapter: Adapter, base: Base) -> dict[str, bytes]:
    """RETURNS (dict[str, bytes]): Weights and configuration by file name, with the name and the hash of the base."""
    rank = len(next(iter(adapter.values())).down)
    state = {}
    for name, part in adapter.items():
        on_cpu = part.to("cpu")
        state[f"{_PREFIX}{name}{_DOWN}"] = on_cpu.down.contiguous()
        state[f"{_PREFIX}{name}{_UP}"] = on_cpu.up.contiguous()
    config = {
        "peft_type": "LORA",
        "task_type": "FEATURE_EXTRACTION",
        "inference_mode": True,
        "r": rank,
        "lora_alpha": next(iter(adapter.values())).scale * rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": sorted(adapter),
        "base_model_name_or_path": base.name,
    }
    return {
        ADAPTER: save_safetensors(state),
        CONFIG: srsly.json_dumps(config, indent=2).encode("utf8"),
        _BASE: srsly.json_dumps({"name": base.name, "sha256": base.sha256}, indent=2).encode("utf8"),
    }


def has_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter."""
    return (folder / CONFIG).exists()


def read_adapter(folder: Path) -> tuple[Adapter, Base]:
    """Read what `adapter_to_files` gave.

    RAISES (OSError, ValueError, KeyError, TypeError, SafetensorError): Where something is missing or broken.
    """
    config, base = (srsly.json_loads((folder / name).read_text(encoding="utf8")) for name in (CONFIG, _BASE))
    state = load_safetensors((folder / ADAPTER).read_bytes())
    if others := [name for name in _OTHER_KINDS if config.get(name)]:
        raise ValueError(f"{CONFIG} has `{others[0]}`: only plain LoRA of one rank is read")
    scale = config["lora_alpha"] / config["r"]
    names = [name.removeprefix(_PREFIX).removesuffix(_DOWN) for name in state if name.endswith(_DOWN)]
    adapter = {
        name: LowRank(state[f"{_PREFIX}{name}{_DOWN}"], state[f"{_PREFIX}{name}{_UP}"], scale)
        for name in names
    }
    if not adapter or len(state) != 2 * len(adapter):
        raise ValueError(f"{ADAPTER} holds something else than an adapter")
    return adapter, Base(str(base["name"]), str(base["sha256"]))
