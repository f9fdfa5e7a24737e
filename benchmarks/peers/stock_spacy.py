"""spaCy's own `transformer` + `ner`, trained as spaCy's quickstart says.

The model is that of configs/stock_ner.cfg, which is the quickstart's for English NER
(https://spacy.io/usage/training#quickstart, hardware GPU: strided spans of
128 words at a stride of 96, TransitionBasedParser.v2, hidden width 64, batches of
2,000 padded words in 3 parts, Adam at 5e-5 with 250 steps of warm-up, falling to 0
at step 20,000). Its stopping rule is put back in place of the config's epochs:
max_steps 20,000, patience 1,600 steps, an evaluation every 200. That takes more than
an hour of a CPU, and the limit cuts it; model-best is kept, as always. With `steps` the training ends there,
the rate rises for a tenth of them and falls to 0 at the last: for a corpus of few words.

Raw text goes to `nlp.pipe` as it is. spaCy has no bf16: it computes in fp32.
"""

from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from peers.spacy_training import load, load_for_tokens, read_config, train_from_config

__all__ = ["BATCH_SIZES", "load", "load_for_tokens", "train"]
CONFIG = Path(__file__).parents[2] / "configs" / "stock_ner.cfg"
SOURCE = "https://spacy.io/usage/training#quickstart, spaCy 3.8"
BATCH_SIZES = (None, 32, 64)
STOPPING = {"max_epochs": 0, "max_steps": 20000, "patience": 1600, "eval_frequency": 200}


def train(
    train_docs: list[Doc],
    dev_docs: list[Doc],
    folder: Path,
    seed: int,
    limits: dict[str, Any],
    min_steps: int,
    steps: int = 0,
) -> dict[str, Any]:
    """Train with the quickstart's config."""
    config = read_config(CONFIG, train_docs, dev_docs, folder, seed)
    stopping = {**STOPPING, "max_steps": max(STOPPING["max_steps"], min_steps)}
    if steps := max(steps, min_steps) if steps else 0:
        stopping = {"max_epochs": 0, "max_steps": steps, "patience": 0, "eval_frequency": steps // 6}
        schedule = {"warmup_steps": steps // 10, "total_steps": steps}
        config["training"]["optimizer"]["learn_rate"].update(schedule)
        stopping |= schedule
    config["training"].update({key: stopping[key] for key in STOPPING})
    report = train_from_config(config, folder, limits)
    settings = {"learn_rate": config["vars"]["learn_rate"], "batch_words": config["vars"]["batch_words"]}
    return {**report, "recipe": {**stopping, **settings}, "source": SOURCE}
