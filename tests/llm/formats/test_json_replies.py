import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.json_replies import read_json, strip_reply
from spacy_ner_plus.llm.formats.reading import (
    JSON_IN_STRING,
    LITERAL_NEWLINE,
    PYTHON_LITERAL,
    TEXT_AROUND,
    TRAILING_COMMA,
)
from spacy_ner_plus.llm.requests import InvalidReply

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=4)
ANSWER = '{"PER": ["Anna {Berg}"], "ORG": []}'


@pytest.mark.parametrize(
    "content",
    [
        ANSWER,
        f"  {ANSWER}\n",
        f"```json\n{ANSWER}\n```",
        f"```\n{ANSWER}\n```\n",
        f"~~~~json\n{ANSWER}\n~~~~",
        f"```json\n{ANSWER}",
        f"<think>Is it {{}}?</think>\n{ANSWER}",
        f"<THINK>a</THINK><thinking>b</thinking>{ANSWER}",
        f'Perhaps {{"PER": []}}.\n</think>\n\n{ANSWER}',
        f"reasoning</think>```json\n{ANSWER}\n```",
    ],
)
def test_replies_strip_what_is_around_the_answer(content):
    assert strip_reply(content) == ANSWER


def test_replies_of_unclosed_reasoning_are_empty():
    assert strip_reply('<think>It could be {"PER": []}') == ""


@pytest.mark.parametrize("content", ["<PER>Anna</PER> met him.", "In code:\n```\nx = 1\n```\ndone", "a < b"])
def test_replies_keep_tags_and_fences_of_the_text(content):
    assert strip_reply(content) == content


def test_replies_keep_a_closing_tag_within_json():
    content = '{"PER": ["</think>\\n"]}'
    assert strip_reply(content) == content


@pytest.mark.parametrize(
    "content",
    [
        f"Here it is: {ANSWER} I hope that helps.",
        f"Names in {{curly}} braces and [1]: {ANSWER}",
        f"[1] has these: {ANSWER}",
        f"The names:\n```json\n{ANSWER}\n```\nThat is all.",
    ],
)
def test_replies_read_the_object_among_prose_and_say_so(content):
    repairs = IssueLog()
    assert read_json(content, repairs) == json.loads(ANSWER)
    assert [kind for kind, _ in repairs] == [TEXT_AROUND]


@pytest.mark.parametrize(
    "content",
    [
        f'{ANSWER}\n{{"PER": ["another"]}}',
        f"{ANSWER}\n{ANSWER}",
        f"Draft: {ANSWER}\nFinal: {ANSWER}",
        f"{ANSWER} []",
        f'As a list: ["Anna"]. {ANSWER}',
        f"```json\n{ANSWER}\n```\n```json\n{ANSWER}\n```",
    ],
)
def test_replies_with_several_values_are_invalid(content):
    with pytest.raises(InvalidReply, match="several JSON values"):
        read_json(content)


@pytest.mark.parametrize("rest", [', "ORG": "x"', "}", "]", ': "x"', '", "b"'])
def test_replies_that_go_on_after_their_json_are_invalid(rest):
    with pytest.raises(InvalidReply, match="goes on after"):
        read_json(ANSWER + rest)


def test_replies_read_a_list_whole():
    assert read_json('[{"text": "Anna"}, {"text": "Oslo"}]') == [{"text": "Anna"}, {"text": "Oslo"}]


