"""CoNLL files as strangers write them: each is read as a person reads it, or refused with what would help."""

import pytest
import spacy

from spacy_ner_plus.data.formats.conll.conll import CONLL, conll_to_docs
from spacy_ner_plus.data.formats.format import CERTAIN, LIKELY, POSSIBLE
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog

NLP = spacy.blank("en")


def read(text, issues=None, notes=None, **options):
    issues = IssueLog() if issues is None else issues
    lines = text.splitlines(keepends=True)
    return list(conll_to_docs(lines, NLP, issues=issues, where="f.conll", notes=notes, **options))


def ents(docs):
    return [(ent.text, ent.label_) for doc in docs for ent in doc.ents]


def spans(docs):
    return [(span.text, span.label_) for doc in docs for span in doc.spans["sc"]]


ROSA = [("Rosa Quint", "PER"), ("Lund", "LOC")]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("Rosa\tB-PER\nQuint\tI-PER\nin\t0\nLund\tB-LOC\n", "'0' read as O"),
        ("Rosa B_PER\nQuint I_PER\nin O\nLund B_LOC\n", "scheme IOB2"),
        ("Rosa PER-B\nQuint PER-I\nin O\nLund LOC-B\n", "labels before their B and I"),
        ("Rosa PER\nQuint PER\nin O\nLund LOC\n", "scheme IO"),
        ("Rosa NNP PER\nQuint NNP PER\nin IN O\nLund NNP LOC\n", "scheme IO"),
        ("fr:Rosa\tB-PER\nfr:Quint\tI-PER\nfr:in\tO\nfr:Lund\tB-LOC\n", "'fr:' before each token"),
        ("zh-yue:Rosa B-PER\nsimple:Quint I-PER\nde:in O\nde:Lund B-LOC\n", "'de:', 'simple:', 'zh-yue:'"),
        ("token\tner_tag\nRosa\tB-PER\nQuint\tI-PER\nin\tO\nLund\tB-LOC\n", "line 1 names the columns"),
        (
            "1 Rosa NNP B-NP B-PER\n2 Quint NNP I-NP I-PER\n3 in IN B-PP O\n4 Lund NNP B-NP B-LOC\n",
            "tag in column 5",
        ),
        # A tab at the end of each line parts nothing.
        ("Rosa NNP B-PER\t\nQuint NNP I-PER\t\nin IN O\t\nLund NNP B-LOC\t\n", "tag in column 3 of 3"),
    ],
)
def test_conll_reads_spellings_and_columns_and_tells_them(text, note):
    issues, notes = IssueLog(), []
    assert ents(read(text, issues, notes)) == ROSA
    assert not issues.kinds
    assert any(note in line for line in notes), notes


def test_conll_reads_lower_case_prefixes():
    assert ents(read("Rosa b-per\nQuint i-per\nin o\nLund b-loc\n")) == [
        ("Rosa Quint", "per"),
        ("Lund", "loc"),
    ]


def test_conll_takes_no_label_for_a_prefix():
    issues = IssueLog()
    (doc,) = read("a b-per\nb i-per\nx@y e-mail\nc O\n" * 3, issues)
    assert {label for _, label in ents([doc])} == {"per"}
    assert issues["invalid tag"] == 3
    assert doc[2].ent_iob_ == ""
    assert ents(read("x@y e-mail\nis O\nRosa person\nin O\n")) == [("x@y", "e-mail"), ("Rosa", "person")]


def test_conll_finds_the_spelling_of_a_file_that_begins_without_entities():
    docs = read("a O\n\n" * 2500 + "Rosa PER\nQuint PER\n")
    assert ents(docs) == [("Rosa Quint", "PER")]


@pytest.mark.parametrize(
    "text",
    [
        "1\tUni\tB-ORG\tO\n2\tLund\tI-ORG\tB-LOC\n3\tist\tO\tO\n",
        "Uni\tB-ORG\tO\nLund\tI-ORG\tB-LOC\nist\tO\tO\n",
        "Uni\tO\tB-ORG\nLund\tB-LOC\tI-ORG\nist\tO\tO\n",
        "#\thttp://x\t[2009]\n1\tUni\tB-ORG\tO\n2\tLund\tI-ORG\tB-LOC\n3\tist\tO\tO\n",
        "Uni B-ORG|O\nLund I-ORG|B-LOC\nist O|O\n",
        "Uni B-ORG\nLund I-ORG|B-LOC\nist O\n",
    ],
)
def test_conll_reads_nested_entities_beside_the_outer_ones(text):
    docs = read(text)
    assert ents(docs) == [("Uni Lund", "ORG")]
    assert sorted(spans(docs)) == [("Lund", "LOC"), ("Uni Lund", "ORG")]


