"""A Hugging Face tokenizer as we need it: wordpieces of a batch, with their offsets in its texts."""

import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from spacy.attrs import IDX, LENGTH, ORTH, SPACY
from spacy.tokens import Doc

from spacy_ner_plus.errors import Errors, UserError

_CONFIG = "tokenizer_config.json"
# What transformers 5 writes there of the last time that it was read.
_HOW_LOADED = ("is_local", "local_files_only")
# What sequences of normalizers and of pre-tokenizers call their members.
_PARTS = ("normalizers", "pretokenizers")


# Stands between the texts of a batch, so that numpy goes over all of them at once.
SEPARATOR = "\n"


class BatchText(NamedTuple):
    """The texts of a batch of Docs, joined by SEPARATOR, and where its tokens stand.

    parts (list[str]): The text of each Doc.
    text (str): All of them, joined.
    starts (Ints1d): Offset of each token's first character in the joined text, of shape (tokens,).
    ends (Ints1d): Offset after its last character.
    """

    parts: list[str]
    text: str
    starts: np.ndarray
    ends: np.ndarray


class Wordpieces(NamedTuple):
    """The wordpieces of a batch of texts, without special tokens.

    ids (Ints1d): Vocabulary ids, of shape (wordpieces,).
    starts (Ints1d): Offset of each wordpiece's first character in the joined text.
    ends (Ints1d): Offset after its last character.
    counts (list[int]): How many wordpieces each text has.
    """

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    counts: list[int]


def read_texts(docs: Sequence[Doc]) -> BatchText:
    """Read the texts of Docs, much faster than by doc.text, which makes an object of each token."""
    parts = []
    offsets = [np.zeros((0, 2), dtype=np.int64)]
    begin = 0
    for doc in docs:
        text = ""
        if len(doc):
            attributes = doc.to_array([ORTH, SPACY, IDX, LENGTH]).astype(np.int64, copy=False)
            orths, spaces = attributes[:, :2].T.astype(np.uint64, copy=False).tolist()
            strings = doc.vocab.strings
            text = "".join(
                [
                    strings[orth] + " " if space else strings[orth]
                    for orth, space in zip(orths, spaces, strict=True)
                ]
            )
            offsets.append(attributes[:, 2:] + (begin, 0))
        parts.append(text)
        begin += len(text) + len(SEPARATOR)
    starts, lengths = np.concatenate(offsets).T
    return BatchText(parts, SEPARATOR.join(parts), starts, starts + lengths)


