"""What a run would ask, found out by holding its dialogues with the store alone."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.client.kept_replies import KeptReplies
from spacy_ner_plus.llm.client.open_question import OpenQuestion
from spacy_ner_plus.llm.requests import Dialogue, Question

T = TypeVar("T")


class Replay:
    """Stands in for a chat model that is asked: dialogues go on as far as the store has the replies.

    model (ChatModel): The model that it stands in for; nothing is sent to it.
    kept (KeptReplies): The replies in its store.
    asked (dict[str, OpenQuestion]): By the key of a request, what asked it and reads its reply.
    open (dict[str, OpenQuestion]): Those of them that are to be sent.
    """

    # What is sent in a file has no grammar of its text.
    takes_text_grammar = False

    def __init__(self, model: ChatModel, kept: KeptReplies):
        self.settings = model.settings
        self.count_tokens = model.count_tokens
        self.is_stored = kept.has
        self.asked: dict[str, OpenQuestion] = {}
        self.open: dict[str, OpenQuestion] = {}
        self._kept = kept

    def hold(self, dialogue: Dialogue[T]) -> Future[T]:
        """RETURNS (Future[T]): What the dialogue comes to, where the store has all of its replies; else never done."""
        future: Future[T] = Future()
        try:
            questions = self._begin(next(dialogue))
            while all(question.outcome is not None for question in questions):
                questions = self._begin(dialogue.send([question.outcome for question in questions]))
        except StopIteration as done:
            future.set_result(done.value)
        return future

    def clear(self) -> None:
        """Forget what was asked."""
        self.asked, self.open = {}, {}

    def _begin(self, questions: Sequence[Question[Any]]) -> list[OpenQuestion]:
        begun = [OpenQuestion(question, self.settings.max_tokens) for question in questions]
        for question in begun:
            while not question.is_settled:
                key, _ = self._kept.key(question.request)
                reply = self._kept.find(question.request)
                if reply is not None or question.outcome is None:
                    self.asked[key] = question
                if reply is None:
                    if question.outcome is None:
                        self.open[key] = question
                    break
                question.take(reply)
            if question.outcome is not None and question.outcome.kind in ("invalid", "partial"):
                self._begin_again(question)
        return begun

    def _begin_again(self, question: OpenQuestion) -> None:
        if self.settings.retry_invalid:
            question.begin_again()
            self.open[self._kept.key(question.request)[0]] = question
