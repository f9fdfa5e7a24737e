"""Labels, examples and threshold of structured_llm_ner, to and from disk and bytes.

What the settings name as files is kept here, so that a packaged pipeline needs none of them. A
setting that is given anew when the pipeline is loaded wins: each part is kept under the setting it
was read by. No server, key or reply is in it.
"""

from collections.abc import Iterable
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING, Any

import srsly
from spacy import util

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy_ner_plus.pipeline.structured_llm_ner.component import StructuredLLMNER


def to_disk(pipe: "StructuredLLMNER", path: str | Path, exclude: Iterable[str]) -> None:
    """Write a component to a folder.

    pipe (StructuredLLMNER): The component.
    path (str | Path): The folder.
    exclude (Iterable[str]): Names of parts to leave out: 'cfg', 'vocab'.
    """
    text = _pack(pipe)
    serialize = {
        "cfg": lambda p: p.write_text(text, encoding="utf8"),
        "vocab": lambda p: pipe.vocab.to_disk(p, exclude=exclude),
    }
    util.to_disk(path, serialize, exclude)


def from_disk(pipe: "StructuredLLMNER", path: str | Path, exclude: Iterable[str]) -> None:
    """Read a component from a folder.

    pipe (StructuredLLMNER): The component.
    path (str | Path): What `to_disk` wrote.
    exclude (Iterable[str]): Names of parts to leave out.
    RAISES (UserError): Where its file is missing or broken.
    """

    def read_cfg(file: Path) -> None:
        _unpack(pipe, file.read_text(encoding="utf8", errors="replace") if file.exists() else "", file)

    deserialize = {"cfg": read_cfg, "vocab": lambda p: pipe.vocab.from_disk(p, exclude=exclude)}
    util.from_disk(path, deserialize, exclude)


def to_bytes(pipe: "StructuredLLMNER", exclude: Iterable[str]) -> bytes:
    """Write a component to bytes.

    pipe (StructuredLLMNER): The component.
    exclude (Iterable[str]): Names of parts to leave out.
    RETURNS (bytes): All that `to_disk` writes.
    """
    serialize = {"cfg": lambda: _pack(pipe), "vocab": lambda: pipe.vocab.to_bytes(exclude=exclude)}
    return util.to_bytes(serialize, exclude)


def from_bytes(pipe: "StructuredLLMNER", data: bytes, exclude: Iterable[str]) -> None:
    """Read a component from bytes.

    pipe (StructuredLLMNER): The component.
    data (bytes): What `to_bytes` gave.
    exclude (Iterable[str]): Names of parts to leave out.
    """
    deserialize = {
        "cfg": lambda text: _unpack(pipe, text, pipe.name),
        "vocab": lambda b: pipe.vocab.from_bytes(b, exclude=exclude),
    }
    util.from_bytes(data, deserialize, exclude)


def _pack(pipe: "StructuredLLMNER") -> str:
    # A component that was never used or initialized may not have read its files yet.
    if pipe.settings["labels"] is not None:
        pipe.extractor.labels  # noqa: B018 - reads them
    return srsly.json_dumps(
        {
            "threshold": pipe.cfg["threshold"],
            "given_threshold": pipe.given_threshold,
            "resolved": pipe.resolved,
        }
    )


def _unpack(pipe: "StructuredLLMNER", text: str, where: Path | str) -> None:
    try:
        saved: Any = srsly.json_loads(text)
        resolved, threshold = saved["resolved"], float(saved["threshold"])
        before = saved.get("given_threshold")
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(Errors.E241.format(path=where, reason=f"{type(error).__name__}: {error}")) from error
    given = pipe.given_threshold
    # JSON may change a number's last digit.
    if given is None or (before is not None and isclose(before, given)):
        pipe.cfg["threshold"] = threshold
    pipe.resolved = dict(resolved)
