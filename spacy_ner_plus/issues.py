"""The account of what was lost or repaired on the way, kept wherever Docs are made."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Issue:
    """One kind of issue: something lost or repaired, how often it happened, and the first time it did.

    count (int): How often.
    example (str): The first case, as the user would recognise it.
    where (str): Its place, such as 'train.txt:17'; empty where there is none.
    """

    count: int
    example: str
    where: str


@dataclass
class IssueLog:
    """Counts of losses and repairs by kind, each with its first example.

    kinds (dict[str, Issue]): By kind, in the order of first appearance.
    """

    kinds: dict[str, Issue] = field(default_factory=dict)

    def add(self, kind: str, example: str, where: str = "", count: int = 1) -> None:
        """Count an issue, and keep it as the example if it is the first of its kind.

        kind (str): Such as 'misaligned span'.
        example (str): What was lost or repaired.
        where (str): Its file and line, where known.
        count (int): How many at once.
        """
        issue = self.kinds.get(kind)
        if issue is None:
            self.kinds[kind] = Issue(count, example, where)
        else:
            issue.count += count

    def merge(self, other: "IssueLog") -> None:
        """Add another account to this one.

        other (IssueLog): The account to add; it is left as it is.
        """
        for kind, issue in other.kinds.items():
            self.add(kind, issue.example, issue.where, issue.count)

    def __getitem__(self, kind: str) -> int:
        """RETURNS (int): How often this kind happened, 0 if never."""
        return self.kinds[kind].count if kind in self.kinds else 0

    def __len__(self) -> int:
        """RETURNS (int): All issues together."""
        return sum(issue.count for issue in self.kinds.values())

    def __iter__(self) -> Iterator[tuple[str, Issue]]:
        return iter(self.kinds.items())
