"""The real servers of the tests: what they answer, what they refuse, what a gateway makes of it."""

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import validate

from spacy_ner_plus.llm.client.completions import read_completion
from tests.conftest import ROOT
from tests.servers.fixtures import API_KEY

pytest.importorskip("xllamacpp", reason="no xllamacpp, which serves models: pip install xllamacpp")
pytest.importorskip("gguf", reason="no gguf, which writes models: pip install gguf")

from tests.servers.llama_server import SLOTS, llama_server
from tests.servers.tensorzero_gateway import FUNCTION, MODEL
from tests.servers.tiny_llama import NAMES, write_tiny_llama

LABELS = ["PER", "LOC", "ORG"]
STRINGS = {"type": "array", "items": {"type": "string"}}
LISTS = {
    "type": "object",
    "properties": dict.fromkeys(LABELS, STRINGS),
    "required": LABELS,
    "additionalProperties": False,
}
ENTITY = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "label": {"enum": LABELS}, "occurrence": {"type": "integer"}},
    "required": ["text", "label", "occurrence"],
    "additionalProperties": False,
}
ENTITIES = {
    "type": "object",
    "properties": {"entities": {"type": "array", "items": ENTITY}},
    "required": ["entities"],
    "additionalProperties": False,
}
GRAMMAR = r"""
root ::= line ("\n" line)*
line ::= [^ \t\r\n]+ ": " ("B-" | "I-") ("PER" | "LOC")
"""
TOOL = {"type": "function", "function": {"name": "entities", "description": "Found.", "parameters": LISTS}}
TEXTS = st.text(max_size=80)
MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ask(url, text="Anna lives in Berlin.", *, model="tiny", key="", **fields):
    body = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 400, **fields}
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.post(f"{url}/chat/completions", json={"temperature": 0, **body}, headers=headers, timeout=60)


def bound(schema):
    return {"type": "json_schema", "json_schema": {"name": "found", "strict": True, "schema": schema}}


def content(response):
    assert response.status_code == 200, response.text
    return response.json()["choices"][0]["message"]["content"]


def logprobs(response):
    return response.json()["choices"][0]["logprobs"]["content"]


def test_tiny_llama_has_the_same_bytes_for_the_same_seed(tmp_path):
    first, again, other = (
        write_tiny_llama(tmp_path / f"{number}.gguf", seed=seed).read_bytes()
        for number, seed in enumerate([1, 1, 2])
    )
    assert first == again != other
    assert len(first) < 1_000_000


@MANY
@given(text=TEXTS)
def test_tiny_llama_reads_any_text(llama_url, text):
    root = llama_url.removesuffix("/v1")
    tokens = httpx.post(f"{root}/tokenize", json={"content": text, "parse_special": False}).json()["tokens"]
    back = httpx.post(f"{root}/detokenize", json={"tokens": tokens}).json()["content"]
    assert back == text


@MANY
@given(text=TEXTS, schema=st.sampled_from([LISTS, ENTITIES]), seed=st.integers(0, 2**31 - 1))
def test_tiny_llama_follows_a_schema_whatever_is_drawn(llama_url, text, schema, seed):
    reply = ask(llama_url, text, response_format=bound(schema), temperature=1, seed=seed)
    validate(json.loads(content(reply)), schema)


def test_tiny_llama_prefers_names_of_the_text(llama_url):
    found = [
        json.loads(
            content(ask(llama_url, f"It was said by {name} on a rainy day.", response_format=bound(LISTS)))
        )
        for name in NAMES
    ]
    right = sum(
        name in mentions for name, reply in zip(NAMES, found, strict=True) for mentions in reply.values()
    )
    assert right > len(NAMES)  # of three labels each


@pytest.mark.parametrize("schema", [LISTS, ENTITIES], ids=["label lists", "entity list"])
def test_llama_server_follows_a_schema(llama_url, schema):
    validate(json.loads(content(ask(llama_url, response_format=bound(schema)))), schema)


