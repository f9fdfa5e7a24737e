"""How probable each tag is at each token of a Doc: what a student learns from its teachers.

They stand in a group without spans, doc.spans["soft_tags"], whose attrs survive .spacy files and copies. Tags are kept
by the names of their labels, and of each token only those that are at least a floor; what is below is kept as one
probability, that of "any of the others".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.tokens import Doc, SpanGroup

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.letters import without_space

# Key in doc.spans.
SOFT_TAGS = "soft_tags"
# The least probability that is kept by itself.
FLOOR = 0.001
# Probabilities are written as whole numbers up to this: 1 is exact, and sums are to a hundred-thousandth.
_ONE = 65535
_NUMBERS = "<u2"
_SHOWN = 60  # characters of a text in a message


@dataclass(frozen=True, eq=False)
class SoftTags:
    """Probabilities of the tags of a Doc's tokens.

    labels (tuple[str, ...]): n labels, which were looked for.
    probs (Floats2d): Of shape (tokens, 2n + 1): that of O, of B- of each label, and of I- of each. What a row lacks of
        1 belongs to the tags that have 0 in it.
    weights (Floats1d): Of each token, from 0 to 1: how far its teachers agree about it; 0 where nothing is said.
    temperature (float): What the teachers' scores were divided by, beyond what makes them honest. Default 1.
    complete (bool): Whether O says that no label at all is there; else it says so of `labels` alone. Default: False.
    beside_gold (bool): Whether the Doc's entities are people's; else they are what was made of the teachers' own.
        Default: False.
    """

    labels: tuple[str, ...]
    probs: np.ndarray
    weights: np.ndarray
    temperature: float = 1.0
    complete: bool = False
    beside_gold: bool = False

    def renamed(self, new_label: Callable[[str], str | None]) -> "SoftTags":
        """Give labels other names; those that become one are added up, and those whose new one is None are O."""
        new = [new_label(label) for label in self.labels]
        labels = tuple(sorted({label for label in new if label is not None}))
        old_n, n = len(self.labels), len(labels)
        probs = np.zeros((len(self.probs), 2 * n + 1), dtype=self.probs.dtype)
        probs[:, 0] = self.probs[:, 0]
        for i, label in enumerate(new):
            begin, inside = (
                (0, 0) if label is None else (1 + labels.index(label), 1 + n + labels.index(label))
            )
            probs[:, begin] += self.probs[:, 1 + i]
            probs[:, inside] += self.probs[:, 1 + old_n + i]
        return replace(self, labels=labels, probs=probs)

    def for_labels(self, labels: Sequence[str]) -> "SoftTags":
        """RETURNS (SoftTags): The same with more labels, in this order, whose tags have no probability.

        labels (Sequence[str]): All that there are already, among others.
        """
        n, old_n = len(labels), len(self.labels)
        number = [labels.index(label) for label in self.labels]
        probs = np.zeros((len(self.probs), 2 * n + 1), dtype=self.probs.dtype)
        probs[:, 0] = self.probs[:, 0]
        probs[:, [1 + i for i in number]] = self.probs[:, 1 : old_n + 1]
        probs[:, [1 + n + i for i in number]] = self.probs[:, old_n + 1 :]
        return replace(self, labels=tuple(labels), probs=probs)

    def aligned(self, own: np.ndarray, other: np.ndarray) -> "SoftTags":
        """Lay probabilities on other tokens of the same text.

        A token that is part of one of ours has its tags, with I- in place of B- where it isn't the first part. One
        that several of ours are part of is B-X or I-X as far as all of them are in one span of X, and O as far as all
        of them are O: the least of their probabilities. What is then left is a span that begins or ends within the
        token, of which no tag can be told: that much less weight has the token. About a token without any of ours,
        and one with any of which nothing is said, nothing is said.

        own, other (Ints2d): Start and end of each token in characters, of shape (tokens, 2): of these, and of the
            others.
        """
        if own.shape == other.shape and (own == other).all():
            return self
        n = len(self.labels)
        probs = np.zeros((len(other), 2 * n + 1))
        weights = np.zeros(len(other))
        first = np.searchsorted(own[:, 1], other[:, 0], side="right")
        last = np.searchsorted(own[:, 0], other[:, 1], side="left")
        for i, (begin, end) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
            if begin >= end or not (said := self.weights[begin:end]).all():
                continue
            goes_on = own[begin, 0] < other[i, 0]
            found, share = _as_one_token(self.probs[begin:end].astype(np.float64), n, goes_on)
            if share > 0:
                probs[i], weights[i] = found, share * said.min()
        return replace(self, probs=probs, weights=weights)


def _as_one_token(rows: np.ndarray, n: int, goes_on: bool) -> tuple[np.ndarray, float]:
    """RETURNS (tuple[Floats1d, float]): The probabilities of some tokens as one, and how much of all they are."""
    begins, inside = rows[0, 1 : n + 1].copy(), rows[0, n + 1 :].copy()
    if goes_on:
        inside += begins
        begins[:] = 0
    if len(rows) == 1:
        return np.concatenate([rows[0, :1], begins, inside]), 1.0
    # All that come after are in the same span only by I-.
    later = rows[1:, n + 1 :].min(axis=0)
    found = np.concatenate([[rows[:, 0].min()], np.minimum(begins, later), np.minimum(inside, later)])
    share = min(float(found.sum()), 1.0)
    return (found / share if share > 0 else found), share


def token_bounds(doc: Doc) -> np.ndarray:
    """RETURNS (Ints2d): Start and end of each token in characters, of shape (tokens, 2)."""
    return np.array([(token.idx, token.idx + len(token)) for token in doc], dtype=np.int64).reshape(-1, 2)


def lay_on(soft: SoftTags, own: Doc, other: Doc) -> SoftTags | None:
    """Lay soft tags of a Doc on the tokens of another one of the same text, whatever white space either has.

    own (Doc): Whose tokens they are of.
    other (Doc): Whose they will be of.
    RETURNS (SoftTags | None): None where the texts differ in more than white space.
    """
    if own.text.rstrip() == other.text.rstrip():
        return soft.aligned(token_bounds(own), token_bounds(other))
    if without_space(own.text) != without_space(other.text):
        return None
    return soft.aligned(_bare_bounds(own), _bare_bounds(other))


def _bare_bounds(doc: Doc) -> np.ndarray:
    """RETURNS (Ints2d): As `token_bounds`, in characters other than white space."""
    ends = np.cumsum([sum(not char.isspace() for char in token.text) for token in doc], dtype=np.int64)
    return np.stack([np.concatenate([np.zeros(1, dtype=np.int64), ends])[:-1], ends], axis=1)


def write_soft_tags(doc: Doc, soft: SoftTags, *, floor: float = FLOOR) -> None:
    """Keep soft tags on a Doc, whose entities are set.

    soft (SoftTags): Those of its tokens.
    floor (float): The least probability that is kept by itself. Default 0.001.
    """
    attrs = {**pack(soft, floor=floor), "text_length": len(doc.text), "annotation": _annotation(doc)}
    doc.spans[SOFT_TAGS] = SpanGroup(doc, name=SOFT_TAGS, attrs=attrs)


def read_soft_tags(doc: Doc) -> SoftTags | None:
    """RETURNS (SoftTags | None): Those that are kept on a Doc; None where there are none.

    RAISES (UserError): Where they are broken, or those of other tokens: some were merged or split since.
    """
    if SOFT_TAGS not in doc.spans:
        return None
    attrs = doc.spans[SOFT_TAGS].attrs
    text = _begin(doc)
    try:
        soft = unpack(attrs)
        length = int(attrs["text_length"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise UserError(Errors.E770.format(key=SOFT_TAGS, text=text, reason=reason)) from error
    if len(soft.probs) != len(doc) or length != len(doc.text):
        reason = f"they are those of {len(soft.probs)} tokens, and the document has {len(doc)}"
        if len(soft.probs) == len(doc):
            reason = f"they are those of a text of {length} characters, and the document has {len(doc.text)}"
        raise UserError(Errors.E770.format(key=SOFT_TAGS, text=text, reason=reason))
    return soft


def learnable_soft_tags(doc: Doc) -> SoftTags | None:
    """Read soft tags to learn from.

    RETURNS (SoftTags | None): As `read_soft_tags` gives them.
    RAISES (UserError): Where they are broken, or stand in place of entities that were changed since: whoever did that
        wants these to count.
    """
    soft = read_soft_tags(doc)
    if soft is None or soft.beside_gold or doc.spans[SOFT_TAGS].attrs.get("annotation") == _annotation(doc):
        return soft
    raise UserError(Errors.E773.format(key=SOFT_TAGS, text=_begin(doc)))


def _annotation(doc: Doc) -> str:
    """RETURNS (str): A hash of a Doc's entities, and of what is missing."""
    return blake2b(doc.to_array([ENT_IOB, ENT_TYPE]).tobytes(), digest_size=8).hexdigest()


