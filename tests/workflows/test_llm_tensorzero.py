import tomllib

import pytest
import spacy

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.store.metrics import Metric
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.workflows.llm_tensorzero import send_feedback, write_tensorzero
from tests.conftest import ROOT
from tests.learning.export.stored import ANNA, OSLO, TEXT, answered
from tests.servers.feedback_server import FeedbackServer

CONFIG = ROOT / "configs" / "structured_llm_ner.cfg"


def test_llm_tensorzero_writes_the_task_of_a_config(tmp_path):
    made = write_tensorzero(
        tmp_path / "gateway",
        CONFIG,
        overrides=["vars.llm_model=qwen3", "components.structured_llm_ner.task=Short letters."],
    )
    written = {
        path.relative_to(tmp_path / "gateway").as_posix(): path.read_text(encoding="utf8")
        for path in (tmp_path / "gateway").rglob("*")
        if path.is_file()
    }
    assert written == made.files
    config = tomllib.loads(written["config/tensorzero.toml"])
    baseline = config["functions"]["extract_entities"]["variants"]["baseline"]
    assert baseline["model"] == "qwen3"
    assert written[f"config/{baseline['system_template']}"].startswith("Short letters.")
    # What people may have changed isn't written over.
    with pytest.raises(UserError, match="E857"):
        write_tensorzero(tmp_path / "gateway", CONFIG)


def test_llm_tensorzero_writes_the_variants_of_a_component(tmp_path):
    nlp = spacy.blank("en")
    model = {"base_url": "http://127.0.0.1:1/v1", "name": "small", "max_tokens": 50}
    variants = [
        {"name": "small", "task": "Short letters."},
        {"name": "large", "weight": 3.0, "model": {"name": "large", "temperature": 0.5}},
    ]
    nlp.add_pipe("structured_llm_ner", config={"labels": "conll", "model": model, "variants": variants})
    made = write_tensorzero(tmp_path / "gateway", nlp, function="find")
    config = tomllib.loads(made.files["config/tensorzero.toml"])
    written = config["functions"]["find"]["variants"]
    assert {name: (one["weight"], one["model"], one["temperature"]) for name, one in written.items()} == {
        "small": (1.0, "small", 0.0),
        "large": (3.0, "large", 0.5),
    }
    templates = [made.files[f"config/{one['system_template']}"] for one in written.values()]
    assert [text.startswith("Short letters.") for text in templates] == [True, False]


def test_llm_tensorzero_writes_the_metrics_of_the_store(tmp_path):
    path = tmp_path / "replies.sqlite"
    with Store(path) as store:
        store.feedback.declare(Metric("edits", "float", "episode", "min"))
    made = write_tensorzero(tmp_path / "gateway", CONFIG, overrides=[f"paths.store={path}"])
    edits = tomllib.loads(made.files["config/tensorzero.toml"])["metrics"]["edits"]
    assert edits == {"type": "float", "level": "episode", "optimize": "min"}


def test_llm_tensorzero_needs_no_config(tmp_path):
    (tmp_path / "gateway").mkdir()
    made = write_tensorzero(tmp_path / "gateway")
    assert made.keys == ["OPENAI_API_KEY"]


def test_llm_tensorzero_leaves_nothing_half_written(tmp_path):
    with pytest.raises(UserError, match="E851"):
        write_tensorzero(tmp_path / "gateway", CONFIG, overrides=["vars.format=bio_lines"])
    with pytest.raises(UserError, match="E858"):
        write_tensorzero(tmp_path / "gateway", ROOT / "configs" / "stock_ner.cfg")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def store(tmp_path):
    """Three inferences of a gateway, each with feedback."""
    with Store(tmp_path / "s.sqlite") as opened:
        for number in range(3):
            answered(opened, f"{TEXT} {number}", external="tensorzero", id=f"i{number}", episode="e")
            opened.feedback.add(f"i{number}", "exact_match", True)
        opened.feedback.add("i0", "demonstration", (ANNA, OSLO))
    return tmp_path / "s.sqlite"


