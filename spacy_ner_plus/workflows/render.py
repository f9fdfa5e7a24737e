"""One HTML page with gold beside predicted."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.arguments.corpora import corpus_docs, corpus_name, corpus_path
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.arguments.targets import check_targets

if TYPE_CHECKING:
    from spacy.tokens import Doc


def render(
    gold: "str | Path | Iterable[Doc]",
    predictions: "str | Path | Iterable[Doc]",
    target: str | Path | None = None,
    *,
    show_all: bool = False,
    limit: int = 0,
    title: str | None = None,
) -> str:
    """Show gold beside predicted for each document with an error, in one self-contained page.

    gold (str | Path | Iterable[Doc]): Gold corpus: a .spacy file, a folder of them, or Docs.
    predictions (str | Path | Iterable[Doc]): Predictions of the same documents in the same order.
    target (str | Path): The HTML file to write. Default: none is written.
    show_all (bool): Whether documents without an error are shown too. Default: False.
    limit (int): Only the first documents of both. Default: 0 for all.
    title (str): The page's title. Default: one with the corpus's name.
    RAISES (UserError): Where a file can't be read or written, or both are not of one corpus.
    """
    from spacy.vocab import Vocab

    from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
    from spacy_ner_plus.evaluation.pages.differences_page import render_differences
    from spacy_ner_plus.files import write_whole

    at_least("limit", limit, 0)
    target = None if target is None else Path(target)
    check_targets(
        {"the page": target},
        corpora=[("gold", corpus_path(gold)), ("predictions", corpus_path(predictions))],
    )
    vocab = Vocab()
    golds = corpus_docs(gold, vocab, limit)
    predicted = corpus_docs(predictions, vocab, limit)
    if len(golds) != len(predicted):
        names = {
            "gold": corpus_path(gold) or corpus_name(gold),
            "predicted": corpus_path(predictions) or corpus_name(predictions),
        }
        raise UserError(Errors.E306.format(golds=len(golds), predictions=len(predicted), **names))
    title = title or f"{corpus_name(gold)}: gold and predicted"
    page = render_differences(match_docs(golds, predicted), title=title, show_all=show_all)
    if target is not None:
        write_whole(target, page.encode("utf8"))
    return page
