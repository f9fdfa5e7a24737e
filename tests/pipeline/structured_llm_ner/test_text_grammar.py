"""structured_llm_ner with replies that are held to their texts by a real server: what is sent is what is looked for."""

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
