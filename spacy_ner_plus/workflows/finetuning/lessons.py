"""Questions and the right replies: about gold Docs, as structured_llm_ner asks them, and of chats that are there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_ner_plus.causal import DevChats
    from spacy_ner_plus.llm.prompting.prompter import Prompter

PARTLY = "document that isn't annotated to its end: left out"
EMPTY = "document without text: left out"
SOME_LABELS = "document that was annotated with some of the labels alone: left out"
OTHER_LABEL = "entity of the label '{label}', which isn't learnt: left out"
CANT_WRITE = "document whose entities the reply format can't write: left out"
_SHOWN = 60


def lessons(prompter: "Prompter", docs: Sequence["Doc"], left_out: IssueLog) -> list[list[dict[str, str]]]:
    """RETURNS (list[list[dict[str, str]]]): Chats about Docs, with the right replies.

    left_out (IssueLog): Where what can't be learnt is counted.
    """
    names = set(prompter.labels.names)
    chats: list[list[dict[str, str]]] = []
    for doc in _whole(docs, names, left_out):
        spans = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents if ent.label_ in names]
        try:
            chats += prompter.lessons(doc.text, spans)
        except (ValueError, LookupError):
            left_out.add(CANT_WRITE, doc.text[:_SHOWN])
    return chats


def dev_lessons(prompter: "Prompter", docs: Sequence["Doc"], left_out: IssueLog) -> "DevChats":
    """Ask about gold Docs.

    left_out (IssueLog): Where what can't be asked, or be right or wrong, is counted.
    RETURNS (DevChats): The questions, whose score is strict micro F1. What a reply that can't be read would name is
        missed.
    RAISES (UserError): Where no entity is left that could be found.
    """
    from spacy_ner_plus.alignment.align import align_mentions
    from spacy_ner_plus.causal import DevChats
    from spacy_ner_plus.evaluation.counting.counts import Counts

    names = set(prompter.labels.names)
    whole = list(_whole(docs, names, left_out))
    if not any(ent.label_ in names for doc in whole for ent in doc.ents):
        reason = f"none of its {len(docs):,} documents has an entity of the labels {', '.join(sorted(names))}"
        raise UserError(Errors.E937.format(reason=reason))
    asked = [[chat[:-1] for chat in prompter.lessons(doc.text, [])] for doc in whole]

    def score(replies: list[str | None]) -> float:
        counts, at = Counts(), 0
        for doc, questions in zip(whole, asked, strict=True):
            given = [reply for reply in replies[at : at + len(questions)] if reply is not None]
            at += len(questions)
            if len(given) < len(questions):  # too long to be asked about
                continue
            mentions = prompter.read_lessons(doc.text, given)
            gold = {(ent.start, ent.end, ent.label_) for ent in doc.ents if ent.label_ in names}
            spans = align_mentions(doc, mentions).spans if mentions else ()
            found = {(span.start, span.end, span.label) for span in spans}
            counts += Counts(correct=len(gold & found), missed=len(gold - found), spurious=len(found - gold))
        return counts.f1

    return DevChats([chat for chats in asked for chat in chats], score, "strict F1")


def _whole(docs: Sequence["Doc"], names: set[str], left_out: IssueLog) -> "Iterator[Doc]":
    """YIELDS (Doc): Those of which all is known that is to be learnt; the others are counted, and entities of other
    labels."""
    from spacy_ner_plus.annotated_labels import annotated_labels

    for doc in docs:
        shown = doc.text[:_SHOWN]
        labels = annotated_labels(doc)
        if not doc.text.strip():
            left_out.add(EMPTY, repr(shown))
        elif any(token.ent_iob == 0 for token in doc):
            left_out.add(PARTLY, shown)
        elif labels is not None and not names <= labels:
            missing = ", ".join(sorted(names - labels))
            left_out.add(SOME_LABELS, f"{shown!r}, without {missing}")
        else:
            for ent in doc.ents:
                if ent.label_ not in names:
                    left_out.add(OTHER_LABEL.format(label=ent.label_), ent.text[:_SHOWN])
            yield doc


def dev_chats(chats: Sequence[Sequence[Mapping[str, str]]], left_out: IssueLog) -> "DevChats":
    """Ask what chats ask.

    left_out (IssueLog): Where chats without an answer are counted.
    RETURNS (DevChats): Them without their answers, whose score is the share that is answered word for word.
    RAISES (UserError): Where none has an answer.
    """
    from spacy_ner_plus.causal import DevChats
    from spacy_ner_plus.causal.chats import NO_ANSWER, has_answer

    whole = [chat for chat in chats if has_answer(chat)]
    if len(whole) < len(chats):
        left_out.add(NO_ANSWER, "", count=len(chats) - len(whole))
    if not whole:
        raise UserError(Errors.E937.format(reason="none of its chats ends with an answer"))
    right = [chat[-1]["content"].strip() for chat in whole]

    def score(replies: list[str | None]) -> float:
        asked = [(one.strip(), other) for one, other in zip(replies, right, strict=True) if one is not None]
        return sum(one == other for one, other in asked) / len(asked)

    return DevChats([chat[:-1] for chat in whole], score, "share answered word for word")
