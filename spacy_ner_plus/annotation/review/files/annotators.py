"""Who annotated the files of a folder whose texts have a file each, told by where a file lies.

letters/1.xmi, letters/2.xmi              letters: all of one person
ann/1.xmi, ann/2.xmi, bob/1.xmi           ann, bob: a folder for each person
1.xmi/ann.xmi, 1.xmi/bob.xmi, 2.xmi/ann.xmi   ann, bob: a folder for each text, as INCEpTION exports
curation/1.xmi/CURATION_USER.xmi          what a curator decided, as INCEpTION exports it
"""

from collections.abc import Sequence
from pathlib import Path

# Under this name INCEpTION exports what a curator made of what all annotators said.
CURATOR = "CURATION_USER"


def is_curators(path: Path) -> bool:
    """RETURNS (bool): Whether a file, or the archive that was unpacked to its folder, is what a curator decided."""
    return CURATOR in (path.stem, path.parent.name)


def annotators_of(files: Sequence[tuple[Path, str]], root: Path) -> list[str]:
    """Name the annotator of each file.

    files (Sequence[tuple[Path, str]]): Paths, and the text of each.
    root (Path): What the user named: the folder, or the only file.
    RETURNS (list[str]): In the order of the files: two people who annotated one text never have one name, unless both
        their files and the folders of these are named alike.
    """
    texts: dict[Path, list[str]] = {}
    folders: dict[tuple[str, str], set[Path]] = {}
    for path, text in files:
        texts.setdefault(path.parent, []).append(text)
        folders.setdefault((path.stem, text), set()).add(path.parent)
    found = []
    for path, text in files:
        there = texts[path.parent]
        if len(there) > 1:
            of_a_text = len(set(there)) == 1
        else:
            # Alone in its folder: where another folder has the same file of the same text, folders are people's.
            of_a_text = path.parent not in (root, root.parent) and len(folders[path.stem, text]) == 1
        found.append(path.stem if of_a_text else root.stem if path.parent == root else _folder(path, root))
    return found


def _folder(path: Path, root: Path) -> str:
    return root.stem if path == root else path.parent.name
