"""What counting and regular expressions reach: the figure that a model has to beat.

Each token gets the tag that it had most often in training; e-mail addresses,
telephone numbers, times and dates are found by expressions written for them,
which go first, since they also know what was not in training.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from spacy.tokens import Doc, Span

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.corpus import bare_copy
from spacy_ner_plus.spans import CharSpan, align, doc_to_tags, tag_label, tags_to_spans, without_overlaps

MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
COUNT = r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|half an|a few)"
HOUR = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
PREPOSITION = r"(?:at|by|around|about|before|after|until|till|from|to)"
EXPRESSIONS = {
    "EMAIL": [r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"],
    "PHONE": [
        r"(?<![\w.-])(?:\+\d{1,3}[ .-]?|1-)?(?:\(\d{2,4}\)[ .-]?|\d{2,5}[ .-])(?:\d{3,4}[ .-])?\d{3,6}"
        r"(?: ?(?:ext\.?|x) ?\d{1,5})?(?![\w-])"
    ],
    "TIME": [
        r"\b\d{1,2}(?::\d{2})?\s?(?:a\.?m|p\.?m)\b",
        r"\b\d{1,2}:\d{2}\b",
        rf"\b(?:\d{{1,2}}|{HOUR}) o'clock\b",
        rf"\b(?:half|quarter) (?:past|to) {HOUR}\b",
        r"\b(?:noon|midnight|tonight|(?:this )?(?:morning|afternoon|evening))\b",
        rf"\bin {COUNT} (?:seconds?|minutes?|hours?)\b",
        rf"(?<=\bat )(?:\d{{1,2}}|{HOUR})(?=[,.;?!]|$| (?:on|in|for|to|next|this|tomorrow|today|{WEEKDAY})\b)",
        r"\b(?:by|before|after|until|around|for|from|to) (\d{1,2})(?=[,.;?!]|$)",
    ],
    "DATE": [
        rf"\b(?:{MONTH} \d{{1,2}}(?:st|nd|rd|th)?|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH})\b",
        r"\b\d{1,2}/\d{1,2}(?:/\d{2,4})?\b",
        r"\b\d{4}-\d{2}-\d{2}\b",
        r"\b\d{1,2}(?:st|nd|rd|th)\b",
        rf"\b(?:(?:next|last|this) )?{WEEKDAY}\b",
        r"\b(?:next|last|this) (?:week|weekend|month|year)\b",
        r"\b(?:today|tomorrow|yesterday)\b",
        rf"\bin {COUNT} (?:days?|weeks?|months?|years?)\b",
        rf"\b{COUNT} (?:days?|weeks?|months?|years?) ago\b",
        rf"(?<=\bin ){MONTH}\b",
    ],
}


def predict_baseline(train: Iterable[Doc], gold: Sequence[Doc]) -> list[Doc]:
    """Predict entities with the commonest tag of each token, and with expressions.

    An expression counts only for a label that training has.

    train (Iterable[Doc]): Docs with entities.
    gold (Sequence[Doc]): Docs to predict; their entities are not looked at.
    RETURNS (list[Doc]): Docs with the same tokens as gold's, in its order.
    """
    exact: dict[str, Counter[str]] = defaultdict(Counter)
    lower: dict[str, Counter[str]] = defaultdict(Counter)
    labels = set()
    for doc in train:
        is_partly_annotated = annotated_labels(doc) is not None
        for token, tag in zip(doc, doc_to_tags(doc), strict=True):
            if tag == "O" and is_partly_annotated:
                # It may be an entity of a label that wasn't looked for.
                continue
            exact[token.text][tag] += 1
            lower[token.lower_][tag] += 1
            labels.add(token.ent_type_)
    compiled = {
        label: [re.compile(expression, re.IGNORECASE) for expression in expressions]
        for label, expressions in EXPRESSIONS.items()
        if label in labels
    }
    return [_predict(doc, exact, lower, compiled) for doc in gold]


def _predict(
    gold: Doc,
    exact: dict[str, Counter[str]],
    lower: dict[str, Counter[str]],
    compiled: dict[str, list[re.Pattern[str]]],
) -> Doc:
    doc = bare_copy(gold, gold.vocab)
    matches = [
        CharSpan(*match.span(match.lastindex or 0), label)
        for label, expressions in compiled.items()
        for expression in expressions
        for match in expression.finditer(doc.text)
    ]
    found, _ = without_overlaps(align(doc, matches)[0])
    tags = []
    for token in doc:
        counts = exact.get(token.text) or lower.get(token.lower_)
        tag = counts.most_common(1)[0][0] if counts else "O"
        # The commonest tag of a comma may be I-; it means nothing where nothing goes before it.
        follows = bool(tags) and tag_label(tags[-1]) == tag_label(tag)
        tags.append(tag if tag[0] != "I" or follows else "O")
    by_count = [Span(doc, span.start, span.end, label=span.label) for span in tags_to_spans(tags)]
    ents, _ = without_overlaps(by_count, first=found)
    doc.set_ents(ents)
    return doc
