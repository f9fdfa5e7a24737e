import tomllib

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.llm_tensorzero import write_tensorzero
from tests.conftest import ROOT

CONFIG = ROOT / "configs" / "structured_llm_ner.cfg"


def test_llm_tensorzero_writes_the_task_of_a_config(tmp_path):
    made = write_tensorzero(
        tmp_path / "gateway",
        CONFIG,
        overrides=["vars.llm_model=qwen3", "components.structured_llm_ner.task=Short letters."],
    )
    written = {
        path.relative_to(tmp_path / "gateway").as_posix(): path.read_text(encoding="utf8")
        for path in (tmp_path / "gateway").rglob("*")
        if path.is_file()
    }
    assert written == made.files
    config = tomllib.loads(written["config/tensorzero.toml"])
    baseline = config["functions"]["extract_entities"]["variants"]["baseline"]
    assert baseline["model"] == "qwen3"
    assert written[f"config/{baseline['system_template']}"].startswith("Short letters.")
    # What people may have changed isn't written over.
    with pytest.raises(UserError, match="E857"):
        write_tensorzero(tmp_path / "gateway", CONFIG)


def test_llm_tensorzero_needs_no_config(tmp_path):
    (tmp_path / "gateway").mkdir()
    made = write_tensorzero(tmp_path / "gateway")
    assert made.keys == ["OPENAI_API_KEY"]


def test_llm_tensorzero_leaves_nothing_half_written(tmp_path):
    with pytest.raises(UserError, match="E851"):
        write_tensorzero(tmp_path / "gateway", CONFIG, overrides=["vars.format=bio_lines"])
    with pytest.raises(UserError, match="E858"):
        write_tensorzero(tmp_path / "gateway", ROOT / "configs" / "stock_ner.cfg")
    assert list(tmp_path.iterdir()) == []
