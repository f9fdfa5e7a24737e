"""Feedback on all stored answers about the texts of a gold corpus at once."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from spacy.tokens import Doc

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.learning.gold_answers import NOT_ANNOTATED, GoldAnswer
from spacy_ner_plus.learning.scores import METRICS, score_inference
from spacy_ner_plus.llm.store.feedback import Value
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.llm.store.text_hash import text_hash

DEMONSTRATION = "demonstration"

DIFFERING = "gold texts that are there more than once, annotated differently"
NOT_ASKED = "gold entities of labels that weren't asked for"
NONE_ASKED = (
    "answers about texts whose gold entities all have labels that weren't asked for: without a demonstration"
)
NOT_IN_GOLD = "labels that were asked for and that gold, which has others, has nowhere"
NOT_WHOLE = "answers about texts that gold annotates in part: scored, but without a demonstration"
NOTHING_TO_SCORE = "gold texts without an answer in the store"


@dataclass(frozen=True)
class GivenFeedback:
    """What became of the answers about a gold corpus.

    docs (int): Gold Docs.
    found (int): Answers about their texts.
    scored (int): Those for which it could be said what would have been right.
    added (int): Values that were given, demonstrations among them.
    demonstrations (int): Demonstrations that were given.
    same (int): Values that were there already.
    """

    docs: int
    found: int
    scored: int
    added: int
    demonstrations: int
    same: int


def give_feedback(
    store: Store,
    docs: Iterable[Doc],
    *,
    demonstrations: bool = True,
    source: str = "gold",
    issues: IssueLog | None = None,
) -> GivenFeedback:
    """Score all stored answers about the texts of gold Docs, and give the right answers as demonstrations.

    Texts are the same where their `text_hash` is, and what stands where in them is found by their normalised form. Run
    again, nothing is added; where gold was corrected since, the new values count.

    store (Store): Whose answers are scored; one that can be written to.
    docs (Iterable[Doc]): Gold.
    demonstrations (bool): Whether the right answers are given, too. Default: True.
    source (str): Who says so. Default: 'gold'.
    issues (IssueLog): Where is counted what couldn't be used.
    RAISES (UserError): Where none of gold's labels was asked for, a Doc's annotated labels are no labels, or the store
        can't be written to.
    """
    issues = IssueLog() if issues is None else issues
    golds, count = _read(docs, issues)
    latest = {metric: store.feedback.latest(metric) for metric in (*METRICS, DEMONSTRATION)}
    rows: list[tuple[str, str, Value, str]] = []
    found = scored = same = 0
    answered: set[str] = set()
    # Of each answer: no labels are all labels.
    labels: set[tuple[str, ...]] = set()
    for inference in store.inferences.of_texts(golds):
        spellings = golds[inference.text_hash]
        gold = spellings.get(inference.text) or next(iter(spellings.values()))
        found += 1
        answered.add(inference.text_hash)
        labels.add(inference.labels)
        right = gold.about(inference)
        if isinstance(right, str):
            issues.add(right, inference.text[:60], inference.id)
            continue
        scored += 1
        values: dict[str, Value] = dict(score_inference(inference, right))
        asked = right.asked(inference.labels)
        if len(asked) < len(right.spans):
            other = next(span for span in right.spans if span not in asked)
            shown = f"{other.label} {inference.text[other.start : other.end]!r}"
            issues.add(NOT_ASKED, shown, inference.id, len(right.spans) - len(asked))
        if demonstrations and not right.answers_all(inference.labels):
            issues.add(NOT_WHOLE, inference.text[:60], inference.id)
        elif demonstrations and right.spans and not asked and right.labels is None:
            # Gold may have other names for the same labels, and nothing says that there is nothing to find.
            issues.add(NONE_ASKED, inference.text[:60], inference.id)
        elif demonstrations:
            values[DEMONSTRATION] = asked
        for metric, value in values.items():
            known = latest[metric].get(inference.id)
            if known is not None and known.value == value:
                same += 1
            else:
                rows.append((inference.id, metric, value, source))
    for key, spellings in golds.items():
        if key not in answered:
            issues.add(NOTHING_TO_SCORE, next(iter(spellings))[:60])
    _check_labels(golds, labels, issues)
    store.feedback.add_many(rows)
    given = sum(metric == DEMONSTRATION for _, metric, *_ in rows)
    return GivenFeedback(count, found, scored, len(rows), given, same)


def _read(docs: Iterable[Doc], issues: IssueLog) -> tuple[dict[str, dict[str, GoldAnswer]], int]:
    """RETURNS (tuple[dict[str, dict[str, GoldAnswer]], int]): What can be used, by the hash of the text and by its
    spelling, and how many Docs there are."""
    golds: dict[str, dict[str, GoldAnswer]] = {}
    differing: dict[str, str] = {}
    count = 0
    for doc in docs:
        count += 1
        gold = GoldAnswer(doc)
        if not gold.is_annotated:
            issues.add(NOT_ANNOTATED, gold.text[:60])
            continue
        key = text_hash(gold.text)
        if golds.setdefault(key, {}).setdefault(gold.text, gold).says() != gold.says():
            differing[gold.text] = key
    for text, key in differing.items():
        issues.add(DIFFERING, text[:60])
        del golds[key][text]
    return {key: spellings for key, spellings in golds.items() if spellings}, count


def _check_labels(
    golds: Mapping[str, Mapping[str, GoldAnswer]], asked: Set[tuple[str, ...]], issues: IssueLog
) -> None:
    """Compare gold's labels with those that answers were asked for, and count these where gold has them nowhere.

    RAISES (UserError): Where not one is the same: gold has names of its own for labels, and all answers would be wrong.
    """
    if () in asked:
        return
    all_asked = {label for labels in asked for label in labels}
    answers = [gold for spellings in golds.values() for gold in spellings.values()]
    found = {span.label for gold in answers for span in gold.spans}
    known = found.union(*(gold.labels or () for gold in answers))
    if not all_asked or not found - all_asked:
        return
    if not known & all_asked:
        shown = {"gold": ", ".join(sorted(found)), "asked": ", ".join(sorted(all_asked))}
        raise UserError(Errors.E840.format(**shown))
    for label in sorted(all_asked - known):
        issues.add(NOT_IN_GOLD, f"{label} (gold has {', '.join(sorted(found - all_asked))})")
