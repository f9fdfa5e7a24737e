"""Which reply format suits a model, found by trying all of them on a dev corpus."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc
from spacy.training import Example

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.formats import FORMATS
from spacy_ner_plus.llm.requests import Usage
from spacy_ner_plus.pipeline.structured_llm_ner.extractor import INVALID, UNALIGNED, UNANSWERED

if TYPE_CHECKING:
    from spacy.language import Language

    from spacy_ner_plus.pipeline.structured_llm_ner.component import StructuredLLMNER

POLICIES = ("all", "listed")


@dataclass(frozen=True)
class Trial:
    """What one format gave.

    format (str): Its name.
    f1 (dict[str, float | None]): Micro F1 from 0 to 1, by policy of occurrences.
    invalid (int): Docs whose reply stayed invalid, or that got none.
    unaligned (int): Mentions that stand nowhere in their text.
    prompt_tokens (int): Tokens of all prompts.
    completion_tokens (int): Tokens of all replies.
    seconds (float): Of all replies together, when they were given; more than went by where several
        were in flight. Like tokens and cost the same for replies from the store.
    cost (float | None): In US dollars, None where the model's price isn't known.
    failure (str): Why the format could not be tried; '' where it could.
    """

    format: str
    f1: dict[str, float | None]
    invalid: int = 0
    unaligned: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cost: float | None = None
    failure: str = ""


def try_formats(
    nlp: "Language", name: str, golds: Sequence[Doc], formats: Sequence[str] = tuple(FORMATS)
) -> Iterator[Trial]:
    """Annotate a dev corpus once with each format, and score it.

    The second policy of occurrences reads the same replies again where a store keeps them, and asks
    anew where none does; so it is left out without a store.

    nlp (Language): The pipeline.
    name (str): Its structured_llm_ner.
    golds (Sequence[Doc]): Gold Docs.
    formats (Sequence[str]): Which formats. Default: all.
    YIELDS (Trial): One for each format.
    """
    pipe: StructuredLLMNER = nlp.get_pipe(name)
    before = dict(pipe.settings)
    policies = POLICIES if pipe.client.settings.store else (before["occurrences"],)
    try:
        for format_name in formats:
            yield _try(pipe, golds, format_name, policies)
    finally:
        _set(pipe, before)


def _try(pipe: "StructuredLLMNER", golds: Sequence[Doc], format_name: str, policies: Sequence[str]) -> Trial:
    f1: dict[str, float | None] = {}
    counts: dict[str, Any] = {}
    for policy in policies:
        _set(pipe, {**pipe.settings, "format": format_name, "occurrences": policy})
        pipe.extractor.keeps_replies = not counts
        try:
            predicted = list(pipe.pipe(_bare(gold) for gold in golds))
        except UserError as error:
            return Trial(format_name, f1, failure=str(error))
        scores = pipe.score([Example(p, gold) for p, gold in zip(predicted, golds, strict=True)])
        f1[policy] = scores["ents_f"]
        if not counts:
            replies = pipe.extractor.replies
            prompt, completion = (
                sum(getattr(reply.usage, part) for reply in replies) for part in ("prompt", "completion")
            )
            cached = sum(reply.usage.cached for reply in replies)
            counts = {
                "invalid": pipe.issues[INVALID] + pipe.issues[UNANSWERED],
                "unaligned": pipe.issues[UNALIGNED],
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "seconds": sum(reply.seconds for reply in replies),
                "cost": pipe.client.cost(Usage(prompt, completion, cached)),
            }
    return Trial(format_name, f1, **counts)


def _set(pipe: "StructuredLLMNER", settings: dict[str, Any]) -> None:
    """Give the component other settings, and forget what was counted under the old ones."""
    pipe.settings.update(settings)
    pipe.forget()


def _bare(gold: Doc) -> Doc:
    """A Doc of the same tokens without entities."""
    return Doc(gold.vocab, words=[t.text for t in gold], spaces=[bool(t.whitespace_) for t in gold])
