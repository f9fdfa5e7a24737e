"""A factory of somebody's own, in a file to give as --code, and a pipeline that needs it."""

import subprocess
import sys
from pathlib import Path

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
    """A pipeline of it, made in a process of its own: this one shouldn't know the factory."""
    made = f"""
import spacy
from spacy.util import import_file
import_file("own", {str(code)!r})
nlp = spacy.blank("en")
nlp.add_pipe({factory!r})
nlp.to_disk({str(folder / "own-pipeline")!r})
"""
    subprocess.run([sys.executable, "-c", made], check=True)
    return str(folder / "own-pipeline")
