"""A list of calls in Python, such as `result = [Person(span="Ann")]`, read and never run.

The list is taken apart by a reader of tokens, so that neither its length nor its depth costs anything, and
each call in it is read by Python's own parser, `ast.parse`, into a name and literal arguments. What is no
string, number, name or call isn't read at all.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.reading import LITERAL_NEWLINE
from spacy_ner_plus.llm.requests import InvalidReply

# Strings of one line may run over several: models write a line break of a text as it is.
_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n\f]++|\#[^\n]*+)
  | (?P<prefix>[A-Za-z]{0,2})(?P<string>
        \"{3}(?:[^\"\\]++|\\.|\"(?!\"\"))*+\"{3} | '{3}(?:[^'\\]++|\\.|'(?!''))*+'{3}
      | \"(?!\"\")(?:[^\"\\]++|\\.)*+\" | '(?!'')(?:[^'\\]++|\\.)*+')
  | (?P<name>[^\W\d]\w*+)
  | (?P<number>-?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?(?![\w.]))
  | (?P<open>[\[({])
  | (?P<close>[\])}])
  | (?P<sign>[,=:])
    """,
    re.VERBOSE | re.DOTALL,
)
_OPENING = {")": "(", "]": "[", "}": "{"}
# Escapes that Python knows; it keeps the backslash of others, and warns.
_ESCAPE = re.compile(r"\\(.)|[\r\n\0]", re.DOTALL)
_KNOWN_ESCAPES = frozenset("\n\\'\"abfnrtvxNuU01234567")
_WRITTEN = {"\n": "\\n", "\r": "\\r", "\0": "\\x00"}
_OCTAL = re.compile(r"\\[4-7][0-7]{2}")
# No list of entities is nested more than three times.
_DEEPEST = 20
NOT_CLOSED = "the reply's list isn't closed"


class Argument(NamedTuple):
    """An argument of a call.

    name (str): Its keyword; '' for one without.
    value (Any): A string, number, True, False or None; NO_LITERAL for all else.
    start (int): Where the string begins within its quotes, in the reply; -1 where that isn't one stretch.
    end (int): Where it ends.
    """

    name: str
    value: Any
    start: int
    end: int


class Call(NamedTuple):
    """A call in a list.

    name (str): What is called, in the form that Python reads (NFKC).
    source (str): As the reply spells it.
    """

    name: str
    arguments: tuple[Argument, ...]
    source: str


class _NoLiteral:
    """Stands for an argument that is no literal; nobody computes it."""

    def __repr__(self) -> str:
        return "an expression"


NO_LITERAL = _NoLiteral()


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def read_calls(text: str, start: int, repairs: IssueLog) -> tuple[list[Call | None], int]:
    """Read the list that begins at an offset.

    text (str): Anything, with a '[' there.
    repairs (IssueLog): Where repairs are counted.
    RETURNS (tuple[list[Call | None], int]): Its items in order, None for None, and the offset after it.
    RAISES (InvalidReply): Where it isn't closed, or holds something else than calls with plain arguments.
    """
    items: list[Call | None] = []
    opened: list[str] = []
    item: list[_Token] = []
    for token in _tokens(text, start):
        if token.kind == "open":
            opened.append(token.text)
            if len(opened) > _DEEPEST:
                raise InvalidReply("the reply's list is nested too deeply")
            if len(opened) == 1:
                continue
        elif token.kind == "close":
            if opened.pop() != _OPENING[token.text]:
                raise InvalidReply(f"'{token.text}' closes nothing at {_shown(text, token.start - 30)}")
            if not opened:
                if item:
                    items.append(_read_item(text, item, repairs))
                return items, token.end
        elif token.text == "," and len(opened) == 1:
            if not item:
                raise InvalidReply(
                    f"the reply's list has a comma too many at {_shown(text, token.start - 30)}"
                )
            items.append(_read_item(text, item, repairs))
            item = []
            continue
        item.append(token)
    raise InvalidReply(NOT_CLOSED)


def close_calls(text: str, start: int) -> str:
    """Close the list that begins at an offset and breaks off, after its last call that is whole.

    start (int): Of a '[', or of the first call.
    RETURNS (str): The text up to there, and ']'; '' where there is no whole call.
    """
    base = int(text.startswith("[", start))
    depth, end = 0, 0
    try:
        for token in _tokens(text, start):
            depth += (token.kind == "open") - (token.kind == "close")
            if token.text == ")" and depth == base:
                end = token.end
            elif depth < base:
                break
    except InvalidReply:
        pass  # here it breaks off
    return f"{text[:end]}]" if end else ""


