"""A network as a component sees it: something that scores tags for tokens, and learns.

There are two: our own tagger, and any thinc model that gives logits for each token.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from spacy.pipeline.tok2vec import Tok2VecListener
from spacy.tokens import Doc
from spacy.util import replace_model_node
from thinc.api import Linear, Model, Optimizer, set_dropout_rate

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import written_together
from spacy_ner_plus.models.decoding.tags import NEW_TAG_MARGIN, renumber_tags
from spacy_ner_plus.models.ragged import Ragged

if TYPE_CHECKING:
    import torch
    from torch import nn

    from spacy_ner_plus.models.encoders.tokenization import WordpieceTokenizer
    from spacy_ner_plus.models.tagger_model import TaggerModel

Backprop = Callable[[np.ndarray], None]
# The default of a component's setting.
PRECISION_TOLERANCE = 0.1


class TokenScorer(Protocol):
    """What a component asks of its network, whose tags are numbered as in `decoding.tags`."""

    @property
    def n_tags(self) -> int | None:
        """RETURNS (int | None): How many tags are scored; None where there is no network yet."""

    @property
    def runs_async(self) -> bool:
        """RETURNS (bool): Whether what `begin_score` begins goes on by itself, as on a GPU."""

    @property
    def tokenizer(self) -> "WordpieceTokenizer | None":
        """RETURNS (WordpieceTokenizer | None): What texts are cut into wordpieces by; None where nothing is."""

    @property
    def upstream(self) -> str | None:
        """RETURNS (str | None): The component that the network listens to; None where it does all by itself."""

    @property
    def extras(self) -> Sequence[str]:
        """RETURNS (Sequence[str]): The extras without which what is saved can't be loaded."""

    def configure(
        self, device: str, precision: str, precision_tolerance: float = PRECISION_TOLERANCE
    ) -> None:
        """Set where the network runs, and in which precision, before or after it is made.

        precision_tolerance (float): How many points of F1 precision 'auto' may cost.
        RAISES (UserError): Where one isn't the default and the network doesn't take it.
        """

    def create(self, n_tags: int, docs: Iterable[Doc]) -> None:
        """Make the network; where that fails, a network that was there before stays.

        docs (Iterable[Doc]): Docs from which thinc models learn their widths.
        RAISES (UserError): Where the encoder can't be loaded, or the model gives something else than scores.
        """

    def resize(self, n_tags: int) -> None:
        """Score the tags of more labels: what was learnt of the others stays, new ones aren't predicted yet.

        n_tags (int): How many there shall be; the new labels come after those that are there.
        RAISES (UserError): Where the network can't grow.
        """

    def begin_score(self, docs: Sequence[Doc]) -> Callable[[], Ragged]:
        """Begin to score the tags of every token.

        RETURNS (Callable): Waits for the end, and gives logits of shape (tokens, n_tags).
        RAISES (UserError): Where there is no network yet.
        """

    def score(self, docs: Sequence[Doc]) -> Ragged:
        """RETURNS (Ragged): Logits of shape (tokens, n_tags)."""

    def begin_update(self, docs: Sequence[Doc], dropout: float) -> tuple[Ragged, Backprop]:
        """Score the tags of every token, ready to learn.

        dropout (float): Share that is dropped, from 0 to 1.
        RETURNS (tuple[Ragged, Callable]): Logits, and a function that takes the gradient of the loss by
            them, an array of the same shape.
        """

    def finish_update(self, optimizer: Optimizer) -> None:
        """Change the weights by the gradient that was gathered."""

    def save(self, folder: Path) -> None:
        """Write the network's files to a folder, which is made; what lay there before is gone.

        RAISES (UserError): Where it can't be written.
        """

    def load(self, folder: Path) -> None:
        """Read the network's files.

        RAISES (UserError): Where they are missing, broken, or of another architecture.
        """

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): What `save` writes, as one message."""

    def from_bytes(self, data: bytes) -> None:
        """Read what `to_bytes` gave."""

    def copy(self) -> "TokenScorer":
        """RETURNS (TokenScorer): One with a network of its own, and the same weights."""


def token_scorer(model: Model, name: str) -> TokenScorer:
    """See a component's model as a TokenScorer.

    model (Model[list[Doc], list[Floats2d]]): Gives logits of shape (tokens, n_tags) for each Doc.
    name (str): The component's, for messages.
    """
    from spacy_ner_plus.models.tagger_model import TaggerModel

    if any(isinstance(shim, TaggerModel) for shim in model.shims):
        return TaggerScorer(model, name)
    return ThincScorer(model, name)


class TaggerScorer:
    """Our own tagger, which runs where its settings say and is saved in safetensors.

    model (Model): The thinc model around it, as TransformerTagger.v2 builds it.
    name (str): The component's, for messages.
    """

    def __init__(self, model: Model, name: str):
        self.model = model
        self.name = name

    @property
    def tagger(self) -> "TaggerModel":
        """RETURNS (TaggerModel): The tagger itself."""
        return self.model.shims[0]

    @property
    def n_tags(self) -> int | None:
        return self.tagger.n_tags

    @property
    def runs_async(self) -> bool:
        return self.tagger.runs_async

    @property
    def tokenizer(self) -> "WordpieceTokenizer | None":
        return self.tagger.tokenizer

    @property
    def upstream(self) -> None:
        return None

    @property
    def extras(self) -> Sequence[str]:
        return self.tagger.settings.extras

    def configure(
        self, device: str, precision: str, precision_tolerance: float = PRECISION_TOLERANCE
    ) -> None:
        self.tagger.configure(device, precision, precision_tolerance)

    def create(self, n_tags: int, docs: Iterable[Doc]) -> None:
        self.tagger.create(n_tags)
        self._set_dims()

    def adopt(
        self,
        encoder: "nn.Module",
        tokenizer: "WordpieceTokenizer",
        weight: "torch.Tensor",
        bias: "torch.Tensor",
    ) -> None:
        """Make the network of an encoder and a head that were trained elsewhere.

        encoder (nn.Module): A Hugging Face base model.
        weight (torch.Tensor): The head's, of shape (n_tags, width).
        bias (torch.Tensor): The head's, of shape (n_tags,).
        """
        self.tagger.adopt(encoder, tokenizer, len(bias))
        self.tagger.network.set_head(weight, bias)
        self._set_dims()

    def resize(self, n_tags: int) -> None:
        self.tagger.resize(n_tags)
        self._set_dims()

    def begin_score(self, docs: Sequence[Doc]) -> Callable[[], Ragged]:
        if not _has_tokens(docs, self.n_tags):
            return lambda: _no_scores(docs, self.n_tags)
        return self.tagger.begin_score(docs)

    def score(self, docs: Sequence[Doc]) -> Ragged:
        return self.begin_score(docs)()

    def begin_update(self, docs: Sequence[Doc], dropout: float) -> tuple[Ragged, Backprop]:
        self.tagger.set_dropout(dropout)
        return self.tagger.begin_update(docs)

    def finish_update(self, optimizer: Optimizer) -> None:
        self.model.finish_update(optimizer)

    def save(self, folder: Path) -> None:
        files = self.tagger.to_files()
        # Whole, so that nothing stays of a network that was saved here before: an adapter would be read with these
        # weights.
        with written_together([folder], over_folders=True) as (beside,):
            beside.mkdir()
            for name, content in files.items():
                (beside / name).write_bytes(content)

    def load(self, folder: Path) -> None:
        if not folder.exists():
            raise UserError(Errors.E209.format(path=folder))
        self.tagger.from_files(folder)
        self._set_dims()

    def to_bytes(self) -> bytes:
        return self.model.to_bytes()

    def from_bytes(self, data: bytes) -> None:
        self.model.from_bytes(data)

    def copy(self) -> "TaggerScorer":
        return TaggerScorer(self.model.copy(), self.name)

    def _set_dims(self) -> None:
        self.model.set_dim("nO", self.n_tags, force=True)


class ThincScorer:
    """Any thinc model, which runs where spaCy puts it and is saved as thinc saves it.

    model (Model[list[Doc], list[Floats2d]]): Gives logits of shape (tokens, n_tags) for each Doc.
    name (str): The component's, for messages.
    """

    _FILE = "model.msgpack"

    def __init__(self, model: Model, name: str):
        self.model = model
        self.name = name

    @property
    def n_tags(self) -> int | None:
        return self.model.maybe_get_dim("nO")

    @property
    def runs_async(self) -> bool:
        return False

    @property
    def tokenizer(self) -> None:
        return None

    @property
    def upstream(self) -> str | None:
        # Those of spaCy and of spacy-transformers have no class in common.
        names = (getattr(node, "upstream_name", None) for node in self.model.walk())
        return next((name for name in names if name is not None), None)

    @property
    def extras(self) -> Sequence[str]:
        return ()

    def configure(
        self, device: str, precision: str, precision_tolerance: float = PRECISION_TOLERANCE
    ) -> None:
        if (device, precision, precision_tolerance) != ("auto", "auto", PRECISION_TOLERANCE):
            raise UserError(Errors.E221.format(name=self.name))
        # Other components of the pipeline that use torch, as a shared `transformer`, would hang in a forked worker.
        from spacy_ner_plus.models.runtime.forks import limit_threads_at_fork

        limit_threads_at_fork()

    def create(self, n_tags: int, docs: Iterable[Doc]) -> None:
        before = self.n_tags
        self.model.set_dim("nO", n_tags, force=True)
        try:
            sample = list(islice(docs, 10))
            self.model.initialize(X=sample or None)
            width = self.model.predict(sample[:1])[0].shape[1] if sample else n_tags
            if width != n_tags:
                raise UserError(Errors.E227.format(name=self.name, width=width, tags=n_tags))
        except Exception:
            self.model.set_dim("nO", before, force=True)
            raise

    def resize(self, n_tags: int) -> None:
        model, before = self.model, self.n_tags
        output = model.get_ref("output_layer") if model.has_ref("output_layer") else None
        if output is None or output.name != "linear" or not output.has_param("W"):
            raise UserError(Errors.E232.format(name=self.name, found=before, tags=n_tags))
        # A layer of its own: optimizers keep averages of each layer's weights by its number.
        grown = Linear(nO=n_tags, nI=output.get_dim("nI"))
        rows = renumber_tags(before, n_tags)
        for name, margin in (("W", 0.0), ("b", NEW_TAG_MARGIN)):
            old = output.get_param(name)
            new = model.ops.alloc((n_tags, *old.shape[1:]), dtype=old.dtype)
            new[:] = old[0] - margin
            new[rows] = old
            grown.set_param(name, new)
        replace_model_node(model, output, grown)
        for node in model.walk():
            if grown in node.walk() and node.maybe_get_dim("nO") == before:
                node.set_dim("nO", n_tags, force=True)

    def begin_score(self, docs: Sequence[Doc]) -> Callable[[], Ragged]:
        if not _has_tokens(docs, self.n_tags):
            return lambda: _no_scores(docs, self.n_tags)
        scores = self._join(self.model.predict(docs))
        return lambda: scores

    def score(self, docs: Sequence[Doc]) -> Ragged:
        return self.begin_score(docs)()

    def begin_update(self, docs: Sequence[Doc], dropout: float) -> tuple[Ragged, Backprop]:
        set_dropout_rate(self.model, dropout)
        parts, backprop = self.model.begin_update(docs)
        scores = self._join(parts)

        def backprop_rows(d_scores: np.ndarray) -> None:
            d_parts = Ragged(d_scores, scores.lengths).split()
            backprop([self.model.ops.asarray2f(part) for part in d_parts])
            for node in self.model.walk():
                if isinstance(node, Tok2VecListener):
                    # It keeps the batch's, a local function, with which no pipeline can be pickled.
                    node._backprop = None

        return scores, backprop_rows

    def finish_update(self, optimizer: Optimizer) -> None:
        self.model.finish_update(optimizer)

    def save(self, folder: Path) -> None:
        content = self.to_bytes()
        with written_together([folder], over_folders=True) as (beside,):
            beside.mkdir()
            (beside / self._FILE).write_bytes(content)

    def load(self, folder: Path) -> None:
        if not folder.exists():
            raise UserError(Errors.E209.format(path=folder))
        try:
            self.from_bytes((folder / self._FILE).read_bytes())
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise UserError(Errors.E222.format(path=folder, reason=reason)) from error

    def to_bytes(self) -> bytes:
        return self.model.to_bytes()

    def from_bytes(self, data: bytes) -> None:
        self.model.from_bytes(data)

    def copy(self) -> "ThincScorer":
        return ThincScorer(self.model.copy(), self.name)

    def _join(self, parts: Sequence) -> Ragged:
        return Ragged.join([self.model.ops.to_numpy(part) for part in parts])


def _has_tokens(docs: Sequence[Doc], n_tags: int | None) -> bool:
    if n_tags is None:
        raise UserError(Errors.E208)
    return any(len(doc) for doc in docs)


def _no_scores(docs: Sequence[Doc], n_tags: int) -> Ragged:
    return Ragged(np.zeros((0, n_tags), dtype=np.float32), np.zeros(len(docs), dtype=np.int64))
