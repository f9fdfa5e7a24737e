"""Tagged sentences, grouped to documents and read as Docs: the formats that have tokens and tags end here."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_ner_plus.data.records.record import Record, ScoredSpan, mark_record
from spacy_ner_plus.data.records.schemes import TagReader
from spacy_ner_plus.data.records.tagged import TaggedSentence
from spacy_ner_plus.data.records.whitespace import restore_spaces
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.settings import setting, settings
from spacy_ner_plus.spans import tags_to_spans


@settings
class TokenOptions:
    """How tokens with tags are read; formats that have such extend it."""

    group: str | int = setting(
        "What becomes a Doc: document, sentence, or a number of sentences.", "document"
    )
    scheme: str = setting("Tagging scheme: auto, IO, IOB1, IOB2, BILUO, IOBES or BMES.", "auto")
    restore_whitespace: bool = setting(
        "Whether spaces between tokens follow the rules of the language; otherwise there is one between any two.",
        True,
    )
    sentence_lines: bool = setting(
        "Whether each sentence begins on a line of its own, as titles and rows of tables stood; otherwise after a "
        "space.",
        False,
    )


@settings
class SpelledTokenOptions(TokenOptions):
    """How tokens with tags are read whose spelling is found out (`records/spellings.py`)."""

    label: str = setting("The label of tags that name none, such as B, I and O.", "")
    outside: str = setting("What stands for O where it is something else; 0 and o are known.", "")


def sentences_to_records(
    sentences: Iterable[TaggedSentence],
    nlp: Language,
    options: TokenOptions,
    *,
    has_documents: bool,
    reader: TagReader,
    shapes: str = "",
) -> Iterator[Record]:
    """Make Records of sentences: Docs with entities, sentence starts, and all layers of spans.

    sentences (Iterable[TaggedSentence]): As the source has them, none of them empty.
    nlp (Language): Its vocab, and the language by which white space is restored.
    has_documents (bool): Whether the source marks documents; without, `group` 'document' is a sentence.
    reader (TagReader): Reads the tags; the caller asks it for the scheme afterwards.
    shapes (str): What the format looks for as tags, for the message where none could be read.
    RAISES (UserError): A source whose tags are none.
    """
    size = group_size(options.group)
    if size is None and not has_documents:
        size = 1
    maker = _DocMaker(nlp, options, reader)
    for batch in _batches(sentences, size):
        yield maker.make(batch, is_sentence=size == 1)
    reader.count_repairs()
    if reader.invalid and not reader.valid:
        raise UserError(
            Errors.E171.format(
                where=batch[0].where, seen=reader.invalid, example=reader.example, hint="", shapes=shapes
            )
        )


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


def _batches(sentences: Iterable[TaggedSentence], size: int | None) -> Iterator[list[TaggedSentence]]:
    """Group sentences for Docs: up to this many, or all of a document."""
    batch: list[TaggedSentence] = []
    for sentence in sentences:
        if batch and (sentence.opens_document or len(batch) == size):
            yield batch
            batch = []
        batch.append(sentence)
    if batch:
        yield batch


@dataclass
class _DocMaker:
    """Makes a Doc of some sentences."""

    nlp: Language
    options: TokenOptions
    reader: TagReader

    def make(self, sentences: Sequence[TaggedSentence], is_sentence: bool) -> Record:
        """is_sentence (bool): Whether a Doc is a sentence, whose id is then the Record's."""
        words: list[str] = []
        spaces: list[bool] = []
        tags: list[str] = []
        starts: list[bool] = []
        inner: list[tuple[int, int, str]] = []
        for sentence in sentences:
            count = len(sentence.words)
            if words and self.options.sentence_lines:
                words.append("\n")
                tags.append("O")
                spaces[-1:] = [False, False]
                starts.append(False)
            layers = self.reader.read_layers(sentence.tags, sentence.place, sentence.inner)
            tags += layers[0]
            for layer in layers[1:]:
                inner += [
                    (start + len(words), end + len(words), label)
                    for start, end, label in tags_to_spans(layer)
                ]
            words += sentence.words
            if sentence.spaces is not None:
                spaces += sentence.spaces
            elif self.options.restore_whitespace:
                spaces += restore_spaces(sentence.words, self.nlp.lang)
            else:
                spaces += [True] * count
            starts += [True] + [False] * (count - 1)
        spaces[-1] = False
        doc = Doc(self.nlp.vocab, words=words, spaces=spaces, ents=tags, sent_starts=starts)
        first = sentences[0]
        record = Record(
            doc, first.place(0), first.id if is_sentence else first.document, _meta(sentences, is_sentence)
        )
        if not any(tags):
            return mark_record(record, None)
        spans = [ScoredSpan(ent) for ent in doc.ents]
        spans += [ScoredSpan(Span(doc, start, end, label=label)) for start, end, label in inner]
        # What is a nested entity and no part of an outer one must not be learnt as none.
        alone = {i for start, end, _ in inner for i in range(start, end) if tags[i] == "O"}
        if alone:
            doc.set_ents([], missing=[doc[i : i + 1] for i in sorted(alone)], default="unmodified")
        return mark_record(record, spans)


def _meta(sentences: Sequence[TaggedSentence], is_sentence: bool) -> dict[str, Any]:
    """What the source says about a Doc: what is the same for all its sentences, and the rest under 'sentences'.

    is_sentence (bool): Whether a Doc is a sentence, whose id is then the Record's.
    """
    first = sentences[0].meta
    if len(sentences) == 1:
        own = sentences[0].id
        return first if is_sentence or not own else {**first, "sentences": [{"id": own}]}
    whole = {
        key: value
        for key, value in first.items()
        if all(key in sentence.meta and sentence.meta[key] == value for sentence in sentences)
    }
    parts = [
        {
            key: value
            for key, value in {"id": sentence.id, **sentence.meta}.items()
            if key not in whole and value != ""
        }
        for sentence in sentences
    ]
    return {**whole, "sentences": parts} if any(parts) else whole
