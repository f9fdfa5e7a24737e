"""The network compiled by OpenVINO, which computes faster on many CPUs than torch does."""

import copy
import os
import warnings
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import nn

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.hub_access import quiet_hub
from spacy_ner_plus.models.network.tagger import Tagger

if TYPE_CHECKING:
    from openvino import Core

# Windows and wordpieces of the example that is traced; both dimensions stay free.
EXAMPLE_SHAPE = (2, 16)
_HINTS = {torch.float32: "f32", torch.bfloat16: "bf16"}


class AllPlaces(nn.Module):
    """A tagger that scores all wordpieces: which of them begin tokens is left to torch.

    tagger (Tagger): The network, in float32.
    """

    def __init__(self, tagger: Tagger):
        super().__init__()
        self.tagger = tagger

    def forward(
        self, ids: torch.Tensor, cases: torch.Tensor, lines: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """RETURNS (torch.Tensor): Logits of shape (windows * length, n_tags)."""
        return self.tagger(ids, cases, lines, mask, torch.arange(ids.numel()))


class CompiledTagger(nn.Module):
    """A tagger that OpenVINO runs; called as `Tagger` is.

    tagger (Tagger): The network, in float32 on the CPU; it isn't changed.
    dtype (torch.dtype): What to compute in: float32 or bfloat16.
    RAISES (UserError): Where OpenVINO isn't installed, or can't read this encoder.
    """

    def __init__(self, tagger: Tagger, dtype: torch.dtype):
        super().__init__()
        with from_extra("openvino"):
            import openvino
            from openvino.frontend import FrontEndManager
            from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
        if dtype not in _HINTS:
            raise UserError(Errors.E229.format(reason=f"it doesn't compute in {dtype} on a CPU"))
        self.head_size = tagger.head_size
        self.process = os.getpid()
        example = tuple(torch.ones(EXAMPLE_SHAPE, dtype=torch.int64) for _ in range(4))
        try:
            # The tracer asks encoders for everything that they have, a loss included, on which transformers remarks.
            with warnings.catch_warnings(), quiet_hub():
                # Of the tracer, about sizes that it takes for constants: see _compare.
                warnings.simplefilter("ignore")
                # Not convert_model, which reports its use to OpenVINO's makers. Each of these objects
                # must outlive the next: OpenVINO holds no references of its own.
                manager = FrontEndManager()
                frontend = manager.load_by_framework("pytorch")
                traced = copy.deepcopy(tagger)
                # transformers' layers, whose attention OpenVINO knows and has a kernel for.
                traced.layers = None
                network = AllPlaces(traced).eval()
                decoder = TorchScriptPythonDecoder(network, example_input=example)
                loaded = frontend.load(decoder)
                model = frontend.convert(loaded)
            for port in model.inputs:
                port.get_node().set_element_type(openvino.Type.i64)
                port.get_node().set_partial_shape(openvino.PartialShape([-1, -1]))
            model.validate_nodes_and_infer_types()
            self._compiled = openvino_core().compile_model(model, "CPU", compile_settings(dtype))
            self._compare(tagger)
        except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise UserError(Errors.E229.format(reason=reason)) from error

    def forward(
        self,
        ids: torch.Tensor,
        cases: torch.Tensor,
        lines: torch.Tensor,
        mask: torch.Tensor,
        places: torch.Tensor,
    ) -> torch.Tensor:
        """RETURNS (torch.Tensor): Logits of shape (tokens, n_tags), as `Tagger.forward` gives them."""
        scores = self._compiled([part.numpy() for part in (ids, cases, lines, mask)])[0]
        return torch.from_numpy(scores)[places]

    def _compare(self, tagger: Tagger) -> None:
        """Refuse a network whose scores are wrong at other shapes than it was traced with.

        An encoder whose code branches by the length of its input would be traced wrongly.
        """
        shape = (3, 40)
        ids = torch.arange(1, 121).reshape(shape) % tagger.encoder.get_input_embeddings().num_embeddings
        mask = torch.ones(shape, dtype=torch.int64)
        mask[1, 25:] = 0
        inputs = (ids, torch.zeros(shape, dtype=torch.int64), torch.zeros(shape, dtype=torch.int64), mask)
        places = torch.cat([torch.arange(65), torch.arange(80, 120)])
        with torch.inference_mode():
            expected = tagger.eval()(*inputs, places)
        found = self(*inputs, places)
        far = float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-6))
        if far > 0.1:
            raise ValueError(f"its scores differ from torch's by {far:.0%}")


def compile_settings(dtype: torch.dtype) -> dict[str, str | int | bool]:
    """RETURNS (dict[str, str | int | bool]): What OpenVINO is told where it compiles for these floats."""
    return {
        "INFERENCE_PRECISION_HINT": _HINTS[dtype],
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",
        # By default threads are bound to the first CPUs, and two processes would share these.
        "ENABLE_CPU_PINNING": False,
    }


@cache
def openvino_core() -> "Core":
    """RETURNS (Core): The one of this process."""
    # Each core gives the thread a stack for signals, and sets back the one that it found when it goes; where an earlier
    # core has gone before it, that one is gone as well, and the next Ctrl-C a crash.
    with from_extra("openvino"):
        from openvino import Core

    return Core()
