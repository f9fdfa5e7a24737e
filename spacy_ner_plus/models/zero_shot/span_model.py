"""What reads texts here asks of a model, whichever library it is of."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch

from spacy_ner_plus.models.zero_shot.prompts import Prompts
from spacy_ner_plus.models.zero_shot.windows import Word


class Candidate(NamedTuple):
    """A span that may be an entity.

    start, end (int): Words of the window, from the first to the one after the last.
    prompt (int): Number of the prompt.
    logit (float): What the logistic function makes the score of.
    """

    start: int
    end: int
    prompt: int
    logit: float


class Window(NamedTuple):
    """A stretch of text that is read at once.

    text (str): From its first word to its last.
    words (Sequence[Word]): With their places in the whole text; at least one.
    """

    text: str
    words: Sequence[Word]


class SpanModel(Protocol):
    """A model that scores spans of words for prompts.

    network (Module): All that has weights.
    longest (int): Most words that it reads at once.
    limit (int): Most wordpieces that it reads at once, those of the prompts counted.
    reads_prompts (bool): Whether prompts are read together with the text, so that each of them takes time.
    widest (int | None): Most words of an entity; None for any number.
    encoder (Module): The base model that reads texts, as transformers has it.
    """

    network: torch.nn.Module
    longest: int
    limit: int
    reads_prompts: bool
    widest: int | None

    @property
    def encoder(self) -> torch.nn.Module: ...

    def compute_in(self, dtype: torch.dtype) -> None:
        """Let the encoder of texts compute in other floats than those of its weights, which stay."""

    def words(self, text: str) -> list[Word]:
        """RETURNS (list[Word]): A text as the model cuts it."""

    def sizes(self, words: Sequence[Word]) -> list[int]:
        """RETURNS (list[int]): How many wordpieces each word has."""

    def prompt_sizes(self, prompts: Prompts) -> tuple[int, list[int]]:
        """RETURNS (tuple[int, list[int]]): How many wordpieces come beside a text whatever is asked, and with each
        prompt."""

    def score(
        self, windows: Sequence[Window], prompts: Prompts, least: Sequence[float]
    ) -> list[list[Candidate]]:
        """Score the spans of some windows.

        least (Sequence[float]): For each prompt, the least logit.
        RETURNS (list[list[Candidate]]): For each window, by start, width and prompt.
        """

    def files(self) -> dict[str, bytes]:
        """RETURNS (dict[str, bytes]): Configurations and tokenizers, as `Checkpoint` has them."""
