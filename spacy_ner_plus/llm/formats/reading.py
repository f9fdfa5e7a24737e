"""What was read from a reply: its mentions, what was repaired, and what of the text it leaves out."""

from collections.abc import Iterable, Sequence

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.issues import IssueLog

Stretch = tuple[int, int]
# The share of a text for the sake of which the model isn't asked again.
TRIFLE = 0.05

# Repairs, as users read them in the account of issues. Nothing that a reply says is lost by one.
TRAILING_COMMA = "repaired reply: trailing comma, left out"
LITERAL_NEWLINE = "repaired reply: line break or tab within a string, kept"
PYTHON_LITERAL = "repaired reply: Python's quotes and names in place of JSON's"
JSON_IN_STRING = "repaired reply: JSON within a string"
WRAPPER = "repaired reply: answer within another object or list"
STRING_FOR_LIST = "repaired reply: string in place of a list of one"
OBJECT_FOR_STRING = "repaired reply: object with `text` in place of a string"
OTHER_SPELLING = "repaired reply: label or key in another spelling"
NUMBER_IN_STRING = "repaired reply: number within a string"
NULL_AMONG_STRINGS = "repaired reply: null among strings, left out"
EXTRA_KEY = "repaired reply: key that wasn't asked for, left out"
TEXT_AROUND = "repaired reply: text around the answer, left out"
OTHER_SEPARATOR = "repaired reply: another separator of word and tag"
LIST_MARK = "repaired reply: list mark or quotes around a word, left out"


class Reading(list[Mention]):
    """The mentions of a reply, in its order. A format whose `parse` gives a plain list says nothing more.

    repairs (IssueLog): What was repaired.
    unread (Sequence[tuple[int, int]]): Start and end, by character, of the stretches of the text that the
        reply leaves out, so that nothing is known of them, beside the mentions in them.
    doubt (str): Why all of the text is unread although the reply is whole; '' where nothing speaks against it.
    """

    def __init__(
        self,
        mentions: Iterable[Mention] = (),
        repairs: IssueLog | None = None,
        unread: Sequence[Stretch] = (),
        doubt: str = "",
    ):
        super().__init__(mentions)
        self.repairs = IssueLog() if repairs is None else repairs
        self.unread = unread
        self.doubt = doubt

    def lacks(self, text: str) -> tuple[int, str]:
        """RETURNS (tuple[int, str]): What `left_out` says; 0 and '' for a trifle, for which nobody is asked again."""
        count, reason = self.left_out(text)
        return (count, reason) if count > TRIFLE * len(text) else (0, "")

    def left_out(self, text: str) -> tuple[int, str]:
        """RETURNS (tuple[int, str]): How many characters of the text the reply leaves out, and what to say of it."""
        count = sum(end - start for start, end in self.unread)
        if not count or self.doubt:
            return count, self.doubt if count else ""
        start, end = self.unread[0]
        shown = " ".join(text[start:end][:80].split())
        return count, f"the reply leaves out {count:,} of {len(text):,} characters, from '{shown[:40]}' on"

    @classmethod
    def of(cls, mentions: list[Mention]) -> "Reading":
        """RETURNS (Reading): What a format's `parse` gave, whatever it says beside the mentions."""
        return mentions if isinstance(mentions, cls) else cls(mentions)
