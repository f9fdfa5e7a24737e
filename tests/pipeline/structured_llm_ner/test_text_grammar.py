"""structured_llm_ner with replies that are held to their texts by a real server: what is sent is what is looked for."""

from itertools import pairwise

import pytest
import spacy

from spacy_ner_plus.llm.formats import FORMATS

TEXTS = [
    'Anna met Bob in Oslo, and "Bob" met Anna.',
    "\u6771\u4eac and \U0001f600 Rome\n\tParis",
    " \n",
    "Rome",
]
LABELS = ["PERSON", "LOCATION"]


def make(url, **settings):
    nlp = spacy.blank("en")
    chat = {"base_url": url, "name": "tiny", "text_grammar": True, "max_tokens": 600}
    chat |= settings.pop("model", {})
    nlp.add_pipe("structured_llm_ner", config={"labels": LABELS, "model": chat, **settings})
    return nlp, nlp.get_pipe("structured_llm_ner")


@pytest.mark.parametrize(
    "settings",
    [
        *({"format": name} for name in FORMATS),
        {"samples": 2},
        {"passes": 2},
        {"format": "per_type", "chunk_tokens": 20, "chunk_overlap": 0},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_text_grammar_is_sent_counted_and_replayed_alike(settings, llama_url, tmp_path):
    chat = {"store": str(tmp_path / "s.sqlite")}
    nlp, pipe = make(llama_url, model=chat, **settings)
    docs = [nlp.make_doc(text) for text in TEXTS]
    requests = [request for doc in docs for request in pipe.extractor_of().requests(doc)]
    assert all(request.text_grammar for request in requests)
    found = list(nlp.pipe(TEXTS))
    assert not any(doc._.ner_failure for doc in found)
    model = pipe.extractor_of().model
    assert all(model.is_stored(request) for request in requests)
    modes = {reply.mode for reply in map(model.store.get, keys_of(model, requests))}
    assert modes == {"text_grammar"}
    # Whatever the weights say, each mention is in its text, and nothing was repaired.
    assert not [kind for kind, _ in pipe.issues if "repaired" in kind or "n't" in kind or "broke" in kind]
    again, _ = make(llama_url, model={**chat, "replay_only": True}, **settings)
    assert [entities(doc) for doc in again.pipe(TEXTS)] == [entities(doc) for doc in found]


def keys_of(model, requests):
    return [model._client().kept.key(request)[0] for request in requests]


def entities(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_text_grammar_is_of_a_chunk(llama_url):
    nlp, pipe = make(llama_url, format="per_type", chunk_tokens=20, chunk_overlap=0)
    doc = nlp.make_doc(
        f"Anna met Bob in Oslo today. {'Then he went on. ' * 9}Carl was in Rome with Dora and Emil."
    )
    requests = pipe.extractor_of().requests(doc)
    assert len(requests) > len(LABELS)
    first, last = requests[0].text_grammar, requests[-1].text_grammar
    assert ("Anna" in first, "Dora" in first) == (True, False)
    assert ("Anna" in last, "Dora" in last) == (False, True)


def test_text_grammar_costs_nothing_where_it_is_not_sent(llama_url, monkeypatch):
    from spacy_ner_plus.llm.formats.label_lists import LabelLists

    monkeypatch.setattr(LabelLists, "text_grammar", None)
    nlp, pipe = make(llama_url, model={"text_grammar": None})
    assert [request.text_grammar for request in pipe.extractor_of().requests(nlp.make_doc(TEXTS[0]))] == [
        None
    ]


@pytest.mark.parametrize("name", ["label_lists", "entity_list", "bio_lines", "per_type", "guidelines"])
def test_text_grammar_is_of_parts_of_texts_that_are_too_long(name, tiny_gguf):
    nlp = spacy.blank("en")
    model = {"local": tiny_gguf, "threads": 1, "context_length": 60_000}
    given = {"labels": ["PER", "LOC"], "format": name, "chunk_tokens": 50_000, "model": model}
    nlp.add_pipe("structured_llm_ner", config=given)
    extractor = nlp.get_pipe("structured_llm_ner").extractor
    doc = nlp.make_doc(" ".join(f"Anna met w{i} in Oslo." for i in range(800)))
    chunks = extractor.chunks(doc)
    assert 1 < len(chunks) <= 4
    assert (chunks[0][0], chunks[-1][1]) == (0, len(doc.text))
    assert all(before[1] >= after[0] - 1 for before, after in pairwise(chunks))
    assert all(request.text_grammar is not None for request in extractor.requests(doc))
    given["model"]["text_grammar"] = False
    without = spacy.blank("en")
    without.add_pipe("structured_llm_ner", config=given)
    assert len(without.get_pipe("structured_llm_ner").extractor.chunks(doc)) == 1


def test_text_grammar_that_a_text_lacks_is_told_and_counted(tiny_gguf, monkeypatch):
    from spacy_ner_plus.llm.formats.text_grammars import text_walk
    from spacy_ner_plus.pipeline.structured_llm_ner.extraction import WITHOUT_GRAMMAR

    nlp = spacy.blank("en")
    model = {"local": tiny_gguf, "threads": 1, "max_tokens": 60}
    pipe = nlp.add_pipe("structured_llm_ner", config={"labels": ["PER"], "model": model})
    nlp("Anna met Robert.")
    assert WITHOUT_GRAMMAR not in pipe.usage_report()["issues"]
    monkeypatch.setattr(text_walk, "MOST_CHARACTERS", 10)
    monkeypatch.setattr("spacy_ner_plus.llm.formats.label_lists.disjoint_lists", lambda walk, labels: None)
    with pytest.warns(UserWarning, match=r"W240.*2 x request without the grammar of its text"):
        list(nlp.pipe(["Anna came.", "Bob left."]))
    assert pipe.usage_report()["issues"][WITHOUT_GRAMMAR] == 2
