from contextlib import nullcontext

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Span

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.pipeline.entity_component import EntityComponent, EntitySettings
from spacy_ner_plus.pipeline.structured_llm_ner.settings import StructuredLLMSettings
from tests.pipeline.structured_llm_ner.test_component import found, pipeline
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import names_by_label

UNSURE = "Anna met Robert in Oslo."
SURE = "Robert left."


@pytest.fixture
def server():
    with FaultServer() as running:
        yield running


class _FirstWord(EntityComponent):
    """Takes each first word for a person, and isn't sure where there are more than two."""

    def pipe(self, stream, *, batch_size=128):
        for doc in stream:
            ents = [Span(doc, 0, 1, "MISC")]
            self.set_ents(doc, ents, [0.9], uncertainty=0.9 if len(doc) > 3 else 0.1)
            yield doc

    def _state_to_dict(self):
        return {}

    def _state_from_dict(self, state):
        pass


@Language.factory("first_word")
def make_first_word(nlp, name):
    return _FirstWord(nlp.vocab, name, EntitySettings())


def cascaded(url, **cascade):
    nlp = pipeline(url, cascade={"uncertainty": 0.5, **cascade}, model={"structured": "json_schema"})
    nlp.add_pipe("first_word", first=True)
    return nlp


def answer(text):
    return {(name, label) for label, names in names_by_label(text).items() for name in names}


def test_cascade_asks_only_about_docs_of_which_a_component_is_unsure(server):
    unsure, sure = cascaded(server.url, component="first_word").pipe([UNSURE, SURE])
    assert len(server.requests) == 1
    assert found(unsure) == answer(UNSURE)
    assert found(sure) == {("Robert", "MISC")}
    assert sure.ents[0]._.score == 0.9
    assert "structured_llm_ner" not in sure.spans


@pytest.mark.parametrize(
    ("limit", "asked"), [({"share": 0.5}, 5), ({"most": 3}, 3), ({"most": 0}, 0), ({}, 10)]
)
def test_cascade_asks_within_its_limits_and_tells_what_it_left(server, limit, asked):
    nlp = cascaded(server.url, **limit)
    texts = [f"{UNSURE} {number}" for number in range(10)]
    if asked < 10:
        with pytest.warns(
            UserWarning, match=rf"W240.*{10 - asked} x unsure document that wasn't asked about"
        ):
            docs = list(nlp.pipe(texts))
    else:
        docs = list(nlp.pipe(texts))
    assert len(server.requests) == asked
    assert sum(("Anna", "MISC") in found(doc) for doc in docs) == 10 - asked


def test_cascade_keeps_what_was_there_where_there_is_no_answer():
    with FaultServer(Behaviour(fault_rate=1, faults=("prose",))) as server:
        nlp = cascaded(server.url)
        with pytest.warns(UserWarning, match="W240"):
            doc = nlp(UNSURE)
    assert found(doc) == {("Anna", "MISC")}
    assert not any(token.ent_iob == 0 for token in doc)
    assert "invalid" in doc._.ner_failure or "JSON" in doc._.ner_failure


@pytest.mark.parametrize("answers", [True, False])
def test_cascade_settles_what_the_earlier_component_left_missing(answers):
    with FaultServer(Behaviour(fault_rate=float(not answers), faults=("prose",))) as server:
        nlp = cascaded(server.url)
        doc = nlp.make_doc(UNSURE)
        nlp.get_pipe("first_word").set_ents(doc, [], [], unknown=[doc[2:4]], failure="no reply")
        component = nlp.get_pipe("structured_llm_ner")
        with nullcontext() if answers else pytest.warns(UserWarning, match="W240"):
            component(doc)
    assert [token.i for token in doc if token.ent_iob == 0] == ([] if answers else [2, 3])


def test_cascade_needs_somebody_who_says_how_unsure_it_is(server):
    nlp = pipeline(server.url, cascade={"uncertainty": 0.5})
    with pytest.raises(UserError, match="E650"):
        nlp(UNSURE)
    with pytest.raises(UserError, match=r"E650.*first_wrd.*known is: first_word"):
        cascaded(server.url, component="first_wrd")(UNSURE)


def test_cascade_is_saved_with_the_pipeline(server, tmp_path):
    cascaded(server.url).to_disk(tmp_path / "nlp")
    nlp = spacy.load(tmp_path / "nlp")
    assert found(nlp(SURE)) == {("Robert", "MISC")}
    assert not server.requests


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "E720.*lacks `uncertainty`"),
        ({"uncertainty": 0.5, "shares": 1}, "E720.*has `shares`.*share"),
        ({"uncertainty": 2}, "E240.*`cascade.uncertainty`.*1 or less"),
        ({"uncertainty": 0.5, "share": 0}, "E240.*`cascade.share`"),
    ],
)
def test_cascade_refuses_settings_that_cannot_be(given, said):
    with pytest.raises(UserError, match=said):
        StructuredLLMSettings(cascade=given)
