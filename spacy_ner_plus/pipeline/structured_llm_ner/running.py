"""A run of structured_llm_ner over a stream of Docs: requests under way, a progress bar, what was lost."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from spacy.tokens import Doc

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.pipeline.structured_llm_ner.in_flight import Asked, slide

if TYPE_CHECKING:
    from spacy_ner_plus.llm.client.chat_model import ChatModel
    from spacy_ner_plus.pipeline.structured_llm_ner.component import StructuredLLMNER

# Docs that are held for each request in flight, so that one slow answer doesn't stop the rest.
HELD_PER_REQUEST = 4


def run(pipe: "StructuredLLMNER", stream: Iterable[Doc]) -> Iterator[Doc]:
    """Annotate a stream of Docs, and say at its end what was lost.

    pipe (StructuredLLMNER): The component.
    stream (Iterable[Doc]): The Docs.
    YIELDS (Doc): The Docs, in order.
    RAISES (UserError): Where no request can succeed.
    """
    extractor = pipe.extractor
    issues = IssueLog()
    with Progress(extractor.model, issues, shown=pipe.progress) as progress:

        def write(asked: Asked) -> None:
            extractor.write(
                asked,
                issues,
                threshold=pipe.threshold,
                spans_key=pipe.spans_key,
                overwrite=pipe.overwrite_ents,
            )
            progress.advance()

        try:
            yield from slide(
                stream,
                width=HELD_PER_REQUEST * extractor.model.settings.max_concurrency,
                ask=lambda doc: extractor.ask(doc, issues),
                write=write,
                fail=pipe.handle_error,
            )
        finally:
            pipe.issues.merge(issues)
            extractor.warn(issues, pipe.name)


class Progress:
    """Show how a run goes on, on standard error; a context manager.

    model (ChatModel): Whose usage is shown.
    issues (IssueLog): Whose number is shown.
    shown (bool): Whether anything is.
    """

    def __init__(self, model: "ChatModel", issues: IssueLog, *, shown: bool):
        self._model = model
        self._issues = issues
        self._shown = shown
        self._bar = None

    def __enter__(self) -> "Progress":
        if self._shown:
            from tqdm import tqdm

            self._bar = tqdm(unit=" docs", dynamic_ncols=True)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._describe()
            self._bar.close()

    def advance(self) -> None:
        """Count a Doc."""
        if self._bar is not None:
            self._describe()
            self._bar.update()

    def _describe(self) -> None:
        usage = self._model.usage
        parts = [f"{usage.requests} sent", f"{usage.stored} from the store", f"{usage.retries} retries"]
        if len(self._issues):
            parts.append(f"{len(self._issues)} losses")
        if usage.cost is not None:
            parts.append(f"${usage.cost:.4f}")
        self._bar.set_postfix_str(", ".join(parts), refresh=False)
