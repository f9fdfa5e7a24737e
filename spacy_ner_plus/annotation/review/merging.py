"""Several people's annotation of one text, made one by a policy: what isn't agreed on is missing, and not O."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import count, pairwise

import numpy as np
from spacy.tokens import Doc, Span

from spacy_ner_plus.annotated_labels import annotated_labels, set_annotated_labels
from spacy_ner_plus.annotation.review.pull import FINAL, KEPT, META, SUPERSEDED, review_of
from spacy_ner_plus.annotation.review.same_text import on_text
from spacy_ner_plus.annotation.review.tasks import occurrence
from spacy_ner_plus.data.records.record import RECORD, SPANS_KEY, Record, ScoredSpan, mark_record, record_of
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.letters import without_space
from spacy_ner_plus.pipeline.entity_vote.ballot import Answer
from spacy_ner_plus.pipeline.entity_vote.ballot import ScoredSpan as VotedSpan
from spacy_ner_plus.pipeline.entity_vote.decision import decide
from spacy_ner_plus.pipeline.entity_vote.policies import Policy
from spacy_ner_plus.spans import IOB_MISSING

# Own id and text of a document without white space, and how often a set has them up to it.
DocumentKey = tuple[str, str, int]
CONFLICT = "span on which people differ, not kept by the policy: its tokens are missing"
EARLIER_MERGE = "earlier merge of people who stand beside it, left out"
OVERLAPPING_MERGE = "earlier merge of several people, of whom some stand beside it and count twice"
NESTED = "span inside of or across another in a text of which people differ, dropped: missing where it is in no entity"


def merge_docs(docs: Sequence[Doc], policy: Policy, issues: IssueLog, where: str) -> Record:
    """Make one Doc of several people's.

    docs (Sequence[Doc]): Of the same text, one of each person, whose names are their records' annotators. Those
        without any annotation say nothing. Where it was decided for the text, that alone counts; and a Doc that kept a
        corpus's annotation, as nobody looked at it, where there is no other.
    policy (Callable): Gives a verdict for each span that someone marked.
    issues (IssueLog): Where conflicts are counted.
    where (str): The text's place, for the count.
    RETURNS (Record): With all who annotated it, and under `review` in its meta each one's part. Where all agree, it is
        the first of them, with its nested spans.
    """
    known = record_of(docs[0])
    known["meta"].pop(META, None)
    said = [doc for doc in docs if doc.has_annotation("ENT_IOB")]
    said = (
        [doc for doc in said if review_of(doc).get(FINAL)]
        or [doc for doc in said if not review_of(doc).get(KEPT)]
        or said
    )
    names = [record_of(doc)["annotator"] or f"annotator {i}" for i, doc in enumerate(said, start=1)]
    annotator = " + ".join(dict.fromkeys(names))
    parts = [review_of(doc) or {"annotator": name} for doc, name in zip(said, names, strict=True)]
    about = {} if not parts else parts[0] if len(parts) == 1 else {"id": parts[0].get("id"), "people": parts}
    about |= {flag: True for flag in (FINAL, KEPT) if parts and all(part.get(flag) for part in parts)}
    meta = known["meta"] | ({META: about} if about else {})
    if all(_everything(doc) == _everything(said[0]) for doc in said[1:]):
        # A copy, since what each person said stands beside it.
        doc = (said[0] if said else docs[0]).copy()
        record = Record(doc, where, known["id"], meta, annotator)
        return mark_record(record, _group(doc) if said else None)
    doc = common_doc(said)
    answers = [answer_of(one, doc) for one in said]
    decision = decide(answers, names, policy)
    kept = [
        Span(doc, found.start, found.end, label=found.label)
        for found, is_kept in zip(decision.candidates, decision.kept, strict=True)
        if is_kept
    ]
    missing = decision.missing
    for found, is_kept in zip(decision.candidates, decision.kept, strict=True):
        if not is_kept:
            text = doc[found.start : found.end].text
            by = [name for name, score in zip(names, found.scores, strict=True) if score is not None]
            issues.add(CONFLICT, f"{text[:60]!r} {found.label} by {', '.join(by)}", where)
    taken = {i for span in kept for i in range(span.start, span.end)}
    # What all marked is no conflict, whatever they differ on elsewhere.
    agreed = frozenset.intersection(*(_bounds(one.ents) | _nested(one) for one in said)) - _bounds(kept)
    nested = [doc.char_span(*found) for found in sorted(agreed)]
    for start, end, label in sorted({found for one in said for found in _nested(one)} - agreed):
        issues.add(NESTED, f"{doc.text[start:end][:60]!r} {label}", where)
        span = doc.char_span(start, end)
        for i in set(range(span.start, span.end)) - taken:
            missing[i] = True
    doc.set_ents(kept, missing=[doc[i : i + 1] for i in np.flatnonzero(missing).tolist()], default="outside")
    if all(answer.labels is not None for answer in answers):
        set_annotated_labels(doc, frozenset().union(*(answer.labels for answer in answers)))
    return mark_record(
        Record(doc, where, known["id"], meta, annotator),
        [ScoredSpan(span, None) for span in (*kept, *nested)],
    )


def merge_sets(
    sets: Mapping[str, Sequence[Doc]], policy: Policy, issues: IssueLog
) -> tuple[list[Doc], list[Doc]]:
    """Make one corpus of several annotation sets.

    sets (Mapping[str, Sequence[Doc]]): By the name of their annotator, which those Docs get that name none.
    policy (Callable): As in `merge_docs`.
    issues (IssueLog): Where conflicts are counted.
    RETURNS (tuple[list[Doc], list[Doc]]): A Doc for each text, in the order of first appearance; and each annotator's
        Doc of each text that it annotated.
    """
    texts: dict[DocumentKey, dict[tuple[str, str], Doc]] = {}
    for set_name, docs in sets.items():
        for key, doc in zip(document_keys(docs, set_name), docs, strict=True):
            there = texts.setdefault(key, {})
            text = next((other.text for other in there.values()), doc.text)
            # What tools and formats make of white space isn't a person's.
            doc = doc if doc.text == text else on_text(doc, text)
            if review_of(doc).get(KEPT):
                there["", set_name] = doc
                continue
            annotator = _annotator(doc, set_name)
            doc.user_data[RECORD] = record_of(doc) | {"annotator": annotator}
            before = there.get((annotator, ""))
            if before is None or not before.has_annotation("ENT_IOB"):
                there[annotator, ""] = doc
            elif doc.has_annotation("ENT_IOB"):
                there[annotator, ""] = _of_one_person(before, doc, policy, issues, set_name)
    for (name, *_), people in texts.items():
        _leave_out_merges(people, issues, f"text {name}")
    merged = [
        merge_docs(list(people.values()), policy, issues, f"text {name}").doc
        for (name, *_), people in texts.items()
    ]
    each = [
        doc
        for people in texts.values()
        for doc in people.values()
        if doc.has_annotation("ENT_IOB") and not review_of(doc).get(KEPT)
    ]
    return merged, each


def _leave_out_merges(people: dict[tuple[str, str], Doc], issues: IssueLog, where: str) -> None:
    """Take what was made of several people's annotation from a text that each of them annotated: it is no other's."""
    annotated = {name for (name, _), doc in people.items() if doc.has_annotation("ENT_IOB")}
    for key, doc in list(people.items()):
        merged = {part.get("annotator") for part in review_of(doc).get("people", ())}
        # One person's passes for other labels are merged under that very name.
        beside = merged & (annotated - {key[0]})
        if beside and beside == merged:
            del people[key]
            issues.add(EARLIER_MERGE, record_of(doc)["annotator"], where)
        elif beside:
            issues.add(
                OVERLAPPING_MERGE, f"{record_of(doc)['annotator']} beside {', '.join(sorted(beside))}", where
            )


def _annotator(doc: Doc, set_name: str) -> str:
    return record_of(doc)["annotator"] or set_name


def _of_one_person(doc: Doc, other: Doc, policy: Policy, issues: IssueLog, where: str) -> Doc:
    """RETURNS (Doc): What one person said of a text in two sets: what was submitted last, and of labels that it wasn't
    about what was said before."""
    first, last = (other, doc) if _is_later(doc, other) else (doc, other)
    asked, asked_last = annotated_labels(first), annotated_labels(last)
    others = asked - asked_last if asked is not None and asked_last is not None else frozenset()
    known = _of_labels(first, asked - others) if others else first
    if _everything(known)[:2] != _everything(_of_labels(last, asked & asked_last) if others else last)[:2]:
        issues.add(SUPERSEDED, f"{record_of(doc)['annotator']}: {doc.text[:60]!r}", where)
    if not others:
        return last
    return merge_docs([last, _of_labels(first, others)], policy, issues, where).doc


def _of_labels(doc: Doc, labels: Collection[str]) -> Doc:
    """RETURNS (Doc): What a Doc says of some labels."""
    copy = doc.copy()
    missing = [copy[token.i : token.i + 1] for token in copy if token.ent_iob == IOB_MISSING]
    copy.set_ents([ent for ent in copy.ents if ent.label_ in labels], missing=missing, default="outside")
    if SPANS_KEY in copy.spans:
        copy.spans[SPANS_KEY] = [span for span in copy.spans[SPANS_KEY] if span.label_ in labels]
    if labels:
        set_annotated_labels(copy, labels)
    return copy


def texts_apart(sets: Mapping[str, Sequence[Doc]]) -> list[str]:
    """Find the texts that sets have in common without a common id: as many documents as there are ids come of each.

    RETURNS (list[str]): The texts, in the order of first appearance.
    """
    ids: dict[str, list[set[str]]] = {}
    texts: dict[str, str] = {}
    for docs in sets.values():
        own: dict[str, set[str]] = {}
        for doc in docs:
            if not doc.text.strip():
                continue
            texts.setdefault(without_space(doc.text), doc.text)
            own.setdefault(without_space(doc.text), set()).add(record_of(doc)["id"])
        for text, names in own.items():
            ids.setdefault(text, []).append(names)
    return [texts[key] for key, several in ids.items() if len(several) > 1 and not set.intersection(*several)]


def document_keys(docs: Sequence[Doc], set_name: str = "") -> list[DocumentKey]:
    """Tell which document each Doc of an annotation set is of, whatever else is in the set.

    docs (Sequence[Doc]): Of one set: of a document one from each person, or one that nobody annotated.
    set_name (str): The annotator of those that don't name theirs. Default: ''.
    RETURNS (list[tuple[str, str, int]]): Own id, text without white space, and how often the set has these up to here:
        as its review says; else counted for each person, and for what nobody annotated, what the others leave.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    numbers: list[int | None] = []
    taken: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    texts = [(record_of(doc)["id"], without_space(doc.text)) for doc in docs]
    for text, doc in zip(texts, docs, strict=True):
        number = None
        if doc.has_annotation("ENT_IOB"):
            person = (_annotator(doc, set_name), *text)
            counts[person] += 1
            number = occurrence(doc, str(review_of(doc).get("id") or "")) or counts[person]
            taken[text].add(number)
        numbers.append(number)
    keys = []
    for text, number in zip(texts, numbers, strict=True):
        if number is None:
            used = taken[text]
            number = next(i for i in count(1) if i not in used)
            used.add(number)
        keys.append((*text, number))
    return keys


