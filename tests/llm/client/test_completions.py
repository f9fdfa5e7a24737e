import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.llm.client.completions import NoCompletion, read_completion, read_error
from spacy_ner_plus.llm.requests import GatewayIds, Usage


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


GATEWAY = {"id": "i", "episode_id": "e", "model": "tensorzero::function_name::ner::variant_name::b"}


@pytest.mark.parametrize(
    ("fields", "gateway"),
    [
        (GATEWAY, GatewayIds("tensorzero", "i", "e", "b")),
        ({**GATEWAY, "model": "tensorzero::model_name::b"}, None),
        ({**GATEWAY, "model": "gpt-4o-mini"}, None),
        ({**GATEWAY, "model": None}, None),
        ({**GATEWAY, "id": 7}, None),
        ({"model": GATEWAY["model"], "id": "i"}, None),
    ],
)
def test_completions_have_the_ids_of_a_gateway_whose_variant_answered(fields, gateway):
    assert read_completion(body({"content": "{}"}, **fields)).gateway == gateway


@pytest.mark.parametrize(
    ("message", "content"),
    [
        ({"content": None, "refusal": "No."}, "No."),
        ({"content": [{"type": "refusal", "refusal": "No."}]}, "No."),
        ({"content": "{}", "refusal": None}, "{}"),
        ({"content": [{"type": "output_text", "text": "{"}, {"type": "output_text", "text": "}"}]}, "{}"),
        ({"content": ["{", "}"]}, "{}"),
        ({"content": [{"text": "{}"}, {"type": "image_url", "image_url": {}}]}, "{}"),
        ({"content": {"PER": ["Ann"]}}, '{"PER": ["Ann"]}'),
        ({"content": "", "reasoning_content": '{"PER": []}'}, '{"PER": []}'),
        ({"content": None, "reasoning": "```json\n{}\n```"}, "{}"),
        ({"content": "", "reasoning_content": "Hm.</think>\n{}"}, "{}"),
        ({"content": "", "reasoning_content": "<PER>Ann</PER> left."}, "<PER>Ann</PER> left."),
        ({"content": "", "reasoning_content": 'Perhaps {"PER": []}, or Ann.'}, ""),
        ({"content": "{}", "reasoning_content": '{"PER": []}'}, "{}"),
        ({"content": "", "reasoning_content": 7}, ""),
        ({"content": None, "function_call": {"name": "f", "arguments": "{}"}}, "{}"),
        ({"content": "{}", "tool_calls": []}, "{}"),
        ({"content": "{}", "tool_calls": [{"function": None}]}, "{}"),
        ({"content": "{}", "tool_calls": [{"function": {"name": "f", "arguments": ""}}]}, "{}"),
        (
            {"tool_calls": [{"function": {"arguments": "{}"}}, {"function": {"arguments": '{"a": 1}'}}]},
            '{}\n{"a": 1}',
        ),
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


@pytest.mark.parametrize(
    ("message", "reason"),
    [({"content": None, "refusal": "No."}, "refusal"), ({"content": "{}", "refusal": "No."}, "stop")],
)
def test_completions_say_of_a_refusal_that_it_is_one(message, reason):
    assert read_completion(body(message, choice={"finish_reason": "stop"})).finish_reason == reason


def test_completions_take_no_reasoning_for_an_answer_that_was_cut():
    message = {"content": "", "reasoning_content": '{"PER": []}'}
    assert read_completion(body(message, choice={"finish_reason": "length"})).content == ""


@pytest.mark.parametrize(
    "usage",
    [
        7,
        "many",
        [],
        {"prompt_tokens": "many"},
        {"prompt_tokens": [9]},
        {"prompt_tokens": -9},
        {"prompt_tokens": 1e300},
        {"prompt_tokens": float("inf")},
        {"prompt_tokens": 9, "completion_tokens": [7]},
        {"prompt_tokens": 9, "prompt_tokens_details": 7},
    ],
)
def test_completions_with_a_broken_usage_are_read_without_it(usage):
    completion = read_completion(body({"content": "{}"}, usage=usage))
    assert (completion.content, completion.usage) == ("{}", None)


@pytest.mark.parametrize(
    "logprobs",
    [
        7,
        "none",
        {"content": 7},
        {"content": [7]},
        {"content": [{"token": "{}"}]},
        {"content": [{"token": "{}", "logprob": None}]},
        {"content": [{"token": "{}", "logprob": "sure"}]},
        {"content": [{"token": "{}", "logprob": float("nan")}]},
        {"tokens": ["{", "}"], "token_logprobs": [-1.0]},
        {"tokens": ["{}"]},
    ],
)
def test_completions_with_broken_logprobs_are_read_without_them(logprobs):
    completion = read_completion(body({"content": "{}"}, choice={"logprobs": logprobs}))
    assert (completion.content, completion.logprobs) == ("{}", None)


@pytest.mark.parametrize(
    "data",
    [
        {"error": {"message": "upstream timed out", "code": 504}},
        {"error": "upstream timed out"},
        {"error": {"message": "upstream timed out"}, "choices": []},
        {"choices": [{"error": {"message": "upstream timed out"}, "message": {"content": ""}}]},
        {"choices": [{"error": {"message": "upstream timed out"}, "message": {"content": "{}"}}]},
    ],
)
def test_completions_that_are_an_upstream_error_are_told_as_that(data):
    with pytest.raises(NoCompletion, match="but an error: upstream timed out"):
        read_completion(json.dumps(data).encode())


def test_completions_that_ended_with_an_error_are_no_replies():
    with pytest.raises(NoCompletion, match="finish_reason is 'error'"):
        read_completion(body({"content": ""}, choice={"finish_reason": "error"}))


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


@pytest.mark.parametrize(
    "said", ["length", "max_tokens", "MAX_TOKENS", "model_length", "max_length", "token_limit"]
)
def test_completions_that_were_cut_are_known_by_every_server_s_word(said):
    completion = read_completion(body({"content": "{"}, choice={"finish_reason": said}))
    assert completion.finish_reason == "length"


@pytest.mark.parametrize("said", ["abort", "cancelled", "timeout", "FinishReason.OTHER"])
def test_completions_that_broke_off_are_no_replies(said):
    with pytest.raises(NoCompletion, match=f"finish_reason is '{said}'"):
        read_completion(body({"content": "{}"}, choice={"finish_reason": said}))


@pytest.mark.parametrize(
    ("limit", "said", "count", "reason"),
    [
        (50, "stop", 50, "length"),
        (50, None, 50, "length"),
        (50, "stop", 49, "stop"),
        (50, "stop", 51, "stop"),
        (50, "tool_calls", 50, "tool_calls"),
        (None, "stop", 50, "stop"),
        (50, "stop", None, "stop"),
    ],
)
def test_completions_of_as_many_tokens_as_were_allowed_are_cut(limit, said, count, reason):
    usage = None if count is None else {"prompt_tokens": 9, "completion_tokens": count}
    data = body({"content": "{}"}, choice={"finish_reason": said}, usage=usage)
    assert read_completion(data, limit=limit).finish_reason == reason


def test_completions_of_a_server_that_counts_an_empty_prompt_are_not_counted():
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    assert read_completion(body({"content": "{}"}, usage=usage)).usage is None
