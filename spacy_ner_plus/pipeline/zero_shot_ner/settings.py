"""The settings of `zero_shot_ner`: type, default, check and text of each."""

from collections.abc import Sequence
from typing import Literal

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.pipeline.entity_component import EntitySettings
from spacy_ner_plus.pipeline.zero_shot_ner.asked import Asked
from spacy_ner_plus.settings import setting, settings

# Where nothing is set: more than twice as wide as the entities of most models.
_OVERLAP = 64


@settings
class ZeroShotSettings(EntitySettings):
    """What `zero_shot_ner` looks for, by which model, and how it reads long texts."""

    model: str = setting(
        "Folder or hub name of a GLiNER or GLiNER2 model with safetensors. It is loaded when it is first used, and "
        "saved with the pipeline; code that comes with it is refused.",
        "",
    )
    labels: str | list | dict | None = setting(
        "What to look for: names, or a mapping from name to description, a file with such a mapping (JSON or YAML), or "
        "the name of a shipped label set. `doc._.labels` serves one Doc, and where it is empty, nothing is asked.",
        None,
    )
    label_map: dict[str, str] | None = setting(
        "The entity label of each name that is asked for, such as PER for 'name of a person'. Names that aren't in it "
        "are labels themselves.",
        None,
    )
    label_thresholds: dict[str, float] | None = setting(
        "The least score of entities of some labels, from 0 to 1; of others it is `threshold`.",
        None,
    )
    window: int | None = setting(
        "Most words that are read at once, as the model cuts words. None for as many as the model was made for.",
        None,
        at_least=2,
    )
    overlap: int | None = setting(
        "How many words neighbouring windows share, at most half of a window. None for 64, or half a window where "
        "that is less.",
        None,
        at_least=0,
    )
    window_ends: Literal["anywhere", "lines", "paragraphs"] = setting(
        "Where a window has to end: 'anywhere', or at the ends of 'lines', or of 'paragraphs', with an empty line "
        "behind them. Text on both sides of such an end isn't read together.",
        "anywhere",
    )
    batch_words: int = setting(
        "Most words that are computed at once, those of labels counted where they are read with the text.",
        2048,
        at_least=1,
    )
    device: str = setting("'auto' (a GPU where there is one), 'cpu', 'cuda', 'cuda:1' or 'mps'.", "auto")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = setting(
        "In what the encoder of texts computes: 'auto' (on a CPU what is measured to be the fastest, on a GPU bf16 "
        "where it computes in it), 'fp32', 'bf16' or 'fp16' (a GPU).",
        "auto",
    )

    trained: Literal["nothing", "heads", "all"] = setting(
        "What `spacy train` trains of a GLiNER model: 'nothing', its 'heads', or 'all'.",
        "nothing",
    )
    frozen_layers: int = setting(
        "How many of the encoder's lowest layers, with the embeddings, are not trained.", 0, at_least=0
    )
    head_rate_factor: float = setting(
        "Learning rate of the heads, as a multiple of the encoders'.", 5.0, above=0
    )
    labels_at_once: int = setting(
        "How many labels are asked for at most with a batch in training: those that are in it, and others drawn at "
        "random.",
        25,
        at_least=1,
    )
    rehearsal: float = setting(
        "How much it counts in training that labels which weren't annotated on a text get the scores that they had "
        "before training; 0 for not at all.",
        0.0,
        at_least=0,
    )
    rehearsed: str | list | dict | None = setting(
        "Labels beside `labels`, in the same forms, whose scores are rehearsed.",
        None,
    )

    refusal = Errors.E632

    def __post_init__(self) -> None:
        super().__post_init__()
        # What is wrong whatever the model is is told when a pipeline is made. Files are read when they are needed.
        if not isinstance(self.labels, str) and (self.labels is not None or self.label_map):
            asked = Asked.of(self.labels, self.label_map)
            self.check_thresholds(asked.labels)
        if self.window is not None:
            self.overlap_in(self.window)
        if self.rehearsed is not None and not isinstance(self.rehearsed, str):
            Asked.of(self.rehearsed)

    def check_thresholds(self, labels: Sequence[str]) -> None:
        """Check the thresholds of labels.

        RAISES (UserError): Where one isn't from 0 to 1, or of another label.
        """
        for label, least in (self.label_thresholds or {}).items():
            is_number = isinstance(least, int | float) and not isinstance(least, bool)
            if label not in labels or not is_number or not 0 <= least <= 1:
                listed = ", ".join(dict.fromkeys(labels))
                raise UserError(Errors.E629.format(value=repr(least), label=label, labels=listed))

    def overlap_in(self, window: int) -> int:
        """RETURNS (int): How many words windows of so many share.

        RAISES (UserError): Where that is more than half of them.
        """
        if self.overlap is None:
            return min(_OVERLAP, window // 2)
        if self.overlap > window // 2:
            raise UserError(Errors.E630.format(overlap=self.overlap, window=window, most=window // 2))
        return self.overlap
