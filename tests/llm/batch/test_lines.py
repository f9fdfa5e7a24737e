import json

import pytest

from spacy_ner_plus.llm.batch.lines import (
    BROKEN,
    EMPTY,
    FAILED,
    FILTERED,
    NOT_RUN,
    REFUSED,
    read_line,
    request_line,
)


def completion(**message):
    choice = {"message": {"role": "assistant", **message}, "finish_reason": message.pop("finish", "stop")}
    return {"choices": [choice]}


def answered(body, status=200):
    return {"custom_id": "k", "response": {"status_code": status, "body": body}, "error": None}


def test_lines_of_requests_are_json_of_one_line():
    line = request_line("0f", json.dumps({"model": "m", "messages": [{"role": "user", "content": "a\nß"}]}))
    assert line.count(b"\n") == 1
    row = json.loads(line)
    assert (row["custom_id"], row["method"], row["url"]) == ("0f", "POST", "/v1/chat/completions")
    assert row["body"]["messages"][0]["content"] == "a\nß"


def test_lines_with_a_reply():
    assert read_line(json.dumps(answered(completion(content="{}"))).encode()).completion.content == "{}"
    # A body may come as text.
    line = read_line(json.dumps(answered(json.dumps(completion(content="{}")))).encode())
    assert (line.key, line.completion.content, line.trouble) == ("k", "{}", "")
    cut = answered({"choices": [{"message": {"content": ""}, "finish_reason": "length"}]})
    assert read_line(json.dumps(cut).encode()).completion.finish_reason == "length"


@pytest.mark.parametrize(
    ("row", "trouble", "reason"),
    [
        (answered({"error": {"message": "bad field", "param": "seed"}}, 400), REFUSED, "400: bad field"),
        (answered({"error": {"message": "violates the content policy"}}, 400), FILTERED, "400: violates"),
        (answered({"error": {"message": "slow down"}}, 429), FAILED, "429: slow down"),
        (answered({"error": {"message": "oops"}}, 500), FAILED, "500: oops"),
        (answered({"error": {"message": "the upstream is gone"}}), FAILED, "an error: the upstream is gone"),
        (answered(None), FAILED, "no chat completion"),
        (answered(completion(content=" ")), EMPTY, "stop"),
        (
            {"custom_id": "k", "response": None, "error": {"code": "batch_expired", "message": "late"}},
            NOT_RUN,
            "late",
        ),
        ({"custom_id": "k", "response": None, "error": {"code": "x", "message": "why"}}, FAILED, "why"),
        ({"custom_id": "k", "response": None, "error": "why"}, FAILED, "why"),
        ({"custom_id": "k", "error": None}, FAILED, "neither"),
        ({"response": {}}, BROKEN, "response"),
        ({"custom_id": 7, "response": {}}, BROKEN, "custom_id"),
        ({"custom_id": "k", "response": {"status_code": "many"}}, BROKEN, "many"),
        (["custom_id"], BROKEN, "custom_id"),
    ],
)
def test_lines_without_a_reply_say_why(row, trouble, reason):
    line = read_line(json.dumps(row).encode())
    assert (line.completion, line.trouble) == (None, trouble)
    assert reason in line.reason
    assert line.key == ("" if trouble == BROKEN else "k")


@pytest.mark.parametrize("line", [b"{", b"\xff\xfe", b"null", b"[" * 5000])
def test_lines_that_are_broken(line):
    assert read_line(line).trouble == BROKEN


def test_lines_tell_a_cut_reply_by_its_tokens():
    usage = {"prompt_tokens": 9, "completion_tokens": 7}
    line = json.dumps(answered({"choices": [{"message": {"content": "{}"}}], "usage": usage})).encode()
    reasons = [read_line(line, limit=limit).completion.finish_reason for limit in (7, 8, None)]
    assert reasons == ["length", "", ""]
