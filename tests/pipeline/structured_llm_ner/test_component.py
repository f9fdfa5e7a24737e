import copy
import multiprocessing
import os
import pickle
import warnings

import pytest
import spacy
from spacy.cli.find_threshold import find_threshold
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import registry

from spacy_ner_plus.annotated_labels import set_annotated_labels
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.prompting.demonstrations import IN_PART
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer, digest_of
from tests.servers.known_answers import LABELS, names_by_label

TEXTS = [f"Anna met Bob{'x' * i} in Oslo and Paris on day {i}." for i in range(20)]


@pytest.fixture
def server():
    with FaultServer() as running:
        yield running


def pipeline(url: str, labels=LABELS, model=None, **config):
    nlp = spacy.blank("en")
    settings = {"base_url": url, "name": "m", "retry_base": 0.01, **(model or {})}
    nlp.add_pipe("structured_llm_ner", config={"labels": list(labels), "model": settings, **config})
    return nlp


def expected(text: str) -> set[tuple[str, str]]:
    return {(name, label) for label, names in names_by_label(text).items() for name in names}


def found(doc: Doc) -> set[tuple[str, str]]:
    return {(ent.text, ent.label_) for ent in doc.ents}


def test_structured_llm_ner_writes_what_the_reply_names(server):
    doc = pipeline(server.url)("Anna met Robert in Oslo.")
    assert found(doc) == expected("Anna met Robert in Oslo.")


@pytest.mark.parametrize(
    ("mode", "texts", "kind"),
    [
        ("expand", ["Oslo-", "Anna"], "mention that ends inside a token: widened to whole tokens"),
        ("contract", ["Anna"], "mention that ends inside a token: dropped, as `alignment_mode` says"),
        ("strict", ["Anna"], "mention that ends inside a token: dropped, as `alignment_mode` says"),
    ],
)
def test_structured_llm_ner_aligns_by_its_mode_and_keeps_the_characters(server, mode, texts, kind):
    nlp = pipeline(server.url, alignment_mode=mode)
    nlp.tokenizer = nlp.tokenizer.__class__(nlp.vocab)  # by white space
    ((doc,), pipe) = nlp.pipe(["Oslo- saw Anna"]), nlp.get_pipe("structured_llm_ner")
    assert [ent.text for ent in doc.ents] == texts
    chars = doc.spans["structured_llm_ner_mentions"].attrs["chars"]
    assert [doc.text[start:end] for start, end in chars] == [text.strip("-") for text in texts]
    assert pipe.usage_report()["issues"] == {kind: 1}
    (copied,) = DocBin(docs=[doc]).get_docs(nlp.vocab)
    assert copied.spans["structured_llm_ner_mentions"].attrs["chars"] == chars


def test_structured_llm_ner_keeps_the_order_where_answers_come_out_of_order():
    with FaultServer(Behaviour(jitter=0.1)) as server:
        docs = list(pipeline(server.url).pipe(TEXTS))
    assert [doc.text for doc in docs] == TEXTS
    assert all(found(doc) == expected(doc.text) for doc in docs)


def test_structured_llm_ner_has_many_requests_in_flight_over_small_batches():
    with FaultServer(Behaviour(delay=0.1)) as server:
        list(pipeline(server.url, model={"max_concurrency": 16}).pipe(TEXTS, batch_size=2))
    assert server.most_in_flight == 16


def test_structured_llm_ner_gives_the_first_doc_before_the_stream_ends(server):
    def texts():
        yield TEXTS[0]
        for text in TEXTS[1:]:
            taken.append(text)
            yield text

    taken: list[str] = []
    stream = pipeline(server.url, model={"max_concurrency": 1}).pipe(texts(), batch_size=1)
    assert next(stream).text == TEXTS[0]
    assert len(taken) < len(TEXTS) - 1
    stream.close()


def test_structured_llm_ner_sends_nothing_for_a_text_without_words(server):
    docs = list(pipeline(server.url).pipe(["", " \n "]))
    assert [list(doc.ents) for doc in docs] == [[], []]
    assert server.requests == []


def test_structured_llm_ner_writes_scores_by_the_shared_contract(server):
    nlp = pipeline(server.url)
    doc = nlp("Anna met Robert in Oslo.")
    copied = next(DocBin(docs=[doc]).get_docs(nlp.vocab))
    assert list(copied.spans["structured_llm_ner"]) == list(copied.ents)
    assert [ent._.score for ent in copied.ents] == [1.0] * len(copied.ents)


