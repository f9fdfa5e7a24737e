"""The trainable component `transformer_ner`: a Hugging Face encoder that tags entities."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import Adam, Config, Model, Optimizer

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.decoding.predictions import Prediction, find_entities, launch_scores
from spacy_ner_plus.models.token_scorer import (
    load_network,
    make_network,
    own_shim,
    place_network,
    save_network,
)
from spacy_ner_plus.models.training.loss import cross_entropy
from spacy_ner_plus.pipeline.entity_component import EntityComponent, EntitySettings
from spacy_ner_plus.pipeline.streaming import annotate_stream
from spacy_ner_plus.pipeline.transformer_ner.gold_tags import GoldTagReader, find_labels

default_model_config = """
[model]
@architectures = "spacy_ner_plus.TransformerTagger.v1"
encoder = ""
window = 200
overlap = 50
lead = 24
batch_wordpieces = 1000
case_features = "auto"
line_features = true
head_layers = 4
head_rate_factor = 10.0
frozen_layers = 0
attention_dropout = 0.0
"""
DEFAULT_MODEL = Config().from_str(default_model_config)["model"]


@Language.factory(
    "transformer_ner",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type", "span._.score"],
    default_config={
        "model": DEFAULT_MODEL,
        "device": "auto",
        "precision": "auto",
        "overwrite_ents": False,
        "spans_key": None,
        "threshold": None,
        "consistency": 0.5,
        "scorer": {"@scorers": "spacy.ner_scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_transformer_ner(
    nlp: Language,
    name: str,
    model: Model,
    device: str,
    precision: Literal["auto", "fp32", "bf16", "fp16", "int8"],
    overwrite_ents: bool,
    spans_key: str | None,
    threshold: float | None,
    consistency: float,
    scorer: Callable | None,
) -> "TransformerNER":
    """Make the component `transformer_ner`.

    model (Model[list[Doc], list[Floats2d]]): The tagger: any model that gives logits of
        2 * labels + 1 tags for each token.
    device (str): 'auto' (a GPU where there is one), 'cpu', 'cuda', 'cuda:1', 'mps'.
    precision (str): 'auto' (bf16 where the hardware computes in it, else fp32),
        'fp32', 'bf16', 'fp16' or 'int8'. Like `device` for spacy_ner_plus's own
        TransformerTagger alone; other models run where spaCy puts them.
    overwrite_ents (bool): Whether entities that are on a Doc already give way.
        Default False: they stay, and what overlaps them is not set.
    spans_key (str): Key in doc.spans for the entities with their scores, '' for none. Default:
        the component's name.
    threshold (float): The least probability of an entity, from 0 to 1; less probable ones
        aren't set. Default: what was saved with the component, else 0.
    consistency (float): How much a word's other occurrences in its document count for its label,
        from 0 to 1. Default 0.5.
    scorer (Callable): The scoring method. Default: spacy.ner_scorer.v1.
    """
    return TransformerNER(
        nlp.vocab,
        model,
        name,
        device=device,
        precision=precision,
        overwrite_ents=overwrite_ents,
        spans_key=spans_key,
        threshold=threshold,
        consistency=consistency,
        scorer=scorer,
    )


class TransformerNER(EntityComponent, TrainablePipe):
    """Put entities on Docs with a transformer, read in windows with a document's context.

    vocab (Vocab): The shared vocabulary.
    model (Model): The tagger.
    name (str): The component's name.
    device (str), precision (str), overwrite_ents (bool), spans_key (str), threshold (float),
        consistency (float), scorer (Callable): As in the factory.
    RAISES (UserError): For a threshold or consistency that isn't from 0 to 1, and where `device` or
        `precision` is set for a model that doesn't take them.
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
        spans_key: str | None,
        threshold: float | None,
        consistency: float,
        scorer: Callable | None,
    ):
        shared = EntitySettings(overwrite_ents=overwrite_ents, spans_key=spans_key, threshold=threshold)
        super().__init__(vocab, name, shared, scorer=scorer)
        if not 0.0 <= consistency <= 1.0:
            raise UserError(Errors.E231.format(consistency=consistency))
        self.consistency = consistency
        self.model = model
        self.cfg.update(labels=[], temperature=1.0)
        # Whether what is loaded holds a network: a component that is saved before it is initialized has none.
        self._expects_network = True
        self._read_gold = GoldTagReader()
        place_network(model, device, precision, name)

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

    def predict(self, docs: Iterable[Doc]) -> list[Prediction]:
        """Find the entities of the best valid IOB2 tags, without touching the Docs.

        docs (Iterable[Doc]): A batch.
        RETURNS (list[Prediction]): Entities and their probabilities for each Doc.
        """
        return self._launch(list(docs))()

    def set_annotations(self, docs: Iterable[Doc], predictions: Sequence[Prediction]) -> None:
        """Write entities to Docs, those of at least the threshold's probability.

        docs (Iterable[Doc]): A batch.
        predictions (Sequence[Prediction]): What `predict` gave for it.
        """
        for doc, (entities, scores) in zip(docs, predictions, strict=True):
            kept = np.flatnonzero(scores >= self.threshold)
            bounds = (part[kept].tolist() for part in entities)
            ents = [
                Span(doc, start, end, label=self.labels[label])
                for start, end, label in zip(*bounds, strict=True)
            ]
            self.set_ents(doc, ents, scores[kept])

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Apply the component to a stream of Docs, in order.

        stream (Iterable[Doc]): The Docs.
        batch_size (int): How many to hold at once.
        YIELDS (Doc): The Docs. One that fails goes to the error handler alone.
        RAISES (UserError): Where a setting is at fault, such as a device that isn't there.
        """
        shim = own_shim(self.model)
        yield from annotate_stream(
            stream,
            batch_size=batch_size,
            launch=self._launch,
            write=self.set_annotations,
            fail=self.handle_error,
            ahead=1 if shim is not None and shim.runs_ahead else 0,
        )

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
        ops = self.model.ops
        loss, gradient = cross_entropy(
            [ops.to_numpy(part) for part in scores],
            [self._read_gold(eg, self.labels, self.name) for eg in examples],
        )
        if own_shim(self.model) is None:
            gradient = [ops.asarray2f(part) for part in gradient]
        return loss, gradient

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Take labels from the data or as given, and make the network anew from the encoder.

        get_examples (Callable): Gives examples.
        nlp (Language): The pipeline.
        labels (Sequence[str]): The labels, as `spacy init labels` writes them.
        RAISES (UserError): Where there are no labels, or the encoder can't be loaded.
        """
        if labels is None:
            labels = find_labels(get_examples, self.labels, self.name)
        if not labels:
            raise UserError(Errors.E215.format(name=self.name))
        make_network(self.model, (eg.reference for eg in get_examples()), labels, self.name)
        # Only now: where the encoder can't be had, a trained network keeps its labels.
        self.cfg.update(labels=list(labels), temperature=1.0)
        for label in labels:
            self.vocab.strings.add(label)

    def create_optimizer(self) -> Optimizer:
        """RETURNS (Optimizer): One with rates that suit a transformer, for use without a config."""
        return Adam(5e-5, L2=0.01, L2_is_weight_decay=True, grad_clip=1.0, use_averages=False)

    def _disk_writers(self, exclude: Iterable[str]) -> dict[str, Callable[[Path], Any]]:
        network = {"model": lambda p: save_network(self.model, p)} if self._has_network() else {}
        return {**super()._disk_writers(exclude), **network}

    def _disk_readers(self, exclude: Iterable[str]) -> dict[str, Callable[[Path], Any]]:
        self._expects_network = True

        def read_model(folder: Path) -> None:
            if self._expects_network:
                load_network(self.model, folder, self.labels)

        return {**super()._disk_readers(exclude), "model": read_model}

    def _bytes_writers(self, exclude: Iterable[str]) -> dict[str, Callable[[], Any]]:
        return {**super()._bytes_writers(exclude), "model": self.model.to_bytes}

    def _bytes_readers(self, exclude: Iterable[str]) -> dict[str, Callable[[Any], Any]]:
        return {**super()._bytes_readers(exclude), "model": self.model.from_bytes}

    def _state_to_dict(self) -> dict[str, Any]:
        return {**self.cfg, "has_network": self._has_network()}

    def _state_from_dict(self, state: dict[str, Any]) -> None:
        if not isinstance(state.get("labels"), list):
            raise ValueError("no labels")
        self._expects_network = state.pop("has_network", bool(state["labels"]))
        self.cfg.update(state)

    def _has_network(self) -> bool:
        return self.model.has_dim("nO") is True

    def _launch(self, docs: list[Doc]) -> Callable[[], list[Prediction]]:
        wait = launch_scores(self.model, docs, self.consistency)
        return lambda: find_entities(wait(), len(self.labels), self.cfg["temperature"])
