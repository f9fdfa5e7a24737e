"""What the path of a file says about its document, where WebAnno or INCEpTION exported a project."""

from spacy_ner_plus.data.sources.source import Source

FOLDERS = ("annotation", "curation")


def names_in_project(source: Source) -> tuple[str, str]:
    """Take a file's document and annotator from its path.

    In an exported project a document is a folder, and each annotator's work a file in it:
    `annotation/letter.txt/rosa.tsv`.

    RETURNS (tuple[str, str]): Id and annotator; elsewhere the file's name without its ending, and ''.
    """
    if source.name == "stdin":
        return "", ""
    folder = source.path.absolute().parent
    if folder.parent.name in FOLDERS:
        return folder.name, source.path.stem
    return source.path.stem, ""