def test_structured_llm_ner_keeps_all_mentions_with_their_alignment(server):
    doc = pipeline(server.url)("Anna met Robert in Oslo.")
    group = doc.spans["structured_llm_ner_mentions"]
    assert [span.text for span in group] == [ent.text for ent in doc.ents]
    assert group.attrs["alignment"] == ["exact"] * len(group)


def test_structured_llm_ner_counts_and_keeps_mentions_without_a_place():
    with FaultServer(Behaviour(first=("invent",))) as server:
        nlp = pipeline(server.url, model={"structured": "json_schema"})
        with pytest.warns(UserWarning, match="isn't in the text"):
            doc = nlp("Anna slept.")
    assert doc.spans["structured_llm_ner_mentions"].attrs["unaligned"][0][0] == "Xylophonia"
    assert found(doc) == expected("Anna slept.")


def test_structured_llm_ner_aligns_mentions_in_another_case():
    with FaultServer(Behaviour(fault_rate=1.0, faults=("case",))) as server:
        doc = pipeline(server.url, labels=["per"], model={"structured": "json_schema"})("Anna met Robert.")
    assert [ent.text for ent in doc.ents] == ["Anna", "Robert"]
    assert doc.spans["structured_llm_ner_mentions"].attrs["alignment"] == ["normalised", "normalised"]


def test_structured_llm_ner_marks_a_doc_whose_reply_stays_invalid_as_missing():
    with FaultServer(Behaviour(fault_rate=1.0, faults=("prose",))) as server:
        nlp = pipeline(server.url, model={"structured": "json_schema"})
        with pytest.warns(UserWarning, match="1 x document with an invalid reply"):
            doc = nlp("Anna met Robert.")
    assert [token.ent_iob_ for token in doc] == [""] * len(doc)
    assert "JSON" in doc._.ner_failure
    copied = next(DocBin(docs=[doc]).get_docs(nlp.vocab))
    assert copied._.ner_failure == doc._.ner_failure
    assert len(server.requests) == 2


def test_structured_llm_ner_asks_once_more_after_an_invalid_reply():
    with FaultServer(Behaviour(first=("prose",))) as server:
        doc = pipeline(server.url, model={"structured": "json_schema"})("Anna met Robert.")
    # The re-ask's last message is about the reply; its answer names what stands in that.
    assert len(server.requests) == 2
    assert doc._.ner_failure == ""


def test_structured_llm_ner_asks_once_more_where_nothing_that_is_named_is_in_the_text():
    with FaultServer(Behaviour(fault_rate=1.0, faults=("invent",))) as server:
        nlp = pipeline(server.url, model={"structured": "json_schema"})
        with pytest.warns(UserWarning, match="1 x document with an invalid reply"):
            doc = nlp("it rained.")
    assert len(server.requests) == 2
    assert not doc.has_annotation("ENT_IOB")
    assert doc._.ner_failure.startswith("not one of the mentions is in the text, such as 'Xylophonia'")
    # What was named is told all the same.
    assert doc.spans["structured_llm_ner_mentions"].attrs["unaligned"][0][0] == "Xylophonia"


def test_structured_llm_ner_marks_a_doc_without_a_reply_as_missing():
    with FaultServer(Behaviour(first=("", "500", "500", "500"))) as server:
        nlp = pipeline(
            server.url, model={"max_retries": 1, "structured": "json_schema", "max_concurrency": 1}
        )
        with pytest.warns(UserWarning, match="1 x document with a request that got no reply"):
            docs = list(nlp.pipe(["Anna slept.", "Robert woke."]))
    assert found(docs[0]) == expected("Anna slept.")
    assert "500" in docs[1]._.ner_failure


