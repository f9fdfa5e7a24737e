"""How sources spell their tags: B-PER, b-per, PER-B, PER alone, B alone; and O, which some write as 0.

A spelling is found once for a source, by a sample of its tags, and rewrites each of them as prefix and label. What it
doesn't understand stays as it is, so that it is counted as no tag.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from spacy_ner_plus.spans import split_tag

# What files write where the annotation of a token is missing, which is not O.
MISSING_TAGS = frozenset({"", "_", "-"})
PREFIX, LOWER, SUFFIX, BARE, LABELS = "prefix", "lower", "suffix", "bare", "labels"
Kind = Literal["prefix", "lower", "suffix", "bare", "labels"]
LETTERS = "BILUESM"
# Between the tags of a cell that has several.
SEPARATORS = "|,;/+&"
OUTSIDE = ("O", "0", "o")
# What a source is counted as that has tags of entities in several places, of which one is read.
OTHER_TAGS = "column of tags that isn't read"
# How much of a column must be outside for its other values to be labels without prefix.
OUTSIDE_SHARE = 0.2

_LOWER = re.compile(r"([bilesum])[-_](\S.*)", re.IGNORECASE)
_SUFFIX = re.compile(r"(\S.*)[-_]([BILESUM])")
_LABEL = re.compile(r"[^\W\d_][\w&.:/*+ -]*[\w)*+]")
# Universal and Penn Treebank parts of speech, and labels of phrases.
_SPEECH = (
    "ADJ ADP ADV AUX CCONJ CONJ DET INTJ NOUN NUM PART PRON PROPN PRT PUNCT SCONJ SYM VERB "
    "CC CD DT EX FW IN JJ JJR JJS LS MD NN NNS NNP NNPS PDT POS PRP PRP$ RB RBR RBS RP TO UH "
    "VB VBD VBG VBN VBP VBZ WDT WP WP$ WRB"
)
_PHRASES = "NP VP PP ADVP ADJP SBAR PRT CONJP INTJ LST UCP NX WHNP QP S PNP NC VG"
PARTS_OF_SPEECH = frozenset(_SPEECH.split())
CHUNKS = frozenset(_PHRASES.split())


@dataclass(frozen=True)
class Spelling:
    """How a source spells its tags.

    kind (Kind): 'prefix' B-PER; 'lower' b-per; 'suffix' PER-B; 'bare' B, I and O, which name no label; 'labels' PER.
    outside (frozenset[str]): What means O.
    label (str): Of bare tags; '' where it isn't known.
    letters (frozenset[str]): The lower-case letters that are prefixes, where `kind` is 'lower'.
    """

    kind: Kind = "prefix"
    outside: frozenset[str] = frozenset({"O"})
    label: str = ""
    letters: frozenset[str] = frozenset()

    def plain(self, cell: str) -> str:
        """Write a cell's tags with upper-case prefixes, parted by '|' where it has several.

        RETURNS (str): Such as 'B-PER'; the cell as it is where it holds no tag.
        """
        if cell in MISSING_TAGS:
            return cell
        for mark in "|" if self.kind == LABELS else SEPARATORS:
            if mark in cell:
                parts = [self._one(part.strip()) for part in cell.split(mark)]
                # An O beside others is only written in columns; 'I/O' may be a label.
                if None not in parts and (mark == "|" or "O" not in parts):
                    return "|".join(part for part in parts if part is not None)
        return self._one(cell) or cell

    def is_tag(self, cell: str) -> bool:
        """RETURNS (bool): Whether a cell holds a tag or several, and isn't one where the annotation is missing."""
        if cell in MISSING_TAGS:
            return False
        return all(split_tag(part) is not None for part in self.plain(cell).split("|")) or (
            self._one(cell) is not None
        )

    @property
    def is_plain(self) -> bool:
        """RETURNS (bool): Whether tags are spelled as everywhere, such as 'B-PER' and 'O'."""
        return self.kind == PREFIX and self.outside == {"O"}

    def _one(self, tag: str) -> str | None:
        """Write one tag plainly; None where it is none."""
        if tag in self.outside:
            return "O"
        if self.kind == PREFIX:
            return tag if tag != "O" and split_tag(tag) else None
        if self.kind == LOWER:
            match = _LOWER.fullmatch(tag)
            known = match is not None and (match[1].isupper() or match[1] in self.letters)
            return f"{match[1].upper()}-{match[2]}" if match and known else None
        if self.kind == SUFFIX:
            match = _SUFFIX.fullmatch(tag)
            return f"{match[2]}-{match[1]}" if match else None
        if self.kind == BARE:
            is_letter = self.label and len(tag) == 1 and tag.upper() in LETTERS
            return f"{tag.upper()}-{self.label}" if is_letter else None
        return f"I-{tag}" if _LABEL.fullmatch(tag) else None

    def __str__(self) -> str:
        """RETURNS (str): What is unusual about it, for the user; '' where nothing is."""
        said = {
            LOWER: "tags in lower case",
            SUFFIX: "labels before their B and I, as PER-B",
            BARE: f"tags without a label, which is {self.label}",
            LABELS: "labels without prefixes, so that neighbours of one label are one entity",
        }.get(self.kind, "")
        marks = ", ".join(f"'{mark}'" for mark in sorted(self.outside - {"O"}))
        return ", ".join(filter(None, [said, f"{marks} read as O" if marks else ""]))


