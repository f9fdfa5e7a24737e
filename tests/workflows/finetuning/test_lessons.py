import json

import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_ner_plus.annotated_labels import set_annotated_labels
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.llm.formats import FORMATS, get_format
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.workflows.finetuning.lessons import (
    EMPTY,
    OTHER_LABEL,
    PARTLY,
    SOME_LABELS,
    dev_chats,
    dev_lessons,
    lessons,
)


@pytest.fixture
def docs():
    vocab = spacy.blank("en").vocab
    first = Doc(vocab, words=["Ann", "met", "Bob", "in", "Rome"], ents=["B-PER", "O", "B-PER", "O", "B-LOC"])
    second = Doc(vocab, words=["Nothing", "here"], ents=["O", "O"])
    return [first, second]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_lessons_of_all_formats_are_read_as_they_were_written(docs, name):
    prompter = Prompter(get_format(name), load_labels(["LOC", "PER"]))
    left_out = IssueLog()
    chats = lessons(prompter, docs, left_out)
    dev = dev_lessons(prompter, docs, left_out)
    assert dev.chats == [chat[:-1] for chat in chats]
    assert dev.score([chat[-1]["content"] for chat in chats]) == 1
    assert dev.score(["?" * 400 for _ in chats]) == 0
    assert not len(left_out)
    # What a run asks first.
    for doc, start in zip(docs, (0, len(chats) // 2), strict=True):
        requests = prompter.requests(doc.text)
        assert requests[0].messages == chats[start][:-1]


def test_lessons_leave_out_what_isnt_known(docs):
    docs[1].set_ents([Span(docs[1], 0, 1, label="MISC")], default="missing")
    left_out = IssueLog()
    chats = lessons(Prompter(get_format("label_lists"), load_labels(["PER"])), docs, left_out)
    assert json.loads(chats[0][-1]["content"]) == {"PER": ["Ann", "Bob"]}
    assert {kind: issue.count for kind, issue in left_out} == {OTHER_LABEL.format(label="LOC"): 1, PARTLY: 1}


def test_lessons_leave_out_documents_of_which_not_all_is_known(docs):
    """What wasn't looked for isn't nothing."""
    vocab = docs[0].vocab
    set_annotated_labels(docs[1], ["PER"])
    docs += [Doc(vocab), Doc(vocab, words=["\n"], spaces=[False], ents=["O"])]
    prompter = Prompter(get_format("label_lists"), load_labels(["LOC", "PER"]))
    for found in (lessons, dev_lessons):
        left_out = IssueLog()
        found(prompter, docs, left_out)
        assert {kind: issue.count for kind, issue in left_out} == {SOME_LABELS: 1, EMPTY: 2}
    assert len(lessons(prompter, docs, IssueLog())) == 1
    per = Prompter(get_format("label_lists"), load_labels(["PER"]))
    assert len(lessons(per, docs, IssueLog())) == 2


def test_dev_lessons_without_anything_to_find_are_refused(docs):
    prompter = Prompter(get_format("label_lists"), load_labels(["ORG"]))
    for given in (docs, docs[1:], []):
        with pytest.raises(UserError, match=r"E937.*ORG"):
            dev_lessons(prompter, given, IssueLog())


def test_dev_lessons_score_what_was_asked(docs):
    prompter = Prompter(get_format("label_lists"), load_labels(["PER"]))
    left_out = IssueLog()
    dev = dev_lessons(prompter, [docs[0], docs[0]], left_out)
    assert dev.metric == "strict F1"
    assert {kind: issue.count for kind, issue in left_out} == {OTHER_LABEL.format(label="LOC"): 2}
    right = json.dumps({"PER": ["Ann", "Bob"]})
    assert dev.score([right, "nothing"]) == pytest.approx(2 / 3)
    # Too long to be asked about.
    assert dev.score([right, None]) == 1


def test_dev_chats_score_what_was_asked():
    asked = {"role": "user", "content": "Who?"}
    chats = [[asked, {"role": "assistant", "content": name}] for name in ("Ann", "Bob", " ")]
    left_out = IssueLog()
    dev = dev_chats([*chats, [asked], []], left_out)
    assert len(left_out) == 3
    assert dev.chats == [[asked], [asked]]
    assert dev.score([" Ann", "Rob"]) == 0.5
    assert dev.score([None, "Bob"]) == 1
    assert "F1" not in dev.metric
    with pytest.raises(UserError, match="E937"):
        dev_chats(chats[2:], IssueLog())
