"""What the components share, over one that finds each name of a list."""

import json
import pickle

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.pipeline.entity_component import EntityComponent, EntitySettings
from spacy_ner_plus.pipeline.streaming import annotate_stream

SCORES = {"Anna": 0.9, "Oslo": 0.4}


class Lister(EntityComponent):
    """Finds the words of SCORES, and fails on 'bad'."""

    def __init__(self, vocab, name, **settings):
        super().__init__(vocab, name, EntitySettings(**settings), default_threshold=0.1)
        self.state = "fresh"

    def pipe(self, stream, *, batch_size=128):
        yield from annotate_stream(
            stream,
            batch_size=batch_size,
            start=lambda docs: lambda: docs,
            write=self._write,
            fail=self.handle_error,
        )

    def _write(self, docs, found):
        for doc in docs:
            if "bad" in doc.text:
                raise ValueError("bad")
            if "setting" in doc.text:
                raise UserError("a setting is at fault")
            words = [t for t in doc if SCORES.get(t.text, 0) >= self.threshold]
            spans = [Span(doc, t.i, t.i + 1, label="NAME") for t in words]
            self.set_ents(doc, spans, [SCORES[t.text] for t in words])

    def _state_to_dict(self):
        return {"state": self.state}

    def _state_from_dict(self, state):
        self.state = state["state"]


@Language.factory("lister", default_config={"overwrite_ents": False, "spans_key": None, "threshold": None})
def make_lister(nlp, name, overwrite_ents: bool, spans_key: str | None, threshold: float | None):
    return Lister(nlp.vocab, name, overwrite_ents=overwrite_ents, spans_key=spans_key, threshold=threshold)


def pipeline(name="lister", **config):
    nlp = spacy.blank("en")
    nlp.add_pipe("lister", name=name, config=config)
    return nlp


def found(doc):
    return [(ent.text, ent._.score) for ent in doc.ents]


def test_entity_component_writes_entities_with_their_scores():
    doc = pipeline()("Anna lives in Oslo")
    assert found(doc) == [("Anna", 0.9), ("Oslo", 0.4)]
    assert doc._.ner_failure == ""


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_entity_component_refuses_a_threshold_that_is_no_probability(threshold):
    with pytest.raises(UserError, match="E220"):
        EntitySettings(threshold=threshold)


def test_entity_component_leaves_out_what_is_below_the_threshold():
    assert found(pipeline(threshold=0.5)("Anna lives in Oslo")) == [("Anna", 0.9)]


def test_entity_component_keeps_or_overwrites_entities_that_are_there():
    for overwrite, expected in ((False, ["Anna Berg"]), (True, ["Anna"])):
        nlp = pipeline(overwrite_ents=overwrite)
        doc = nlp.make_doc("Anna Berg")
        doc.ents = [Span(doc, 0, 2, label="RULE")]
        assert [ent.text for ent in nlp.get_pipe("lister")(doc).ents] == expected


@pytest.mark.parametrize(
    ("config", "keys"), [({}, ["mine"]), ({"spans_key": "k"}, ["k"]), ({"spans_key": ""}, [])]
)
def test_entity_component_writes_scores_under_its_name_unless_told(config, keys):
    assert list(pipeline(name="mine", **config)("Anna").spans) == keys


def test_entity_component_follows_a_rename():
    nlp = pipeline()
    nlp.rename_pipe("lister", "other")
    assert list(nlp("Anna").spans) == ["other"]
    sourced = spacy.blank("en")
    sourced.add_pipe("other", name="third", source=nlp)
    assert list(sourced("Anna").spans) == ["third"]


@pytest.mark.parametrize("batch_size", [1, 10])
def test_entity_component_hands_the_failing_doc_alone_to_the_error_handler(batch_size):
    nlp = pipeline()
    failed = []
    nlp.set_error_handler(lambda name, component, docs, error: failed.append((name, [d.text for d in docs])))
    docs = list(nlp.pipe(["Anna", "bad Anna", "Oslo"], batch_size=batch_size))
    assert [doc.text for doc in docs] == ["Anna", "Oslo"]
    assert failed == [("lister", ["bad Anna"])]


def test_entity_component_hands_no_fault_of_a_setting_to_the_error_handler():
    nlp = pipeline()
    nlp.set_error_handler(lambda *details: None)
    with pytest.raises(UserError):
        list(nlp.pipe(["Anna", "setting"]))


def test_entity_component_gives_back_a_single_doc_on_which_it_failed():
    pipe = pipeline().get_pipe("lister")
    doc = Doc(pipe.vocab, words=["bad"])
    with pytest.raises(ValueError, match="bad"):
        pipe(doc)
    pipe.set_error_handler(lambda *details: None)
    assert pipe(doc) is doc


def through_disk(nlp, folder, **config):
    nlp.to_disk(folder)
    return spacy.load(folder, config={f"components.lister.{key}": value for key, value in config.items()})


def test_entity_component_saves_its_state_and_threshold(tmp_path):
    nlp = pipeline()
    pipe = nlp.get_pipe("lister")
    pipe.state, pipe.cfg["threshold"] = "used", 0.7
    loaded = through_disk(nlp, tmp_path).get_pipe("lister")
    assert (loaded.state, loaded.threshold) == ("used", pytest.approx(0.7))
    again = pipeline().get_pipe("lister").from_bytes(pipe.to_bytes())
    assert (again.state, again.threshold) == ("used", pytest.approx(0.7))


def test_entity_component_leaves_out_what_is_excluded(tmp_path):
    pipe = pipeline().get_pipe("lister")
    pipe.state = "used"
    pipe.to_disk(tmp_path / "without", exclude=["cfg"])
    assert not (tmp_path / "without" / "cfg").exists()
    pipe.to_disk(tmp_path / "with")
    assert pipeline().get_pipe("lister").from_disk(tmp_path / "with", exclude=["cfg"]).state == "fresh"


@pytest.mark.parametrize(
    ("in_config", "set_later", "at_load", "expected"),
    [
        (None, None, None, 0.1),
        (None, None, 0.3, 0.3),
        (0.5, None, None, 0.5),
        (0.5, 0.7, None, 0.7),
        (0.5, 0.7, 0.3, 0.3),
        (1 / 3, 0.7, 1 / 3, 0.7),
        (None, 0.7, 0.0, 0.0),
    ],
)
def test_entity_component_threshold_given_at_load_wins_over_the_saved_one(
    tmp_path, in_config, set_later, at_load, expected
):
    nlp = pipeline(threshold=in_config)
    if set_later is not None:
        nlp.get_pipe("lister").cfg["threshold"] = set_later
    given = {} if at_load is None else {"threshold": at_load}
    assert through_disk(nlp, tmp_path, **given).get_pipe("lister").threshold == pytest.approx(expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no JSON"),
        ('{"state"', "no JSON"),
        ("[]", "broken"),
        ("7", "broken"),
        ("{}", "state"),
        (json.dumps({"state": "x", "threshold": "high"}), "high"),
    ],
)
def test_entity_component_with_broken_settings_is_one_message(tmp_path, content, message):
    nlp = pipeline()
    nlp.to_disk(tmp_path)
    (tmp_path / "lister" / "cfg").write_text(content)
    with pytest.raises(UserError, match=f"E241.*lister.*cfg.*{message}"):
        spacy.load(tmp_path)


def test_entity_component_is_the_same_pickled():
    pipe = pipeline(threshold=0.5).get_pipe("lister")
    again = pickle.loads(pickle.dumps(pipe))
    assert found(again(Doc(again.vocab, words=["Anna", "Oslo"]))) == [("Anna", 0.9)]
