import pytest
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.review.gold_review import NOT_GOLD, check_reviewer, gold_review


@pytest.fixture
def corpora(nlp, tmp_path):
    """Three texts as a pipeline and as a person annotates them."""
    words = [["😀", "Ann", "in", "Oslo"], ["Bo", "left"], ["nobody"]]
    tags = {
        "predicted": [["O", "B-PER", "O", "O"], ["B-LOC", "O"], ["B-PER"]],
        "gold": [["O", "B-PER", "O", "B-LOC"], ["B-PER", "O"], ["O"]],
    }
    paths = {}
    for name, rows in tags.items():
        docs = [Doc(nlp.vocab, words=text, ents=row) for text, row in zip(words, rows, strict=True)]
        paths[name] = tmp_path / f"{name}.spacy"
        DocBin(docs=docs).to_disk(paths[name])
    return paths


def entities(reviewed):
    return [[(ent.text, ent.label_) for ent in doc.ents] for doc in reviewed.docs]


def test_gold_review_stands_for_a_person(corpora, tmp_path):
    reviewed = gold_review(
        corpora["predicted"], corpora["gold"], tmp_path / "reviewed.spacy", labels=["PER", "LOC"], limit=2
    )
    assert entities(reviewed) == [[("Ann", "PER"), ("Oslo", "LOC")], [("Bo", "PER")], []]
    assert [doc.has_annotation("ENT_IOB") for doc in reviewed.docs] == [True, True, False]
    assert (tmp_path / "tasks.jsonl").is_file()


def test_gold_review_goes_through_a_tool_in_a_project_of_its_own(corpora, tmp_path, label_studio_server):
    stub, url = label_studio_server
    for _ in range(2):
        reviewed = gold_review(
            corpora["predicted"],
            corpora["gold"],
            tmp_path / "reviewed.spacy",
            reviewer="label-studio",
            labels=["PER", "LOC"],
            limit=2,
            options={"url": url},
        )
        assert entities(reviewed) == [[("Ann", "PER"), ("Oslo", "LOC")], [("Bo", "PER")], []]
    assert [len(task["annotations"]) for task in stub.tasks.values()] == [1, 1, 1, 1]
    assert len(stub.projects) == 2


def test_gold_review_answers_nothing_that_gold_leaves_open(corpora, nlp, tmp_path, label_studio_server):
    """A gold corpus with a document in part and one not at all annotated."""
    words = [["😀", "Ann", "in", "Oslo"], ["Bo", "left"], ["nobody"]]
    docs = [Doc(nlp.vocab, words=text) for text in words]
    docs[0].set_ents([docs[0].char_span(2, 5, "PER")], missing=[docs[0][3:4]], default="outside")
    docs[2].set_ents([], default="outside")
    DocBin(docs=docs).to_disk(corpora["gold"])
    _, url = label_studio_server
    for about in ({}, {"reviewer": "label-studio", "options": {"url": url}}):
        issues = IssueLog()
        target = tmp_path / f"reviewed{len(about)}.spacy"
        reviewed = gold_review(
            corpora["predicted"], corpora["gold"], target, labels=["PER", "LOC"], issues=issues, **about
        )
        assert [doc.has_annotation("ENT_IOB") for doc in reviewed.docs] == [False, False, True]
        assert issues[NOT_GOLD] == 2


def test_gold_review_overwrites_nobodys_answers(corpora, tmp_path):
    (tmp_path / "answers.jsonl").write_text("work of hours")
    with pytest.raises(UserError, match=r"E742.*answers\.jsonl"):
        gold_review(corpora["predicted"], corpora["gold"], tmp_path / "reviewed.spacy")
    assert (tmp_path / "answers.jsonl").read_text() == "work of hours"


def test_gold_review_refuses_texts_that_gold_lacks(corpora, nlp, tmp_path):
    path = tmp_path / "others.spacy"
    DocBin(docs=[Doc(nlp.vocab, words=["elsewhere"], ents=["B-PER"])]).to_disk(path)
    with pytest.raises(UserError, match=r"E786.*tasks\.jsonl:1.*elsewhere"):
        gold_review(path, corpora["gold"], tmp_path / "reviewed.spacy")
    assert not (tmp_path / "reviewed.spacy").exists()


def test_check_reviewer_finds_out_what_cant_review(monkeypatch):
    check_reviewer("file", "any")
    with pytest.raises(UserError, match=r"E724.*doccano"):
        check_reviewer("doccano", "tasks.jsonl")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "0" * 40)
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9"):
        check_reviewer("label-studio", "any")
