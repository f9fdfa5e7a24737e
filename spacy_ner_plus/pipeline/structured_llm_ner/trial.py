"""How well a reply format suits a model: a gold corpus is asked about once, and scored."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from spacy.tokens import Doc
from spacy.training import Example

from spacy_ner_plus.corpus import bare_copy
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.requests import ChatReply, Usage
from spacy_ner_plus.pipeline.scored_ents import write_ents
from spacy_ner_plus.pipeline.structured_llm_ner.extraction import Extraction
from spacy_ner_plus.pipeline.structured_llm_ner.extractor import Extractor
from spacy_ner_plus.pipeline.structured_llm_ner.in_flight import DocInFlight, stream_in_flight

# Policies of occurrences that every reply is read by.
TRIED_POLICIES = ("all", "listed")
_SPANS_KEY = "trial"


@dataclass(frozen=True)
class Trial:
    """What one format gave.

    format (str): Its name.
    f1 (dict[str, float | None]): Micro F1 from 0 to 1, by policy of occurrences.
    failed (int): Docs that failed, as a whole or in a part: see `evaluation.failures`.
    unaligned (int): Mentions that aren't in their text.
    prompt_tokens (int): Tokens of all prompts.
    completion_tokens (int): Tokens of all replies.
    seconds (float): Of all replies added up, when they were given; more than the time that passed
        where several were in flight. Like tokens and cost the same for replies from the store.
    cost (float | None): In US dollars, None where the model's price isn't known.
    failure (str): Why the format could not be tried; '' where it could.
    """

    format: str
    f1: dict[str, float | None]
    failed: int = 0
    unaligned: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cost: float | None = None
    failure: str = ""

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): All of it, for JSON."""
        row = asdict(self)
        # The name that it has in files.
        return {"invalid" if name == "failed" else name: value for name, value in row.items()}


def try_format(
    extractor: Extractor,
    golds: Sequence[Doc],
    *,
    threshold: float,
    score: Callable[[list[Example]], dict[str, Any]],
) -> Trial:
    """Ask about a gold corpus once, and score what is read from the replies by each policy of occurrences.

    extractor (Extractor): Whose format is tried.
    threshold (float): The least score of an entity.
    score (Callable): The scoring method: its `ents_f` is F1.
    RETURNS (Trial): The scores, or why no request can succeed.
    """
    name, own = extractor.prompter.format.name, extractor.occurrences
    policies = dict.fromkeys((own, *TRIED_POLICIES))
    found: list[dict[str, Extraction]] = []

    def read(submitted: DocInFlight) -> None:
        # The same replies for each policy, so asking once is enough.
        found.append({policy: extractor.read(submitted, occurrences=policy) for policy in policies})

    docs = (bare_copy(gold, gold.vocab) for gold in golds)
    stream = stream_in_flight(docs, most=len(golds), submit=extractor.submit, write=read, fail=_raise)
    try:
        deque(stream, maxlen=0)
    except UserError as error:
        return Trial(name, {}, failure=str(error))
    f1 = {}
    for policy in policies:
        predicted = [
            _predict(gold, by_policy[policy], threshold) for gold, by_policy in zip(golds, found, strict=True)
        ]
        f1[policy] = score([Example(doc, gold) for doc, gold in zip(predicted, golds, strict=True)])["ents_f"]
    extractions = [by_policy[own] for by_policy in found]
    usage, seconds = _sum_up([reply for extraction in extractions for reply in extraction.replies])
    return Trial(
        name,
        f1,
        failed=sum(bool(extraction.failures) for extraction in extractions),
        unaligned=sum(len(a.unaligned) for extraction in extractions for a in extraction.alignments),
        prompt_tokens=usage.prompt,
        completion_tokens=usage.completion,
        seconds=seconds,
        cost=extractor.model.cost(usage),
    )


def _predict(gold: Doc, extraction: Extraction, threshold: float) -> Doc:
    doc = bare_copy(gold, gold.vocab)
    ents, scores = extraction.entities(doc, threshold)
    write_ents(
        doc,
        ents,
        scores,
        spans_key=_SPANS_KEY,
        overwrite=False,
        unknown=extraction.unknown(doc),
        failure=extraction.failure,
    )
    return doc


def _sum_up(replies: Sequence[ChatReply]) -> tuple[Usage, float]:
    usage = Usage(
        prompt=sum(reply.usage.prompt for reply in replies),
        completion=sum(reply.usage.completion for reply in replies),
        cached=sum(reply.usage.cached for reply in replies),
    )
    return usage, sum(reply.seconds for reply in replies)


def _raise(docs: list[Doc], error: Exception) -> None:
    raise error