def test_structured_llm_ner_scores_a_missing_doc_as_having_no_predictions():
    with FaultServer(Behaviour(fault_rate=1.0, faults=("prose",))) as server:
        nlp = pipeline(server.url, model={"structured": "json_schema"})
        examples = [
            Example.from_dict(nlp.make_doc("Anna slept."), {"entities": [(0, 4, "PER")]}),
            Example.from_dict(nlp.make_doc("nobody"), {"entities": []}),
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = nlp.evaluate(examples)
    assert scores["ents_r"] == 0.0
    assert scores["ents_invalid"] == 1.0


def test_structured_llm_ner_keeps_earlier_entities_and_categories(server):
    nlp = pipeline(server.url)
    doc = nlp.make_doc("Anna met Robert.")
    doc.cats = {"news": 1.0}
    doc.ents = [Span(doc, 0, 2, label="OLD")]
    doc = nlp.get_pipe("structured_llm_ner")(doc)
    assert doc.cats == {"news": 1.0}
    assert found(doc) == {("Anna met", "OLD"), ("Robert", "LOC")}


def test_structured_llm_ner_overwrites_earlier_entities_where_it_is_told_to(server):
    nlp = pipeline(server.url, overwrite_ents=True)
    doc = nlp.make_doc("Anna met Robert.")
    doc.ents = [Span(doc, 0, 2, label="OLD")]
    assert found(nlp.get_pipe("structured_llm_ner")(doc)) == expected("Anna met Robert.")


def test_structured_llm_ner_leaves_blocked_tokens_free(server):
    nlp = pipeline(server.url)
    doc = nlp.make_doc("Anna met Robert.")
    doc.set_ents([], blocked=[doc[0:1]], default="missing")
    assert [ent.text for ent in nlp(doc).ents] == ["Robert"]


def test_structured_llm_ner_hands_a_doc_on_which_our_code_fails_to_the_error_handler(server):
    class Failing(type(get_format("label_lists"))):
        def parse(self, content, labels, text):
            if "Robert" in text:
                raise ZeroDivisionError
            return super().parse(content, labels, text)

    registry.misc("failing_format.v1", func=Failing)
    nlp = pipeline(server.url, format="failing_format.v1")
    failed = []
    nlp.set_error_handler(lambda name, proc, docs, error: failed.append((docs[0].text, type(error))))
    docs = list(nlp.pipe(["Anna", "Robert", "Bob"]))
    assert [doc.text for doc in docs] == ["Anna", "Bob"]
    assert failed == [("Robert", ZeroDivisionError)]


def test_structured_llm_ner_stops_where_no_request_can_succeed():
    with (
        FaultServer(Behaviour(api_key="right")) as server,
        pytest.raises(UserError, match=r"E277.*`api_key_env`") as caught,
    ):
        list(pipeline(server.url).pipe(TEXTS))
    assert "Traceback" not in str(caught.value)


def test_structured_llm_ner_says_when_the_server_is_not_there():
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9"):
        pipeline("http://127.0.0.1:9/v1", model={"max_retries": 1})("Anna")


def test_structured_llm_ner_opens_nothing_at_construction(server, tmp_path):
    nlp = pipeline(server.url, model={"store": str(tmp_path / "s.sqlite")})
    nlp.to_disk(tmp_path / "pipe")
    loaded = spacy.load(tmp_path / "pipe")
    assert loaded.get_pipe("structured_llm_ner").labels == LABELS
    assert not server.connections
    assert not (tmp_path / "s.sqlite").exists()


def test_structured_llm_ner_needs_no_files_after_saving(server, tmp_path):
    labels = tmp_path / "labels.json"
    labels.write_text('{"PER": "people", "ORG": "firms", "LOC": "places", "MISC": "the rest"}')
    examples = tmp_path / "examples.jsonl"
    examples.write_text('{"text": "Ada wrote.", "spans": [{"start": 0, "end": 3, "label": "PER"}]}\n')
    nlp = spacy.blank("en")
    config = {
        "labels": str(labels),
        "examples": str(examples),
        "model": {"base_url": server.url, "name": "m"},
    }
    nlp.add_pipe("structured_llm_ner", config=config)
    nlp.initialize()
    nlp.to_disk(tmp_path / "pipe")
    for path in (labels, examples):
        path.unlink()
    loaded = spacy.load(tmp_path / "pipe")
    assert found(loaded("Anna met Robert.")) == expected("Anna met Robert.")
    prompter = loaded.get_pipe("structured_llm_ner").extractor.prompter
    assert prompter.labels.definitions["ORG"] == "firms"
    assert prompter.demonstrations.select("x")[0].text == "Ada wrote."


def test_structured_llm_ner_takes_labels_given_at_load_over_saved_ones(server, tmp_path):
    pipeline(server.url).to_disk(tmp_path / "pipe")
    config = {"components.structured_llm_ner.labels": ["PER"]}
    assert spacy.load(tmp_path / "pipe", config=config).get_pipe("structured_llm_ner").labels == ("PER",)


def test_structured_llm_ner_takes_a_threshold_given_at_load_over_the_saved_one(server, tmp_path):
    pipeline(server.url, threshold=0.3).to_disk(tmp_path / "pipe")
    assert spacy.load(tmp_path / "pipe").get_pipe("structured_llm_ner").cfg["threshold"] == pytest.approx(0.3)
    config = {"components.structured_llm_ner.threshold": 0.7}
    loaded = spacy.load(tmp_path / "pipe", config=config)
    assert loaded.get_pipe("structured_llm_ner").cfg["threshold"] == 0.7


def test_structured_llm_ner_goes_through_bytes(server):
    nlp = pipeline(server.url, labels=["PER", "ORG"])
    other = pipeline(server.url, labels=["PER", "ORG"])
    other.from_bytes(nlp.to_bytes())
    assert other.get_pipe("structured_llm_ner").labels == ("PER", "ORG")


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda pipe: pickle.loads(pickle.dumps(pipe))])
def test_structured_llm_ner_can_be_copied_after_use(server, copier):
    nlp = pipeline(server.url)
    nlp("Anna")
    pipe = copier(nlp.get_pipe("structured_llm_ner"))
    assert found(pipe(nlp.make_doc("Anna met Robert."))) == expected("Anna met Robert.")


