"""Comments of CoNLL-U and of files that took them over: '# text = …', '# sent_id = …', '# newdoc id = …'."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from spacy_ner_plus.data.records.tagged import TaggedSentence

_COMMENT = re.compile(r"#\s*([^=]*?)\s*=\s*(.*?)\s*")


@dataclass
class Comments:
    """What the comments before a sentence say.

    known (dict[str, str]): By key, of the sentence that comes next.
    passed (int): How many said nothing that is kept.
    """

    known: dict[str, str] = field(default_factory=dict)
    passed: int = 0

    def read(self, line: str) -> None:
        """line (str): A line that begins with '#', or a header."""
        match = _COMMENT.fullmatch(line)
        if match and match[1] in ("text", "sent_id", "newdoc id"):
            self.known[match[1]] = match[2]
        elif line.startswith("#") and not line.startswith(("# newdoc", "#begin", "# begin")):
            self.passed += 1

    def tell(self, sentence: TaggedSentence) -> None:
        """Write on a sentence what was read before its end, and begin anew."""
        sentence.id = self.known.get("sent_id", "")
        sentence.document = self.known.get("newdoc id", "")
        if "text" in self.known:
            sentence.spaces = spaces_in(sentence.words, self.known["text"])
        self.known = {}


def spaces_in(words: Sequence[str], text: str) -> list[bool] | None:
    """Find out after which of its tokens a sentence has white space.

    RETURNS (list[bool] | None): One a token, True for the last; None where the text isn't made of the tokens.
    """
    spaces, at = [], 0
    for word in words:
        if not text.startswith(word, at):
            return None
        at += len(word)
        rest = text[at:].lstrip(" \t")
        spaces.append(len(rest) < len(text) - at or not rest)
        at = len(text) - len(rest)
    return spaces if at == len(text) else None