def test_llama_server_follows_a_grammar(llama_url):
    lines = content(ask(llama_url, grammar=GRAMMAR)).splitlines()
    assert lines
    assert all(line.split(": ")[1] in {"B-PER", "B-LOC", "I-PER", "I-LOC"} for line in lines)


def test_llama_server_writes_a_json_object(llama_url):
    assert isinstance(json.loads(content(ask(llama_url, response_format={"type": "json_object"}))), dict)


def test_llama_server_calls_a_tool(llama_url):
    reply = ask(llama_url, tools=[TOOL], tool_choice={"type": "function", "function": {"name": "entities"}})
    (call,) = reply.json()["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "entities"
    validate(json.loads(call["function"]["arguments"]), LISTS)


def test_llama_server_gives_the_probability_of_each_token(llama_url):
    reply = ask(llama_url, response_format=bound(LISTS), logprobs=True)
    tokens = logprobs(reply)
    assert "".join(token["token"] for token in tokens) == content(reply)
    assert all(token["logprob"] <= 0 for token in tokens)


def test_llama_server_counts_tokens(llama_url):
    usage = ask(llama_url).json()["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0


def test_llama_server_answers_the_same_question_in_the_same_way(llama_url):
    assert len({content(ask(llama_url, response_format=bound(LISTS))) for _ in range(3)}) == 1


def test_llama_server_draws_other_samples_with_other_seeds(llama_url):
    options = {"response_format": bound(LISTS), "temperature": 1}
    samples = [content(ask(llama_url, seed=seed, **options)) for seed in (1, 1, 2, 3, 4)]
    assert samples[0] == samples[1]
    assert len(set(samples)) > 1


def test_llama_server_cuts_at_the_most_tokens(llama_url):
    choice = ask(llama_url, response_format=bound(LISTS), max_tokens=3).json()["choices"][0]
    assert choice["finish_reason"] == "length"


@pytest.mark.parametrize("key", ["", "wrong"])
def test_llama_server_refuses_a_wrong_key(llama_url_with_key, key):
    assert ask(llama_url_with_key, key=key).status_code == 401


def test_llama_server_takes_the_right_key(llama_url_with_key):
    assert content(ask(llama_url_with_key, key=API_KEY))


@pytest.mark.parametrize(
    "fields",
    [
        {"response_format": bound({"type": "strange"})},
        {"response_format": bound({"$ref": "#/nowhere"})},
        {"response_format": {"type": "xml"}},
        {"grammar": "root ::= ("},
        {"messages": None},
    ],
)
def test_llama_server_refuses_what_it_does_not_understand(llama_url, fields):
    reply = ask(llama_url, **fields)
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"


def test_llama_server_refuses_a_prompt_that_is_too_long(llama_url):
    reply = ask(llama_url, "x" * 20_000)
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "exceed_context_size_error"


def test_llama_server_reads_long_prompts(llama_url):
    reply = ask(llama_url, "It rains. " * 1_000, response_format=bound(LISTS))
    assert reply.json()["usage"]["prompt_tokens"] > 8_192
    validate(json.loads(content(reply)), LISTS)


def test_llama_server_says_that_it_is_well(llama_url_with_key):
    assert httpx.get(f"{llama_url_with_key}/health").json() == {"status": "ok"}


def test_llama_server_has_its_slots(llama_url):
    assert httpx.get(f"{llama_url.removesuffix('/v1')}/props").json()["total_slots"] == SLOTS


def test_llama_server_answers_many_at_once(llama_url):
    # As many connections as a client keeps open: with llama.cpp's own number of threads the last waits for seconds.
    limits = httpx.Limits(max_keepalive_connections=64)
    with httpx.Client(timeout=5, limits=limits) as client, ThreadPoolExecutor(64) as pool:
        body = {"model": "tiny", "max_tokens": 50, "response_format": bound(LISTS)}
        bodies = [
            {**body, "messages": [{"role": "user", "content": f"Text {number}"}]} for number in range(128)
        ]
        replies = pool.map(lambda body: client.post(f"{llama_url}/chat/completions", json=body), bodies)
        assert [reply.status_code for reply in replies] == [200] * 128


def test_llama_server_leaves_ctrl_c_to_python(llama_url):
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert content(ask(llama_url))


def test_llama_server_serves_a_model_of_ones_own(tmp_path):
    path = write_tiny_llama(tmp_path / "own.gguf", seed=3)
    with llama_server(model=path, slots=1, context_length=512) as url:
        assert httpx.get(f"{url}/models").json()["data"][0]["id"] == "own"


def test_llama_server_is_gone_afterwards():
    with llama_server(slots=1, context_length=512) as url:
        assert content(ask(url))
    with pytest.raises(httpx.ConnectError):
        ask(url)


def test_llama_server_does_not_start_on_a_port_that_is_taken(llama_url):
    port = httpx.URL(llama_url).port
    with pytest.raises(RuntimeError, match="Failed to init server"), llama_server(port=port):
        pass


@pytest.mark.parametrize("ending", ["closed input", "signal"])
def test_llama_server_runs_as_a_command(ending):
    command = [sys.executable, "-m", "tests.servers.llama_server", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        url = process.stdout.readline().strip()
        assert content(ask(url))
        if ending == "signal":
            process.terminate()
        else:
            process.stdin.close()
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize("model", [MODEL, FUNCTION])
def test_tensorzero_gateway_passes_the_schema_on(tensorzero_url, model):
    validate(json.loads(content(ask(tensorzero_url, model=model, response_format=bound(LISTS)))), LISTS)


def test_tensorzero_gateway_answers_as_the_server_behind_it(tensorzero_url, llama_url):
    fields = {"response_format": bound(ENTITIES), "temperature": 1, "seed": 7}
    assert content(ask(tensorzero_url, model=MODEL, **fields)) == content(ask(llama_url, **fields))


def test_tensorzero_gateway_passes_tools_on(tensorzero_url):
    reply = ask(tensorzero_url, model=MODEL, tools=[TOOL], tool_choice="required")
    (call,) = reply.json()["choices"][0]["message"]["tool_calls"]
    validate(json.loads(call["function"]["arguments"]), LISTS)


def test_tensorzero_gateway_says_which_variant_answered(tensorzero_url):
    ids = read_completion(ask(tensorzero_url, model=FUNCTION).content).gateway
    assert (ids.gateway, ids.variant) == ("tensorzero", "baseline")
    assert [UUID(id).version for id in (ids.inference, ids.episode)] == [7, 7]
    again = read_completion(
        ask(tensorzero_url, model=FUNCTION, **{"tensorzero::episode_id": ids.episode}).content
    )
    assert again.gateway.episode == ids.episode
    assert read_completion(ask(tensorzero_url, model=MODEL).content).gateway is None


def test_tensorzero_gateway_counts_tokens(tensorzero_url):
    usage = ask(tensorzero_url, model=MODEL).json()["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0


@pytest.mark.parametrize("fields", [{"model": "tiny"}, {"model": f"{MODEL}-2"}, {"model": MODEL, "n": 2}])
def test_tensorzero_gateway_refuses_other_names_and_several_replies(tensorzero_url, fields):
    assert ask(tensorzero_url, **fields).status_code == 400


def test_tensorzero_gateway_drops_fields_that_it_does_not_know(tensorzero_url):
    reply = ask(tensorzero_url, model=MODEL, grammar='root ::= "only this"', logprobs=True)
    assert content(reply) != "only this"
    assert "logprobs" not in reply.json()["choices"][0]


def test_tensorzero_gateway_passes_fields_of_its_extra_body_on(tensorzero_url):
    extra = [{"pointer": "/grammar", "value": 'root ::= "only this"'}]
    assert content(ask(tensorzero_url, model=MODEL, **{"tensorzero::extra_body": extra})) == "only this"


def test_tensorzero_gateway_makes_a_502_of_a_refusal(tensorzero_url):
    reply = ask(tensorzero_url, model=MODEL, response_format=bound({"type": "strange"}))
    assert reply.status_code == 502
    assert "400 Bad Request" in reply.json()["error"]["message"]
