import pytest
import spacy
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.annotated_labels import set_annotated_labels
from spacy_ner_plus.annotation.generate.backend import Asked
from spacy_ner_plus.annotation.generate.llm.llm import INVALID, LLM_BACKEND, NEARLY_THE_SAME, NO_REPLY
from spacy_ner_plus.annotation.generate.llm.second_reading import OTHERWISE
from spacy_ner_plus.annotation.generate.records import RecordCheck
from spacy_ner_plus.annotation.generate.registered import settings_of
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.prompting.demonstrations import IN_PART
from spacy_ner_plus.workflows.progress import no_progress
from tests.servers.behaviour import FAULTS, Behaviour
from tests.servers.fault_server import FaultServer

LABELS = {"PER": "Names of people.", "LOC": "Names of places.", "ORG": "Names of companies."}


def make(server, sizes, model=None, **settings):
    given = {"base_url": server.url, "name": "m", "retry_base": 0.01, "timeout": 5.0, **(model or {})}
    check = RecordCheck(spacy.blank("en"))
    chosen = settings_of(LLM_BACKEND, {"labels": LABELS, "ambiguity": 0, "model": given, **settings})
    made = LLM_BACKEND.make(Asked(sizes, seed=0), chosen, check, no_progress)
    return made, check


def names_of(record):
    """RETURNS: What the server means to be entities: words with a capital, their labels by their length."""
    words = [word.strip(".") for word in record.text.split()]
    return [(list(LABELS)[len(word) % len(LABELS)], word) for word in words if word[:1].isupper()]


def test_llm_writes_what_was_asked_for(tmp_path):
    with FaultServer() as server:
        made, check = make(server, {"train": 20, "dev": 5}, quotas={"PER": 18})
    assert {part: len(records) for part, records in made.parts.items()} == {"train": 20, "dev": 5}
    everything = [record for records in made.parts.values() for record in records]
    assert all(record.entities == names_of(record) for record in everything)
    assert sum("PER" in {label for label, _ in record.entities} for record in everything) >= 18
    assert check.offered == 25 + len(check.refused)
    assert "PER: 18 of 18 records" in made.notes
    assert made.usage["requests"] == len(server.requests)


@pytest.mark.parametrize(
    "fault", ["fence", "cut-json", "prose", "invent", "case", "empty", "length", "cut-body", "500"]
)
def test_llm_gives_valid_records_alone_whatever_the_server_breaks(fault):
    behaviour = Behaviour(fault_rate=0.6, faults=(fault,), seed=2)
    with FaultServer(behaviour) as server:
        made, check = make(server, {"train": 24}, attempts=4, records_per_request=3)
    records = made.parts["train"]
    assert all(check.has_made(record) and check.reads_back(record) for record in records)
    assert len({record.text for record in records}) == len(records)
    # In lower case no word looks like a name, and the text is another one.
    assert fault == "case" or all(record.entities == names_of(record) for record in records)
    assert len(records) == 24 or check.refused[INVALID]


def test_llm_goes_on_from_the_store_and_makes_the_same(tmp_path):
    store = {"store": str(tmp_path / "replies.sqlite")}
    behaviour = Behaviour(fault_rate=0.5, faults=tuple(fault for fault in FAULTS if fault != "hang"), seed=3)
    with FaultServer(behaviour) as server:
        with pytest.raises(UserError, match="budget"):
            make(server, {"train": 24}, {**store, "budget": {"tokens": 3000}, "max_concurrency": 1})
        paid = len(server.requests)
        assert paid
        first, _ = make(server, {"train": 24}, store)
        asked = len(server.requests)
        again, _ = make(server, {"train": 24}, {**store, "replay_only": True})
        assert len(server.requests) == asked
    assert again.parts == first.parts
    assert again.usage["requests"] == 0
    assert first.usage["stored"] > 0


