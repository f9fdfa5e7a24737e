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
    soft_temperature: float | None = setting(
        "Write how probable every tag is at every token to doc.spans['soft_tags'], too, with scores divided by this "
        "beyond what calibration asks for: 1 for what the component thinks, more for softer tags. None doesn't write "
        "them.",
        None,
        above=0,
    )
    soft_weight: float = setting(
        "In training, how much a token counts that has soft tags in place of gold annotation, beside 1 for one that "
        "people annotated.",
        1.0,
        at_least=0,
    )
    soft_share: float = setting(
        "In training, the share that soft tags have in the loss of a token that people annotated, too, from 0 to 1.",
        0.5,
        at_least=0,
        at_most=1,
    )
    soft_agreement: float = setting(
        "In training, the power to which the agreement of the teachers about a token is taken as its weight; 0 for the "
        "same weight whether they agree or not.",
        1.0,
        at_least=0,
    )
