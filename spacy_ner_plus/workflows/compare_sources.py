"""What `spacy-ner-plus compare` is given: metrics and pipelines, their names, and the files they get."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from spacy_ner_plus.errors import Errors, UserError


class Source(NamedTuple):
    """What is compared under one name.

    name (str): The name.
    places (list[str]): Files of metrics, or pipelines; several where they are trainings of one with other seeds.
    """

    name: str
    places: list[str]

    def metrics_file(self, number: int, folder: Path) -> Path:
        """Say where the metrics of one of them are.

        number (int): Which one, from 0.
        folder (Path): Where metrics of pipelines are written.
        RETURNS (Path): What was given, or a file in the folder that is called as it is.
        """
        if is_metrics(self.places[number]):
            return Path(self.places[number])
        # A name may be a path, or hold what no file may be called by.
        stem = re.sub(r"[^\w.+=() -]+", "-", self.name).strip(". -") or "pipeline"
        seed = f"-{number + 1}" if len(self.places) > 1 else ""
        return folder / f"{stem}{seed}.json"


def is_metrics(place: str) -> bool:
    """RETURNS (bool): Whether this is given as a file of metrics, and not as a pipeline."""
    return place.endswith(".json")


def parse_sources(sources: Sequence[str]) -> list[Source]:
    """Read what is to be compared.

    sources (Sequence[str]): Each a file or a pipeline, NAME=SOURCE, or NAME=SOURCE,SOURCE. Without a name it is
        called as the file or folder is, with as many of the folders above as are needed to tell all apart.
    RETURNS (list[Source]): In the same order.
    RAISES (UserError): Where there is less than two, a name twice, a name without a source, or a file that is
        neither.
    """
    found = []
    unnamed = []
    for source in sources:
        name, equals, rest = source.partition("=")
        if not equals or Path(source).exists():
            unnamed.append(source)
            found.append(Source("", [source]))
            continue
        places = [place for place in rest.split(",") if place]
        if not name or not places:
            raise UserError(Errors.E318.format(source=source))
        found.append(Source(name, places))
    names = iter(_short_names(unnamed))
    found = [source if source.name else Source(next(names), source.places) for source in found]
    if len(found) < 2:
        raise UserError(Errors.E311.format(name=", ".join(source.name for source in found)))
    twice = [name for name, count in Counter(source.name for source in found).items() if count > 1]
    if twice:
        raise UserError(Errors.E317.format(name=twice[0]))
    for place in (place for source in found for place in source.places):
        if not is_metrics(place) and Path(place).is_file():
            raise UserError(Errors.E323.format(source=place))
    return found


def _short_names(places: Sequence[str]) -> list[str]:
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
