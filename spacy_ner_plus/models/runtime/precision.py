"""Where the network computes and in what numbers, and what to do where memory ends."""

import copy
import os
import warnings

import torch
from torch import nn

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.network.bert_layers import find_layers
from spacy_ner_plus.models.network.tagger import Tagger
from spacy_ner_plus.models.runtime.threads import is_worker

# A setting of `device`: the CPU, by OpenVINO.
OPENVINO = "openvino"
_dead: list[nn.Module] = []
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(setting: str) -> torch.device:
    """Read the `device` setting.

    setting (str): 'auto' (a GPU where there is one), 'cpu', 'openvino' (the CPU, and predictions
        by OpenVINO), 'cuda', 'cuda:1', 'mps'.
    RETURNS (torch.device): The device.
    RAISES (UserError): Where there is no such device.
    """
    if setting == OPENVINO:
        return torch.device("cpu")
    if setting == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(setting)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise UserError(Errors.E205.format(device=setting, reason=reason)) from error
    return device


def choose_dtype(setting: str, device: torch.device) -> torch.dtype:
    """Read the `precision` setting, as far as it concerns floats.

    setting (str): 'auto', 'fp32', 'bf16', 'fp16' or 'int8'. 'auto', and 'int8' in what isn't
        quantised, take bf16 where the hardware computes in it, else fp32.
    device (torch.device): Where it will run.
    RETURNS (torch.dtype): The type to compute in.
    RAISES (UserError): For fp16 on a CPU, and int8 elsewhere.
    """
    if setting == "fp16" and device.type == "cpu":
        raise UserError(Errors.E210)
    if setting == "int8" and device.type != "cpu":
        raise UserError(Errors.E226.format(device=device))
    if setting in _DTYPES:
        return _DTYPES[setting]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "cpu" and _cpu_computes_bf16():
        return torch.bfloat16
    return torch.float32


def for_inference(
    network: Tagger, setting: str, device: torch.device, *, by_openvino: bool = False
) -> nn.Module:
    """Make the network that predicts from the one that is trained and saved.

    network (Tagger): In float32, on the device.
    setting (str): The `precision` setting.
    device (torch.device): Where it runs.
    by_openvino (bool): Whether OpenVINO runs it; in a forked worker, in which its threads would
        hang, torch does all the same.
    RETURNS (nn.Module): A copy; for float32 in torch it shares the weights that aren't packed.
    RAISES (UserError): For a precision that isn't for this device.
    """
    dtype = choose_dtype(setting, device)
    if by_openvino and setting == "int8":
        raise UserError(Errors.E226.format(device=OPENVINO))
    if by_openvino and not is_worker():
        from spacy_ner_plus.models.runtime.openvino import CompiledTagger

        return CompiledTagger(network, dtype)
    if setting == "int8":
        # Weights in int8, and each micro-batch's activations by their own range: what stands
        # beside a text changes its scores a little. Never saved: packed weights are no tensors.
        with warnings.catch_warnings():
            # That torch will drop it one day; until then nothing in torch is as fast in int8.
            warnings.simplefilter("ignore")
            by_row = {nn.Linear: torch.ao.quantization.per_channel_dynamic_qconfig}
            quantized = torch.ao.quantization.quantize_dynamic(network.eval(), by_row, dtype=torch.qint8)
        quantized.layers = find_layers(quantized.encoder)
        return quantized
    # Weights cast once: autocast would cast them again for each micro-batch.
    network = copy.copy(network) if dtype == torch.float32 else copy.deepcopy(network).to(dtype)
    if network.layers is not None and device.type == "cpu":
        network.layers = network.layers.pack()
    return network


def is_alive(network: nn.Module) -> bool:
    """Say whether a network can run in this process: OpenVINO's threads don't live through a fork.

    network (nn.Module): What `for_inference` made. A dead one is kept for ever, as to free it would
        wait for its threads.
    RETURNS (bool): Whether it can.
    """
    alive = getattr(network, "process", os.getpid()) == os.getpid()
    if not alive:
        _dead.append(network)
    return alive


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory has come to its end.

    error (BaseException): What torch or numpy raised.
    RETURNS (bool): Whether less at a time would help.
    """
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    # On a CPU torch has no type of its own for it, and its library oneDNN says this when it gets none.
    signs = ("DefaultCPUAllocator", "could not create a primitive")
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in signs)


def _cpu_computes_bf16() -> bool:
    # AVX-512 alone would emulate bf16, slower than float32.
    checks = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
    return any(check is not None and check() for check in checks)
