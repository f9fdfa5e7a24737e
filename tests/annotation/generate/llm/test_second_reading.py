import spacy

from spacy_ner_plus.annotation.generate.llm.second_reading import SecondReading
from spacy_ner_plus.annotation.generate.records import RecordCheck
from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.spans import CharSpan
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer

LABELS = load_labels({"PER": "People.", "LOC": "Places."})


def differences(server, *records):
    nlp = spacy.blank("en")
    check = RecordCheck(nlp)
    settings = ChatSettings(base_url=server.url, name="m", retry_base=0.01, max_retries=1)
    with ChatModel(settings) as model:
        return SecondReading(nlp, model, LABELS).differences([check(text, spans) for text, spans in records])


def test_second_reading_says_what_is_found_otherwise():
    # The server takes each word with a capital for a name, of the label that its length says.
    with FaultServer() as server:
        same, label, missing, more = differences(
            server,
            ("we met Anna today", [CharSpan(7, 11, "PER")]),
            ("we met Anna today", [CharSpan(7, 11, "LOC")]),
            ("we met anna today", [CharSpan(7, 11, "PER")]),
            ("we met Anna and Berta", [CharSpan(7, 11, "PER")]),
        )
    assert same == ""
    assert label == "Anna: LOC, and not found; Anna: found as PER"
    assert missing == "anna: PER, and not found"
    assert more == "Berta: found as LOC"


def test_second_reading_that_fails_is_no_agreement():
    with FaultServer(Behaviour(fault_rate=1, faults=("prose",))) as server:
        (failure,) = differences(server, ("we met Anna", [CharSpan(7, 11, "PER")]))
    assert failure
