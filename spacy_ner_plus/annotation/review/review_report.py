"""What people made of what was predicted: how often they accepted it, what they changed, how far they agree."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Any

import numpy as np
from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.annotation.review.merging import DocumentKey, answer_of, common_doc, document_keys
from spacy_ner_plus.annotation.review.pull import review_of
from spacy_ner_plus.data.records.record import record_of, spans_of
from spacy_ner_plus.evaluation.errors.error_kinds import find_errors, summarize_errors
from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
from spacy_ner_plus.evaluation.statistics.krippendorff import NO_VALUE, AlphaCounts
from spacy_ner_plus.pipeline.entity_vote.ballot import Answer
from spacy_ner_plus.spans import IOB_MISSING

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
    predicted, accepted, after = Counter(), Counter(), Counter()
    for before, doc in zip(sent, reviewed, strict=True):
        kept = _spans(doc)
        found = {span for span in _spans(before) if span in kept or _is_known(span, doc)}
        predicted.update(label for *_, label in found)
        accepted.update(label for *_, label in found & kept)
        after.update(label for *_, label in kept)
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


def _spans(doc: Doc) -> frozenset[tuple[int, int, str]]:
    return frozenset((span.start_char, span.end_char, span.label_) for span, _ in spans_of(doc))


def _is_known(span: tuple[int, int, str], doc: Doc) -> bool:
    """RETURNS (bool): Whether a person said of a predicted span that it is there or not."""
    start, end, label = span
    labels = annotated_labels(doc)
    touched = doc.char_span(start, end, alignment_mode="expand") or ()
    return (labels is None or label in labels) and all(token.ent_iob != IOB_MISSING for token in touched)


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
    each person who annotated the text and didn't leave the token missing. Of a text, labels count for which all of them
    looked; a token with another is missing.

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
        shared_by_all = _looked_for(answers.values())
        for name, answer in answers.items():
            row = values[rows[name]]
            row[~answer.missing] = OUTSIDE
            for span in answer.spans:
                if shared_by_all is None or span.label in shared_by_all:
                    row[span.start : span.end] = numbers.setdefault(span.label, len(numbers) + 1)
                else:
                    row[span.start : span.end] = NO_VALUE
        alpha.add(values)
        for one, other in combinations(sorted(answers), 2):
            counts = pairs[one, other]
            silent = answers[one].missing | answers[other].missing
            both = _looked_for((answers[one], answers[other]))
            spans = [
                {
                    (span.start, span.end, span.label)
                    for span in answers[name].spans
                    if not silent[span.start : span.end].any() and (both is None or span.label in both)
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


def _looked_for(answers: Iterable[Answer]) -> frozenset[str] | None:
    """RETURNS (frozenset[str] | None): The labels for which all of some people looked; None for all labels."""
    given = [answer.labels for answer in answers if answer.labels is not None]
    return frozenset.intersection(*given) if given else None


def by_text(docs: Sequence[Doc]) -> Mapping[DocumentKey, list[Doc]]:
    """RETURNS (Mapping[DocumentKey, list[Doc]]): Docs by document; each person's last Doc of one alone."""
    found: dict[DocumentKey, dict[str, Doc]] = {}
    for key, doc in zip(document_keys(docs), docs, strict=True):
        found.setdefault(key, {})[record_of(doc)["annotator"]] = doc
    return {key: list(people.values()) for key, people in found.items()}
