"""Demonstrations: texts with their entities, shown to a model before the text that is asked about."""

import json
import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_ner_plus.alignment.near_duplicates import Shingles, jaccard, shingles_of
from spacy_ner_plus.alignment.normalization import normalise
from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.corpus import read_docs
from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.json_keys import unique_keys
from spacy_ner_plus.spans import IOB_MISSING, CharSpan

SPAN_KEYS = ("spans", "entities")
WORD = re.compile(r"\w+|[^\w\s]")
IN_PART = "example that is annotated in part: left out"
NEAR_EXAMPLE = "example that is nearly the same as a text: not shown with it"
# Lengths of the character n-grams that texts are compared by.
NGRAMS = (3, 4)


@dataclass(frozen=True)
class Demonstration:
    """A text with its entities.

    spans (tuple[CharSpan, ...]): Its entities by character, in order.
    """

    text: str
    spans: tuple[CharSpan, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): All of it, for JSON."""
        return {"text": self.text, "spans": [list(span) for span in self.spans]}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any], where: str = "an example") -> "Demonstration":
        """Read a record.

        record (Mapping[str, Any]): With `text`, and `spans` or `entities`: lists of start, end and label,
            or objects with these keys.
        where (str): File and line of the record, for messages.
        RAISES (UserError): Where something is missing, lies outside of the text, or overlaps.
        """
        text = record.get("text") if isinstance(record, Mapping) else None
        items = next((record[key] for key in SPAN_KEYS if key in record), None) if text else None
        if not isinstance(text, str) or not isinstance(items, Sequence) or isinstance(items, str):
            reason = "it needs a `text`, and a list of `spans`, which may be empty"
            raise UserError(Errors.E291.format(where=where, reason=reason))
        spans = sorted(_read_span(item, text, where) for item in items)
        for one, other in pairwise(spans):
            if other.start < one.end:
                reason = f"the spans {list(one)} and {list(other)} overlap"
                raise UserError(Errors.E291.format(where=where, reason=reason))
        return cls(text, tuple(spans))


def read_demonstrations(
    path: Path | str,
    vocab: Vocab | None = None,
    *,
    labels: Collection[str] | None = None,
    issues: IssueLog | None = None,
) -> list[Demonstration]:
    """Read demonstrations from a file.

    path (Path): A .jsonl file with `text` and `spans` or `entities`; a .spacy file, or a folder of them.
    vocab (Vocab | None): For the Docs of a .spacy file.
    labels (Collection[str] | None): Those that will be asked for; None where that isn't known. A Doc on which not all
        of them were annotated is left out.
    issues (IssueLog | None): Where Docs are counted that are left out, without annotation or annotated in part.
    RETURNS (list[Demonstration]): In the order of the file.
    RAISES (UserError): Where it can't be read or holds none.
    """
    path = Path(path)
    issues = IssueLog() if issues is None else issues
    if path.is_dir() or path.suffix == ".spacy":
        before = issues[IN_PART]
        found = list(_read_spacy(path, vocab, labels, issues))
        if count := issues[IN_PART] - before:
            warnings.warn(Warnings.W958.format(path=path, count=count), stacklevel=2)
    else:
        found = list(_read_jsonl(path))
    if not found:
        raise UserError(Errors.E292.format(path=path))
    return found


class SameText:
    """Tells which demonstrations are a text itself, so that their entities are the answer.

    examples (Sequence[Demonstration]): Those that it is asked about, by number.
    nearly (float | None): From which Jaccard similarity of their neighbouring words on texts are taken for the same,
        too; None for texts that are the same but for case, white space and the like.
    issues (IssueLog | None): Where those are counted that are nearly the same.
    """

    def __init__(
        self,
        examples: Sequence[Demonstration],
        nearly: float | None = None,
        issues: IssueLog | None = None,
    ):
        self.forms = [normalise(example.text) for example in examples]
        self._nearly = nearly
        self._issues = issues
        self._texts = [example.text for example in examples]
        self._shingles: dict[int, Shingles] = {}

    def others(self, text: str, numbers: Iterable[int], k: int) -> list[int]:
        """RETURNS (list[int]): The first k of the numbers whose demonstration isn't a text, each once."""
        form, chosen = normalise(text), []
        shingles = None if self._nearly is None else shingles_of(text)
        for number in numbers:
            if len(chosen) == k:
                break
            if self.forms[number] != form and not self._is_near(shingles, number) and number not in chosen:
                chosen.append(number)
        return chosen

    def _is_near(self, shingles: Shingles | None, number: int) -> bool:
        if shingles is None:
            return False
        if number not in self._shingles:
            self._shingles[number] = shingles_of(self._texts[number])
        is_near = jaccard(shingles, self._shingles[number]) >= self._nearly
        if is_near and self._issues is not None:
            self._issues.add(NEAR_EXAMPLE, self._texts[number][:60])
        return is_near


