"""Answers as Docs to train a pipeline on."""

from collections.abc import Sequence

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import set_annotated_labels
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.learning.export.answers import Answer
from spacy_ner_plus.spans import align

MISALIGNED = "entity that begins or ends within a token: its tokens are missing"
NO_WORDS = "text without words"
_SHOWN = 60


def answers_to_docs(answers: Sequence[Answer], nlp: Language, left_out: IssueLog) -> list[tuple[Answer, Doc]]:
    """Make Docs.

    What isn't known isn't O: the tokens of an entity that doesn't fit them are missing, and where a part of a text has
    no answer, all that is in no entity. Where not all were asked for the same labels, each Doc says for which.

    nlp (Language): Whose tokens the Docs get.
    left_out (IssueLog): Where what doesn't fit is counted.
    RETURNS (list[tuple[Answer, Doc]]): Each answer with its Doc, in order.
    """
    asked = {frozenset(answer.inference.labels) for answer in answers}
    found = []
    for answer in answers:
        inference = answer.inference
        doc = nlp.make_doc(inference.text)
        if not len(doc) or not inference.text.strip():
            left_out.add(NO_WORDS, inference.text[:_SHOWN])
            continue
        ents, misaligned = align(doc, answer.entities)
        missing = []
        for span in misaligned:
            left_out.add(MISALIGNED, f"{span.label} {inference.text[span.start : span.end][:_SHOWN]!r}")
            around = doc.char_span(span.start, span.end, alignment_mode="expand")
            taken = {token.i for ent in ents for token in ent}
            missing += [doc[token.i : token.i + 1] for token in around or () if token.i not in taken]
        if answer.is_whole:
            doc.set_ents(ents, missing=missing, default="outside")
        else:
            doc.set_ents(ents, default="missing")
        if len(asked) > 1:
            set_annotated_labels(doc, inference.labels)
        found.append((answer, doc))
    return found
