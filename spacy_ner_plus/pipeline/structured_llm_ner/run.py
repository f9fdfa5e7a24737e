"""One stream of Docs about which a component asks: a variant is chosen, asked and read, and its answer is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spacy.tokens import Doc

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.store.draws import Draw
from spacy_ner_plus.llm.store.text_hash import text_hash
from spacy_ner_plus.pipeline.structured_llm_ner.extraction import Extraction
from spacy_ner_plus.pipeline.structured_llm_ner.extractor import Extractor
from spacy_ner_plus.pipeline.structured_llm_ner.in_flight import DocInFlight
from spacy_ner_plus.pipeline.structured_llm_ner.llm_io import write_io
from spacy_ner_plus.pipeline.structured_llm_ner.records.records import AnsweredBy, Records
from spacy_ner_plus.pipeline.structured_llm_ner.variants.attempts import Attempts, DocInTurn
from spacy_ner_plus.pipeline.structured_llm_ner.variants.choice import VariantChoice
from spacy_ner_plus.pipeline.structured_llm_ner.variants.resting import Resting


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered about a Doc.

    requests (DocInFlight): What was asked.
    extractor (Extractor): What asked it.
    by (AnsweredBy): Which variant that is.
    """

    requests: DocInFlight
    extractor: Extractor
    extraction: Extraction
    by: AnsweredBy

    def write_io(self, name: str) -> None:
        """Keep on the Doc what was asked and what came.

        name (str): The component's.
        """
        write_io(self.requests, name, self.extractor.model, variant=self.by.variant)


class Run:
    """Asks about Docs as the only way of asking does, or as variants that are drawn do.

    records (Records): What is kept of it.
    issues (IssueLog): Where what was lost is counted.
    extractors (Mapping[str, Extractor]): By variant, in the order in which they step in; one under '' without variants.
    choice (VariantChoice | None): Draws a variant; None without variants.
    resting (Resting | None): Those that come last; None without variants.
    steps_in (bool): Whether others step in where a variant fails.
    """

    def __init__(
        self,
        records: Records,
        issues: IssueLog,
        extractors: Mapping[str, Extractor],
        *,
        choice: VariantChoice | None = None,
        resting: Resting | None = None,
        steps_in: bool = True,
    ):
        self._records = records
        self._issues = issues
        self._extractors = extractors
        self._choice = choice
        self._resting = resting
        if resting is not None:
            others: Sequence[str] = list(extractors) if steps_in else ()
            self._attempts = Attempts(others, extractors.__getitem__, resting)

    def submit(self, doc: Doc) -> DocInFlight:
        """Send the first requests about a Doc; none for one without words.

        RAISES (UserError): Where nothing can be drawn, or the store can't be used.
        """
        text = doc.text
        has_words = bool(text) and not text.isspace()
        if has_words:
            self._records.note_asked(doc, text)
        if self._choice is None:
            (extractor,) = self._extractors.values()
            return extractor.submit(doc, self._issues, text=text)
        if not has_words:
            drawn = Draw(next(iter(self._extractors)), 1.0)
        else:
            drawn = self._choice.draw(self._records.store, self._records.episode(doc), text_hash(text))
        return self._attempts.submit(doc, text, drawn)

    def read(self, submitted: DocInFlight) -> Answer:
        """Wait for what came of the requests about a Doc, and read it.

        RAISES (UserError): Where no request can succeed.
        """
        if not isinstance(submitted, DocInTurn):
            (extractor,) = self._extractors.values()
            return Answer(submitted, extractor, extractor.read(submitted), AnsweredBy())
        extraction = submitted.read(self._issues, self._resting)
        chosen, drawn = submitted.chosen, submitted.drawn
        if chosen.variant == drawn.variant:
            by = AnsweredBy(drawn.variant, drawn.probability)
        else:
            by = AnsweredBy(chosen.variant, drawn.probability, drawn.variant)
        return Answer(chosen.requests, chosen.extractor, extraction, by)

    def keep(self, answer: Answer, threshold: float) -> None:
        """Keep an answer as an inference, and note its id on the Doc.

        threshold (float): The least score of an entity.
        """
        requests = answer.requests
        if not requests.chunks:
            self._records.keep_nothing(requests.doc)
            return
        self._records.keep(
            requests.doc, requests.text, answer.extraction, answer.extractor, answer.by, threshold
        )