class FixedDemonstrations:
    """The same demonstrations for every text.

    examples (Sequence[Demonstration]): The first of them are taken.
    k (int | None): How many at most; None for all.
    nearly (float | None): As `SameText` takes it.
    issues (IssueLog | None): Where those are counted that are nearly the same as the text.
    RAISES (UserError): For k under 1.
    """

    def __init__(
        self,
        examples: Sequence[Demonstration],
        k: int | None = None,
        *,
        nearly: float | None = None,
        issues: IssueLog | None = None,
    ):
        self.examples = list(examples)
        self.k = len(self.examples) if k is None else _check(k)
        self._nearly, self._issues = nearly, issues

    @cached_property
    def _same(self) -> SameText:
        return SameText(self.examples, self._nearly, self._issues)

    def select(self, text: str) -> list[Demonstration]:
        """RETURNS (list[Demonstration]): The first k that aren't this text."""
        return [self.examples[i] for i in self._same.others(text, range(len(self.examples)), self.k)]


class SimilarDemonstrations:
    """The demonstrations that are most like a text, by TF-IDF of words and character n-grams.

    The index of the texts is built when it is first needed, and is never written anywhere.

    examples (Sequence[Demonstration]): What is chosen from; of equal texts the first counts.
    k (int): How many are chosen at most.
    nearly (float | None): As `SameText` takes it.
    issues (IssueLog | None): Where those are counted that are nearly the same as the text.
    RAISES (UserError): For k under 1.
    """

    def __init__(
        self,
        examples: Sequence[Demonstration],
        k: int = 5,
        *,
        nearly: float | None = None,
        issues: IssueLog | None = None,
    ):
        self.examples = list(examples)
        self.k = _check(k)
        self._nearly, self._issues = nearly, issues

    @cached_property
    def _index(self) -> "_Index":
        distinct = distinct_texts(self.examples)
        return _Index(distinct, SameText(distinct, self._nearly, self._issues))

    def select(self, text: str) -> list[Demonstration]:
        """RETURNS (list[Demonstration]): The k that are most like this text and aren't the text itself.

        The most similar is last, next to the text: what is nearest counts most for a model.
        """
        return self._index.nearest(text, self.k)[::-1] if self.examples else []

    def __getstate__(self) -> dict[str, Any]:
        return {"examples": self.examples, "k": self.k, "_nearly": self._nearly, "_issues": self._issues}


def distinct_texts(examples: Sequence[Demonstration]) -> list[Demonstration]:
    """RETURNS (list[Demonstration]): The first of those whose texts are the same but for case and white space."""
    distinct: dict[str, Demonstration] = {}
    for example in examples:
        distinct.setdefault(normalise(example.text), example)
    return list(distinct.values())


