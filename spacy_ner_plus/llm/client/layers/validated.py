"""The outermost layer: replies are read, and asked for once more where they can't be."""

from collections.abc import Callable

from spacy_ner_plus.llm.client.call import Call, Layer
from spacy_ner_plus.llm.client.open_question import OpenQuestion
from spacy_ner_plus.llm.requests import Outcome


class Validated:
    """Asks until a question has its outcome.

    inner (Layer): Gets the replies.
    make_call (Callable): From a question to the call with its next request.
    """

    def __init__(self, inner: Layer, make_call: Callable[[OpenQuestion], Call]):
        self._inner = inner
        self._make_call = make_call

    async def ask(self, question: OpenQuestion) -> Outcome:
        """Go on with a question until it has its outcome.

        RETURNS (Outcome): What came of it.
        RAISES (UserError): Where no request would get a reply.
        """
        while question.outcome is None:
            question.take(await self._inner.ask(self._make_call(question)))
        return question.outcome
