"""A Hugging Face tokenizer as we need it: wordpieces with their places in the text."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from spacy.attrs import ORTH, SPACY
from spacy.tokens import Doc

from spacy_ner_plus.errors import Errors, UserError

_CONFIG = "tokenizer_config.json"


class Wordpieces(NamedTuple):
    """The wordpieces of one text, without special tokens.

    text (str): The text.
    ids (Ints1d): Vocabulary ids, of shape (wordpieces,).
    starts (Ints1d): Offset of each wordpiece's first character in the text.
    ends (Ints1d): Offset after its last character.
    """

    text: str
    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


def doc_text(doc: Doc) -> str:
    """Give a Doc's text, much sooner than doc.text does, which makes an object of each token.

    doc (Doc): The Doc.
    RETURNS (str): The same as doc.text.
    """
    if not len(doc):
        return ""
    orths, spaces = doc.to_array([ORTH, SPACY]).T.tolist()
    strings = doc.vocab.strings
    return "".join(
        [strings[orth] + " " if space else strings[orth] for orth, space in zip(orths, spaces, strict=True)]
    )


class WordpieceTokenizer:
    """Cut texts into wordpieces, whole and with character offsets.

    hf_tokenizer (PreTrainedTokenizerFast): The tokenizer; only those of the
        `tokenizers` library know offsets.
    name (str): What the user called it, for messages.
    RAISES (UserError): Where the tokenizer has no offsets.
    """

    def __init__(self, hf_tokenizer, name: str = "tokenizer"):
        if not getattr(hf_tokenizer, "is_fast", False):
            raise UserError(Errors.E203.format(name=name, kind=type(hf_tokenizer).__name__))
        self.hf_tokenizer = hf_tokenizer
        self._backend = hf_tokenizer.backend_tokenizer
        # A stored tokenizer may truncate or pad, which would lose text or add to it.
        self._backend.no_truncation()
        self._backend.no_padding()
        self.prefix, self.suffix = self._special_tokens()
        self.pad_id = hf_tokenizer.pad_token_id or 0
        self.lowercases = self._ids("Aa PARIS Paris") == self._ids("aa paris paris")

    def __call__(self, texts: Sequence[str]) -> list[Wordpieces]:
        """Tokenize a batch of texts in one call.

        texts (Sequence[str]): Texts of any length.
        RETURNS (list[Wordpieces]): One for each text, nothing cut.
        """
        pieces = []
        encodings = self._backend.encode_batch(list(texts), add_special_tokens=False)
        for text, encoding in zip(texts, encodings, strict=True):
            offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
            pieces.append(
                Wordpieces(text, np.array(encoding.ids, dtype=np.int64), offsets[:, 0], offsets[:, 1])
            )
        return pieces

    def to_files(self) -> dict[str, bytes]:
        """RETURNS (dict[str, bytes]): The tokenizer's files by name."""
        with TemporaryDirectory() as folder:
            self.hf_tokenizer.save_pretrained(folder)
            files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
        if _CONFIG in files:
            # transformers 5's name for it, which 4 doesn't know; 5 knows both.
            files[_CONFIG] = files[_CONFIG].replace(b'"TokenizersBackend"', b'"PreTrainedTokenizerFast"')
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
