"""From the logits of tokens to entities and their probabilities."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from spacy.attrs import IS_SPACE
from spacy.tokens import Doc
from thinc.api import Model

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.decoding.consistency import share_scores
from spacy_ner_plus.models.decoding.marginals import Entities, span_marginals
from spacy_ner_plus.models.decoding.viterbi import decode, tags_to_bounds
from spacy_ner_plus.models.token_scorer import own_shim


class Prediction(NamedTuple):
    """What was found in one document.

    entities (Entities): Bounds and label numbers, in order.
    scores (Floats1d): The probability of each.
    """

    entities: Entities
    scores: np.ndarray


def launch_scores(model: Model, docs: list[Doc], consistency: float = 0.0) -> Callable[[], list[np.ndarray]]:
    """Begin to score the tags of every token.

    model (Model): Gives logits for each Doc; our own begins, and a GPU goes on by itself.
    docs (list[Doc]): A batch.
    consistency (float): How much a word's other occurrences in a document count, from 0 to 1. Default 0.
    RETURNS (Callable): Waits for the end, and gives logits of shape (tokens, n_tags) for each
        Doc; zeros for white space and other tokens without a wordpiece.
    RAISES (UserError): Where there is no network yet.
    """
    if not model.has_dim("nO"):
        raise UserError(Errors.E208)
    if not any(len(doc) for doc in docs):
        n_tags = model.get_dim("nO")
        return lambda: [np.zeros((0, n_tags), dtype=np.float32) for _ in docs]
    shim = own_shim(model)
    if shim is not None:
        wait = shim.launch(docs)
    else:
        scores = [model.ops.to_numpy(part) for part in model.predict(docs)]

        def wait() -> list[np.ndarray]:
            return scores

    def finish() -> list[np.ndarray]:
        own = [_without_space(doc, part) for doc, part in zip(docs, wait(), strict=True)]
        return share_scores(docs, own, consistency)

    return finish


def find_entities(scores: Sequence[np.ndarray], n_labels: int, temperature: float = 1.0) -> list[Prediction]:
    """Find the entities of the best valid IOB2 sequence, and how probable each is.

    scores (Sequence[Floats2d]): Logits of each document, of shape (tokens, 2 * n_labels + 1).
    n_labels (int): The number of labels.
    temperature (float): What the logits are divided by. Default 1.
    RETURNS (list[Prediction]): One for each document.
    """
    entities = [Entities(*bounds) for bounds in tags_to_bounds(decode(scores), n_labels)]
    probabilities = span_marginals(scores, entities, temperature)
    return [Prediction(*parts) for parts in zip(entities, probabilities, strict=True)]


def _without_space(doc: Doc, scores: np.ndarray) -> np.ndarray:
    """Let white space say nothing: spaCy refuses entities that begin or end with it."""
    is_space = doc.to_array(IS_SPACE).astype(bool)
    return np.where(is_space[:, None], np.float32(0), scores) if is_space.any() else scores
