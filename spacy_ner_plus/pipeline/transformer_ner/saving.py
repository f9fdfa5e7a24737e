"""A component's labels, settings and network, to and from disk and bytes.

The threshold may stand both among these settings and in the config. What is given when a pipeline is
loaded must win over what was saved, and what was set later (by `spacy find-threshold`, say) over the
config that was saved with it. So a note is kept of the threshold that the config had.
"""

from collections.abc import Iterable
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING, Any

import srsly
from spacy import util

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.token_scorer import load_network, save_network

if TYPE_CHECKING:
    from spacy_ner_plus.pipeline.transformer_ner.component import TransformerNER

_GIVEN = "given_threshold"
_NETWORK = "has_network"


def to_disk(pipe: "TransformerNER", path: str | Path, exclude: Iterable[str]) -> None:
    """Write a component to a folder.

    pipe (TransformerNER): The component.
    path (str | Path): The folder.
    exclude (Iterable[str]): Names of parts to leave out: 'cfg', 'vocab', 'model'.
    """
    serialize = {
        "cfg": lambda p: p.write_text(_pack(pipe), encoding="utf8"),
        "vocab": lambda p: pipe.vocab.to_disk(p, exclude=exclude),
    }
    if _has_network(pipe):
        serialize["model"] = lambda p: save_network(pipe.model, p)
    util.to_disk(path, serialize, exclude)


def from_disk(pipe: "TransformerNER", path: str | Path, exclude: Iterable[str]) -> None:
    """Read a component from a folder.

    pipe (TransformerNER): The component.
    path (str | Path): What `to_disk` wrote.
    exclude (Iterable[str]): Names of parts to leave out.
    RAISES (UserError): Where a file is missing or broken, or files don't belong together.
    """
    has_network = True

    def read_cfg(file: Path) -> None:
        nonlocal has_network
        text = file.read_text(encoding="utf8", errors="replace") if file.exists() else ""
        has_network = _unpack(pipe, text, file)

    def read_model(folder: Path) -> None:
        # A component that was saved before it was initialized has no network.
        if has_network:
            load_network(pipe.model, folder, pipe.labels)

    deserialize = {
        "cfg": read_cfg,
        "vocab": lambda p: pipe.vocab.from_disk(p, exclude=exclude),
        "model": read_model,
    }
    util.from_disk(path, deserialize, exclude)


def to_bytes(pipe: "TransformerNER", exclude: Iterable[str]) -> bytes:
    """Write a component to bytes.

    pipe (TransformerNER): The component.
    exclude (Iterable[str]): Names of parts to leave out.
    RETURNS (bytes): All that `to_disk` writes.
    """
    serialize = {
        "cfg": lambda: _pack(pipe),
        "vocab": lambda: pipe.vocab.to_bytes(exclude=exclude),
        "model": pipe.model.to_bytes,
    }
    return util.to_bytes(serialize, exclude)


def from_bytes(pipe: "TransformerNER", data: bytes, exclude: Iterable[str]) -> None:
    """Read a component from bytes.

    pipe (TransformerNER): The component.
    data (bytes): What `to_bytes` gave.
    exclude (Iterable[str]): Names of parts to leave out.
    """
    deserialize = {
        "cfg": lambda text: _unpack(pipe, text, pipe.name),
        "vocab": lambda b: pipe.vocab.from_bytes(b, exclude=exclude),
        "model": pipe.model.from_bytes,
    }
    util.from_bytes(data, deserialize, exclude)


def _has_network(pipe: "TransformerNER") -> bool:
    return pipe.model.has_dim("nO") is True


def _pack(pipe: "TransformerNER") -> str:
    return srsly.json_dumps({**pipe.cfg, _GIVEN: pipe.given_threshold, _NETWORK: _has_network(pipe)})


def _unpack(pipe: "TransformerNER", text: str, where: Path | str) -> bool:
    """Give a component its settings, and say whether a network was saved with them."""
    try:
        settings: Any = srsly.json_loads(text)
    except ValueError as error:
        raise UserError(Errors.E222.format(path=where, reason=f"it is no JSON ({error})")) from error
    if not isinstance(settings, dict) or not isinstance(settings.get("labels"), list):
        raise UserError(Errors.E222.format(path=where, reason="it holds no labels"))
    before, given = settings.pop(_GIVEN, None), pipe.given_threshold
    has_network = settings.pop(_NETWORK, bool(settings["labels"]))
    # JSON may change a number's last digit.
    same = before is not None and given is not None and isclose(before, given)
    if given is not None and not same:
        settings.pop("threshold", None)
    pipe.cfg.update(settings)
    return has_network