def test_llm_refuses_what_is_nearly_the_same_and_asks_for_another():
    with FaultServer() as server:
        # Texts of the server share hardly a word: all that share one are nearly the same.
        made, check = make(server, {"train": 12}, near_duplicates=0.01, attempts=2, lengths={"5-9": 1})
    assert check.refused[NEARLY_THE_SAME]
    assert len(made.parts["train"]) < 12
    assert check.offered == len(made.parts["train"]) + len(check.refused)


def test_llm_reads_its_texts_again_where_that_is_asked_for():
    # No entities in a reply becomes one that isn't in the text: of half of the texts there is no second reading.
    behaviour = Behaviour(fault_rate=0.5, faults=("invent",), seed=4)
    with FaultServer(behaviour) as server:
        made, check = make(server, {"train": 12}, second_reading=True, negatives=1.0, attempts=1)
    assert check.refused[OTHERWISE]
    assert 0 < len(made.parts["train"]) < 12
    assert check.offered == len(made.parts["train"]) + len(check.refused) - check.refused[INVALID]


def test_llm_shows_no_example_that_is_annotated_in_part(tmp_path):
    nlp = spacy.blank("en")
    docs = [
        Doc(nlp.vocab, words=["Bada", "Lemo"], spaces=[True, False], ents=["B-PER", end]) for end in ("O", "")
    ]
    docs.append(Doc(nlp.vocab, words=["Zuri", "Lemo"], spaces=[True, False], ents=["B-PER", "O"]))
    set_annotated_labels(docs[2], ["PER"])
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "examples.spacy")
    with FaultServer() as server:
        with pytest.warns(UserWarning, match="W958"):
            made, _ = make(server, {"train": 1}, examples=str(tmp_path / "examples.spacy"))
        assert "Zuri" not in str(server.requests)
    assert f"{IN_PART}: 2" in made.notes


def test_llm_shows_examples_and_takes_nothing_like_them():
    example = {"text": "bada Lemo zuri.", "spans": [[5, 9, "LOC"]]}
    with FaultServer() as server:
        make(server, {"train": 2}, examples=[example])
        with pytest.raises(
            UserError, match=r"`examples` of the backend is 'bada Lemo zuri\.'.*wasn't asked for"
        ):
            make(server, {"train": 2}, examples=[{**example, "spans": [[5, 9, "DOG"]]}])
        with pytest.raises(UserError, match=r"missing\.jsonl"):
            make(server, {"train": 2}, examples="missing.jsonl")


def test_llm_counts_records_for_which_no_reply_came():
    with FaultServer(Behaviour(refuse_texts=("1. 5 to",), refuse_status=400)) as server:
        made, check = make(
            server, {"train": 8}, attempts=1, records_per_request=1, lengths={"5-6": 1, "16-17": 1}
        )
    assert check.refused[NO_REPLY] == 4
    assert len(made.parts["train"]) == 4


def test_llm_asks_for_its_labels_and_its_model():
    with FaultServer() as server:
        with pytest.raises(UserError, match="'llm' has no labels"):
            make(server, {"train": 1}, labels=None)
        with pytest.raises(UserError, match=r"`model` of 'llm' should name a server.*unknown: colour"):
            make(server, {"train": 1}, {"colour": 1})
        assert server.requests == []


def test_llm_gives_valid_records_alone_of_a_real_server(llama_url):
    """Its tiny model follows the schema and means nothing."""
    model = {"base_url": llama_url, "name": "tiny", "max_tokens": 200}
    settings = {"labels": ["PER"], "model": model, "negatives": 0.5, "records_per_request": 1, "attempts": 1}
    check = RecordCheck(spacy.blank("en"))
    chosen = settings_of(LLM_BACKEND, {**settings, "lengths": {"1-300": 1}})
    made = LLM_BACKEND.make(Asked({"train": 4}, seed=0), chosen, check, no_progress)
    assert all(check.has_made(record) for record in made.parts["train"])
    assert len(made.parts["train"]) + len(check.refused) >= 4
    assert made.usage["replies"] >= 4
