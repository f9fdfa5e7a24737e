"""The grammar of lists of mentions, one for each label, that share no token of their text.

One walk through the text (`text_walk`) is no more than one list: each list would begin at the text's first token again,
and small models write a name under every label. Which tokens are taken has to be remembered from list to list, as
llguidance does it by rules with a parameter of 64 bits (its docs/parametric.md): a bit for each token. So this is for
short texts. In a list, the order is free.
"""

import json
from collections import Counter
from collections.abc import Sequence
from math import comb

from spacy_ner_plus.llm.formats.text_grammars.string_lists import in_json
from spacy_ner_plus.llm.formats.text_grammars.text_walk import MOST_PIECES, TextWalk, literal

# Bits of tokens; those behind them count the lists.
_BITS, _END = 58, 64
_MOST_LISTS = 2 ** (_END - _BITS)
# Llguidance gives up on what it reads in 2,000 ways at a time. Of a word that the text has several times it isn't
# known which one is meant, so that the ways multiply.
_MOST_WAYS = 1500


def disjoint_lists(walk: TextWalk, labels: Sequence[str]) -> str | None:
    """Write the grammar of a JSON object with a list for each label.

    RETURNS (str | None): The grammar; None where the text is too long, or repeats itself too often.
    """
    count = len(walk)
    if not 0 < count <= _BITS or len(labels) > _MOST_LISTS:
        return None
    runs = []
    for first in range(count):
        for last in range(first, min(first + MOST_PIECES, count)):
            if walk.is_mention(first, last):
                taken = ((1 << (last - first + 1)) - 1) << first
                # With the quotes that close it, none is the beginning of another.
                mention = literal(f'{in_json(walk.run(last + 1, last - first + 1))}"')
                runs.append(f"{mention} after::bit_or({taken:#x}) %if is_zeros([{first}:{last + 1}])")
    ways = len(runs)
    for number in Counter(walk.word(k) for k in range(count)).values():
        ways *= comb(number, number // 2)
    if not runs or ways > _MOST_WAYS:
        return None
    keys = [f"{json.dumps(label, ensure_ascii=False)}: " for label in labels]
    lists = [
        f"{literal(f', {key}')} list::incr([{_BITS}:{_END}]) %if eq([{_BITS}:{_END}], {number})"
        for number, key in enumerate(keys[1:])
    ]
    # Where nothing is left, no mention may begin: llama.cpp lets a reply go on as it likes that has come to no end.
    left = [f"%if lt([{first}:{end}], {(1 << (end - first)) - 1})" for first, end in _mentionable(walk)]
    lists.append(f"{literal('}')} %if eq([{_BITS}:{_END}], {len(keys) - 1})")
    nothing, closed = f"{literal('[]')} next::_", f"{literal(']')} next::_"
    return "\n".join(
        [
            f"start: {literal('{' + keys[0])} list::0x0",
            f"list::_ : {_alternatives([nothing, *_ways_to_mention('[' + chr(34), left)])}",
            f"mention::_ : {_alternatives(runs)}",
            f"after::_ : {_alternatives([*_ways_to_mention(', ' + chr(34), left), closed])}",
            f"next::_ : {_alternatives(lists)}",
            "",
        ]
    )


def _mentionable(walk: TextWalk) -> list[tuple[int, int]]:
    """RETURNS (list[tuple[int, int]]): Begin and end of each stretch of tokens that are mentions alone, as at least one
    token of any mention is."""
    found: list[tuple[int, int]] = []
    for k in range(len(walk)):
        if walk.is_mention(k, k):
            first = found.pop()[0] if found and found[-1][1] == k else k
            found.append((first, k + 1))
    return found


def _ways_to_mention(before: str, left: Sequence[str]) -> list[str]:
    return [f"{literal(before)} mention::_ {condition}" for condition in left]


def _alternatives(ways: Sequence[str]) -> str:
    return "\n    | ".join(ways)
