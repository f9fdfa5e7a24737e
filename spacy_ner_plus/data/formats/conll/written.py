"""Docs as sentences of words and tags, as the formats of this family write them."""

from collections.abc import Iterator

from spacy.tokens import Doc, Token

from spacy_ner_plus.data.formats.conll.sentences import HEADER
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import MISSING


def written_sentences(doc: Doc, where: str, issues: IssueLog) -> Iterator[list[tuple[str, str, Token]]]:
    """Part a Doc into sentences of words with IOB2 tags, MISSING where the annotation is.

    where (str): Which Doc, for what is counted.
    issues (IssueLog): Where is counted what a line of columns cannot hold: tokens of white space, line breaks in a
        token, a sentence that starts inside an entity, a token that would read as a header.
    YIELDS (list[tuple[str, str, Token]]): Sentences, none of them empty: each token as it is written, its tag, itself.
    """
    has_sentences = doc.has_annotation("SENT_START")
    sentence: list[tuple[str, str, Token]] = []
    label = ""  # of the entity whose first token has been written
    for token in doc:
        iob = token.ent_iob_
        if iob != "I":
            label = ""
        if sentence and has_sentences and token.is_sent_start:
            if iob == "I":
                issues.add("sentence start inside an entity", token.text, where)
            else:
                yield sentence
                sentence = []
        word = token.text
        if word == "\n" and has_sentences and _ends_sentence(token):
            # The break between sentences, which the empty line says.
            continue
        if word.isspace():
            issues.add("token of white space", repr(word), where)
            continue
        if not word.isprintable() and any(mark in word for mark in "\t\n\r"):
            issues.add("line break or tab in a token", repr(word), where)
            word = " ".join(word.split())
        if word.startswith(HEADER):
            issues.add("token that reads as a header", word, where)
            word = f"_{word}"
        if token.ent_type_:
            tag = f"I-{label}" if label else f"B-{token.ent_type_}"
            label = token.ent_type_
        else:
            # A blocked token is a B without a label.
            tag = "O" if iob else MISSING
        sentence.append((word, tag, token))
    if sentence:
        yield sentence


def _ends_sentence(token: Token) -> bool:
    return token.i + 1 < len(token.doc) and bool(token.doc[token.i + 1].is_sent_start)
