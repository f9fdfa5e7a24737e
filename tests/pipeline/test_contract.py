"""The contract that every component keeps, in every state that it can be in.

A new component is one entry in COMPONENTS. What takes a process of its own is slow, and tried in the state that
is hardest: after use.
"""

import copy
import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Example
from thinc.api import Adam

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.spans import is_blocked
from tests.conftest import TEXTS, make_examples
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import LABELS

CNN = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "pretrained_vectors": None,
    "width": 16,
    "depth": 1,
    "embed_size": 100,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": True,
}
TOK2VEC_LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
TRANSFORMER_LISTENER = {
    "@architectures": "spacy-transformers.TransformerListener.v1",
    "grad_factor": 1.0,
    "pooling": {"@layers": "reduce_mean.v1"},
}
SPANS = {"@span_getters": "spacy-transformers.strided_spans.v1", "window": 12, "stride": 8}


@dataclass(frozen=True)
class Found:
    """What the components are made of here.

    encoder (str): Folder of a tiny encoder.
    url (str): Of a chat model's server.
    refusing (str): Of one that wants a key.
    zero_shot (dict[str, str]): Folders of tiny zero-shot models, by kind; where they can be made.
    """

    encoder: str
    url: str
    refusing: str
    zero_shot: dict[str, str]


@dataclass(frozen=True)
class Component:
    """A component and how a pipeline with it is made.

    config (Callable[[Found], dict]): Its settings.
    factory (str): Its factory, and its name in the pipeline.
    is_trainable (bool): Whether it has to be initialized, and learns.
    shared (str): Name and factory of the component whose network it listens to; '' for none.
    shared_config (Callable[[Found], dict]): Its settings.
    needs (str): The package without which there is no such component.
    """

    config: Callable[[Found], dict[str, Any]]
    factory: str = "transformer_ner"
    is_trainable: bool = True
    shared: str = ""
    shared_config: Callable[[Found], dict[str, Any]] = lambda found: {}
    needs: str = "spacy"

    def make(self, found: Found) -> Language:
        """RETURNS (Language): A pipeline in which nothing is initialized yet."""
        pytest.importorskip(self.needs)
        nlp = spacy.blank("en")
        if self.shared:
            nlp.add_pipe(self.shared, config=self.shared_config(found))
        nlp.add_pipe(self.factory, config=self.config(found))
        return nlp

    @property
    def names(self) -> list[str]:
        """RETURNS (list[str]): Of the components that belong together."""
        return [name for name in (self.shared, self.factory) if name]

    @property
    def states(self) -> list[str]:
        """RETURNS (list[str]): Those that it can be in."""
        # Before it is initialized, spaCy's own tok2vec and transformer fail in their own ways.
        left_out = "fresh" if self.shared else None if self.is_trainable else "trained"
        return [state for state in STATES if left_out is None or left_out not in state]


def tagger(device: str = "cpu", precision: str = "fp32") -> Callable[[Found], dict[str, Any]]:
    return lambda found: {
        "device": device,
        "precision": precision,
        "model": {
            "@architectures": "spacy_ner_plus.TransformerTagger.v2",
            "encoder": found.encoder,
            "window": 30,
            "overlap": 10,
            "lead": 6,
        },
    }


def over(tok2vec: dict[str, Any]) -> Callable[[Found], dict[str, Any]]:
    return lambda found: {"model": {"@architectures": "spacy_ner_plus.Tok2VecTagger.v1", "tok2vec": tok2vec}}


def shared_transformer(found: Found) -> dict[str, Any]:
    model = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": found.encoder,
        "get_spans": SPANS,
    }
    return {"model": {**model, "tokenizer_config": {"use_fast": True}}}


def chat_model(found: Found) -> dict[str, Any]:
    return {"labels": list(LABELS), "model": {"base_url": found.url, "name": "m", "retry_base": 0.01}}


def chat_variants(found: Found) -> dict[str, Any]:
    # The server of one wants a key, so that another steps in.
    refused = {"name": "refused", "model": {"base_url": found.refusing}}
    return {
        **chat_model(found),
        "variants": [refused, {"name": "lists"}, {"name": "b", "format": "entity_list"}],
    }


def zero_shot(kind: str) -> Callable[[Found], dict[str, Any]]:
    return lambda found: {
        "model": found.zero_shot[kind],
        "labels": ["person", "city", "company"],
        "window": 8,
        "overlap": 4,
        "device": "cpu",
        "precision": "fp32",
    }


