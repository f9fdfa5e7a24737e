"""A factory of somebody's own, in a file to give as --code, and a pipeline that needs it."""

from pathlib import Path

import spacy
import srsly

CODE = """
from spacy.language import Language
from spacy.tokens import Span


@Language.component("own_finder")
def find(doc):
    doc.set_ents([Span(doc, token.i, token.i + 1, "PER") for token in doc if token.text == "Anna"])
    return doc
"""


def write_code(folder: Path, code: str = CODE) -> Path:
    """The file."""
    path = folder / "own.py"
    path.write_text(code, encoding="utf8")
    return path


def own_pipeline(folder: Path, code: Path, factory: str = "own_finder") -> str:
    """A pipeline of it, written as it would lie there: this process shouldn't know the factory."""
    path = folder / "own-pipeline"
    nlp = spacy.blank("en")
    nlp.to_disk(path)
    config = nlp.config.copy()
    config["nlp"]["pipeline"] = [factory]
    config["components"] = {factory: {"factory": factory}}
    config.to_disk(path / "config.cfg")
    meta = srsly.read_json(path / "meta.json")
    srsly.write_json(path / "meta.json", {**meta, "pipeline": [factory], "components": [factory]})
    return str(path)
