"""`.spacy` files: spaCy's DocBin, read and written here alone.

A corpus is one such file, or a folder that holds some at any depth.
"""

import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import numpy
import srsly
from spacy.attrs import DEP, ENT_ID, ENT_KB_ID, ENT_TYPE, LEMMA, MORPH, NORM, ORTH, SPACY, TAG
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_ner_plus.annotated_labels import ANNOTATED_LABELS
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import write_whole
from spacy_ner_plus.unplaced_mentions import UNPLACED_MENTIONS

# What is written of user_data, which may hold anything, also what can't be.
USER_DATA = (ANNOTATED_LABELS, UNPLACED_MENTIONS)
STRING_ATTRS = (ORTH, NORM, TAG, DEP, LEMMA, MORPH, ENT_TYPE, ENT_KB_ID, ENT_ID)
LIMIT = 2**32 - 1  # bytes of one value in a msgpack file
BLOCK = 1 << 20
PACKED_SPAN = struct.Struct(">QQQllll")
# What reading bytes that are no DocBin raises, at one level or another.
NO_DOCBIN = (ValueError, KeyError, TypeError, AttributeError, AssertionError, EOFError, zlib.error)


def corpus_files(path: Path) -> list[Path]:
    """Find the files of a corpus.

    path (Path): A .spacy file, or a folder; as for spaCy, hidden files and folders in it don't count.
    RETURNS (list[Path]): The files, sorted.
    RAISES (UserError): Where there is none.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*.spacy") if not _is_hidden(file.relative_to(path)))
        if not files:
            raise UserError(Errors.E301.format(path=path, reason="the folder holds no .spacy file"))
        return files
    if not path.exists():
        raise UserError(Errors.E301.format(path=path, reason="there is no such file or folder"))
    return [path]


def read_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """Read a corpus a Doc at a time.

    vocab (Vocab): The vocab that the Docs get.
    YIELDS (Doc): The Docs, in the order of the files.
    RAISES (UserError): A file that cannot be read or is no DocBin.
    """
    for file in corpus_files(path):
        with _reading(file):
            docs = DocBin().from_disk(file).get_docs(vocab)
            # The first Doc shows whether the words are there, too.
            first = next(docs, None)
        if first is not None:
            yield first
            yield from docs


def load_docs(path: Path, vocab: Vocab, limit: int = 0) -> list[Doc]:
    """Read a corpus into memory.

    vocab (Vocab): The vocab that the Docs get.
    limit (int): How many to read at most; 0 for all.
    RETURNS (list[Doc]): The Docs, in the order of the files.
    RAISES (UserError): Where a file cannot be read, or there is no Doc.
    """
    docs = list(islice(read_docs(path, vocab), limit or None))
    if not docs:
        raise UserError(Errors.E302.format(path=path))
    return docs


def doc_lengths(path: Path) -> list[int]:
    """Read how many tokens each Doc of a corpus has, without making Docs.

    RAISES (UserError): A file that cannot be read or is no DocBin.
    """
    lengths: list[int] = []
    for file in corpus_files(path):
        with _reading(file):
            lengths += map(len, DocBin().from_disk(file).tokens)
    return lengths


def save_docs(docs: Sequence[Doc], path: Path) -> None:
    """Write Docs as a .spacy file, whole or not at all; of their user_data only which labels were annotated, and
    mentions that have no place.

    RAISES (UserError): Where it cannot be written.
    """
    write_whole(path, _docbin(docs).to_bytes())


def to_vocab(docs: Sequence[Doc], vocab: Vocab) -> list[Doc]:
    """Give Docs of a vocab, as they would come from a file; those that have it already are not copied."""
    if all(doc.vocab is vocab for doc in docs):
        return list(docs)
    return list(_docbin(docs).get_docs(vocab))


def _docbin(docs: Sequence[Doc]) -> DocBin:
    kept = [{key: doc.user_data[key] for key in USER_DATA if key in doc.user_data} or None for doc in docs]
    docbin = DocBin(docs=docs)
    if any(kept):
        docbin.store_user_data = True
        docbin.user_data = [data and srsly.msgpack_dumps(data) for data in kept]
    return docbin


def bare_copy(doc: Doc, vocab: Vocab) -> Doc:
    """Copy a Doc's tokens and white space alone, without any annotation."""
    words, spaces = [token.text for token in doc], [bool(token.whitespace_) for token in doc]
    return Doc(vocab, words=words, spaces=spaces)


