"""The trainable component `transformer_ner`: a Hugging Face encoder that tags entities."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import srsly
from spacy import util
from spacy.attrs import IS_SPACE
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.models.decoding import decode, tag_names, tags_to_bounds
from spacy_ner_plus.models.loss import cross_entropy
from spacy_ner_plus.pipeline.gold_tags import read_gold_tags
from spacy_ner_plus.spans import without_overlaps

default_model_config = """
[model]
@architectures = "spacy_ner_plus.TransformerTagger.v1"
encoder = ""
window = 200
overlap = 50
batch_wordpieces = 1000
case_features = "auto"
head_rate_factor = 10.0
frozen_layers = 0
attention_dropout = 0.0
"""
DEFAULT_MODEL = Config().from_str(default_model_config)["model"]


@Language.factory(
    "transformer_ner",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type"],
    default_config={
        "model": DEFAULT_MODEL,
        "device": "auto",
        "precision": "auto",
        "overwrite_ents": False,
        "scorer": {"@scorers": "spacy.ner_scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_transformer_ner(
    nlp: Language,
    name: str,
    model: Model,
    device: str,
    precision: Literal["auto", "fp32", "bf16", "fp16"],
    overwrite_ents: bool,
    scorer: Callable | None,
) -> "TransformerNER":
    """Make the component `transformer_ner`.

    model (Model[list[Doc], list[Floats2d]]): The tagger.
    device (str): 'auto' (a GPU where there is one), 'cpu', 'cuda', 'cuda:1', 'mps'.
    precision (str): 'auto' (bf16 where the hardware computes in it, else fp32),
        'fp32', 'bf16' or 'fp16'.
    overwrite_ents (bool): Whether entities that are on a Doc already give way.
        Default False: they stay, and what overlaps them is not set.
    scorer (Callable): The scoring method. Default: spacy.ner_scorer.v1.
    """
    return TransformerNER(
        nlp.vocab,
        model,
        name,
        device=device,
        precision=precision,
        overwrite_ents=overwrite_ents,
        scorer=scorer,
    )


class TransformerNER(TrainablePipe):
    """Put entities on Docs with a transformer, read in windows with a document's context.

    vocab (Vocab): The shared vocabulary.
    model (Model): The tagger.
    name (str): The component's name.
    device (str), precision (str), overwrite_ents (bool), scorer (Callable): As in the factory.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model,
        name: str,
        *,
        device: str,
        precision: str,
        overwrite_ents: bool,
        scorer: Callable | None,
    ):
        self.vocab = vocab
        self.model = model
        self.name = name
        self.overwrite_ents = overwrite_ents
        self.scorer = scorer
        # Settings stay out of `cfg`, so that what is given at load time wins over what was saved.
        self.cfg = {"labels": []}
        self._unknown_labels: set[str] = set()
        model.shims[0].place(device, precision)

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str]): The labels that are predicted."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> list[str]:
        """RETURNS (list[str]): The labels, as `spacy init labels` writes them."""
        return list(self.cfg["labels"])

    def add_label(self, label: str) -> int:
        """Add a label, before the network is made.

        label (str): The label.
        RETURNS (int): 0 if it is known already, else 1.
        RAISES (UserError): Where the network is made.
        """
        if label in self.labels:
            return 0
        if self.model.has_dim("nO"):
            raise UserError(Errors.E216.format(label=label, name=self.name, labels=", ".join(self.labels)))
        self.cfg["labels"] = [*self.labels, label]
        self.vocab.strings.add(label)
        return 1

    def predict(self, docs: Iterable[Doc]) -> list[np.ndarray]:
        """Find the best valid IOB2 tags, without touching the Docs.

        docs (Iterable[Doc]): A batch.
        RETURNS (list[Ints1d]): Tag numbers for each Doc, as `decoding` numbers them.
        """
        docs = list(docs)
        if not any(len(doc) for doc in docs):
            return [np.zeros(0, dtype=np.int64) for _ in docs]
        return decode(self.model.predict(docs))

    def set_annotations(self, docs: Iterable[Doc], tags: Sequence[np.ndarray]) -> None:
        """Write entities to Docs.

        docs (Iterable[Doc]): A batch.
        tags (Sequence[Ints1d]): What `predict` gave for it.
        """
        for doc, doc_tags in zip(docs, tags, strict=True):
            ents = self._spans(doc, doc_tags)
            if doc.ents and self.overwrite_ents:
                ents, given_way = without_overlaps(doc.ents, first=ents)
                for token in (token for ent in given_way for token in ent):
                    # set_ents leaves the id of the entity that was here before.
                    token.ent_id = 0
            elif doc.ents:
                ents, _ = without_overlaps(ents, first=doc.ents)
            doc.set_ents(ents, default="outside")

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Apply the component to a stream of Docs, in order.

        stream (Iterable[Doc]): The Docs.
        batch_size (int): How many to hold at once.
        YIELDS (Doc): The Docs. One that fails goes to the error handler alone.
        RAISES (UserError): Where a setting is at fault, such as a device that isn't there.
        """
        error_handler = self.get_error_handler()
        for docs in util.minibatch(stream, size=batch_size):
            try:
                self.set_annotations(docs, self.predict(docs))
            except UserError:
                # A setting is at fault, and with it every Doc would fail.
                raise
            except Exception:  # noqa: BLE001 - whichever Doc is at fault is found below
                for doc in docs:
                    try:
                        self.set_annotations([doc], self.predict([doc]))
                    except Exception as error:  # noqa: BLE001 - handed to the user's handler
                        error_handler(self.name, self, [doc], error)
                    else:
                        yield doc
            else:
                yield from docs

    def get_loss(
        self, examples: Iterable[Example], scores: Sequence[np.ndarray]
    ) -> tuple[float, list[np.ndarray]]:
        """Compute the mean cross-entropy over annotated tokens, and its gradient.

        examples (Iterable[Example]): The batch.
        scores (Sequence[Floats2d]): Logits for its Docs.
        RETURNS (tuple[float, list[Floats2d]]): The loss and its gradient by logits.
            Tokens whose annotation is missing don't count.
        """
        examples = list(examples)
        validate_examples(examples, "TransformerNER.get_loss")
        return cross_entropy(scores, [self._gold_tags(eg) for eg in examples])

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Take labels from the data or as given, and make the network anew from the encoder.

        get_examples (Callable): Gives examples; not called when labels are given.
        nlp (Language): The pipeline.
        labels (Sequence[str]): The labels, as `spacy init labels` writes them.
        RAISES (UserError): Where there are no labels, or the encoder can't be loaded.
        """
        if labels is None:
            validate_get_examples(get_examples, "TransformerNER.initialize")
            found = {ent.label_ for eg in get_examples() for ent in eg.reference.ents}
            labels = sorted(found | set(self.labels))
        if not labels:
            raise UserError(Errors.E215.format(name=self.name))
        self.model.set_dim("nO", len(tag_names(labels)), force=True)
        self.model.initialize()
        # Only now: where the encoder can't be had, a trained network keeps its labels.
        self.cfg["labels"] = list(labels)
        for label in labels:
            self.vocab.strings.add(label)

    def create_optimizer(self) -> Optimizer:
        """RETURNS (Optimizer): One with rates that suit a transformer, for use without a config."""
        from thinc.api import Adam

        return Adam(5e-5, L2=0.01, L2_is_weight_decay=True, grad_clip=1.0, use_averages=False)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the component: labels, weights as safetensors, encoder config and tokenizer.

        path (str | Path): A folder.
        exclude (Iterable[str]): Names of parts to leave out: 'cfg', 'vocab', 'model'.
        """
        self._validate_serialization_attrs()

        def write_model(folder: Path) -> None:
            folder.mkdir(exist_ok=True)
            for name, content in self.model.shims[0].to_files().items():
                (folder / name).write_bytes(content)

        serialize = {
            "cfg": lambda p: srsly.write_json(p, self.cfg),
            "vocab": lambda p: self.vocab.to_disk(p, exclude=exclude),
        }
        if self.model.has_dim("nO"):
            serialize["model"] = write_model
        util.to_disk(path, serialize, exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "TransformerNER":
        """Load the component; no network is needed and no code of a model is run.

        path (str | Path): The folder.
        exclude (Iterable[str]): Names of parts to leave out.
        RETURNS (TransformerNER): Itself.
        """

        def read_model(folder: Path) -> None:
            # A component that was saved before it was initialized has no network.
            if self.labels and folder.exists():
                self.model.set_dim("nO", len(tag_names(self.labels)), force=True)
                self.model.shims[0].from_files(folder)

        deserialize = {
            "cfg": lambda p: self.cfg.update(srsly.read_json(p)),
            "vocab": lambda p: self.vocab.from_disk(p, exclude=exclude),
            "model": read_model,
        }
        util.from_disk(path, deserialize, exclude)
        return self

    def _spans(self, doc: Doc, tags: np.ndarray) -> list[Span]:
        if not len(tags):
            return []
        starts, ends, labels = tags_to_bounds(tags, len(self.labels))
        if not len(starts):
            return []
        # spaCy refuses entities that begin or end with white space.
        is_space = doc.to_array(IS_SPACE).astype(bool)
        words = np.flatnonzero(~is_space)
        if len(words) < len(doc):
            first = np.searchsorted(words, starts)
            last = np.searchsorted(words, ends) - 1
            real = first <= last
            starts, ends, labels = words[first[real]], words[last[real]] + 1, labels[real]
        return [
            Span(doc, int(start), int(end), label=self.labels[label])
            for start, end, label in zip(starts, ends, labels, strict=True)
        ]

    def _gold_tags(self, example: Example) -> np.ndarray:
        tags, unknown = read_gold_tags(example, tag_names(self.labels))
        for label in unknown:
            self._warn_unknown(label)
        return tags

    def _warn_unknown(self, label: str) -> None:
        if label not in self._unknown_labels:
            self._unknown_labels.add(label)
            warnings.warn(
                Warnings.W201.format(name=self.name, label=label, labels=", ".join(self.labels)), stacklevel=2
            )
