"""A Doc from a text and its entities by character: the formats with offsets end here."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import CharSpan, align, without_overlaps


def text_to_doc(text: str, nlp: Language, *, issues: IssueLog, where: str) -> Doc | None:
    """Tokenise a text as the pipeline would.

    text (str): The text. Lone surrogates, which JSON can carry and no encoding
        can, become U+FFFD and are counted; offsets stay.
    nlp (Language): Makes the Doc.
    issues (IssueLog): Where an empty text is counted.
    where (str): The place of the text.
    RETURNS (Doc | None): The Doc, None where the text has nothing but white space.
    RAISES (UserError): A text longer than nlp.max_length.
    """
    if not text.strip():
        issues.add("empty text", repr(text), where)
        return None
    if len(text) > nlp.max_length:
        raise UserError(Errors.E153.format(where=where, length=len(text), limit=nlp.max_length))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        issues.add("lone surrogate", ascii(text[:40]), where)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return nlp.make_doc(text)


def annotate(doc: Doc, spans: Iterable[CharSpan], *, issues: IssueLog, where: str) -> Doc:
    """Write entities on a Doc, splitting tokens where an entity begins or ends inside one.

    A split keeps what the annotator meant. Without it the token would be taught
    as O; with it, spaCy trains on the pipeline's own tokens and takes the fused
    one as missing, which teaches nothing wrong, and a model that reads
    characters learns the entity itself.

    doc (Doc): The Doc, which is the one returned where no token has to be split.
    spans (Iterable[CharSpan]): Entities by character.
    issues (IssueLog): Where trimmed, misaligned and overlapping spans and split
        tokens are counted.
    where (str): The place of the record.
    RETURNS (Doc): A Doc of the same text, with entities, and O everywhere else.
    """
    trimmed = []
    for span in spans:
        inside = _trim(doc.text, span)
        if inside is None:
            issues.add("misaligned span", f"{span.label} [{span.start}:{span.end}], dropped", where)
            continue
        if inside != span:
            issues.add("white space trimmed from a span", _show(doc.text, span), where)
        trimmed.append(inside)
    fine, split = _split_tokens(doc, trimmed)
    kept, dropped = without_overlaps(align(fine, trimmed)[0])
    if dropped:
        for span in dropped:
            issues.add("overlapping spans", f"{span.label_} {span.text!r}, dropped", where)
        keep = [CharSpan(span.start_char, span.end_char, span.label_) for span in kept]
        fine, split = _split_tokens(doc, keep)
        kept, _ = align(fine, keep)
    for word in split:
        issues.add("token split at a span's edge", word, where)
    fine.set_ents(kept, default="outside")
    return fine


def _trim(text: str, span: CharSpan) -> CharSpan | None:
    """Take white space off a span's ends; None where it lies outside the text or nothing is left."""
    if not 0 <= span.start < span.end <= len(text):
        return None
    mention = text[span.start : span.end]
    start = span.start + len(mention) - len(mention.lstrip())
    end = span.end - len(mention) + len(mention.rstrip())
    return CharSpan(start, end, span.label) if start < end else None


def _split_tokens(doc: Doc, spans: Sequence[CharSpan]) -> tuple[Doc, list[str]]:
    """Cut tokens where a span begins or ends; the same Doc where there is nothing to cut."""
    edges = sorted({edge for span in spans for edge in span[:2]}, reverse=True)
    words, spaces, split = [], [], []
    for token in doc:
        end = token.idx + len(token)
        while edges and edges[-1] <= token.idx:
            edges.pop()
        cuts = [token.idx]
        while edges and edges[-1] < end:
            cuts.append(edges.pop())
        if len(cuts) > 1:
            split.append(token.text)
        cuts.append(end)
        for start, stop in pairwise(cuts):
            words.append(token.text[start - token.idx : stop - token.idx])
            spaces.append(stop == end and bool(token.whitespace_))
    return (Doc(doc.vocab, words=words, spaces=spaces) if split else doc), split


def _show(text: str, span: CharSpan) -> str:
    return f"{span.label} {text[span.start : span.end]!r}"
