import pytest
import torch

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.runtime.device import choose_device


@pytest.mark.parametrize("setting", ["cpu", "openvino"])
def test_device_openvino_runs_on_the_cpu(setting):
    assert choose_device(setting) == torch.device("cpu")


def test_device_auto_is_a_gpu_where_there_is_one(monkeypatch):
    for there, expected in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert choose_device("auto").type == expected


def test_device_that_is_no_device_is_refused():
    with pytest.raises(UserError, match=r"E205.*toaster"):
        choose_device("toaster")
