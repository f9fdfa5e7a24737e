import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.llm.client.completions import NoCompletion, read_completion, read_error
from spacy_ner_plus.llm.requests import Usage


def body(message, **more) -> bytes:
    choice = {"message": message, **more.pop("choice", {})}
    return json.dumps({"choices": [choice], **more}).encode()


def test_completions_are_read():
    completion = read_completion(
        body(
            {"content": "{}"},
            choice={"finish_reason": "stop", "logprobs": {"content": [{"token": "{}", "logprob": -1}]}},
            usage={
                "prompt_tokens": 9,
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 4},
            },
        )
    )
    assert (completion.content, completion.finish_reason) == ("{}", "stop")
    assert completion.usage == Usage(9, 2, 4)
    assert completion.logprobs == [("{}", -1.0)]


@pytest.mark.parametrize(
    ("message", "content"),
    [
        ({"content": None, "refusal": "No."}, "No."),
        ({"content": None}, ""),
        ({"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "{}"}]}, "{}"),
        ({"content": "\ud800x"}, "?x"),
        ({"content": None, "tool_calls": [{"function": {"name": "f", "arguments": '{"a": 1}'}}]}, '{"a": 1}'),
        ({"content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}, '{"a": 1}'),
    ],
)
def test_completions_find_the_text(message, content):
    assert read_completion(body(message)).content == content


def test_completions_read_the_older_form_of_logprobs():
    logprobs = {"tokens": ["a", "b"], "token_logprobs": [-1.0, -2.0]}
    completion = read_completion(body({"content": "ab"}, choice={"logprobs": logprobs}))
    assert completion.logprobs == [("a", -1.0), ("b", -2.0)]


def test_completions_without_usage_have_none():
    assert read_completion(body({"content": ""}, usage=None)).usage is None


@given(st.binary() | st.sampled_from([b"null", b"[]", b'{"choices": []}', b'{"error": {"message": "x"}}']))
def test_completions_of_anything_else_are_refused(data):
    with pytest.raises(NoCompletion, match="no chat completion"):
        read_completion(data)


@pytest.mark.parametrize(
    ("data", "message", "param"),
    [
        (b'{"error": {"message": "bad", "param": "seed"}}', "bad", "seed"),
        (b'{"error": "bad"}', "bad", ""),
        (b'{"message": "bad"}', "bad", ""),
        (b'{"detail": [{"msg": "bad"}]}', '[{"msg": "bad"}]', ""),
        (b"<html>Bad gateway</html>", "'Bad gateway'", ""),
        (b"<!doctype html><style>p {}</style><title>502 Bad &amp; slow</title><p>x", "'502 Bad & slow'", ""),
        (b"", "nothing more", ""),
        (b"<p></p>", "nothing more", ""),
        (b'""', "nothing more", ""),
        (b'{"error": {}}', "nothing more", ""),
        (b'{"error": {"message": " "}}', "nothing more", ""),
    ],
)
def test_completions_errors_are_read_in_every_form(data, message, param):
    error = read_error(data)
    assert (error.message, error.param) == (message, param)


@given(st.binary())
def test_completions_errors_of_any_body_have_a_message(data):
    assert read_error(data).message
