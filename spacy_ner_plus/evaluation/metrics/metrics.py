"""What an evaluation found, as a value: read from metrics.json or just measured."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.evaluation.metrics.file import read_metrics, write_json

if TYPE_CHECKING:
    from pandas import DataFrame


class Metrics(Mapping[str, Any]):
    """A read-only mapping with the keys of metrics.json, which docs/evaluation.md lists.

    content (Mapping[str, Any]): The keys and what stands under them, in the newest format.
    path (Path | None): The file that holds them; None where they were never written.
    """

    def __init__(self, content: Mapping[str, Any], path: Path | None = None):
        self._content = dict(content)
        self.path = path

    @classmethod
    def from_file(cls, path: str | Path) -> "Metrics":
        """Read what `evaluate` wrote, also in an older format.

        RAISES (UserError): Where the file can't be read, or holds no metrics, damaged ones or those of a newer format.
        """
        return cls(read_metrics(Path(path)), Path(path))

    def write(self, path: str | Path) -> None:
        """Write metrics.json, whole or not at all, and remember where.

        RAISES (UserError): Where the file can't be written.
        """
        write_json(Path(path), self)
        self.path = Path(path)

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The keys and what stands under them, not copied."""
        return dict(self._content)

    def to_frame(self) -> "DataFrame":
        """RETURNS (DataFrame): A row for each scheme, label and slice, as `metrics_frame` describes."""
        from spacy_ner_plus.evaluation.metrics.frames import metrics_frame

        return metrics_frame(self)

    @property
    def predictions_path(self) -> Path | None:
        """RETURNS (Path | None): Where the predictions were kept, beside the metrics; None where they weren't."""
        kept = self.get("predictions")
        return self.path.with_name(kept["file"]) if kept and self.path is not None else None

    def __getitem__(self, key: str) -> Any:
        return self._content[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __repr__(self) -> str:
        scores = (f"{rate}={self['schemes']['strict'][rate]:.4f}" for rate in ("precision", "recall", "f1"))
        return f"Metrics({', '.join(scores) if 'schemes' in self else ''})"
