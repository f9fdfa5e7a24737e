"""Lists of calls: read as Python reads them, and nothing in them is ever run."""

import ast
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.python_calls import NO_LITERAL, read_calls
from spacy_ner_plus.llm.requests import InvalidReply

MANY = settings(max_examples=100, deadline=None)
# Texts that a reply can hold; UTF-8 has no halves of surrogate pairs.
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
LITERALS = (
    TEXTS | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.booleans()
)
SCRAPS = st.lists(
    st.sampled_from(
        [*"[](){},=:.\\'\"#\n \t-+*", "PER", "span", "r", "f", "b", "1", "0x", "None", "\\N", "\\x", "é"]
    )
    | st.text(max_size=3),
    max_size=25,
).map("".join)


def read(source):
    repairs = IssueLog()
    calls, end = read_calls(source, 0, repairs)
    return calls, end, [kind for kind, _ in repairs]


def literals(call):
    return call.name, [(argument.name, argument.value) for argument in call.arguments]


@MANY
@given(
    st.lists(
        st.tuples(st.sampled_from(["PER", "Ö1", "_x"]), LITERALS, st.lists(LITERALS, max_size=2)), max_size=4
    )
)
def test_python_calls_give_the_literals_that_python_writes(calls):
    written = [
        f"{name}({', '.join([repr(first), *(f'k{i}={value!r}' for i, value in enumerate(more))])})"
        for name, first, more in calls
    ]
    source = f"[{', '.join(written)}]"
    found, end, repairs = read(source)
    assert (end, repairs) == (len(source), [])
    assert [literals(call) for call in found] == [
        (name, [("", first), *((f"k{i}", value) for i, value in enumerate(more))])
        for name, first, more in calls
    ]


@MANY
@given(SCRAPS)
def test_python_calls_read_nothing_that_python_would_not(scraps):
    source = f"[{scraps}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found, end, repairs = read(source)
        except InvalidReply:
            return
    if repairs or "null" in source:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        items = ast.parse(source[:end], mode="eval").body.elts
    assert len(items) == len(found)
    for item, call in zip(items, found, strict=True):
        if call is None:
            assert item.value is None
            continue
        assert call.name == item.func.id
        given = [*item.args, *(keyword.value for keyword in item.keywords)]
        for argument, value in zip(call.arguments, given, strict=True):
            if argument.value is NO_LITERAL:
                continue
            assert argument.value == ast.literal_eval(value)


@MANY
@given(st.sampled_from(["'", '"', "'''", '"""']), TEXTS)
def test_python_calls_know_where_strings_stand(quote, text):
    inner = text.replace("\\", "\\\\").replace(quote[0], f"\\{quote[0]}")
    source = f"[PER( # it's\n span = {quote}{inner}{quote}, n=[1, 'a']), LOC({quote}{inner}{quote})]"
    (first, second), _, _ = read(source)
    for argument in (first.arguments[0], second.arguments[0]):
        assert source[argument.start : argument.end] == inner


def test_python_calls_say_nothing_of_where_strings_of_several_parts_stand():
    ((first,), _, _) = read("[PER(span='a' 'b')]")
    assert literals(first) == ("PER", [("span", "ab")])
    assert (first.arguments[0].start, first.arguments[0].end) == (-1, -1)


def test_python_calls_keep_escapes_that_python_does_not_know():
    ((first,), _, _) = read(r"[PER(span='a\d\9')]")
    assert first.arguments[0].value == r"a\d\9"


def test_python_calls_read_halves_of_surrogate_pairs_as_replaced():
    ((first,), _, _) = read(r"[PER(span='a\ud800')]")
    assert first.arguments[0].value == "a?"


def test_python_calls_know_the_names_that_python_knows():
    ((first,), _, _) = read("[ﬁne(span='a')]")
    assert (first.name, first.source) == ("fine", "ﬁne(span='a')")


@pytest.mark.parametrize(
    "argument",
    ["open('made', 'w')", "exec(\"open('made', 'w')\")", "[open('made', 'w')]", "{open('made', 'w'): 1}"],
)
def test_python_calls_run_nothing(argument, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ((first,), _, _) = read(f"[PER(span={argument})]")
    assert first.arguments[0].value is NO_LITERAL
    assert list(tmp_path.iterdir()) == []


def test_python_calls_take_linear_time_for_long_lists():
    calls, _, _ = read("[" + "PER(span='a')," * 5_000 + "]")
    assert len(calls) == 5_000
    with pytest.raises(InvalidReply, match="isn't closed"):
        read("[PER(span='" + "a\\\\" * 50_000)