class DocSpool:
    """Takes Docs one at a time, and writes them as a .spacy file or gives them back.

    spaCy's own DocBin keeps the tokens of a corpus in memory, and twice while it
    writes them. Here they wait in a temporary file, so that what a corpus takes is
    its unique words and a few bytes a Doc.

    folder (Path): Where the temporary file lies; it has no name and goes with the process.
    """

    def __init__(self, folder: Path):
        template = DocBin()
        self.attrs: list[int] = template.attrs
        self.version: str = template.version
        self._string_columns = [self.attrs.index(attr) for attr in STRING_ATTRS if attr in self.attrs]
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
        self._size = 0
        self._spaces: list[bytes] = []
        self._lengths: list[int] = []
        self._seen: set[int] = set()
        self._strings: set[str] = set()
        self._cats: list[dict] = []
        self._flags: list[dict] = []
        self._span_groups: list[bytes] = []
        self._user_data: list[bytes | None] = []
        # Most Docs share these, so they are kept once.
        self._no_cats: dict = {}
        self._known_spaces, self._unknown_spaces = {"has_unknown_spaces": False}, {"has_unknown_spaces": True}
        self._no_spans = b""
        # One for all: each that is made looks through the entry points of all packages, a millisecond.
        self._packer = srsly.msgpack.Packer(use_bin_type=True)

    def __len__(self) -> int:
        """RETURNS (int): How many Docs were added."""
        return len(self._lengths)

    def add(self, doc: Doc) -> None:
        """Add a Doc: all that a DocBin keeps is kept, and user_data where there is any."""
        tokens = doc.to_array(self.attrs).reshape((len(doc), len(self.attrs)))
        strings = doc.vocab.strings
        for column in self._string_columns:
            hashes = set(tokens[:, column].tolist()) - self._seen
            if hashes:
                self._seen |= hashes
                self._strings.update(strings[key] for key in hashes)
        data = tokens.tobytes()
        self._file.write(data)
        self._size += len(data)
        self._spaces.append(doc.to_array(SPACY).astype(bool).tobytes())
        self._lengths.append(len(doc))
        self._cats.append(doc.cats or self._no_cats)
        self._flags.append(self._unknown_spaces if doc.has_unknown_spaces else self._known_spaces)
        self._span_groups.append(self._pack_spans(doc))
        self._user_data.append(self._packer.pack(doc.user_data) if doc.user_data else None)

    def _pack_spans(self, doc: Doc) -> bytes:
        if not doc.spans:
            self._no_spans = self._no_spans or doc.spans.to_bytes()
            return self._no_spans
        # As `SpanGroups.to_bytes` does, with a packer that is there already.
        packed: dict[bytes, list[str]] = {}
        for key, group in doc.spans.items():
            spans = []
            for span in group:
                for string in (span.label, span.kb_id, span.id):
                    if string in doc.vocab.strings:
                        self._strings.add(doc.vocab.strings[string])
                bounds = (span.start, span.end, span.start_char, span.end_char)
                spans.append(PACKED_SPAN.pack(span.id, span.kb_id, span.label, *bounds))
            values = {"name": group.name, "attrs": group.attrs, "spans": spans}
            packed.setdefault(self._packer.pack(values), []).append(key)
        return self._packer.pack(packed)

    def docs(self, vocab: Vocab) -> Iterator[Doc]:
        """Give the Docs back.

        vocab (Vocab): The vocab that they were made with.
        YIELDS (Doc): The Docs in the order in which they were added.
        """
        yield from self.take(range(len(self)), vocab)

    def take(self, numbers: Iterable[int], vocab: Vocab) -> Iterator[Doc]:
        """Give some Docs back.

        numbers (Iterable[int]): Which, counted from 0 in the order in which they were added.
        vocab (Vocab): The vocab that they were made with.
        YIELDS (Doc): The Docs in the order of the numbers.
        """
        row = len(self.attrs) * 8
        offsets = numpy.cumsum([0, *self._lengths], dtype=numpy.int64)
        for i in numbers:
            self._file.seek(int(offsets[i]) * row)
            tokens = numpy.frombuffer(self._file.read(self._lengths[i] * row), dtype="uint64")
            single = DocBin()
            single.tokens = [tokens.reshape((self._lengths[i], len(self.attrs)))]
            single.spaces = [numpy.frombuffer(self._spaces[i], dtype=bool).reshape((self._lengths[i], 1))]
            single.cats, single.flags = [dict(self._cats[i])], [self._flags[i]]
            single.span_groups, single.user_data = [self._span_groups[i]], [self._user_data[i]]
            yield from single.get_docs(vocab)

    def write(self, path: Path) -> None:
        """Write a .spacy file, as DocBin.to_disk does.

        RAISES (UserError): More tokens than the file format can hold.
        """
        if self._size > LIMIT:
            shards = self._size // LIMIT + 1
            raise UserError(Errors.E126.format(path=path, size=self._size / 2**30, shards=shards))
        values = {
            "lengths": numpy.asarray(self._lengths, dtype="int32").tobytes(),
            "strings": sorted(self._strings),
            "cats": self._cats,
            "flags": self._flags,
            "span_groups": self._span_groups,
        }
        if any(self._user_data):
            values["user_data"] = self._user_data
        compressor = zlib.compressobj()
        with path.open("wb") as file:
            # A msgpack map, whose largest value is not held in memory.
            file.write(compressor.compress(bytes([0x80 + len(values) + 4])))
            for key, value in (("version", self.version), ("attrs", self.attrs)):
                file.write(compressor.compress(srsly.msgpack_dumps(key) + srsly.msgpack_dumps(value)))
            file.write(compressor.compress(srsly.msgpack_dumps("tokens") + _binary_header(self._size)))
            self._file.seek(0)
            while block := self._file.read(BLOCK):
                file.write(compressor.compress(block))
            spaces = b"".join(self._spaces)
            file.write(compressor.compress(srsly.msgpack_dumps("spaces") + _binary_header(len(spaces))))
            file.write(compressor.compress(spaces))
            for key, value in values.items():
                file.write(compressor.compress(srsly.msgpack_dumps(key) + srsly.msgpack_dumps(value)))
            file.write(compressor.flush())

    def close(self) -> None:
        """Close the temporary file, which removes it."""
        # What it still holds back is written then, which a full disk refuses; it is closed all the same.
        with suppress(OSError):
            self._file.close()


def _binary_header(size: int) -> bytes:
    return b"\xc6" + struct.pack(">I", size)


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(Errors.E301.format(path=file, reason=error.strerror or error)) from error
    except NO_DOCBIN as error:
        reason = str(error).split("\n")[0][:100] or type(error).__name__
        raise UserError(Errors.E125.format(path=file, reason=reason)) from error


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