@given(OBJECTS, st.sampled_from(["{}", "```json\n{}\n```", "<think>{{</think>{}", "So: {} and so on"]))
def test_replies_read_any_object_back(value, around):
    content = around.replace("{}", json.dumps(value, ensure_ascii=False))
    assert read_json(content) == value


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty"),
        ("no names", "no JSON object: 'no names'"),
        ('{"PER": ["Anna"', "isn't closed"),
        ('{"PER": ["Anna', "isn't closed"),
        ('{PER: ["Anna"]}', "a key in quotes is expected"),
        ('{"PER": ["Anna" "Bob"]}', "',' or ']' is expected"),
        ('{"PER": ["the "Bob" show"]}', "',' or ']' is expected"),
        ("{'PER': ['Anna's']}", "',' or ']' is expected"),
        ('{"PER": [Anna]}', "a value is expected at 'Anna"),
        ('{"PER": ["\\x"]}', "an escape that JSON doesn't know"),
        ('{"PER": ["Anna"], "PER": ["Bob"]}', "'PER' is in one JSON object twice"),
        ('{"PER": NaN}', "NaN"),
        ('{"PER": 1' + "0" * 5000 + "}", "no valid JSON"),
        ('{"a": ' * 50_000 + "1" + "}" * 50_000, "too deeply"),
        ('"{PER}"', "a key in quotes is expected at 'PER}'"),
        ('"{\\"PER\\": []} and"', "goes on after it is closed"),
    ],
)
def test_replies_that_are_no_object_say_why(content, reason):
    with pytest.raises(InvalidReply, match=reason):
        read_json(content)


@pytest.mark.parametrize(
    ("content", "value", "kinds"),
    [
        ('{"PER": ["Anna",], "ORG": [],}', {"PER": ["Anna"], "ORG": []}, {TRAILING_COMMA: 2}),
        ('{"PER": ["Anna\nBerg"]}', {"PER": ["Anna\nBerg"]}, {LITERAL_NEWLINE: 1}),
        ("{'PER': ['Anna', \"O'Neil\"]}", {"PER": ["Anna", "O'Neil"]}, {PYTHON_LITERAL: 2}),
        ("{'PER': ['O\\'Neil', 'a \"b\"']}", {"PER": ["O'Neil", 'a "b"']}, {PYTHON_LITERAL: 3}),
        ("{'a': [None, True, False]}", {"a": [None, True, False]}, {PYTHON_LITERAL: 4}),
        ('"{\\"PER\\": [\\"Anna\\"]}"', {"PER": ["Anna"]}, {JSON_IN_STRING: 1}),
    ],
)
def test_replies_are_repaired_by_listed_rules_and_each_is_counted(content, value, kinds):
    repairs = IssueLog()
    assert read_json(content, repairs) == value
    assert {kind: issue.count for kind, issue in repairs} == kinds


@given(st.text() | st.text(alphabet='{}[]",:\\ anu<>/think`~\n1'))
def test_replies_of_any_text_are_read_or_invalid(content):
    with suppress(InvalidReply):
        read_json(content)


@given(OBJECTS)
def test_replies_as_python_writes_them_are_read_as_they_are_or_invalid(value):
    with suppress(InvalidReply):
        assert read_json(repr(value)) == value


@pytest.mark.parametrize(
    "content",
    [
        "a" * 3_000,
        "[" * 100_000,
        "{" * 100_000,
        '{"' * 50_000,
        '{"a":' * 50_000,
        '{"x"} ' * 20_000,
        "<think></think>" * 10_000,
        "</think>" * 20_000,
        '{"PER": ["' + "a" * 100_000,
        '{"PER": ["' + '\\"' * 50_000,
        '{"PER": [' + '"a", ' * 30_000 + "]}",
        '{"PER": [' + "'a', " * 30_000,
        " " * 100_000 + "{",
        "{" + " " * 100_000,
        "`" * 100_000,
        "I can't " * 20_000,
    ],
)
def test_replies_that_are_degenerate_cost_little_time(content):
    began = time.process_time()
    with suppress(InvalidReply):
        read_json(content)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    "content",
    [
        "I can't help with personal data. {}",
        "I\u2019m sorry, but I cannot assist with that request.",
        "I am not able to identify people in this text.",
        f"I'm unable to provide that.\n{ANSWER}",
        f"{ANSWER}\nAs an AI language model I must add that this is private.",
        "This request violates our usage policies.",
    ],
)
def test_replies_that_refuse_are_told_as_refusals(content):
    with pytest.raises(InvalidReply, match="the model refuses: '"):
        read_json(content)


@pytest.mark.parametrize("prose", ["I can't find any cities here.", "I cannot see an organisation."])
def test_replies_that_report_are_no_refusals(prose):
    assert read_json(f"{prose} {ANSWER}") == json.loads(ANSWER)
