"""What a comparison of pipelines found, as a value."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.evaluation.metrics.file import write_json

if TYPE_CHECKING:
    from pandas import DataFrame


class Comparison(Mapping[str, Any]):
    """A read-only mapping with the keys of comparison.json, which `compare_pipelines` describes.

    content (Mapping[str, Any]): The keys and what stands under them.
    """

    def __init__(self, content: Mapping[str, Any]):
        self._content = dict(content)

    def write(self, path: str | Path) -> None:
        """Write comparison.json, whole or not at all.

        RAISES (UserError): Where the file can't be written.
        """
        write_json(Path(path), self)

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The keys and what stands under them, not copied."""
        return dict(self._content)

    def to_frame(self) -> "DataFrame":
        """RETURNS (DataFrame): A row for each pipeline, best first, as `comparison_frame` describes."""
        from spacy_ner_plus.evaluation.comparison.frames import comparison_frame

        return comparison_frame(self)

    def pairs_to_frame(self) -> "DataFrame":
        """RETURNS (DataFrame): A row for each test of two pipelines, as `pairs_frame` describes."""
        from spacy_ner_plus.evaluation.comparison.frames import pairs_frame

        return pairs_frame(self)

    @property
    def winner(self) -> str | None:
        """RETURNS (str | None): The pipeline that is significantly better than each other one by strict F1."""
        return self["winner"]

    @property
    def leaders(self) -> list[str]:
        """RETURNS (list[str]): The pipelines than which none is significantly better by strict F1."""
        return self["leaders"]

    def __getitem__(self, key: str) -> Any:
        return self._content[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __repr__(self) -> str:
        scores = (f"{row['name']}={row['schemes']['strict']['f1']:.4f}" for row in self["pipelines"])
        return f"Comparison({', '.join(scores)}, winner={self.winner!r})"
