"""Variants in the component, against servers that answer, err, refuse and are gone."""

import asyncio
import copy
import time
import warnings
from collections import Counter

import pytest
import spacy

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.store.store import Store
from tests.pipeline.structured_llm_ner.pipelines import (
    GOLD,
    NAME,
    TEXTS,
    gold_server,
    inferences,
    make_pipeline,
    named,
)
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer

TWO = [{"name": "a", "model": {"name": "a"}}, {"name": "b", "weight": 3}]
NOBODY = "http://127.0.0.1:9/v1"


@pytest.fixture(scope="module")
def server():
    with gold_server() as running:
        yield running


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store.sqlite"


def failing(url: str) -> list[dict]:
    """Variants of which the first fails in every way that the second doesn't."""
    return [{"name": "bad", "model": {"base_url": url, "max_retries": 0}}, {"name": "good", "weight": 0}]


def found(doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_run_variants_are_drawn_by_weight_and_what_answered_is_recorded(server, store):
    nlp = make_pipeline(server.url, store, variants=TWO)
    docs = list(nlp.pipe(named(nlp)))
    kept = {inference.id: inference for inference in inferences(store)}
    answered = [kept[doc._.inference_id] for doc in docs]
    assert [inference.text for inference in answered] == TEXTS
    assert {inference.variant: (inference.probability, inference.model) for inference in answered} == {
        "a": (0.25, "a"),
        "b": (0.75, "b"),
    }
    assert len({inference.episode for inference in answered}) == 1
    for doc, inference in zip(docs, answered, strict=True):
        assert [(doc.text[s.start : s.end], s.label) for s in inference.entities] == found(doc)
        assert (inference.valid, inference.format) == (True, "label_lists")
        assert inference.usage.prompt


def test_run_variants_are_drawn_once_for_an_episode_and_text_in_any_process(server, store):
    nlp = make_pipeline(server.url, store, variants=TWO)

    def docs(episode):
        for text in TEXTS[:6]:
            doc = nlp.make_doc(text)
            doc._.episode = episode
            yield doc

    for _ in range(2):
        list(nlp.pipe(docs("mine")))
    list(nlp.pipe(docs("mine"), n_process=2, batch_size=2))
    drawn = Counter((one.text, one.variant) for one in inferences(store))
    # What is answered again in the same episode isn't kept again.
    assert drawn.total() == 6
    assert set(drawn.values()) == {1}
    # Another seed draws otherwise, but not for an episode that has begun.
    other = make_pipeline(server.url, store, variants=TWO, variant_sampling={"seed": 5})
    list(other.pipe(docs("mine")))
    assert Counter((one.text, one.variant) for one in inferences(store)) == drawn


def test_run_variants_are_drawn_by_each_component(server, store):
    def weighted(a, b):
        return [{"name": "a", "weight": a, "model": {"name": "a"}}, {"name": "b", "weight": b}]

    nlp = make_pipeline(server.url, store, variants=weighted(9, 1))
    config = {"labels": ["PER", "LOC"], "model": nlp.get_pipe(NAME).settings.model}
    nlp.add_pipe(NAME, "second", config={**config, "variants": weighted(1, 9)})
    list(nlp.pipe(named(nlp)))
    for component, mostly in ((NAME, "a"), ("second", "b")):
        own = [one for one in inferences(store) if one.component == component]
        assert len(own) == len(TEXTS)
        assert Counter(one.variant for one in own).most_common(1)[0][0] == mostly
        assert all(one.probability == pytest.approx(0.9 if one.variant == mostly else 0.1) for one in own)


def test_run_variants_pinned_are_the_only_one_that_is_asked(server, store):
    nlp = make_pipeline(
        server.url, store, variants=TWO, variant_sampling={"strategy": "pinned", "variant": "b"}
    )
    assert [found(doc) for doc in nlp.pipe(TEXTS)] == list(GOLD.values())
    assert {(one.variant, one.probability) for one in inferences(store)} == {("b", 1.0)}
    assert nlp.get_pipe(NAME).client.settings.name == "b"
    broken = make_pipeline(
        server.url, store, variants=failing(NOBODY), variant_sampling={"strategy": "pinned", "variant": "bad"}
    )
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9"):
        broken(TEXTS[0])


def test_run_variants_are_drawn_adaptively_by_the_feedback_of_the_store(server, store):
    nlp = make_pipeline(server.url, store, variants=TWO)
    list(nlp.pipe(named(nlp)))
    with Store(store) as opened:
        for inference in opened.inferences.all():
            for _ in range(2):
                opened.feedback.add(inference.id, "exact_match", inference.variant == "a")
    adaptive = make_pipeline(
        server.url, store, variants=TWO, variant_sampling={"strategy": "adaptive", "floor": 0.1}
    )
    docs = list(adaptive.pipe(f"{text} Again." for text in TEXTS))
    probabilities = {one.variant: one.probability for one in inferences(store)[len(TEXTS) :]}
    assert probabilities["a"] > 0.8
    assert len(docs) == len(TEXTS)
    with pytest.raises(UserError, match="E822"):
        make_pipeline(server.url, variants=TWO, variant_sampling={"strategy": "adaptive"})(TEXTS[0])
    sampling = {"strategy": "adaptive", "metric": "comment"}
    with pytest.raises(UserError, match=r"E816.*'comment'"):
        make_pipeline(server.url, store, variants=TWO, variant_sampling=sampling)(TEXTS[0])


def test_run_keeps_how_probable_the_variant_that_failed_was(server, store):
    with FaultServer(Behaviour(fault_rate=1.0, faults=("prose",))) as broken:
        bad, good = failing(broken.url)
        variants = [bad | {"weight": 3}, good | {"weight": 1}]
        with pytest.warns(UserWarning, match="the next one was asked"):
            list(make_pipeline(server.url, store, variants=variants).pipe(TEXTS))
    kept = {(one.variant, one.fallback_of, one.probability) for one in inferences(store)}
    assert ("good", "bad", 0.75) in kept
    assert kept <= {("good", "bad", 0.75), ("good", "", 0.25)}


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Behaviour(fault_rate=1.0, faults=("prose",)), "JSON"),
        (Behaviour(api_key="right"), "api_key_env"),
        (Behaviour(fault_rate=1.0, faults=("500",)), "500"),
    ],
)
def test_run_variants_that_fail_give_way_to_the_next(server, store, behaviour, reason):
    with FaultServer(behaviour) as broken:
        nlp = make_pipeline(server.url, store, variants=failing(broken.url))
        with pytest.warns(UserWarning, match=r"variant didn't answer: the next one was asked \(bad\)"):
            docs = list(nlp.pipe(TEXTS))
    assert [found(doc) for doc in docs] == list(GOLD.values())
    kept = inferences(store)
    assert {(one.variant, one.fallback_of, one.probability) for one in kept} == {("good", "bad", 1.0)}
    # That one was chosen is another thing than that it stepped in, though the replies are the same.
    list(make_pipeline(server.url, store, variants=[{"name": "good"}]).pipe(TEXTS))
    assert Counter(one.fallback_of for one in inferences(store)) == {"bad": len(TEXTS), "": len(TEXTS)}
    issues = nlp.get_pipe(NAME).issues
    (kind,) = [kind for kind, _ in issues if "(bad)" in kind]
    assert issues[kind] == len(TEXTS)
    assert reason in issues.kinds[kind].example


