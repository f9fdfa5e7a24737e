"""spaCy's IOB files, with words and tags between pipes."""

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.training.converters import iob_to_docs

from spacy_ner_plus.data.formats.conll.iob import IOB, IobOptions
from spacy_ner_plus.data.formats.format import CERTAIN, Reading
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import TokenSpan, doc_to_tags, spans_to_tags

NLP = spacy.blank("en")


@pytest.fixture
def read(tmp_path):
    def read(text, issues=None, notes=None, **options):
        path = tmp_path / "f.iob"
        path.write_text(text, encoding="utf8")
        issues = IssueLog() if issues is None else issues
        reading = Reading(NLP, IobOptions(**options), issues, [] if notes is None else notes)
        return [record.doc for record in IOB.read(Source(str(path)), reading)]

    return read


def ents(docs):
    return [(ent.text, ent.label_) for doc in docs for ent in doc.ents]


ROSA = [("Rosa Quint", "PER"), ("Lund", "LOC"), ("Lund", "LOC")]


@pytest.mark.parametrize(
    "text",
    [
        "Rosa|I-PER Quint|I-PER left|O Lund|I-LOC\nShe|O likes|O Lund|I-LOC\n",
        "Rosa|NNP|B-PER Quint|NNP|I-PER left|VBD|O Lund|NNP|B-LOC\nShe|PRP|O likes|VBZ|O Lund|NNP|B-LOC\n",
        "Rosa|B-PER\nQuint|I-PER\nleft|O\nLund|B-LOC\n\nShe|O\nlikes|O\nLund|B-LOC\n",
        "\ufeffRosa|B-PER Quint|I-PER left|O Lund|B-LOC\r\n\r\nShe|O likes|O Lund|B-LOC \r\n",
        "Rosa|PER-B Quint|PER-I left|0 Lund|LOC-B\nShe|0 likes|0 Lund|LOC-B\n",
        "Rosa|PER Quint|PER left|O Lund|LOC\nShe|O likes|O Lund|LOC\n",
        "-DOCSTART-|O\n\nRosa|B-PER Quint|I-PER left|O Lund|B-LOC\n\nShe|O likes|O Lund|B-LOC\n",
    ],
)
def test_iob_reads_two_and_three_fields_and_either_way_of_lines(read, text):
    issues = IssueLog()
    docs = read(text, issues)
    assert ents(docs) == ROSA
    assert not issues.kinds
    assert [len(list(doc.sents)) for doc in docs] == [1, 1]


def test_iob_reads_words_that_hold_pipes(read):
    (doc,) = read("a|b|O ||O Rosa|B-PER |||O left|O\n")
    assert [token.text for token in doc] == ["a|b", "|", "Rosa", "||", "left"]
    (doc,) = read("a|b|NN|O ||SYM|O Rosa|NNP|B-PER left|VBD|O\n")
    assert [token.text for token in doc] == ["a|b", "|", "Rosa", "left"]


def test_iob_takes_empty_lines_between_sentences_of_a_line_for_documents(read):
    docs = read("Rosa|B-PER left|O\nShe|O left|O\n\nLund|B-LOC\n")
    assert [len(list(doc.sents)) for doc in docs] == [2, 1]


def test_iob_reads_nested_tags_in_the_middle(read):
    (doc,) = read("Uni|O|B-ORG Lund|B-LOC|I-ORG ist|O|O\n")
    assert sorted((span.text, span.label_) for span in doc.spans["sc"]) == [
        ("Lund", "LOC"),
        ("Uni Lund", "ORG"),
    ]


def test_iob_makes_what_it_cannot_read_missing_and_counts_it(read):
    issues = IssueLog()
    (doc,) = read("Rosa|B-PER left|O New York|B-LOC was|X Lund|B-LOC and|O more|O\n", issues)
    assert [token.text for token in doc if not token.ent_iob] == ["New", "was"]
    assert issues["token without a tag"] == 1
    assert issues["invalid tag"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Rosa B-PER\nleft O\n", "no IOB file"),
        ("Rosa|NNP left|VBD\n", "'NNP' behind 'Rosa' is no tag"),
        ("Rosa|rosa|NNP|B-PER left|leave|VBD|O\n", "no IOB file"),
        ("Rosa|B left|O\n", "--option label=NAME"),
    ],
)
def test_iob_refuses_what_it_cannot_read(read, text, message):
    with pytest.raises(UserError, match=message):
        read(text)


