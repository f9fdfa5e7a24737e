"""CoNLL files: one token a line, columns between tabs or spaces, an empty line after a sentence.

-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
"""

from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice

from spacy.language import Language
from spacy.tokens import Doc, Token

from spacy_ner_plus.data.conll.columns import find_layout
from spacy_ner_plus.data.conll.schemes import SCHEMES, TagReader
from spacy_ner_plus.data.conll.sentences import HEADER, Sentence, is_header, read_sentences, sample_lines
from spacy_ner_plus.data.conll.whitespace import restore_spaces
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

READ_AHEAD = 200_000  # lines of a stream, which can be read only once, in which a header is looked for


def conll_to_docs(
    lines: Iterable[str],
    nlp: Language,
    *,
    issues: IssueLog,
    where: str,
    group: str | int = "document",
    token_column: int | str | None = None,
    tag_column: int | str | None = None,
    scheme: str = "auto",
    restore_whitespace: bool = True,
    sentence_lines: bool = False,
    notes: list[str] | None = None,
    begins: deque[int] | None = None,
) -> Iterator[Doc]:
    """Read a CoNLL file as Docs with entities and sentence starts.

    lines (Iterable[str]): The lines. What can be iterated twice, such as a
        list, may be begun twice, to find the columns and whether there are
        documents; of a stream the first READ_AHEAD lines are held for that.
    nlp (Language): Gives the vocab and the language.
    issues (IssueLog): Where repairs and losses are counted.
    where (str): The file's name, for messages.
    group (str | int): What becomes a Doc: 'document' (a sentence, where the
        file marks no documents), 'sentence', or this many sentences, which
        never cross the border of a document.
    token_column, tag_column (int | str | None): The columns, from 1, or from
        -1 counted from the last; None finds them.
    scheme (str): One of SCHEMES, or 'auto'; how it is found says TagReader.scheme.
    restore_whitespace (bool): Whether spaces between tokens follow the rules
        of the language; otherwise there is one between any two.
    sentence_lines (bool): Whether a line break stands between sentences, as spaCy's tokenizer
        makes a token of it, outside of entities; otherwise there is a space.
    notes (list[str]): Where it is written what was found out about the file.
    begins (deque[int]): Where the line of each Doc's first token is put before the Doc is given.
    RAISES (UserError): A line with too few columns, a column that does not
        exist or holds no tags, a file without tokens.
    """
    size = group_size(group)
    if scheme != "auto" and scheme not in SCHEMES:
        raise UserError(Errors.E108.format(scheme=scheme, schemes=", ".join(["auto", *SCHEMES])))
    ahead: Iterable[str] = lines
    if iter(lines) is lines:
        ahead = list(islice(lines, READ_AHEAD))
        lines = chain(ahead, lines)
    sample = sample_lines(ahead)
    if not sample:
        raise UserError(Errors.E109.format(where=where))
    layout = find_layout(sample, where, token_column, tag_column, any_tag=scheme == "IO")
    notes = [] if notes is None else notes
    if size is None and not any(is_header(line) for line in ahead):
        size = 1
        notes.append(
            f"{where}: no {HEADER} lines, so each sentence became a Doc. Where neighbouring sentences "
            "belong together, --group 10 makes a Doc of ten."
        )
    reader = TagReader(scheme, issues)
    docs = 0
    for batch in _batches(read_sentences(lines, layout, where, issues, notes), size):
        docs += 1
        if begins is not None:
            begins.append(batch[0].numbers[0])
        parts = (reader.read(s.tags, partial(_place, where, s.numbers)) for s in batch)
        yield _doc(batch, parts, nlp, restore_whitespace, sentence_lines)
    if not docs:
        raise UserError(Errors.E109.format(where=where))
    reader.count_repairs()
    notes.append(f"{where}: {layout}; scheme {reader.scheme}{', detected' if scheme == 'auto' else ''}")


