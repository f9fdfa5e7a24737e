"""Demonstrations: read from files, chosen by likeness, and never the text itself."""

import pickle

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus.annotated_labels import set_annotated_labels
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.prompting.demonstrations import (
    IN_PART,
    Demonstration,
    FixedDemonstrations,
    SimilarDemonstrations,
    read_demonstrations,
)
from spacy_ner_plus.spans import CharSpan

NLP = spacy.blank("en")
TEXTS = [
    "Ajax beat Inter 2-0 on Friday.",
    "Oil prices rose in London.",
    "Inter lost to Ajax in the cup.",
    "The minister visited Oslo.",
    "Shares fell in London after oil prices rose.",
]
EXAMPLES = [Demonstration(text) for text in TEXTS]
KINDS = (FixedDemonstrations, SimilarDemonstrations)


def test_demonstrations_from_jsonl(tmp_path):
    path = tmp_path / "examples.jsonl"
    lines = [
        '{"text": "Bo left Rome.", "spans": [[8, 12, "LOC"], {"start": 0, "end": 2, "label": "PER"}]}',
        "",
        '{"text": "Nobody.", "entities": []}',
    ]
    path.write_text("\n".join(lines), encoding="utf8")
    assert read_demonstrations(path) == [
        Demonstration("Bo left Rome.", (CharSpan(0, 2, "PER"), CharSpan(8, 12, "LOC"))),
        Demonstration("Nobody."),
    ]


@pytest.mark.parametrize("name", ["examples.spacy", "shards/1.spacy"])
def test_demonstrations_from_docs(tmp_path, name):
    doc = NLP("Bo left Rome.")
    doc.set_ents([Span(doc, 0, 1, "PER")])
    bare = NLP("Nobody said so.")
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    DocBin(docs=[doc, bare]).to_disk(path)
    issues = IssueLog()
    found = read_demonstrations(path if name == "examples.spacy" else path.parent, NLP.vocab, issues=issues)
    assert found == [Demonstration("Bo left Rome.", (CharSpan(0, 2, "PER"),))]
    assert issues["example without annotation"] == 1


def test_demonstrations_that_are_annotated_in_part_are_left_out(tmp_path):
    """Else a prompt would say that there is nothing where nobody looked."""
    whole = Doc(NLP.vocab, words=["Bo", "left", "\n"], ents=["B-PER", "O", ""])
    partly = Doc(NLP.vocab, words=["Bo", "Lee", "left"], ents=["B-PER", "", "O"])
    some = Doc(NLP.vocab, words=["Bo", "fled", "Rome"], ents=["B-PER", "O", "O"])
    set_annotated_labels(some, ["PER"])
    DocBin(docs=[whole, partly, some], store_user_data=True).to_disk(tmp_path / "examples.spacy")
    for labels, left in ((None, 1), (["PER"], 1), (["LOC", "PER"], 2)):
        issues = IssueLog()
        with pytest.warns(UserWarning, match=rf"W958.*examples\.spacy.*{left}"):
            found = read_demonstrations(tmp_path / "examples.spacy", NLP.vocab, labels=labels, issues=issues)
        assert [example.text for example in found] == [doc.text for doc in (whole, some)[: 3 - left]]
        assert dict(issues).keys() == {IN_PART}
        assert issues[IN_PART] == left


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "Bo"}', "a list of `spans`"),
        ('{"spans": []}', "it needs a `text`"),
        ('["Bo"]', "it needs a `text`"),
        ('{"text": "Bo", "spans": [[0, 3, "PER"]]}', "outside of its text of 2 characters"),
        ('{"text": "Bo", "spans": [[0, 2]]}', "is no span"),
        ('{"text": "Bo", "spans": [[0, "2", "PER"]]}', "is no span with start, end and label"),
        ('{"text": "Bo Lee", "spans": [[0, 4, "PER"], [3, 6, "PER"]]}', "overlap"),
    ],
)
def test_demonstrations_wrong_record_is_named(tmp_path, line, reason):
    path = tmp_path / "examples.jsonl"
    path.write_text(f'{{"text": "Fine", "spans": []}}\n{line}\n', encoding="utf8")
    with pytest.raises(UserError, match=r"E291.*examples\.jsonl:2") as error:
        read_demonstrations(path)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.jsonl", b"{", "E290"),
        ("a.jsonl", b'{"text": "Bo", "spans": [], "spans": []}', "E290"),
        ("a.jsonl", b"\xff", "E290"),
        ("b.jsonl", None, "E290"),
        ("a.spacy", b"no", "E125"),
        ("b.spacy", None, "E301"),
    ],
)
def test_demonstrations_broken_file_is_refused(tmp_path, name, content, code):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=code):
        read_demonstrations(path)


def test_demonstrations_none_are_refused(tmp_path):
    DocBin(docs=[Doc(NLP.vocab, words=["Rome"])]).to_disk(tmp_path / "a.spacy")
    with pytest.raises(UserError, match="E292"):
        read_demonstrations(tmp_path / "a.spacy")


@pytest.mark.parametrize("kind", KINDS)
def test_demonstrations_under_one_are_refused(kind):
    with pytest.raises(UserError, match="E295"):
        kind(EXAMPLES, 0)


def test_demonstrations_fixed_are_the_first():
    assert FixedDemonstrations(EXAMPLES, 2).select("Anything") == EXAMPLES[:2]
    assert FixedDemonstrations(EXAMPLES).select("Anything") == EXAMPLES


def test_demonstrations_similar_are_the_most_alike_and_the_most_alike_is_last():
    chosen = SimilarDemonstrations(EXAMPLES, 2).select("Ajax and Inter met in the cup on Friday.")
    assert {example.text for example in chosen} == {TEXTS[0], TEXTS[2]}
    chosen = SimilarDemonstrations(EXAMPLES, 2).select("Oil prices fell in London.")
    assert [example.text for example in chosen][-1] == TEXTS[1]


def test_demonstrations_similar_ignore_case():
    (chosen,) = SimilarDemonstrations(EXAMPLES, 1).select("THE MINISTER LEFT OSLO")
    assert chosen.text == TEXTS[3]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", [TEXTS[0], TEXTS[0].upper(), TEXTS[0].replace(" ", "\n  ")])
def test_demonstrations_are_never_the_text_itself(kind, text):
    chosen = kind([*EXAMPLES, Demonstration(TEXTS[0] + " ")], 10).select(text)
    assert TEXTS[0] not in {example.text.strip() for example in chosen}
    assert len(chosen) == 4


def test_demonstrations_same_texts_are_chosen_once():
    assert len(SimilarDemonstrations([*EXAMPLES, *EXAMPLES], 10).select("Oil")) == len(EXAMPLES)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("texts", [[], [""], ["!"], ["..."]])
def test_demonstrations_may_have_no_words(kind, texts):
    chosen = kind([Demonstration(text) for text in texts], 2).select("Rome")
    assert [example.text for example in chosen] == texts


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(), max_size=6), st.text(), st.integers(1, 4))
def test_demonstrations_similar_take_any_text(texts, text, k):
    chosen = SimilarDemonstrations([Demonstration(own) for own in texts], k).select(text)
    assert len(chosen) <= k
    assert text not in {example.text for example in chosen}


def test_demonstrations_copies_make_their_own_index():
    one = SimilarDemonstrations(EXAMPLES, 2)
    expected = one.select("Oil in London")
    data = pickle.dumps(one)
    assert b"sklearn" not in data
    assert pickle.loads(data).select("Oil in London") == expected
