import json

import pytest
import spacy
from spacy.tokens import Doc

from spacy_ner_plus import select
from spacy_ner_plus.corpus import load_docs, save_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.encoders.packaged import encoder_path_v1
from spacy_ner_plus.pipeline.uncertainty import uncertainty
from tests.conftest import TEXTS


@pytest.fixture
def choose(encoder_folder, tmp_path):
    """`select` by a tiny model, with a cache of its own."""

    def run(*arguments, **settings):
        own = {"model": encoder_folder, "device": "cpu", "precision": "fp32", "cache": tmp_path / "cache"}
        return select(*arguments, **{**own, **settings})

    return run


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join([*TEXTS, "", TEXTS[0].upper()]) + "\n")
    return path


def texts_of(docs) -> list[str]:
    return [doc.text for doc in docs]


def test_select_gives_the_nearest_to_a_query_first(choose, texts, tmp_path):
    selection = choose(texts, tmp_path / "out.jsonl", query=TEXTS[3], number=3)
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [record["text"] for record in records] == texts_of(selection.docs)
    assert [record["meta"]["rank"] for record in records] == [1, 2, 3]
    assert (
        [record["meta"]["score"] for record in records] == selection.scores == sorted(selection.scores)[::-1]
    )
    assert records[0]["text"] == TEXTS[3]
    assert records[0]["meta"]["score"] == pytest.approx(1, abs=1e-5)


def test_select_counts_what_it_did(choose, texts):
    first = choose(texts, query="Somebody left", number=2, duplicates=2)
    assert (first.texts, first.duplicates, first.embedded, first.from_cache) == (7, 1, 7, 0)
    again = choose(texts, query="Somebody left", number=2, duplicates=2)
    assert (again.embedded, again.from_cache) == (0, 7)
    assert texts_of(again.docs) == texts_of(first.docs)
    assert again.scores == first.scores


def test_select_takes_examples_of_a_corpus(choose, texts, tmp_path, nlp):
    examples = tmp_path / "examples.spacy"
    save_docs([Doc(nlp.vocab, words=TEXTS[i].split()) for i in (1, 4)], examples)
    selection = choose(texts, like=examples, number=2, duplicates=2)
    assert set(texts_of(selection.docs)) == {TEXTS[1], TEXTS[4]}


def test_select_keeps_ids_meta_and_entities(choose, tmp_path):
    spans = [{"start": 0, "end": 4, "label": "PER"}]
    records = [
        {
            "text": text,
            "id": f"n{i}",
            "meta": {"source": "news", "score": 3},
            "spans": spans if i == 0 else [],
        }
        for i, text in enumerate(TEXTS)
    ]
    source = tmp_path / "in.jsonl"
    source.write_text("\n".join(map(json.dumps, records)))
    selection = choose(source, tmp_path / "out.spacy", query=TEXTS[0], number=2)
    (doc, _) = load_docs(tmp_path / "out.spacy", spacy.blank("en").vocab)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Anna", "PER")]
    record = doc.user_data["record"]
    assert (record["id"], record["meta"]["source"], record["meta"]["rank"]) == ("n0", "news", 1)
    assert record["meta"]["score"] == pytest.approx(1, abs=1e-5)
    assert selection.issues["meta of the source that had this name: replaced by the selection's"] == 2


