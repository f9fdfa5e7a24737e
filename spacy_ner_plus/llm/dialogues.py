"""Dialogues: questions that belong together, some of which follow from what came of others."""

from collections.abc import Sequence
from typing import TypeVar

from spacy_ner_plus.llm.requests import Dialogue, Outcome, Question

T = TypeVar("T")


def ask_one(question: Question[T]) -> Dialogue[Outcome[T]]:
    """RETURNS (Dialogue[Outcome[T]]): One question alone."""
    (outcome,) = yield [question]
    return outcome


def ask_together(dialogues: Sequence[Dialogue[T]]) -> Dialogue[list[T]]:
    """Hold several dialogues at a time.

    RETURNS (Dialogue[list[T]]): What each of them comes to, in order.
    """
    results: dict[int, T] = {}
    open_questions: dict[int, Sequence[Question]] = {}

    def step(number: int, outcomes: Sequence[Outcome] | None) -> None:
        try:
            open_questions[number] = dialogues[number].send(outcomes)
        except StopIteration as done:
            results[number] = done.value

    for number in range(len(dialogues)):
        step(number, None)
    while open_questions:
        asked, open_questions = open_questions, {}
        outcomes = iter((yield [question for questions in asked.values() for question in questions]))
        for number, questions in asked.items():
            step(number, [next(outcomes) for _ in questions])
    return [results[number] for number in range(len(dialogues))]
