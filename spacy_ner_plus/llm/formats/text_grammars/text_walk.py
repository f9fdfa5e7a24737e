"""Grammars that hold the mentions of a reply to its text, for llguidance as llama.cpp takes it (`%llguidance`).

The mentions of a reply are a walk through its text: each is a run of its pieces, which are tokens, with the text's own
white space between them, and begins after the one before it has ended. So nothing that isn't in the text can be
written, no mention more often than it occurs, and a list comes to its end, as those of small models often don't.

A reply is one regular expression, written as terminals that name each other, of which llguidance makes a graph: for a
text of n pieces of n * MOST_PIECES nodes, of which it looks at those alone that a reply comes to. Where a text has a
word a hundred times, reading it in a hundred ways takes more than llguidance allows, and it drops the grammar within
the reply: so each word leads to one place, the first one, from which all can be said that might follow. Rules in place
of terminals cost it a multiple, and know one way alone to read words of which one is the beginning of another, as
Chinese and Japanese have them. `substring_chunks` keeps no order, so that a model can say the same mention for ever.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence

from spacy_ner_plus.llm.formats.text_grammars.ways import OPAQUE_TERMINAL, Ways

# Tokens of a mention at most: those of CoNLL++ have up to 10, and a model that has lost its way copies on and on.
MOST_PIECES = 12
# Texts with more have no grammar, as llguidance drops one that is too large without a word. In lists of mentions it
# isn't tokens alone that count, but letters, too, and how often words are there: grammars of so many characters took
# 0.7 of what it allows for usual texts, and up to 0.98 for tables that repeat themselves.
MOST_IN_LISTS = 3000
MOST_IN_COPIES = 4000
MOST_CHARACTERS = 2_800_000
# What no reply has. What stands behind it is read, and left out again.
NEVER = "/[a&&b]/"
# Where a terminal is named for the first time it is read, and in it those that it names. Named behind NEVER from the
# last one backwards, at such distances, those of a long text need no deeper stack than those of a short one: where a
# stack ends, so does the server, without a word.
_STEP = 16
# Stands in a form for a mention, and is read as one nowhere.
_PLACEHOLDER = re.compile(r"\s*(?:(?:\.{3}|\u2026)\s*)+")
_SURROGATE = re.compile("[\ud800-\udfff]")

Piece = tuple[int, int]


class TextWalk:
    """The pieces of a text, of which mentions are made.

    text (str): What is asked about.
    pieces (Sequence[tuple[int, int]]): Start and end, by character and in order, of what mentions begin and end with;
        white space is left out.
    """

    def __init__(self, text: str, pieces: Sequence[Piece]):
        self.text = text
        self.pieces = [trimmed for start, end in pieces if (trimmed := _trim(text, start, end))]
        # Half of a surrogate pair can't be sent, and so not be answered either.
        self.is_sayable = [not has_surrogate(text[start:end]) for start, end in self.pieces]

    def __len__(self) -> int:
        return len(self.pieces)

    def word(self, k: int) -> str:
        """RETURNS (str): Piece k."""
        return self.text[slice(*self.pieces[k])]

    def gap(self, k: int) -> str:
        """RETURNS (str): What the text has before piece k; after the last one for their number."""
        begin = self.pieces[k - 1][1] if k else 0
        return self.text[begin : self.pieces[k][0] if k < len(self.pieces) else len(self.text)]

    def run(self, k: int, length: int) -> str:
        """RETURNS (str): The text of so many pieces before piece k."""
        return self.text[self.pieces[k - length][0] : self.pieces[k - 1][1]]

    def is_mention(self, first: int, last: int) -> bool:
        """RETURNS (bool): Whether a reply can name the pieces from one to another, both of them included."""
        run = self.run(last + 1, last - first + 1)
        return not has_surrogate(run) and not _PLACEHOLDER.fullmatch(run)

    def terminals(
        self,
        *,
        begin: Callable[[int], str],
        go_on: Callable[[int, int], str],
        close: Callable[[int, int], str],
        between: str,
        end: str,
        before_close: str = "",
    ) -> list[str]:
        """Write the terminals of a list of mentions.

        begin (Callable): How a mention is written up to the end of piece k, with which it begins: an expression.
        go_on (Callable): How a mention that ends before piece k, and has so many pieces, goes on up to its end.
        close (Callable): How such a mention is closed.
        between (str): What stands between two mentions.
        end (str): What stands after the last one.
        before_close (str): What stands before `close` in any case.
        RETURNS (list[str]): Lines. RUN_0_0 is the list from where its first mention begins.
        """
        count = len(self.pieces)
        lines = [OPAQUE_TERMINAL]
        for k in range(1, count + 1):
            lines.append(f"AFTER_{k}: {end}" + (f" | {between} RUN_{k}_0" if k < count else ""))
        # RUN_k_l is a mention that began at piece k and has l pieces. Runs of the same words share their ways on.
        runs = [list(range(count - 1, -1, -1))]
        for length in range(min(MOST_PIECES, count) + 1):
            longer: list[list[int]] = []
            for firsts in runs:
                closed, ends = Ways(f"CLOSED_{firsts[0]}_{length}"), {}
                on, words = Ways(f"ON_{firsts[0]}_{length}"), {}
                if length and not _PLACEHOLDER.fullmatch(self.run(firsts[0] + length, length)):
                    ends = {first: close(first + length, length) for first in firsts}
                if length < MOST_PIECES:
                    words = {
                        first: go_on(first + length, length) if length else begin(first)
                        for first in firsts
                        if self._can_say(first + length, length)
                    }
                closed.expect(ends.values())
                on.expect(words.values())
                # From the end of the text on, what can be said of a place takes the place of the same words further on:
                # all that is behind those is behind these, too.
                for first in firsts:
                    if first in ends:
                        closed.put(ends[first], f"{ends[first]} AFTER_{first + length}", lines)
                    if first in words:
                        on.put(words[first], f"{words[first]} RUN_{first}_{length + 1}", lines)
                    ways = [f"{before_close} ({closed})" if str(closed) else "", str(on)]
                    lines.append(f"RUN_{first}_{length}: {' | '.join(filter(None, ways)) or NEVER}")
                longer += _by_word(words)
            runs = longer
        return lines

    def _can_say(self, k: int, length: int) -> bool:
        """RETURNS (bool): Whether a mention of so many pieces can go on with piece k."""
        if k >= len(self.pieces) or not self.is_sayable[k]:
            return False
        return not length or not has_surrogate(self.gap(k))

    def inner_terminals(
        self,
        k: int,
        go_on: Callable[[int, int], str],
        close: Callable[[int, int], str],
        after: str,
        name: str = "IN",
    ) -> list[str]:
        """Write the terminals of a mention, of each length, that goes on at piece k or is closed before it.

        after (str): The terminal of what follows a mention that is closed.
        RETURNS (list[str]): Lines, of the terminals `name`_k_length.
        """
        lines = []
        can_go_on = self._can_say(k, 1)
        for length in range(1, min(MOST_PIECES, k) + 1):
            ways = []
            if not _PLACEHOLDER.fullmatch(self.run(k, length)):
                ways.append(f"{close(k, length)} {after}")
            if can_go_on and length < MOST_PIECES:
                ways.append(f"{go_on(k, length)} {name}_{k + 1}_{length + 1}")
            lines.append(f"{name}_{k}_{length}: {' | '.join(ways) or NEVER}")
        return lines

    def backwards(self, prefix: str = "AFTER_") -> str:
        """RETURNS (str): What matches nothing, and has the terminals of a name read from the last one backwards."""
        names = [f"{prefix}{k}" for k in range(len(self.pieces), 0, -_STEP)]
        return f"{NEVER} ({' | '.join(names)})"


def _by_word(words: Mapping[int, str]) -> list[list[int]]:
    """RETURNS (list[list[int]]): The places of each word, in order."""
    found: dict[str, list[int]] = {}
    for place, word in words.items():
        found.setdefault(word, []).append(place)
    return [*found.values()]


def _trim(text: str, start: int, end: int) -> Piece | None:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None


def has_surrogate(text: str) -> bool:
    """RETURNS (bool): Whether a text holds half of a surrogate pair."""
    return _SURROGATE.search(text) is not None


def literal(text: str) -> str:
    """RETURNS (str): A text as an expression, in ASCII alone."""
    return json.dumps(text)


def any_of(expressions: Sequence[str]) -> str:
    """RETURNS (str): An expression of several alternatives."""
    return f"({' | '.join(expressions) or NEVER})"


def reply_grammar(reply: str, terminals: Sequence[str]) -> str | None:
    """RETURNS (str | None): The grammar of replies that are one expression; None where it is too long."""
    grammar = "\n".join(["start: REPLY", f"REPLY: {reply}", *terminals, ""])
    return grammar if len(grammar) <= MOST_CHARACTERS else None
