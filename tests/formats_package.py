"""Another package with a format of its own, as pip would install it: a module, and metadata with an entry point."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy_ner_plus.data.formats.registered import get_format
from spacy_ner_plus.format_names import GROUP, format_points


def write_package(folder: Path, points: dict[str, str], source: str = "") -> None:
    """Write a package.

    folder (Path): A folder on the module path.
    points (dict[str, str]): Names of formats, and where each is: 'others_format:FORMAT'.
    source (str): Of the module `others_format`.
    """
    (folder / "others_format.py").write_text(source, encoding="utf8")
    metadata = folder / "others_format-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: others-format\nVersion: 1.0\n")
    lines = [f"[{GROUP}]", *(f"{name} = {value}" for name, value in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")


@contextmanager
def looked_for_anew() -> Iterator[None]:
    """Forget the formats that were found, before and after."""
    for cached in (format_points, get_format):
        cached.cache_clear()
    try:
        yield
    finally:
        for cached in (format_points, get_format):
            cached.cache_clear()