def test_conll_reads_several_levels_of_nested_entities():
    docs = read("1\tUni\tB-A\tB-B\tO\n2\tLund\tI-A\tI-B\tB-C\n3\tSüd\tI-A\tO\tO\n")
    assert sorted(spans(docs)) == [("Lund", "C"), ("Uni Lund", "B"), ("Uni Lund Süd", "A")]


def test_conll_takes_nested_columns_from_the_user():
    docs = read("Uni B-ORG B-x\nLund I-ORG O\n", tag_column=2, nested_columns="3")
    assert ents(docs) == [("Uni Lund", "ORG")]
    assert ("Uni", "x") in spans(docs)


def test_conll_tells_of_a_column_of_tags_that_it_does_not_read():
    notes = []
    assert ents(read("Rosa B-PER B-person\nin O O\nLund B-LOC B-place\n", notes=notes))[0][1] == "person"
    assert any("column 2 holds tags as well" in note for note in notes)


@pytest.mark.parametrize(
    ("line", "token"),
    [(': " : O', ': "'), ("New York City NNP B-LOC", "New York City"), ("10 000 CD O", "10 000")],
)
def test_conll_reads_a_token_with_spaces_between_spaces(line, token):
    issues = IssueLog()
    (doc,) = read(f"He PRP O\n{line}\nRosa NNP B-PER\nleft VBD O\n", issues)
    assert doc[1].text == token
    assert doc[2].text == "Rosa"
    assert doc[2].ent_type_ == "PER"
    assert issues["more columns than elsewhere"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "Name _ O I-PER\t\t\nLast Name _ O I-PER\n\nAnother Name _ O I-PER\nAnother Last Name _ O I-PER\n",
        "Name I-PER\nLast Name I-PER\n\nAnother Name I-PER\nAnother Last Name I-PER\n",
        "Name\tI-PER\nLast Name\tI-PER\n\nAnother Name\tI-PER\nAnother Last Name\tI-PER\n",
    ],
)
def test_conll_reads_a_file_of_tokens_with_spaces(text):
    assert [token.text for doc in read(text) for token in doc] == [
        "Name", "Last Name", "Another Name", "Another Last Name",
    ]  # fmt: skip


def test_conll_tells_a_token_with_spaces_by_the_columns_between():
    (doc,) = read("Ann NNP B-NP B-PER\nleft VBD B-VP O\nRosa Quint NNP B-NP B-PER\nsaid VBD B-VP B-X x\n")
    assert [(token.text, token.ent_type_) for token in doc][2:] == [("Rosa Quint", "PER"), ("said", "X")]


def test_conll_makes_a_tag_missing_that_may_be_either_of_two():
    issues = IssueLog()
    (doc,) = read("He O\nRosa B-PER O\nleft O\nnow O\n", issues)
    assert doc[1].text == "Rosa"
    assert doc[1].ent_iob_ == ""
    assert issues["more columns than elsewhere"] == 1


def test_conll_takes_white_space_and_names_from_comments():
    text = "# newdoc id = d1\n# sent_id = s1\n# text = Lund(S) is.\n1\tLund\tB-LOC\n2\t(S)\tO\n3\tis\tO\n4\t.\tO\n"
    (doc,) = read(text)
    assert doc.text == "Lund(S) is."
    assert doc.user_data["record"]["id"] == "d1"
    (doc,) = read(text, group="sentence")
    assert doc.user_data["record"]["id"] == "s1"


def test_conll_reads_tags_without_label_where_it_is_named():
    text = "APC2\tB\nprotein\tI\nis\tO\n"
    with pytest.raises(UserError, match=r"without a label.*--option label=NAME"):
        read(text)
    assert ents(read(text, label="GENE")) == [("APC2 protein", "GENE")]


def test_conll_tells_that_a_file_has_no_tags():
    notes = []
    (doc,) = read("Ann NNP _\nleft VBD _\n", notes=notes)
    assert not doc.has_annotation("ENT_IOB")
    assert any("no tags" in note for note in notes)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Ann NNP\nleft VBD\n", "parts of speech"),
        ("He O\nsaw V\na D\ncat N\n", "holds no tags"),
        ("Ann 1\nleft 0\n", "labels' names"),
        ("Rosa PER\nQuint PER\nLund LOC\nSund LOC\n", "give IO as `scheme`"),
        ("Rosa|I-PER\nleft|O\n", "give iob as `format`"),
        ("Rosa|NNP|I-PER left|VB|O\nShe|PRP|O left|VB|O\n", "give iob as `format`"),
        ("Rosa,B-PER\nleft,O\n", "give table as `format`"),
        ("x 0 0 Rosa NN * - - - - (PERSON* -\nx 0 1 Quint NN * - - - - *) -\n", "give ontonotes as `format`"),
        (
            "1\ta\t_\t_\t_\t_\t_\t_\t_\tname=O\n2\tb\t_\t_\t_\t_\t_\t_\t_\tname=B-X\n",
            "give conllu as `format`",
        ),
    ],
)
def test_conll_refuses_what_are_no_tags_and_says_what_would_help(text, hint):
    with pytest.raises(UserError, match=hint):
        read(text)


