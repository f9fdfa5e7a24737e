"""What people made of what was predicted: how often they accepted it, what they changed, how far they agree."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Any

import numpy as np
from spacy.tokens import Doc

from spacy_ner_plus.annotation.review.merging import answer_of, common_doc
from spacy_ner_plus.annotation.review.pull import review_of
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.evaluation.errors.error_kinds import find_errors, summarize_errors
from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
from spacy_ner_plus.evaluation.statistics.krippendorff import NO_VALUE, AlphaCounts

OUTSIDE = 0


def review_report(
    sent: Sequence[Doc] | None, reviewed: Sequence[Doc], *, resamples: int, seed: int = 0
) -> dict[str, Any]:
    """Sum up a review.

    sent (Sequence[Doc] | None): With predictions, one for each of `reviewed`; None where nothing was predicted.
    reviewed (Sequence[Doc]): As one person left each of them.
    resamples (int): Of the documents, for the interval of alpha.
    seed (int): Of the random numbers.
    RETURNS (dict[str, Any]): In JSON's types: `submissions`, `annotators` (with seconds), `labels` (of each how many
        were `predicted`, `accepted` as they were, the `rate`, and how many there are `after`), `changes` by the kinds
        of `evaluate` (gold is what the person left: a spurious entity was removed, a missed one added), `agreement`.
        What can't be told is None.
    """
    report = {
        "submissions": len(reviewed),
        "annotators": _annotators(reviewed),
        "agreement": agreement(reviewed, resamples=resamples, seed=seed),
    }
    if sent is None:
        return report
    matched = match_docs(reviewed, sent)
    predicted, accepted = Counter(), Counter()
    for doc in matched:
        predicted.update(entity.label for entity in doc.predicted)
        accepted.update(entity.label for entity, right in zip(doc.predicted, doc.right, strict=True) if right)
    after = Counter(ent.label_ for doc in reviewed for ent in doc.ents)
    return {
        **report,
        "labels": {
            label: {
                "predicted": predicted[label],
                "accepted": accepted[label],
                "rate": accepted[label] / predicted[label] if predicted[label] else None,
                "after": after[label],
            }
            for label in sorted({*predicted, *after})
        },
        "changes": summarize_errors(find_errors(matched), matched),
    }


def _annotators(reviewed: Sequence[Doc]) -> list[dict[str, Any]]:
    found: dict[str, list[float | None]] = defaultdict(list)
    for doc in reviewed:
        found[record_of(doc)["annotator"]].append(review_of(doc).get("seconds"))
    rows = []
    for name, given in sorted(found.items()):
        seconds = [one for one in given if one is not None]
        rows.append(
            {
                "name": name,
                "submissions": len(given),
                "seconds": sum(seconds) if seconds else None,
                "median_seconds": median(seconds) if seconds else None,
            }
        )
    return rows


def agreement(docs: Sequence[Doc], *, resamples: int, seed: int = 0) -> dict[str, Any]:
    """Find how far people agree on the texts that several of them annotated.

    Alpha is Krippendorff's for nominal values, as `annotate` has it: each token has its label, without B and I, from
    each person who annotated the text and didn't leave the token missing.

    docs (Sequence[Doc]): As one person annotated each; those of one text have the same text and id.
    RETURNS (dict[str, Any]): `documents` that several annotated, `pairs` with their span F1, `alpha` with its interval.
    """
    names = sorted({record_of(doc)["annotator"] for doc in docs})
    rows = {name: i for i, name in enumerate(names)}
    numbers: dict[str, int] = {}
    alpha, pairs = AlphaCounts(), defaultdict(lambda: [0, 0, 0, 0])
    shared = 0
    for group in by_text(docs).values():
        if len(group) < 2:
            continue
        shared += 1
        common = common_doc(group)
        answers = {record_of(doc)["annotator"]: answer_of(doc, common) for doc in group}
        values = np.full((len(names), len(common)), NO_VALUE)
        for name, answer in answers.items():
            row = values[rows[name]]
            row[~answer.missing] = OUTSIDE
            for span in answer.spans:
                row[span.start : span.end] = numbers.setdefault(span.label, len(numbers) + 1)
        alpha.add(values)
        for one, other in combinations(sorted(answers), 2):
            counts = pairs[one, other]
            silent = answers[one].missing | answers[other].missing
            spans = [
                {
                    (span.start, span.end, span.label)
                    for span in answers[name].spans
                    if not silent[span.start : span.end].any()
                }
                for name in (one, other)
            ]
            for i, found in enumerate((*spans, spans[0] & spans[1])):
                counts[i] += len(found)
            counts[3] += 1
    return {
        "documents": shared,
        "pairs": [
            {
                "annotators": list(pair),
                "documents": documents,
                "f1": 2 * both / (one + other) if one + other else None,
            }
            for pair, (one, other, both, documents) in sorted(pairs.items())
        ],
        "alpha": {"value": alpha.alpha(), "interval": alpha.interval(resamples=resamples, seed=seed)},
    }


def by_text(docs: Sequence[Doc]) -> Mapping[tuple[str, str], list[Doc]]:
    """RETURNS (Mapping[tuple[str, str], list[Doc]]): Docs by their task's or record's id, and text; each person's last
    Doc of a text alone."""
    found: dict[tuple[str, str], dict[str, Doc]] = {}
    for doc in docs:
        known = record_of(doc)
        key = str(review_of(doc).get("id") or known["id"]), doc.text
        found.setdefault(key, {})[known["annotator"]] = doc
    return {key: list(people.values()) for key, people in found.items()}
