"""Files all the way: pushed, annotated by two people as doccano would have it, and pulled."""

import json

import pytest
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.annotation.review.pull import UNASKED, UNSAID
from spacy_ner_plus.corpus import load_docs
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.review.pull import review_pull
from spacy_ner_plus.workflows.review.push import NO_TEXT, review_push
from spacy_ner_plus.workflows.review.suggest import review_suggest
from tests.annotation.review.docs import EMOJI, NLP, NONE, PEOPLE, ents, make_doc, write_corpus


def export(folder, people):
    """Write each person's rows, with these labels of the first text."""
    rows = [json.loads(line) for line in (folder / "tasks.jsonl").read_text(encoding="utf8").splitlines()]
    (folder / "export").mkdir()
    for name, spans in people.items():
        kept = [{"id": i, **row, "Comments": []} for i, row in enumerate(rows) if row["text"] not in (NONE,)]
        for row in kept:
            row["label"] = spans if row["text"] == PEOPLE else row["label"]
        lines = "".join(json.dumps(row) + "\n" for row in kept)
        (folder / "export" / f"{name}.jsonl").write_text(lines, encoding="utf8")


@pytest.fixture
def reviewed(tmp_path):
    write_corpus(tmp_path / "weak.spacy")
    pushed = review_push(tmp_path / "weak.spacy", str(tmp_path / "tasks.jsonl"), tool="doccano")
    assert pushed.sent == 3
    export(
        tmp_path,
        {"ann": [[0, 7, "PER"], [12, 15, "PER"]], "bob": [[0, 7, "PER"], [19, 23, "LOC"]]},
    )
    return tmp_path


def test_pull_writes_gold_and_leaves_conflicts_and_the_rest_missing(reviewed):
    found = review_pull(
        reviewed / "weak.spacy",
        str(reviewed / "export"),
        reviewed / "gold.spacy",
        tool="doccano",
        each=reviewed / "each.spacy",
        resamples=0,
    )
    assert (found.reviewed, len(found.docs)) == (2, 3)
    docs = load_docs(reviewed / "gold.spacy", NLP.vocab)
    assert ents(docs[0]) == [("Ann Lee", "PER")]
    assert [token.text for token in docs[0] if token.ent_iob == 0] == ["Bob", "Oslo"]
    assert len(docs[1].ents) == 2
    assert not docs[2].has_annotation("ENT_IOB")
    each = load_docs(reviewed / "each.spacy", NLP.vocab)
    assert sorted(record_of(doc)["annotator"] for doc in each) == ["ann", "ann", "bob", "bob"]
    report = json.loads((reviewed / "gold.spacy.report.json").read_text())
    assert report["policy"] == "majority"
    assert report["labels"]["ORG"]["rate"] == 0
    assert report["agreement"]["pairs"][0]["documents"] == 2
    union = review_pull(
        reviewed / "weak.spacy", str(reviewed / "export"), tool="doccano", policy="union", resamples=0
    )
    assert len(union.docs[0].ents) == 3


def test_pull_writes_nothing_where_it_fails(reviewed):
    gold = reviewed / "gold.spacy"
    with pytest.raises(UserError, match="E745"):
        review_pull(
            reviewed / "weak.spacy", str(reviewed / "export"), gold, tool="doccano", policy="weighted"
        )
    with pytest.raises(UserError, match="E101"):
        review_pull(reviewed / "weak.spacy", str(reviewed / "nowhere"), gold, tool="doccano")
    with pytest.raises(UserError, match="E320"):
        review_pull(
            reviewed / "weak.spacy", str(reviewed / "export"), reviewed / "weak.spacy", tool="doccano"
        )
    assert not gold.exists()
    # Nor is what people did overwritten, or the labels.
    work = reviewed / "export" / "ann.jsonl"
    before = work.read_bytes()
    with pytest.raises(UserError, match=r"E320.*the project"):
        review_pull(reviewed / "weak.spacy", str(work), gold, tool="doccano", report=work)
    names = reviewed / "names.json"
    names.write_text('{"PER": "People."}')
    with pytest.raises(UserError, match=r"E320.*the labels"):
        review_pull(reviewed / "weak.spacy", str(work), gold, tool="doccano", labels=names, report=names)
    assert work.read_bytes() == before