def test_structured_llm_ner_pickles_nothing_that_it_makes_of_its_settings(server):
    examples = [{"text": text, "spans": []} for text in TEXTS]
    nlp = pipeline(server.url, examples=examples, choose_examples="similar")
    nlp("Anna")
    data = pickle.dumps(nlp.get_pipe("structured_llm_ner"))
    assert b"sklearn" not in data
    assert b"Extractor" not in data


def test_structured_llm_ner_works_in_two_processes(server):
    docs = list(pipeline(server.url).pipe(TEXTS, n_process=2, batch_size=5))
    assert [found(doc) for doc in docs] == [expected(text) for text in TEXTS]


def test_structured_llm_ner_works_after_select_pipes(server):
    nlp = pipeline(server.url)
    with nlp.select_pipes(disable=["structured_llm_ner"]):
        assert nlp("Anna met Robert.").ents == ()
    assert found(nlp("Anna met Robert.")) == expected("Anna met Robert.")


def test_structured_llm_ner_asks_nothing_twice_with_a_store(server, tmp_path):
    model = {"store": str(tmp_path / "replies.sqlite")}
    first = [found(doc) for doc in pipeline(server.url, model=model).pipe(TEXTS)]
    sent = len(server.requests)
    assert [found(doc) for doc in pipeline(server.url, model=model).pipe(TEXTS)] == first
    assert len(server.requests) == sent


def test_structured_llm_ner_counts_votes_of_samples(server):
    nlp = pipeline(server.url, samples=3)
    doc = nlp("Anna met Robert.")
    assert [ent._.score for ent in doc.ents] == [1.0] * len(doc.ents)
    # Three samples, and one probe.
    assert nlp.get_pipe("structured_llm_ner").usage_report()["replies"] >= 3


def test_structured_llm_ner_multiplies_token_probabilities(server):
    doc = pipeline(server.url, model={"logprobs": True})("Anna slept.")
    assert 0.0 < doc.ents[0]._.score < 1.0


def test_structured_llm_ner_leaves_out_entities_under_the_threshold(server):
    doc = pipeline(server.url, model={"logprobs": True}, threshold=0.99)("Anna slept.")
    assert doc.ents == ()
    assert len(doc.spans["structured_llm_ner_mentions"]) == 1


def test_structured_llm_ner_cuts_long_documents_between_sentences(server):
    text = " ".join(f"Person{chr(97 + i)} met Robert in Oslo." for i in range(20)).replace("Person", "Anna")
    doc = pipeline(server.url, chunk_tokens=60, chunk_overlap=20)(text)
    assert len(server.requests) > 2
    assert found(doc) == expected(text)
    names = [name for names in names_by_label(text).values() for name in names]
    assert len(doc.ents) == len(names)


