"""What a reader of tagged tokens finds in its source: sentences, before their tags are read."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class TaggedSentence:
    """A sentence, or what stands in a source's row.

    words (list[str]): Its tokens, none of them empty.
    tags (list[str]): Their tags as written, such as 'B-PER', in any scheme; '' where annotation is missing.
        A cell may hold several, as 'B-PER|B-ARTIST': the first counts for doc.ents.
    where (str): The source's name.
    numbers (list[int]): The line or row of each token.
    opens_document (bool): Whether a document begins with it.
    inner (list[list[str]]): Further layers of tags, of nested or overlapping spans, each of them like `tags`.
    spaces (list[bool] | None): Whether a space follows each token; None where the source doesn't say so.
    id (str): What the source calls the sentence.
    document (str): What the source calls its document.
    meta (dict[str, Any]): What else the source says, in JSON's types.
    """

    words: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    where: str = ""
    numbers: list[int] = field(default_factory=list)
    opens_document: bool = False
    inner: list[list[str]] = field(default_factory=list)
    spaces: list[bool] | None = None
    id: str = ""
    document: str = ""
    meta: dict[str, Any] = field(default_factory=dict)

    def place(self, i: int) -> str:
        """RETURNS (str): The place of a token in its source."""
        return f"{self.where}:{self.numbers[i]}"
