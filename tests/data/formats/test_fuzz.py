"""Mutated files of all formats: what can be seen to be wrong is refused or counted, and never read as O.

SPACY_NER_PLUS_FUZZ=10000 says how many mutations there are over all formats; as a rule it is some hundred.
"""

import os
import zlib
from random import Random

import pytest
import spacy

from spacy_ner_plus.data.detection import detect
from spacy_ner_plus.data.formats.format import Reading
from spacy_ner_plus.data.formats.registered import get_format
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.format_names import format_names
from spacy_ner_plus.issues import IssueLog
from tests.data.formats.fuzz.gold import make_gold
from tests.data.formats.fuzz.json_shapes import JSON_SHAPES
from tests.data.formats.fuzz.row_shapes import ROW_SHAPES
from tests.data.formats.fuzz.verdicts import (
    DETECTABLE,
    UNDETECTABLE,
    check_detectable,
    check_undetectable,
    letters,
    of_gold,
)

NLP = spacy.blank("en")
SHAPES = [shape for shape in (*JSON_SHAPES, *ROW_SHAPES) if shape.format in format_names()]
MUTATIONS = int(os.environ.get("SPACY_NER_PLUS_FUZZ", "600"))


def read(path, format):
    source = Source(str(path))
    issues = IssueLog()
    reader = detect(source, []) if format is None else get_format(format)
    records = list(reader.read(source, Reading(NLP, reader.options(), issues, [])))
    return [record.doc for record in records], issues


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_fuzz_unmutated_files_are_read_as_they_are(shape, tmp_path):
    gold = make_gold(Random(1))
    path = tmp_path / f"file{shape.ending}"
    data = shape.dump(shape.build(gold))
    path.write_bytes(data)
    expected = shape.read(data)
    assert [text for text, _ in expected] == [text.text for text in gold]
    assert all(set(spans) >= set(text.spans) for (_, spans), text in zip(expected, gold, strict=True))
    for format in (shape.format, None):
        docs, issues = read(path, format)
        assert check_undetectable(docs, expected) == ""
        assert dict(issues) == {}


def mutations(shape, count):
    """YIELDS (tuple[str, int, bytes, list[Text]]): Class, seed and bytes of each, and what the file said before."""
    made = seed = 0
    while made < count and seed < 50 * count + 500:
        seed += 1
        random = Random(zlib.crc32(f"{shape}{seed}".encode()))
        kind = (*DETECTABLE, *UNDETECTABLE)[seed % (len(DETECTABLE) + len(UNDETECTABLE))]
        gold = make_gold(random)
        data = shape.mutate(kind, shape.build(gold), random)
        if data is not None:
            made += 1
            yield kind, seed, data, gold


def verdict(shape, kind, data, gold, path, format):
    """RETURNS (str): What is wrong with what becomes of a mutated file; '' where nothing is."""
    path.write_bytes(data)
    try:
        docs, issues = read(path, format)
    except UserError as error:
        return f"refused: {error}" if kind in UNDETECTABLE else ""
    if kind in DETECTABLE:
        return check_detectable(
            docs, {letters(text.text): of_gold(text.text, text.spans) for text in gold}, len(issues)
        )
    return check_undetectable(docs, shape.read(data))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_fuzz_mutations_get_their_verdict(shape, tmp_path):
    wrong = []
    for kind, seed, data, gold in mutations(shape, MUTATIONS // len(SHAPES)):
        path = tmp_path / f"file{shape.ending}"
        # As a user does who says the format, and as one does who doesn't.
        format = shape.format if seed % 3 else None
        found = verdict(shape, kind, data, gold, path, format)
        if found:
            wrong.append(f"{kind} {seed} ({format}): {found}")
    assert not wrong, "\n".join(wrong)
