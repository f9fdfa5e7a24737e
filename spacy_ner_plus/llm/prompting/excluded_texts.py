"""Texts that are never shown as examples, such as those of a corpus on which a model is to be evaluated."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from spacy.vocab import Vocab

from spacy_ner_plus.corpus import read_docs
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.json_keys import unique_keys
from spacy_ner_plus.llm.store.text_hash import text_hash


def read_excluded(corpora: Sequence[str], vocab: Vocab) -> frozenset[str]:
    """Read the texts of corpora.

    corpora (Sequence[str]): .spacy files, folders of them, or .jsonl files with `text`.
    vocab (Vocab): For Docs.
    RETURNS (frozenset[str]): The `text_hash` of each.
    RAISES (UserError): Where one can't be read.
    """
    return frozenset(text_hash(text) for corpus in corpora for text in _texts(Path(corpus), vocab))


def _texts(path: Path, vocab: Vocab) -> Iterable[str]:
    if path.is_dir() or path.suffix == ".spacy":
        return (doc.text for doc in read_docs(path, vocab))
    return _read_jsonl(path)


def _read_jsonl(path: Path) -> Iterator[str]:
    try:
        lines = path.read_text(encoding="utf8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(Errors.E819.format(path=path, reason=error)) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line, object_pairs_hook=unique_keys)
        except ValueError as error:
            raise UserError(Errors.E819.format(path=f"{path}:{number}", reason=error)) from error
        text = record.get("text") if isinstance(record, dict) else None
        if not isinstance(text, str):
            raise UserError(Errors.E819.format(path=f"{path}:{number}", reason="it has no `text`"))
        yield text
