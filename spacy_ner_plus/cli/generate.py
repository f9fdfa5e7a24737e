"""`spacy-ner-plus generate`: synthetic records, of templates, of Presidio's sentences, or by a chat model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from spacy_ner_plus.workflows.generate import Generated

EXAMPLES = 3  # entities of a label that are shown for each part
SHARED = 8  # entities of several parts that are shown


def generate_command(
    out_dir: Annotated[Path, typer.Argument(help="Folder for train.json, dev.json and test.json.")],
    train: Annotated[int, typer.Option(help="Records to train on.")] = 200,
    dev: Annotated[int, typer.Option(help="Records to choose the best step on.")] = 50,
    test: Annotated[int, typer.Option(help="Records to evaluate on, 0 for none.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same files.")] = 0,
    lang: Annotated[str, typer.Option(help="Language of the records.")] = "en",
    backend: Annotated[
        str,
        typer.Option(help="What makes them: templates, presidio, llm, or that of another package."),
    ] = "templates",
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML or JSON with settings of the backend.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A setting of the backend, such as model.name=m; repeatable."
        ),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(help="A format to write beside that, such as spacy for train.spacy; repeatable."),
    ] = None,
    instructions: Annotated[
        list[str] | None,
        typer.Option(
            help="Instruction data, too: universal-ner, guidelines, or another reply format; repeatable."
        ),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="CORPUS", help="Say what the records have in common with it; repeatable."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="The account of it all as JSON.")] = None,
) -> None:
    """Make a labelled corpus: requests to an assistant, sentences with personal data, or what a chat model writes."""
    from spacy_ner_plus.cli.console import err, out, progress
    from spacy_ner_plus.cli.corpus_tables import issues_table
    from spacy_ner_plus.workflows.arguments.backend_settings import read_settings
    from spacy_ner_plus.workflows.generate import generate

    status = err.status("Making the corpus")

    def bar(items: "Iterable[Any]", description: str, total: int | None = None) -> "Iterable[Any]":
        # Not all versions of rich can show both at once.
        status.stop()
        return progress(items, description, total)

    with status:
        made = generate(
            out_dir,
            train=train,
            dev=dev,
            test=test,
            seed=seed,
            lang=lang,
            backend=backend,
            settings=read_settings(settings, set_ or ()),
            to=to or (),
            instructions=instructions or (),
            against=against or (),
            report=report,
            progress=bar,
        )
    out.print(_table(made))
    if made.refused.kinds:
        out.print(issues_table(made.refused))
    if made.losses.kinds:
        out.print(issues_table(made.losses))
    out.print(_shared(made), markup=False, highlight=False)
    for line in _measures(made):
        out.print(line, markup=False, highlight=False)
    if made.baseline:
        f1 = made.baseline["f1"]
        out.print(
            f"Most frequent tag and regular expressions, trained on train: F1 {f1:.3f} on dev.",
            highlight=False,
        )
    for note in made.notes:
        err.print(note, style="dim", markup=False, highlight=False)
    written = ", ".join(str(path) for path in made.files)
    err.print(f"Written: {written}", markup=False, highlight=False)


def _shared(made: "Generated") -> str:
    if not made.shared:
        return "No entity is in two parts, whatever its case."
    shown = ", ".join(made.shared[:SHARED])
    more = f" and {len(made.shared) - SHARED:,} more" if len(made.shared) > SHARED else ""
    return f"Entities in several parts: {shown}{more}"


def _measures(made: "Generated") -> list[str]:
    """RETURNS (list[str]): How diverse the parts are, what they share with corpora, and what a chat model took."""
    lines = []
    for part, found in made.diversity.items():
        distinct = ", ".join(f"{share:.2f}" for share in found.distinct.values())
        nearest = (
            "" if found.self_similarity is None else f", nearest other {found.self_similarity:.2f} alike"
        )
        lines.append(
            f"{part}: distinct 1-, 2-, 3-grams {distinct}; {found.patterns:,} patterns of {found.texts:,} texts"
            f"{nearest}; {found.ambiguous:,} ambiguous words"
        )
    for found in made.overlaps:
        lines.append(
            f"{found.corpus}: {found.same_texts:,} records have a text of it, {found.near_texts:,} nearly; "
            f"{found.ngrams:.1%} of runs of 8 words, {found.entities:.1%} of different entities"
        )
        if found.example[0]:
            lines.append(f"  such as {found.example[0][:80]!r}, there {found.example[1][:80]!r}")
    if made.usage:
        cost = "not known" if made.usage["cost"] is None else f"${made.usage['cost']:.4f}"
        lines.append(
            f"Requests: {made.usage['requests']:,}, {made.usage['stored']:,} replies from the store, "
            f"{made.usage['reasked']:,} asked again; tokens: {made.usage['prompt_tokens']:,} in, "
            f"{made.usage['completion_tokens']:,} out; cost: {cost}"
        )
    return lines


def _table(made: "Generated") -> "Table":
    """List how many entities of each label each part has, and the first of them."""
    from rich.markup import escape
    from rich.table import Table

    title = ", ".join(f"{part}: {count:,} records" for part, count in made.records.items())
    table = Table("label", "part", title=title)
    table.add_column("entities", justify="right")
    table.add_column("such as", overflow="fold")
    for label in sorted({label for found in made.entities.values() for label, _ in found}):
        for part, found in made.entities.items():
            texts = [text for other, text in found if other == label]
            examples = " · ".join(list(dict.fromkeys(texts))[:EXAMPLES])
            table.add_row(label if part == "train" else "", part, f"{len(texts):,}", escape(examples))
        table.add_section()
    return table
