"""The model that is fine-tuned: a folder, a GGUF file, or a name on the Hugging Face hub."""

from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.file_hashes import weights_sha256
from spacy_ner_plus.gguf_files import read_checkpoint
from spacy_ner_plus.hub_access import hub_problem, not_here, quiet_hub

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# What a class has to take so that a shared beginning can be computed once, and answers be decoded. The last is what
# decoders take that are made for it: encoders that can be read as decoders, such as BERT, take all but that.
_TAKEN = ("attention_mask", "position_ids", "past_key_values", "logits_to_keep")


@dataclass(frozen=True)
class Base:
    """A model to start from.

    name (str): Where it is from: a whole path, or a name on the hub.
    path (Path): The file or folder; of a name on the hub, the folder in its cache.
    sha256 (str): Of its weights' files.
    model (PreTrainedModel): On the CPU unless it was asked for in 4 bits, with weights of 32 bits.
    tokenizer (PreTrainedTokenizerBase): With its chat template, if it has one.
    dtype (str): The type of its own weights.
    """

    name: str
    path: Path
    sha256: str
    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    dtype: str


def read_base(base: str | Path, *, chat_template: str | None = None, four_bits: bool = False) -> Base:
    """Read a model and its tokenizer. No code that comes with a model is run, and only safetensors are read.

    base (str | Path): A folder as transformers saves it, a .gguf file, or a name on the hub.
    chat_template (str | None): In Jinja, in place of the model's own.
    four_bits (bool): Whether weights are read as 4 bits, onto a GPU.
    RAISES (UserError): Where it isn't there, is of another kind, or has no chat template.
    """
    path = Path(base).expanduser()
    if path.is_file():
        if four_bits:
            raise UserError(Errors.E902.format(base=base, reason="'qlora' can't read a GGUF file in 4 bits"))
        found = _from_gguf(path)
    elif path.is_dir():
        if (path / "adapter_config.json").is_file():
            raise UserError(
                Errors.E902.format(base=base, reason="it is an adapter; merge it into its base first")
            )
        found = _from_transformers(str(path.resolve()), four_bits)
    else:
        found = _from_transformers(str(base), four_bits)
    if chat_template is not None:
        found.tokenizer.chat_template = chat_template
    if not found.tokenizer.chat_template:
        raise UserError(Errors.E903.format(base=base))
    if found.tokenizer.eos_token_id is None:
        raise UserError(Errors.E902.format(base=base, reason="its tokenizer has no token that ends a reply"))
    taken = signature(found.model.forward).parameters
    if any(name not in taken for name in _TAKEN):
        reason = f"models of its class, {type(found.model).__name__}, can't be fine-tuned here"
        raise UserError(Errors.E902.format(base=base, reason=reason))
    return found


def _from_gguf(path: Path) -> Base:
    import json

    import torch
    from tokenizers import Tokenizer
    from transformers import CONFIG_MAPPING, PreTrainedTokenizerFast
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    checkpoint = read_checkpoint(path)
    given = dict(checkpoint.config)
    config = CONFIG_MAPPING[given.pop("model_type")](**given)
    tensors = {name: torch.from_numpy(weights) for name, weights in checkpoint.tensors()}
    if config.tie_word_embeddings:
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"]
    model, info = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)].from_pretrained(
        None, config=config, state_dict=tensors, output_loading_info=True
    )
    _check_weights(path, info)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(checkpoint.tokenizer.tokenizer)),
        **checkpoint.tokenizer.to_config(),
        chat_template=checkpoint.tokenizer.chat_template,
    )
    path = path.resolve()
    return Base(str(path), path, weights_sha256(path), model, tokenizer, "float16")


def _from_transformers(base: str, four_bits: bool) -> Base:
    import torch
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.utils import cached_file

    problem = hub_problem(base)
    # What was loaded before is in the hub's cache.
    only = {"local_files_only": bool(problem) or Path(base).exists(), "trust_remote_code": False}
    how: dict[str, Any] = {"torch_dtype": torch.float32}
    if four_bits:
        how = {"quantization_config": _four_bits(), "device_map": {"": 0}}
    try:
        with quiet_hub():
            config = AutoConfig.from_pretrained(base, **only)
            tokenizer = _read_tokenizer(base, only)
            model, info = AutoModelForCausalLM.from_pretrained(
                base, use_safetensors=True, output_loading_info=True, **only, **how
            )
            path = Path(cached_file(base, "config.json", **only)).parent
    except (
        OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError, SafetensorError,
    ) as error:  # fmt: skip
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        reason = " ".join(lines[: 2 if lines[0].endswith(":") else 1])
        if problem and isinstance(error, OSError):
            reason = not_here(problem)
        raise UserError(Errors.E902.format(base=base, reason=reason.rstrip("."))) from error
    _check_weights(base, info)
    dtype = str(getattr(config, "torch_dtype", None) or "float32").removeprefix("torch.")
    return Base(base, path, weights_sha256(path), model, tokenizer, dtype)


def _read_tokenizer(base: str, only: dict[str, bool]) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(base, **only)
    except (OSError, ImportError):
        raise
    except Exception as error:
        # The tokenizers library raises no narrower one.
        raise ValueError(f"its tokenizer can't be read ({error})") from error


def _check_weights(base: str | Path, info: dict[str, Any]) -> None:
    """RAISES (UserError): Where weights are missing: transformers would go on with random numbers in their place."""
    if missing := sorted(info["missing_keys"]):
        reason = f"it lacks {len(missing):,} of its weights, such as {missing[0]}"
        raise UserError(Errors.E902.format(base=base, reason=reason))


def _four_bits() -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def check_method(method: str) -> None:
    """RAISES (UserError): Where 'qlora' is asked for without a GPU or bitsandbytes."""
    from importlib.util import find_spec

    import torch

    if method != "qlora":
        return
    missing = [] if torch.cuda.is_available() else ["a GPU of NVIDIA's"]
    missing += [] if find_spec("bitsandbytes") else ["the package bitsandbytes"]
    if missing:
        raise UserError(Errors.E904.format(missing=" and ".join(missing)))