def test_select_reads_a_long_text_to_its_end_and_counts_it(choose, tmp_path):
    source = tmp_path / "long.txt"
    source.write_text(" ".join(TEXTS * 5) + "\n" + TEXTS[0] + "\n")
    selection = choose(source, query="x", number=1)
    assert selection.long_texts == 1
    assert selection.issues["text longer than the model reads: embedded in parts"] == 1
    # Also where it was embedded earlier.
    assert choose(source, query="x", number=1).long_texts == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "E673"),
        ({"query": ["x", " "]}, r"E676.*query"),
        ({"query": "x", "number": 0}, "E507"),
        ({"query": "x", "number": 7}, r"E675.*7 texts .* only 6 different"),
        ({"query": "x", "duplicates": -1}, "E676"),
        ({"query": "x", "number": 3, "candidates": 2}, "E507"),
        ({"query": "x", "probed": 0}, r"E676.*probed"),
        ({"uncertain": "no_such_pipeline"}, "E501"),
        ({"like": "nowhere.jsonl"}, r"E101.*nowhere\.jsonl"),
        ({"query": "x", "model": "no/model/at/all"}, "E247"),
        ({"query": "x", "precision": "int8"}, "E670"),
        ({"query": "x", "target_format": "hub"}, "E177"),
    ],
)
def test_select_says_what_is_wrong_and_writes_nothing(choose, texts, tmp_path, settings, message):
    with pytest.raises(UserError, match=message):
        choose(texts, tmp_path / "out.jsonl", **{"number": 2, **settings})
    assert not list(tmp_path.glob("*out*"))


def test_select_refuses_sources_without_texts(choose, tmp_path):
    (tmp_path / "empty.jsonl").write_text('{"text": " "}\n{"text": ""}\n')
    with pytest.raises(UserError, match=r"E674.*empty\.jsonl"):
        choose(tmp_path / "empty.jsonl", query="x")
    (tmp_path / "nothing.txt").write_text("\n\n")
    with pytest.raises(UserError, match=r"E102.*nothing\.txt"):
        choose(tmp_path / "nothing.txt", query="x")


def test_select_by_the_packaged_model_finds_what_is_meant(tmp_path):
    if encoder_path_v1() == "all-MiniLM-L6-v2":
        pytest.skip("the packaged encoder isn't installed")
    source = tmp_path / "texts.txt"
    source.write_text("The cat sleeps.\nShares of the bank fell.\nShe scored twice in the final.\n")
    for query, expected in (
        ("stock markets", "Shares of the bank fell."),
        ("football", "She scored twice in the final."),
    ):
        selection = select(source, query=query, number=1, cache=tmp_path / "cache", device="cpu")
        assert texts_of(selection.docs) == [expected]


def test_select_diverse_texts_are_the_same_with_the_same_seed(choose, texts):
    one, other = (choose(texts, diverse=True, number=4, seed=3, duplicates=2) for _ in range(2))
    assert texts_of(one.docs) == texts_of(other.docs)
    assert one.scores[0] is None
    assert one.scores[1:] == sorted(one.scores[1:])[::-1]
    firsts = {texts_of(choose(texts, diverse=True, number=1, seed=seed).docs)[0] for seed in range(10)}
    assert len(firsts) > 1


def test_select_by_several_measures_narrows_from_one_to_the_next(choose, texts):
    both = choose(texts, query=TEXTS[2], diverse=True, number=3, candidates=4, duplicates=2)
    nearest = choose(texts, query=TEXTS[2], number=4, duplicates=2)
    assert texts_of(both.docs)[0] == TEXTS[2]
    assert set(texts_of(both.docs)) < set(texts_of(nearest.docs))
    metas = [doc.user_data["record"]["meta"] for doc in both.docs]
    assert all(meta.keys() == {"rank", "score", "similarity", "distance"} for meta in metas)
    assert [meta["score"] for meta in metas] == [meta["distance"] for meta in metas] == both.scores
    by_text = dict(zip(texts_of(nearest.docs), nearest.scores, strict=True))
    assert [meta["similarity"] for meta in metas] == [by_text[doc.text] for doc in both.docs]


def test_select_leaves_out_what_is_labelled(choose, texts, tmp_path):
    (tmp_path / "labelled.txt").write_text(f"{TEXTS[3].lower()}\n{TEXTS[5]}\n")
    selection = choose(texts, diverse=True, labelled=tmp_path / "labelled.txt", number=4, duplicates=2)
    assert (selection.labelled, selection.duplicates) == (2, 1)
    assert set(texts_of(selection.docs)) == {TEXTS[i] for i in (0, 1, 2, 4)}
    assert None not in selection.scores


