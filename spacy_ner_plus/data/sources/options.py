"""What a user may say about the reading of sources, of the formats that are used most."""

from dataclasses import dataclass
from typing import Any


@dataclass
class Options:
    """What a user may say about the reading, of the formats that are used most; None leaves it as the format has it.

    Other options of formats are given as a mapping, by name.

    group (str | int): What becomes a Doc of tagged tokens: 'document', 'sentence' or a number of sentences.
    token_column, tag_column (str | int): Numbers for conll, names for hub.
    scheme (str): The tagging scheme, or 'auto'.
    restore_whitespace (bool): Whether tokens get spaces by rule.
    sentence_lines (bool): Whether each sentence begins a line of the text.
    hub_split (str): The split of a dataset.
    align (str): What becomes of spans within tokens: 'split', 'strict', 'contract' or 'expand'.
    offsets (str): How offsets are counted, or 'auto'.
    """

    group: str | int | None = None
    token_column: str | int | None = None
    tag_column: str | int | None = None
    scheme: str | None = None
    restore_whitespace: bool | None = None
    sentence_lines: bool | None = None
    hub_split: str | None = None
    align: str | None = None
    offsets: str | None = None

    def given(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): Those that are given, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}
