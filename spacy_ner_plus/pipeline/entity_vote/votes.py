"""Who said what, kept on a Doc: a group of all spans that were named, whether they became entities or not."""

from collections.abc import Sequence

from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.pipeline.entity_vote.decision import Decision

# Key in doc.spans, where no other is said.
VOTES_KEY = "votes"


def write_votes(doc: Doc, decision: Decision, annotators: Sequence[str], key: str = VOTES_KEY) -> None:
    """Write all candidates as a group of spans, whose attrs survive DocBin and copies.

    The attrs are parallel to the spans: `scores`, what the policy gives each; `kept`, whether it is an entity; and
    `by`, the score that each annotator gave it, None for one that didn't name it, in the order of `annotators`.
    """
    spans = [Span(doc, found.start, found.end, label=found.label) for found in decision.candidates]
    attrs = {
        "scores": [float(score) for score in decision.scores],
        "kept": list(decision.kept),
        "by": [list(found.scores) for found in decision.candidates],
        "annotators": list(annotators),
    }
    doc.spans[key] = SpanGroup(doc, name=key, spans=spans, attrs=attrs)
