"""The settings of `transformer_ner`: type, default, check and text of each."""

from dataclasses import dataclass
from typing import Literal

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.pipeline.entity_component import EntitySettings


@dataclass(frozen=True, kw_only=True)
class TransformerNERSettings(EntitySettings):
    """Settings of `transformer_ner`, beside its model and those that all components share.

    device (str): 'auto' (a GPU where there is one), 'cpu', 'openvino' (the CPU, with predictions by
        OpenVINO), 'cuda', 'cuda:1', 'mps'. Default 'auto'.
    precision (str): 'auto' (bf16 where the hardware computes in it, else fp32),
        'fp32', 'bf16', 'fp16' or 'int8'. Like `device` for spacy_ner_plus's own
        TransformerTagger alone; other models run where spaCy puts them. Default 'auto'.
    consistency (float): How much a word's other occurrences in its document count for its label,
        from 0 to 1. Default 0.5.
    RAISES (UserError): For a threshold or consistency that isn't from 0 to 1.
    """

    device: str = "auto"
    precision: Literal["auto", "fp32", "bf16", "fp16", "int8"] = "auto"
    consistency: float = 0.5

    def __post_init__(self):
        super().__post_init__()
        if not 0.0 <= self.consistency <= 1.0:
            raise UserError(Errors.E231.format(consistency=self.consistency))
