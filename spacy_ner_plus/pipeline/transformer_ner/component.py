"""The trainable component `transformer_ner`: a Hugging Face encoder that tags entities."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples
from spacy.util import minibatch
from spacy.vocab import Vocab
from thinc.api import Adam, Model, Optimizer

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.decoding.predictions import Predictions, adjust_scores, find_entities
from spacy_ner_plus.models.decoding.tags import tag_names
from spacy_ner_plus.models.ragged import Ragged
from spacy_ner_plus.models.tagger_settings import TaggerSettings
from spacy_ner_plus.models.token_scorer import TaggerScorer, TokenScorer, token_scorer
from spacy_ner_plus.models.training.loss import cross_entropy, distillation_loss, rehearsal_loss
from spacy_ner_plus.models.training.token_losses import TokenLoss
from spacy_ner_plus.pipeline.calibration import Calibration
from spacy_ner_plus.pipeline.entity_component import EntityComponent
from spacy_ner_plus.pipeline.requirements import require_extras
from spacy_ner_plus.pipeline.streaming import annotate_stream
from spacy_ner_plus.pipeline.transformer_ner.averaging import Training, average_trainings
from spacy_ner_plus.pipeline.transformer_ner.calibration import CalibrationSample
from spacy_ner_plus.pipeline.transformer_ner.gold_tags import GoldTagReader, find_labels
from spacy_ner_plus.pipeline.transformer_ner.misalignment import AlignmentCheck
from spacy_ner_plus.pipeline.transformer_ner.settings import TransformerNERSettings
from spacy_ner_plus.pipeline.transformer_ner.soft_targets import BatchTargets
from spacy_ner_plus.settings import defaults
from spacy_ner_plus.soft_tags import SoftTags, learnable_soft_tags, write_soft_tags

# How many documents are looked at before training where not all of them need to be read.
SAMPLE = 1000
DEFAULT_MODEL = {"@architectures": "spacy_ner_plus.TransformerTagger.v2", **defaults(TaggerSettings)}


@Language.factory(
    "transformer_ner",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type", "span._.score"],
    default_config={
        "model": DEFAULT_MODEL,
        **defaults(TransformerNERSettings),
        "loss": None,
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
    precision_tolerance: float,
    overwrite_ents: bool,
    spans_key: str | None,
    threshold: float | None,
    consistency: float,
    soft_temperature: float | None,
    soft_weight: float,
    soft_share: float,
    soft_agreement: float,
    loss: Callable | None,
    scorer: Callable | None,
) -> "TransformerNER":
    """Make the component `transformer_ner`, with the settings of `TransformerNERSettings`.

    model (Model[list[Doc], list[Floats2d]]): Any model that gives logits of 2 * labels + 1 tags for each
        token. Default: our own tagger, with the settings of `TaggerSettings`.
    loss (TokenLoss | None): What is learnt from annotated tokens. Default: cross-entropy.
    scorer (Callable): The scoring method. Default: spacy.ner_scorer.v1.
    """
    settings = TransformerNERSettings(
        device=device,
        precision=precision,
        precision_tolerance=precision_tolerance,
        overwrite_ents=overwrite_ents,
        spans_key=spans_key,
        threshold=threshold,
        consistency=consistency,
        soft_temperature=soft_temperature,
        soft_weight=soft_weight,
        soft_share=soft_share,
        soft_agreement=soft_agreement,
    )
    if device == "openvino":
        require_extras(nlp, "openvino")
    component = TransformerNER(nlp.vocab, model, name, settings, loss=loss, scorer=scorer)
    if extras := component.token_scorer.extras:
        require_extras(nlp, *extras)
    return component


class TransformerNER(EntityComponent, TrainablePipe):
    """Put entities on Docs with a transformer that reads them in windows with a document's context.

    model (Model[list[Doc], list[Floats2d]]): As in the factory.
    loss (TokenLoss | None): What is learnt from annotated tokens; None for cross-entropy.
    scorer (Callable): The scoring method; None for none.
    RAISES (UserError): Where `device` or `precision` is set for a model that doesn't take them.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model,
        name: str,
        settings: TransformerNERSettings,
        *,
        loss: TokenLoss | None = None,
        scorer: Callable | None = None,
    ):
        super().__init__(vocab, name, settings, scorer=scorer)
        self.model = model
        self.loss = loss
        self.consistency = settings.consistency
        self.soft_temperature = settings.soft_temperature
        self._soft_weights = {
            "weight": settings.soft_weight,
            "share": settings.soft_share,
            "agreement": settings.soft_agreement,
        }
        self.cfg.update(labels=[], temperature=1.0)
        self._read_gold = GoldTagReader()
        self._alignment = AlignmentCheck(name)
        # The network as it was when `nlp.resume_training` was called, which sets it by this name.
        self._rehearsal_model: Model | None = None
        # Whether what is loaded holds a network: a component that is saved before it is initialized has none.
        self._expects_network = True
        self.token_scorer.configure(settings.device, settings.precision, settings.precision_tolerance)

    @property
    def token_scorer(self) -> TokenScorer:
        """RETURNS (TokenScorer): The network, whichever model it is of."""
        return token_scorer(self.model, self.name)

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str]): The labels that are predicted."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> list[str]:
        """RETURNS (list[str]): The labels, as `spacy init labels` writes them."""
        return list(self.cfg["labels"])

    def add_label(self, label: str) -> int:
        """Add a label, also to a trained network: it keeps what it predicts, and learns the new one from then on.

        Labels keep their order, and the new one comes last. Its tags begin with a hundredth of O's probability,
        so that it isn't predicted before something was learnt of it.

        RETURNS (int): 0 if it is known already, else 1.
        RAISES (UserError): Where it can't be a label, or the network can't grow.
        """
        if not isinstance(label, str) or not label.strip():
            raise UserError(Errors.E216.format(label=repr(label), name=self.name))
        if label in self.labels:
            return 0
        labels = [*self.labels, label]
        if self.token_scorer.n_tags is not None:
            self.token_scorer.resize(len(tag_names(labels)))
        self.cfg["labels"] = labels
        self.vocab.strings.add(label)
        return 1

    # From Docs to entities

    def predict(self, docs: Iterable[Doc]) -> Predictions:
        """Find the entities of the best valid IOB2 tags, without touching the Docs.

        RETURNS (Predictions): Entities and their probabilities, by iteration those of each Doc.
        """
        return self._begin_predict(list(docs))()

    def set_annotations(self, docs: Iterable[Doc], predictions: Predictions) -> None:
        """Write entities to Docs, those of at least the threshold's probability."""
        docs, labels = list(docs), self.labels
        uncertainties = predictions.uncertainties(self.threshold)
        for doc, found, uncertainty in zip(docs, predictions, uncertainties, strict=True):
            kept = [entity for entity in found if entity.score >= self.threshold]
            ents = [Span(doc, entity.start, entity.end, label=labels[entity.label]) for entity in kept]
            self.set_ents(doc, ents, [entity.score for entity in kept], uncertainty=uncertainty)
        if predictions.all_tag_probs is not None:
            by_doc = Ragged(predictions.all_tag_probs, np.diff(predictions.offsets)).split()
            for doc, probs in zip(docs, by_doc, strict=True):
                said = probs.any(axis=1).astype(np.float64)
                write_soft_tags(doc, SoftTags(labels, probs, said, self.soft_temperature))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Apply the component to a stream of Docs, in order.

        batch_size (int): How many Docs to hold at once. Default 128.
        YIELDS (Doc): The Docs. One that fails goes to the error handler alone.
        RAISES (UserError): Where a setting is at fault, such as a device that isn't there.
        """
        yield from annotate_stream(
            stream,
            batch_size=batch_size,
            start=self._begin_predict,
            write=self.set_annotations,
            fail=self.handle_error,
            ahead=1 if self.token_scorer.runs_async else 0,
        )

    def score_tags(self, docs: Iterable[Doc]) -> Ragged:
        """Score the tags of every token, as the best ones and their probabilities are found from, without touching the
        Docs: for what asks about other entities than the best.

        RETURNS (Ragged): Logits of shape (tokens, 2 * labels + 1), numbered as in `decoding.tags` and divided by the
            temperature; zeros for a token without a wordpiece, such as white space.
        """
        scores = self._begin_score(list(docs))()
        return Ragged(scores.data / self.cfg["temperature"], scores.lengths)

    def calibrate(self, examples: Iterable[Example], *, batch_size: int = 64) -> Calibration:
        """Fit the temperature, by which scores are divided, on a corpus, and set it.

        examples (Iterable[Example]): Such as the development set: not what the network was trained on.
            Predicted Docs may already be annotated by what stands before the component.
        batch_size (int): How many Docs at once. Default 64.
        RETURNS (Calibration): The temperature, which is saved with the component, and what it does to all
            entities found, whatever the threshold.
        RAISES (NotCalibrated): Where too few entities are found, or all or none of them are right.
        """
        sample = CalibrationSample(self.labels)
        for batch in minibatch(examples, batch_size):
            sample.add(batch, self._begin_score([eg.predicted for eg in batch])())
        calibration = sample.fit(self.name)
        self.cfg["temperature"] = calibration.temperature
        return calibration

    def average(self, others: "Sequence[TransformerNER]", names: Sequence[str] = ()) -> float:
        """Take the mean of the own weights and those of other trainings (Wortsman et al., 2022), and be as fast as
        before.

        All must have begun with the same weights: `head_seed` is the same, and the seed of the training another. The
        temperature becomes the geometric mean of theirs; all else stays as it is.

        others (Sequence[TransformerNER]): Components with the same labels, in any order; they stay as they are. An
            adapter counts merged into its encoder.
        names (Sequence[str]): What the component and each of the others are called in messages. Default: their names
            with a number.
        RETURNS (float): The least cosine between two of the networks, with a warning where it is below 0.7: then they
            didn't begin with the same weights.
        RAISES (UserError): Where one has another kind of model, other labels, another encoder or another tokenizer, or
            two are the same, or one diverged; then nothing is changed.
        """
        components = [self, *others]
        names = names or [f"{component.name} {i}" for i, component in enumerate(components, start=1)]
        average = average_trainings(
            [component._training(name) for component, name in zip(components, names, strict=True)]
        )
        self.token_scorer.tagger.replace_weights(average.weights)
        self.cfg["temperature"] = average.temperature
        return average.likeness

    def _training(self, name: str) -> Training:
        if not isinstance(self.token_scorer, TaggerScorer):
            raise UserError(Errors.E944.format(name=name))
        if self.token_scorer.n_tags is None:
            raise UserError(
                Errors.E951.format(name=name, reason="it has no network yet, as it wasn't trained")
            )
        tagger = self.token_scorer.tagger
        return Training(name, self.labels, self.cfg["temperature"], tagger.tokenizer, tagger.merged_state())

    def _begin_predict(self, docs: list[Doc]) -> Callable[[], Predictions]:
        scores = self._begin_score(docs)
        return lambda: find_entities(scores(), self.cfg["temperature"], self.soft_temperature)

    def _begin_score(self, docs: list[Doc]) -> Callable[[], Ragged]:
        scores = self.token_scorer.begin_score(docs)
        return lambda: adjust_scores(docs, scores(), self.consistency)

    # Training

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch.

        drop (float): The dropout rate, from 0 to 1. Default 0.
        sgd (Optimizer): Takes a step; without it the gradient is kept for a later one.
        losses (dict[str, float]): To which the batch's loss is added under the component's name.
        RETURNS (dict[str, float]): `losses`.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "TransformerNER.update")
        docs = [eg.predicted for eg in examples]
        if not any(len(doc) for doc in docs):
            return losses
        self._alignment.check(examples)
        losses[self.name] += self._learn(docs, lambda scores: self.get_loss(examples, scores), drop, sgd)
        return losses

    def get_loss(self, examples: Iterable[Example], scores: Ragged) -> tuple[float, np.ndarray]:
        """Compute the mean loss over annotated tokens and its gradient: cross-entropy, or the component's own `loss`.

        Where a Doc's user_data["annotated_labels"] says that only some labels were annotated, a token outside of
        the marked entities counts as "none of these": O or any other label.

        Where a Doc has soft tags, its tokens are learnt from these, or from both, as the settings `soft_weight`,
        `soft_share` and `soft_agreement` say; what teachers say of labels that the component doesn't know is missing.

        scores (Ragged): Logits for the examples' predicted Docs, of shape (tokens, n_tags).
        RETURNS (tuple[float, Floats2d]): The loss and its gradient by logits, of the same shape.
            Tokens whose annotation is missing don't count.
        RAISES (UserError): Where a Doc's annotated labels are no labels, or not those of its entities, or its soft
            tags are broken.
        """
        examples = list(examples)
        validate_examples(examples, "TransformerNER.get_loss")
        gold = [self._read_gold(eg, self.labels, self.name) for eg in examples]
        soft = [learnable_soft_tags(eg.reference) for eg in examples]
        if not any(soft):
            allowed = np.concatenate(gold)
            if self.loss is not None:
                return self.loss(scores.data, allowed, self.labels)
            return cross_entropy(scores.data, allowed)
        if self.loss is not None:
            raise UserError(Errors.E915.format(name=self.name))
        targets = BatchTargets(self.labels, **self._soft_weights)
        for eg, said, allowed in zip(examples, soft, gold, strict=True):
            targets.add(eg, said, allowed)
        self._read_gold.warn(targets.unknown, self.labels, self.name)
        if targets.other_text is not None:
            self._read_gold.warn_of_text(targets.other_text, self.name)
        return distillation_loss(scores.data, np.concatenate(gold), *targets.gather())

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn to predict a batch as the network did when `nlp.resume_training` was called, so that what it knew
        isn't forgotten.

        Labels that were added since are left alone: their tokens were O to the earlier network. Without
        `nlp.resume_training` nothing is learnt.

        examples (Iterable[Example]): Of any texts like those that the network was trained on; their annotation
            isn't looked at.
        drop (float): The dropout rate, from 0 to 1. Default 0.
        sgd (Optimizer): Takes a step; without it the gradient is kept for a later one.
        losses (dict[str, float]): To which the batch's loss is added under the component's name: the mean
            Kullback-Leibler divergence from the earlier probabilities.
        RETURNS (dict[str, float]): `losses`.
        RAISES (UserError): Where the network listens to another component: the earlier one can't.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "TransformerNER.rehearse")
        docs = [eg.predicted for eg in examples]
        if self._rehearsal_model is None or not any(len(doc) for doc in docs):
            return losses
        scorer = self.token_scorer
        if scorer.upstream is not None:
            raise UserError(Errors.E237.format(name=self.name, upstream=scorer.upstream))
        taught = token_scorer(self._rehearsal_model, self.name).score(docs)
        losses[self.name] += self._learn(
            docs, lambda scores: rehearsal_loss(scores.data, taught.data), drop, sgd
        )
        return losses

    def _learn(
        self,
        docs: list[Doc],
        find_loss: Callable[[Ragged], tuple[float, np.ndarray]],
        drop: float,
        sgd: Optimizer | None,
    ) -> float:
        """RETURNS (float): The loss of scores, as `find_loss` gives it with its gradient, which is learnt from."""
        scores, backprop = self.token_scorer.begin_update(docs, drop)
        loss, d_scores = find_loss(scores)
        backprop(d_scores)
        if sgd not in (None, False):
            self.finish_update(sgd)
        return loss

    def finish_update(self, sgd: Optimizer) -> None:
        """Take a step with the gradient that was gathered."""
        self.token_scorer.finish_update(sgd)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Take labels from the data or as given, and make a new network from the encoder.

        get_examples (Callable): Gives examples.
        labels (Sequence[str]): The labels, as `spacy init labels` writes them.
        RAISES (UserError): Where there are no labels, no gold entity fits the pipeline's tokens, or the encoder
            can't be loaded.
        """
        alignment = AlignmentCheck(self.name)
        if labels is None:
            labels = find_labels(get_examples, self.labels, self.name, each=alignment.add)
        else:
            # A corpus may be endless, and only its labels need all of it.
            for eg in islice(get_examples(), SAMPLE):
                annotated_labels(eg.reference)
                alignment.add(eg)
            if self.token_scorer.n_tags is None:
                # Those that were added to the new component are wanted, too.
                labels = [*labels, *(label for label in self.labels if label not in labels)]
        if not labels:
            raise UserError(Errors.E215.format(name=self.name))
        alignment.finish()
        docs = (eg.reference for eg in get_examples())
        self.token_scorer.create(len(tag_names(labels)), docs)
        # Only now: where the encoder can't be loaded, a trained network keeps its labels.
        self.cfg.update(labels=list(labels), temperature=1.0)
        self._alignment = alignment
        self._rehearsal_model = None
        for label in labels:
            self.vocab.strings.add(label)

    def create_optimizer(self) -> Optimizer:
        """RETURNS (Optimizer): One with rates that suit a transformer, for use without a config."""
        return Adam(5e-5, L2=0.01, L2_is_weight_decay=True, grad_clip=1.0, use_averages=False)

    # Saving: labels and temperature, and the network (ours as safetensors, encoder config and tokenizer)

    def _state_to_dict(self) -> dict[str, Any]:
        return {**self.cfg, "has_network": self.token_scorer.n_tags is not None}

    def _state_from_dict(self, state: dict[str, Any]) -> None:
        if not isinstance(state.get("labels"), list):
            raise ValueError("no labels")
        self._expects_network = state.pop("has_network", bool(state["labels"]))
        self.cfg.update(state)

    def _disk_writers(self, exclude: Iterable[str]) -> dict[str, Callable[[Path], Any]]:
        scorer = self.token_scorer
        network = {} if scorer.n_tags is None else {"model": scorer.save}
        return {**super()._disk_writers(exclude), **network}

    def _disk_readers(self, exclude: Iterable[str]) -> dict[str, Callable[[Path], Any]]:
        self._expects_network = True
        return {**super()._disk_readers(exclude), "model": self._load_network}

    def _bytes_writers(self, exclude: Iterable[str]) -> dict[str, Callable[[], Any]]:
        return {**super()._bytes_writers(exclude), "model": self.token_scorer.to_bytes}

    def _bytes_readers(self, exclude: Iterable[str]) -> dict[str, Callable[[Any], Any]]:
        return {**super()._bytes_readers(exclude), "model": self.token_scorer.from_bytes}

    def _load_network(self, folder: Path) -> None:
        if not self._expects_network:
            return
        scorer = self.token_scorer
        scorer.load(folder)
        found, needed = scorer.n_tags, len(tag_names(self.labels))
        if found != needed:
            labels = ", ".join(self.labels)
            raise UserError(Errors.E223.format(path=folder, found=found, labels=labels, tags=needed))