def test_pull_keeps_sentences_and_that_spaces_are_unknown(tmp_path):
    """Of tokens alone, such as CoNLL's, a Doc of training has the same tokens only where its spaces are unknown."""
    words = ["Ann", "left", ".", "Bob", "stayed", "in", "U.S.-based", "firms", "."]
    starts = [True, False, False, True, False, False, False, False, False]
    docs = [Doc(NLP.vocab, words=words[:count], sent_starts=starts[:count]) for count in (9, 3)]
    docs[0].set_ents([Span(docs[0], 0, 1, "PER")], default="outside")
    DocBin(docs=docs).to_disk(tmp_path / "weak.spacy")
    review_push(tmp_path / "weak.spacy", str(tmp_path / "tasks.jsonl"), tool="doccano")
    lines = (tmp_path / "tasks.jsonl").read_text(encoding="utf8").splitlines()
    row = next(row for row in map(json.loads, lines) if row["label"])
    (tmp_path / "export").mkdir()
    for name, spans in {"ann": [[0, 3, "PER"]], "bob": [[0, 3, "PER"], [25, 29, "PER"]]}.items():
        line = json.dumps({"id": 1, **row, "label": spans, "Comments": []})
        (tmp_path / "export" / f"{name}.jsonl").write_text(line)
    review_pull(
        tmp_path / "weak.spacy",
        str(tmp_path / "export"),
        tmp_path / "gold.spacy",
        tool="doccano",
        resamples=0,
    )
    golds = load_docs(tmp_path / "gold.spacy", NLP.vocab)
    assert [doc.has_unknown_spaces for doc in golds] == [True, True]
    assert [len(list(doc.sents)) for doc in golds] == [2, 1]
    assert [token.text for token in golds[0]] == [*words[:6], "U.S.", "-based", *words[7:]]


def test_pull_of_some_labels_leaves_the_others_unknown(reviewed):
    found = review_pull(
        reviewed / "weak.spacy", str(reviewed / "export"), tool="doccano", labels=["PER"], resamples=0
    )
    assert [annotated_labels(doc) for doc in found.docs] == [{"PER"}, {"PER"}, None]
    assert set(found.report["labels"]) == {"PER"}


def test_pull_onto_gold_changes_only_what_people_submitted(reviewed):
    found = review_pull(
        reviewed / "weak.spacy",
        str(reviewed / "export"),
        reviewed / "gold.spacy",
        tool="doccano",
        keep_unreviewed=True,
        resamples=0,
    )
    assert found.reviewed == 2
    weak, gold = (load_docs(reviewed / name, NLP.vocab) for name in ("weak.spacy", "gold.spacy"))
    assert ents(gold[0]) != ents(weak[0])
    assert [token.ent_iob_ for token in gold[2]] == [token.ent_iob_ for token in weak[2]]
    assert gold[2].has_annotation("ENT_IOB")
    assert found.issues[UNASKED] == 0


def test_pull_onto_gold_counts_entities_of_labels_that_people_could_not_choose(reviewed):
    found = review_pull(
        reviewed / "weak.spacy",
        str(reviewed / "export"),
        tool="doccano",
        labels=["PER"],
        keep_unreviewed=True,
        resamples=0,
    )
    # Bob as ORG, Oslo, Lund.
    assert found.issues[UNASKED] == 3


