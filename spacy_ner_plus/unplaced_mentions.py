"""Mentions that were predicted and have no place in their Doc, kept on it: no span can hold them, and they count.

doc.user_data["unplaced_mentions"] = [["Ann Lee", "PER"]]
"""

from collections.abc import Sequence

from spacy.tokens import Doc

UNPLACED_MENTIONS = "unplaced_mentions"


def unplaced_mentions(doc: Doc) -> list[tuple[str, str]]:
    """RETURNS (list[tuple[str, str]]): Text and label of each."""
    return [(text, label) for text, label in doc.user_data.get(UNPLACED_MENTIONS, ())]


def set_unplaced_mentions(doc: Doc, mentions: Sequence[tuple[str, str]]) -> None:
    """Keep mentions, in place of those that were kept before.

    mentions (Sequence[tuple[str, str]]): Text and label of each.
    """
    doc.user_data.pop(UNPLACED_MENTIONS, None)
    if mentions:
        doc.user_data[UNPLACED_MENTIONS] = [list(mention) for mention in mentions]
