"""This project, trained as in ours.py, with predictions by OpenVINO: device = "openvino"."""

from functools import partial

from peers import spacy_training
from peers.ours import BATCH_SIZES

__all__ = ["BATCH_SIZES", "load", "load_for_tokens"]
SETTINGS = {"components.transformer_ner.device": "openvino"}

load = partial(spacy_training.load, config=SETTINGS)
load_for_tokens = partial(spacy_training.load_for_tokens, config=SETTINGS)