@pytest.mark.parametrize("format", ["label_lists", "inline_tags", "per_type"])
def test_structured_llm_ner_reads_in_passes_that_are_replayed(server, tmp_path, format):
    model = {"store": str(tmp_path / "s.sqlite"), "structured": "off"}
    for _ in range(2):
        doc = pipeline(server.url, passes=3, format=format, model=model)("Anna met Robert in Oslo.")
        assert found(doc) == expected("Anna met Robert in Oslo.")
        # A pass that finds nothing new is the last.
        assert len(server.requests) == 2 * (len(LABELS) if format == "per_type" else 1)


def test_structured_llm_ner_shows_what_stands_around_a_chunk(server):
    text = " ".join(f"Anna{chr(97 + i)} met Robert in Oslo." for i in range(20))
    nlp = pipeline(server.url, chunk_tokens=60, chunk_overlap=0, chunk_context=5)
    pipe, doc = nlp.get_pipe("structured_llm_ner"), nlp.make_doc(text)
    _, (start, end), *_ = chunks = pipe.extractor.chunks(doc)
    requests = pipe.extractor.requests(doc)
    shown = requests[1].messages[0]["content"]
    # Five tokens, of which the full stop is one.
    before, after = text[:start].split()[-4:], text[end:].split()[:5]
    assert shown.endswith(f"Before it:\n{' '.join(before)}\n\nAfter it:\n{' '.join(after)[:-1]}")
    assert requests[1].messages[-1]["content"] == text[start:end]
    assert "Before it" not in requests[0].messages[0]["content"]
    assert len(requests) == len(chunks)
    assert found(nlp(text)) == expected(text)


def test_structured_llm_ner_shows_nothing_around_a_text_that_is_whole(server):
    text = "Anna met Robert in Oslo."
    plain, around = (pipeline(server.url, chunk_context=count) for count in (0, 5))
    asked = [
        nlp.get_pipe("structured_llm_ner").extractor.requests(nlp.make_doc(text)) for nlp in (plain, around)
    ]
    assert asked[0] == asked[1]


def test_structured_llm_ner_marks_only_the_failing_part_of_a_long_document():
    text = " ".join(f"Anna{chr(97 + i)} met Robert in Oslo." for i in range(20))
    with FaultServer(Behaviour(first=("", "500"))) as server:
        model = {"max_retries": 0, "structured": "json_schema", "max_concurrency": 1}
        nlp = pipeline(server.url, chunk_tokens=60, chunk_overlap=0, model=model)
        with pytest.warns(UserWarning, match="got no reply"):
            doc = nlp(text)
    states = {token.ent_iob_ for token in doc}
    assert "" in states
    assert doc.ents
    assert doc._.ner_failure


def test_structured_llm_ner_gives_every_doc_of_a_thousand_in_order_at_a_fault_rate_of_30_per_cent():
    texts = [f"Anna{chr(97 + i % 26)} met Bob{'x' * (i % 7)} in Oslo, number {i}." for i in range(1000)]
    with FaultServer(Behaviour(fault_rate=0.3, hang=0.05, jitter=0.01)) as server:
        nlp = pipeline(server.url, model={"structured": "json_schema", "timeout": 2.0, "max_concurrency": 32})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            docs = list(nlp.pipe(texts))
        answered = {entry["digest"] for entry in server.requests if entry["status"] == 200}
        prompter = nlp.get_pipe("structured_llm_ner").extractor.prompter
    assert [doc.text for doc in docs] == texts
    failed = [doc for doc in docs if doc._.ner_failure]
    assert all(found(doc) == expected(doc.text) for doc in docs if not doc._.ner_failure)
    # Of replies that were cut, what they hold completely is used.
    assert all(found(doc) <= expected(doc.text) for doc in failed)
    assert all(token.ent_iob_ != "O" for doc in failed for token in doc)
    # The server's own log: what is right was answered, and few are given up.
    digests = [digest_of(list(prompter.request(text).messages)) for text in texts]
    assert all(digest in answered for digest, doc in zip(digests, docs, strict=True) if not doc._.ner_failure)
    assert len(failed) < 100


