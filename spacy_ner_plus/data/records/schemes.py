"""Tagging schemes: which one a file uses, and IOB2 out of any of them."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from spacy_ner_plus.data.records.spellings import LABELS as LABELS_ALONE
from spacy_ner_plus.data.records.spellings import MISSING_TAGS, PLAIN, SEPARATORS, Spelling
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import CONTINUING, OPEN, split_tag

SCHEMES = ("IO", "IOB1", "IOB2", "BILUO", "IOBES", "BMES")
LETTERS = {"IO": "I", "IOB1": "IB", "IOB2": "IB", "BILUO": "BILU", "IOBES": "IBES", "BMES": "BMES"}
CLOSED = frozenset({"BILUO", "IOBES", "BMES"})
NEEDLESS = "B- that follows no entity of its label"
UNENDED = "entity without its end"

Place = Callable[[int], str]


@lru_cache(maxsize=100_000)
def parse_tag(tag: str) -> tuple[str, str] | None:
    """As split_tag, with missing annotation; remembered, as tags repeat.

    RETURNS (tuple[str, str] | None): Prefix and label, both empty where the
        annotation is missing, None where this is no tag.
    """
    return ("", "") if tag in MISSING_TAGS else split_tag(tag)


def is_tag(tag: str) -> bool:
    """RETURNS (bool): Whether this is a tag of a scheme with prefixes, such as 'B-PER' or 'O', not a missing one."""
    return tag not in MISSING_TAGS and parse_tag(tag) is not None


class TagReader:
    """Reads the tags of a file as IOB2, whatever the scheme, and says at the end which it was.

    Prefixes mean the same in every scheme (B-, U- and S- open an entity, U-,
    S-, L- and E- end one, I- and M- go on or else open one), so reading needs
    no scheme. Only what counts as a repair does, and that is known when all
    tags have been seen.

    scheme (str): One of SCHEMES, or 'auto' to have it detected. In 'IO' labels
        may stand without a prefix.
    issues (IssueLog): Where repairs are counted, once `count_repairs` is called.
    spelling (Spelling): How the tags are spelled. Default: as 'B-PER' and 'O'.
    valid, invalid (int): Tags other than O that were understood, and that weren't.
    example (str): The first that wasn't.
    """

    def __init__(self, scheme: str, issues: IssueLog, spelling: Spelling = PLAIN):
        self.given = scheme
        self.issues = issues
        self.spelling = spelling
        self._rewritten: dict[str, str] = {}
        self.letters = IssueLog()
        self.opened = IssueLog()
        self.needless = IssueLog()
        self.unended = IssueLog()
        self.valid = self.invalid = 0
        self.example = ""

    def read_layers(
        self, tags: Sequence[str], place: Place, inner: Sequence[Sequence[str]] = ()
    ) -> list[list[str]]:
        """Write the tags of one sentence as IOB2, in layers: the first of a cell's tags, then the others.

        tags (Sequence[str]): The tags of the file; a cell may hold several, as 'B-PER|B-ARTIST'.
        place (Callable[[int], str]): The place of the token with this index.
        inner (Sequence[Sequence[str]]): Further columns of tags.
        RETURNS (list[list[str]]): Layers as `read` gives them.
        """
        columns = [tags, *inner]
        if not self.spelling.is_plain or any(map(_may_be_several, set(tags).union(*inner))):
            # In the scheme IO anything is a label, whatever it looks like.
            columns = (
                [list(map(self._rewrite, column)) for column in columns] if self.given != "IO" else columns
            )
            columns = [layer for column in columns for layer in split_cells(column)]
        return [self.read(column, place) for column in columns]

    def _rewrite(self, cell: str) -> str:
        """Write a cell with upper-case prefixes; remembered, as cells repeat."""
        found = self._rewritten.get(cell)
        if found is None:
            found = self._rewritten[cell] = self.spelling.plain(cell)
        return found

    def read(self, tags: Sequence[str], place: Place) -> list[str]:
        """Write the tags of one sentence as IOB2; a tag that is none becomes missing.

        tags (Sequence[str]): The tags of the file.
        place (Callable[[int], str]): The place of the token with this index.
        RETURNS (list[str]): Tags with B-, I- and O, the empty string where the
            annotation is missing.
        """
        if tags.count("O") == len(tags):
            return list(tags)
        iob2 = []
        inside = ""  # the label of an entity that may go on
        for i, tag in enumerate(tags):
            letter, label = ("O", "") if tag == "O" else self._parse(tag, place, i)
            continues = letter in CONTINUING and label == inside
            if inside and not continues:
                _count(self.unended, UNENDED, f"{inside}, before {tag or 'nothing'}", place, i)
            if not label:
                iob2.append(letter)
                inside = ""
                continue
            _count(self.letters, letter, tag, place, i)
            if continues:
                iob2.append(f"I-{label}")
            else:
                iob2.append(f"B-{label}")
                if letter in CONTINUING:
                    _count(self.opened, f"{letter}- that opens an entity", tag, place, i)
                elif letter == "B" and label != inside:
                    _count(self.needless, NEEDLESS, tag, place, i)
            inside = label if letter in OPEN else ""
        if inside:
            _count(self.unended, UNENDED, f"{inside}, at a sentence's end", place, len(tags) - 1)
        return iob2

    def _parse(self, tag: str, place: Place, i: int) -> tuple[str, str]:
        if self.given == "IO" and tag not in MISSING_TAGS:
            self.valid += 1
            return "I", tag[2:] if tag.startswith("I-") and len(tag) > 2 else tag
        parsed = parse_tag(tag)
        if parsed is None:
            self.issues.add("invalid tag", tag, place(i))
            self.invalid += 1
            self.example = self.example or tag
            return "", ""
        self.valid += bool(parsed[1])
        return parsed

    @property
    def scheme(self) -> str:
        """The scheme that was given, or else what the tags read so far show.

        - BILUO, IOBES or BMES, where there are U-, S-, L- or E- tags, and half
          as many L- and E- as B- at least.
        - IOB1, where more entities are opened by I- than by a B- that does not
          stand directly after an entity of its own label. So a file in which
          every B- stands directly after an entity of its label is IOB1.
        - IOB2 otherwise; a few I- that open an entity are then repairs.
        """
        if self.given != "auto":
            return self.given
        if self.spelling.kind == LABELS_ALONE:
            return "IO"
        count = self.letters
        ends, singles = count["L"] + count["E"], count["U"] + count["S"]
        if ends + singles and ends * 2 >= count["B"]:
            if count["L"] + count["U"] >= count["E"] + count["S"]:
                return "BILUO"
            return "BMES" if count["M"] > count["I"] else "IOBES"
        needless = self.needless[NEEDLESS]
        return "IOB1" if self.opened["I- that opens an entity"] > needless else "IOB2"

    def count_repairs(self) -> None:
        """Count what the scheme forbids, now that all tags have been read."""
        scheme = self.scheme
        for letter, issue in self.letters:
            if letter not in LETTERS[scheme]:
                self.issues.add(
                    f"prefix that {scheme} does not have", issue.example, issue.where, issue.count
                )
        if scheme not in ("IO", "IOB1"):
            self.issues.merge(self.opened)
        if scheme == "IOB1":
            self.issues.merge(self.needless)
        if scheme in CLOSED:
            self.issues.merge(self.unended)


def split_cells(cells: Sequence[str]) -> list[list[str]]:
    """Part cells that hold several tags, as 'B-PER|B-ARTIST', into layers.

    A tag that goes on stands in the layer of the entity that it continues, others in the first that is free,
    so that the first tag of a cell is in the first layer unless an earlier entity takes it.

    cells (Sequence[str]): Of one sentence, their tags parted by '|'.
    RETURNS (list[list[str]]): One layer at least, O where a cell has fewer tags than there are layers.
    """
    layers: list[list[str]] = [[]]
    inside = [""]  # the label of the entity that may go on in each layer
    for i, cell in enumerate(cells):
        parts = cell.split("|")
        if len(parts) > 1 and all(map(is_tag, parts)):
            parsed = [(part, *split_tag(part)) for part in parts if part != "O"]
        else:
            parsed = [(cell, *(parse_tag(cell) or ("", "")))]
        taken: dict[int, tuple[str, str, str]] = {}
        rest = []
        for tag in parsed:
            going_on = [n for n, label in enumerate(inside) if label and label == tag[2] and n not in taken]
            if tag[1] in CONTINUING and going_on:
                taken[going_on[0]] = tag
            else:
                rest.append(tag)
        for tag in rest:
            free = next(n for n in range(len(layers) + 1) if n not in taken)
            if free == len(layers):
                layers.append(["O"] * i)
                inside.append("")
            taken[free] = tag
        for n, layer in enumerate(layers):
            tag, letter, label = taken.get(n, ("O", "O", ""))
            layer.append(tag)
            inside[n] = label if letter in OPEN else ""
    return layers


@lru_cache(maxsize=100_000)
def _may_be_several(cell: str) -> bool:
    return any(mark in cell for mark in SEPARATORS)


def _count(issues: IssueLog, kind: str, example: str, place: Place, i: int) -> None:
    """Add to an account, and work out the place only for the example."""
    if kind in issues.kinds:
        issues.kinds[kind].count += 1
    else:
        issues.add(kind, example, place(i))