def _tokens(text: str, at: int) -> Iterator[_Token]:
    """Go through tokens, without white space and comments."""
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            if text[at] in "'\"":
                raise InvalidReply(NOT_CLOSED)
            raise InvalidReply(f"the reply's list holds more than plain calls, at {_shown(text, at)}")
        at = match.end()
        kind = str(match.lastgroup)
        if kind == "string" and match["prefix"].lower() not in ("", "r", "u"):
            raise InvalidReply(f"{_shown(text, match.start())} is no plain string; write it in quotes alone")
        if kind != "space":
            yield _Token(kind, match[0], match.start(), at)


def _read_item(text: str, tokens: list[_Token], repairs: IssueLog) -> Call | None:
    source = text[tokens[0].start : tokens[-1].end]
    if len(tokens) == 1 and tokens[0].text in ("None", "null"):
        return None
    call = _parse(tokens, source, repairs)
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise InvalidReply(f'each item of the list should be such as Name(span="..."), not {_shown(source)}')
    given: list[tuple[str, ast.expr]] = [("", value) for value in call.args]
    given += [(keyword.arg or "", keyword.value) for keyword in call.keywords]
    places = _places(tokens)
    arguments = tuple(
        Argument(name, _literal(value), *(places[i] if len(places) == len(given) else (-1, -1)))
        for i, (name, value) in enumerate(given)
    )
    return Call(call.func.id, arguments, source)


def _parse(tokens: list[_Token], source: str, repairs: IssueLog) -> ast.expr:
    """Parse an item, from its tokens: without comments, and with strings of which Python has nothing to say."""
    pieces = " ".join(_as_python(token, repairs) for token in tokens)
    try:
        return ast.parse(pieces, mode="eval").body
    # An int with thousands of digits, half of a surrogate pair, an escape that names nothing.
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise InvalidReply(f"{_shown(source)} is no valid Python: {reason[:80]}") from None


def _as_python(token: _Token, repairs: IssueLog) -> str:
    if token.kind != "string":
        return token.text
    quoted = token.text.lstrip("rRuU")
    is_raw = token.text[: len(token.text) - len(quoted)].lower() == "r"
    is_long = quoted[:3] in ('"""', "'''")
    if ("\n" in quoted or "\r" in quoted) and not is_long:
        repairs.add(LITERAL_NEWLINE, _shown(token.text))
    if is_raw:
        # Without its prefix, and each backslash for itself.
        return repr(quoted[3:-3] if is_long else quoted[1:-1])
    return _ESCAPE.sub(_escape, quoted)


def _escape(match: re.Match[str]) -> str:
    if match[1] is None:
        return _WRITTEN[match[0]]
    if match[1] in _KNOWN_ESCAPES and not _OCTAL.match(match.string, match.start()):
        return match[0]
    return f"\\{match[0]}"


def _places(tokens: list[_Token]) -> list[tuple[int, int]]:
    """Where the string of each argument stands within its quotes; (-1, -1) where it is no single string."""
    places: list[tuple[int, int]] = []
    argument: list[_Token] = []
    depth = 0
    for token in tokens[1:]:
        depth += (token.kind == "open") - (token.kind == "close")
        if (depth == 1 and token.text == ",") or depth == 0:
            if argument:
                places.append(_place(argument))
            argument = []
        elif depth > 1 or token.kind not in ("open", "close"):
            argument.append(token)
    return places


def _place(argument: list[_Token]) -> tuple[int, int]:
    last = argument[-1]
    is_one = last.kind == "string" and (len(argument) == 1 or argument[-2].text == "=")
    if not is_one:
        return -1, -1
    quoted = last.text.lstrip("rRuU")
    length = 3 if quoted[:3] in ('"""', "'''") and len(quoted) >= 6 else 1
    return last.end - len(quoted) + length, last.end - length


def _literal(value: ast.expr) -> Any:
    if not isinstance(value, ast.Constant | ast.UnaryOp):
        return NO_LITERAL
    literal = ast.literal_eval(value)
    # Half of a surrogate pair, which an escape can stand for and a Doc and a file can't hold.
    return literal.encode("utf8", "replace").decode("utf8") if isinstance(literal, str) else literal


def _shown(text: str, at: int = 0) -> str:
    at = max(at, 0)
    return f"'{' '.join(text[at : at + 60].split())}'"
