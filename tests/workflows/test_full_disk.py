"""Everything that is written where there is no room for it: one message, and nothing is left."""

import json

import pytest

from spacy_ner_plus import annotate, compare, convert, evaluate, generate, record, render
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.predict import predict_files
from tests.disk import at_most
from tests.workflows.patterns import save_compared

ROOM = 100


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two pipelines and their metrics on one corpus; a corpus to convert; a training log."""
    folder = save_compared(tmp_path_factory.mktemp("compared"))
    (folder / "a.conll").write_text("Anna B-PER\nmet O\nOslo B-LOC\n\n" * 300)
    rows = [{"seed": 1}, {"step": 10, "epoch": 1, "seconds": 5, "words": 9, "score": 0.5}]
    (folder / "log.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


WRITERS = {
    "convert .spacy": lambda inputs, out: convert(inputs / "a.conll", out / "corpus.spacy"),
    "convert .jsonl": lambda inputs, out: convert(inputs / "a.conll", out / "corpus.jsonl"),
    "convert .conll": lambda inputs, out: convert(inputs / "a.conll", out / "corpus.conll"),
    "convert shards": lambda inputs, out: convert(inputs / "a.conll", out / "corpus", shards=2),
    "convert split": lambda inputs, out: convert(
        inputs / "gold.spacy", out / "corpus.spacy", split="train=0.5,dev=0.5"
    ),
    "annotate": lambda inputs, out: annotate(inputs / "good", inputs / "gold.spacy", out / "weak.spacy"),
    "evaluate": lambda inputs, out: evaluate(inputs / "good", inputs / "gold.spacy", out / "metrics.json"),
    "compare": lambda inputs, out: compare(inputs / "good.json", inputs / "poor.json", target=out / "report"),
    "compare page": lambda inputs, out: compare(
        inputs / "good.json", inputs / "poor.json", target=out / "report", page=True
    ),
    "predict": lambda inputs, out: predict_files(
        inputs / "good", [], out / "found.jsonl", texts=["Anna met Oslo."] * 500
    ),
    "render": lambda inputs, out: render(
        inputs / "gold.spacy", inputs / "poor-predictions.spacy", out / "page.html"
    ),
    "record": lambda inputs, out: record(inputs / "log.jsonl", [inputs / "good.json"], out / "record.json"),
    "generate": lambda inputs, out: generate(out / "synthetic", train=20, dev=5),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_full_disk_is_one_message_and_leaves_nothing(write, folder, tmp_path):
    with at_most(ROOM), pytest.raises(UserError, match=r"E303.*Make room there"):
        write(folder, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
