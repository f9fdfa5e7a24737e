import re

import pytest

from spacy_ner_plus.llm.formats.text_grammars.ways import Ways


def ways_in(expression: str, terminals: dict[str, str]) -> list[str]:
    """RETURNS (list[str]): What an expression comes to, with the terminals that it names written out."""
    found = []
    for each in filter(None, expression.split(" | ")):
        found += ways_in(terminals[each], terminals) if each in terminals else [each]
    return found


@pytest.mark.parametrize("size", [1, 3, 12, 13, 144, 145, 1800])
def test_ways_are_those_put_last_and_change_a_few_terminals(size):
    beginnings = [f"b{i:04}" for i in range(size)]
    ways, lines, versions = Ways("W"), [], []
    ways.expect(beginnings)
    assert str(ways) == ""
    for turn in range(2):
        for beginning in beginnings:
            before = len(lines)
            ways.put(beginning, f"{beginning}-{turn}", lines)
            assert len(lines) - before <= 3
            versions.append(str(ways))
    terminals = {}
    for line in lines:
        name, _, body = line.partition(": ")
        assert name not in terminals
        terminals[name] = re.fullmatch(r"\((.+)\) & OPAQUE", body)[1]
    assert sorted(ways_in(versions[-1], terminals)) == [f"{each}-1" for each in beginnings]
    # What was written of a place before stays as it was.
    assert sorted(ways_in(versions[size - 1], terminals)) == [f"{each}-0" for each in beginnings]
    assert ways_in(versions[0], terminals) == ["b0000-0"]
    assert all(version.count(" | ") < 12 for version in versions)
