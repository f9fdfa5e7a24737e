"""The sentences of a CoNLL file, read from its lines.

Before a document stands a line with '-DOCSTART-', CoNLL-U's '# newdoc' or
OntoNotes' '#begin document'. Other lines that begin with '#' are comments,
unless they hold a token and a tag.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from spacy_ner_plus.data.formats.conll.columns import Layout, is_range, split_line
from spacy_ner_plus.data.records.schemes import MISSING_TAGS, is_tag
from spacy_ner_plus.data.records.tagged import TaggedSentence
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

HEADER = "-DOCSTART-"
NEW_DOCUMENT = ("# newdoc", "#begin document", "# begin document")
INVISIBLE = "\ufeff\u200b\u200e\u200f"  # a line of these alone is blank
SAMPLE = 2_000  # lines that the columns are found by


def sample_lines(lines: Iterable[str]) -> list[tuple[int, str]]:
    """Take the first lines that are neither blank nor headers.

    RETURNS (list[tuple[int, str]]): Up to SAMPLE of them, each after its number, from 1.
    """
    numbered = ((n, line.lstrip("\ufeff")) for n, line in enumerate(lines, start=1))
    contents = ((n, line) for n, line in numbered if line.strip() and not is_header(line))
    return list(islice(contents, SAMPLE))


def is_header(line: str) -> bool:
    """RETURNS (bool): Whether a document begins with this line."""
    return line.startswith((HEADER, *NEW_DOCUMENT))


def read_sentences(
    lines: Iterable[str], layout: Layout, where: str, issues: IssueLog, notes: list[str]
) -> Iterator[TaggedSentence]:
    """Read the sentences of a file.

    layout (Layout): How they read.
    where (str): The file's name, for messages.
    issues (IssueLog): Where is counted what could not be kept.
    notes (list[str]): Where comments are reported.
    YIELDS (TaggedSentence): The sentences, none of them empty.
    RAISES (UserError): A line with too few columns.
    """
    sentence = TaggedSentence(where=where)
    header = 0  # the line of a header that no token has followed yet
    comments = 0
    token, tag, width, indexed = layout.token, layout.tag, layout.width, layout.indexed
    mark, other = ("\t", " ") if layout.tabs else (" ", "\t")
    for number, line in enumerate(lines, start=1):
        if number == 1:
            line = line.lstrip("\ufeff")
        bare = line.rstrip("\r\n")
        columns = bare.split(mark)
        if len(columns) != width or other in bare or bare[:1] in "-# \t":
            # Anything but a plain token line comes here, the rest is kept fast.
            if not bare.strip().strip(INVISIBLE):
                if sentence.words:
                    yield sentence
                    sentence = TaggedSentence(where=where)
                continue
            if is_header(bare):
                if sentence.words:
                    yield sentence
                if header:
                    issues.add("empty text", "a document without tokens", f"{where}:{header}")
                sentence, header = TaggedSentence(where=where, opens_document=True), number
                continue
            columns = split_line(bare, layout.tabs)
            if bare[0] == "#" and not _is_token(columns, layout):
                comments += 1
                continue
            columns = _mend(columns, bare, layout, issues, f"{where}:{number}")
        if indexed and is_range(columns[0]):
            continue
        word = columns[token]
        if not word:
            issues.add("token without text", bare.strip(), f"{where}:{number}")
            continue
        header = 0
        sentence.words.append(word)
        sentence.tags.append("" if tag is None else columns[tag])
        sentence.numbers.append(number)
    if sentence.words:
        yield sentence
    if header:
        issues.add("empty text", "a document without tokens", f"{where}:{header}")
    if comments:
        notes.append(f"{where}: {comments:,} comment lines passed over")


def _is_token(columns: list[str], layout: Layout) -> bool:
    """Whether a line that begins with '#' holds a token and a tag after all."""
    if len(columns) != layout.width or layout.indexed:
        return False
    return layout.tag is None or is_tag(columns[layout.tag]) or columns[layout.tag] in MISSING_TAGS


def _mend(columns: list[str], line: str, layout: Layout, issues: IssueLog, place: str) -> list[str]:
    """Fit a line to the layout where it has a column too many or an empty one at an end."""
    if len(columns) == layout.width - 1 and "\t" not in line:
        # Between spaces an empty column shows only at the ends of the line.
        if line[0] == " " and is_tag(columns[-1]):
            columns = ["", *columns]
        elif line.endswith(" "):
            columns = [*columns, ""]
    if any(columns[layout.width :]):
        issues.add("more columns than elsewhere", line.strip(), place)
        if layout.tag == layout.width - 1 and is_tag(columns[-1]):
            return [*columns[: layout.width - 1], columns[-1]]
    least = max(layout.token, layout.tag or 0) + 1
    if len(columns) < least:
        raise UserError(
            Errors.E104.format(where=place, found=len(columns), least=least, line=line.strip()[:60])
        )
    return columns
