"""Examples from the store in a component: a snapshot that stays, travels, and moves when it is told to."""

import copy
import json
import pickle
import warnings

import pytest
import spacy

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.spans import CharSpan
from tests.pipeline.structured_llm_ner.pipelines import NAME, TEXTS, gold_server, make_pipeline


@pytest.fixture(scope="module")
def server():
    with gold_server() as running:
        yield running


@pytest.fixture
def path(tmp_path, server):
    """A store with an answer to each of some texts, of which all but the first are good."""
    path = tmp_path / "store.sqlite"
    docs = list(make_pipeline(server.url, path).pipe(TEXTS[:6]))
    with Store(path) as store:
        for doc in docs[1:]:
            store.feedback.add(doc._.inference_id, "exact_match", True)
    return path


def learning(server, path, **config):
    return make_pipeline(server.url, path, **{"examples": "store", "choose_examples": "fixed", **config})


def examples(nlp, text="A new text.") -> list[str]:
    """RETURNS (list[str]): The texts of the examples in the prompt about a text."""
    (request,) = nlp.get_pipe(NAME).extractor.requests(nlp.make_doc(text))
    return [message["content"] for message in request.messages if message["role"] == "user"][:-1]


def test_store_examples_are_those_of_a_snapshot_until_it_is_refreshed(server, path):
    nlp = learning(server, path)
    pipe = nlp.get_pipe(NAME)
    assert examples(nlp) == TEXTS[1:6]
    with Store(path) as store:
        (first,) = [one for one in store.inferences.all() if one.text == TEXTS[0]]
        store.feedback.add(first.id, "demonstration", (CharSpan(0, 2, "PER"),))
        position = store.position()
    assert examples(nlp) == TEXTS[1:6]
    client = pipe.client
    assert pipe.refresh() == position
    assert examples(nlp) == [TEXTS[0], *TEXTS[1:5]]
    assert pipe.client is client
    (request,) = pipe.extractor.requests(nlp.make_doc("Mr Berg met Bo."))
    assert json.loads(request.messages[2]["content"])["PER"] == ["Mr"]
    assert make_pipeline(server.url, path).get_pipe(NAME).refresh() is None


def test_store_examples_put_their_position_in_the_key_alone(server, path):
    nlp, plain = learning(server, path, n_examples=0), make_pipeline(server.url, path)
    (request,) = nlp.get_pipe(NAME).extractor.requests(nlp.make_doc(TEXTS[0]))
    (other,) = plain.get_pipe(NAME).extractor.requests(plain.make_doc(TEXTS[0]))
    assert request.messages == other.messages
    assert (request.snapshot, other.snapshot) == (Store(path).position(), None)
    assert plain.get_pipe(NAME).client.is_stored(other)
    assert not nlp.get_pipe(NAME).client.is_stored(request)


def test_store_examples_travel_with_the_pipeline(server, path, tmp_path):
    nlp = learning(server, path)
    expected = examples(nlp)
    nlp.to_disk(tmp_path / "pipe")
    copies = [copy.deepcopy(nlp), pickle.loads(pickle.dumps(nlp))]
    path.unlink()
    copies += [
        spacy.load(tmp_path / "pipe"),
        spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes()),
    ]
    assert [examples(made) for made in copies] == [expected] * 4
    assert not path.exists()


def test_store_examples_are_the_same_in_all_workers(server, path):
    nlp = learning(server, path, save_io=True)
    docs = list(nlp.pipe([f"{text} Again." for text in TEXTS[6:]], n_process=2, batch_size=1))
    shown = {
        json.dumps(message["content"])
        for doc in docs
        for message in doc.user_data["llm_io"][NAME]["prompt"][0][1:-1]
        if message["role"] == "user"
    }
    assert shown == {json.dumps(text) for text in TEXTS[1:6]}
    # What the workers answered meanwhile isn't among them, nor here.
    assert examples(nlp) == TEXTS[1:6]


@pytest.mark.parametrize("choose", ["fixed", "similar"])
def test_store_examples_are_never_the_text_or_nearly_so(server, path, choose):
    nlp = learning(server, path, choose_examples=choose)
    text = TEXTS[2]
    assert sorted(examples(nlp, text)) == sorted(one for one in TEXTS[1:6] if one != text)
    near = text.replace(".", " !")
    assert sorted(examples(nlp, near)) == sorted(one for one in TEXTS[1:6] if one != text)
    assert nlp.get_pipe(NAME).usage_report()["issues"] == {
        "example that is nearly the same as a text: not shown with it": 1
    }


def test_store_examples_leave_out_excluded_corpora_and_dry_runs(server, path, tmp_path):
    (tmp_path / "test.jsonl").write_text(json.dumps({"text": TEXTS[1]}))
    list(make_pipeline(server.url, path, dryrun=True).pipe([TEXTS[2]]))
    nlp = learning(server, path, exclude=[str(tmp_path / "test.jsonl")])
    assert examples(nlp) == TEXTS[3:6]
    assert sum(nlp.get_pipe(NAME).usage_report()["issues"].values()) == 2
    # Files are read as the snapshot is, and aren't needed afterwards.
    nlp.to_disk(tmp_path / "pipe")
    (tmp_path / "test.jsonl").unlink()
    assert examples(spacy.load(tmp_path / "pipe")) == TEXTS[3:6]


def test_store_examples_of_an_empty_store_are_none_which_is_said_once(server, tmp_path):
    nlp = learning(server, tmp_path / "empty.sqlite")
    with pytest.warns(UserWarning, match="W365") as told:
        docs = list(nlp.pipe(TEXTS[:3]))
    assert sum("W365" in str(one.message) for one in told) == 1
    assert all(doc.ents for doc in docs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert examples(nlp) == []
        list(nlp.pipe(TEXTS[:3]))


def test_store_examples_need_a_store(server):
    with pytest.raises(UserError, match="E820"):
        make_pipeline(server.url, examples="store")(TEXTS[0])


def test_store_examples_are_of_a_variant_that_wants_them(server, path):
    variants = [
        {"name": "plain"},
        {"name": "learns", "examples": {"store": {"metric": "exact_match"}}, "n_examples": 2},
    ]
    pipe = make_pipeline(server.url, path, variants=variants).get_pipe(NAME)
    assert pipe.extractor_of("plain").prompter.demonstrations is None
    assert len(pipe.extractor_of("learns").prompter.demonstrations.examples) == 5
    assert pipe.refresh() == Store(path).position()


def test_examples_of_a_file_leave_out_excluded_corpora(server, tmp_path):
    given = [{"text": "Ann left.", "spans": [[0, 3, "PER"]]}, {"text": "Bo left.", "spans": []}]
    (tmp_path / "test.jsonl").write_text('{"text": "ann left ."}')
    nlp = make_pipeline(
        server.url, examples=given, exclude=[str(tmp_path / "test.jsonl")], choose_examples="fixed"
    )
    assert examples(nlp) == ["Bo left."]
