"""A trained Hugging Face token classification model, brought in as `transformer_ner`."""

import numpy as np
import spacy
from spacy.language import Language

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.decoding.viterbi import tag_names
from spacy_ner_plus.spans import split_tag

# How much less B- scores than I- where a model has no B- of its own: enough that
# an entity goes on rather than begins anew, too little to change anything else.
_BEGIN_MARGIN = 0.01


def import_token_classifier(
    name: str, *, lang: str = "en", scheme: str = "iob2", window: int = 200, overlap: int = 50
) -> Language:
    """Make a pipeline of a token classification model.

    name (str): A folder or a hub name; weights must be safetensors.
    lang (str): The language whose tokenizer is used. Default 'en'.
    scheme (str): 'iob2', or 'iob1' for models whose B- only parts neighbours of
        one label; of these, and of models without B-, neighbours are joined.
    window (int): Longest window in wordpieces; less where the encoder takes less.
    overlap (int): How many wordpieces neighbouring windows share.
    RETURNS (Language): A pipeline with the component transformer_ner.
    RAISES (UserError): Where the model can't be loaded, has no linear head, or
        labels that are no IOB tags.
    """
    import torch

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
                "@architectures": "spacy_ner_plus.TransformerTagger.v1",
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
    n_tags = len(tag_names(labels))
    pipe.model.set_dim("nO", n_tags)
    shim = pipe.model.shims[0]
    shim.adopt(encoder, tokenizer, n_tags)
    weight, bias = head.weight.detach(), head.bias.detach()
    with torch.no_grad():
        for number, tag in enumerate(tag_names(labels)):
            prefix, label = split_tag(tag)
            source, margin = _source_row(rows, prefix, label, scheme)
            shim.network.head.weight[number] = weight[source]
            shim.network.head.bias[number] = bias[source] - margin
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