def test_select_gives_fewer_where_all_others_are_nearly_the_same(choose, texts):
    with pytest.warns(UserWarning, match=r"W336.*Only 1 of 3"):
        selection = choose(texts, query=TEXTS[0], number=3, duplicates=0.01)
    assert (len(selection.docs), selection.near_duplicates) == (1, 5)


def test_select_gives_the_texts_of_which_a_pipeline_is_most_unsure(choose, texts, trained_folder):
    tagger = spacy.load(trained_folder)
    unsure = {text: uncertainty(tagger(text)) for text in TEXTS}
    selection = choose(texts, uncertain=trained_folder, number=3, duplicates=2)
    assert texts_of(selection.docs) == sorted(TEXTS, key=unsure.get, reverse=True)[:3]
    assert selection.scores == pytest.approx([unsure[doc.text] for doc in selection.docs], abs=1e-4)
    # What is selected is the text as it was, without the pipeline's entities.
    assert not any(doc.ents or doc.spans for doc in selection.docs)
    diverse = choose(texts, uncertain=tagger, diverse=True, number=2, candidates=3, duplicates=2)
    assert set(texts_of(diverse.docs)) < set(texts_of(selection.docs))
    assert texts_of(diverse.docs)[0] == texts_of(selection.docs)[0]


def test_select_leaves_out_what_a_pipeline_fails_on(choose, texts, trained_folder):
    tagger = spacy.load(trained_folder)
    tagger.max_length = len(TEXTS[4])
    failing = [text for text in TEXTS if len(text) > tagger.max_length]
    selection = choose(texts, uncertain=tagger, number=6 - len(failing), duplicates=2)
    assert failing
    assert set(texts_of(selection.docs)) == set(TEXTS) - set(failing)
    assert selection.issues["text on which the pipeline failed"] == len(failing)


def test_select_refuses_a_pipeline_that_is_never_unsure(choose, texts):
    with pytest.raises(UserError, match="E650"):
        choose(texts, uncertain=spacy.blank("en"), number=2)


def test_select_embeds_no_more_than_it_needs(choose, texts, trained_folder):
    selection = choose(texts, uncertain=trained_folder, number=2, duplicates=2)
    assert (selection.texts, selection.embedded) == (7, 2)


@pytest.mark.parametrize("name", ["texts.txt", "texts"])
def test_select_never_writes_over_its_texts(choose, texts, tmp_path, name):
    source = texts.rename(tmp_path / name)
    with pytest.raises(UserError, match="E122"):
        choose(source, source, query="x", number=1, format="text", target_format="jsonl")
    assert source.read_text().startswith(TEXTS[0])


def test_select_goes_on_where_the_users_cache_takes_nothing(choose, texts, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match=r"W337.*E672.*Going on without"):
        assert len(choose(texts, query="x", number=1, cache=None).docs) == 1
    with pytest.raises(UserError, match="E672"):
        choose(texts, query="x", number=1, cache=tmp_path / "file")
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", "off")
    assert choose(texts, query="x", number=1, cache=None).from_cache == 0


def test_select_reads_the_options_of_what_it_reads_and_of_what_it_writes(choose, tmp_path):
    source = tmp_path / "texts.conll"
    source.write_text(
        "-DOCSTART- O\n\n" + "\n\n".join(text.replace(" ", " O\n") + " O" for text in TEXTS) + "\n"
    )
    options = {"group": "sentence", "restore_whitespace": "false"}
    selection = choose(source, tmp_path / "out.jsonl", query="x", number=2, options=options)
    assert selection.texts == 6
    assert set(texts_of(selection.docs)) < set(TEXTS)
    with pytest.raises(UserError, match="E175"):
        choose(source, tmp_path / "out.jsonl", query="x", number=2, options={"nonsense": 1})
