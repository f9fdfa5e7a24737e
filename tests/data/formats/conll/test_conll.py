"""CoNLL files that follow the rules, and files that break them."""

import contextlib
import io

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.data.formats.conll.conll import conll_to_docs, docs_to_conll
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import TokenSpan, doc_to_tags, spans_to_tags

NLP = spacy.blank("en")
FOUR_COLUMNS = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
call NN I-NP O
. . O O

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER

-DOCSTART- -X- O O

BRUSSELS NNP B-NP B-LOC
"""


def read(text, issues=None, **options):
    issues = IssueLog() if issues is None else issues
    lines = list(io.StringIO(text)) if isinstance(text, str) else text
    return list(conll_to_docs(lines, NLP, issues=issues, where="f.conll", **options))


def ents(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def words(doc):
    return [token.text for token in doc]


def test_conll_keeps_documents_sentences_and_entities():
    docs = read(FOUR_COLUMNS)
    assert [doc.text for doc in docs] == ["EU rejects German call. Peter Blackburn", "BRUSSELS"]
    assert ents(docs[0]) == [("EU", "ORG"), ("German", "MISC"), ("Peter Blackburn", "PER")]
    assert [sent.text for sent in docs[0].sents] == ["EU rejects German call.", "Peter Blackburn"]


@pytest.mark.parametrize(
    "text",
    [
        "Ann B-PER\nleft O\n",
        "Ann\tB-PER\nleft\tO\n",
        "Ann  B-PER\nleft   O\n",
        "Ann NNP B-PER\nleft VBD O\n",
        "Ann NNP\tB-PER\nleft VBD\tO\n",
        "Ann ann NNP B-NP B-PER\nleft leave VBD B-VP O\n",
        "\ufeffAnn B-PER\nleft O\n",
        "Ann B-PER\r\nleft O\r\n",
        "Ann B-PER \nleft O \n",
        "Ann\tB-PER\t\nleft\tO\t\n",
        " \t \n\nAnn B-PER\nleft O",
        "# id 17 domain=en\nAnn _ _ B-PER\nleft _ _ O\n",
        "#\thttp://example.org\t[2009-10-17]\n1\tAnn\tB-PER\tO\n2\tleft\tO\tO\n",
        "# sent_id = 1\n# text = Ann left\n1\tAnn\tB-PER\t-\t-\n2\tleft\tO\t-\t-\n",
        "1-2\tAnnleft\t_\t_\n1\tAnn\tB-PER\t_\n1.1\tthen\t_\t_\n2\tleft\tO\t_\n",
    ],
)
def test_conll_reads_every_shape_of_columns(text):
    issues = IssueLog()
    (doc,) = read(text, issues)
    assert words(doc) == ["Ann", "left"]
    assert doc_to_tags(doc) == ["B-PER", "O"]
    assert not issues.kinds


def test_conll_takes_blank_lines_with_spaces_as_sentence_ends():
    (doc,) = read("-DOCSTART- O\n\nAnn B-PER\n  \t\nBob B-PER\n")
    assert len(list(doc.sents)) == 2


@pytest.mark.parametrize("header", ["# newdoc id = 1", "#begin document (a); part 000", "-DOCSTART- -X- O O"])
def test_conll_knows_every_header(header):
    text = f"{header}\nAnn B-PER\n\nleft O\n\n{header}\nBob B-PER\n"
    assert [len(doc) for doc in read(text)] == [2, 1]


def test_conll_keeps_tokens_that_look_like_marks():
    text = "# O\n\"\tO\n#ner O\nB-PER O\n-DOC O\n' O\nO O\n".replace("\t", " ")
    (doc,) = read("Ann B-PER\n" + text)
    assert words(doc) == ["Ann", "#", '"', "#ner", "B-PER", "-DOC", "'", "O"]


def test_conll_keeps_a_token_with_a_space_between_tabs():
    (doc,) = read("New York\tB-LOC\nis\tO\n")
    assert ents(doc) == [("New York", "LOC")]


def test_conll_keeps_other_white_space_inside_tokens():
    (doc,) = read("10\u00a0000 O\na\x1cb B-X\n")
    assert words(doc) == ["10\u00a0000", "a\x1cb"]


def test_conll_tells_adjacent_entities_of_one_label_apart():
    (doc,) = read("Ann B-PER\nBob B-PER\nLee I-PER\n")
    assert ents(doc) == [("Ann", "PER"), ("Bob Lee", "PER")]


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("Ann I-PER\nLee I-PER\nBob B-PER\nleft O\n", "IOB1"),
        ("Ann B-PER\nLee I-PER\nBob B-PER\nleft O\n", "IOB2"),
        ("Ann B-PER\nLee L-PER\nBob U-PER\nleft O\n", "BILUO"),
        ("Ann B-PER\nLee E-PER\nBob S-PER\nleft O\n", "IOBES"),
    ],
)
def test_conll_detects_the_scheme_and_normalises_it(text, scheme):
    issues, notes = IssueLog(), []
    (doc,) = read(text, issues, notes=notes)
    assert doc_to_tags(doc) == ["B-PER", "I-PER", "B-PER", "O"]
    assert f"scheme {scheme}, detected" in notes[-1]
    assert not issues.kinds


def test_conll_counts_a_repair_with_its_line_where_a_file_is_mostly_iob2():
    issues = IssueLog()
    read("-DOCSTART- O\n\nAnn B-PER\nand O\nBob B-PER\nin O\nOslo I-LOC\nLee I-PER\n", issues)
    assert issues["I- that opens an entity"] == 2
    assert issues.kinds["I- that opens an entity"].where == "f.conll:7"


def test_conll_takes_a_given_scheme_at_its_word():
    issues = IssueLog()
    read("Ann I-PER\n", issues, scheme="IOB2")
    assert issues["I- that opens an entity"] == 1


def test_conll_counts_an_entity_that_biluo_never_ends():
    issues = IssueLog()
    (doc,) = read("Ann B-PER\nLee I-PER\nleft O\nBo B-PER\nLee L-PER\nEve U-PER\n", issues)
    assert doc_to_tags(doc) == ["B-PER", "I-PER", "O", "B-PER", "I-PER", "B-PER"]
    assert issues["entity without its end"] == 1


def test_conll_reads_labels_without_prefix_as_io():
    (doc,) = read("New location-GPE\nYork location-GPE\nis O\nbig O\n", scheme="IO")
    assert ents(doc) == [("New York", "location-GPE")]


@pytest.mark.parametrize("tag", ["_", "-", ""])
def test_conll_takes_missing_tags_as_missing_annotation(tag):
    (doc,) = read(f"Ann\tB-PER\nleft\tO\nBob\t{tag}\n")
    assert [token.ent_iob_ for token in doc] == ["B", "O", ""]


def test_conll_takes_one_column_as_missing_annotation():
    (doc,) = read("Ann\nleft\n")
    assert not doc.has_annotation("ENT_IOB")


def test_conll_makes_an_invalid_tag_missing_and_counts_it():
    issues = IssueLog()
    (doc,) = read("Ann B-PER\nBob PER\nleft O\n", issues)
    assert doc[1].ent_iob_ == ""
    assert issues.kinds["invalid tag"].where == "f.conll:2"


def test_conll_counts_documents_without_tokens():
    issues = IssueLog()
    docs = read("-DOCSTART- O\n\n-DOCSTART- O\n\nAnn B-PER\n\n-DOCSTART- O\n", issues)
    assert len(docs) == 1
    assert issues["empty text"] == 2


def test_conll_counts_a_line_with_a_tag_alone():
    issues = IssueLog()
    (doc,) = read("Ann\tB-PER\n\tO\nleft\tO\n", issues)
    assert words(doc) == ["Ann", "left"]
    assert issues["token without text"] == 1


def test_conll_counts_lines_with_more_columns():
    issues = IssueLog()
    (doc,) = read("Ann NNP B-PER\nleft VBD so O\n", issues)
    assert doc_to_tags(doc) == ["B-PER", "O"]
    assert issues["more columns than elsewhere"] == 1


@pytest.mark.parametrize(
    ("group", "lengths"),
    [("document", [7, 1]), ("sentence", [5, 2, 1]), (2, [7, 1]), ("2", [7, 1]), (1, [5, 2, 1])],
)
def test_conll_groups_sentences(group, lengths):
    assert [len(doc) for doc in read(FOUR_COLUMNS, group=group)] == lengths


def test_conll_makes_a_doc_of_each_sentence_where_there_are_no_documents():
    issues, notes = IssueLog(), []
    docs = read("Ann B-PER\n\nBob B-PER\n", issues, notes=notes)
    assert [doc.text for doc in docs] == ["Ann", "Bob"]
    assert "each sentence became a Doc" in notes[0]
    assert not issues.kinds


def test_conll_finds_documents_that_begin_late():
    docs = read("Ann B-PER\n\nBob B-PER\n\n-DOCSTART- O\n\nEve B-PER\n\nleft O\n")
    assert [doc.text for doc in docs] == ["Ann Bob", "Eve left"]


def test_conll_reads_a_stream_once():
    docs = read(iter(FOUR_COLUMNS.splitlines(keepends=True)))
    assert [len(doc) for doc in docs] == [7, 1]


def test_conll_takes_columns_from_the_user():
    (doc,) = read("0 Ann B-PER x\n1 left O x\n", token_column="2", tag_column=-2)
    assert doc_to_tags(doc) == ["B-PER", "O"]
    assert words(doc) == ["Ann", "left"]


def test_conll_puts_a_space_everywhere_if_told():
    (doc,) = read("Hello O\n, O\nAnn B-PER\n", restore_whitespace=False)
    assert doc.text == "Hello , Ann"


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("Ann NNP B-PER\nleft\n", {}, "f.conll:2: the line has 1 column"),
        ("Ann B-PER\n", {"tag_column": 7}, "no column 7"),
        ("Ann B-PER\n", {"tag_column": 0}, "no column 0"),
        ("Ann B-PER\n", {"tag_column": "ner"}, "'ner' is not a column"),
        ("Ann NNP\nleft VBD\n", {}, "column 2 holds no tags"),
        ("Ann B-PER\n", {"scheme": "IOB3"}, "no scheme 'IOB3'"),
        ("Ann B-PER\n", {"group": "page"}, "Can't group by 'page'"),
        ("Ann B-PER\n", {"group": "0"}, "Can't group by '0'"),
        ("", {}, "holds no tokens"),
        ("-DOCSTART- -X- O O\n\n", {}, "holds no tokens"),
    ],
)
def test_conll_refuses_what_cannot_be_read(text, options, message):
    with pytest.raises(UserError, match=message):
        read(text, **options)


def test_conll_writer_says_what_a_line_cannot_hold():
    issues = IssueLog()
    doc = Doc(
        NLP.vocab,
        words=["\n", "Ann", " ", "Lee", "a\tb", "-DOCSTART-"],
        spaces=[False] * 6,
        ents=["B-PER", "I-PER", "I-PER", "I-PER", "O", "O"],
        sent_starts=[True, False, False, True, False, False],
    )
    lines = "".join(docs_to_conll([doc], issues=issues)).split("\n")
    assert lines[2:6] == ["Ann\tB-PER", "Lee\tI-PER", "a b\tO", "_-DOCSTART-\tO"]
    assert issues["token of white space"] == 2
    assert issues["sentence start inside an entity"] == 1
    assert issues["line break or tab in a token"] == 1
    assert issues["token that reads as a header"] == 1


def test_conll_writer_leaves_headers_out_if_told():
    lines = list(docs_to_conll(read(FOUR_COLUMNS), docstart=False))
    assert not any("-DOCSTART-" in line for line in lines)


LABELS = st.sampled_from(["PER", "LOC", "B-ORG", "work-of-art"])
WORD = st.one_of(
    st.sampled_from(
        ["#", '"', "B-PER", "O", "_", "-", "'s", "(", ")", ",", ".", "1", "-X-", "#x", "é🙂", "שלום"]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"]), min_size=1, max_size=6).filter(
        lambda word: not word.isspace() and word.strip("\ufeff\u200b\u200e\u200f")
    ),
)


@st.composite
def corpora(draw):
    """Docs with adjacent entities of one label, long ones, missing annotation and unknown spaces."""
    docs = []
    for _ in range(draw(st.integers(1, 3))):
        tokens, tags, starts = [], [], []
        for _ in range(draw(st.integers(1, 3))):
            length = draw(st.integers(1, 12))
            spans, at = [], 0
            while at < length:
                end = min(length, at + draw(st.integers(1, 12)))
                if draw(st.booleans()):
                    spans.append(TokenSpan(at, end, draw(LABELS)))
                at = end
            sentence = spans_to_tags(spans, length)
            missing = draw(st.integers(0, 20))
            tags += ["" if tag == "O" and i == missing else tag for i, tag in enumerate(sentence)]
            tokens += [draw(WORD) for _ in range(length)]
            starts += [True] + [False] * (length - 1)
        spaces = None if draw(st.booleans()) else [draw(st.booleans()) for _ in tokens]
        docs.append(Doc(NLP.vocab, words=tokens, spaces=spaces, ents=tags, sent_starts=starts))
    return docs


@settings(max_examples=150, deadline=None)
@given(corpora())
def test_conll_round_trip_keeps_tokens_tags_and_sentences(docs):
    issues = IssueLog()
    again = read(list(docs_to_conll(docs, issues=issues)), issues)
    assert [words(doc) for doc in again] == [words(doc) for doc in docs]
    assert [doc_to_tags(doc) for doc in again] == [doc_to_tags(doc) for doc in docs]
    assert [[t.is_sent_start for t in doc] for doc in again] == [
        [t.is_sent_start for t in doc] for doc in docs
    ]
    assert not issues.kinds


@settings(max_examples=100, deadline=None)
@given(corpora())
def test_conll_sentence_lines_change_nothing_but_the_text(docs):
    lines = list(docs_to_conll(docs))
    issues = IssueLog()
    again = read(lines, issues, sentence_lines=True)
    plain = read(lines)
    assert list(docs_to_conll(again, issues=issues)) == lines
    assert not issues.kinds
    for doc, other in zip(again, plain, strict=True):
        sentences = [sent.text.strip("\n") for sent in doc.sents]
        assert doc.text == "\n".join(sentences)
        assert len(sentences) == len(list(other.sents))
        assert [(e.text, e.label_) for e in doc.ents] == [(e.text, e.label_) for e in other.ents]
        # spaCy's tokenizer makes a token of a line break, too.
        assert [token.text for token in doc if token.is_space] == ["\n"] * (len(sentences) - 1)


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("AB-O# \t\nPERI_,.1\ufeff\x85")))
def test_conll_never_fails_but_with_a_message(text):
    # Whatever the file: Docs, or a message for the user.
    with contextlib.suppress(UserError):
        for doc in read(text):
            assert all(words(doc))


@pytest.mark.parametrize(
    ("part", "documents", "sentences", "entities"),
    [("train", 946, 14041, 23499), ("dev", 216, 3250, 5942), ("test", 231, 3453, 5702)],
)
def test_conll_reads_conllpp_whole_and_writes_the_same_tags(data_dir, part, documents, sentences, entities):
    lines = (data_dir / "conllpp" / f"{part}.txt").read_text(encoding="utf8").splitlines(keepends=True)
    issues = IssueLog()
    docs = list(conll_to_docs(lines, NLP, issues=issues, where=part))
    assert len(docs) == documents
    assert sum(len(list(doc.sents)) for doc in docs) == sentences
    assert sum(len(doc.ents) for doc in docs) == entities
    assert not issues.kinds
    source = [line.split() for line in lines]
    kept = [(row[0], row[-1]) if row else () for row in source if not row or row[0] != "-DOCSTART-"]
    written = [tuple(line.split()) for line in docs_to_conll(docs) if not line.startswith("-DOCSTART-")]
    assert [row for row in written if row] == [row for row in kept if row]