def _begin(doc: Doc) -> str:
    return " ".join(doc.text[: 2 * _SHOWN].split())[:_SHOWN]


def named_labels(soft: SoftTags) -> set[str]:
    """RETURNS (set[str]): The labels that have a probability on any token."""
    n = len(soft.labels)
    found = soft.probs[:, 1:].any(axis=0)
    return {label for i, label in enumerate(soft.labels) if found[i] or found[n + i]}


def pack(soft: SoftTags, *, floor: float = FLOOR) -> dict[str, Any]:
    """Write soft tags as values that msgpack takes.

    floor (float): The least probability that is kept by itself; the best tag always is. Default 0.001.
    """
    probs = np.where(soft.weights[:, None] > 0, np.clip(soft.probs, 0, 1), 0)
    numbers = np.rint(probs * _ONE).astype(np.int64)
    kept = (probs >= floor) & (numbers > 0)
    if probs.size:
        rows = np.flatnonzero(soft.weights > 0)
        kept[rows, probs[rows].argmax(axis=1)] = True
    # What is said at all has a weight that isn't 0.
    weights = np.where(soft.weights > 0, np.clip(np.rint(soft.weights * _ONE), 1, _ONE), 0)
    return {
        "labels": list(soft.labels),
        "counts": kept.sum(axis=1).astype(_NUMBERS).tobytes(),
        "tags": np.nonzero(kept)[1].astype(_NUMBERS).tobytes(),
        "probs": numbers[kept].astype(_NUMBERS).tobytes(),
        "weights": weights.astype(_NUMBERS).tobytes(),
        "temperature": float(soft.temperature),
        "complete": bool(soft.complete),
        "beside_gold": bool(soft.beside_gold),
    }


def unpack(attrs: dict[str, Any]) -> SoftTags:
    """Read what `pack` gave.

    RAISES (KeyError, TypeError, ValueError, IndexError): Where it is something else.
    """
    labels = tuple(attrs["labels"])
    counts, tags, numbers, weights = (
        np.frombuffer(attrs[name], dtype=_NUMBERS).astype(np.int64)
        for name in ("counts", "tags", "probs", "weights")
    )
    if len(weights) != len(counts):
        raise ValueError(f"{len(counts)} tokens, and {len(weights)} weights")
    probs = np.zeros((len(counts), 2 * len(labels) + 1))
    probs[np.repeat(np.arange(len(counts)), counts), tags] = numbers / _ONE
    return SoftTags(
        labels,
        probs,
        weights / _ONE,
        float(attrs["temperature"]),
        bool(attrs["complete"]),
        bool(attrs["beside_gold"]),
    )
