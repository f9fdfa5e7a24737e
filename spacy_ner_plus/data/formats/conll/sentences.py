"""The sentences of a CoNLL file, read from its lines.

Before a document stands a line with '-DOCSTART-', CoNLL-U's '# newdoc' or
OntoNotes' '#begin document'. Other lines that begin with '#' are comments,
unless they hold a token and a tag; of them '# text = …' gives the white space,
'# sent_id = …' and '# newdoc id = …' names.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from spacy_ner_plus.data.formats.conll.columns import Layout, is_range, split_line
from spacy_ner_plus.data.formats.conll.comments import Comments
from spacy_ner_plus.data.records.spellings import MISSING_TAGS
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
    notes (list[str]): Where comments that say nothing of use are reported.
    YIELDS (TaggedSentence): The sentences, none of them empty.
    RAISES (UserError): A line with too few columns.
    """
    sentence = TaggedSentence(where=where)
    header = 0  # the line of a header that no token has followed yet
    comments = Comments()
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
                    yield _finished(sentence, layout, comments, issues)
                    sentence = TaggedSentence(where=where)
                continue
            if is_header(bare):
                if sentence.words:
                    yield _finished(sentence, layout, comments, issues)
                if header:
                    issues.add("empty text", "a document without tokens", f"{where}:{header}")
                sentence, header = TaggedSentence(where=where, opens_document=True), number
                comments.read(bare)
                continue
            columns = split_line(bare, layout.tabs)
            if bare[0] == "#" and not _is_token(columns, layout):
                comments.read(bare)
                continue
            columns = _mend(columns, bare, layout, issues, f"{where}:{number}")
        if (indexed and is_range(columns[0])) or number == layout.names:
            continue
        word = columns[token]
        if not word:
            issues.add("token without text", bare.strip(), f"{where}:{number}")
            continue
        header = 0
        sentence.words.append(word)
        sentence.tags.append("" if tag is None else columns[tag])
        sentence.numbers.append(number)
        if layout.inner:
            if not sentence.inner:
                sentence.inner = [[] for _ in layout.inner]
            for layer, i in zip(sentence.inner, layout.inner, strict=True):
                # What isn't there is no nested entity.
                layer.append(columns[i] if i < len(columns) else "O")
    if sentence.words:
        yield _finished(sentence, layout, comments, issues)
    if header:
        issues.add("empty text", "a document without tokens", f"{where}:{header}")
    if comments.passed:
        notes.append(f"{where}: {comments.passed:,} comment lines passed over")


def _finished(
    sentence: TaggedSentence, layout: Layout, comments: Comments, issues: IssueLog
) -> TaggedSentence:
    """Write on a sentence what its comments say, and take the codes of languages off its tokens."""
    comments.tell(sentence)
    for i, word in enumerate(sentence.words if layout.languages else ()):
        code, colon, rest = word.partition(":")
        if colon and code in layout.languages and rest:
            sentence.words[i] = rest
        else:
            issues.add("token without the code of its language", word, sentence.place(i))
    return sentence


def _is_token(columns: list[str], layout: Layout) -> bool:
    """Whether a line that begins with '#' holds a token and a tag after all."""
    if len(columns) != layout.width or layout.indexed:
        return False
    return layout.tag is None or _is_cell(columns[layout.tag], layout)


def _is_cell(cell: str, layout: Layout) -> bool:
    return cell in MISSING_TAGS or layout.spelling.is_tag(cell)


def _fits(columns: list[str], layout: Layout) -> bool:
    """Whether each column between token and tag holds what stands there elsewhere."""
    found = columns[layout.token + 1 : layout.tag]
    return all(value in seen for value, seen in zip(found, layout.between, strict=True))


def _mend(columns: list[str], line: str, layout: Layout, issues: IssueLog, place: str) -> list[str]:
    """Fit a line to the layout where it has a column too many or an empty one at an end."""
    width, token, tag = layout.width, layout.token, layout.tag
    if len(columns) == width - 1 and "\t" not in line:
        # Between spaces an empty column shows only at the ends of the line.
        if line[0] == " " and layout.spelling.is_tag(columns[-1]):
            columns = ["", *columns]
        elif line.endswith(" "):
            columns = [*columns, ""]
    while len(columns) > width and not columns[-1]:
        columns.pop()
    if len(columns) > width:
        # A token that holds spaces shifts what follows it; what stands behind the last column shifts nothing.
        end = token + len(columns) - width + 1
        shifted = [*columns[:token], " ".join(columns[token:end]), *columns[end:]]
        if tag is None:
            columns = shifted
        elif tag > token and _is_cell(shifted[tag], layout):
            if not _is_cell(columns[tag], layout) or _fits(shifted, layout) > _fits(columns, layout):
                columns = shifted
            elif _fits(shifted, layout) == _fits(columns, layout):
                issues.add("more columns than elsewhere", f"{line.strip()}, its tag made missing", place)
                columns[tag] = ""
                return columns[:width]
        issues.add("more columns than elsewhere", f"{line.strip()}, read as {columns[token]!r}", place)
    least = max(token, tag or 0) + 1
    if len(columns) < least:
        raise UserError(
            Errors.E104.format(where=place, found=len(columns), least=least, line=line.strip()[:60])
        )
    if tag is not None and len(columns) < width:
        # Which of them is gone can't be seen.
        issues.add("fewer columns than elsewhere", f"{line.strip()}, its tag made missing", place)
        columns += [""] * (width - len(columns))
        for column in (tag, *layout.inner):
            columns[column] = "" if column == tag else "O"
    return columns
