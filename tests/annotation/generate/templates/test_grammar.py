import random

import pytest

from spacy_ner_plus.annotation.generate.templates.grammar import Grammar, GrammarError


def lines(template, **rules):
    """RETURNS: All lines that a template stands for, and how many that are."""
    grammar = Grammar(rules, [template])
    rng = random.Random(0)
    return {grammar.expand(template, rng) for _ in range(500)}, grammar.count(template)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain {NAME} text", {"plain {NAME} text"}),
        ("[a|b] c", {"a c", "b c"}),
        ("[a|] c", {"a c", " c"}),
        ("[a[ x| y|]|b]", {"a x", "a y", "a", "b"}),
        ("[a|b][c|d]", {"ac", "ad", "bc", "bd"}),
        ("<hi> {NAME}", {"hey {NAME}", "hello {NAME}", "hello there {NAME}"}),
        ("x[<hi>|]", {"x", "xhey", "xhello", "xhello there"}),
    ],
)
def test_grammar_stands_for_all_its_lines(template, expected):
    found, count = lines(template, hi=["hey", "hello[| there]"])
    assert found == expected
    assert count == len(expected)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("[a|b", "a bracket isn't closed in: [a|b"),
        ("a|b", "'|' outside of brackets in: a|b"),
        ("a]", "']' outside of brackets"),
        ("<no> a", "there is no rule <no>, in: <no> a"),
        ("<round> a", "rules name each other in a circle"),
    ],
)
def test_grammar_says_what_it_cannot_read(template, message):
    with pytest.raises(GrammarError) as found:
        Grammar({"round": ["<other>"], "other": ["x <round>"]}, [template])
    assert message in str(found.value)