def test_run_variants_whose_server_is_gone_hold_nothing_up(server, store):
    nlp = make_pipeline(server.url, store, variants=failing(NOBODY))
    with pytest.warns(UserWarning, match=r"\(bad\)"):
        assert found(nlp(TEXTS[0])) == GOLD[TEXTS[0]]
    began = time.monotonic()
    with pytest.warns(UserWarning, match=r"\(bad\)"):
        docs = list(nlp.pipe(TEXTS))
    # It rests, and isn't waited for again.
    assert time.monotonic() - began < 5
    assert [found(doc) for doc in docs] == list(GOLD.values())


def test_run_variants_step_in_while_an_event_loop_goes_on(server):
    async def run():
        ticks, done = 0, asyncio.Event()

        async def tick():
            nonlocal ticks
            while not done.is_set():
                ticks += 1
                await asyncio.sleep(0.005)

        ticking = asyncio.create_task(tick())
        docs = [doc async for doc in pipe.apipe(nlp.make_doc(text) for text in TEXTS)]
        done.set()
        await ticking
        return docs, ticks

    with FaultServer(Behaviour(fault_rate=1.0, faults=("prose",), delay=0.1)) as broken:
        nlp = make_pipeline(server.url, variants=failing(broken.url))
        pipe = nlp.get_pipe(NAME)
        with pytest.warns(UserWarning, match=r"\(bad\)"):
            docs, ticks = asyncio.run(run())
    assert [found(doc) for doc in docs] == list(GOLD.values())
    assert ticks > 10


def test_run_variants_that_all_fail_leave_the_doc_missing_or_raise(store):
    with FaultServer(Behaviour(fault_rate=1.0, faults=("prose",))) as broken:
        nlp = make_pipeline(broken.url, store, variants=failing(NOBODY))
        with pytest.warns(UserWarning, match="invalid reply"):
            doc = nlp(TEXTS[0])
    assert not doc.has_annotation("ENT_IOB")
    assert "JSON" in doc._.ner_failure
    (inference,) = inferences(store)
    assert (inference.variant, inference.fallback_of, inference.valid) == ("good", "bad", False)
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9"):
        list(make_pipeline(NOBODY, variants=failing(NOBODY)).pipe(TEXTS))


