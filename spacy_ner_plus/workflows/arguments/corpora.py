"""Gold corpora that workflows are given: .spacy files, folders of them, or Docs."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.vocab import Vocab


def corpus_docs(corpus: "str | Path | Iterable[Doc]", vocab: "Vocab", limit: int = 0) -> "list[Doc]":
    """Read a corpus, or take the Docs that are given; Docs of another vocab are copied to this one.

    corpus (str | Path | Iterable[Doc]): A .spacy file, a folder of them, or Docs.
    vocab (Vocab): The vocab of the Docs that come back.
    limit (int): How many to take at most. Default: 0 for all.
    RAISES (UserError): Where a file can't be read, or there is no Doc.
    """
    from itertools import islice

    from spacy_ner_plus.corpus import load_docs, to_vocab

    if isinstance(corpus, str | Path):
        return load_docs(Path(corpus), vocab, limit)
    docs = list(islice(corpus, limit or None))
    if not docs:
        raise UserError(Errors.E302.format(path=corpus_name(corpus)))
    return to_vocab(docs, vocab)


def corpus_path(corpus: "str | Path | Iterable[Doc] | None") -> Path | None:
    """RETURNS (Path | None): The file or folder of a corpus; None where Docs were given."""
    return Path(corpus) if isinstance(corpus, str | Path) else None


def corpus_name(corpus: "str | Path | Iterable[Doc]") -> str:
    """RETURNS (str): What a corpus is called in metrics and messages."""
    path = corpus_path(corpus)
    return "Docs" if path is None else path.name


def check_annotation(docs: "Iterable[Doc]", corpus: "str | Path | Iterable[Doc]") -> None:
    """Refuse a gold corpus in which no Doc says where entities are, and where none are.

    RAISES (UserError): Where that is so.
    """
    if not any(doc.has_annotation("ENT_IOB") for doc in docs if len(doc)):
        raise UserError(Errors.E305.format(path=corpus_path(corpus) or corpus_name(corpus)))
