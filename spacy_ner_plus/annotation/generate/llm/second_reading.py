"""A second reading: the model finds the entities of a text that it wrote, as if it came from elsewhere."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spacy.language import Language

from spacy_ner_plus.annotation.generate.records import Record
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.spans import CharSpan

if TYPE_CHECKING:
    from spacy_ner_plus.llm.client.chat_model import ChatModel

OTHERWISE = "refused: a second reading finds other entities"


class SecondReading:
    """Reads texts as structured_llm_ner does.

    nlp (Language): Tokenises the texts.
    model (ChatModel): Whom to ask.
    labels (LabelSet): What to look for.
    """

    def __init__(self, nlp: Language, model: "ChatModel", labels: LabelSet):
        from spacy_ner_plus.pipeline.structured_llm_ner.component import StructuredLLMNER
        from spacy_ner_plus.pipeline.structured_llm_ner.settings import StructuredLLMSettings

        rows = {
            row["name"]: {"definition": row["definition"], "examples": list(row["examples"])}
            for row in labels.rows
        }
        self._nlp = nlp
        # Of its mentions only those count that are marked at each place where the reply says.
        settings = StructuredLLMSettings(labels=rows, model=model, format="entity_list", occurrences="listed")
        self._component = StructuredLLMNER(nlp.vocab, "second_reading", settings)

    def differences(self, records: Sequence[Record]) -> list[str]:
        """Read the texts of records.

        RETURNS (list[str]): Of each, what was found otherwise, such as "Rome: LOC, and not found"; '' for nothing.
        RAISES (UserError): Where no request can succeed.
        """
        docs = self._component.pipe(self._nlp.make_doc(record.text) for record in records)
        found = []
        for record, doc in zip(records, docs, strict=True):
            if doc._.ner_failure:
                found.append(doc._.ner_failure)
                continue
            read = {CharSpan(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}
            own = {*record.spans}
            shown = [
                f"{record.text[span.start : span.end]}: {span.label}, and not found"
                for span in sorted(own - read)
            ]
            shown += [
                f"{record.text[span.start : span.end]}: found as {span.label}" for span in sorted(read - own)
            ]
            found.append("; ".join(shown))
        return found
