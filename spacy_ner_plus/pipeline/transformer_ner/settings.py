"""The settings of `transformer_ner`: type, default, check and text of each."""

from typing import Literal

from spacy_ner_plus.errors import Errors
from spacy_ner_plus.models.token_scorer import PRECISION_TOLERANCE
from spacy_ner_plus.pipeline.entity_component import EntitySettings
from spacy_ner_plus.settings import setting, settings


@settings
class TransformerNERSettings(EntitySettings):
    """Where `transformer_ner` runs, and what it makes of its model's scores."""

    device: str = setting(
        "Where it runs, in training and use: 'auto' (a GPU where there is one), 'cpu', 'openvino' (the CPU, "
        "with predictions by OpenVINO), 'cuda', 'cuda:1' or 'mps'.",
        "auto",
    )
    precision: Literal["auto", "fp32", "bf16", "fp16", "int8"] = setting(
        "'auto' (on a CPU what is measured to be the fastest, for use and training apart; on a GPU bf16 where it "
        "computes in it), 'fp32', 'bf16', 'fp16' (a GPU, use only) or 'int8' (a CPU, use only). Like `device` for our "
        "own TransformerTagger alone; other models run where spaCy puts them.",
        "auto",
    )
    precision_tolerance: float = setting(
        "How many points of F1 `precision` 'auto' may cost: int8 is taken where it is the fastest and known to cost no "
        "more. 0 leaves it out.",
        PRECISION_TOLERANCE,
        at_least=0,
    )
    consistency: float = setting(
        "How much a word's other occurrences in its document count for its label, from 0 to 1.",
        0.5,
        at_least=0,
        at_most=1,
        message=Errors.E231,
    )