def test_pull_onto_gold_counts_what_a_submission_of_a_part_takes_away(reviewed):
    rows = [json.loads(line) for line in (reviewed / "tasks.jsonl").read_text(encoding="utf8").splitlines()]
    row = next(row for row in rows if row["text"] == PEOPLE)
    part = {"id": 1, **row, "text": "Ann Lee met Bob", "label": [[12, 15, "PER"]], "Comments": []}
    (reviewed / "eve.jsonl").write_text(json.dumps(part), encoding="utf8")
    found = review_pull(
        reviewed / "weak.spacy",
        str(reviewed / "eve.jsonl"),
        tool="doccano",
        keep_unreviewed=True,
        resamples=0,
    )
    assert ents(found.docs[0]) == [("Bob", "PER")]
    # Oslo.
    assert found.issues[UNSAID] == 1


def test_pull_takes_no_empty_text_as_reviewed(reviewed):
    docs = [*load_docs(reviewed / "weak.spacy", NLP.vocab), Doc(NLP.vocab)]
    found = review_pull(docs, str(reviewed / "export"), tool="doccano", resamples=0)
    assert (found.reviewed, len(found.docs)) == (2, 4)
    pushed = review_push(docs, str(reviewed / "again.jsonl"), tool="doccano")
    assert (pushed.sent, pushed.issues[NO_TEXT]) == (3, 1)


def test_pull_refuses_to_write_a_corpus_that_nobody_annotated(reviewed):
    gold = reviewed / "gold.spacy"
    review_pull(reviewed / "weak.spacy", str(reviewed / "export"), gold, tool="doccano", resamples=0)
    before = gold.read_bytes()
    (reviewed / "none.jsonl").write_text("[]")
    with pytest.raises(UserError, match="E827"):
        review_pull(reviewed / "weak.spacy", str(reviewed / "none.jsonl"), gold, tool="doccano")
    assert gold.read_bytes() == before


def test_pull_of_suggestions_changes_the_text_that_they_are_about(tmp_path):
    """Of two equal ones it is the second."""
    lund = make_doc(EMOJI, ("Lund", "ORG"))
    docs = [*(make_doc(PEOPLE, ("Bob", label)) for label in ("PER", "ORG")), lund]
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "gold.spacy")
    DocBin(docs=[*[make_doc(PEOPLE, ("Bob", "PER"))] * 2, lund], store_user_data=True).to_disk(
        tmp_path / "found.spacy"
    )
    review_suggest(
        tmp_path / "gold.spacy", tmp_path / "suspicious.spacy", predictions=tmp_path / "found.spacy"
    )
    review_push(tmp_path / "suspicious.spacy", str(tmp_path / "tasks.jsonl"), tool="doccano")
    row = json.loads((tmp_path / "tasks.jsonl").read_text(encoding="utf8"))
    row = {"id": 1, **row, "label": [[12, 15, "PER"]], "Comments": []}
    (tmp_path / "ann.jsonl").write_text(json.dumps(row), encoding="utf8")
    found = review_pull(
        tmp_path / "gold.spacy",
        str(tmp_path / "ann.jsonl"),
        tool="doccano",
        keep_unreviewed=True,
        resamples=0,
    )
    assert [ents(doc) for doc in found.docs] == [[("Bob", "PER")], [("Bob", "PER")], [("Lund", "ORG")]]
    assert found.reviewed == 1
    assert found.report["changes"]["total"] == 1


@pytest.mark.parametrize("tool", ["label-studio", "argilla"])
def test_pull_tells_an_export_from_the_name_of_a_project(reviewed, tool):
    export = reviewed / "export.json"
    export.write_text("[]")
    with pytest.raises(UserError, match=r"E829.*convert .*export\.json"):
        review_pull(reviewed / "weak.spacy", str(export), tool=tool)


def test_pull_takes_a_project_whose_name_a_file_has_by_chance(reviewed, monkeypatch):
    (reviewed / "news").touch()
    monkeypatch.chdir(reviewed)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "key")
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9"):
        review_pull("weak.spacy", "news", tool="label-studio", options={"url": "http://127.0.0.1:9"})