COMPONENTS = {
    "tagger": Component(tagger()),
    "tagger-bf16": Component(tagger(precision="bf16")),
    "tagger-int8": Component(tagger(precision="int8")),
    "tagger-openvino": Component(tagger(device="openvino"), needs="openvino"),
    "thinc": Component(over(CNN)),
    "tok2vec": Component(
        over(TOK2VEC_LISTENER), shared="tok2vec", shared_config=lambda found: {"model": CNN}
    ),
    "transformer": Component(
        over(TRANSFORMER_LISTENER),
        shared="transformer",
        shared_config=shared_transformer,
        needs="spacy_transformers",
    ),
    "llm": Component(chat_model, factory="structured_llm_ner", is_trainable=False),
    "llm-variants": Component(chat_variants, factory="structured_llm_ner", is_trainable=False),
    **{
        name: Component(zero_shot(kind), factory="zero_shot_ner", is_trainable=False, needs="gliner")
        for name, kind in [("gliner", "uni-bert"), ("gliner-bi", "bi-deberta"), ("gliner-2", "gliner2")]
    },
}
STATES = ("fresh", "initialized", "trained", "used", "trained again", "loaded", "from bytes", "copied")
# Those that differ in how they compute alone are tried in the states that leave the most behind.
HARDEST = ("used", "trained again")
CASES = [
    (name, state)
    for name, component in COMPONENTS.items()
    for state in component.states
    if state in HARDEST or not name.startswith(("tagger-", "gliner-", "llm-"))
]


@pytest.fixture(scope="module")
def found(encoder_folders, zero_shot_folders) -> Iterator[Found]:
    with FaultServer() as server, FaultServer(Behaviour(api_key="right")) as refusing:
        yield Found(encoder_folders["wordpiece"], server.url, refusing.url, zero_shot_folders)


@pytest.fixture(scope="module")
def pipelines(found) -> Callable[[str, str], Language]:
    """Pipelines by component and state; nothing that is done with them may change them."""
    made: dict[tuple[str, str], Language] = {}

    def get(name: str, state: str) -> Language:
        if (name, state) not in made:
            made[name, state] = bring_to(COMPONENTS[name], state, found)
        return made[name, state]

    return get


@pytest.fixture(params=CASES, ids=lambda case: "-".join(case).replace(" ", "-"))
def case(request, pipelines) -> tuple[Component, Language]:
    name, state = request.param
    return COMPONENTS[name], pipelines(name, state)


@pytest.fixture(params=list(COMPONENTS))
def used(request, pipelines) -> tuple[Component, Language]:
    return COMPONENTS[request.param], pipelines(request.param, "used")


@pytest.fixture(params=[name for name, component in COMPONENTS.items() if component.is_trainable])
def learner(request, pipelines) -> tuple[Component, Language]:
    """One that may be changed."""
    return COMPONENTS[request.param], copy.deepcopy(pipelines(request.param, "used"))


def bring_to(component: Component, state: str, found: Found) -> Language:
    nlp = component.make(found)
    if state == "fresh":
        return nlp
    nlp.initialize(lambda: make_examples(nlp))
    if state == "initialized":
        return nlp
    if component.is_trainable:
        learn(nlp, steps=4)
    if state == "trained":
        return nlp
    predict(nlp)
    if state == "trained again":
        learn(nlp, steps=2)
    brought = {"loaded": through_disk, "from bytes": through_bytes, "copied": copy.deepcopy}
    return brought[state](nlp) if state in brought else nlp


def learn(nlp: Language, steps: int = 1, **options: Any) -> dict[str, float]:
    optimizer, losses = Adam(1e-3, use_averages=False), {}
    for _ in range(steps):
        losses = nlp.update(make_examples(nlp), sgd=optimizer, losses={}, **options)
    return losses


def predict(nlp: Language) -> Any:
    """RETURNS (Any): Entities with their scores, or why there are none."""
    try:
        docs = list(nlp.pipe(TEXTS))
    except UserError as error:
        return str(error)
    return [[(ent.start, ent.end, ent.label_, round(ent._.score, 6)) for ent in doc.ents] for doc in docs]


def through_bytes(nlp: Language) -> Language:
    return type(nlp).from_config(nlp.config).from_bytes(nlp.to_bytes())


def through_disk(nlp: Language) -> Language:
    with TemporaryDirectory() as folder:
        nlp.to_disk(folder)
        return spacy.load(folder)


