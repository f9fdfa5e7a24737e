"""Which device a network runs on."""

import torch

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.runtime.forks import check_device_after_fork

# A setting of `device`: the CPU, by OpenVINO.
OPENVINO = "openvino"


def choose_device(setting: str) -> torch.device:
    """Read the `device` setting.

    setting (str): 'auto' (a GPU where there is one, else the CPU), 'cpu', 'openvino' (the CPU, with
        predictions by OpenVINO), 'cuda', 'cuda:1', 'mps'.
    RAISES (UserError): Where there is no such device, or a forked process can't use it.
    """
    if setting == OPENVINO:
        return torch.device("cpu")
    if setting == "auto":
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        check_device_after_fork(device)
        return device
    try:
        device = torch.device(setting)
        check_device_after_fork(device)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise UserError(Errors.E205.format(device=setting, reason=reason)) from error
    return device