def gateway(**given):
    strings = {"type": "array", "items": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": dict.fromkeys(("PER", "LOC"), strings),
        "additionalProperties": False,
    }
    return FeedbackServer(metrics={"exact_match": ("boolean", "inference")}, schema=schema, **given)


def test_llm_tensorzero_sends_each_feedback_once(store):
    with gateway(inferences={"i0", "i1", "i2"}) as server:
        server.faults["POST /feedback"] = ["", "", 401]
        with pytest.raises(UserError, match="E685"):
            send_feedback(store, base_url=server.url)
        assert len(server.given) == 2
        done = send_feedback(store, base_url=server.url)
        assert (done.sent, done.before, len(done.issues)) == (2, 2, 0)
        assert len(server.given) == 4
        done = send_feedback(store, base_url=server.url)
        assert (done.sent, done.before) == (0, 4)
        with Store(store) as opened:
            opened.feedback.add("i1", "exact_match", False)
        assert send_feedback(store, base_url=server.url).sent == 1
    assert server.given[-1] == {"metric_name": "exact_match", "value": False, "inference_id": "i1"}


def test_llm_tensorzero_counts_what_the_gateway_refuses(store):
    with gateway(inferences={"i1"}) as server:
        done = send_feedback(store, base_url=server.url)
        assert (done.sent, done.issues["refused by the gateway: exact_match"]) == (1, 2)
    with gateway() as server, pytest.raises(UserError, match=r"E864.*does not exist"):
        send_feedback(store, base_url=server.url, state=store.with_name("other"))
    with pytest.raises(UserError, match="E865"):
        send_feedback("postgresql://a@b/c", base_url="http://127.0.0.1:1/openai/v1")


def test_llm_tensorzero_answers_a_component_whose_inferences_have_its_ids(tmp_path, llama_url):
    tensorzero = pytest.importorskip("tensorzero")
    if not hasattr(tensorzero, "_start_http_gateway"):
        pytest.skip("this tensorzero starts no gateway")
    own = spacy.blank("en")
    model = {"base_url": llama_url, "name": "tiny", "max_tokens": 100}
    variants = [{"name": "a"}, {"name": "b", "weight": 0.0}]
    own.add_pipe(
        "structured_llm_ner", config={"labels": ["PER", "LOC"], "model": model, "variants": variants}
    )
    write_tensorzero(tmp_path / "gateway", own)
    served = tensorzero._start_http_gateway(
        config_file=str(tmp_path / "gateway" / "config" / "tensorzero.toml"),
        clickhouse_url=None,
        postgres_url=None,
        valkey_url=None,
        async_setup=False,
    )
    name, store = "tensorzero::function_name::extract_entities", tmp_path / "s.sqlite"
    pinned = {"parameters": {"tensorzero::variant_name": "b"}}
    config = {
        "labels": ["PER", "LOC"],
        "model": {"base_url": served.base_url, "name": name, "store": str(store)},
        "variants": [{"name": "theirs"}, {"name": "ours", "weight": 0.0, "model": pinned}],
    }
    try:
        for strategy in ({}, {"strategy": "pinned", "variant": "ours"}, {}):
            nlp = spacy.blank("en")
            nlp.add_pipe("structured_llm_ner", config={**config, "variant_sampling": strategy})
            doc = nlp("Tokyo.")
    finally:
        served.close()
    with Store(store) as opened:
        found = list(opened.inferences.all())
        # The last run took its reply from the store, with the ids that the gateway gave it then.
        assert [(one.external, one.variant) for one in found] == [("tensorzero", "a"), ("tensorzero", "b")]
        assert doc._.inference_id == found[0].id
        for one in found:
            ids = opened.get(one.request_keys[-1]).gateway
            assert (one.id, one.episode) == (ids.inference, ids.episode)
