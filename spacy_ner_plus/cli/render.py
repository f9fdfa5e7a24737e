"""`spacy-ner-plus render`: one HTML page with gold beside predicted."""

from pathlib import Path
from typing import Annotated

import typer

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.loading import at_least
from spacy_ner_plus.workflows.targets import check_targets


def render_command(
    gold: Annotated[Path, typer.Argument(help="Gold corpus: a .spacy file or a folder of them.")],
    predictions: Annotated[Path, typer.Argument(help="Predictions of it, as `evaluate` keeps them.")],
    output: Annotated[Path, typer.Argument(help="The HTML page to write.")],
    show_all: Annotated[bool, typer.Option("--all", help="Show documents without a difference too.")] = False,
    limit: Annotated[int, typer.Option(help="Take only the first N documents of both; 0 for all.")] = 0,
    title: Annotated[str | None, typer.Option(help="Title of the page; default: the corpus's name.")] = None,
) -> None:
    """Show gold beside predicted for each document with a difference, in one self-contained page."""
    from spacy_ner_plus.cli.console import err

    render(gold, predictions, output, show_all=show_all, limit=limit, title=title)
    err.print(f"Page: {output}", markup=False, highlight=False)


def render(
    gold: Path,
    predictions: Path,
    output: Path,
    *,
    show_all: bool = False,
    limit: int = 0,
    title: str | None = None,
) -> None:
    """Write a page that shows predictions beside gold.

    gold (Path): Gold corpus: a .spacy file or a folder of them.
    predictions (Path): Predictions of the same documents in the same order (.spacy).
    output (Path): The page.
    show_all (bool): Whether documents without a difference are shown too.
    limit (int): Only the first documents of both; 0 for all.
    title (str): The page's title; None for one with the corpus's name.
    RAISES (UserError): Where a file cannot be read or written, or both are not of one corpus.
    """
    from spacy.vocab import Vocab

    from spacy_ner_plus.corpus import load_docs
    from spacy_ner_plus.evaluation.pages.differences_page import render_differences
    from spacy_ner_plus.files import write_whole

    at_least("--limit", limit, 0)
    check_targets({"the page": output}, corpora=[("gold", gold), ("predictions", predictions)])
    vocab = Vocab()
    golds = load_docs(gold, vocab, limit)
    predicted = load_docs(predictions, vocab, limit)
    if len(golds) != len(predicted):
        numbers = {"golds": len(golds), "predictions": len(predicted)}
        raise UserError(Errors.E306.format(gold=gold, predicted=predictions, **numbers))
    title = title or f"{gold.name}: gold and predicted"
    page = render_differences(golds, predicted, title=title, show_all=show_all)
    write_whole(output, page.encode("utf8"))
