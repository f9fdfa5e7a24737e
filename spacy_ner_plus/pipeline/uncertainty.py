"""How unsure of a Doc a component is: what a chat model should be asked about, or a person.

Each component writes it to its group of spans (`doc.spans[key].attrs["uncertainty"]`), where it survives DocBin:
`transformer_ner` 1 minus the least probability, over the tokens, of the tag that it gives, O among them; others the
share of spans whose score is near the threshold, and 1 where there is no answer.
"""

from collections.abc import Sequence

from spacy.tokens import Doc

from spacy_ner_plus.errors import Errors, UserError

UNCERTAINTY = "uncertainty"
# How far from the threshold a score is still borderline.
BORDER = 0.2


def uncertainty(doc: Doc, spans_key: str | None = None) -> float:
    """Look up how unsure of a Doc the component is that annotated it.

    spans_key (str): Its key in doc.spans, by default its name. Default: None for the most unsure of all components.
    RETURNS (float): From 0 to 1.
    RAISES (UserError): Where no component of ours, or none of that key, has annotated the Doc.
    """
    known = {
        key: float(group.attrs[UNCERTAINTY])
        for key, group in doc.spans.items()
        if group.attrs.get(UNCERTAINTY) is not None
    }
    if spans_key is None and known:
        return max(known.values())
    if spans_key not in known:
        wanted = "" if spans_key is None else f" under '{spans_key}'"
        raise UserError(Errors.E650.format(wanted=wanted, known=", ".join(sorted(known)) or "nothing"))
    return known[spans_key]


def borderline_share(scores: Sequence[float], threshold: float, border: float = BORDER) -> float:
    """Find the share of scores that are near a threshold.

    scores (Sequence[float]): From 0 to 1; those below the threshold, too, where they are known.
    border (float): How far from it is near. Default 0.2.
    RETURNS (float): From 0 to 1; 0 where there is no score.
    """
    # 0.7 is no further from 0.5 than 0.2, whatever floats say.
    near = [abs(score - threshold) <= border + 1e-9 for score in scores]
    return sum(near) / len(near) if near else 0.0
