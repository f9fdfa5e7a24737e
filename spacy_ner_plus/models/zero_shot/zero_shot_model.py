"""A zero-shot model as a component holds it: loaded when it is first needed, saved, copied, and asked."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import srsly
import torch

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.models.runtime.device import choose_device
from spacy_ner_plus.models.runtime.forks import check_device_after_fork, limit_threads_at_fork
from spacy_ner_plus.models.runtime.threads import limit_threads
from spacy_ner_plus.models.zero_shot.checkpoint import Checkpoint, read_checkpoint, saved_checkpoint
from spacy_ner_plus.models.zero_shot.gliner2_model import make_gliner2
from spacy_ner_plus.models.zero_shot.gliner_model import make_gliner
from spacy_ner_plus.models.zero_shot.precision import choose_precision
from spacy_ner_plus.models.zero_shot.reading import FoundSpan, Layout, Question, read_texts
from spacy_ner_plus.models.zero_shot.snapshot import WEIGHTS, cant_load
from spacy_ner_plus.models.zero_shot.span_model import SpanModel
from spacy_ner_plus.models.zero_shot.weights import pack_weights

_FILES = "files"
# Wordpieces at once where it is measured which precision is the fastest.
_MEASURED = 512


class ZeroShotModel:
    """Holds a model of gliner or gliner2.

    source (str): A folder, or a name on the hub.
    device (str): As `choose_device` reads it.
    precision (str): In what its encoder of texts computes: 'auto', 'fp32', 'bf16' or 'fp16'.
    """

    def __init__(self, source: str, device: str, precision: str = "fp32"):
        self.source = source
        self.device = device
        self.precision = precision
        self._files: dict[str, bytes] | None = None
        self._model: SpanModel | None = None
        self._device: torch.device | None = None
        limit_threads_at_fork()

    @classmethod
    def of(cls, checkpoint: Checkpoint, name: str) -> "ZeroShotModel":
        """Make one of a model that was read already.

        name (str): For messages.
        RAISES (UserError): Where its library can't make it.
        """
        made = cls(name, "cpu")
        made._take(checkpoint, name)
        made._files = None
        return made

    @property
    def is_loaded(self) -> bool:
        """RETURNS (bool): Whether the model is here already."""
        return self._model is not None

    @property
    def model(self) -> SpanModel:
        """RETURNS (SpanModel): The model, where it is computed; loaded when it is first needed.

        RAISES (UserError): Where it can't be loaded, or there is no such device.
        """
        model = self._loaded()
        if self._device is None:
            device = choose_device(self.device)
            model.network.to(device)
            most = min(model.limit, _MEASURED)
            model.compute_in(choose_precision(self.precision, device, model.encoder, most, most))
            self._device = device
        else:
            check_device_after_fork(self._device)
        return model

    def _loaded(self) -> SpanModel:
        if self._model is None:
            self._take(read_checkpoint(self.source), self.source)
        return self._model

    def _take(self, checkpoint: Checkpoint, name: str) -> None:
        make = make_gliner if checkpoint.library == "gliner" else make_gliner2
        self._model, self._device, self._files = make(checkpoint, name), None, None
        if isinstance(checkpoint.weights, bytes):
            # As they were saved: what is saved again is the same.
            self._files = dict(sorted(checkpoint.files.items()))

    def read(
        self, questions: Sequence[Question], layout: Layout, issues: IssueLog | None = None
    ) -> list[list[FoundSpan]]:
        """Find the spans that the model scores high enough.

        issues (IssueLog): Where words that it can't read are counted.
        RETURNS (list[list[FoundSpan]]): For each text, in order.
        """
        limit_threads()
        return read_texts(self.model, questions, layout, IssueLog() if issues is None else issues)

    # Learning

    def replace(self, checkpoint: Checkpoint, name: str) -> None:
        """Take another model in the place of what it holds.

        name (str): For messages.
        RAISES (UserError): Where its library can't make it.
        """
        self._take(checkpoint, name)
        self._files = None

    def duplicate(self) -> SpanModel:
        """RETURNS (SpanModel): The model as it is now, with weights of its own, where it is computed."""
        device = next(self.model.network.parameters()).device
        checkpoint = self.checkpoint()
        make = make_gliner if checkpoint.library == "gliner" else make_gliner2
        model = make(checkpoint, self.source)
        model.network.to(device)
        return model

    def note_change(self) -> None:
        """What is made of the weights is made anew: they have changed."""
        self._device = None

    # Saving. What is saved is what was loaded, wherever it came from.

    def checkpoint(self) -> Checkpoint:
        """RETURNS (Checkpoint): The model as plain data.

        RAISES (UserError): Where it can't be loaded.
        """
        model = self._loaded()
        if self._files is None:
            self._files = dict(sorted(model.files().items()))
        library = "gliner" if "gliner_config.json" in self._files else "gliner2"
        return Checkpoint(library, self._files, pack_weights(model.network))

    def save(self, folder: Path) -> None:
        """Write the model to a folder, which is made; what it holds already goes."""
        checkpoint = self.checkpoint()
        if folder.is_dir():
            # What was saved there before may have been of another library.
            shutil.rmtree(folder)
        for file, data in {**checkpoint.files, WEIGHTS: checkpoint.weights}.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote.

        RAISES (UserError): Where it is missing or broken, or names code.
        """
        if not (folder / WEIGHTS).is_file():
            raise cant_load(folder, f"{WEIGHTS} is missing")
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != WEIGHTS]
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        self._take(saved_checkpoint(files, (folder / WEIGHTS).read_bytes(), str(folder)), str(folder))

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): What `save` writes, as one message."""
        checkpoint = self.checkpoint()
        return srsly.msgpack_dumps({_FILES: checkpoint.files, WEIGHTS: checkpoint.weights})

    def from_bytes(self, data: bytes) -> None:
        """Read what `to_bytes` gave.

        RAISES (UserError): Where it is broken, or names code.
        """
        message = srsly.msgpack_loads(data)
        self._take(saved_checkpoint(message[_FILES], message[WEIGHTS], self.source), self.source)

    # A live network can't always be copied or sent: transformers hangs local functions on its modules.

    def __getstate__(self) -> dict[str, Any]:
        state = {"source": self.source, "device": self.device, "precision": self.precision}
        if self._model is None:
            return state
        checkpoint = self.checkpoint()
        return {**state, _FILES: checkpoint.files, WEIGHTS: checkpoint.weights}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["source"], state["device"], state["precision"])
        if WEIGHTS in state:
            self._take(saved_checkpoint(state[_FILES], state[WEIGHTS], self.source), self.source)
