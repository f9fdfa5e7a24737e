"""A Doc on another text that differs from its own in white space alone, as of a tool that strips it."""

from spacy.tokens import Doc, Span

from spacy_ner_plus.annotated_labels import annotated_labels, set_annotated_labels
from spacy_ner_plus.data.records.record import Record, ScoredSpan, mark_record, record_of, spans_of
from spacy_ner_plus.data.records.words import words_between
from spacy_ner_plus.letters import OtherSpace
from spacy_ner_plus.spans import IOB_MISSING


def on_text(doc: Doc, text: str) -> Doc:
    """Lay a Doc's tokens, sentences, entities, spans and record on another text.

    Tokens of white space are the text's; a span of white space alone is lost.

    text (str): As the Doc's but for white space.
    RETURNS (Doc): A new one.
    """
    place = OtherSpace(doc.text, text).bounds
    tokens = [(token, place(token.idx, token.idx + len(token))) for token in doc]
    words, spaces = words_between(text, [at for _, at in tokens if at is not None])
    laid = Doc(doc.vocab, words=words, spaces=spaces)
    laid.has_unknown_spaces = doc.has_unknown_spaces
    if doc.has_annotation("SENT_START"):
        starts = {at[0] for token, at in tokens if at is not None and token.is_sent_start}
        for token in laid:
            token.is_sent_start = token.i == 0 or token.idx in starts

    def lay(span: Span) -> Span | None:
        at = place(span.start_char, span.end_char)
        return None if at is None else laid.char_span(*at, label=span.label_, span_id=span.id_)

    about = record_of(doc)
    record = Record(laid, about["where"], about["id"], about["meta"], about["annotator"])
    if not doc.has_annotation("ENT_IOB"):
        return mark_record(record, None).doc
    missing = [laid.char_span(*at) for token, at in tokens if at is not None and token.ent_iob == IOB_MISSING]
    ents = [lay(ent) for ent in doc.ents]
    laid.set_ents([ent for ent in ents if ent is not None], missing=missing, default="outside")
    spans = [(lay(span), score) for span, score in spans_of(doc)]
    mark_record(record, [ScoredSpan(span, score) for span, score in spans if span is not None])
    if (labels := annotated_labels(doc)) is not None:
        set_annotated_labels(laid, labels)
    return laid
