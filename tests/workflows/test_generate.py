import json

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_ner_plus.annotation.generate import registered
from spacy_ner_plus.annotation.generate.backend import Made
from spacy_ner_plus.annotation.generate.records import Record, RecordCheck
from spacy_ner_plus.annotation.generate.templates.templates import TEMPLATES
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import LabelSet, load_labels
from spacy_ner_plus.spans import CharSpan
from spacy_ner_plus.workflows.convert import convert
from spacy_ner_plus.workflows.generate import _Writers, generate
from tests.servers.fault_server import FaultServer


def test_generate_writes_both_parts(tmp_path):
    made = generate(tmp_path / "new" / "folder", train=20, dev=8, seed=1)
    for part, count in (("train", 20), ("dev", 8)):
        records = json.loads((tmp_path / "new" / "folder" / f"{part}.json").read_text(encoding="utf-8"))
        assert len(records) == count
        assert all(record.keys() == {"text", "labels"} for record in records)
    assert made.shared == []
    assert made.records == {"train": 20, "dev": 8}


def test_generate_takes_the_seed(tmp_path):
    files = []
    for seed in (0, 0, 1):
        generate(tmp_path, train=5, dev=5, seed=seed)
        files.append((tmp_path / "train.json").read_bytes())
    assert files[0] == files[1] != files[2]


def test_generate_writes_a_part_to_evaluate_on_where_it_is_asked_for(tmp_path):
    made = generate(tmp_path, train=20, dev=8, test=9, seed=1)
    assert made.records == {"train": 20, "dev": 8, "test": 9}
    assert made.shared == []
    texts = [
        {record["text"] for record in json.loads((tmp_path / f"{part}.json").read_text(encoding="utf-8"))}
        for part in made.records
    ]
    assert len(set.union(*texts)) == 37


@pytest.mark.parametrize(
    "options",
    [{"train": 10**6}, {"dev": 10**6}, {"train": 0}, {"dev": -1}, {"test": 10**6}, {"lang": "xx"}],
    ids=str,
)
def test_generate_writes_nothing_when_it_refuses(options, tmp_path):
    with pytest.raises(UserError):
        generate(tmp_path, **options)
    assert list(tmp_path.iterdir()) == []


def test_generate_tells_of_files_that_another_run_left(tmp_path):
    generate(tmp_path, train=10, dev=5, test=5)
    with pytest.warns(UserWarning, match=r"W731.*test\.json"):
        generate(tmp_path, train=10, dev=5, seed=1)


def test_generate_refuses_a_file_as_its_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file"):
        generate(tmp_path / "file", train=1, dev=1)


def test_generate_writes_other_formats_and_instructions_beside(tmp_path):
    made = generate(
        tmp_path,
        train=12,
        dev=4,
        to=["spacy", "conll", "spacy"],
        instructions=["guidelines", "universal-ner"],
        report=tmp_path / "account" / "report.json",
    )
    names = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    endings = (".conll", ".guidelines.jsonl", ".json", ".spacy", ".universal-ner.json")
    assert names == [f"{part}{ending}" for part in ("dev", "train") for ending in endings]
    docs = list(DocBin().from_disk(tmp_path / "train.spacy").get_docs(spacy.blank("en").vocab))
    assert [(ent.label_, ent.text) for doc in docs for ent in doc.ents] == made.entities["train"]
    converted = convert(tmp_path / "train.universal-ner.json", tmp_path / "again.spacy")
    assert converted.counts[""].entities.total() == len(made.entities["train"])
    # Every label is asked for, whatever the part has.
    first = json.loads((tmp_path / "dev.universal-ner.json").read_text(encoding="utf-8"))[0]
    assert sum("What describes" in turn["value"] for turn in first["conversations"]) == 6
    report = json.loads((tmp_path / "account" / "report.json").read_text(encoding="utf-8"))
    assert report["asked"] == report["kept"] == {"train": 12, "dev": 4}
    assert report["offered"] == 16 + sum(refused["count"] for refused in report["refused"])
    assert report["diversity"]["train"]["texts"] == 12


