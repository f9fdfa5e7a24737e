"""Fifty steps of training with a seed, by spaCy's own calls alone, so that any version of the package can run it.

    python tests/compatibility/fifty_steps.py ENCODER OUTPUT.safetensors

`ENCODER` is a folder with an encoder and its tokenizer. The weights are those that `to_disk` writes.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

# Long enough for several windows in some documents, so that all of an update's parts have a share.
SENTENCES = [
    ("Anna Berg lives in Oslo and works for Acme Corp .", "B-PER I-PER O O B-LOC O O O B-ORG I-ORG O"),
    ("In Paris , John Smith met Maria Lopez .", "O B-LOC O B-PER I-PER O B-PER I-PER O"),
    ("Acme Corp opened an office in Berlin on Monday .", "B-ORG I-ORG O O O O B-LOC O O O"),
    ("Nobody from Globex was there .", "O O B-ORG O O O"),
    ("Maria Lopez flew from Oslo to Paris .", "B-PER I-PER O O B-LOC O B-LOC O"),
    ("The weather in Berlin is fine .", "O O O B-LOC O O O"),
]
STEPS = 50
SEED = 7


def train(encoder: str) -> dict[str, np.ndarray]:
    """Train for fifty steps in fp32 on one thread, with dropout and weight decay as the shipped config has them.

    encoder (str): Folder of an encoder with its tokenizer.
    RETURNS (dict[str, ndarray]): The weights by name.
    """
    import spacy
    import torch
    from spacy.tokens import Doc
    from spacy.training import Example
    from spacy.util import fix_random_seed
    from thinc.api import Adam

    torch.set_num_threads(1)
    fix_random_seed(SEED)
    nlp = spacy.blank("xx")
    model = {"encoder": encoder, "window": 30, "overlap": 10, "lead": 6, "attention_dropout": 0.1}
    architecture = {"@architectures": "spacy_ner_plus.TransformerTagger.v1"}
    config = {"device": "cpu", "precision": "fp32", "model": {**architecture, **model}}
    nlp.add_pipe("transformer_ner", config=config)
    examples = []
    for first in range(len(SENTENCES)):
        rows = [SENTENCES[(first + more) % len(SENTENCES)] for more in range(1 + first)]
        words = [word for text, _ in rows for word in text.split()]
        tags = [tag for _, row in rows for tag in row.split()]
        gold = Doc(nlp.vocab, words=words, ents=tags)
        examples.append(Example(Doc(nlp.vocab, words=words), gold))
    nlp.initialize(lambda: examples)
    optimizer = Adam(1e-3, L2=0.01, L2_is_weight_decay=True, grad_clip=1.0, use_averages=False)
    for step in range(STEPS):
        nlp.update([examples[step % 6], examples[(step * 5 + 1) % 6]], sgd=optimizer, drop=0.1)
    return saved_weights(nlp)


def saved_weights(nlp) -> dict[str, np.ndarray]:
    """RETURNS (dict[str, ndarray]): All weights that a pipeline saves."""
    from safetensors.numpy import load_file

    with tempfile.TemporaryDirectory() as folder:
        nlp.to_disk(folder)
        files = sorted(Path(folder).rglob("model.safetensors"))
        return {name: array for file in files for name, array in load_file(file).items()}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    from safetensors.numpy import save_file

    save_file(train(sys.argv[1]), sys.argv[2])