def common_doc(docs: Sequence[Doc]) -> Doc:
    """RETURNS (Doc): The first Doc's sentences, and tokens that begin and end wherever one of any Doc does."""
    first = docs[0]
    edges = sorted({edge for doc in docs for token in doc for edge in (token.idx, token.idx + len(token))})
    within = np.zeros(len(first.text), dtype=bool)
    for doc in docs:
        for token in doc:
            within[token.idx : token.idx + len(token)] = True
    begins = {token.idx for token in first if token.is_sent_start}
    words: list[str] = []
    spaces: list[bool] = []
    starts: list[bool] = []
    for start, end in pairwise(edges):
        # White space may be a token of one Doc and follow a token in another.
        if within[start]:
            words.append(first.text[start:end])
            spaces.append(False)
            starts.append(start in begins)
        else:
            spaces[-1] = True
    if edges and edges[-1] < len(first.text):
        spaces[-1] = True
    known = first.has_annotation("SENT_START")
    doc = Doc(first.vocab, words=words, spaces=spaces, sent_starts=starts if known else None)
    doc.has_unknown_spaces = first.has_unknown_spaces
    return doc


def answer_of(doc: Doc, common: Doc) -> Answer:
    """Say what a Doc's annotator says, on the tokens of a Doc that `common_doc` made of it and others."""
    missing = np.zeros(len(common), dtype=bool)
    for token in doc:
        if token.ent_iob == IOB_MISSING:
            span = common.char_span(token.idx, token.idx + len(token))
            missing[span.start : span.end] = True
    spans = []
    for ent in doc.ents:
        span = common.char_span(ent.start_char, ent.end_char)
        spans.append(VotedSpan(span.start, span.end, ent.label_))
    return Answer(spans, missing, annotated_labels(doc))


