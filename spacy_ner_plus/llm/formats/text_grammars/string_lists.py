"""Grammars of lists of mentions in JSON's strings, which are Python's, too."""

import json
from collections.abc import Callable, Sequence

from spacy_ner_plus.llm.formats.text_grammars.text_walk import MOST_IN_LISTS, TextWalk, literal, reply_grammar


def string_grammar(
    walk: TextWalk,
    *,
    nothing: str,
    opening: str,
    close: Callable[[int, int], str],
    between: str,
    end: str,
    before_close: str = "",
    terminals: Sequence[str] = (),
) -> str | None:
    """Write the grammar of a list of mentions in JSON's strings.

    nothing (str): What stands for no mention; all of these are expressions.
    opening (str): What stands before the first mention, with the quotes that open it.
    close (Callable): As of `TextWalk.terminals`, with the quotes that close the mention.
    between (str): What stands between two mentions, with the quotes that open the second.
    end (str): What stands after the last one.
    before_close (str): As of `TextWalk.terminals`.
    terminals (Sequence[str]): Further terminals that are named in these.
    RETURNS (str | None): The grammar; None where the text is too long.
    """
    if len(walk) > MOST_IN_LISTS:
        return None
    if not len(walk):
        return reply_grammar(nothing, ())
    lines = _string_terminals(walk, close, between, end, before_close)
    return reply_grammar(f"{walk.backwards()} | {nothing} | {opening} RUN_0_0", [*terminals, *lines])


def list_grammar(walk: TextWalk, reply: str) -> str | None:
    """Write the grammar of a reply with JSON lists of mentions.

    reply (str): An expression in which LIST stands for such a list.
    RETURNS (str | None): The grammar; None where the text is too long.
    """
    if len(walk) > MOST_IN_LISTS:
        return None
    if not len(walk):
        return reply_grammar(reply, [f"LIST: {literal('[]')}"])
    mentions = _string_terminals(walk, lambda k, length: literal('"'), literal(', "'), literal("]"))
    first = f"LIST: {walk.backwards()} | {literal('[]')} | {literal('[' + chr(34))} RUN_0_0"
    return reply_grammar(reply, [first, *mentions])


def _string_terminals(
    walk: TextWalk, close: Callable[[int, int], str], between: str, end: str, before_close: str = ""
) -> list[str]:
    return walk.terminals(
        begin=lambda k: literal(in_json(walk.word(k))),
        go_on=lambda k, length: literal(in_json(walk.gap(k) + walk.word(k))),
        close=close,
        between=between,
        end=end,
        before_close=before_close,
    )


def in_json(text: str) -> str:
    """RETURNS (str): A text as it stands within the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
