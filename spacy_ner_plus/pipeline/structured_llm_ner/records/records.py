"""What is kept of a run in the store of its model, beside the replies."""

import time
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from spacy.tokens import Doc

from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.requests import Usage
from spacy_ner_plus.llm.store.engines.engine import StoreError
from spacy_ner_plus.llm.store.ids import new_id
from spacy_ner_plus.llm.store.inferences import Inference
from spacy_ner_plus.llm.store.text_hash import text_hash
from spacy_ner_plus.pipeline.structured_llm_ner.extraction import Extraction
from spacy_ner_plus.pipeline.structured_llm_ner.extractor import Extractor
from spacy_ner_plus.pipeline.structured_llm_ner.records.doc_extensions import named_episode, note_inference
from spacy_ner_plus.spans import CharSpan

if TYPE_CHECKING:
    from spacy_ner_plus.llm.store.store import Store


SHOWN = (
    "text of a dry run that is among the examples, and shown with its entities to the others: name its corpus in "
    "`exclude`"
)


@dataclass(frozen=True, slots=True)
class AnsweredBy:
    """Which variant answered, and how it came to that.

    variant (str): '' where the component has none.
    probability (float): With which it was drawn, or `fallback_of` where it stepped in; 1 where there was no choice.
    fallback_of (str): The variant that was drawn and failed; '' where this one was.
    """

    variant: str = ""
    probability: float = 1.0
    fallback_of: str = ""


class Records:
    """Keeps what was answered in a run as inferences; of a dry run the texts alone, so that nothing learns from them.

    name (str): The component.
    open_store (Callable[[], Store | None]): Opens where to; None for nowhere.
    begin_episode (Callable[[], str]): Names the episode of Docs whose caller names none, when it is first needed.
    is_dry (bool): Whether this is a dry run.
    examples (Collection[str]): `text_hash` of the texts that prompts of a dry run may show.
    issues (IssueLog | None): Where those of them are counted that the run is about.
    """

    def __init__(
        self,
        name: str,
        open_store: "Callable[[], Store | None]",
        begin_episode: Callable[[], str],
        *,
        is_dry: bool,
        examples: Collection[str] = (),
        issues: IssueLog | None = None,
    ):
        self._name = name
        self._open_store = open_store
        self._begin_episode = begin_episode
        self._is_dry = is_dry
        self._examples = examples
        self._issues = IssueLog() if issues is None else issues
        self._noted: set[str] = set()
        self._warned = False

    @property
    def store(self) -> "Store | None":
        """RETURNS (Store | None): Where things are kept, opened when it is first needed.

        RAISES (UserError): Where it can't be opened.
        """
        return self._open_store()

    @cached_property
    def _episode(self) -> str:
        return self._begin_episode()

    def episode(self, doc: Doc) -> str:
        """RETURNS (str): The episode of a Doc: that of its caller, or of the run.

        RAISES (UserError): Where its caller's is no name.
        """
        return named_episode(doc) or self._episode

    def note_asked(self, doc: Doc, text: str) -> None:
        """Note that a Doc is about to be asked about.

        text (str): Its text.
        RAISES (StoreError): Where the text of a dry run can't be kept from being learnt from.
        RAISES (UserError): Where its caller's episode, to which its answer would belong, is no name.
        """
        store = self.store
        if not self._is_dry:
            if store is not None:
                named_episode(doc)  # before anything is paid for
            return
        own = text_hash(text)
        if own in self._noted:
            return
        self._noted.add(own)
        if own in self._examples:
            self._issues.add(SHOWN, text[:60])
        if store is not None and not store.read_only:
            store.dry_texts.add([own])

    def keep(
        self,
        doc: Doc,
        text: str,
        extraction: Extraction,
        extractor: Extractor,
        answered: AnsweredBy,
        threshold: float,
    ) -> None:
        """Keep what was answered about a Doc, unless that is known: a rerun adds nothing. Its id goes on the Doc.

        text (str): The Doc's.
        threshold (float): The least score of an entity.
        """
        if self._is_dry or (store := self.store) is None:
            self.keep_nothing(doc)
            return
        inference = self._inference(doc, text, extraction, extractor, answered, threshold)
        # Where nothing was replied, it may be another time: a run that finds nobody says so.
        same_episode = bool(named_episode(doc)) or not inference.request_keys
        is_stored = all(reply.stored for reply in extraction.replies)
        try:
            id = _keep_once(store, inference, same_episode=same_episode, is_stored=is_stored)
        except StoreError as error:
            id = ""
            # As with a reply that can't be kept: what was answered is good.
            if not self._warned:
                self._warned = True
                shown = {"name": self._name, "path": store.where, "reason": error.reason}
                warnings.warn(Warnings.W364.format(**shown), stacklevel=2)
        note_inference(doc, self._name, id)

    def keep_nothing(self, doc: Doc) -> None:
        """Note that of what is on a Doc now, nothing is kept."""
        note_inference(doc, self._name, "")

    def _inference(
        self,
        doc: Doc,
        text: str,
        extraction: Extraction,
        extractor: Extractor,
        answered: AnsweredBy,
        threshold: float,
    ) -> Inference:
        replies, model = extraction.replies, extractor.model
        chosen = extraction.chosen(doc, threshold)
        starts = [doc[candidate.start].idx for candidate in chosen]
        last = [doc[candidate.end - 1] for candidate in chosen]
        usage = Usage(
            sum(reply.usage.prompt for reply in replies),
            sum(reply.usage.completion for reply in replies),
            sum(reply.usage.cached for reply in replies),
        )
        gateway = getattr(extraction.first, "gateway", None)
        if gateway is None:
            id, episode, external = new_id(), self.episode(doc), ""
        else:
            # It has minted the ids, and sampled.
            id, episode, external = gateway.inference, gateway.episode, gateway.gateway
            answered = AnsweredBy(gateway.variant)
        return Inference(
            id=id,
            episode=episode,
            variant=answered.variant,
            probability=answered.probability,
            fallback_of=answered.fallback_of,
            text=text,
            text_hash=text_hash(text),
            labels=extractor.labels,
            format=str(getattr(extractor.prompter.format, "name", "")),
            model=model.settings.shown_name(),
            request_keys=tuple(reply.key for reply in replies),
            entities=tuple(
                CharSpan(start, token.idx + len(token), candidate.label)
                for start, token, candidate in zip(starts, last, chosen, strict=True)
            ),
            scores=tuple(candidate.score for candidate in chosen),
            valid=not extraction.failures,
            failure=extraction.failure,
            usage=usage,
            seconds=sum(reply.seconds for reply in replies),
            cost=model.cost(usage),
            created=time.time(),
            external=external,
            component=self._name,
        )


def _keep_once(store: "Store", inference: Inference, *, same_episode: bool, is_stored: bool) -> str:
    """RETURNS (str): The id of the inference that is there; '' where none is, and nothing can be added."""
    if inference.external:
        # Its gateway knows it by its id.
        if not store.read_only:
            store.inferences.add(inference)
        return inference.id if not store.read_only or store.inferences.get(inference.id) else ""
    # Only then something of it is likely to be there; and what is read is read beside whoever writes.
    if is_stored or store.read_only:
        known = store.inferences.find(inference, same_episode=same_episode)
        if known or store.read_only:
            return known
    return store.inferences.add_once(inference, same_episode=same_episode)