def through_pickle(nlp: Language) -> Language:
    return pickle.loads(pickle.dumps(nlp))


def sourced(nlp: Language) -> Language:
    other = spacy.blank("en")
    for name in nlp.pipe_names:
        other.add_pipe(name, source=nlp)
    return other


@pytest.mark.parametrize("copied", [copy.deepcopy, through_pickle, through_bytes, sourced])
@pytest.mark.filterwarnings("ignore:.*W113")
def test_contract_copies_do_what_the_component_does_and_leave_it_as_it_is(case, copied):
    _, nlp = case
    expected = predict(nlp)
    assert predict(copied(nlp)) == expected
    assert predict(nlp) == expected


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_contract_is_saved_loaded_and_saved_with_equal_bytes(case, tmp_path):
    component, nlp = case
    nlp.to_disk(tmp_path / "one")
    loaded = spacy.load(tmp_path / "one")
    assert predict(loaded) == predict(nlp)
    loaded.to_disk(tmp_path / "two")
    one, two = (files_of(tmp_path / name / component.factory) for name in ("one", "two"))
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def test_contract_can_be_disabled_and_enabled(case):
    component, nlp = case
    expected = predict(nlp)
    with nlp.select_pipes(disable=component.factory):
        assert predict(nlp) == [[]] * len(TEXTS)
    with nlp.select_pipes(enable=component.names):
        assert predict(nlp) == expected


def test_contract_is_left_out_on_load_as_told(used, tmp_path):
    component, nlp = used
    expected = predict(nlp)
    nlp.to_disk(tmp_path / "saved")
    without = spacy.load(tmp_path / "saved", exclude=[component.factory])
    assert component.factory not in without.component_names
    disabled = spacy.load(tmp_path / "saved", disable=[component.factory])
    assert predict(disabled) == [[]] * len(TEXTS)
    disabled.enable_pipe(component.factory)
    assert predict(disabled) == expected
    assert predict(spacy.load(tmp_path / "saved", enable=component.names)) == expected


def test_contract_gives_contexts_back(used):
    _, nlp = used
    pairs = list(nlp.pipe([(text, i) for i, text in enumerate(TEXTS)], as_tuples=True, batch_size=2))
    assert [(doc.text, i) for doc, i in pairs] == [(text, i) for i, text in enumerate(TEXTS)]


def test_contract_works_in_a_memory_zone_and_after_it(used):
    _, nlp = used
    expected = predict(nlp)
    for _ in range(2):
        with nlp.memory_zone():
            assert predict(nlp) == expected
    assert predict(nlp) == expected


def test_contract_hands_a_failing_doc_alone_to_the_error_handler(used, monkeypatch):
    component, nlp = used
    nlp, failed = copy.deepcopy(nlp), []
    pipe = nlp.get_pipe(component.factory)
    write = pipe.set_annotations

    def set_annotations(docs, found):
        if any(doc.text == TEXTS[1] for doc in docs):
            raise ValueError("bad")
        write(docs, found)

    monkeypatch.setattr(pipe, "set_annotations", set_annotations)
    nlp.set_error_handler(lambda name, pipe, docs, error: failed.append((name, [doc.text for doc in docs])))
    assert [doc.text for doc in nlp.pipe(TEXTS)] == [TEXTS[0], *TEXTS[2:]]
    assert failed == [(component.factory, [TEXTS[1]])]


@pytest.mark.parametrize("overwrite", [False, True])
def test_contract_leaves_blocked_tokens_free(used, overwrite):
    component, nlp = used
    nlp = copy.deepcopy(nlp)
    nlp.get_pipe(component.factory).overwrite_ents = overwrite
    for text in TEXTS:
        doc = nlp.make_doc(text)
        blocked = [doc[i : i + 1] for i in range(0, len(doc), 2)]
        doc.set_ents([], blocked=blocked, default="missing")
        for _ in range(2):
            doc = nlp(doc)
            assert is_blocked(doc)[::2].all()
            assert all(ent.start % 2 and len(ent) == 1 for ent in doc.ents)


@pytest.mark.parametrize("overwrite", [False, True])
def test_contract_keeps_the_ids_of_what_it_confirms(used, overwrite):
    component, nlp = used
    nlp = copy.deepcopy(nlp)
    nlp.get_pipe(component.factory).overwrite_ents = overwrite
    expected = nlp(TEXTS[0]).ents
    doc = nlp.make_doc(TEXTS[0])
    given = [Span(doc, e.start, e.end, label=e.label, kb_id="Q1", span_id="x") for e in expected]
    doc.ents = given
    assert [(e.start, e.kb_id_, e.ent_id_) for e in nlp(doc).ents] == [(e.start, "Q1", "x") for e in expected]