@pytest.mark.parametrize(
    ("text", "confidence"),
    [
        ("Rosa|I-PER left|O\n", CERTAIN),
        ("Rosa|NNP|I-PER\nleft|VBD|O\n", CERTAIN),
        ("Rosa\tB-PER|B-ARTIST\nleft\tO\n", None),
        ("Rosa B-PER\nleft O\n", None),
        ("| a | b |\n|---|---|\n| c | d |\n", None),
        ("id|text|label\n1|Rosa left|PER\n", None),
        ('{"text": "a|b"}\n', None),
    ],
)
def test_iob_knows_its_files(tmp_path, text, confidence):
    path = tmp_path / "f.txt"
    path.write_text(text, encoding="utf8")
    sniff = IOB.sniff(Source(str(path)))
    assert (sniff and sniff.confidence) == confidence


def test_iob_writer_says_what_a_cell_cannot_hold(tmp_path):
    issues = IssueLog()
    doc = Doc(NLP.vocab, words=["New York", " ", "is"], ents=["B-a b", "O", "O"])
    IOB.write([doc], tmp_path / "f.iob", IobOptions(), issues)
    assert (tmp_path / "f.iob").read_text(encoding="utf8") == "\nNew_York|-|B-a_b is|-|O\n"
    assert {kind: issue.count for kind, issue in issues} == {
        "token of white space": 1,
        "space in a token, written as _": 1,
        "space in a label, written as _": 1,
    }


def test_iob_files_are_read_by_spacy(tmp_path):
    words = ["Rosa", "Quint", "left", "Lund"]
    doc = Doc(
        NLP.vocab, words=words, ents=["B-PER", "I-PER", "O", "B-LOC"], tags=["NNP", "NNP", "VBD", "NNP"]
    )
    IOB.write([doc, doc], tmp_path / "f.iob", IobOptions(), IssueLog())
    (spacys,) = iob_to_docs((tmp_path / "f.iob").read_text(encoding="utf8"), no_print=True)
    assert ents([spacys]) == [("Rosa Quint", "PER"), ("Lund", "LOC")] * 2
    assert [token.tag_ for token in spacys][:4] == ["NNP", "NNP", "VBD", "NNP"]


WORDS = st.text(st.sampled_from("|a-.é🙂\u00a0"), min_size=1, max_size=4).filter(
    lambda word: not word.isspace()
)


@st.composite
def corpora(draw):
    docs = []
    for _ in range(draw(st.integers(1, 3))):
        words, tags, starts = [], [], []
        for _ in range(draw(st.integers(1, 3))):
            # Sentences of one token each read as tokens of one sentence.
            length = draw(st.integers(2, 5))
            spans, at = [], 0
            while at < length:
                end = min(length, at + draw(st.integers(1, 3)))
                if draw(st.booleans()):
                    spans.append(TokenSpan(at, end, draw(st.sampled_from(["PER", "B-ORG"]))))
                at = end
            missing = draw(st.integers(0, 8))
            sentence = spans_to_tags(spans, length)
            tags += ["" if tag == "O" and i == missing else tag for i, tag in enumerate(sentence)]
            # Four fields everywhere are none of spaCy's.
            words += ["a", *(draw(WORDS) for _ in range(length - 1))]
            starts += [True] + [False] * (length - 1)
        docs.append(Doc(NLP.vocab, words=words, ents=tags, sent_starts=starts))
    return docs


@settings(max_examples=60, deadline=None)
@given(corpora())
def test_iob_round_trip_keeps_tokens_tags_sentences_and_documents(tmp_path_factory, docs):
    path = tmp_path_factory.getbasetemp() / "round.iob"
    issues = IssueLog()
    IOB.write(docs, path, IobOptions(), issues)
    again = [record.doc for record in IOB.read(Source(str(path)), Reading(NLP, IobOptions(), issues, []))]
    assert [[token.text for token in doc] for doc in again] == [[token.text for token in doc] for doc in docs]
    assert [doc_to_tags(doc) for doc in again] == [doc_to_tags(doc) for doc in docs]
    assert [[token.is_sent_start for token in doc] for doc in again] == [
        [token.is_sent_start for token in doc] for doc in docs
    ]
    assert not issues.kinds
