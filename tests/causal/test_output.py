import json
import subprocess
import sys

import pytest
from safetensors.torch import load_file

from spacy_ner_plus.causal import FinetuneSettings, finetune
from tests.causal.test_finetune import CHATS, FEW
from tests.tiny_causal import save_tiny_causal


@pytest.mark.parametrize("method", ["lora", "full"])
def test_output_of_a_base_whose_settings_of_sampling_transformers_doesnt_write(tmp_path, method):
    """Vicuna's and UniversalNER's: a temperature, and no word of sampling."""
    base = save_tiny_causal(tmp_path / "base")
    given = {"temperature": 0.9, "top_p": 0.6, "eos_token_id": 2}
    (base / "generation_config.json").write_text(json.dumps(given), encoding="utf8")
    settings = FinetuneSettings(**{**FEW, "epochs": 1, "method": method})
    finetune(CHATS, base, tmp_path / "tuned", settings, merge=True)
    folder = tmp_path / "tuned" / "merged" if method == "lora" else tmp_path / "tuned"
    found = json.loads((folder / "generation_config.json").read_text(encoding="utf8"))
    assert (found["temperature"], found["eos_token_id"]) == (0.9, 2)


def test_output_names_no_folder_of_this_machine_in_its_card(tmp_path):
    base = save_tiny_causal(tmp_path / "base")
    finetune(CHATS, base, tmp_path / "tuned", FinetuneSettings(**{**FEW, "epochs": 1}))
    card = (tmp_path / "tuned" / "README.md").read_text(encoding="utf8")
    assert "| Base | base |" in card
    assert str(tmp_path) not in card
    # They are found again from anywhere.
    noted = json.loads((tmp_path / "tuned" / "training.json").read_text(encoding="utf8"))
    config = json.loads((tmp_path / "tuned" / "adapter_config.json").read_text(encoding="utf8"))
    assert noted["base"]["name"] == config["base_model_name_or_path"] == str(base)


RUN = """
import resource, signal, sys
from pathlib import Path
from spacy_ner_plus.causal import FinetuneSettings, finetune
from tests.causal.test_finetune import CHATS, FEW
base, output, most, method = sys.argv[1:]
if int(most):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), resource.RLIM_INFINITY))
settings = FinetuneSettings(**{**FEW, "epochs": 1, "method": method})
try:
    print(finetune(CHATS, Path(base), Path(output), settings, merge=True).state.step)
except ValueError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "full"])
def test_output_on_a_full_disk_is_one_message_and_nothing_is_lost(tmp_path, method):
    base = save_tiny_causal(tmp_path / "base")

    def run(most):
        command = [sys.executable, "-c", RUN, str(base), str(tmp_path / "tuned"), str(most), method]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert "[E303]" in run(1_000)  # no checkpoint
    assert not any(path.suffix == ".part" for path in tmp_path.rglob("*"))
    if method == "lora":
        # The checkpoint is there, and the whole model isn't.
        assert "[E303]" in run(200_000)
        assert [path.name for path in (tmp_path / "tuned").iterdir()] == ["checkpoint.safetensors"]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "tuned"]
    assert run(0).strip() == "3"
    name = "adapter_model.safetensors" if method == "lora" else "model.safetensors"
    assert load_file(tmp_path / "tuned" / name)
