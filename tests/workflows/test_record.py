import json

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.evaluate import evaluate
from spacy_ner_plus.workflows.record import record
from tests.workflows.patterns import make_golds, make_ruler

STEPS = [(10, 0.5), (20, 0.75), (30, 0.75), (40, 0.7)]


@pytest.fixture
def log(tmp_path):
    rows = [{"seed": 1}]
    rows += [{"step": n, "epoch": n // 20, "seconds": n, "words": 5 * n, "score": f1} for n, f1 in STEPS]
    path = tmp_path / "log.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf8")
    return path


@pytest.fixture
def metrics(tmp_path):
    nlp = make_ruler("poor")
    evaluate(nlp, make_golds(nlp.vocab), tmp_path / "m.json", baseline=make_golds(nlp.vocab))
    return tmp_path / "m.json"


def test_record_joins_the_best_step_and_the_scores(log, metrics, tmp_path):
    found = record(log, [metrics], tmp_path / "out" / "result.json")
    written = json.loads((tmp_path / "out" / "result.json").read_text())
    assert written == found.to_dict()
    assert written["run"] == {"seed": 1}
    assert written["training"] == {
        "seconds": 40,
        "epochs": 3,
        "words": 200,
        "best_step": 20,
        "dev_f1": 0.75,
    }
    (row,) = written["evaluations"]
    assert (row["tokens"], row["precision"], row["recall"], row["f1"]) == ("own", 0.3333, 0.25, 0.2857)
    assert row["baseline_f1"] is not None


def test_record_writes_nothing_where_no_file_is_given(log, metrics, tmp_path):
    before = sorted(tmp_path.iterdir())
    assert record(log, [metrics]).training.best_step == 20
    assert sorted(tmp_path.iterdir()) == before


def test_record_refuses_what_is_no_log_and_what_it_would_overwrite(log, metrics, tmp_path):
    with pytest.raises(UserError, match="E325"):
        record(metrics, [metrics])
    with pytest.raises(UserError, match=r"E320.*the training log"):
        record(log, [metrics], log)
