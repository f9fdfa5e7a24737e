"""How far a workflow is: shown by what the caller passes in, and by default not at all."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Passes items through while they are worked on; `tqdm.tqdm` is one."""

    def __call__(self, items: Iterable[T], description: str, total: int | None = None, /) -> Iterable[T]:
        """Wrap the items.

        description (str): What is being done.
        total (int): How many items there will be, where that is known.
        """
        ...


def no_progress(items: Iterable[T], description: str, total: int | None = None, /) -> Iterable[T]:
    """Pass the items through, and show nothing."""
    return items