# Training


def weights_of(nlp: Language, component: Component) -> list[bytes]:
    return [nlp.get_pipe(name).to_bytes(exclude=["vocab"]) for name in component.names]


def test_contract_frozen_stays_as_it_is(learner):
    component, nlp = learner
    before = weights_of(nlp, component)
    learn(nlp, exclude=component.names)
    assert weights_of(nlp, component) == before
    learn(nlp)
    assert weights_of(nlp, component) != before


class Follower:
    """Comes after a component in training, and keeps what it is given."""

    def __call__(self, doc):
        return doc

    def update(self, examples, **options):
        self.seen = [eg.predicted.spans.get("transformer_ner") for eg in examples]


@Language.factory("contract_follower")
def make_follower(nlp, name):
    return Follower()


def test_contract_annotates_for_what_comes_after_it_in_training(learner):
    component, nlp = learner
    follower = nlp.add_pipe("contract_follower")
    learn(nlp)
    assert follower.seen == [None] * len(TEXTS)
    learn(nlp, annotates=component.names)
    assert None not in follower.seen


def test_contract_goes_on_learning(learner):
    component, nlp = learner
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 1e-3
    losses = [nlp.update(make_examples(nlp), sgd=optimizer, losses={})[component.factory] for _ in range(8)]
    assert losses[-1] < losses[0]


def test_contract_rehearses(learner):
    component, nlp = learner
    if component.shared:
        nlp.replace_listeners(component.shared, component.factory, ["model.tok2vec"])
    optimizer = nlp.resume_training()
    learn(nlp, steps=3)
    examples = [Example(nlp.make_doc(text), nlp.make_doc(text)) for text in TEXTS]
    losses: dict[str, float] = {}
    nlp.rehearse(examples, sgd=optimizer, losses=losses)
    assert losses[component.factory] > 0
    assert predict(through_pickle(nlp)) == predict(nlp)


@pytest.mark.parametrize("name", [name for name, component in COMPONENTS.items() if component.shared])
def test_contract_takes_its_share_along(name, pipelines):
    component = COMPONENTS[name]
    nlp = copy.deepcopy(pipelines(name, "used"))
    expected = predict(nlp)
    nlp.replace_listeners(component.shared, component.factory, ["model.tok2vec"])
    nlp.remove_pipe(component.shared)
    assert predict(nlp) == expected
    assert predict(through_pickle(nlp)) == expected
    learn(nlp)


# Processes


@pytest.fixture
def start_method():
    before = multiprocessing.get_start_method(allow_none=True)
    yield lambda method: multiprocessing.set_start_method(method, force=True)
    multiprocessing.set_start_method(before, force=True)


def in_two_processes(nlp: Language) -> Any:
    docs = nlp.pipe([(text, i) for i, text in enumerate(TEXTS)], n_process=2, batch_size=3, as_tuples=True)
    return [[(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc, _ in docs]


def without_scores(predicted: Any) -> Any:
    return [[entity[:3] for entity in entities] for entities in predicted]


def test_contract_works_in_forked_processes(used, start_method):
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("processes aren't forked here")
    start_method("fork")
    assert in_two_processes(used[1]) == without_scores(predict(used[1]))


# Starting a process takes seconds, so the states that differ in kind alone.
@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("name", ["tagger", "tagger-openvino", "thinc", "llm", "llm-variants", "gliner"])
def test_contract_works_in_processes_that_start_anew(name, method, pipelines, start_method):
    start_method(method)
    nlp = pipelines(name, HARDEST[COMPONENTS[name].is_trainable])
    assert in_two_processes(nlp) == without_scores(predict(nlp))


def _predict_there(nlp: Language) -> Any:
    return without_scores(predict(nlp))


@pytest.mark.slow
def test_contract_is_sent_by_joblib(pipelines):
    joblib = pytest.importorskip("joblib")
    # Large arrays are handed over as files that can't be written to; thinc's own models don't take those.
    used = [pipelines(name, "used") for name in ("tagger-int8", "tagger", "llm", "llm-variants", "gliner")]
    found = joblib.Parallel(n_jobs=2, max_nbytes=1000)(joblib.delayed(_predict_there)(nlp) for nlp in used)
    assert found == [_predict_there(nlp) for nlp in used]