PLAIN = Spelling()


def find_spelling(
    values: Iterable[str] | Mapping[str, int], label: str = "", outside: str = ""
) -> Spelling | None:
    """Find out how tags are spelled.

    values (Iterable[str] | Mapping[str, int]): Cells of a column, or how often each is there.
    label (str): Of tags that name none, such as B and I.
    outside (str): What stands for O, where it isn't O, 0 or o.
    RETURNS (Spelling | None): None where these are no tags, as far as can be told.
    """
    counts = Counter(values)
    for missing in MISSING_TAGS - {outside}:
        del counts[missing]
    marks = frozenset(mark for mark in (outside, *OUTSIDE) if mark and mark in counts)
    inside = Counter({value: n for value, n in counts.items() if value not in marks})
    if not inside:
        # A column of zeros alone says nothing.
        return Spelling(outside=marks) if marks & {"O", outside} else None
    marks |= {"O"}
    total = sum(inside.values())

    def share(spelling: Spelling) -> float:
        return sum(n for value, n in inside.items() if spelling.is_tag(value)) / total

    prefix = Spelling(PREFIX, marks)
    understood = share(prefix)
    if understood >= 0.5:
        return prefix
    for spelling in (_lower(inside, marks), Spelling(SUFFIX, marks)):
        if spelling is not None and share(spelling) >= 0.5:
            return spelling
    outsides = sum(counts[mark] for mark in marks)
    if all(len(value) == 1 and value.upper() in LETTERS for value in inside):
        return Spelling(BARE, marks, label) if outsides and {"B", "I", "b", "i"} & inside.keys() else None
    if not understood and _are_labels(inside, outsides):
        return Spelling(LABELS, marks)
    return prefix if understood else None


def is_chunk(cell: str) -> bool:
    """RETURNS (bool): Whether a tag is one of phrases, such as B-NP."""
    parsed = split_tag(cell)
    return parsed is not None and parsed[1] in CHUNKS


def _lower(inside: Mapping[str, int], marks: frozenset[str]) -> Spelling | None:
    """Lower-case prefixes: e-, s-, l-, u- and m- are such only before labels that b- and i- have, too, as 'e-mail' is
    a label."""
    matches = [match for match in map(_LOWER.fullmatch, inside) if match]
    labels = {match[2] for match in matches if match[1] in "bi"}
    if not labels:
        return None
    return Spelling(
        LOWER,
        marks,
        letters=frozenset(match[1] for match in matches if match[1].islower() and match[2] in labels),
    )


def _are_labels(inside: Mapping[str, int], outside: int) -> bool:
    """Whether these are labels of entities, rather than parts of speech, numbers or words."""
    total = sum(inside.values())
    if outside < OUTSIDE_SHARE * (outside + total) or len(inside) > max(5, total // 2) or len(inside) > 500:
        return False
    alike = sum(n for value, n in inside.items() if _LABEL.fullmatch(value))
    speech = sum(value in PARTS_OF_SPEECH for value in inside)
    return alike >= 0.95 * total and speech * 3 <= len(inside)