@pytest.mark.parametrize("name", ["label_lists", "entity_list"])
def test_structured_llm_ner_takes_each_json_format(server, name):
    assert found(pipeline(server.url, format=name)("Anna met Robert.")) == expected("Anna met Robert.")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"labels": None, "model": {"base_url": "http://x/v1", "name": "m"}}, "no labels"),
        ({"labels": ["PER"], "model": None}, "should name a server"),
        ({"labels": ["PER"], "model": {"base_url": "http://x/v1"}}, "missing: name"),
        (
            {"labels": ["PER"], "model": {"base_url": "http://x/v1", "name": "m", "speed": 1}},
            "unknown: speed",
        ),
        ({"labels": "nothing.json", "model": {"base_url": "http://x/v1", "name": "m"}}, "nothing.json"),
        ({"labels": ["PER"], "format": "xml", "model": {"base_url": "http://x/v1", "name": "m"}}, "xml"),
        (
            {"labels": ["PER"], "template": "no.jinja", "model": {"base_url": "http://x/v1", "name": "m"}},
            "no.jinja",
        ),
        ({"labels": ["PER"], "threshold": 2.0, "model": None}, "threshold"),
        ({"labels": ["PER"], "samples": 0, "model": None}, "E240.*`samples`.*1 or more"),
        (
            {"labels": ["PER"], "chunk_overlap": -4, "model": {"base_url": "http://x/v1", "name": "m"}},
            "E245",
        ),
    ],
)
def test_structured_llm_ner_refuses_settings_that_can_not_be(config, message):
    def use() -> None:
        nlp = spacy.blank("en")
        nlp.add_pipe("structured_llm_ner", config=config)
        nlp("Anna")

    with pytest.raises(UserError, match=message):
        use()


def test_structured_llm_ner_stands_beside_other_components(server):
    nlp = pipeline(server.url)
    ruler = nlp.add_pipe("entity_ruler", first=True)
    ruler.add_patterns([{"label": "CITY", "pattern": "Oslo"}])
    doc = nlp("Anna is in Oslo.")
    assert ("Oslo", "CITY") in found(doc)
    assert any(text == "Anna" for text, _ in found(doc))


def test_structured_llm_ner_scorer_is_registered():
    assert callable(registry.scorers.get("spacy_ner_plus.llm_ner_scorer.v1")())


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("max_concurrency", "eight"),
        ("max_concurrency", 2.5),
        ("timeout", "5"),
        ("budget", 5),
        ("budget", {"usd": "5"}),
        ("headers", ["a"]),
        ("headers", {"X": 1}),
        ("parameters", "x"),
        ("seed", 1.5),
        ("temperature", "hot"),
        ("context_length", "4096"),
        ("logprobs", "yes"),
        ("base_url", 7),
    ],
)
def test_structured_llm_ner_refuses_a_setting_of_the_model_of_another_type(setting, value):
    settings = {"base_url": "http://127.0.0.1:9/v1", "name": "m", setting: value}
    nlp = spacy.blank("en")
    nlp.add_pipe("structured_llm_ner", config={"labels": ["PER"], "model": settings})
    with pytest.raises(UserError, match=rf"E250.*{setting}"):
        nlp("Anna")


def test_structured_llm_ner_refuses_a_literal_key_in_a_header():
    nlp = pipeline("http://127.0.0.1:9/v1", model={"headers": {"X-Api-Key": "sk-4711"}})
    with pytest.raises(UserError, match=r"E250.*\$NAME") as caught:
        nlp("Anna")
    assert "4711" not in str(caught.value)


def test_structured_llm_ner_refuses_a_key_in_the_address():
    with pytest.raises(UserError, match="E251") as caught:
        pipeline("http://127.0.0.1:9/v1?api_key=sk-4711")("Anna")
    assert "4711" not in str(caught.value)