def _is_later(doc: Doc, other: Doc) -> bool:
    """RETURNS (bool): Whether a Doc was submitted after another; not where either doesn't say when."""
    try:
        times = [datetime.fromisoformat(str(review_of(one)["submitted"])) for one in (doc, other)]
        return times[0] > times[1]
    except (KeyError, ValueError, TypeError):
        # Nor where a time zone is lacking.
        return False


def _everything(doc: Doc) -> tuple[object, ...]:
    missing = tuple(token.idx for token in doc if token.ent_iob == IOB_MISSING)
    return _bounds(doc.ents), frozenset(_nested(doc)), missing, annotated_labels(doc)


def _bounds(spans: Sequence[Span]) -> frozenset[tuple[int, int, str]]:
    return frozenset((span.start_char, span.end_char, span.label_) for span in spans)


def _nested(doc: Doc) -> frozenset[tuple[int, int, str]]:
    """The spans that doc.ents has no place for."""
    return _bounds(list(doc.spans[SPANS_KEY])) - _bounds(doc.ents) if SPANS_KEY in doc.spans else frozenset()


def _group(doc: Doc) -> list[ScoredSpan]:
    spans = list(doc.spans[SPANS_KEY]) if SPANS_KEY in doc.spans else list(doc.ents)
    return [ScoredSpan(span, None) for span in spans]
