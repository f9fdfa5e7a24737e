"""A progress bar for a run of structured_llm_ner."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from spacy_ner_plus.issues import IssueLog

if TYPE_CHECKING:
    from spacy_ner_plus.llm.client.usage import UsageSnapshot


class ProgressBar:
    """Shows on standard error how many Docs are done, and what the requests took; a context manager.

    usage (Callable[[], UsageSnapshot]): What requests took so far.
    issues (IssueLog): Their number is shown.
    shown (bool): Whether anything is.
    """

    def __init__(self, usage: "Callable[[], UsageSnapshot]", issues: IssueLog, *, shown: bool):
        self._usage = usage
        self._issues = issues
        self._shown = shown
        self._bar = None

    def __enter__(self) -> Self:
        if self._shown:
            from tqdm import tqdm

            self._bar = tqdm(unit=" docs", dynamic_ncols=True)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._describe()
            self._bar.close()

    def advance(self) -> None:
        """Count a Doc."""
        if self._bar is not None:
            self._describe()
            self._bar.update()

    def _describe(self) -> None:
        usage = self._usage()
        parts = [f"{usage.requests} sent", f"{usage.stored} from the store", f"{usage.retries} retries"]
        if len(self._issues):
            parts.append(f"{len(self._issues)} issues")
        if usage.cost is not None:
            parts.append(f"${usage.cost:.4f}")
        self._bar.set_postfix_str(", ".join(parts), refresh=False)
