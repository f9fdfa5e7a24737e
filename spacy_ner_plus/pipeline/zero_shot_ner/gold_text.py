"""What a gold Doc teaches a zero-shot model."""

from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.models.zero_shot.training.gold_windows import GoldSpan, GoldText
from spacy_ner_plus.models.zero_shot.windows import Stretch


def gold_text(doc: Doc) -> GoldText:
    """RETURNS (GoldText): A Doc's text and entities, by character.

    RAISES (UserError): Where its annotated labels are no labels, or not those of its entities.
    """
    spans = [GoldSpan(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    # spaCy has no annotation for a token where this is 0; blocked ones, which are no entity, have one.
    unknown = [Stretch(token.idx, token.idx + len(token)) for token in doc if not token.ent_iob]
    return GoldText(doc.text, spans, unknown, annotated_labels(doc))
