"""Feedback to a gateway. What is refused was refused by TensorZero's own; that the rest is taken is tested on a server
of the tests' own, since the embedded gateway knows no inference without a database."""

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.learning.tensorzero.feedback import GatewayFeedback, as_output, feedback_body
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.spans import CharSpan
from tests.servers.feedback_server import FeedbackServer

TEXT = "Bo met Ann, and Bo left Oslo."
SPANS = [CharSpan(16, 18, "PER"), CharSpan(0, 2, "PER"), CharSpan(24, 28, "LOC")]
LABELS = ("PER", "LOC")
FORM = get_format("label_lists")
METRICS = {
    "exact_match": ("boolean", "inference"),
    "jaccard": ("float", "inference"),
    "solved": ("boolean", "episode"),
}


@pytest.fixture
def server():
    schema = FORM.schema(LABELS)
    with FeedbackServer(metrics=METRICS, inferences={"i"}, episodes={"e"}, schema=schema) as server:
        yield server


def gateway_of(server, **settings):
    return GatewayFeedback(ChatSettings(base_url=server.url, name="x", retry_base=0.001, **settings))


BODIES = [
    feedback_body("exact_match", True, inference_id="i", source="gold.spacy"),
    feedback_body("jaccard", 0.5, inference_id="i"),
    feedback_body("comment", "Bo is a dog.", inference_id="i"),
    feedback_body("comment", "All done.", episode_id="e"),
    feedback_body("solved", False, episode_id="e"),
    feedback_body("demonstration", as_output(FORM, LABELS, TEXT, SPANS), inference_id="i"),
]


def test_feedback_of_each_kind_is_taken(server):
    gateway = gateway_of(server)
    server.faults["POST /feedback"] = ["lost", 500]
    ids = [gateway.give(body) for body in BODIES]
    gateway.close()
    assert len(set(ids)) == len(BODIES)
    # The first was given twice, as its answer was lost; the last of two alike counts.
    assert server.given == [BODIES[0], *BODIES]
    assert server.given[0]["tags"] == {"spacy_ner_plus::source": "gold.spacy"}
    assert server.given[-1]["value"] == {"PER": ["Bo", "Bo"], "LOC": ["Oslo"]}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (feedback_body("nope", True, inference_id="i"), "Unknown metric: nope"),
        (feedback_body("exact_match", True, inference_id="j"), "Inference ID: j does not exist"),
        (feedback_body("exact_match", 0.5, inference_id="i"), "must be a boolean"),
        (feedback_body("exact_match", True, episode_id="e"), "Correct ID"),
        (feedback_body("demonstration", {"MISC": []}, inference_id="i"), "does not fit"),
    ],
)
def test_feedback_that_is_refused_is_told(server, body, said):
    with pytest.raises(UserError, match=said):
        gateway_of(server, max_retries=0).give(body)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """The gateway itself, in this process, without a database."""
    tensorzero = pytest.importorskip("tensorzero")
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "tensorzero.toml").write_text(
        "[gateway]\ndisable_pseudonymous_usage_analytics = true\n"
        + "".join(
            f'[metrics.{name}]\ntype = "{kind}"\nlevel = "{level}"\noptimize = "max"\n'
            for name, (kind, level) in METRICS.items()
        ),
        encoding="utf8",
    )
    return tensorzero.TensorZeroGateway.build_embedded(config_file=str(folder / "tensorzero.toml"))


ID = "01a21a14-b926-7171-8928-1770ec0c64fd"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (feedback_body("nope", True, inference_id=ID), "Unknown metric: nope"),
        (feedback_body("exact_match", True, episode_id=ID), "Correct ID"),
        # It looks for the inference for two seconds, and has taken metric, value and id for what they are.
        (feedback_body("exact_match", True, inference_id=ID, source="gold"), "does not exist"),
    ],
)
def test_feedback_is_read_by_the_gateway_itself(embedded, body, said):
    with pytest.raises(Exception, match=said):
        embedded.feedback(**body)
