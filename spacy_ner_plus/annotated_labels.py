"""Which labels were annotated on a Doc: where only some were, nothing is known of the others.

    doc.user_data["annotated_labels"] = ["ORG"]

says that all mentions of ORG on the Doc are marked, and that other labels weren't looked for: what isn't
marked is "not ORG", and not O. A Doc without the key is annotated with all labels.
"""

from collections.abc import Iterable

from spacy.tokens import Doc
from spacy.training import Example

from spacy_ner_plus.errors import Errors, UserError

ANNOTATED_LABELS = "annotated_labels"
SHOWN = 60  # characters of a text in a message


def annotated_labels(doc: Doc) -> frozenset[str] | None:
    """RETURNS (frozenset[str] | None): The labels that were annotated on a Doc; None for all.

    RAISES (UserError): Where they are no list of labels, or an entity of the Doc has another label.
    """
    found = doc.user_data.get(ANNOTATED_LABELS)
    if found is None:
        return None
    is_list = isinstance(found, list | tuple | set | frozenset)
    if not is_list or not found or not all(isinstance(label, str) and label for label in found):
        raise UserError(Errors.E238.format(key=ANNOTATED_LABELS, found=repr(found), text=_begin(doc)))
    labels = frozenset(found)
    for ent in doc.ents:
        if ent.label_ not in labels:
            raise UserError(
                Errors.E239.format(
                    key=ANNOTATED_LABELS,
                    labels=", ".join(sorted(labels)),
                    entity=ent.text[:SHOWN],
                    label=ent.label_,
                    text=_begin(doc),
                )
            )
    return labels


def set_annotated_labels(doc: Doc, labels: Iterable[str]) -> None:
    """Say which labels were annotated on a Doc.

    RAISES (UserError): Where there are none, or an entity of the Doc has another label.
    """
    # A list in order: it goes through files, and the same labels give the same bytes.
    doc.user_data[ANNOTATED_LABELS] = sorted(set(labels))
    annotated_labels(doc)


def only_annotated(example: Example) -> Example:
    """Take predictions out of an example that can be neither right nor wrong, so that any scorer can be used.

    RETURNS (Example): With a copy of the predicted Doc, whose entities have labels that were annotated on the
        reference; the example itself where all were.
    """
    labels = annotated_labels(example.reference)
    if labels is None:
        return example
    predicted = example.predicted.copy()
    predicted.set_ents([ent for ent in predicted.ents if ent.label_ in labels], default="outside")
    return Example(predicted, example.reference)


def _begin(doc: Doc) -> str:
    text = " ".join(doc.text[: 2 * SHOWN].split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
