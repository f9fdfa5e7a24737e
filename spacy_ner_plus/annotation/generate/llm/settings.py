"""The settings of the backend `llm`."""

import re
from math import isfinite
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.settings import check_settings, setting, settings

_RANGE = re.compile(r"\s*(\d+)\s*-\s*(\d+)\s*")
# Words of a text, with the share of the texts that have so many.
LENGTHS = {"5-15": 0.4, "16-40": 0.4, "41-80": 0.2}
MOST_SHARE = 1_000_000


@settings
class LLMSettings:
    """Whom to ask for records, of what, and when a record is one."""

    labels: str | list[str] | dict[str, Any] | None = setting(
        "Labels; a mapping from label to definition; a JSON or YAML file of one; or the name of a shipped set.",
        None,
    )
    model: Any = setting(
        "Settings of the chat model, as structured_llm_ner takes them, at least `base_url` and `name`; `temperature` "
        "is 0.8 where it isn't given. Set `store` to go on where a run ended.",
        None,
    )
    domain: str = setting("What the texts are, such as 'e-mails to a railway'.", "")
    style: str = setting("How they are written, such as 'hasty, with typing errors'.", "")
    edge_cases: list[str] | None = setting("What some of the texts have to show, each in its turn.", None)
    examples: str | list[dict[str, Any]] | None = setting(
        "Records as they should be, the first five of which are shown: a .jsonl or .spacy file, or records with `text` "
        "and `spans`. None like them is taken.",
        None,
    )
    lengths: dict[str, float] | None = setting(
        "Numbers of words, such as '5-15', and which share of the texts has so many; None for 40 % of 5 to 15, 40 % of "
        "16 to 40, 20 % of 41 to 80.",
        None,
    )
    quotas: dict[str, int] | None = setting(
        "How many records have an entity of a label at least; None, and labels that aren't named, for equal numbers.",
        None,
    )
    negatives: float = setting(
        "The share of records without an entity, whose words only look like some.", 0.1, at_least=0, at_most=1
    )
    ambiguity: float = setting(
        "The share of records with a word that is an entity there, and elsewhere another one or none.",
        0.25,
        at_least=0,
        at_most=1,
    )
    near_duplicates: float = setting(
        "From which similarity on a text is nearly the same as another one and refused, labels standing for entities: "
        "Jaccard of pairs of neighbouring words; above 1 none is.",
        0.7,
        above=0,
    )
    second_reading: bool = setting(
        "Whether the model is asked about each text again, as structured_llm_ner asks, and one in which it finds other "
        "entities is refused.",
        False,
    )
    records_per_request: int = setting("How many records are asked for at once.", 4, at_least=1)
    attempts: int = setting(
        "How often a record is asked for at most, the first time counted, where none that is valid comes.",
        3,
        at_least=1,
    )

    def __post_init__(self) -> None:
        check_settings(self, Errors.E733)
        for name, share in (self.lengths or {}).items():
            found = _RANGE.fullmatch(str(name))
            is_range = found is not None and 1 <= int(found[1]) <= int(found[2])
            if not is_range or not _is_number(share) or not 0 < share <= MOST_SHARE:
                remedy = f"numbers of words, such as '5-15', each with a share above 0, up to {MOST_SHARE:,}"
                raise UserError(Errors.E733.format(setting="lengths", value={name: share}, remedy=remedy))
        for name, count in (self.quotas or {}).items():
            if not _is_number(count) or not isfinite(count) or count != int(count) or count < 0:
                remedy = "labels, each with a whole number"
                raise UserError(Errors.E733.format(setting="quotas", value={name: count}, remedy=remedy))
        if not all(isinstance(case, str) and case.strip() for case in self.edge_cases or ()):
            remedy = "sentences that say what a text has to show"
            raise UserError(Errors.E733.format(setting="edge_cases", value=self.edge_cases, remedy=remedy))

    def ranges(self) -> dict[tuple[int, int], float]:
        """RETURNS (dict[tuple[int, int], float]): The least and the most words of texts, with their share, which add up
        to 1."""
        given = self.lengths or LENGTHS
        total = sum(given.values())
        found: dict[tuple[int, int], float] = {}
        for name, share in given.items():
            least, most = map(int, _RANGE.fullmatch(name).groups())
            # '5-15' and '5 - 15' are one.
            found[least, most] = found.get((least, most), 0.0) + share / total
        return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
