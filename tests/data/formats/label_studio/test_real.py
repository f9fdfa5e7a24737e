"""Label Studio's own exports, and its import of what is written; with -m label_studio, from a server that runs now.

exports/ has what version 1.23.2 gave to `make_exports`; times and random ids in it differ from run to run.
"""

import json
import os
from pathlib import Path

import pytest

from spacy_ner_plus.data.formats.label_studio.label_studio import LABEL_STUDIO
from spacy_ner_plus.data.formats.label_studio.options import LabelStudioOptions
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.issues import IssueLog
from tests.data.formats.reading import all_spans, read_file

EXPORTS = Path(__file__).parent / "exports"
FILES = ("project.json", "project_min.json", "snapshot.json")
TEXTS = {
    "several": "Rosa Quint moved to Lund.",
    "emoji": "🚀🚀 Rosa Quint moved\r\nto Lund.",
    "none": "It rains.",
    "open": "Nobody has seen this.",
    "predicted": "Rosa is here.",
    "imported": "Lund is small.",
    "skipped": "Skip me in Lund.",
}
NUMBERS = {name: number for number, name in enumerate(TEXTS)}


def region(name, start, end, text, *labels):
    value = {"start": start, "end": end, "text": text, "labels": list(labels)}
    tags = {"from_name": "label", "to_name": "text", "type": "labels", "origin": "manual"}
    return {"id": name, **tags, "value": value}


def make_exports(server) -> dict[str, str]:
    """RETURNS (dict[str, str]): The content of each of FILES."""
    tasks = [
        {"data": {"text": text, "source": name}, "meta": {"id": f"d-{name}"}} for name, text in TEXTS.items()
    ]
    guess = {"score": 0.5, **region("p0", 0, 4, "Rosa", "PER")}
    tasks[NUMBERS["predicted"]]["predictions"] = [{"model_version": "m1", "score": 0.75, "result": [guess]}]
    tasks[NUMBERS["imported"]]["annotations"] = [{"result": [region("i0", 0, 4, "Lund", "LOC")]}]
    project = server.project(tasks)
    both = [region("a0", 0, 10, "Rosa Quint", "PER", "ARTIST"), region("a1", 20, 24, "Lund", "LOC")]
    kind = {
        "id": "c0",
        "from_name": "kind",
        "to_name": "text",
        "type": "choices",
        "value": {"choices": ["news"]},
    }
    relation = {"from_id": "a0", "to_id": "a1", "type": "relation", "direction": "right"}
    project.annotate(NUMBERS["several"], [region("b0", 0, 10, "Rosa Quint", "PER")])
    project.annotate(NUMBERS["several"], [*both, kind, relation], lead_time=2.5)
    emoji = [region("d0", 3, 13, "Rosa Quint", "PER"), region("d1", 24, 28, "Lund", "LOC")]
    project.annotate(NUMBERS["emoji"], emoji)
    project.annotate(NUMBERS["none"], [])
    project.annotate(NUMBERS["skipped"], [region("s0", 11, 15, "Lund", "LOC")], was_cancelled=True)
    exports = (project.export("JSON"), project.export("JSON_MIN"), project.snapshot())
    return dict(zip(FILES, exports, strict=True))


def check_exports(folder: Path) -> None:
    """Hold that each file of a folder of exports reads to what was annotated."""
    for name in FILES:
        assert LABEL_STUDIO.sniff(Source(str(folder / name))).confidence == 1
        found = read_file(LABEL_STUDIO, folder / name)
        docs = {record_of(doc)["meta"]["source"]: doc for doc in found.docs}
        is_min = name == "project_min.json"
        named = lambda *ids: ids if not is_min else [""] * len(ids)  # noqa: E731, B023
        a0, a1, d0, d1, i0 = named("a0", "a1", "d0", "d1", "i0")
        assert {key: doc.text for key, doc in docs.items() if key != "skipped" or not is_min} == {
            key: text for key, text in TEXTS.items() if key != "skipped" or not is_min
        }
        assert all_spans(docs["several"]) == [
            (0, 10, "ARTIST", a0, None),
            (0, 10, "PER", a0, None),
            (20, 24, "LOC", a1, None),
        ]
        assert all_spans(docs["emoji"]) == [(24, 28, "LOC", d1, None), (3, 13, "PER", d0, None)]
        assert all_spans(docs["imported"]) == [(0, 4, "LOC", i0, None)]
        assert docs["none"].has_annotation("ENT_IOB")
        assert not docs["none"].ents
        for key in {"open", "predicted", "skipped"} & set(docs):
            assert not docs[key].has_annotation("ENT_IOB")
        assert found.issues["annotation beside the one that is taken, and different"] == 1
        assert not [kind for kind, _ in found.issues if "span" in kind and "no span" not in kind]
    docs = read_file(LABEL_STUDIO, folder / "snapshot.json", predictions=True).docs
    predicted = next(doc for doc in docs if record_of(doc)["id"] == "d-predicted")
    assert all_spans(predicted) == [(0, 4, "PER", "p0", 0.5)]
    assert record_of(predicted)["annotator"] == "m1"
    assert len(read_file(LABEL_STUDIO, folder / "project.json", annotations="each").docs) == len(TEXTS) + 1


def test_label_studio_exports_are_read():
    check_exports(EXPORTS)


@pytest.mark.parametrize("name", ["project.json", "snapshot.json"])
def test_label_studio_exports_are_read_again_as_they_are_written(tmp_path, name):
    docs = read_file(LABEL_STUDIO, EXPORTS / name).docs
    LABEL_STUDIO.write(docs, tmp_path / "written.json", LabelStudioOptions(), IssueLog())
    again = read_file(LABEL_STUDIO, tmp_path / "written.json").docs
    assert [all_spans(doc) for doc in again] == [all_spans(doc) for doc in docs]


@pytest.mark.label_studio
def test_label_studio_exports_are_read_as_it_makes_them_now(label_studio_running, tmp_path):
    for name, content in make_exports(label_studio_running).items():
        (tmp_path / name).write_text(content, encoding="utf8", newline="")
        if os.environ.get("LABEL_STUDIO_KEEP"):
            (EXPORTS / name).write_text(content, encoding="utf8", newline="")
    check_exports(tmp_path)


@pytest.mark.label_studio
@pytest.mark.parametrize("predictions", [False, True])
def test_label_studio_imports_what_is_written(label_studio_running, tmp_path, predictions):
    for name in ("project.json", "snapshot.json"):
        docs = read_file(LABEL_STUDIO, EXPORTS / name).docs
        options = LabelStudioOptions(predictions=predictions)
        LABEL_STUDIO.write(docs, tmp_path / "written.json", options, IssueLog())
        project = label_studio_running.project(
            json.loads((tmp_path / "written.json").read_text(encoding="utf8"))
        )
        again = read_file(LABEL_STUDIO, tmp_path, project.snapshot(), predictions=predictions).docs
        assert [all_spans(doc) for doc in again] == [all_spans(doc) for doc in docs]
        assert [record_of(doc)["id"] for doc in again] == [record_of(doc)["id"] for doc in docs]
        assert [doc.has_annotation("ENT_IOB") for doc in again] == [
            doc.has_annotation("ENT_IOB") for doc in docs
        ]
