"""Several passes over a text: the model is asked again for what it has missed, and all that it names counts.

As GraphRAG's gleanings (Edge et al. 2024, arXiv:2404.16130) and LangExtract's `extraction_passes` do, for recall.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.dialogues import ask_together
from spacy_ner_plus.llm.formats.reading import Reading, Stretch
from spacy_ner_plus.llm.requests import Dialogue, Outcome, Question

LOST_PASS = "further pass without a valid reply: what the passes before it found stays"
# What the model is asked after its reply. It names all again, since copies of a text can't hold new ones alone.
NEXT_PASS = (
    "Some entities may be missing from that reply. Read the text once more, and answer with all of its entities, "
    "those of that reply that are right and those that it missed, in the same form, with nothing else."
)


def ask_in_passes(dialogue: Dialogue[Outcome[Reading]], passes: int) -> Dialogue[Outcome[Reading]]:
    """Ask each question of a dialogue in several passes.

    passes (int): How many at most. One that names nothing new is the last.
    RETURNS (Dialogue): The same dialogue, whose outcomes are those of all passes together.
    """
    if passes == 1:
        return (yield from dialogue)
    outcomes: Sequence[Outcome] | None = None
    while True:
        try:
            questions = next(dialogue) if outcomes is None else dialogue.send(outcomes)
        except StopIteration as done:
            return done.value
        first = yield questions
        pairs = zip(questions, first, strict=True)
        outcomes = yield from ask_together([_go_on(question, outcome, passes) for question, outcome in pairs])


def _go_on(question: Question[Reading], outcome: Outcome[Reading], passes: int) -> Dialogue[Outcome[Reading]]:
    """Ask for more after an answer."""
    messages = question.request.messages
    last = outcome
    for _ in range(passes - 1):
        # Where a part of the text has no answer, that is told, and more isn't asked for.
        if last.value is None or last.failure:
            break
        turns = [
            {"role": "assistant", "content": last.replies[-1].content},
            {"role": "user", "content": NEXT_PASS},
        ]
        messages = [*messages, *turns]
        request = replace(question.request, messages=messages)
        (last,) = yield [replace(question, request=request, is_divisible=False)]
        found = outcome.value
        joined = (
            join_readings(found, last.value)
            if last.value is not None
            else Reading(found, found.repairs, found.unread, found.doubt)
        )
        if last.value is None or last.failure:
            joined.repairs.add(LOST_PASS, last.failure)
        outcome = replace(outcome, value=joined, asked=[*outcome.asked, *last.asked])
        if len(joined) == len(found):
            break
    return outcome


def join_readings(first: Reading, second: Reading) -> Reading:
    """Put together what two passes name.

    RETURNS (Reading): The mentions of the first, and those of the second that it doesn't have. A mention that both
        list counts as often as the one lists it that lists it more often.
    """
    there = Counter(map(_identity, first))
    mentions = list(first)
    for mention in second:
        identity = _identity(mention)
        if there[identity]:
            there[identity] -= 1
        else:
            mentions.append(mention)
    repairs = IssueLog()
    repairs.merge(first.repairs)
    repairs.merge(second.repairs)
    return Reading(mentions, repairs, _in_both(first.unread, second.unread), first.doubt or second.doubt)


def _identity(mention: Mention) -> tuple[str, str, int, int]:
    return mention.text, mention.label, mention.occurrence, mention.position


def _in_both(first: Sequence[Stretch], second: Sequence[Stretch]) -> list[Stretch]:
    return [(max(a, c), min(b, d)) for a, b in first for c, d in second if max(a, c) < min(b, d)]
