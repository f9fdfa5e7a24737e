import pytest
from spacy.tokens import DocBin

from spacy_ner_plus.corpus import load_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.review.merge import parse_sets, review_merge
from tests.annotation.review.docs import NLP, PEOPLE, ents, make_doc


def test_merge_takes_sets_by_policy(tmp_path):
    for name, found in {"ann": ("Bob", "PER"), "bob": ("Bob", "ORG")}.items():
        doc = make_doc(PEOPLE, ("Oslo", "LOC"), found)
        DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / f"{name}.spacy")
    sets = [tmp_path / "ann.spacy", tmp_path / "bob.spacy"]
    done = review_merge(sets, tmp_path / "gold.spacy", policy="intersection", resamples=0)
    (doc,) = load_docs(tmp_path / "gold.spacy", NLP.vocab)
    assert ents(doc) == [("Oslo", "LOC")]
    assert [row["name"] for row in done.report["annotators"]] == ["ann", "bob"]
    assert done.report["agreement"]["pairs"][0]["f1"] == 0.5
    assert "labels" not in done.report


def test_merge_says_that_ids_keep_equal_texts_apart(tmp_path):
    for name, id in {"ann": "d-1", "bob": "7"}.items():
        DocBin(docs=[make_doc(PEOPLE, ("Bob", "PER"), id=id)], store_user_data=True).to_disk(
            tmp_path / f"{name}.spacy"
        )
    done = review_merge([tmp_path / "ann.spacy", tmp_path / "bob.spacy"], resamples=0)
    assert len(done.docs) == 2
    assert any("1 texts are in several sets" in note for note in done.notes)


def test_merge_names_sets_apart():
    assert parse_sets(["a/x.spacy", "b/x.spacy", "eve=c.spacy"]) == {
        "a/x.spacy": "a/x.spacy",
        "b/x.spacy": "b/x.spacy",
        "eve": "c.spacy",
    }
    with pytest.raises(UserError, match="E747"):
        parse_sets(["x.spacy", "x=y.spacy"])


def test_merge_refuses_what_is_no_set(tmp_path):
    for word in ("=x.spacy", "x=", " =x.spacy", ""):
        with pytest.raises(UserError, match="E798"):
            parse_sets([word])
    with pytest.raises(UserError, match="E799"):
        parse_sets(["a.spacy", "./a.spacy"])
    there = tmp_path / "a=b.spacy"
    there.touch()
    assert parse_sets([str(there)]) == {"a=b": str(there)}


def test_merge_offers_the_policies_that_it_takes(tmp_path):
    DocBin(docs=[make_doc(PEOPLE)], store_user_data=True).to_disk(tmp_path / "ann.spacy")
    with pytest.raises(UserError, match=r"E658.*majority, union, intersection;"):
        review_merge([tmp_path / "ann.spacy"], policy="most")
