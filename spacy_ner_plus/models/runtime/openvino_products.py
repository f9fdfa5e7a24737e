"""Products of a layer's matrices by OpenVINO, to measure what precision is fast there."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.models.runtime.openvino import compile_settings, openvino_core

if TYPE_CHECKING:
    from transformers import PretrainedConfig

# Compiling takes the longer the larger they are.
_WIDTH, _INNER = 512, 1536


class Products:
    """The two matrices of a layer's feed-forward network, or a part of large ones.

    config (PretrainedConfig): The encoder's, which says how large they are.
    dtype (torch.dtype): What to compute in: float32 or bfloat16.
    RAISES (UserError): Where OpenVINO isn't installed.
    """

    def __init__(self, config: "PretrainedConfig", dtype: torch.dtype):
        with from_extra("openvino"):
            import openvino
            from openvino import opset8 as ops
        self._width = min(config.hidden_size, _WIDTH)
        inner = getattr(config, "intermediate_size", None) or getattr(config, "hidden_dim", None) or _INNER
        given = ops.parameter([-1, self._width], np.float32)
        output = given
        for rows, columns in ((self._width, min(inner, _INNER)), (min(inner, _INNER), self._width)):
            weights = np.full((rows, columns), 0.01, dtype=np.float32)
            output = ops.matmul(output, ops.constant(weights), False, False)
        model = openvino.Model([output], [given])
        self._compiled = openvino_core().compile_model(model, "CPU", compile_settings(dtype))

    def __call__(self, count: int) -> None:
        self._compiled([np.ones((count, self._width), dtype=np.float32)])
