"""How Argilla's records are read and written."""

from spacy_ner_plus.data.records.annotators import CHOICE_MEANING, Choice
from spacy_ner_plus.data.records.texts import TextOptions
from spacy_ner_plus.settings import setting, settings


@settings
class ArgillaOptions(TextOptions):
    """How Argilla's records are read and written."""

    annotations: Choice = setting(f"{CHOICE_MEANING} Drafts and discarded answers never count.", "auto")
    suggestions: bool = setting(
        "Whether suggestions are read where a record has no answer, and whether suggestions are written in place of "
        "answers.",
        False,
    )
    question: str | None = setting(
        "Name of the span question. Default: the one whose answers are spans; to write, spans.", None
    )
    field: str | None = setting(
        "Name of the field that is annotated. Default: text, or the only one that is a text.", None
    )