class WordpieceTokenizer:
    """Cut texts into wordpieces, whole and with character offsets.

    hf_tokenizer (PreTrainedTokenizerFast): The tokenizer; only those of the
        `tokenizers` library know offsets.
    name (str): What the user called it, for messages.
    cuts_at_tokens (bool): Whether wordpieces are cut at the borders of tokens that would else share one.
        Networks that were trained before there was a choice expect False. Default True.
    RAISES (UserError): Where the tokenizer has no offsets.
    """

    def __init__(self, hf_tokenizer, name: str = "tokenizer", cuts_at_tokens: bool = True):
        if not getattr(hf_tokenizer, "is_fast", False):
            raise UserError(Errors.E203.format(name=name, kind=type(hf_tokenizer).__name__))
        self.hf_tokenizer = hf_tokenizer
        self.cuts_at_tokens = cuts_at_tokens
        self._backend = hf_tokenizer.backend_tokenizer
        self._continuing = None
        # A stored tokenizer may truncate or pad, which would lose text or add to it.
        self._backend.no_truncation()
        self._backend.no_padding()
        self.prefix, self.suffix = self._special_tokens()
        self.pad_id = hf_tokenizer.pad_token_id or 0
        self.lowercases = self._ids("Aa PARIS Paris") == self._ids("aa paris paris")

    def __call__(self, texts: Sequence[str]) -> Wordpieces:
        """Tokenize a batch of texts in one call.

        texts (Sequence[str]): Texts of any length.
        RETURNS (Wordpieces): Those of all texts, nothing cut.
        """
        encodings = self._backend.encode_batch(list(texts), add_special_tokens=False)
        ids = [encoding.ids for encoding in encodings]
        counts = [len(part) for part in ids]
        begins = np.cumsum([0, *(len(text) + len(SEPARATOR) for text in texts)])[: len(counts)]
        pairs = chain.from_iterable(encoding.offsets for encoding in encodings)
        offsets = np.fromiter(chain.from_iterable(pairs), dtype=np.int64, count=2 * sum(counts))
        starts, ends = offsets.reshape(-1, 2).T + np.repeat(begins, counts)
        flat = np.fromiter(chain.from_iterable(ids), dtype=np.int64, count=sum(counts))
        return Wordpieces(flat, starts, ends, counts)

    def encode_words(self, words: Sequence[str], *, begin: bool) -> list[tuple[np.ndarray, np.ndarray]]:
        """Tokenize words that stood beside others, each by itself.

        words (Sequence[str]): Such as 'not' of 'cannot'; one that stood after a space begins with it.
        begin (bool): Whether they stood at the beginning of a text or after white space. Those that didn't
            get no mark of a word's beginning, as SentencePiece and some byte-level BPE put before a text.
        RETURNS (list[tuple[Ints1d, Ints2d]]): Of each the ids, of shape (wordpieces,), and the offsets of
            first characters and of those after the last, (wordpieces, 2).
        """
        if not begin and self._continuing is None:
            self._continuing = _without_prefix(self._backend)
        backend = self._backend if begin else self._continuing
        encodings = backend.encode_batch(list(words), add_special_tokens=False)
        return [
            (
                np.array(encoding.ids, dtype=np.int64),
                np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2),
            )
            for encoding in encodings
        ]

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_continuing": None}

    def cuts_like(self, other: "WordpieceTokenizer") -> bool:
        """RETURNS (bool): Whether another one makes the same wordpieces of all texts."""
        return (
            self.cuts_at_tokens == other.cuts_at_tokens and self._backend.to_str() == other._backend.to_str()
        )

    def to_files(self) -> dict[str, bytes]:
        """RETURNS (dict[str, bytes]): The tokenizer's files by name."""
        with TemporaryDirectory() as folder:
            self.hf_tokenizer.save_pretrained(folder)
            files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
        if _CONFIG in files:
            config = json.loads(files[_CONFIG])
            for name in _HOW_LOADED:
                config.pop(name, None)
            if config.get("tokenizer_class") == "TokenizersBackend":
                # transformers 5's name for it, which 4 doesn't know; 5 knows both.
                config["tokenizer_class"] = "PreTrainedTokenizerFast"
            files[_CONFIG] = (json.dumps(config, indent=2, ensure_ascii=False) + "\n").encode("utf8")
        return files

    def _ids(self, text: str) -> list[int]:
        return self._backend.encode(text, add_special_tokens=False).ids

    def _special_tokens(self) -> tuple[list[int], list[int]]:
        # Found by probing: transformers 4 and 5 differ in the methods that would tell.
        encoding = self._backend.encode("a", add_special_tokens=True)
        special = encoding.special_tokens_mask
        inner = [i for i, is_special in enumerate(special) if not is_special]
        if not inner:
            return list(encoding.ids), []
        return list(encoding.ids[: inner[0]]), list(encoding.ids[inner[-1] + 1 :])


def _without_prefix(backend):
    """RETURNS (tokenizers.Tokenizer): The same vocabulary, with nothing put before the first word of a text."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers

    continuing = Tokenizer(backend.model)
    for part, empty in (
        ("normalizer", normalizers.Sequence([])),
        ("pre_tokenizer", pre_tokenizers.Sequence([])),
    ):
        original = getattr(backend, part)
        if original is not None:
            # By their states, which are JSON: their classes have no common way to change a setting.
            empty.__setstate__(json.dumps(_no_prefix(json.loads(original.__getstate__()))).encode("utf8"))
            setattr(continuing, part, empty)
    if backend.post_processor is not None:
        continuing.post_processor = backend.post_processor
    return continuing


def _no_prefix(part: dict) -> dict:
    """RETURNS (dict): The settings of a normalizer or pre-tokenizer that puts no space or mark before a text."""
    part = {
        key: [_no_prefix(one) for one in value] if isinstance(value, list) and key in _PARTS else value
        for key, value in part.items()
    }
    if part.get("type") == "Prepend":
        return {"type": "Sequence", "normalizers": []}
    if "prepend_scheme" in part:
        part["prepend_scheme"] = "never"
    if "add_prefix_space" in part:
        part["add_prefix_space"] = False
    return part
