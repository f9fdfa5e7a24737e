"""What is kept of a run in the store of its model, beside the replies."""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from spacy.tokens import Doc

from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.llm.requests import ChatReply, Usage
from spacy_ner_plus.llm.store.engines.engine import StoreError
from spacy_ner_plus.llm.store.ids import new_id
from spacy_ner_plus.llm.store.inferences import Inference
from spacy_ner_plus.llm.store.text_hash import text_hash
from spacy_ner_plus.pipeline.structured_llm_ner.extraction import Extraction
from spacy_ner_plus.pipeline.structured_llm_ner.extractor import Extractor
from spacy_ner_plus.spans import CharSpan

if TYPE_CHECKING:
    from spacy_ner_plus.llm.store.store import Store


@dataclass(frozen=True, slots=True)
class AnsweredBy:
    """Which variant answered, and how it came to that.

    variant (str): '' where the component has none.
    probability (float): With which it was drawn; 1 where there was no choice, or where it stepped in.
    fallback_of (str): The variant that was drawn and failed; '' where this one was.
    """

    variant: str = ""
    probability: float = 1.0
    fallback_of: str = ""


class Records:
    """Keeps what was answered in a run as inferences; of a dry run the texts alone, so that nothing learns from them.

    name (str): The component, for messages.
    open_store (Callable[[], Store | None]): Opens where to; None for nowhere.
    begin_episode (Callable[[], str]): Names the episode of Docs whose caller names none, when it is first needed.
    is_dry (bool): Whether this is a dry run.
    """

    def __init__(
        self,
        name: str,
        open_store: "Callable[[], Store | None]",
        begin_episode: Callable[[], str],
        *,
        is_dry: bool,
    ):
        self._name = name
        self._open_store = open_store
        self._begin_episode = begin_episode
        self._is_dry = is_dry
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
        """RETURNS (str): The episode of a Doc: that of its caller, or of the run."""
        return doc._.episode or self._episode

    def note_asked(self, text: str) -> None:
        """Note that a text is about to be asked about.

        RAISES (StoreError): Where the text of a dry run can't be kept from being learnt from.
        """
        if not self._is_dry or (store := self.store) is None or store.read_only:
            return
        own = text_hash(text)
        if own not in self._noted:
            store.dry_texts.add([own])
            self._noted.add(own)

    def keep(
        self,
        doc: Doc,
        text: str,
        extraction: Extraction,
        extractor: Extractor,
        answered: AnsweredBy,
        threshold: float,
    ) -> str:
        """Keep what was answered about a Doc, unless that is known: a rerun adds nothing.

        text (str): The Doc's.
        threshold (float): The least score of an entity.
        RETURNS (str): The id of the inference; '' where none is kept.
        """
        if self._is_dry or (store := self.store) is None:
            return ""
        try:
            known = self._known(store, doc, extraction.replies, answered.variant)
            if known or store.read_only:
                return known
            inference = self._inference(doc, text, extraction, extractor, answered, threshold)
            store.inferences.add(inference)
            return inference.id
        except StoreError as error:
            # As with a reply that can't be kept: what was answered is good.
            if not self._warned:
                self._warned = True
                shown = {"name": self._name, "path": store.where, "reason": error.reason}
                warnings.warn(Warnings.W364.format(**shown), stacklevel=2)
            return ""

    @staticmethod
    def _known(store: "Store", doc: Doc, replies: Sequence[ChatReply], variant: str) -> str:
        """RETURNS (str): The inference of the same replies, where all of them were stored; '' where there is none.

        Where the caller names an episode, it is one of that episode: a run that was killed and goes on adds none twice.
        """
        if not replies or not all(reply.stored for reply in replies):
            return ""
        keys = [reply.key for reply in replies]
        found = store.inferences.find(keys, variant, episode=doc._.episode)
        return "" if found is None else found.id

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
            model=model.settings.name,
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
        )