class _Index:
    """Texts as TF-IDF vectors of length 1, kept by feature, so that a query reads only those of its own.

    Term frequencies are sublinear and document frequencies smoothed, as scikit-learn's TfidfVectorizer has them.
    """

    def __init__(self, examples: Sequence[Demonstration], same: SameText):
        self.examples, self._same, self.forms = examples, same, same.forms
        counts = [Counter(_features(form)) for form in self.forms]
        frequencies = Counter(feature for count in counts for feature in count)
        texts = len(self.forms)
        self._idf = {feature: log((1 + texts) / (1 + n)) + 1 for feature, n in frequencies.items()}
        postings: dict[str, tuple[list[int], list[float]]] = {feature: ([], []) for feature in self._idf}
        for row, count in enumerate(counts):
            for feature, weight in self._weigh(count).items():
                rows, weights = postings[feature]
                rows.append(row)
                weights.append(weight)
        self._postings = {
            feature: (np.array(rows, dtype=np.int32), np.array(weights, dtype=np.float32))
            for feature, (rows, weights) in postings.items()
        }

    def _weigh(self, count: Counter[str]) -> dict[str, float]:
        weights = {
            feature: (1 + log(n)) * self._idf[feature] for feature, n in count.items() if feature in self._idf
        }
        length = sqrt(sum(weight * weight for weight in weights.values())) or 1
        return {feature: weight / length for feature, weight in weights.items()}

    def nearest(self, text: str, k: int) -> list[Demonstration]:
        form = normalise(text)
        scores = np.zeros(len(self.forms))
        for feature, weight in self._weigh(Counter(_features(form))).items():
            rows, weights = self._postings[feature]
            scores[rows] += weight * weights
        # What differs by rounding alone is equal, and the first counts.
        scores = scores.round(6)
        ranked = np.argsort(-scores, kind="stable").tolist()
        # Those that have nothing in common with this text come last: they still show the form of replies.
        return [self.examples[i] for i in self._same.others(text, ranked, k)]


def _features(text: str) -> Iterator[str]:
    """Words, and their character n-grams; the words are marked to tell them from n-grams."""
    for word in WORD.findall(text):
        yield f"={word}"
        padded = f" {word} "
        for n in NGRAMS:
            for i in range(len(padded) - n + 1):
                yield padded[i : i + n]


def _check(k: int) -> int:
    if k < 1:
        raise UserError(Errors.E295.format(k=k))
    return k


def _read_span(item: Any, text: str, where: str) -> CharSpan:
    if isinstance(item, Mapping):
        item = [item.get("start"), item.get("end"), item.get("label")]
    if not isinstance(item, Sequence) or len(item) != 3:
        raise UserError(Errors.E291.format(where=where, reason=f"{item!r} is no span"))
    start, end, label = item
    if not (type(start) is int and type(end) is int and isinstance(label, str) and label):
        reason = f"{list(item)} is no span with start, end and label"
        raise UserError(Errors.E291.format(where=where, reason=reason))
    if not 0 <= start < end <= len(text):
        reason = f"{list(item)} lies outside of its text of {len(text)} characters"
        raise UserError(Errors.E291.format(where=where, reason=reason))
    return CharSpan(start, end, label)


def _read_jsonl(path: Path) -> Iterator[Demonstration]:
    try:
        lines = path.read_text(encoding="utf8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(Errors.E290.format(path=path, reason=error)) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line, object_pairs_hook=unique_keys)
        except ValueError as error:
            raise UserError(Errors.E290.format(path=f"{path}:{number}", reason=error)) from error
        yield Demonstration.from_dict(record, f"{path}:{number}")


def _read_spacy(
    path: Path, vocab: Vocab | None, labels: Collection[str] | None, issues: IssueLog
) -> Iterable[Demonstration]:
    for doc in read_docs(path, Vocab() if vocab is None else vocab):
        if not doc.has_annotation("ENT_IOB"):
            issues.add("example without annotation", doc.text[:60], str(path))
        elif _is_in_part(doc, labels or ()):
            issues.add(IN_PART, doc.text[:60], str(path))
        elif doc.text.strip():
            spans = tuple(CharSpan(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents)
            yield Demonstration(doc.text, spans)


def _is_in_part(doc: Doc, labels: Collection[str]) -> bool:
    """RETURNS (bool): Whether there may be entities of these labels in a Doc beside those that it has."""
    annotated = annotated_labels(doc)
    if annotated is not None and not annotated.issuperset(labels):
        return True
    return any(token.ent_iob == IOB_MISSING and not token.is_space for token in doc)
