"""A component's network made, and on disk: our own in safetensors, others as thinc saves them."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from spacy.tokens import Doc
from thinc.api import Model

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.decoding.viterbi import tag_names

if TYPE_CHECKING:
    from spacy_ner_plus.models.tagger_model import TaggerShim

# What thinc's messages lie in, beside nothing else.
_THINC_MODEL = "model.msgpack"


def own_shim(model: Model) -> "TaggerShim | None":
    """Find the shim of our own tagger.

    model (Model): A component's model.
    RETURNS (TaggerShim | None): The shim; None for a model of other layers.
    """
    return next((shim for shim in model.shims if hasattr(shim, "to_files")), None)


def place_network(model: Model, device: str, precision: str, name: str) -> None:
    """Say where a component's network shall run, and in which precision.

    model (Model): The component's model.
    device (str): The `device` setting.
    precision (str): The `precision` setting.
    name (str): The component's name, for messages.
    RAISES (UserError): Where one is set for a model that doesn't take them.
    """
    shim = own_shim(model)
    if shim is not None:
        shim.place(device, precision)
    elif (device, precision) != ("auto", "auto"):
        raise UserError(Errors.E221.format(name=name))


def make_network(model: Model, docs: Iterable[Doc], labels: Sequence[str], name: str) -> None:
    """Make a component's network anew; where that fails, the model is left as it was.

    model (Model): The component's model.
    docs (Iterable[Doc]): Docs from which other models than our own learn their widths.
    labels (Sequence[str]): The labels to be tagged.
    name (str): The component's name, for messages.
    RAISES (UserError): Where the encoder can't be loaded, or the model gives something else than
        scores of tags.
    """
    before = model.maybe_get_dim("nO")
    n_tags = len(tag_names(labels))
    model.set_dim("nO", n_tags, force=True)
    try:
        if own_shim(model) is not None:
            model.initialize()
            return
        sample = list(islice(docs, 10))
        model.initialize(X=sample or None)
        width = model.predict(sample[:1])[0].shape[1] if sample else n_tags
        if width != n_tags:
            raise UserError(Errors.E227.format(name=name, width=width, tags=n_tags))
    except Exception:
        model.set_dim("nO", before, force=True)
        raise


def save_network(model: Model, folder: Path) -> None:
    """Write a network's files.

    model (Model): The component's model, initialized.
    folder (Path): Where to; it is made.
    """
    folder.mkdir(exist_ok=True)
    shim = own_shim(model)
    files = {_THINC_MODEL: model.to_bytes()} if shim is None else shim.to_files()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def load_network(model: Model, folder: Path, labels: Sequence[str]) -> None:
    """Read a network's files.

    model (Model): The component's model, as its config builds it.
    folder (Path): What `save_network` wrote.
    labels (Sequence[str]): The labels that were saved with it.
    RAISES (UserError): Where the files are missing, broken, or of a network for other labels or of
        another architecture.
    """
    if not folder.exists():
        raise UserError(Errors.E209.format(path=folder))
    n_tags = len(tag_names(labels))
    shim = own_shim(model)
    if shim is not None:
        model.set_dim("nO", n_tags, force=True)
        shim.from_files(folder)
        found = shim.network_size()
    else:
        try:
            model.from_bytes((folder / _THINC_MODEL).read_bytes())
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise UserError(Errors.E222.format(path=folder, reason=reason)) from error
        found = model.get_dim("nO")
    if found != n_tags:
        raise UserError(Errors.E223.format(path=folder, found=found, labels=", ".join(labels), tags=n_tags))
