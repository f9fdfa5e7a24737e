"""Tables of what corpora hold and of what was lost on the way."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from spacy_ner_plus.issues import IssueLog

if TYPE_CHECKING:
    from rich.table import Table

    from spacy_ner_plus.data.statistics.counts import CorpusCounts
    from spacy_ner_plus.data.statistics.findings import Finding

EXAMPLE = 60  # characters of an example that are shown


def counts_table(corpora: dict[str, "CorpusCounts"]) -> "Table":
    """Set corpora side by side.

    corpora (dict[str, CorpusCounts]): The counts by name.
    RETURNS (Table): A row a measure and a row a label, a column a corpus.
    """
    from rich.table import Table

    from spacy_ner_plus.data.statistics.counts import quantile

    table = Table()
    table.add_column("")
    for name in corpora:
        table.add_column(name, justify="right", overflow="fold")
    counts = list(corpora.values())

    def row(title: str, values: list[str], **style: bool) -> None:
        table.add_row(title, *values, **style)

    row("documents", [f"{count.docs:,}" for count in counts])
    row("sentences", [f"{count.sentences:,}" for count in counts])
    row("tokens", [f"{count.tokens:,}" for count in counts])
    if any(count.missing for count in counts):
        row("tokens without annotation", [f"{count.missing:,}" for count in counts])
    if any(count.partly_annotated for count in counts):
        row("documents with some labels annotated", [f"{count.partly_annotated:,}" for count in counts])
    for title, field in (("tokens a document", "doc_lengths"), ("tokens an entity", "entity_lengths")):
        lengths = [getattr(count, field) for count in counts]
        spreads = ["/".join(f"{quantile(length, q):,}" for q in (0, 0.5, 1)) for length in lengths]
        row(f"{title} (least/median/most)", spreads)
    row("repeated documents", [f"{count.duplicates:,}" for count in counts], end_section=True)
    row("entities", [f"{count.entities.total():,}" for count in counts])
    labels = sorted({label for count in counts for label in count.entities})
    for label in labels:
        row(f"  {label}", [_with_share(count.entities[label], count.entities.total()) for count in counts])
    return table


def nothing_lost(notes: Sequence[str]) -> str:
    """Say that nothing was lost, of all that the sources hold or of what is read of them.

    notes (Sequence[str]): What was found out about the sources.
    """
    from spacy_ner_plus.data.formats.format import NotRead

    if any(isinstance(note, NotRead) for note in notes):
        return "Nothing of texts and entities was lost or repaired; what isn't read is said above."
    return "Nothing was lost or repaired."


def issues_table(issues: IssueLog) -> "Table":
    """List losses and repairs by kind.

    RETURNS (Table): A row a kind, with its count, first example and place.
    """
    from rich.markup import escape
    from rich.table import Table

    table = Table("Issue or repair")
    table.add_column("count", justify="right")
    table.add_column("first example", overflow="fold")
    table.add_column("where", overflow="fold")
    for kind, issue in issues:
        example = issue.example if len(issue.example) <= EXAMPLE else issue.example[: EXAMPLE - 1] + "…"
        table.add_row(escape(kind), f"{issue.count:,}", escape(example), escape(issue.where))
    return table


def findings_table(findings: "Sequence[Finding]") -> "Table":
    """List what was found about examples, a row each.

    RETURNS (Table): With a mark for what is good, doubtful or wrong.
    """
    from rich.markup import escape
    from rich.table import Table

    marks = {"good": "[green]✔[/]", "warn": "[yellow]⚠[/]", "fail": "[red]✘[/]"}
    table = Table(show_header=False, box=None)
    table.add_column("", no_wrap=True)
    table.add_column("", overflow="fold")
    for finding in findings:
        table.add_row(marks[finding.level], escape(finding.text))
    return table


def _with_share(count: int, total: int) -> str:
    return f"{count:,} ({count / total:.1%})" if total else "0"


def shared_table(counts: Mapping[str, "CorpusCounts"]) -> "Table | str":
    """List how many texts of each corpus are in the others, too; a sentence where there are none."""
    from rich.table import Table

    table = Table("documents of", "whose text is also in", "count")
    for name, count in counts.items():
        for other, other_count in counts.items():
            if name != other and (number := count.shared_with(other_count)):
                table.add_row(name, other, f"{number:,} ({number / count.docs:.1%})")
    return table if table.row_count else "No text is in two of the corpora."