def test_generate_says_what_it_shares_with_corpora(tmp_path):
    generate(tmp_path / "one", train=10, dev=2)
    made = generate(tmp_path / "two", train=10, dev=2, against=[tmp_path / "one" / "train.json"])
    (overlap,) = made.overlaps
    assert (overlap.documents, overlap.same_texts, overlap.near_texts) == (10, 10, 0)
    assert overlap.entities > 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "nothing"}, "no `backend`"),
        ({"settings": {"colour": 1}}, "no setting of the backend 'templates'"),
        ({"to": ["brat"]}, "is a folder"),
        ({"to": ["nothing"]}, "no format 'nothing'"),
        ({"to": ["excel"]}, "excel"),
        ({"instructions": ["nothing"]}, "no form of `instructions`"),
        ({"against": ["missing.spacy"]}, "missing.spacy"),
        ({"backend": "llm", "settings": {"labels": ["PER"]}}, "`model` of 'llm'"),
    ],
)
def test_generate_refuses_what_cannot_be_and_writes_nothing(options, message, tmp_path):
    with pytest.raises(UserError, match=message):
        generate(tmp_path, train=3, dev=2, **options)
    assert list(tmp_path.iterdir()) == []


def test_generate_asks_nobody_before_it_knows_that_it_can_write_and_compare(tmp_path):
    with FaultServer() as server:
        settings = {"labels": ["PER"], "model": {"base_url": server.url, "name": "m"}}
        (tmp_path / "file").write_text("")
        with pytest.raises(UserError, match="is a file"):
            generate(tmp_path / "file" / "inside", train=3, backend="llm", settings=settings)
        with pytest.raises(UserError, match=r"missing\.spacy"):
            generate(tmp_path, train=3, backend="llm", settings=settings, against=["missing.spacy"])
        assert server.requests == []


def test_generate_does_not_overwrite_what_it_compares_with(tmp_path):
    generate(tmp_path, train=3, dev=2)
    before = (tmp_path / "train.json").read_bytes()
    with pytest.raises(UserError, match=r"train\.json"):
        generate(tmp_path, train=3, dev=2, seed=1, against=[tmp_path / "train.json"])
    assert (tmp_path / "train.json").read_bytes() == before


class Odd:
    """A backend of another package: gives what it is told to."""

    name, about, settings = "odd", "for tests", TEMPLATES.settings

    def __init__(self, give):
        self.give = give

    def make(self, asked, settings, check, progress):
        return Made({"train": self.give(check)}, load_labels(["PER"]))


@pytest.fixture
def odd(monkeypatch):
    def install(give):
        monkeypatch.setattr(registered, "get_backend", lambda name: Odd(give))

    return install


def test_generate_takes_nothing_that_was_not_checked(odd, tmp_path):
    odd(lambda check: [Record("Ann left.", (CharSpan(0, 2, "PER"),), (("Ann", "B-PER"),))])
    with pytest.raises(UserError, match="'odd' gave a record for train that isn't valid"):
        generate(tmp_path, train=1, dev=0, backend="odd")
    assert list(tmp_path.iterdir()) == []


def test_generate_writes_no_corpus_without_a_record_and_says_why(odd, tmp_path):
    odd(lambda check: [record for record in [check("Ann left.", [CharSpan(0, 2, "PER")])] if record])
    with pytest.raises(
        UserError, match=r"no record that is valid.*1 refused: an entity that begins or ends within"
    ):
        generate(tmp_path, train=1, dev=0, backend="odd")
    assert list(tmp_path.iterdir()) == []


def test_generate_tells_of_records_that_are_missing_and_takes_none_that_nobody_asked_for(odd, tmp_path):
    odd(lambda check: [check(f"Ann{number} left.", [CharSpan(0, 4, "PER")]) for number in range(3)])
    with pytest.warns(
        UserWarning, match="Only 3 of the 5 records that were asked for could be made for train"
    ):
        made = generate(tmp_path, train=5, dev=0, backend="odd")
    assert made.records == {"train": 3}
    assert made.baseline == {}
    assert generate(tmp_path, train=2, dev=0, backend="odd").records == {"train": 2}


def test_generate_counts_what_a_format_writes_otherwise(tmp_path):
    check = RecordCheck(spacy.blank("en"), ["Person name"])
    record = check("Ann left.", [CharSpan(0, 3, "Person name")])
    made = Made({"train": [record]}, LabelSet(("Person name",)))
    for format, count in (("iob", 1), ("spacy", 0)):
        writers, losses = _Writers(check.nlp, [format], []), IssueLog()
        writers.write(made.parts, made, [tmp_path / name for name in writers.names(["train"])], losses)
        assert losses["space in a label, written as _"] == count
