"""What holds for every registered format, from the day it is registered."""

import dataclasses
import random

import pytest
import spacy

from spacy_ner_plus.data.detection import detect
from spacy_ner_plus.data.format_info import format_info
from spacy_ner_plus.data.formats.format import FEATURES, Reading, Sniff
from spacy_ner_plus.data.formats.options import options_for
from spacy_ner_plus.data.formats.registered import MEMBERS, get_format
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.format_names import format_names, format_points
from spacy_ner_plus.issues import IssueLog
from tests.conftest import ROOT
from tests.data.formats.examples import EXAMPLES

# Ours, whatever else is installed.
NAMES = [name for name in format_names() if format_points()[name].value.startswith("spacy_ner_plus.")]
KNOWN = [example for example in EXAMPLES if example.format in NAMES]
NLP = spacy.blank("en")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def written(folder):
    """Each example's path."""
    paths = {}
    for number, example in enumerate(EXAMPLES):
        place = folder / str(number)
        place.mkdir()
        paths[example] = example.write(place)
    return paths


@pytest.fixture(scope="module")
def strange_sources(folder, written):
    """Sources that are of no format, of each example, and of the tests' own data."""
    (folder / "empty").write_bytes(b"")
    (folder / "noise").write_bytes(random.Random(0).randbytes(65_536))
    (folder / "noise.json").write_bytes(b"[{" + random.Random(1).randbytes(65_536))
    (folder / "noise.xmi").write_bytes(b"<?xml version='1.0'?><a>" + random.Random(2).randbytes(1_000))
    (folder / "deep.json").write_text("[" * 50_000)
    (folder / "values.jsonl").write_text('1\n"a"\nnull\n[]\n{}\n[[]]\n[{}]\n{"text": 1}\n[null, null]\n')
    (folder / "objects.json").write_text(
        '[{"text": null, "spans": 3, "annotations": {"a": [1]}, "label": [null, [], [[]], {"labels": 1}], '
        '"tokens": [[1]], "ner": "x", "data": 1, "entities": [{"start": "a", "offsets": 3}], "conversations": [1], '
        '"annotation": [{"points": 1}], "fields": [], "paragraphs": [3], "examples": [1], "%VIEWS": 0}]'
    )
    (folder / "nothing").mkdir()
    files = [path for path in sorted((ROOT / "tests").rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    mine = [path for path in folder.iterdir() if not path.name.isdecimal()]
    paths = [*mine, *written.values(), *files, ROOT / "tests", folder / "not there"]
    return [Source(str(path)) for path in paths]


@pytest.mark.parametrize("name", NAMES)
def test_all_fulfil_the_protocol(name):
    format = get_format(name)
    # `write` is asked for only where it writes.
    assert all(hasattr(format, member) for member in MEMBERS)
    assert format.name == name
    assert format.about
    assert "\n" not in format.about
    assert not format.about.endswith(".")
    assert all(ending.startswith(".") and ending == ending.lower() for ending in format.endings)
    assert isinstance(format.endings, tuple)
    assert format.keeps <= set(FEATURES)
    assert isinstance(format.checked, bool)
    assert isinstance(format.writes, bool)
    assert hasattr(format, "write") or not format.writes


@pytest.mark.parametrize("name", NAMES)
def test_all_say_what_their_files_look_like(name):
    text = format_info(name).text
    assert len(text.splitlines()) >= 1
    assert len(text) > 50


@pytest.mark.parametrize("name", NAMES)
def test_all_options_have_a_default_and_a_meaning(name):
    format = get_format(name)
    assert options_for(format, {}) == format.options()
    for field in dataclasses.fields(format.options):
        assert field.default is not dataclasses.MISSING
        assert field.metadata["meaning"].endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_all_sniff_anything_without_an_error(name, strange_sources):
    format = get_format(name)
    for source in strange_sources:
        found = format.sniff(source)
        assert found is None or (isinstance(found, Sniff) and 0 < found.confidence <= 1 and found.why)


@pytest.mark.parametrize("name", NAMES)
def test_all_have_an_example(name):
    assert any(example.format == name for example in EXAMPLES)


@pytest.mark.parametrize("example", KNOWN, ids=str)
def test_all_examples_are_detected_and_read(example, written):
    source = Source(str(written[example]))
    notes = []
    format = detect(source, notes)
    assert format.name == example.format, notes
    reading = Reading(NLP, format.options(), IssueLog(), notes)
    records = list(format.read(source, reading))
    assert tuple((ent.text, ent.label_) for record in records for ent in record.doc.ents) == example.entities
    assert dict(reading.issues) == {}


@pytest.mark.parametrize("example", KNOWN, ids=str)
def test_all_examples_are_read_from_standard_input(example, written):
    path = written[example]
    if path.is_dir() or path.suffix == ".spacy":
        pytest.skip("is no stream")
    with path.open("rb") as stream:
        source = Source.of_stdin(stream=stream)
    format = detect(source, [])
    reading = Reading(NLP, format.options(), IssueLog(), [])
    found = [(ent.text, ent.label_) for record in format.read(source, reading) for ent in record.doc.ents]
    assert tuple(found) == example.entities
