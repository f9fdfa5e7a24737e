"""What came of asking once about a chunk of a Doc's text, in one question or in several."""

from collections.abc import Sequence
from dataclasses import dataclass

from spacy_ner_plus.chunks import Stretch
from spacy_ner_plus.llm.formats.reading import Reading
from spacy_ner_plus.llm.requests import Asked, Outcome


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the chunk, and what was read about it.

    stretch (tuple[int, int]): Start and end in the Doc's text, by character.
    """

    stretch: Stretch
    outcome: Outcome[Reading]

    @property
    def failure(self) -> Outcome[Reading] | None:
        """RETURNS (Outcome | None): Why there is no answer about it, or about all of it; None where there is one."""
        return self.outcome if self.outcome.failure else None


@dataclass(frozen=True, slots=True)
class Sample:
    """One way in which the model read a chunk.

    parts (Sequence[Part]): They cover the chunk together; most chunks have one.
    superseded (Sequence[Asked]): What was asked beside, whose answer isn't used as it stands.
    """

    parts: Sequence[Part]
    superseded: Sequence[Asked] = ()

    @property
    def asked(self) -> list[Asked]:
        """RETURNS (list[Asked]): Everything that was asked, in order."""
        return [*self.superseded, *(asked for part in self.parts for asked in part.outcome.asked)]

    @property
    def failures(self) -> list[Outcome]:
        """RETURNS (list[Outcome]): Of the parts without an answer, or with one about a part of it."""
        return [part.failure for part in self.parts if part.failure is not None]

    @property
    def is_lost(self) -> bool:
        """RETURNS (bool): Whether no part has an answer."""
        return all(part.outcome.value is None for part in self.parts)
