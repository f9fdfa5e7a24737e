"""TensorZero's configuration: it loads in the gateway itself, whose variants answer as ours do."""

import json
import tomllib

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.learning.tensorzero.configuration import COMPOSE, CONFIG, GatewayVariant, gateway_files
from spacy_ner_plus.llm.client.completions import read_completion
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.llm.prompting.prompts import instructions
from spacy_ner_plus.llm.store.metrics import SHIPPED, Metric

LABELS = load_labels({"PER": 'People, and "{{ nobody }}", {% if x %}, {# y #}.', "LOC": "Places."})


def variant(
    name="a", weight=1.0, *, url="http://127.0.0.1:1/v1", format="label_lists", model="tiny", **settings
):
    chat = ChatSettings(**{"base_url": url, "name": model, **settings})
    return GatewayVariant(name, weight, chat, Prompter(get_format(format), LABELS))


def test_configuration_has_what_variants_are_made_of():
    made = gateway_files(
        [
            variant(
                weight=3, seed=7, temperature=0.5, parameters={"top_p": 0.9, "top_k": 4, "max_tokens": None}
            ),
            variant("b", structured="json_object", api_key_env="KEY", headers={"X-Team": "ner"}),
            variant("c", 0, url="https://api.openai.com/v1", model="gpt-4o-mini"),
        ],
        function="find",
    )
    config = tomllib.loads(made.files[CONFIG])
    function = config["functions"]["find"]
    assert function["type"] == "json"
    assert json.loads(made.files[f"config/{function['output_schema']}"])["required"] == ["PER", "LOC"]
    variants = function["variants"]
    assert [(one["weight"], one["json_mode"]) for one in variants.values()] == [
        (3.0, "strict"),
        (1.0, "on"),
        (0.0, "strict"),
    ]
    assert {key: variants["a"][key] for key in ("seed", "temperature", "top_p", "extra_body")} == {
        "seed": 7,
        "temperature": 0.5,
        "top_p": 0.9,
        "extra_body": [{"pointer": "/top_k", "value": 4}],
    }
    # One model for each server, name and key.
    models = config["models"]
    assert [variants[name]["model"] for name in "abc"] == ["tiny", "tiny-2", "gpt-4o-mini"]
    assert [models[name]["providers"]["server"]["api_key_location"] for name in models] == [
        "none",
        "env::KEY",
        "env::OPENAI_API_KEY",
    ]
    metrics = {name: (one["type"], one["optimize"]) for name, one in config["metrics"].items()}
    assert metrics["exact_match"] == ("boolean", "max")
    assert metrics["jaccard"] == ("float", "max")
    assert made.keys == ["KEY", "OPENAI_API_KEY"]
    assert "${OPENAI_API_KEY:?" in made.files[COMPOSE]
    assert "NOT RUN" in made.files[COMPOSE]
    assert any("X-Team" in note for note in made.notes)
    assert any("host.docker.internal" in note for note in made.notes)


@pytest.mark.parametrize(
    ("variants", "code"),
    [
        ([variant("a/b")], "E850"),
        ([variant(format="inline_tags")], "E851"),
        ([variant(format="per_type")], "E851"),
        ([variant(), variant("b", format="entity_list")], "E852"),
    ],
)
def test_configuration_refuses_what_the_gateway_cannot_have(variants, code):
    with pytest.raises(UserError, match=code):
        gateway_files(variants)


@pytest.fixture
def gateway(llama_url, tmp_path):
    """The `base_url` of the gateway, with the configuration that is written."""
    tensorzero = pytest.importorskip("tensorzero")
    if not hasattr(tensorzero, "_start_http_gateway"):
        pytest.skip("this tensorzero starts no gateway")
    made = gateway_files(
        [variant("a.1", url=llama_url, max_tokens=100), variant("b", 0, url=llama_url, max_tokens=100)]
    )
    for path, content in made.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf8")
    served = tensorzero._start_http_gateway(
        config_file=str(tmp_path / CONFIG),
        clickhouse_url=None,
        postgres_url=None,
        valkey_url=None,
        async_setup=False,
    )
    yield served.base_url
    served.close()


def test_configuration_loads_in_the_gateway_and_its_variants_answer(gateway, llama_url):
    import httpx

    def ask(url, system="Other instructions.", **fields):
        messages = [{"role": "system", "content": system}, {"role": "user", "content": "Anna left Berlin."}]
        body = {"model": "tensorzero::function_name::extract_entities", "messages": messages, **fields}
        return httpx.post(f"{url}/chat/completions", json=body, timeout=60)

    sampled = [read_completion(ask(gateway).content) for _ in range(3)]
    assert {one.gateway.variant for one in sampled} == {"a.1"}
    form = get_format("label_lists")
    form.parse(sampled[0].content, LABELS.names, "Anna left Berlin.")
    pinned = read_completion(ask(gateway, **{"tensorzero::variant_name": "b"}).content)
    assert pinned.gateway.variant == "b"
    # The variant's own instructions take the place of those of the request, letter by letter.
    own = instructions(form, LABELS)
    assert "{{ nobody }}" in own
    direct = ask(llama_url, own, model="tiny", max_tokens=1).json()["usage"]["prompt_tokens"]
    assert sampled[0].usage.prompt == direct


def test_configuration_has_the_metrics_that_a_store_declares():
    own = [
        Metric("seconds", "float", "episode", "min"),
        Metric("of mine", "boolean"),
        Metric("said", "comment"),
    ]
    made = gateway_files([variant()], metrics=SHIPPED | {metric.name: metric for metric in own})
    metrics = tomllib.loads(made.files[CONFIG])["metrics"]
    assert metrics["seconds"] == {"type": "float", "level": "episode", "optimize": "min"}
    assert set(metrics) == {"exact_match", "jaccard", "f1", "valid_output", "seconds"}
    assert [note for note in made.notes if "'of mine'" in note]
