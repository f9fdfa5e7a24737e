"""Where and in which numbers a network runs, and the network that predicts there."""

import copy
import os
import warnings
from dataclasses import dataclass, replace

import torch
from torch import nn

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.models.network.bert_layers import find_layers
from spacy_ner_plus.models.network.int8_layers import computes_int8, int8_layers
from spacy_ner_plus.models.network.tagger import Tagger
from spacy_ner_plus.models.runtime.device import OPENVINO, choose_device
from spacy_ner_plus.models.runtime.precision import INT8, Variant, choose_dtype
from spacy_ner_plus.models.runtime.shared_base import SharedBase
from spacy_ner_plus.models.runtime.threads import is_worker

_unusable: list[nn.Module] = []


@dataclass(frozen=True)
class Placement:
    """The settings `device` and `precision`, resolved on this machine.

    device (torch.device): Where the network is.
    dtype (torch.dtype): The floats it computes in.
    quantized (bool): Whether predictions are computed with weights in int8.
    by_openvino (bool): Whether OpenVINO predicts.
    own_layers (bool): Whether our layers run the encoder on a CPU, where it has them. Default True.
    """

    device: torch.device
    dtype: torch.dtype
    quantized: bool = False
    by_openvino: bool = False
    own_layers: bool = True

    @classmethod
    def resolve(cls, device: str, precision: str) -> "Placement":
        """Resolve both settings, as `choose_device` and `choose_dtype` read them.

        On a CPU 'auto' is fp32 until `computing` says what was measured.

        RAISES (UserError): Where there is no such device, or the precision isn't for it.
        """
        quantized = precision == "int8"
        if device == OPENVINO and quantized:
            raise UserError(Errors.E226.format(device=OPENVINO))
        chosen = choose_device(device)
        # In a forked worker OpenVINO's threads would hang: there torch predicts.
        by_openvino = device == OPENVINO and not is_worker()
        return cls(chosen, choose_dtype(precision, chosen), quantized, by_openvino)

    def computing(self, variant: Variant) -> "Placement":
        """RETURNS (Placement): The same device, predicting in a way that was measured there."""
        return replace(self, dtype=variant.dtype, quantized=variant.quantized, own_layers=variant.own_layers)

    @property
    def variant(self) -> Variant:
        """RETURNS (Variant): In what a CPU predicts."""
        if self.quantized:
            return INT8
        return Variant("bf16" if self.dtype == torch.bfloat16 else "fp32", self.own_layers)

    @property
    def training_dtype(self) -> torch.dtype:
        """RETURNS (torch.dtype): The floats that training computes in."""
        # Half precision would need its gradients scaled.
        return torch.float32 if self.dtype == torch.float16 else self.dtype

    def inference_network(self, network: Tagger, base: SharedBase | None = None) -> nn.Module:
        """Make the network that predicts from the one that is trained and saved.

        network (Tagger): In float32, on the device.
        base (SharedBase | None): The encoder that it shares with others, where its adapter is to be computed beside it.
        RETURNS (nn.Module): A copy in evaluation mode; in float32 it shares the weights that aren't packed.
        RAISES (UserError): Where OpenVINO isn't installed, or can't run this encoder.
        """
        if base is not None:
            beside = self._beside(network, base)
            if beside is not None:
                return beside
        # Whatever predicts is made of plain layers.
        network = network.merged()
        if self.by_openvino and not is_worker():
            from spacy_ner_plus.models.runtime.openvino import CompiledTagger

            return CompiledTagger(network, self.dtype).eval()
        if self.quantized:
            return _quantize(network)
        if not self.own_layers:
            network = network.by_transformers()
        if network.layers is not None and self.device.type == "cpu":
            packed = network.layers.packed(self.dtype)
            if packed is not None:
                return network.predicting(packed, self.dtype)
        # Weights cast once: autocast would cast them again for each micro-batch.
        is_fp32 = self.dtype == torch.float32
        copied = copy.copy(network) if is_fp32 else copy.deepcopy(network).to(self.dtype)
        return copied.eval()

    def _beside(self, network: Tagger, base: SharedBase) -> Tagger | None:
        reason = ""
        if self.by_openvino:
            reason = "OpenVINO compiles a network as a whole"
        elif self.device.type != "cpu":
            reason = f"the network is on {self.device}"
        elif self.quantized:
            reason = "weights are rounded to eight bits with what is added to them"
        found = None if reason else base.inference_network(network, self.dtype)
        if found is None:
            reason = reason or "this encoder isn't one whose layers we compute ourselves"
            warnings.warn(Warnings.W385.format(reason=reason), stacklevel=2)
        return found


def is_usable(network: nn.Module) -> bool:
    """Whether a network that predicts can do so in this process: OpenVINO's threads don't survive a fork."""
    usable = getattr(network, "process", os.getpid()) == os.getpid()
    if not usable:
        # Never freed, as that would wait for its threads for ever.
        _unusable.append(network)
    return usable


def _quantize(network: Tagger) -> nn.Module:
    if network.ranges is not None and computes_int8():
        return network.predicting(int8_layers(network.layers, network.ranges), torch.float32)
    # By torch, where the ranges of activations aren't known, as in pipelines of earlier versions: each micro-batch's
    # by their own, and what stands beside a text changes its scores a little. Never saved: they are no tensors.
    with warnings.catch_warnings():
        # That torch will drop it one day; until then nothing in torch is as fast in int8.
        warnings.simplefilter("ignore")
        by_row = {nn.Linear: torch.ao.quantization.per_channel_dynamic_qconfig}
        quantized = torch.ao.quantization.quantize_dynamic(network.eval(), by_row, dtype=torch.qint8)
    quantized.layers = find_layers(quantized.encoder)
    return quantized.eval()
