"""What `compare` is given: metrics and pipelines, their names, and the files they get."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Union

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy.language import Language

    from spacy_ner_plus.evaluation.metrics.metrics import Metrics

Source = Union["Metrics", "Language", str, Path]


@dataclass(frozen=True)
class Compared:
    """What is compared under one name.

    name (str): What it is called.
    sources (Sequence[Metrics | Language | str | Path]): Metrics, files of metrics (.json) or pipelines; several
        where they are trainings of one pipeline with other seeds.
    """

    name: str
    sources: Sequence[Source]

    def metrics_file(self, number: int, folder: Path) -> Path:
        """RETURNS (Path): Where the metrics of one of its pipelines are written, in a folder; numbers are from 0."""
        # A name may be a path, or hold what no file may be called by.
        stem = re.sub(r"[^\w.+=() -]+", "-", self.name).strip(". -") or "pipeline"
        seed = f"-{number + 1}" if len(self.sources) > 1 else ""
        return folder / f"{stem}{seed}.json"


def is_metrics(source: Source) -> bool:
    """RETURNS (bool): Whether these are metrics or a file of them, and not a pipeline."""
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics

    return isinstance(source, Metrics) or (isinstance(source, str | Path) and str(source).endswith(".json"))


def parse_compared(given: Sequence[Compared | Source]) -> list[Compared]:
    """Find names for what is to be compared.

    given (Sequence[Compared | Metrics | Language | str | Path]): A string may be NAME=SOURCE or NAME=SOURCE,SOURCE.
        Without a name, a file or folder is called as it is called there, with as many of the folders above as are
        needed to tell all apart; metrics and pipelines in memory by the pipeline's name.
    RETURNS (list[Compared]): In the same order.
    RAISES (UserError): Where there are fewer than two, a name twice, a name without a source, a file that is
        neither, or something else, such as a list of them.
    """
    found = [_parse(source) for source in given]
    names = iter(short_names([_place(some.sources[0]) for some in found if not some.name]))
    found = [some if some.name else Compared(next(names), some.sources) for some in found]
    if len(found) < 2:
        raise UserError(Errors.E311.format(name=", ".join(some.name for some in found)))
    twice = [name for name, count in Counter(some.name for some in found).items() if count > 1]
    if twice:
        raise UserError(Errors.E317.format(name=twice[0]))
    for source in (source for some in found for source in some.sources):
        if isinstance(source, str | Path) and not is_metrics(source) and Path(source).is_file():
            raise UserError(Errors.E323.format(source=source))
    return found


def _parse(source: Compared | Source) -> Compared:
    """One source with its name; '' where it is to be called by its path."""
    from spacy.language import Language

    from spacy_ner_plus.evaluation.metrics.metrics import Metrics

    if isinstance(source, Compared):
        return source
    if isinstance(source, Metrics):
        return Compared("" if source.path else source["pipeline"]["name"], [source])
    if isinstance(source, Path):
        return Compared("", [source])
    if isinstance(source, Language):
        return Compared(f"{source.lang}_{source.meta['name']}", [source])
    if not isinstance(source, str):
        raise UserError(Errors.E942.format(kind=type(source).__name__))
    name, equals, rest = source.partition("=")
    if not equals or Path(source).exists():
        return Compared("", [source])
    sources = [part for part in rest.split(",") if part]
    if not name or not sources:
        raise UserError(Errors.E318.format(source=source))
    return Compared(name, sources)


def _place(source: Source) -> str:
    return str(source if isinstance(source, str | Path) else source.path)


def short_names(places: Sequence[str]) -> list[str]:
    """Call each by the last parts of its path, as few as tell all apart."""
    # '.' and '..' are no names.
    paths = [
        Path(os.path.abspath(place)) if ".." in Path(place).parts or place == "." else Path(place)
        for place in places
    ]
    parts = [(path.with_suffix("") if is_metrics(path.name) else path).parts for path in paths]
    for length in range(1, max(map(len, parts), default=0) + 1):
        names = ["/".join(part[-length:]).lstrip("/") for part in parts]
        if len(set(names)) == len(names):
            return names
    return [part[-1] for part in parts]
