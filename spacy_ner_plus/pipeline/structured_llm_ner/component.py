"""The component `structured_llm_ner`: any chat model as named entity recognition."""

import warnings
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spacy.language import Language
from spacy.tokens import Doc, SpanGroup
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_ner_plus.chunks import CUT, TOO_LONG
from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.client.limits.copies import Lineage
from spacy_ner_plus.llm.local.server import HandedServers
from spacy_ner_plus.llm.prompting.store_demonstrations import StoreExamples
from spacy_ner_plus.pipeline.entity_component import EntityComponent
from spacy_ner_plus.pipeline.given_labels import GivenLabels
from spacy_ner_plus.pipeline.local_weights import LocalWeights
from spacy_ner_plus.pipeline.named_files import NamedFiles, read_labels
from spacy_ner_plus.pipeline.requirements import require_extras
from spacy_ner_plus.pipeline.scored_ents import find_missing
from spacy_ner_plus.pipeline.structured_llm_ner.cascade import (
    NOT_ASKED,
    Cascade,
    CascadeSettings,
    make_way,
)
from spacy_ner_plus.pipeline.structured_llm_ner.in_flight import (
    DocInFlight,
    astream_in_flight,
    stream_in_flight,
)
from spacy_ner_plus.pipeline.structured_llm_ner.progress import ProgressBar
from spacy_ner_plus.pipeline.structured_llm_ner.records.doc_extensions import register_extensions
from spacy_ner_plus.pipeline.structured_llm_ner.records.episodes import Episodes
from spacy_ner_plus.pipeline.structured_llm_ner.records.worker_calls import call_with_workers, watch_forks
from spacy_ner_plus.pipeline.structured_llm_ner.settings import StructuredLLMSettings
from spacy_ner_plus.settings import defaults

if TYPE_CHECKING:
    from spacy_ner_plus.llm.client.chat_model import ChatModel
    from spacy_ner_plus.llm.client.usage import UsageSnapshot
    from spacy_ner_plus.pipeline.structured_llm_ner.extraction import Extraction
    from spacy_ner_plus.pipeline.structured_llm_ner.extractor import Extractor
    from spacy_ner_plus.pipeline.structured_llm_ner.run import Run
    from spacy_ner_plus.pipeline.structured_llm_ner.variants.choice import VariantChoice
    from spacy_ner_plus.pipeline.structured_llm_ner.variants.resting import Resting

# Docs that are held back for each request in flight, so that one slow reply doesn't stop the rest.
_HELD_PER_REQUEST = 4
# The folder of the files of local models, in that of the component.
_WEIGHTS = "local_weights"
# What stands for a variant where there are none.
NO_VARIANT = ""