def docs_to_conll(
    docs: Iterable[Doc], *, docstart: bool = True, separator: str = "\t", issues: IssueLog | None = None
) -> Iterator[str]:
    """Write Docs as CoNLL lines with token and IOB2 tag, and '-' where the annotation is missing.

    docstart (bool): Whether each Doc gets a header; without, only the sentences remain.
    separator (str): Between the columns; tokens may contain spaces, so a tab is safe.
    issues (IssueLog): Where is counted what a line cannot hold: tokens of white
        space, line breaks in a token, a sentence that starts inside an entity,
        a token that would read as a header.
    YIELDS (str): The lines, each with its end.
    """
    issues = IssueLog() if issues is None else issues
    for number, doc in enumerate(docs, start=1):
        where = f"document {number}"
        if docstart:
            yield f"{HEADER}{separator}O\n\n"
        has_sentences = doc.has_annotation("SENT_START")
        written = 0
        label = ""  # of the entity whose first token has been written
        for token in doc:
            iob = token.ent_iob_
            if iob != "I":
                label = ""
            if written and has_sentences and token.is_sent_start:
                if iob == "I":
                    issues.add("sentence start inside an entity", token.text, where)
                else:
                    yield "\n"
            word = token.text
            if word == "\n" and has_sentences and _ends_sentence(token):
                # The break between sentences, which the empty line says.
                continue
            if word.isspace():
                issues.add("token of white space", repr(word), where)
                continue
            if not word.isprintable() and any(mark in word for mark in "\t\n\r"):
                issues.add("line break or tab in a token", repr(word), where)
                word = " ".join(word.split())
            if word.startswith(HEADER):
                issues.add("token that reads as a header", word, where)
                word = f"_{word}"
            written += 1
            if iob in ("B", "I"):
                tag = f"I-{label}" if label else f"B-{token.ent_type_}"
                label = token.ent_type_
            else:
                tag = iob or "-"
            yield f"{word}{separator}{tag}\n"
        if written:
            yield "\n"


def _ends_sentence(token: Token) -> bool:
    return token.i + 1 < len(token.doc) and bool(token.doc[token.i + 1].is_sent_start)


def group_size(group: str | int) -> int | None:
    """Read what becomes a Doc.

    group (str | int): 'document', 'sentence' or a number of sentences.
    RETURNS (int | None): How many sentences make a Doc, None for a whole document.
    RAISES (UserError): Anything else.
    """
    if group == "document":
        return None
    if group == "sentence":
        return 1
    if isinstance(group, int) or group.isdecimal():
        size = int(group)
        if size > 0:
            return size
    raise UserError(Errors.E110.format(group=group))


def _batches(sentences: Iterable[Sentence], size: int | None) -> Iterator[list[Sentence]]:
    """Group sentences for Docs: up to this many, or all of a document."""
    batch: list[Sentence] = []
    for sentence in sentences:
        if batch and (sentence.opens_document or len(batch) == size):
            yield batch
            batch = []
        batch.append(sentence)
    if batch:
        yield batch


def _place(where: str, numbers: list[int], i: int) -> str:
    return f"{where}:{numbers[i]}"


def _doc(
    sentences: list[Sentence],
    sentence_tags: Iterable[list[str]],
    nlp: Language,
    restore_whitespace: bool,
    sentence_lines: bool,
) -> Doc:
    words: list[str] = []
    spaces: list[bool] = []
    tags: list[str] = []
    starts: list[bool] = []
    for sentence, read_tags in zip(sentences, sentence_tags, strict=True):
        count = len(sentence.words)
        if words and sentence_lines:
            words.append("\n")
            tags.append("O")
            spaces[-1:] = [False, False]
            starts.append(False)
        tags += read_tags
        words += sentence.words
        spaces += restore_spaces(sentence.words, nlp.lang) if restore_whitespace else [True] * count
        starts += [True] + [False] * (count - 1)
    spaces[-1] = False
    return Doc(nlp.vocab, words=words, spaces=spaces, ents=tags, sent_starts=starts)
