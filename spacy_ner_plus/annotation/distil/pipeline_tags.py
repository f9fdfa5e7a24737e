"""What a pipeline says of a Doc, where one of its components writes soft tags and others may have changed entities."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from spacy.tokens import Doc

from spacy_ner_plus.annotation.distil.span_tags import soften
from spacy_ner_plus.soft_tags import SoftTags, read_soft_tags


def pipeline_tags(doc: Doc, spans_key: str, scores: Mapping[tuple[int, int, int], float]) -> SoftTags | None:
    """Read a Doc's soft tags, as its entities are now.

    A component that comes later, such as rules, may have set other entities than the one that wrote the soft tags.
    Those have the probability of their score, 1 where there is none; what was an entity and isn't any more is O, and
    about a token whose annotation is missing nothing is said.

    spans_key (str): Key in doc.spans for the entities of the component that wrote the soft tags.
    scores (Mapping[tuple[int, int, int], float]): Of entities, by start, end and label's number.
    RETURNS (SoftTags | None): None where the Doc has none.
    """
    soft = read_soft_tags(doc)
    if soft is None:
        return None
    missing = np.array([token.ent_iob == 0 for token in doc], dtype=bool)
    soft = replace(soft, weights=np.where(missing, 0.0, soft.weights))
    own = {(span.start, span.end, span.label_) for span in doc.spans.get(spans_key, ())}
    now = {(ent.start, ent.end, ent.label_): ent for ent in doc.ents}
    if spans_key not in doc.spans or own == now.keys():
        return soft
    labels = (*soft.labels, *sorted({label for *_, label in now} - set(soft.labels)))
    soft = soft.for_labels(labels)
    probs, weights, n = soft.probs.copy(), soft.weights.copy(), len(labels)
    for start, end, _ in own - now.keys():
        probs[start:end] = 0.0
        probs[start:end, 0] = 1.0
    for start, end, label in now.keys() - own:
        score = soften(scores.get((start, end, doc.vocab.strings[label]), 1.0), soft.temperature)
        number = labels.index(label)
        probs[start:end] = 0.0
        probs[start:end, 0] = 1.0 - score
        probs[start, 1 + number] = score
        probs[start + 1 : end, 1 + n + number] = score
        weights[start:end] = 1.0
    return replace(soft, probs=probs, weights=weights)