def test_conll_says_which_column_holds_tags_where_the_given_one_does_not():
    with pytest.raises(UserError, match="Column 3 holds tags"):
        read("Ann NNP B-PER\nleft VBD O\n", tag_column=2)


@pytest.mark.parametrize(
    ("name", "text", "confidence"),
    [
        ("a.conll", "Ann B-PER\nleft O\n", CERTAIN),
        ("a.bio", "Ann PER-B\nleft O\n", CERTAIN),
        ("a.txt", "Ann B-PER\nleft O\n", LIKELY),
        ("a.tsv", "token\tlabel\nAnn\tB-PER\nleft\tO\n", POSSIBLE),
        ("a.conll", "Ann\t-\nleft\t-\n", POSSIBLE),
        ("a.iob", "Ann|B-PER left|O\nBob|B-PER left|O\n", None),
        ("a.csv", "word,tag\nAnn,B-PER\nleft,O\n", None),
        ("a.csv", "Sentence #,Word,POS,Tag\nSentence: 1,Ann,NNP,B-per\n,left,VBD,O\n", None),
        ("a.jsonl", '{"tokens": ["Ann", "left"], "ner_tags": ["B-PER", "O"]}\n', None),
        ("a.json", '[\n  {\n    "tokens": [\n      "Ann"\n    ],\n    "tags": [\n      "B-PER"\n    ]\n  }\n]\n', None),
        ("a.conll", "x 0 0 Rosa NN * - - - - (PERSON) -\nx 0 1 is NN * - - - - * -\n", None),
        ("a.conllu", "1\ta\t_\t_\t_\t_\t_\t_\t_\tname=O\n2\tb\t_\t_\t_\t_\t_\t_\t_\tname=B-X\n", None),
        ("a.txt", "This is a text.\nIt has no tags, does it?\n", None),
        ("a.ann", "T1\tPER 0 4\tRosa\n", None),
        ("a.txt", "text\nlabel\n", None),
    ],
)  # fmt: skip
def test_conll_knows_its_files(tmp_path, name, text, confidence):
    path = tmp_path / name
    path.write_text(text, encoding="utf8")
    sniff = CONLL.sniff(Source(str(path)))
    assert (sniff and sniff.confidence) == confidence


def test_conll_makes_the_tag_of_a_row_missing_that_lacks_a_column():
    issues = IssueLog()
    rows = "1\tUni\tB-ORG\tO\n2\tLund\tI-ORG\tB-LOC\n3\tist\tO\tO\n\n1\tRosa\tB-PER\n2\tkam\tO\tO\n"
    docs = read(rows, issues)
    assert [[token.ent_iob_ for token in doc] for doc in docs] == [["B", "I", "O"], ["", "O"]]
    assert spans(docs) == [("Uni Lund", "ORG"), ("Lund", "LOC")]
    assert issues["fewer columns than elsewhere"] == 1


def test_conll_knows_an_index_with_gaps():
    """Rows that somebody took away don't make numbers words."""
    docs = read("1\tRosa\tB-PER\n3\tto\tO\n4\tLund\tB-LOC\n\n1\tLund\tB-LOC\n2\tis\tO\n")
    assert ents(docs) == [("Rosa", "PER"), ("Lund", "LOC"), ("Lund", "LOC")]


def test_conll_has_no_o_where_a_nested_entity_stands_alone():
    docs = read("1\tRosa\tO\tB-PER\n2\tleft\tO\tO\n3\tLund\tB-LOC\tO\n")
    assert [token.ent_iob_ for token in docs[0]] == ["", "O", "B"]
    assert ("Rosa", "PER") in spans(docs)


def test_conll_reads_tags_that_stand_before_their_tokens():
    assert ents(read("B-PER\tRosa\nI-PER\tQuint\nO\tin\nB-LOC\tLund\n")) == ROSA


def test_conll_takes_no_words_of_prose_for_tags(tmp_path):
    path = tmp_path / "prose.txt"
    path.write_text("Rosa Quint moved to Lund.\n\nIt was O so nice.\n", encoding="utf-8")
    assert CONLL.sniff(Source(str(path))) is None


def test_conll_counts_a_second_column_of_tags_that_it_does_not_read():
    issues = IssueLog()
    assert ents(read("Rosa\tB-PER\tO\nin\tO\tO\nLund\tO\tB-LOC\n", issues)) == [("Lund", "LOC")]
    assert issues["column of tags that isn't read"] == 1
