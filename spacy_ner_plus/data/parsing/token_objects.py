"""Tokens as objects of JSON, as Prodigy and spaCy write them."""

from typing import Any

from spacy_ner_plus.data.records.marked import MarkedText
from spacy_ner_plus.issues import IssueLog


def read_tokens(tokens: Any, marked: MarkedText, issues: IssueLog) -> None:
    """Take a record's tokens, by their texts or offsets.

    tokens (Any): What stands under the record's key for them.
    marked (MarkedText): The record; it gets words and spaces.
    issues (IssueLog): Where tokens that can't be read are counted; the text is tokenised anew then.
    """
    if not isinstance(tokens, list) or not tokens:
        return
    words, spaces, at = [], [], 0
    for token in tokens:
        token = token if isinstance(token, dict) else {}
        start, end = token.get("start"), token.get("end")
        has_offsets = isinstance(start, int) and isinstance(end, int) and 0 <= start < end
        word = token.get("text")
        if not isinstance(word, str):
            word = marked.text[start:end] if has_offsets else ""
        if not word:
            issues.add("tokens that do not make up the text", marked.text[:60], marked.where)
            return
        if has_offsets:
            if spaces and spaces[-1] is None:
                spaces[-1] = start > at
            at = end
        words.append(word)
        spaces.append(token.get("ws"))
    marked.words, marked.spaces = words, [bool(space) for space in spaces]
