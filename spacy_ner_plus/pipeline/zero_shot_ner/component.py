"""The component `zero_shot_ner`: GLiNER and GLiNER2, which are told what to look for when they run."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_examples
from spacy.util import minibatch
from spacy.vocab import Vocab
from thinc.api import Optimizer

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.evaluation.matching.candidates import find_right
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import LabelSet, load_labels
from spacy_ner_plus.models.zero_shot.prompts import Prompts
from spacy_ner_plus.models.zero_shot.reading import Layout, Question
from spacy_ner_plus.models.zero_shot.windows import Windowing
from spacy_ner_plus.pipeline.calibration import Calibration
from spacy_ner_plus.pipeline.entity_component import EntityComponent
from spacy_ner_plus.pipeline.given_labels import GivenLabels
from spacy_ner_plus.pipeline.named_files import NamedFiles
from spacy_ner_plus.pipeline.requirements import require_extras
from spacy_ner_plus.pipeline.streaming import annotate_stream
from spacy_ner_plus.pipeline.zero_shot_ner.asked import Asked
from spacy_ner_plus.pipeline.zero_shot_ner.calibration import fit_calibration
from spacy_ner_plus.pipeline.zero_shot_ner.gold_text import gold_text
from spacy_ner_plus.pipeline.zero_shot_ner.scored_spans import (
    MISALIGNED,
    ScoredSpan,
    align_scored,
    best_of_each,
    flat_by_score,
    logistic,
    logit,
)
from spacy_ner_plus.pipeline.zero_shot_ner.settings import ZeroShotSettings
from spacy_ner_plus.settings import defaults
from spacy_ner_plus.spans import align

if TYPE_CHECKING:
    from spacy_ner_plus.models.zero_shot.training.gold_windows import GoldText
    from spacy_ner_plus.models.zero_shot.training.trainer import Curriculum, ZeroShotTrainer
    from spacy_ner_plus.models.zero_shot.zero_shot_model import ZeroShotModel

DEFAULT_THRESHOLD = 0.5
# The least score, before calibration, of what is calibrated on.
CALIBRATED_FROM = 0.05
# More labels than these are warned of where they are read with each window. The figures are for a sentence of so many
# words, against so few labels.
MANY, SENTENCE, FEW = 30, 20, 4
# How many texts are looked at before training: a corpus may be endless.
SAMPLE = 1000


@Language.factory(
    "zero_shot_ner",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type", "span._.score"],
    default_config={
        **defaults(ZeroShotSettings),
        "scorer": {"@scorers": "spacy.ner_scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_zero_shot_ner(
    nlp: Language,
    name: str,
    model: str,
    labels: str | list[str] | dict[str, Any] | None,
    label_map: dict[str, str] | None,
    label_thresholds: dict[str, float] | None,
    window: int | None,
    overlap: int | None,
    window_ends: Literal["anywhere", "lines", "paragraphs"],
    batch_words: int,
    device: str,
    precision: Literal["auto", "fp32", "bf16", "fp16"],
    trained: Literal["nothing", "heads", "all"],
    frozen_layers: int,
    head_rate_factor: float,
    labels_at_once: int,
    rehearsal: float,
    rehearsed: str | list[str] | dict[str, Any] | None,
    overwrite_ents: bool,
    spans_key: str | None,
    threshold: float | None,
    scorer: Callable | None,
) -> "ZeroShotNER":
    """Make the component `zero_shot_ner`, with the settings of `ZeroShotSettings`. Nothing is loaded until it is used.

    scorer (Callable): The scoring method. Default: spacy.ner_scorer.v1.
    RAISES (UserError): For a setting that can't be.
    """
    settings = ZeroShotSettings(
        model=model,
        labels=labels,
        label_map=label_map,
        label_thresholds=label_thresholds,
        window=window,
        overlap=overlap,
        window_ends=window_ends,
        batch_words=batch_words,
        device=device,
        precision=precision,
        trained=trained,
        frozen_layers=frozen_layers,
        head_rate_factor=head_rate_factor,
        labels_at_once=labels_at_once,
        rehearsal=rehearsal,
        rehearsed=rehearsed,
        overwrite_ents=overwrite_ents,
        spans_key=spans_key,
        threshold=threshold,
    )
    require_extras(nlp, "zero-shot")
    return ZeroShotNER(nlp.vocab, name, settings, scorer=scorer)


class ZeroShotNER(EntityComponent):
    """Put entities on Docs that a zero-shot model finds, in windows where a text is long; `spacy train` trains it where
    its settings say so.

    settings (ZeroShotSettings): What is looked for, by which model.
    scorer (Callable): The scoring method; None for none.
    """

    # The optimizer and the model as it was, which hold live networks.
    derived = frozenset({"_trainer"})

    def __init__(
        self, vocab: Vocab, name: str, settings: ZeroShotSettings, *, scorer: Callable | None = None
    ):
        super().__init__(vocab, name, settings, default_threshold=DEFAULT_THRESHOLD, scorer=scorer)
        self.settings = settings
        self._config_labels = settings.labels
        self.cfg["temperature"] = 1.0
        self.issues = IssueLog()
        self._files = NamedFiles()
        self._model: ZeroShotModel | None = None
        self._trainer: ZeroShotTrainer | None = None
        self._is_warned = False
        # Whether what is loaded holds a model: a component that was saved without one has none.
        self._expects_model = True

    @property
    def zero_shot_model(self) -> "ZeroShotModel":
        """RETURNS (ZeroShotModel): What holds the model, which is loaded when it is first asked."""
        if self._model is None:
            from spacy_ner_plus.models.zero_shot.zero_shot_model import ZeroShotModel

            settings = self.settings
            self._model = ZeroShotModel(settings.model, settings.device, settings.precision)
        return self._model

    @property
    def asked(self) -> "Asked":
        """RETURNS (Asked): What is asked about a Doc that says nothing else.

        RAISES (UserError): Where there are no labels, or they can't be read.
        """
        labels = self.settings.labels
        if isinstance(labels, str):
            labels = LabelSet.from_dict(
                self._files.read("labels", labels, lambda name: load_labels(name).to_dict())
            )
        asked = Asked.of(labels, self.settings.label_map)
        self.settings.check_thresholds(asked.labels)
        return asked

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str]): The entity labels; none as long as their file isn't read."""
        given = self.settings.labels
        # spaCy asks for them before what was saved is loaded, when their file may not exist.
        if given is None and not self.settings.label_map:
            return ()
        if isinstance(given, str) and not self._files.holds("labels", given):
            return ()
        return tuple(dict.fromkeys(self.asked.labels))

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | Mapping[str, str] | None = None,
        encoder: str | None = None,
    ) -> None:
        """Read the labels that the settings name, and make a new model where an encoder is given.

        Where the component is trained and the settings name no labels, those of the corpus are asked for.

        get_examples (Callable): Gives examples; where the component is trained, the first of them are checked.
        nlp (Language): The pipeline, which may have got the component from another: what it requires is noted.
        labels (Sequence[str] | Mapping[str, str]): Labels in place of the settings'.
        encoder (str): Folder or hub name of an encoder with safetensors, for a new GLiNER model on it whose heads are
            random, in place of `model`. Default: none.
        RAISES (UserError): Where labels aren't given or can't be read, no entity has one of them, or there is no such
            encoder.
        """
        if encoder is not None:
            from spacy_ner_plus.models.zero_shot.training.new_model import new_gliner

            self.zero_shot_model.replace(new_gliner(encoder), encoder)
        self._trainer = None
        if self.is_trainable and self.settings.labels is None and not self.settings.label_map:
            self.settings = replace(self.settings, labels=_labels_of(get_examples()) or None)
        if labels is not None:
            labels = dict(labels) if isinstance(labels, Mapping) else list(labels)
            self.settings = replace(self.settings, labels=labels)
        if nlp is not None:
            require_extras(nlp, "zero-shot")
        self._files.clear()
        for label in self.asked.labels:
            self.vocab.strings.add(label)
        if self.is_trainable:
            self._check_gold([gold_text(eg.reference) for eg in islice(get_examples(), SAMPLE)])

    # Training

    def _check_gold(self, texts: "Sequence[GoldText]") -> None:
        """Say once what of a corpus can't be learnt.

        RAISES (UserError): Where it has entities, and all of them are of other labels.
        """
        from spacy_ner_plus.models.zero_shot.training.gold_windows import unlearnable

        asked = self.asked.labels
        labels = {span.label for text in texts for span in text.spans}
        if labels and labels.isdisjoint(asked):
            raise UserError(
                Errors.E641.format(name=self.name, found=", ".join(sorted(labels)), asked=", ".join(asked))
            )
        issues = IssueLog()
        unlearnable(self.zero_shot_model.model, texts, asked, issues)
        if issues:
            lost = "; ".join(f"{issue.count:,} x {kind} (such as {issue.example})" for kind, issue in issues)
            count = sum(len(text.spans) for text in texts)
            warnings.warn(Warnings.W322.format(name=self.name, lost=lost, count=f"{count:,}"), stacklevel=2)

    @property
    def is_trainable(self) -> bool:
        """RETURNS (bool): Whether `spacy train` trains it."""
        return self.settings.trained != "nothing"

    @property
    def model(self) -> "ZeroShotModel | None":
        """RETURNS (ZeroShotModel | None): What holds the model where it is trained, as spaCy's loop asks for it."""
        return self.zero_shot_model if self.is_trainable else None

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch; nothing where the setting `trained` is 'nothing'.

        Entities of a label are positive for one of its prompts, and all other spans negative, but for those with tokens
        whose annotation is missing. Where a Doc's user_data["annotated_labels"] names labels, it teaches these alone,
        and the others are rehearsed.

        drop (float): The dropout rate, from 0 to 1. Default 0.
        sgd (Optimizer): Takes a step; without it the gradient is kept for a later one.
        losses (dict[str, float]): To which the batch's loss, a sum over spans and prompts, is added under the
            component's name.
        RETURNS (dict[str, float]): `losses`.
        RAISES (UserError): Where the model is of GLiNER2, or settings don't fit it.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "ZeroShotNER.update")
        if self.is_trainable and examples:
            texts = [gold_text(eg.reference) for eg in examples]
            trainer = self._zero_shot_trainer
            losses[self.name] += trainer.learn(texts, self._curriculum, self._layout, drop)
            if sgd not in (None, False):
                self.finish_update(sgd)
        return losses

    def finish_update(self, sgd: Optimizer) -> None:
        """Take a step with the gradient that was gathered."""
        if self._trainer is not None and self._trainer.step(sgd):
            self.zero_shot_model.note_change()

    @property
    def _zero_shot_trainer(self) -> "ZeroShotTrainer":
        if self._trainer is None:
            from spacy_ner_plus.models.zero_shot.training.trainer import ZeroShotTrainer

            settings = self.settings
            holder = self.zero_shot_model
            self._trainer = ZeroShotTrainer(
                holder.model,
                settings.model or self.name,
                trained="heads" if settings.trained == "heads" else "all",
                frozen_layers=settings.frozen_layers,
                head_rate_factor=settings.head_rate_factor,
                teacher=holder.duplicate() if settings.rehearsal else None,
            )
        return self._trainer

    @property
    def _curriculum(self) -> "Curriculum":
        from spacy_ner_plus.models.zero_shot.training.trainer import Curriculum

        asked, settings = self.asked, self.settings
        known = {prompt.name for prompt in asked.prompts}
        rehearsed = () if settings.rehearsed is None else Asked.of(settings.rehearsed).prompts
        return Curriculum(
            asked.prompts,
            asked.labels,
            tuple(prompt for prompt in rehearsed if prompt.name not in known),
            settings.rehearsal,
            settings.labels_at_once,
        )

    # From Docs to entities

    def predict(self, docs: Iterable[Doc]) -> list[list[ScoredSpan]]:
        """Find spans, without touching the Docs.

        RETURNS (list[list[ScoredSpan]]): For each Doc those of at least the threshold's score, by character.
        RAISES (UserError): Where a setting is at fault.
        """
        return self._find(list(docs), self._least)

    def _find(self, docs: list[Doc], least: Callable[[str], float]) -> list[list[ScoredSpan]]:
        temperature = self.cfg["temperature"]
        all_asked = self.asked
        asked = [all_asked.narrowed(doc._.labels, self.settings.label_map) for doc in docs]
        questions = [
            Question(doc.text, ask.prompts, tuple(temperature * logit(least(label)) for label in ask.labels))
            for doc, ask in zip(docs, asked, strict=True)
        ]
        for prompts in {ask.prompts for ask in asked}:
            self._warn_of_many(prompts)
        found = self.zero_shot_model.read(questions, self._layout, self.issues)
        return [
            best_of_each(
                ScoredSpan(span.start, span.end, ask.labels[span.prompt], logistic(span.logit / temperature))
                for span in spans
            )
            for spans, ask in zip(found, asked, strict=True)
        ]

    def _least(self, label: str) -> float:
        return (self.settings.label_thresholds or {}).get(label, self.threshold)

    @property
    def _layout(self) -> Layout:
        longest = self.zero_shot_model.model.longest
        window = self.settings.window or longest
        if window > longest:
            raise UserError(Errors.E631.format(window=window, name=self.settings.model, longest=longest))
        overlap = self.settings.overlap_in(window)
        windowing = Windowing(window, overlap, self.settings.window_ends)
        return Layout(windowing, self.settings.batch_words)

    def set_annotations(self, docs: Iterable[Doc], found: Iterable[list[ScoredSpan]]) -> None:
        """Write entities to Docs: in doc.ents those of the highest scores that share no token, and in the group all.

        found (Iterable[list[ScoredSpan]]): For each Doc, by character.
        """
        for doc, spans in zip(docs, found, strict=True):
            fitting, misaligned = align_scored(doc, spans)
            for span in misaligned:
                self.issues.add(MISALIGNED, doc.text[span.start : span.end])
            ents, others = flat_by_score(fitting)
            # Something is in these tokens: they aren't O.
            unknown, _ = align(doc, misaligned, "expand")
            self.set_ents(
                doc,
                [span for span, _ in ents],
                [score for _, score in ents],
                others=others,
                unknown=unknown,
            )

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Apply the component to a stream of Docs, in order.

        batch_size (int): How many Docs to hold at once. Default 128.
        YIELDS (Doc): The Docs. One that fails goes to the error handler alone.
        RAISES (UserError): Where a setting is at fault, such as a model that can't be loaded.
        """
        self._register_extensions()
        before = {kind: issue.count for kind, issue in self.issues}
        try:
            yield from annotate_stream(
                stream,
                batch_size=batch_size,
                start=self._begin_predict,
                write=self.set_annotations,
                fail=self.handle_error,
            )
        finally:
            self._warn(before)

    def _warn(self, before: Mapping[str, int]) -> None:
        """Say at the end of a run what was lost in it, once for all Docs."""
        lost = [
            f"{issue.count - before.get(kind, 0):,} x {kind} (such as {issue.example})"
            for kind, issue in self.issues
            if issue.count > before.get(kind, 0)
        ]
        if lost:
            warnings.warn(Warnings.W321.format(name=self.name, lost="; ".join(lost)), stacklevel=2)

    def _warn_of_many(self, prompts: Prompts) -> None:
        """Say once what many labels cost, where each window is read together with them."""
        if len(prompts) <= MANY or self._is_warned:
            return
        model = self.zero_shot_model.model
        if model.reads_prompts:
            self._is_warned = True
            fixed, sizes = model.prompt_sizes(prompts)
            pieces = fixed + sum(sizes)
            few = fixed + FEW * sum(sizes) / len(prompts)
            times = (pieces + SENTENCE) / (few + SENTENCE)
            text = Warnings.W320.format(
                name=self.name,
                count=len(prompts),
                pieces=pieces,
                times=f"{times:.1f}",
                few=FEW,
                words=SENTENCE,
            )
            warnings.warn(text, stacklevel=2)

    def calibrate(self, examples: Iterable[Example], *, batch_size: int = 64) -> Calibration:
        """Fit the temperature, by which logits are divided, on a corpus, and set it.

        examples (Iterable[Example]): Such as the development set. Predicted Docs may already be annotated by what
            stands before the component.
        batch_size (int): How many Docs at once. Default 64.
        RETURNS (Calibration): The temperature, which is saved with the component, and what it does to all entities
            with a score of at least 0.05 before, whatever the threshold.
        RAISES (NotCalibrated): Where too few entities are found, or all or none of them are right.
        """
        logits: list[float] = []
        right: list[bool] = []
        before, self.cfg["temperature"] = self.cfg["temperature"], 1.0
        try:
            for batch in minibatch(examples, batch_size):
                found = self._find([eg.predicted for eg in batch], lambda label: CALIBRATED_FROM)
                for eg, spans in zip(batch, found, strict=True):
                    fitting, _ = align_scored(eg.predicted, spans)
                    ents, _ = flat_by_score(fitting)
                    bounds = [(ent.start_char, ent.end_char, ent.label_) for ent, _ in ents]
                    for (_, score), is_right in zip(
                        ents, find_right(eg.reference, eg.predicted, bounds), strict=True
                    ):
                        # What lies on tokens without annotation is neither right nor wrong.
                        if is_right is not None:
                            logits.append(logit(score))
                            right.append(is_right)
        finally:
            self.cfg["temperature"] = before
        calibration = fit_calibration(logits, right, self.name)
        self.cfg["temperature"] = calibration.temperature
        return calibration

    def _begin_predict(self, docs: list[Doc]) -> Callable[[], list[list[ScoredSpan]]]:
        found = self.predict(docs)
        return lambda: found

    @staticmethod
    def _register_extensions() -> None:
        EntityComponent._register_extensions()
        if not Doc.has_extension("labels"):
            Doc.set_extension("labels", default=None)

    # Saving: labels that a file or a set has, the temperature, and the model.

    def _state_to_dict(self) -> dict[str, Any]:
        if self.settings.labels is not None:
            self.asked  # noqa: B018 - reads them
        return {
            "resolved": self._files.to_dict(),
            "temperature": self.cfg["temperature"],
            "has_model": self._has_model,
            **GivenLabels(self.settings.labels, self._config_labels).to_dict(),
        }

    def _state_from_dict(self, state: dict[str, Any]) -> None:
        labels = GivenLabels.read(state, self._config_labels)
        # Earlier versions kept them where the config named none.
        if labels is None and not self.settings.label_map:
            labels = state.get("labels")
        self.settings = replace(self.settings, labels=labels)
        self._files.load(state["resolved"])
        self.cfg["temperature"] = float(state["temperature"])
        self._expects_model = bool(state["has_model"])

    @property
    def _has_model(self) -> bool:
        return bool(self.settings.model) or self.zero_shot_model.is_loaded

    def _disk_writers(self, exclude: Iterable[str]) -> dict[str, Callable[[Path], Any]]:
        model = {"model": self.zero_shot_model.save} if self._has_model else {}
        return {**super()._disk_writers(exclude), **model}

    def _disk_readers(self, exclude: Iterable[str]) -> dict[str, Callable[[Path], Any]]:
        def read_model(path: Path) -> None:
            if self._expects_model:
                self.zero_shot_model.load(path)
                self._trainer = None

        return {**super()._disk_readers(exclude), "model": read_model}

    def _bytes_writers(self, exclude: Iterable[str]) -> dict[str, Callable[[], Any]]:
        model = {"model": self.zero_shot_model.to_bytes} if self._has_model else {}
        return {**super()._bytes_writers(exclude), **model}

    def _bytes_readers(self, exclude: Iterable[str]) -> dict[str, Callable[[Any], Any]]:
        def read_model(data: bytes) -> None:
            self.zero_shot_model.from_bytes(data)
            # It would train the model that was here before.
            self._trainer = None

        return {**super()._bytes_readers(exclude), "model": read_model}


def _labels_of(examples: Iterable[Example]) -> list[str]:
    return sorted({ent.label_ for eg in examples for ent in eg.reference.ents})