def test_run_variants_can_be_stopped_while_one_is_waited_for(server):
    async def cancel():
        asking = asyncio.create_task(nlp.get_pipe(NAME).acall(nlp.make_doc(TEXTS[0])))
        await asyncio.sleep(0.2)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    with FaultServer(Behaviour(delay=30.0)) as slow:
        nlp = make_pipeline(server.url, variants=failing(slow.url))
        began = time.monotonic()
        asyncio.run(cancel())
        stream = nlp.get_pipe(NAME).pipe(nlp.make_doc(text) for text in ["", *TEXTS])
        assert next(stream).text == ""
        stream.close()
        assert time.monotonic() - began < 5


def test_run_variants_add_up_in_the_usage_report(server):
    nlp = make_pipeline(server.url, variants=TWO)
    list(nlp.pipe(TEXTS))
    report = nlp.get_pipe(NAME).usage_report()
    each = report["variants"]
    assert list(each) == ["a", "b"]
    assert report["prompt_tokens"] == each["a"]["prompt_tokens"] + each["b"]["prompt_tokens"] > 0


def test_run_variants_have_settings_of_their_own_and_are_saved_with_them(server, tmp_path):
    (tmp_path / "t.jinja").write_text(
        "Find {{ labels | map(attribute='name') | join(', ') }}. {{ skeleton }}"
    )
    variants = [
        {"name": "short", "template": str(tmp_path / "t.jinja"), "samples": 2, "model": {"temperature": 1.0}},
        {
            "name": "tags",
            "format": "inline_tags",
            "examples": [{"text": "Bo left.", "spans": [[0, 2, "PER"]]}],
        },
    ]
    nlp = make_pipeline(server.url, variants=variants)
    nlp.to_disk(tmp_path / "saved")
    (tmp_path / "t.jinja").unlink()
    for made in (nlp, spacy.load(tmp_path / "saved"), copy.deepcopy(nlp)):
        pipe = made.get_pipe(NAME)
        short, tags = pipe.extractor_of("short"), pipe.extractor_of("tags")
        assert (short.samples, short.model.settings.temperature, short.model.settings.name) == (2, 1.0, "b")
        assert short.prompter.template.startswith("Find ")
        assert (tags.samples, tags.prompter.format.name) == (1, "inline_tags")
        assert tags.prompter.demonstrations.examples[0].text == "Bo left."
        assert pipe.labels == ("PER", "LOC")


def test_run_variants_want_to_be_named_where_one_is_meant(server):
    pipe = make_pipeline(server.url, variants=TWO).get_pipe(NAME)
    for ask in (lambda: pipe.extractor, lambda: pipe.client, lambda: pipe.extractor_with(samples=2)):
        with pytest.raises(UserError, match=r"E823.*a, b"):
            ask()
    with pytest.raises(UserError, match=r"E824.*no variant 'x'.*a, b"):
        pipe.extractor_of("x")
    with pytest.raises(UserError, match="E824"):
        make_pipeline(server.url).get_pipe(NAME).extractor_of("a")


def test_run_variants_keep_one_store(server, store):
    nlp = make_pipeline(server.url, variants=[*TWO, {"name": "c", "model": {"store": str(store)}}])
    with pytest.raises(UserError, match=r"E821.*nowhere"):
        nlp(TEXTS[0])


def test_run_variants_ask_only_about_docs_of_which_a_cascade_is_unsure(server, store):
    nlp = make_pipeline(server.url, store, variants=TWO, cascade={"uncertainty": 0.5, "component": "first"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        docs = []
        for number, text in enumerate(TEXTS[:4]):
            doc = nlp.make_doc(text)
            doc.spans["first"] = []
            doc.spans["first"].attrs["uncertainty"] = float(number % 2)
            docs.append(doc)
        list(nlp.pipe(docs))
    assert [bool(doc._.inference_id) for doc in docs] == [False, True, False, True]
    assert len(inferences(store)) == 2


def test_run_variants_keep_their_io(server):
    nlp = make_pipeline(server.url, variants=TWO, save_io=True)
    docs = list(nlp.pipe(named(nlp)))
    assert {doc.user_data["llm_io"][NAME]["variant"] for doc in docs} == {"a", "b"}
    assert all(doc.user_data["llm_io"][NAME]["response"] for doc in docs)


def test_run_variants_leave_a_text_without_words_alone(server, store):
    nlp = make_pipeline(server.url, store, variants=TWO)
    assert [list(doc.ents) for doc in nlp.pipe(["", " \n "])] == [[], []]
    assert not store.exists()
