"""What was asked and what came, kept on the Doc; and the component in an event loop."""

import asyncio
import json

import pytest
import spacy
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.errors import UserError
from tests.pipeline.structured_llm_ner.test_component import TEXTS, expected, found, pipeline
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer


@pytest.fixture
def server():
    with FaultServer() as running:
        yield running


def io_of(doc, name="structured_llm_ner"):
    return doc.user_data["llm_io"][name]


def test_llm_io_has_what_was_sent_and_what_came(server):
    doc = pipeline(server.url, save_io=True)("Anna met Robert in Oslo.")
    io = io_of(doc)
    assert [message["role"] for message in io["prompt"][0]] == ["system", "user"]
    assert io["prompt"][0][-1]["content"] == "Anna met Robert in Oslo."
    assert {
        (name, label) for label, names in json.loads(io["response"][0]).items() for name in names
    } == found(doc)
    assert (io["model"], io["failure"], io["cost"]) == ("m", "", None)
    assert io["usage"]["prompt"] > 0


def test_llm_io_is_kept_of_each_sample(server):
    io = io_of(pipeline(server.url, save_io=True, samples=3)("Anna met Robert in Oslo."))
    assert len(io["prompt"]) == len(io["response"]) == 3


def test_llm_io_is_not_kept_unless_asked_for(server):
    assert "llm_io" not in pipeline(server.url)("Anna met Robert in Oslo.").user_data


def test_llm_io_has_the_cost_where_the_price_is_known(server):
    prices = {"m": {"input": 1.0, "output": 2.0}}
    doc = pipeline(server.url, save_io=True, model={"prices": prices})("Anna met Robert in Oslo.")
    usage = io_of(doc)["usage"]
    assert io_of(doc)["cost"] == pytest.approx((usage["prompt"] + 2 * usage["completion"]) / 1e6)


def test_llm_io_says_why_there_is_no_answer():
    with FaultServer(Behaviour(first=("500",) * 9)) as server, pytest.warns(UserWarning, match="no reply"):
        doc = pipeline(server.url, save_io=True, model={"max_retries": 0})("Anna met Robert in Oslo.")
    assert io_of(doc)["response"] == [None]
    assert io_of(doc)["failure"] == doc._.ner_failure != ""


def test_llm_io_goes_through_a_docbin_and_other_processes(server):
    nlp = pipeline(server.url, save_io=True)
    docs = list(nlp.pipe(TEXTS[:2], n_process=2))
    again = list(DocBin(docs=docs, store_user_data=True).get_docs(nlp.vocab))
    # msgpack reads lists as tuples.
    assert [list(io_of(doc)["response"]) for doc in again] == [list(io_of(doc)["response"]) for doc in docs]
    assert all(io_of(doc)["response"][0] for doc in docs)


def test_component_in_an_event_loop_gives_what_pipe_gives(server):
    nlp = pipeline(server.url)
    component = nlp.get_pipe("structured_llm_ner")

    async def run():
        return [doc async for doc in component.apipe(map(nlp.make_doc, TEXTS))]

    docs = asyncio.run(run())
    assert [doc.text for doc in docs] == TEXTS
    assert all(found(doc) == expected(doc.text) for doc in docs)


def test_component_in_an_event_loop_reads_an_asynchronous_stream(server):
    nlp = pipeline(server.url)

    async def stream():
        for text in TEXTS[:3]:
            await asyncio.sleep(0)
            yield nlp.make_doc(text)

    async def run():
        return [doc.text async for doc in nlp.get_pipe("structured_llm_ner").apipe(stream())]

    assert asyncio.run(run()) == TEXTS[:3]


def test_component_in_an_event_loop_answers_a_stream_that_waits_for_the_answers(server):
    nlp = pipeline(server.url)

    async def run():
        texts = asyncio.Queue()
        texts.put_nowait(TEXTS[0])
        answered = []

        async def stream():
            while (text := await texts.get()) is not None:
                yield nlp.make_doc(text)

        async with asyncio.timeout(60):
            async for doc in nlp.get_pipe("structured_llm_ner").apipe(stream()):
                answered.append(doc.text)
                texts.put_nowait(TEXTS[1] if len(answered) == 1 else None)
        return answered

    assert asyncio.run(run()) == TEXTS[:2]


def test_component_in_an_event_loop_reads_a_stream_to_its_error(server):
    nlp = pipeline(server.url)
    answered = []

    async def run():
        has_answer = asyncio.Event()

        async def stream():
            yield nlp.make_doc(TEXTS[0])
            await has_answer.wait()
            raise OSError("the stream ends here")

        async for doc in nlp.get_pipe("structured_llm_ner").apipe(stream()):
            answered.append(doc.text)
            has_answer.set()

    with pytest.raises(OSError, match="ends here"):
        asyncio.run(run())
    assert answered == [TEXTS[0]]


def test_component_in_an_event_loop_reads_no_further_than_it_may_hold(server):
    nlp = pipeline(server.url, model={"max_concurrency": 1})
    read = 0

    async def stream():
        nonlocal read
        try:
            for number in range(10_000):
                read += 1
                yield nlp.make_doc(f"{TEXTS[0]} {number}")
        finally:
            ended.append(read)

    ended = []

    async def run():
        docs = nlp.get_pipe("structured_llm_ner").apipe(stream())
        await anext(docs)
        await docs.aclose()

    asyncio.run(run())
    assert ended == [read]
    assert read < 1000


def test_component_in_an_event_loop_leaves_it_free():
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async def run(component, doc):
        ticking = asyncio.create_task(tick())
        doc = await component.acall(doc)
        ticking.cancel()
        return doc

    with FaultServer(Behaviour(delay=0.5)) as server:
        nlp = pipeline(server.url)
        doc = asyncio.run(run(nlp.get_pipe("structured_llm_ner"), nlp.make_doc(TEXTS[0])))
    assert found(doc) == expected(TEXTS[0])
    assert ticks > 5


def test_component_in_an_event_loop_has_many_documents_in_flight():
    async def run(nlp):
        component = nlp.get_pipe("structured_llm_ner")
        return await asyncio.gather(*(component.acall(nlp.make_doc(text)) for text in TEXTS))

    with FaultServer(Behaviour(delay=0.1)) as server:
        docs = asyncio.run(run(pipeline(server.url)))
        assert server.most_in_flight > 4
    assert all(found(doc) == expected(doc.text) for doc in docs)


def test_component_in_an_event_loop_can_be_cancelled():
    async def run(component, doc):
        task = asyncio.create_task(component.acall(doc))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with FaultServer(Behaviour(delay=30)) as server:
        nlp = pipeline(server.url)
        asyncio.run(run(nlp.get_pipe("structured_llm_ner"), nlp.make_doc(TEXTS[0])))
        # It works on as if nothing had been.
        server.behaviour = Behaviour()


def test_component_in_an_event_loop_tells_a_wrong_setting():
    nlp = spacy.blank("en")
    nlp.add_pipe("structured_llm_ner")
    with pytest.raises(UserError):
        asyncio.run(nlp.get_pipe("structured_llm_ner").acall(Doc(nlp.vocab, words=["Anna"])))
