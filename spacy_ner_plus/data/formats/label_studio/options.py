"""How Label Studio's tasks are read and written."""

from spacy_ner_plus.data.records.annotators import CHOICE_MEANING, Choice
from spacy_ner_plus.data.records.texts import TextOptions
from spacy_ner_plus.settings import setting, settings


@settings
class LabelStudioOptions(TextOptions):
    """How Label Studio's tasks are read and written."""

    annotations: Choice = setting(
        f"{CHOICE_MEANING} What is marked as ground truth counts as the last. Skipped ones never count.",
        "auto",
    )
    predictions: bool = setting(
        "Whether predictions are read where a task has no annotation, and whether predictions are written in place of "
        "annotations.",
        False,
    )
    text_key: str | None = setting(
        "Key of a task's data under which its text is. Default: the one in which the spans' own texts are, or that "
        "`to_name` names, or `text`.",
        None,
    )
    from_name: str | None = setting(
        "To write: the name of the Labels tag. Default: as it was read, or label.", None
    )
    to_name: str | None = setting(
        "To write: the name of the Text tag. Default: as it was read, or text.", None
    )
