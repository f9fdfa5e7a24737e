"""Reply texts: what models put around an answer, and the one JSON value in it."""

import re
from typing import Any

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.json_text import close_json, read_json_text
from spacy_ner_plus.llm.formats.reading import JSON_IN_STRING, TEXT_AROUND
from spacy_ner_plus.llm.formats.refusals import find_refusal
from spacy_ner_plus.llm.requests import InvalidReply

# Reasoning stands before the answer. The opening tag is missing where the chat template ends with it.
_THOUGHT = re.compile(r"\s*<(think|thinking)>.*?(?:</\1>|\Z)", re.IGNORECASE | re.DOTALL)
_THOUGHT_END = re.compile(r"</think(?:ing)?>[ \t]*(?:\r?\n|\Z|(?=[{`]))", re.IGNORECASE)
_FENCE = re.compile(r"(`{3,}|~{3,})[^\n`]*\n")
# What can begin a JSON object or list; brackets in prose, such as "{name}" and "[1]", can't.
_JSON_START = re.compile(r"""\{\s*+["'}]|\[\s*+["'{\[\]]""")
_JSON_IN_STRING = re.compile(r"""["']\s*+[{\[]""")
# A bracket of prose, such as "[1] says".
_CITED = re.compile(r"\[\w{1,20}\]")
# After an answer: what belongs to it, or would, had it not been closed too early.
_GOES_ON = re.compile(r"""\s*+[,:}\]"]""")


def strip_reply(content: str) -> str:
    """Take off what is around the answer: reasoning in <think> tags, and a Markdown fence around all of it.

    Reasoning is only looked for in front of the answer, also where its end or its beginning is
    missing; a fence within the answer stays, since it can be part of a text that was copied.

    content (str): A reply as the server sent it.
    RETURNS (str): The answer, without white space around it. Empty where all is reasoning.
    """
    at = 0
    while thought := _THOUGHT.match(content, at):
        at = thought.end()
    content = content[at:].strip().removeprefix("\ufeff")
    if not content.startswith(("{", "[", "`", "~")) and (end := _THOUGHT_END.search(content)):
        content = content[end.end() :].strip()
    if fence := _FENCE.match(content):
        content = content[fence.end() :].rstrip()
        content = content.removesuffix(fence[1]).strip()
    return content


def read_json(content: str, repairs: IssueLog | None = None) -> Any:
    """Read the JSON object or list of a reply, whatever text stands around it.

    content (str): A reply as the server sent it.
    repairs (IssueLog | None): Where repairs are counted.
    RETURNS (Any): Its one value.
    RAISES (InvalidReply): Where there is none or more than one, it breaks off, it is no JSON even with
        repairs, or what stands around it is a refusal.
    """
    repairs = IssueLog() if repairs is None else repairs
    answer = strip_reply(content)
    if not answer:
        raise InvalidReply("the reply is empty")
    start = _find_start(answer)
    value, end = read_json_text(answer, start, repairs)
    before, after = answer[:start].strip(), answer[end:].strip()
    if _JSON_START.search(answer, end):
        raise InvalidReply(
            "the reply holds several JSON values, and which is the answer isn't said; give one"
        )
    if _GOES_ON.match(after):
        raise InvalidReply(f"the reply goes on after its JSON is closed, with '{_shown(after)}'")
    if refusal := find_refusal(before) or find_refusal(after):
        raise InvalidReply(refusal)
    around = " ".join(filter(None, (before, after)))
    # What is left of a fence that stands within the text is no text of its own.
    if around.strip("`~ \n"):
        repairs.add(TEXT_AROUND, _shown(around))
    return read_json_in(value, repairs) if isinstance(value, str) else value


def close_reply(content: str) -> str:
    """Close the JSON of a reply that was cut.

    RETURNS (str): What it holds completely, closed, at the same offsets.
    RAISES (InvalidReply): Where that is nothing.
    """
    answer = strip_reply(content)
    closed = close_json(answer, _find_start(answer)) if answer else ""
    if not closed:
        raise InvalidReply("the reply was cut before its first item")
    return content[: content.rfind(answer)] + closed


def read_json_in(string: str, repairs: IssueLog) -> Any:
    """Read the object or list that a string holds, written as JSON once more.

    RAISES (InvalidReply): Where it holds something else.
    """
    inner = string.strip()
    if not inner.startswith(("{", "[")):
        raise InvalidReply(f"the reply holds no JSON object: '{_shown(inner)}'")
    value, end = read_json_text(inner, 0, repairs)
    if end < len(inner):
        raise InvalidReply(f"JSON within a string goes on after it is closed, with '{_shown(inner[end:])}'")
    repairs.add(JSON_IN_STRING, _shown(inner))
    return value


def _find_start(answer: str) -> int:
    if _JSON_IN_STRING.match(answer) and answer.endswith(answer[0]):
        return 0
    # Before it stands prose. Never into a value that is broken: one within it would pass for the whole.
    start = _JSON_START.search(answer)
    if answer.startswith(("{", "[")) and (start is None or not _CITED.match(answer)):
        return 0
    if start is None:
        raise InvalidReply(find_refusal(answer) or f"the reply holds no JSON object: '{_shown(answer)}'")
    return start.start()


def _shown(text: str, length: int = 60) -> str:
    line = " ".join(text[: 2 * length].split())
    return line if len(line) <= length else f"{line[:length]}..."
