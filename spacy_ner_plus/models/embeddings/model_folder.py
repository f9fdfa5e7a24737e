"""The folder of an embedding model: found by name, and what of it decides its vectors."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.hub_access import hub_problem, not_here, quiet_hub
from spacy_ner_plus.models.encoders.packaged import encoder_path_v1, is_packaged

# What sentence-transformers reads; never code, and never pickles.
_ENDINGS = (".json", ".txt", ".safetensors", ".model")
_MODULES = "modules.json"
# Kinds of encoder that our layers run, by `model_type` in config.json.
_OWN = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert")
_HUB_OWNER = "sentence-transformers"


@dataclass(frozen=True)
class ModelFolder:
    """An embedding model on this machine.

    name (str): What it is called, without its owner or the folders above it.
    path (Path): Where its files are.
    """

    name: str
    path: Path

    @classmethod
    def find(cls, name: str) -> "ModelFolder":
        """Find a model, and load its files from the hub where they aren't here.

        name (str): A folder; a hub name, of 'sentence-transformers' where it has no owner; or the packaged encoder.
        RAISES (UserError): Where it can't be had.
        """
        short = Path(name).name or name
        found = Path(encoder_path_v1(name))
        if found.is_dir():
            folder = cls(short, found)
        else:
            wanted = name if "/" in name or Path(name).is_absolute() else f"{_HUB_OWNER}/{name}"
            folder = cls(short, _from_hub(wanted, name))
        folder.check()
        return folder

    def check(self) -> None:
        """Refuse what is no model, and weights that only a pickle holds.

        RAISES (UserError): Where that is so.
        """
        if not (self.path / "config.json").is_file() and not self._parts:
            raise _cant_load(str(self.path), f"it has neither config.json nor {_MODULES}.")
        for part in self._parts or [{"path": ""}]:
            inside = self.path / str(part.get("path", ""))
            weights = sorted(inside.glob("*.bin")) if inside.is_dir() else []
            if weights and not any(inside.glob("*.safetensors")):
                reason = f"{weights[0].relative_to(self.path)} is a pickle, which could run any code."
                raise _cant_load(str(self.path), reason)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the names and contents of all files that decide its vectors, in hexadecimal."""
        total = hashlib.sha256()
        files = (path for path in self.path.rglob("*") if path.suffix in _ENDINGS and path.is_file())
        for path in sorted(files, key=lambda path: path.relative_to(self.path).as_posix()):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            total.update(f"{path.relative_to(self.path).as_posix()} {digest}\n".encode())
        return total.hexdigest()

    @property
    def by_own_layers(self) -> bool:
        """RETURNS (bool): Whether its vectors are the mean of a BERT-like encoder's last layer, which our layers
        compute."""
        if (
            not (self.path / "tokenizer.json").is_file()
            or self._read("config.json").get("model_type") not in _OWN
        ):
            return False
        if any(self.prompts.values()) or self._read("config_sentence_transformers.json").get(
            "default_prompt_name"
        ):
            return False
        if self._read("sentence_bert_config.json").get("do_lower_case"):
            return False
        if not self._parts:
            # As sentence-transformers takes a plain encoder.
            return True
        kinds = [str(part.get("type", "")).rpartition(".")[2] for part in self._parts]
        if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
            return False
        return self._parts[0].get("path") == "" and _is_mean(
            self._read(self._parts[1].get("path"), "config.json")
        )

    @property
    def limit(self) -> int | None:
        """RETURNS (int | None): The most wordpieces of a text, special tokens among them; None where its files don't
        say."""
        found = self._read("sentence_bert_config.json").get("max_seq_length")
        return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None

    @property
    def prompts(self) -> dict[str, str]:
        """RETURNS (dict[str, str]): What the model wants before a 'query' and before a 'document', '' for nothing."""
        found = self._read("config_sentence_transformers.json").get("prompts")
        found = found if isinstance(found, dict) else {}

        def first(*names: str) -> str:
            return next((str(found[name]) for name in names if found.get(name)), "")

        # As `encode_query` and `encode_document` of sentence-transformers choose.
        return {"query": first("query"), "document": first("document", "passage", "corpus")}

    @cached_property
    def _parts(self) -> list[dict[str, Any]]:
        try:
            found = json.loads((self.path / _MODULES).read_text(encoding="utf8"))
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise _cant_load(str(self.path), f"{_MODULES} can't be read ({error}).") from error
        return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []

    def _read(self, *names: str) -> dict[str, Any]:
        try:
            found = json.loads(self.path.joinpath(*names).read_text(encoding="utf8"))
        except (OSError, ValueError, TypeError):
            # What is needed of it is missed where it is used.
            return {}
        return found if isinstance(found, dict) else {}


def _is_mean(pooling: dict[str, Any]) -> bool:
    if not pooling.get("include_prompt", True):
        return False
    if "pooling_mode" in pooling:
        return pooling["pooling_mode"] in ("mean", ["mean"])
    modes = {name for name, value in pooling.items() if name.startswith("pooling_mode_") and value}
    return modes == {"pooling_mode_mean_tokens"}


def _from_hub(wanted: str, name: str) -> Path:
    from huggingface_hub import snapshot_download

    problem = hub_problem(wanted)
    try:
        with quiet_hub():
            path = snapshot_download(
                wanted,
                allow_patterns=[f"*{ending}" for ending in _ENDINGS],
                # Other precisions and other runtimes of the same weights.
                ignore_patterns=["onnx/*", "openvino/*"],
                # What was loaded before is in the hub's cache.
                local_files_only=bool(problem),
                tqdm_class=None,
            )
    except (OSError, ValueError, RuntimeError) as error:
        if problem:
            raise _cant_load(name, _with_package(name, not_here(problem))) from None
        raise _cant_load(name, (str(error).strip() or type(error).__name__).splitlines()[0]) from error
    return Path(path)


def _with_package(name: str, reason: str) -> str:
    return f"{reason} It comes with: pip install 'spacy-ner-plus[encoder]'." if is_packaged(name) else reason


def _cant_load(name: str, reason: str) -> UserError:
    return UserError(Errors.E247.format(name=name, reason=reason))
