import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.llm.formats.json_replies import read_json, read_or_repair_json, strip_reply
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
        f'{ANSWER}\n{{"PER": ["another"]}}',
    ],
)
def test_replies_read_the_first_object(content):
    assert read_json(content) == json.loads(ANSWER)


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
        ('{"entities": [{"text": "Anna"}, {"text": "Oslo"},]}', "no valid JSON"),
        ('{"PER": ["Anna"], "PER": ["Bob"]}', "'PER' is in one JSON object twice"),
        ('{"PER": NaN}', "NaN"),
        ('{"a": ' * 50_000 + "1" + "}" * 50_000, "too deeply"),
    ],
)
def test_replies_that_are_no_object_say_why(content, reason):
    with pytest.raises(InvalidReply, match=reason):
        read_json(content)


@given(st.text() | st.text(alphabet='{}[]",:\\ anu<>/think`~\n1'))
def test_replies_of_any_text_are_read_or_invalid(content):
    for read in (read_json, read_or_repair_json):
        with suppress(InvalidReply):
            read(content)


def test_replies_are_repaired_only_when_asked_and_say_so():
    content = '{"PER": ["Anna",], "ORG": []}'
    assert read_or_repair_json(content) == ({"PER": ["Anna"], "ORG": []}, True)
    assert read_or_repair_json(ANSWER) == (json.loads(ANSWER), False)
    with pytest.warns(UserWarning, match="W250"):
        assert read_json(content, repair=True) == {"PER": ["Anna"], "ORG": []}


def test_replies_beyond_repair_stay_invalid():
    with pytest.raises(InvalidReply, match="no JSON object"):
        read_or_repair_json("There are no names.")
