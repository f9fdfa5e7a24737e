"""This project: configs/transformer_ner.cfg as it is, on whole documents.

Every setting is that of the config, precision included ('auto': bf16 where the
hardware computes in it). Raw text goes to `nlp.pipe` as it is.
"""

from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from peers.spacy_training import load, load_for_tokens, read_config, train_from_config

__all__ = ["BATCH_SIZES", "load", "load_for_tokens", "train"]
CONFIG = Path(__file__).parents[2] / "configs" / "transformer_ner.cfg"
SOURCE = "configs/transformer_ner.cfg"
BATCH_SIZES = (None,)


def train(
    train_docs: list[Doc],
    dev_docs: list[Doc],
    folder: Path,
    seed: int,
    limits: dict[str, Any],
    min_steps: int,
) -> dict[str, Any]:
    """Train with the default config."""
    config = read_config(CONFIG, train_docs, dev_docs, folder, seed)
    config["vars"]["min_steps"] = max(config["vars"]["min_steps"], min_steps)
    recipe = {key: config["vars"][key] for key in ("epochs", "min_steps", "batch_words", "learn_rate")}
    report = train_from_config(config, folder, limits)
    return {**report, "recipe": recipe, "source": SOURCE}