def test_structured_llm_ner_is_saved_with_a_header_from_the_environment(server, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_HEADER", "sk-4711")
    pipeline(server.url, model={"headers": {"X-Api-Key": "$MY_HEADER"}}).to_disk(tmp_path / "saved")
    loaded = spacy.load(tmp_path / "saved")
    assert found(loaded("Anna met Robert.")) == expected("Anna met Robert.")
    assert not any(b"4711" in path.read_bytes() for path in (tmp_path / "saved").rglob("*") if path.is_file())


def test_structured_llm_ner_shows_no_part_of_a_document_as_its_own_example(server):
    text = " ".join(f"Anna{chr(97 + i)} met Robert in Oslo." for i in range(20))
    examples = [{"text": text, "spans": []}, {"text": "Quite another text.", "spans": []}]
    nlp = pipeline(server.url, chunk_tokens=60, chunk_overlap=0, examples=examples)
    extractor = nlp.get_pipe("structured_llm_ner").extractor
    start, end = extractor.chunks(nlp.make_doc(text))[1]
    messages = extractor.prompter.request(text[start:end], whole=text).messages
    assert [message["content"] for message in messages if message["role"] == "user"][:-1] == [
        "Quite another text."
    ]


def test_structured_llm_ner_counts_examples_that_it_leaves_out(server, tmp_path):
    docs = [Doc(spacy.blank("en").vocab, words=["Rome"], ents=ents) for ents in (None, ["B-LOC"])]
    DocBin(docs=docs).to_disk(tmp_path / "examples.spacy")
    nlp = pipeline(server.url, examples=str(tmp_path / "examples.spacy"))
    nlp.initialize()
    report = nlp.get_pipe("structured_llm_ner").usage_report()
    assert report["issues"] == {"example without annotation": 1}


def test_structured_llm_ner_leaves_out_examples_without_one_of_its_labels(server, tmp_path):
    doc = Doc(spacy.blank("en").vocab, words=["Rome"], ents=["B-LOC"])
    some = doc.copy()
    set_annotated_labels(some, ["LOC"])
    DocBin(docs=[doc, some], store_user_data=True).to_disk(tmp_path / "examples.spacy")
    nlp = pipeline(server.url, examples=str(tmp_path / "examples.spacy"))
    with pytest.warns(UserWarning, match="W958"):
        nlp.initialize()
    assert nlp.get_pipe("structured_llm_ner").usage_report()["issues"] == {IN_PART: 1}


def test_structured_llm_ner_leaves_room_for_the_longest_examples(server):
    examples = [{"text": f"Text {i}. " + "word " * 100 * i, "spans": []} for i in range(10)]
    model = {"context_length": 5000, "max_tokens": 100}
    nlp = pipeline(server.url, model=model, examples=examples, n_examples=2)
    extractor = nlp.get_pipe("structured_llm_ner").extractor
    doc = nlp.make_doc("word " * 6000)
    for start, end in extractor.chunks(doc):
        request = extractor.prompter.request(doc.text[start:end], whole=doc.text)
        assert extractor.model.count_tokens(request.messages) <= 4900


def test_structured_llm_ner_tells_of_failures_without_a_group_of_entities():
    with FaultServer(Behaviour(fault_rate=1.0, faults=("prose",))) as server:
        nlp = pipeline(server.url, model={"structured": "json_schema"}, spans_key="")
        example = Example.from_dict(nlp.make_doc("Anna slept."), {"entities": [(0, 4, "PER")]})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = nlp.evaluate([example])
    assert scores["ents_invalid"] == 1.0


def test_structured_llm_ner_takes_a_threshold_of_zero_with_samples(server):
    nlp = pipeline(server.url, samples=3, threshold=0.0)
    assert nlp.get_pipe("structured_llm_ner").cfg["threshold"] == 0.0


def test_structured_llm_ner_warns_of_votes_at_temperature_zero(server):
    nlp = pipeline(server.url, samples=3)
    with pytest.warns(UserWarning, match=r"W241.*temperature"):
        nlp("Anna")


def test_structured_llm_ner_threshold_can_be_tuned(server, tmp_path):
    store = str(tmp_path / "replies.sqlite")
    nlp = pipeline(server.url, model={"logprobs": True, "store": store})
    nlp.to_disk(tmp_path / "pipeline")
    doc = nlp("Anna slept.")
    DocBin(docs=[doc]).to_disk(tmp_path / "dev.spacy")
    best, score, _ = find_threshold(
        str(tmp_path / "pipeline"),
        tmp_path / "dev.spacy",
        "structured_llm_ner",
        "threshold",
        "ents_f",
        n_trials=3,
    )
    assert (best, score) == (0.0, 1.0)


def test_structured_llm_ner_stands_beside_transformer_ner(server, trained_folder, tmp_path):
    nlp = spacy.load(trained_folder)
    model = {"base_url": server.url, "name": "m"}
    nlp.add_pipe("structured_llm_ner", config={"labels": list(LABELS), "model": model})
    nlp.to_disk(tmp_path / "both")
    doc = spacy.load(tmp_path / "both")("Anna lives in Oslo with Robert.")
    assert set(doc.spans) == {"transformer_ner", "structured_llm_ner", "structured_llm_ner_mentions"}
    assert all(ent._.score is not None for ent in doc.ents)


def test_structured_llm_ner_shows_its_progress(server, capsys):
    list(pipeline(server.url, progress=True).pipe(TEXTS))
    shown = capsys.readouterr().err
    assert "20 docs" in shown
    assert "0 retries" in shown


@pytest.mark.parametrize("tokens", [-5, 0, 3])
def test_structured_llm_ner_refuses_chunks_that_hold_nothing(tokens):
    with pytest.raises(UserError, match=r"E240.*`?chunk_tokens`?.*20 or more"):
        pipeline("http://127.0.0.1:9/v1", chunk_tokens=tokens)("Anna")


# A model on this machine.


@Language.component("tests_says_who_served")
def says_who_served(doc):
    from spacy_ner_plus.llm.local.server import _servers

    doc.user_data["served"] = [f"{os.getpid()} {server.address.url}" for server in _servers.values()]
    return doc


def local_pipeline(tiny_gguf, **model):
    nlp = spacy.blank("en")
    given = {"local": tiny_gguf, "threads": 1, "max_tokens": 60, **model}
    nlp.add_pipe("structured_llm_ner", config={"labels": ["PER"], "model": given})
    nlp.add_pipe("tests_says_who_served")
    return nlp


def answers(docs) -> list[tuple[str, ...]]:
    return [tuple(ent.text for ent in doc.ents) for doc in docs]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "is_used"), [("fork", True), ("fork", False), ("spawn", True), ("forkserver", False)]
)
def test_component_has_one_local_model_for_all_workers(method, is_used, tiny_gguf):
    nlp = local_pipeline(tiny_gguf)
    if is_used:
        nlp(TEXTS[0])
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method(method, force=True)
    try:
        docs = list(nlp.pipe(TEXTS[:6], n_process=2, batch_size=1))
    finally:
        multiprocessing.set_start_method(before, force=True)
    assert all(doc._.ner_failure == "" or "not one of the mentions" in doc._.ner_failure for doc in docs)
    served = {tuple(who.split()) for doc in docs for who in doc.user_data["served"]}
    assert len({pid for pid, _ in served} - {str(os.getpid())}) == 2
    # The parent's, which answers afterwards, too.
    (url,) = {url for _, url in served}
    assert nlp(TEXTS[0]).user_data["served"] == [f"{os.getpid()} {url}"]


