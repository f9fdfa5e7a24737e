"""Where the command line speaks: results to stdout, all else to stderr."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from threading import Timer
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

T = TypeVar("T")
# How many notes are printed.
_NOTES = 12


def print_notes(notes: Sequence[str]) -> None:
    """Say on stderr what was found out about inputs, the first notes of many."""
    for note in notes[:_NOTES]:
        err.print(note, style="dim", markup=False, highlight=False)
    if len(notes) > _NOTES:
        err.print(f"and {len(notes) - _NOTES:,} more notes", style="dim")


class _RateColumn(ProgressColumn):
    """How many items a second, of the last half minute."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.1f}/s" if task.speed else "")


class _TimeLeftColumn(ProgressColumn):
    """How long it still takes, where that can be told."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        left = task.time_remaining
        return Text("" if left is None else f"{timedelta(seconds=int(left))} left")


def progress(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Pass items through, and show a bar on stderr once two seconds have gone.

    items (Iterable[T]): Anything.
    description (str): What is being done.
    total (int): How many there will be, where known.
    YIELDS (T): The items.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeElapsedColumn(),
        _TimeLeftColumn(),
    )
    bar = Progress(*columns, console=err, transient=True)
    task = bar.add_task(description, total=total)
    # By a timer, since a single item may take minutes.
    timer = Timer(2, bar.start)
    timer.daemon = True
    timer.start()
    try:
        for item in items:
            yield item
            bar.advance(task)
    finally:
        timer.cancel()
        timer.join()
        if bar.live.is_started:
            bar.stop()
