"""A question for each label: asked at the same time, kept and replayed one by one, and merged."""

import pytest
import spacy

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.formats.per_type import merge_outcomes
from spacy_ner_plus.llm.formats.reading import TRAILING_COMMA, Reading
from spacy_ner_plus.llm.requests import Asked, ChatRequest, Outcome
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.pipeline.structured_llm_ner.spacy_llm_task import make_ner_task_v1
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import LABELS, names_by_label

TEXT = "Anna met Robert in Oslo."
ENTS = {(name, label) for label, names in names_by_label(TEXT).items() for name in names}
ASKED = Asked(ChatRequest([]))


def pipeline(server, *, labels=LABELS, model=None, **config):
    nlp = spacy.blank("en")
    settings = {"base_url": server.url, "name": "m", "retry_base": 0.01, "max_retries": 0, **(model or {})}
    labels = labels if isinstance(labels, dict) else list(labels)
    config = {"format": "per_type", "labels": labels, "model": settings, **config}
    nlp.add_pipe("structured_llm_ner", config=config)
    return nlp


def ents(doc):
    return {(ent.text, ent.label_) for ent in doc.ents}


def test_per_type_asks_about_each_label_at_the_same_time():
    with FaultServer(Behaviour(delay=0.2)) as server:
        doc = pipeline(server, model={"structured": "json_schema"})(TEXT)
        assert len(server.requests) == len(LABELS)
        assert server.most_in_flight == len(LABELS)
    assert ents(doc) == ENTS
    assert doc._.ner_failure == ""


def test_per_type_replays_each_question_by_itself(tmp_path):
    model = {"store": str(tmp_path / "s.sqlite"), "structured": "json_schema"}
    with FaultServer() as server:
        assert ents(pipeline(server, labels=["PER", "LOC"], model=model)(TEXT)) == {
            (name, label) for label, names in names_by_label(TEXT, ["PER", "LOC"]).items() for name in names
        }
        asked = len(server.requests)
        # Instructions name all labels, so that only the same set replays; the order of the questions may differ.
        pipeline(server, labels=["PER", "LOC"], model=model)(TEXT)
        assert len(server.requests) == asked == 2
    with Store(model["store"]) as store:
        assert len(list(store.replies())) == 2


def test_per_type_text_is_missing_where_one_question_has_no_answer():
    with FaultServer(Behaviour(refuse_texts=("describes LOC",))) as server:
        doc = pipeline(server, model={"structured": "json_schema"}, save_io=True)(TEXT)
    assert doc.ents == ()
    assert not doc.has_annotation("ENT_IOB")
    assert doc._.ner_failure.startswith("LOC: ")
    assert "This content is restricted." in doc._.ner_failure
    # What was asked and came is kept all the same.
    assert len(doc.user_data["llm_io"]["structured_llm_ner"]["prompt"]) == len(LABELS)


def test_per_type_lets_other_samples_decide_where_one_has_no_answer():
    with FaultServer(Behaviour(first=("500",))) as server:
        doc = pipeline(server, model={"structured": "json_schema", "temperature": 0.7}, samples=3)(TEXT)
    assert ents(doc) == ENTS


def test_per_type_leaves_definitions_and_examples_to_the_instructions():
    labels = {"PER": {"definition": "Names of people.", "examples": ["Bo"]}, "LOC": None}
    examples = [{"text": "Bo left Rome.", "spans": [[0, 2, "PER"], [8, 12, "LOC"]]}]
    with FaultServer() as server:
        nlp = pipeline(
            server, labels=labels, model={"structured": "json_schema"}, examples=examples, save_io=True
        )
        doc = nlp(TEXT)
    prompts = doc.user_data["llm_io"]["structured_llm_ner"]["prompt"]
    assert all(
        "- PER: Names of people. For example: Bo.\n- LOC\n" in prompt[0]["content"] for prompt in prompts
    )
    assert [prompt[4]["content"] for prompt in prompts] == ['{"entities": ["Bo"]}', '{"entities": ["Rome"]}']
    assert [prompt[-1]["content"][15:18] for prompt in prompts] == ["PER", "LOC"]


def test_per_type_takes_the_surest_of_what_overlaps():
    reply_format = get_format("per_type")
    readings = [
        reply_format.parse('{"entities": ["Ann"]}', ["PER"], "Ann Lee left."),
        reply_format.parse('{"entities": ["Ann Lee"]}', ["LOC"], "Ann Lee left."),
    ]
    merged = merge_outcomes(["PER", "LOC"], [Outcome(reading) for reading in readings])
    assert [(mention.text, mention.label) for mention in merged.value] == [("Ann", "PER"), ("Ann Lee", "LOC")]


def test_per_type_merges_repairs_and_what_was_asked():
    repairs = IssueLog()
    repairs.add(TRAILING_COMMA, "x")
    outcomes = [Outcome(Reading([Mention("Ann", "PER")], repairs), asked=(ASKED,)) for _ in range(2)]
    merged = merge_outcomes(["PER", "LOC"], outcomes)
    assert merged.value.repairs[TRAILING_COMMA] == 2
    assert merged.asked == (ASKED, ASKED)


def test_per_type_says_for_which_labels_it_failed():
    failed = [
        Outcome(None, "gone", "transport"),
        Outcome(None, "cut off", "cut"),
        Outcome(None, "gone", "transport"),
    ]
    merged = merge_outcomes(["PER", "LOC", "ORG", "MISC"], [*failed, Outcome(Reading(), asked=(ASKED,))])
    assert (merged.value, merged.failure, merged.kind) == (None, "PER, ORG: gone; LOC: cut off", "cut")
    assert merged.asked == (ASKED,)


def test_per_type_keeps_what_other_labels_have_where_one_names_nothing_of_the_text():
    doubted = Reading([Mention("Oslo", "LOC")], unread=[(0, 9)], doubt="not there")
    merged = merge_outcomes(["PER", "LOC"], [Outcome(Reading([Mention("Ann", "PER")])), Outcome(doubted)])
    assert [mention.text for mention in merged.value] == ["Ann", "Oslo"]
    assert (merged.value.unread, merged.value.doubt, merged.failure) == ([(0, 9)], "not there", "")


def test_per_type_knows_where_mentions_stand_in_both_forms():
    for reply in ('["Ann", "Bo\\"x"]', '{"note": ["Cy"], "entities": ["Ann", "Bo\\"x"]}'):
        mentions = get_format("per_type").parse(reply, ["PER"], "Ann")
        assert [reply[m.reply_start : m.reply_end] for m in mentions] == ["Ann", 'Bo\\"x']


def test_per_type_is_refused_where_only_one_question_is_asked():
    with pytest.raises(UserError, match=r"E296.*per_type"):
        make_ner_task_v1(["PER", "LOC"], format="per_type")
    with pytest.raises(UserError, match="E296"):
        get_format("per_type").parse("[]", ["PER", "LOC"], "Ann")