@pytest.mark.parametrize("is_used", [True, False], ids=["after use", "before use"])
def test_component_with_a_local_model_has_no_server_as_its_state(is_used, tiny_gguf):
    nlp = local_pipeline(tiny_gguf)
    expected = answers([nlp(TEXTS[0])]) if is_used else None
    pickled = pickle.dumps(nlp)
    for copied in (pickle.loads(pickled), copy.deepcopy(nlp.get_pipe("structured_llm_ner"))):
        found = answers([copied(TEXTS[0] if hasattr(copied, "pipe_names") else nlp.make_doc(TEXTS[0]))])
        expected = expected or found
        assert found == expected
    assert b"127.0.0.1" not in pickled


def test_component_variants_of_one_base_share_its_server(tiny_gguf, tiny_adapters):
    from spacy_ner_plus.llm.local.server import _running

    variants = [{"name": name, "weight": 1, "model": {"name": name}} for name in ("a", "b")]
    variants.append({"name": "base", "weight": 1})
    nlp = spacy.blank("en")
    model = {"local": tiny_gguf, "threads": 1, "max_tokens": 60, "adapters": tiny_adapters}
    given = {"labels": ["PER"], "model": model, "variants": variants}
    nlp.add_pipe("structured_llm_ner", config=given)
    pipe, before = nlp.get_pipe("structured_llm_ner"), len(_running)
    list(nlp.pipe(TEXTS[:8]))
    usage = pipe.usage_report()["variants"]
    assert len(_running) == before + 1
    assert sum(each["replies"] > 0 for each in usage.values()) > 1