@Language.factory(
    "structured_llm_ner",
    assigns=[
        *("doc.ents", "doc.spans", "token.ent_iob", "token.ent_type", "span._.score", "doc._.ner_failure"),
        *("doc._.inference_id", "doc._.inference_ids"),
    ],
    default_config={
        **defaults(StructuredLLMSettings),
        "fuzzy_threshold": None,
        "scorer": {"@scorers": "spacy_ner_plus.llm_ner_scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_structured_llm_ner(
    nlp: Language,
    name: str,
    labels: str | list[str] | dict[str, Any] | None,
    model: Any,
    format: Any,
    task: str | None,
    template: str | None,
    examples: str | dict[str, Any] | list[dict[str, Any]] | None,
    n_examples: int,
    choose_examples: Literal["similar", "embeddings", "fixed"],
    embedding_model: str,
    occurrences: Literal["listed", "all", "first"],
    similarity_threshold: float,
    alignment_mode: Literal["strict", "contract", "expand"],
    samples: int,
    passes: int,
    chunk_tokens: int | None,
    chunk_overlap: int,
    chunk_context: int,
    exclude: list[str] | None,
    variants: list[dict[str, Any]] | None,
    variant_sampling: dict[str, Any] | None,
    dryrun: bool,
    progress: bool,
    cascade: dict[str, Any] | None,
    save_io: bool,
    overwrite_ents: bool,
    spans_key: str | None,
    threshold: float | None,
    scorer: Callable | None,
    fuzzy_threshold: float | None,
) -> "StructuredLLMNER":
    """Make the component `structured_llm_ner`. No server is asked and no file read until it is used.

    StructuredLLMSettings says what each setting means, and holds its default and check.

    scorer (Callable): The scoring method. Default: spacy_ner_plus.llm_ner_scorer.v1, which gives
        spaCy's scores of entities, and `ents_invalid`, the share of Docs that failed.
    fuzzy_threshold (float): What `similarity_threshold` was called before.
    RAISES (UserError): For a setting that can't be.
    """
    settings = StructuredLLMSettings(
        labels=labels,
        model=model,
        format=format,
        task=task,
        template=template,
        examples=examples,
        n_examples=n_examples,
        choose_examples=choose_examples,
        embedding_model=embedding_model,
        occurrences=occurrences,
        similarity_threshold=_similarity_threshold(similarity_threshold, fuzzy_threshold),
        alignment_mode=alignment_mode,
        samples=samples,
        passes=passes,
        chunk_tokens=chunk_tokens,
        chunk_overlap=chunk_overlap,
        chunk_context=chunk_context,
        exclude=exclude,
        variants=variants,
        variant_sampling=variant_sampling,
        dryrun=dryrun,
        progress=progress,
        cascade=cascade,
        save_io=save_io,
        overwrite_ents=overwrite_ents,
        spans_key=spans_key,
        threshold=threshold,
    )
    require_extras(nlp, *settings.extras)
    return StructuredLLMNER(nlp.vocab, name, settings, scorer=scorer)


def _similarity_threshold(given: float, old_name: float | None) -> float:
    if old_name is None:
        return given
    # spaCy fills in the default, so that it can't be told from one that was written down.
    if given not in (old_name, defaults(StructuredLLMSettings)["similarity_threshold"]):
        raise UserError(Errors.E248.format(similarity=given, fuzzy=old_name))
    warnings.warn(Warnings.W242.format(value=old_name), DeprecationWarning, stacklevel=2)
    return old_name


class StructuredLLMNER(EntityComponent):
    """Put entities on Docs that a chat model names, with many requests in flight.

    settings (StructuredLLMSettings): Whom to ask, for what and how.
    scorer (Callable): The scoring method.
    """

    # Connections, prompts, embedded examples: made again of the settings and of what was read.
    derived = frozenset({"_extractors", "_choice", "_resting"})

    def __init__(
        self, vocab: Vocab, name: str, settings: StructuredLLMSettings, *, scorer: Callable | None = None
    ):
        # Of several samples, most must name an entity.
        default_threshold = 0.5 if settings.samples > 1 else 0.0
        super().__init__(vocab, name, settings, default_threshold=default_threshold, scorer=scorer)
        self.settings = settings
        self._config_labels = settings.labels
        self.issues = IssueLog()
        self._files = NamedFiles()
        # Made here, since each worker of `nlp.pipe(n_process=2)` makes the chat model itself.
        self._lineages = {variant: Lineage() for variant in self.variants}
        self._weights = LocalWeights()
        self._servers = HandedServers()  # of local models, for workers that are started
        self._episodes = Episodes()
        self._extractors: dict[str, Extractor] | None = None
        self._choice: VariantChoice | None = None
        self._resting: Resting | None = None
        watch_forks(self)

    @property
    def variants(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): The names of the variants, in the order in which they step in; '' alone where
        there are none."""
        return tuple(variant.name for variant in self.settings.variant_values) or (NO_VARIANT,)

    @property
    def extractor(self) -> "Extractor":
        """RETURNS (Extractor): What asks and reads, made when it is first needed; of the variant that is pinned, where
        there are variants.

        RAISES (UserError): Where labels or the model aren't given or can't be read, or where it might be that of any
            of several variants.
        """
        return self.extractor_of()

    def extractor_of(self, variant: str | None = None) -> "Extractor":
        """Give what asks and reads as a variant does; made when it is first needed.

        variant (str | None): Its name. Default: the one that is pinned, or what there is without variants.
        RAISES (UserError): Where there is none of that name, none is named, or something isn't given or can't be read.
        """
        name = self._name_of(variant)
        if self._extractors is None:
            self._extractors = {}
        if name not in self._extractors:
            # Threads may make two at a time; all use the first.
            self._extractors.setdefault(name, self._make_extractor(name))
        return self._extractors[name]

    def extractor_with(self, variant: str | None = None, **changes: Any) -> "Extractor":
        """RETURNS (Extractor): One of other settings, with the same chat model; the component isn't changed."""
        name = self._name_of(variant)
        return self._make_extractor(name, model=self.extractor_of(name).model, **changes)

    def _name_of(self, variant: str | None) -> str:
        names = self.variants
        if variant is None:
            sampling = self.settings.sampling
            variant = (
                sampling.variant if sampling.strategy == "pinned" and names != (NO_VARIANT,) else names[0]
            )
            if len(names) > 1 and sampling.strategy != "pinned":
                raise UserError(Errors.E823.format(name=self.name, variants=", ".join(names)))
        if variant not in names:
            shown = "none" if names == (NO_VARIANT,) else ", ".join(names)
            raise UserError(Errors.E824.format(name=self.name, variant=variant, variants=shown))
        return variant

    def _make_extractor(self, name: str, **changes: Any) -> "Extractor":
        from spacy_ner_plus.pipeline.structured_llm_ner.make_extractor import make_extractor

        settings, files, shown = self.settings, self._files, self.name
        for variant in self.settings.variant_values:
            if variant.name == name:
                settings = settings.of_variant(variant)
                files = files.part(name, variant.changes())
                shown = f"{self.name}, variant {name}"
        settings = replace(settings, **changes)
        settings = replace(settings, model=self._weights.model_of(settings.model, self.name))
        return make_extractor(settings, files, self.vocab, shown, self.issues, self._lineages[name])

    @property
    def client(self) -> "ChatModel":
        """RETURNS (ChatModel): The client of the server. Not named `model`, which spaCy looks for in networks.

        RAISES (UserError): As `extractor` does.
        """
        return self.extractor.model

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str]): The labels that are asked for; none as long as their file isn't read."""
        given = self.settings.labels
        # spaCy asks for them before what was saved is loaded, when no file that is named may exist, nor the store.
        is_file = isinstance(given, str) and not self._files.holds("labels", given)
        if given is None or is_file:
            return ()
        return read_labels(self._files, given).names

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | Mapping[str, str] | None = None,
    ) -> None:
        """Read the labels and examples that the settings name; nothing is sent.

        get_examples (Callable): Not used.
        nlp (Language): The pipeline, which may have got the component from another: what it requires is noted.
        labels (Sequence[str] | Mapping[str, str]): Labels in place of the settings'.
        RAISES (UserError): Where labels, model or examples aren't given or can't be read.
        """
        if labels is not None:
            labels = dict(labels) if isinstance(labels, Mapping) else list(labels)
            self.settings = replace(self.settings, labels=labels)
        if nlp is not None:
            require_extras(nlp, *self.settings.extras)
        self._files.clear()
        self._reset()
        self._read_files()
        for label in self.labels:
            self.vocab.strings.add(label)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate a stream of Docs, in order, with as many requests in flight as the model allows.

        batch_size (int): Not used: requests are in flight over the whole stream.
        YIELDS (Doc): The Docs. One without a valid answer has missing entities and the reason
            in Doc._.ner_failure; one on which our code fails goes to the error handler alone.
        RAISES (UserError): Where no request can succeed, such as with a wrong key; of variants, of none of them.
        """
        with self._asking() as (submit, write):
            yield from stream_in_flight(
                stream, most=self._most_held, submit=submit, write=write, fail=self.handle_error
            )

    async def acall(self, doc: Doc) -> Doc:
        """Annotate a Doc from an event loop, such as a web server's, which goes on meanwhile.

        RETURNS (Doc): The same Doc, as `pipe` would have left it.
        RAISES (UserError): Where no request can succeed, such as with a wrong key.
        """
        async for _ in self.apipe([doc]):
            pass
        return doc

    async def apipe(self, stream: Iterable[Doc] | AsyncIterable[Doc]) -> AsyncIterator[Doc]:
        """Annotate a stream of Docs from an event loop: as `pipe`, with which it shares everything.

        stream (Iterable[Doc] | AsyncIterable[Doc]): Docs, by this pipeline's tokenizer.
        YIELDS (Doc): The Docs, in order.
        RAISES (UserError): Where no request can succeed, such as with a wrong key.
        """
        with self._asking() as (submit, write):
            async for doc in astream_in_flight(
                stream, most=self._most_held, submit=submit, write=write, fail=self.handle_error
            ):
                yield doc

    @property
    def _most_held(self) -> int:
        models = [self.extractor_of(name).model for name in self.variants]
        return _HELD_PER_REQUEST * max(model.settings.max_concurrency for model in models)

    @contextmanager
    def _asking(self) -> Iterator[tuple[Callable[[Doc], DocInFlight], Callable[[DocInFlight], None]]]:
        """Give what sends the requests about a Doc and what writes their replies; at the end what was lost is told."""
        given, issues = self.settings.cascade, IssueLog()
        cascade = None if given is None else Cascade(CascadeSettings.of(given), issues)
        run = self._begin_run(issues)
        with ProgressBar(self._usage, issues, shown=self.settings.progress) as progress:

            def submit(doc: Doc) -> DocInFlight:
                if cascade is not None and not cascade.asks_about(doc):
                    return DocInFlight(doc, is_asked=False)
                return run.submit(doc)

            def write(submitted: DocInFlight) -> None:
                if not submitted.is_asked:
                    progress.advance()
                    return
                answer = run.read(submitted)
                self.set_annotations([submitted.doc], [answer.extraction])
                run.keep(answer, self.threshold)
                if self.settings.save_io:
                    answer.write_io(self.name)
                answer.extraction.log_issues(issues, submitted.doc)
                progress.advance()

            try:
                yield submit, write
            finally:
                self.issues.merge(issues)
                self._warn(issues)
                for extractor in (self._extractors or {}).values():
                    extractor.model.warn_of_invalid(self.name)

    def set_annotations(self, docs: Iterable[Doc], extractions: "Iterable[Extraction]") -> None:
        """Write entities of at least the threshold's score, and all mentions with how they were aligned.

        extractions (Iterable[Extraction]): What the replies about each Doc say.
        """
        for doc, extraction in zip(docs, extractions, strict=True):
            ents, scores = extraction.entities(doc, self.threshold)
            unknown, kept_missing = extraction.unknown(doc), None
            if self.settings.cascade is not None:
                # Where there is no answer, that of the earlier component stays, also where that is none.
                silent = {token.i for span in unknown for token in span}
                kept_missing = silent & find_missing(doc, but=(self.spans_key,))
                make_way(doc, unknown)
                unknown = []
            self.set_ents(
                doc,
                ents,
                scores,
                unknown=unknown,
                failure=extraction.failure,
                candidate_scores=[candidate.score for candidate in extraction.candidates],
                kept_missing=kept_missing,
            )
            if self.spans_key:
                key = f"{self.spans_key}_mentions"
                mentions, attrs = extraction.mentions(doc)
                doc.spans[key] = SpanGroup(doc, name=key, spans=mentions, attrs=attrs)

    def refresh(self) -> int | None:
        """Take the examples that the store has now, where they are from the store.

        Requests with them are new ones, which the store has no replies to. Calls of `pipe` that have begun go on with
        the examples that they began with.

        RETURNS (int | None): The position in the store to which its examples are read; None where they are others.
        RAISES (UserError): Where it can't be read.
        """
        settings = [self.settings, *map(self.settings.of_variant, self.settings.variant_values)]
        if all(StoreExamples.of(each.examples) is None for each in settings):
            return None
        self._files.clear("examples")
        # With the same chat models, which have counted, and hold what limits them.
        made = {
            name: self._make_extractor(name, model=extractor.model)
            for name, extractor in (self._extractors or {}).items()
        }
        self._extractors = made
        positions = [self.extractor_of(name).prompter.snapshot for name in self.variants]
        return max(position for position in positions if position is not None)

    def usage_report(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): Requests, tokens, seconds and cost so far, and what was lost; where there are
        variants, of all together, and of each under `variants`."""
        report = self._usage().to_dict()
        if self.variants != (NO_VARIANT,):
            each = {name: self.extractor_of(name).model.usage.to_dict() for name in self.variants}
            report["variants"] = each
        return {**report, "issues": {kind: issue.count for kind, issue in self.issues}}

    def _usage(self) -> "UsageSnapshot":
        from spacy_ner_plus.llm.client.usage import add_up

        found = [self.extractor_of(name).model.usage for name in self.variants]
        return found[0] if len(found) == 1 else add_up(found)

    def _begin_run(self, issues: IssueLog) -> "Run":
        """Begin to ask about the Docs of one stream."""
        from spacy_ner_plus.llm.store.text_hash import text_hash
        from spacy_ner_plus.pipeline.structured_llm_ner.records.records import Records
        from spacy_ner_plus.pipeline.structured_llm_ner.run import Run
        from spacy_ner_plus.pipeline.structured_llm_ner.variants.choice import VariantChoice
        from spacy_ner_plus.pipeline.structured_llm_ner.variants.resting import Resting

        # Here too: the process may be one in which the component was only unpickled.
        self._register_extensions()
        given = self.settings
        # What is chosen stays for the run, whatever `refresh` does meanwhile.
        extractors = {name: self.extractor_of(name) for name in self.variants}
        stores = dict.fromkeys(extractor.model.settings.store for extractor in extractors.values())
        if len(stores) > 1:
            shown = ", ".join("nowhere" if store is None else f"'{store}'" for store in stores)
            raise UserError(Errors.E821.format(name=self.name, stores=shown))
        first = next(iter(extractors.values())).model
        examples = {
            text_hash(example.text)
            for extractor in (extractors.values() if given.dryrun else ())
            if extractor.prompter.demonstrations is not None
            for example in extractor.prompter.demonstrations.examples
        }
        records = Records(
            self.name,
            lambda: first.store,
            self._episodes.begin,
            is_dry=given.dryrun,
            examples=examples,
            issues=issues,
        )
        if NO_VARIANT in extractors:
            return Run(records, issues, extractors)
        if self._choice is None or self._resting is None:
            self._choice = VariantChoice(self.name, given.variant_values, given.sampling, is_dry=given.dryrun)
            self._resting = Resting()
        return Run(
            records,
            issues,
            extractors,
            choice=self._choice,
            resting=self._resting,
            steps_in=given.sampling.strategy != "pinned",
        )

    # Workers of `nlp.pipe(n_process=2)` share an episode and a snapshot of the store.

    def prepare_for_workers(self, call: object) -> None:
        """Make what the workers of a call of `nlp.pipe` share, before they are started.

        call (object): As `call_with_workers` gives it.
        """
        self._episodes.prepare_for_workers(call)
        from spacy_ner_plus.llm.client.chat_model import ChatModel

        with suppress(UserError):  # which is raised where it is used
            self._read_files()
            for name in self.variants:
                model = self.extractor_of(name).model
                if isinstance(model, ChatModel):
                    model.prepare_for_workers()

    def __reduce__(self) -> tuple[Any, ...]:
        if (call := call_with_workers()) is not None:
            self.prepare_for_workers(call)
        return super().__reduce__()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        super().__setstate__(state)
        watch_forks(self)

    # What the settings name as files is saved with the component, so that a packaged pipeline needs none of
    # them. No server, key or reply is saved.

    def _state_to_dict(self) -> dict[str, Any]:
        # A component that was never used or initialized may not have read its files yet.
        if self.settings.labels is not None:
            self._read_files()
        self._weights.note(self._models(), self.name)
        return {
            "resolved": self._files.to_dict(),
            **({"local_weights": weights} if (weights := self._weights.to_dict()) else {}),
            **GivenLabels(self.settings.labels, self._config_labels).to_dict(),
        }

    def _read_files(self) -> None:
        for name in self.variants:
            self.extractor_of(name)

    def _state_from_dict(self, state: dict[str, Any]) -> None:
        self.settings = replace(self.settings, labels=GivenLabels.read(state, self._config_labels))
        self._files.load(state["resolved"])
        self._weights.load(state.get("local_weights", {}))
        self._reset()

    def _models(self) -> list[Any]:
        settings = [self.settings, *map(self.settings.of_variant, self.settings.variant_values)]
        return [each.model for each in settings]

    def _disk_writers(self, exclude: Iterable[str]) -> dict[str, Callable[[Path], Any]]:
        writers = super()._disk_writers(exclude)
        return {**writers, _WEIGHTS: self._weights.write} if self._weights.to_dict() else writers

    def _disk_readers(self, exclude: Iterable[str]) -> dict[str, Callable[[Path], Any]]:
        return {**super()._disk_readers(exclude), _WEIGHTS: self._weights.read}

    def _bytes_writers(self, exclude: Iterable[str]) -> dict[str, Callable[[], Any]]:
        return {**super()._bytes_writers(exclude), _WEIGHTS: self._weights.to_bytes}

    def _bytes_readers(self, exclude: Iterable[str]) -> dict[str, Callable[[Any], Any]]:
        return {**super()._bytes_readers(exclude), _WEIGHTS: self._weights.from_bytes}

    def _reset(self) -> None:
        """Make the extractor again when it is next needed, and count from zero."""
        self._extractors = self._choice = self._resting = None
        self._lineages = {variant: Lineage() for variant in self.variants}
        self.issues = IssueLog()

    @staticmethod
    def _register_extensions() -> None:
        EntityComponent._register_extensions()
        register_extensions()

    def _warn(self, issues: IssueLog) -> None:
        """Say at the end of a run what was lost in it, once for all Docs."""
        from spacy_ner_plus.llm.passes import LOST_PASS
        from spacy_ner_plus.pipeline.structured_llm_ner.extraction import (
            AMBIGUOUS,
            DROPPED,
            INVALID,
            LOST_SAMPLE,
            NO_REPLY,
            UNALIGNED,
            UNREAD,
            WITHOUT_GRAMMAR,
        )
        from spacy_ner_plus.pipeline.structured_llm_ner.records.records import SHOWN
        from spacy_ner_plus.pipeline.structured_llm_ner.variants.attempts import NOT_ANSWERED

        failed = [kind for kind, _ in issues if kind.startswith(NOT_ANSWERED)]
        lost = [
            f"{issues[kind]:,} x {kind} (first: {issues.kinds[kind].example})"
            for kind in (
                *failed,
                SHOWN,
                INVALID,
                NO_REPLY,
                NOT_ASKED,
                UNREAD,
                LOST_SAMPLE,
                LOST_PASS,
                AMBIGUOUS,
                UNALIGNED,
                DROPPED,
                CUT,
                TOO_LONG,
                WITHOUT_GRAMMAR,
            )
            if issues[kind]
        ]
        if lost:
            warnings.warn(Warnings.W240.format(name=self.name, lost="; ".join(lost)), stacklevel=2)
