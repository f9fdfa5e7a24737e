"""The limit of our speed: the bare encoder's forward pass, and nothing else.

It reads the very windows that `transformer_ner` reads, in the same micro-batches
and at the same precision; tokenizing, tagging and setting entities are left out. It is run twice:
by our layers (spacy_ner_plus.models.network.bert_layers), which is the limit of what our component can reach,
and by those of transformers.
"""

import time
from collections.abc import Callable

import torch
from spacy.language import Language
from spacy.util import minibatch

COMPONENT = "transformer_ner"


def make_limit(nlp: Language, texts: dict[str, list[str]]) -> Callable[[str, bool], float]:
    """Prepare the windows of all texts.

    nlp (Language): Our pipeline.
    texts (dict[str, list[str]]): Texts by the name of their set.
    RETURNS (Callable): Takes a set's name and whether our layers run the encoder over it, gives the seconds.
    """
    tagger = nlp.get_pipe(COMPONENT).token_scorer.tagger
    network = tagger.inference_network()
    encoder = network.encoder
    device = next(encoder.parameters()).device
    batches = {}
    for name, some in texts.items():
        docs = map(nlp.make_doc, some)
        # nlp.pipe hands the component as many documents at once.
        groups = [tagger.micro_batches(group) for group in minibatch(docs, size=nlp.batch_size)]
        batches[name] = [
            (torch.from_numpy(batch.ids).to(device), torch.from_numpy(batch.mask).to(device))
            for group in groups
            for batch in group
        ]

    def run(name: str, by_ours: bool) -> float:
        # On a GPU, or with an encoder that isn't a relative of BERT, ours are those of transformers.
        layers = network.layers if by_ours and device.type == "cpu" else None
        began = time.perf_counter()
        with torch.inference_mode():
            for ids, mask in batches[name]:
                if layers is not None:
                    (hidden,) = layers(mask, 1, input_ids=ids)
                else:
                    hidden = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        if hidden.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began

    return run
