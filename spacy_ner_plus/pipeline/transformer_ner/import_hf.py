"""A trained Hugging Face token classification model, brought in as `transformer_ner`."""

import numpy as np
import spacy
from spacy.language import Language

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.decoding.tags import tag_names
from spacy_ner_plus.spans import split_tag

# How much less B- scores than I- where a model has no B- of its own: enough that an
# entity goes on rather than a new one begins, too little to change anything else.
_BEGIN_MARGIN = 0.01


def import_token_classifier(
    name: str, *, lang: str = "en", scheme: str = "iob2", window: int = 200, overlap: int = 50
) -> Language:
    """Make a pipeline of a token classification model.

    name (str): A folder or a hub name; weights must be safetensors.
    lang (str): The language whose tokenizer is used. Default 'en'.
    scheme (str): 'iob2', or 'iob1' for models whose B- only separates adjacent entities of
        one label; with these, and with models without B-, adjacent entities are joined. Default 'iob2'.
    window (int): Longest window in wordpieces; less where the encoder takes less. Default 200.
    overlap (int): How many wordpieces neighbouring windows share. Default 50.
    RETURNS (Language): A pipeline with the component transformer_ner.
    RAISES (UserError): Where the model can't be loaded, has no linear head, or
        labels that are no IOB tags.
    """
    from spacy_ner_plus.models.encoders.pretrained import load_token_classifier, max_window

    encoder, tokenizer, head, tags = load_token_classifier(name)
    rows = _tag_rows(name, tags)
    labels = sorted({label for prefix, label in rows if prefix != "O"})
    window = min(window, max_window(encoder, tokenizer) or window)
    nlp = spacy.blank(lang)
    pipe = nlp.add_pipe(
        "transformer_ner",
        config={
            # The model's own predictions; a user may set it.
            "consistency": 0.0,
            "model": {
                "@architectures": "spacy_ner_plus.TransformerTagger.v2",
                "encoder": name,
                "window": window,
                "overlap": min(overlap, window // 4),
                "lead": 0,
                "case_features": "never",
                "line_features": False,
                "head_layers": 1,
            },
        },
    )
    for label in labels:
        pipe.add_label(label)
    sources = [_source_row(rows, *split_tag(tag), scheme) for tag in tag_names(labels)]
    chosen = [row for row, _ in sources]
    margins = head.bias.new_tensor([margin for _, margin in sources])
    weight, bias = head.weight.detach()[chosen], head.bias.detach()[chosen] - margins
    pipe.token_scorer.adopt(encoder, tokenizer, weight, bias)
    return nlp


def _tag_rows(name: str, tags: list[str]) -> dict[tuple[str, str], int]:
    parsed = [split_tag(tag) for tag in tags]
    usable = all(parts is not None and parts[0] in ("O", "B", "I") for parts in parsed)
    if not usable or ("O", "") not in parsed or len(set(parsed)) < 2:
        raise UserError(Errors.E218.format(path=name, labels=", ".join(map(str, np.array(tags)[:8]))))
    return {parts: row for row, parts in enumerate(parsed)}


def _source_row(rows: dict[tuple[str, str], int], prefix: str, label: str, scheme: str) -> tuple[int, float]:
    if prefix == "B" and (scheme == "iob1" or ("B", label) not in rows):
        return rows["I", label], _BEGIN_MARGIN
    if prefix == "I" and ("I", label) not in rows:
        # Entities of one token: an I- that scores less than any begin is never chosen.
        return rows["B", label], 1e4
    return rows[prefix, label], 0.0
