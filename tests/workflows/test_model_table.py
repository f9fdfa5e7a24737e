import json

import numpy as np
import pytest
import spacy
from safetensors.numpy import save_file
from spacy.tokens import Doc

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.evaluate import evaluate
from spacy_ner_plus.workflows.model_table import model_table, parse_rows, trained_parameters

VOCAB = spacy.blank("en").vocab
GOLD = Doc(VOCAB, words=["Bo", "left", "Oslo"], ents=["B-PER", "O", "B-LOC"])


@pytest.fixture
def metrics(tmp_path):
    def make(name, lists, gold=GOLD):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(lists), encoding="utf8")
        path = tmp_path / f"{name}-metrics.json"
        evaluate(tmp_path / f"{name}.jsonl", [gold], path, resamples=0)
        return path

    return make


def weights(path, **shapes):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: np.zeros(shape, dtype=np.float32) for name, shape in shapes.items()}, path)


def pipeline(folder, adapter=None):
    """The files of a pipeline that `train` made."""
    model = folder / "model-best" / "transformer_ner" / "model"
    weights(model / "model.safetensors", **{"encoder.layer": (8, 8), "head.weight": (3, 8)})
    if adapter:
        weights(model / "adapter_model.safetensors", lora_A=(2, 8), lora_B=(8, 2))
    (folder / "log.jsonl").write_text('{"seed": 0}\n{"seconds": 12}\n', encoding="utf8")
    return folder / "model-best"


def test_model_table_has_what_models_are_and_took(tmp_path, metrics):
    tuned = tmp_path / "tuned"
    weights(tuned / "adapter_model.safetensors", lora_A=(2, 8), lora_B=(8, 2))
    (tuned / "training.json").write_text('{"seconds": 61.5}', encoding="utf8")
    base = tmp_path / "base.gguf"
    base.write_bytes(b"0" * 2_000_000)
    rows = model_table(
        {
            "base": metrics("base", {"PER": ["Bo"], "LOC": []}),
            "tuned": metrics("tuned", {"PER": ["Bo"], "LOC": ["Oslo"]}),
            "full | all": metrics("full", {}),
        },
        {"base": [base], "tuned": [base, tuned], "full | all": [pipeline(tmp_path / "full")]},
        tmp_path / "table.md",
    )
    assert [(row.f1, row.trained, row.seconds) for row in rows] == [
        (0.6667, None, None),
        (1.0, 32, 61.5),
        (0.0, 88, 12.0),
    ]
    assert rows[1].bytes > rows[0].bytes == 2_000_000
    lines = (tmp_path / "table.md").read_text(encoding="utf8").splitlines()
    assert (
        lines[0]
        == "| | Strict F1 | Trained parameters | Seconds of training | Documents a second | MB on disk |"
    )
    assert [line.count("|") for line in lines] == [7] * 5
    assert [row["name"] for row in json.loads((tmp_path / "table.json").read_text())] == [
        "base",
        "tuned",
        "full | all",
    ]


def test_model_table_counts_an_adapter_with_what_stands_on_its_encoder(tmp_path):
    assert trained_parameters(pipeline(tmp_path, adapter=True)) == 32 + 24


def test_model_table_does_not_count_what_an_adapter_was_merged_into(tmp_path):
    folder = pipeline(tmp_path)
    config = "[components]\n[components.transformer_ner]\n[components.transformer_ner.model]\n"
    for rank, count in ((0, 88), (8, None)):
        (folder / "config.cfg").write_text(
            f"{config}[components.transformer_ner.model.lora]\nr = {rank}\n", encoding="utf8"
        )
        assert trained_parameters(folder) == count


def test_model_table_refuses_what_cannot_be_compared(tmp_path, metrics):
    one = metrics("one", {"PER": ["Bo"]})
    other = metrics("other", {}, Doc(VOCAB, words=["Oslo"], ents=["B-LOC"]))
    with pytest.raises(UserError, match="E932"):
        model_table({"one": one, "other": other})
    with pytest.raises(UserError, match=r"E931.*'two'"):
        model_table({"one": one}, {"two": [one]})
    with pytest.raises(UserError, match=r"E933.*nowhere"):
        model_table({"one": one}, {"one": [tmp_path / "nowhere"]})


def test_model_table_reads_the_words_of_a_command_line():
    assert parse_rows(["a=b=c.json"], ["a=b=d", "a=b=e"]) == ({"a=b": "c.json"}, {"a=b": ["d", "e"]})
    for rows in (["metrics.json"], ["a="], ["a=b", "a=c"]):
        with pytest.raises(UserError, match="E934"):
            parse_rows(rows, [])


def test_model_table_takes_what_fine_tuning_noted(tmp_path):
    """A merged model lies beside its adapter, and wasn't trained."""
    weights(tmp_path / "adapter_model.safetensors", lora_A=(2, 8), lora_B=(8, 2))
    weights(tmp_path / "merged" / "model.safetensors", layer=(8, 8))
    noted = {"seconds": 61.5, "trained_parameters": 32}
    (tmp_path / "training.json").write_text(json.dumps(noted), encoding="utf8")
    assert trained_parameters(tmp_path) == 32
