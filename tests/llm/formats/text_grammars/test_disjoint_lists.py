"""Lists that share no token: what their grammar allows by its own rules, and what llama.cpp's server writes by them."""

import json
import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.formats.text_grammars.disjoint_lists import disjoint_lists
from spacy_ner_plus.llm.formats.text_grammars.text_walk import TextWalk
from tests.llm.formats.text_grammars.test_text_walk import (
    LABELS,
    SPACES,
    WORDS,
    ask,
    pieces_of,
    some_spans,
)

_WAY = re.compile(r'("(?:[^"\\]|\\.)*") ?(?:(\w+)::(\S+))?(?: %if (.+))?')


def bits(value: int, ends: str) -> int:
    first, last = map(int, ends.split(":"))
    return (value >> first) & ((1 << (last - first)) - 1)


def rules_of(grammar: str) -> dict[str, list[re.Match]]:
    rules = {}
    for rule in re.split(r"\n(?=\w)", grammar.strip()):
        name, _, body = rule.partition("::_ : " if "::_" in rule.split(" ")[0] else ": ")
        rules[name] = [_WAY.fullmatch(way.strip()) for way in re.split(r"\s\| (?=\")", body)]
    return rules


def change(value: int, function: str) -> int:
    if function == "_":
        return value
    if function.startswith("0x"):
        return int(function, 16)
    if function.startswith("bit_or("):
        return value | int(function[7:-1], 16)
    return value + (1 << int(function[len("incr([") :].split(":", maxsplit=1)[0]))


def holds(value: int, condition: str | None) -> bool:
    if condition is None:
        return True
    found = bits(value, condition[condition.index("[") + 1 : condition.index("]")])
    if condition.startswith("is_zeros"):
        return found == 0
    than = int(condition.split(",")[1].rstrip(")"))
    return found < than if condition.startswith("lt") else found == than


def allows(grammar: str, reply: str) -> bool:
    """Whether rules that go on at their right end alone allow a reply."""
    rules = rules_of(grammar)

    @cache
    def goes_on(name: str, value: int, at: int) -> bool:
        return any(
            holds(value, way[4])
            and reply.startswith(text := json.loads(way[1]), at)
            and (
                goes_on(way[2], change(value, way[3]), at + len(text))
                if way[2]
                else at + len(text) == len(reply)
            )
            for way in rules[name]
        )

    return goes_on("start", 0, 0)


def dead_ends(grammar: str) -> set[tuple[str, int]]:
    """Where a reply may come to, and can't go on from."""
    rules, waiting, seen, dead = rules_of(grammar), [("start", 0)], set(), set()
    while waiting:
        name, value = place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        ways = [way for way in rules[name] if holds(value, way[4])]
        if not ways:
            dead.add(place)
        waiting += [(way[2], change(value, way[3])) for way in ways if way[2]]
    return dead


def grammar_of(text: str) -> str | None:
    return disjoint_lists(TextWalk(text, pieces_of(text)), LABELS)


@examples(max_examples=50)
@given(parts=st.lists(st.tuples(WORDS, SPACES), min_size=1, max_size=14), seed=st.integers(0, 99))
def test_disjoint_lists_allow_what_is_rendered(parts, seed):
    text = "".join(word + space for word, space in parts)
    grammar = grammar_of(text)
    reply = get_format("label_lists").render(some_spans(text, LABELS, seed), LABELS, text)
    assert grammar is None or allows(grammar, reply)


@pytest.mark.parametrize(
    ("lists", "is_allowed"),
    [
        ({"PER": ["Bo", "Ann Lee"], "LOC": [], "WORK OF ART": ["Bo"]}, True),
        ({"PER": ["Ann Lee"], "LOC": ["Ann Lee"], "WORK OF ART": []}, False),
        ({"PER": ["Ann Lee"], "LOC": [], "WORK OF ART": ["Lee"]}, False),
        ({"PER": ["Bo", "Bo"], "LOC": ["Bo"], "WORK OF ART": []}, False),
        ({"PER": ["Lee met"], "LOC": ["Bo and"], "WORK OF ART": ["Bo"]}, True),
        ({"PER": ["Eve"], "LOC": [], "WORK OF ART": []}, False),
        ({"PER": [], "LOC": []}, False),
    ],
)
def test_disjoint_lists_share_no_token(lists, is_allowed):
    assert allows(grammar_of("Ann Lee met Bo and Bo"), json.dumps(lists)) == is_allowed


@pytest.mark.parametrize("text", ["Bo", "Ann Lee met Bo", "Ann ... met Bo ...", "a b a"])
def test_disjoint_lists_have_no_dead_ends(text):
    """llama.cpp lets a reply that has come to one go on as it likes."""
    assert dead_ends(grammar_of(text)) == set()


def test_disjoint_lists_of_a_real_server_end_where_all_is_named(llama_url):
    grammar = grammar_of("Bo met Ann")
    replies = {ask(llama_url, grammar, 200, temperature=2.0, seed=seed) for seed in range(8)}
    assert all(allows(grammar, reply) for reply in replies), replies


def test_disjoint_lists_of_a_real_server_share_none(llama_url):
    text = "Ann Lee met Bo and Bo in Rome"
    grammar = grammar_of(text)
    replies = {ask(llama_url, grammar, 400, temperature=2.0, seed=seed) for seed in range(6)}
    assert len(replies) > 1
    assert all(allows(grammar, reply) for reply in replies), replies


def test_disjoint_lists_are_for_short_texts_without_many_repeats():
    assert grammar_of("a b c d e") is not None
    assert grammar_of("a " * 12) is None
    assert grammar_of(" ".join(f"w{i}" for i in range(60))) is None
    assert grammar_of(" ") is None
