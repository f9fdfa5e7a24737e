"""Sources of a few lines, read by a format and written again."""

import json
import tempfile
from contextlib import contextmanager
from pathlib import Path

import spacy

from spacy_ner_plus.data.detection import detect
from spacy_ner_plus.data.formats.format import Reading
from spacy_ner_plus.data.formats.options import options_for
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.issues import IssueLog

NLP = spacy.blank("en")


def as_text(*records, array=False):
    """Records as a file has them; strings are lines already."""
    if array:
        return json.dumps(records)
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    return "\n".join(lines) + "\n"


@contextmanager
def source_of(content, name="f.jsonl"):
    """A file that is there for a while."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        yield Source(name, path)


def read(format, *records, name="f.jsonl", array=False, notes=None, nlp=NLP, **options):
    """RETURNS: Docs and issues."""
    issues = IssueLog()
    with source_of(as_text(*records, array=array), name) as source:
        reading = Reading(nlp, options_for(format, options), issues, [] if notes is None else notes)
        return [record.doc for record in format.read(source, reading)], issues


def write(format, docs, tmp_name="out", **options):
    """RETURNS: What the file holds, and issues."""
    issues = IssueLog()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / tmp_name
        format.write(docs, path, options_for(format, options), issues)
        return path.read_text(encoding="utf-8"), issues


def sniffed(*records, name="f.jsonl", array=False):
    """RETURNS: The name of the format that is surest of records."""
    with source_of(as_text(*records, array=array), name) as source:
        return detect(source, []).name


def ents(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def offsets(doc):
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
