"""Texts with labels in place of their entities."""

from spacy_ner_plus.annotation.generate.records import Record


def pattern_of(record: Record) -> str:
    """RETURNS (str): A record's text with labels in place of its entities; one template gives equal ones."""
    pieces, end = [], 0
    for span in record.spans:
        pieces += [record.text[end : span.start], f"[{span.label}]"]
        end = span.end
    return "".join([*pieces, record.text[end:]])
