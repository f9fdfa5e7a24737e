"""The user's folder for what can be made again: measurements, embeddings of texts."""

import os
import sys
from pathlib import Path

# Names another folder, or is 'off' for none.
FOLDER = "SPACY_NER_PLUS_CACHE"


def cache_folder() -> Path | None:
    """RETURNS (Path | None): Where things are kept from one process to the next; None where the user wants none kept,
    or has no home. It needn't be there."""
    named = os.environ.get(FOLDER, "")
    if named:
        return None if named.lower() == "off" else Path(named)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        folder = home / "Library" / "Caches"
    else:
        # As the XDG base directory specification has it: a relative path is ignored.
        named = os.environ.get("XDG_CACHE_HOME", "")
        folder = Path(named) if Path(named).is_absolute() else home / ".cache"
    return folder / "spacy-ner-plus"
