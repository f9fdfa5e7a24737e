"""Our formats and alignment as a task of spacy-llm's own `llm` component, with any of its models.

This is for pipelines that have an `llm` component already. It sends one request at a time, and a
reply that can't be read is an error of the whole batch; structured_llm_ner has neither fault.
"""

from typing import Any, Iterable  # noqa: UP035 - spacy-llm compares these very types

from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.alignment.align import align_mentions
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.prompting.demonstrations import Demonstration, FixedDemonstrations
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.llm.requests import ChatReply, InvalidReply
from spacy_ner_plus.llm.votes import choose, count_votes
from spacy_ner_plus.pipeline.scored_ents import register_failure, register_score, write_ents

SPANS_KEY = "structured_llm_ner"


class Prompt(str):
    """A prompt as one text, which spacy-llm's models send, with the messages that ours send.

    text (str): All messages one after the other.
    messages (list[dict[str, str]]): The same with their roles.
    schema (dict[str, Any] | None): JSON schema of the reply.
    grammar (str | None): GBNF grammar of the reply.
    """

    def __new__(cls, text: str, messages: list, schema: dict | None, grammar: str | None) -> "Prompt":
        prompt = super().__new__(cls, text)
        prompt.messages, prompt.schema, prompt.grammar = messages, schema, grammar
        return prompt


class NERTask:
    """A task for spacy-llm's `llm` component: named entity recognition.

    prompter (Prompter): Writes requests and reads replies.
    """

    def __init__(self, prompter: Prompter):
        self.prompter = prompter
        register_score()
        register_failure()

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str]): The labels that are asked for."""
        return self.prompter.labels.names

    def generate_prompts(self, docs: Iterable[Doc]) -> Iterable[Any]:
        """YIELDS (Prompt): A prompt for each Doc."""
        for doc in docs:
            request = self.prompter.request(doc.text)
            text = "\n\n".join(message["content"] for message in request.messages)
            yield Prompt(text, list(request.messages), request.schema, request.grammar)

    def parse_responses(self, docs: Iterable[Doc], responses: Iterable[Any]) -> Iterable[Doc]:
        """Write what the replies say to the Docs.

        responses (Iterable[Any]): A reply for each Doc, or a list that holds it.
        YIELDS (Doc): The Docs. Where there is no valid reply, entities are missing and
            Doc._.ner_failure says why.
        """
        for doc, response in zip(docs, responses, strict=True):
            content = response if isinstance(response, str) else next(iter(response), "")
            # Our own client's FailedReply says why there is no reply.
            failure, candidates = getattr(content, "failure", ""), []
            unknown = [doc[:]] if failure and len(doc) else []
            if not failure:
                text = doc.text
                try:
                    read = self.prompter.reader(text)(ChatReply(content))
                except InvalidReply as error:
                    failure, unknown = f"invalid reply: {error}", [doc[:]] if len(doc) else []
                else:
                    candidates = choose(count_votes([align_mentions(doc, read).spans]), 0.0)
                    unread = [doc.char_span(*stretch, alignment_mode="expand") for stretch in read.unread]
                    unknown = [span for span in unread if span is not None and len(span)]
                    failure = read.left_out(text)[1]
            write_ents(
                doc,
                [Span(doc, c.start, c.end, label=c.label) for c in candidates],
                [c.score for c in candidates],
                spans_key=SPANS_KEY,
                overwrite=False,
                unknown=unknown,
                failure=failure,
            )
            yield doc

    def scorer(self, examples: Iterable[Example]) -> dict[str, Any]:
        """Score entities, as structured_llm_ner does.

        examples (Iterable[Example]): Predicted Docs and gold.
        RETURNS (dict[str, Any]): spaCy's entity scores, and `ents_invalid`, the share of Docs that failed.
        """
        from spacy_ner_plus.evaluation.scorers import score_llm_ner

        return score_llm_ner(examples, labels=self.labels)


def make_ner_task_v1(
    labels: Any,
    format: Any = "label_lists",
    examples: list[dict[str, Any]] | None = None,
    task: str | None = None,
) -> NERTask:
    """Make a task for spacy-llm.

    labels (str | list[str] | dict): As of structured_llm_ner.
    format (str | ReplyFormat): As of structured_llm_ner. Default: 'label_lists'.
    examples (list[dict]): Examples for every prompt, with `text` and `spans`. Default: none.
    task (str): As of structured_llm_ner. Default: none.
    """
    made = get_format(format)
    if hasattr(made, "turns"):
        raise UserError(Errors.E296.format(format=made.name, count=len(load_labels(labels).names)))
    records = [Demonstration.from_dict(record) for record in examples or []]
    demonstrations = FixedDemonstrations(records) if records else None
    return NERTask(Prompter(made, load_labels(labels), demonstrations, task=task or ""))
