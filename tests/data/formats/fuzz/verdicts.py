"""What has to become of a mutated file, by the class of its mutation; written before it was seen what becomes of it.

Detectable: the file itself shows that something is wrong.

    cut      it ends within a record, or a sign of its syntax is gone
    key      a key is renamed or gone: of the text, of the annotation, of a span's place or label
    column   a column of a row is gone
    tag      a tag is none
    range    an offset is outside of the text, or no number, or a span ends before it begins
    wrong    offsets, or a mention, that the span's own text or the record's text speaks against
    label    a label is no string, or empty

Then the source is refused with a UserError; or something is counted, and each character is what it was or missing:
one of an entity is never O and never in an entity of another label, and one that was O is never in an entity. What
is understood in spite of all is right as well.

Undetectable: the file is as good as any other, only that it says something else.

    shift    offsets that say other, possible places, where no span carries its text
    gone     a whole record is gone
    swap     two labels, or two columns of tags, are swapped

Then what is read is what an independent reader reads in the mutated file.
"""

from collections.abc import Mapping, Sequence

from spacy.tokens import Doc

from spacy_ner_plus.data.records.record import spans_of

DETECTABLE = ("cut", "key", "column", "tag", "range", "wrong", "label")
UNDETECTABLE = ("shift", "gone", "swap")
MISSING, OUTSIDE = "?", ""


def letters(text: str) -> str:
    """RETURNS (str): A text without white space, which all formats keep."""
    return "".join(text.split())


def of_characters(doc: Doc) -> tuple[str, list[str]]:
    """RETURNS (tuple[str, list[str]]): A Doc's letters, and for each a label, OUTSIDE or MISSING."""
    states = []
    for token in doc:
        state = {0: MISSING, 2: OUTSIDE}.get(token.ent_iob, token.ent_type_)
        states += [state] * len(letters(token.text))
    return letters(doc.text), states


def of_gold(text: str, spans: Sequence[tuple[int, int, str]]) -> list[str]:
    states = [OUTSIDE] * len(text)
    for start, end, label in spans:
        states[start:end] = [label] * (end - start)
    return [state for state, character in zip(states, text, strict=True) if not character.isspace()]


def check_detectable(docs: Sequence[Doc], gold: Mapping[str, list[str]], counted: int) -> str:
    """RETURNS (str): What is wrong with what was read of a file with a detectable fault; '' where nothing is.

    gold (Mapping[str, list[str]]): What each text was before, by its letters.
    counted (int): How many issues there are.
    """
    exact = len(docs) == len(gold)
    for doc in docs:
        text, states = of_characters(doc)
        if text not in gold:
            exact = False
            text, states = without_missing(text, states, gold)
        if text not in gold:
            # Cut off, or of another key: it must not say what nobody annotated.
            if any(state not in (MISSING, OUTSIDE) for state in states) or OUTSIDE in states:
                return f"another text, with annotation: {doc.text!r} {states}"
            continue
        for state, was in zip(states, gold[text], strict=True):
            if state not in (was, MISSING):
                return f"{was or 'O'} became {state or 'O'} in {doc.text!r}"
            exact = exact and state == was
    return "" if exact or counted else "something is missing, and nothing was counted"


def without_missing(text: str, states: list[str], gold: Mapping[str, list[str]]) -> tuple[str, list[str]]:
    """Leave out what has come to a text and is missing, as signs of a row that doesn't read."""
    for known in gold:
        kept = []
        for i, character in enumerate(text):
            if len(kept) < len(known) and character == known[len(kept)]:
                kept.append(i)
            elif states[i] != MISSING:
                break
        else:
            if len(kept) == len(known):
                return known, [states[i] for i in kept]
    return text, states


def spans_by_letters(text: str, spans) -> set[tuple[int, int, str]]:
    places = [0]
    for character in text:
        places.append(places[-1] + (not character.isspace()))
    # A tool's text may go on with white space, such as the '\r' of ner-annotator, that the reader leaves out.
    last = len(places) - 1
    return {(places[min(start, last)], places[min(end, last)], label) for start, end, label in spans}


def check_undetectable(
    docs: Sequence[Doc], expected: Sequence[tuple[str, list[tuple[int, int, str]]]]
) -> str:
    """RETURNS (str): How what was read differs from what an independent reader read; '' where it doesn't."""
    if len(docs) != len(expected):
        return f"{len(docs)} records instead of {len(expected)}"
    for doc, (text, spans) in zip(docs, expected, strict=True):
        if letters(doc.text) != letters(text):
            return f"the text {doc.text!r} instead of {text!r}"
        found = spans_by_letters(
            doc.text, [(span.start_char, span.end_char, span.label_) for span, _ in spans_of(doc)]
        )
        wanted = spans_by_letters(text, spans)
        if found != wanted:
            return f"{sorted(found)} instead of {sorted(wanted)} in {text!r}"
        states = of_characters(doc)[1]
        if any(states[i] == OUTSIDE for start, end, _ in wanted for i in range(start, end)):
            return f"O within an entity of {text!r}"
    return ""
