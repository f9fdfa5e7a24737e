import json

import numpy as np
import pytest
import spacy
from safetensors.numpy import save_file
from spacy.tokens import Doc

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.metrics.metrics import Metrics
from spacy_ner_plus.workflows.evaluate import evaluate
from spacy_ner_plus.workflows.model_table import model_table, parse_rows, trained_parameters
from tests.conftest import make_pipeline, train

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


def pipeline(folder, **noted):
    """The files of a pipeline that `train` made."""
    model = folder / "model-best" / "transformer_ner" / "model"
    weights(model / "model.safetensors", **{"encoder.layer": (8, 8), "head.weight": (3, 8)})
    (model / "tagger.json").write_text(json.dumps({"n_tags": 3, **noted}), encoding="utf8")
    (folder / "log.jsonl").write_text('{"seed": 0}\n{"seconds": 12}\n', encoding="utf8")
    return folder / "model-best"


def test_model_table_has_what_models_are_and_took(tmp_path, metrics):
    tuned = tmp_path / "tuned"
    weights(tuned / "adapter_model.safetensors", lora_A=(2, 8), lora_B=(8, 2))
    noted = {"seconds": 61.5, "trained_parameters": 32}
    (tuned / "training.json").write_text(json.dumps(noted), encoding="utf8")
    base = tmp_path / "base.gguf"
    base.write_bytes(b"0" * 2_000_000)
    rows = model_table(
        {
            "base": metrics("base", {"PER": ["Bo"], "LOC": []}),
            "tuned": metrics("tuned", {"PER": ["Bo"], "LOC": ["Oslo"]}),
            "full | all": metrics("full", {}),
        },
        {
            "base": [base],
            "tuned": [base, tuned],
            "full | all": [pipeline(tmp_path / "full", trained_parameters=88)],
        },
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


def test_model_table_counts_what_pipelines_note(tmp_path):
    """Of frozen layers and of what an adapter was merged into, files don't tell by themselves."""
    assert trained_parameters(pipeline(tmp_path / "noted", trained_parameters=56)) == 56
    assert trained_parameters(pipeline(tmp_path / "earlier")) is None
    assert trained_parameters(tmp_path / "noted" / "log.jsonl") is None


@pytest.mark.parametrize("frozen", [0, 1])
def test_model_table_counts_what_was_trained_of_a_real_pipeline(encoder_folder, tmp_path, frozen):
    nlp = make_pipeline(encoder_folder, model={"frozen_layers": frozen})
    train(nlp, steps=1)
    nlp.to_disk(tmp_path / "pipeline")
    network = nlp.get_pipe("transformer_ner").token_scorer.tagger.network
    of_all, of_frozen = (
        sum(w.numel() for w in parameters)
        for parameters in (
            network.parameters(),
            (w for w in network.encoder.parameters() if not w.requires_grad),
        )
    )
    assert (of_frozen > 0) is bool(frozen)
    assert trained_parameters(tmp_path / "pipeline") == of_all - of_frozen


def test_model_table_counts_thinc_models_and_none_where_one_is_unknown(tmp_path):
    nlp = spacy.blank("en")
    component = nlp.add_pipe("ner")
    component.add_label("PER")
    nlp.initialize()
    nlp.to_disk(tmp_path / "pipeline")
    expected = sum(
        node.get_param(name).size
        for node in component.model.walk()
        for name in node.param_names
        if node.has_param(name)
    )
    assert trained_parameters(tmp_path / "pipeline") == expected
    other = pipeline(tmp_path / "earlier")
    (tmp_path / "pipeline" / "other").mkdir()
    (other / "transformer_ner" / "model" / "tagger.json").rename(tmp_path / "pipeline/other/tagger.json")
    assert trained_parameters(tmp_path / "pipeline") is None


@pytest.mark.parametrize("name", ["tagger.json", "model.msgpack"])
def test_model_table_says_that_a_file_is_broken(tmp_path, name):
    path = pipeline(tmp_path) / "transformer_ner" / "model" / name
    path.write_bytes(b"{")
    with pytest.raises(UserError, match=rf"E935.*{name}"):
        trained_parameters(tmp_path / "model-best")


def test_model_table_tells_no_speed_of_what_ran_elsewhere(tmp_path, metrics):
    (row,) = model_table({"one": metrics("one", {"PER": ["Bo"]})})
    assert row.documents_per_second is None
    assert row.cells()[4] == "\N{EN DASH}"
    content = Metrics.from_file(metrics("two", {})).to_dict()
    del content["settings"]["entity_lists"]
    content["performance"]["seconds"] = 0.5
    (row,) = model_table({"two": Metrics(content)})
    assert row.documents_per_second == 2.0


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
