"""OntoNotes in CoNLL-2012's columns."""

import pytest
import spacy

from spacy_ner_plus.data.formats.conll.ontonotes import ONTONOTES, OntonotesOptions
from spacy_ner_plus.data.formats.format import CERTAIN, Reading
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog

NLP = spacy.blank("en")
# Columns of roles stand between names and coreference, one for each predicate of a sentence.
REAL = """#begin document (bc/cctv/00/cctv_0000); part 000
bc/cctv/00/cctv_0000   0   0   In      IN   (TOP(S(PP*  -      -   -  Speaker#1   *         *     (ARGM-LOC*  -
bc/cctv/00/cctv_0000   0   1   Taipei  NNP  (NP*))      -      -   -  Speaker#1   (GPE)     *     *)          (1)
bc/cctv/00/cctv_0000   0   2   ,       ,    *           -      -   -  Speaker#1   *         *     *           -
bc/cctv/00/cctv_0000   0   3   the     DT   (NP*        -      -   -  Speaker#1   (FAC*     *     (ARG0*      -
bc/cctv/00/cctv_0000   0   4   Rosa    NNP  *           -      -   -  Speaker#1   (PERSON)  *     *           -
bc/cctv/00/cctv_0000   0   5   House   NNP  *)          -      -   -  Speaker#1   *)        *     *)          -
bc/cctv/00/cctv_0000   0   6   stood   VBD  (VP*)))     stand  01  -  Speaker#1   *         (V*)  *           -

bc/cctv/00/cctv_0000   0   0   Yes     UH   (TOP(INTJ*))  -    -   -  Speaker#2   *         -

#end document
#begin document (bc/cctv/00/cctv_0000); part 001
bc/cctv/00/cctv_0000   1   0   Lund    NNP  (TOP(NP*))  -      -   -  Speaker#2   (GPE)     -

#end document
"""


@pytest.fixture
def read(tmp_path):
    def read(text, issues=None, **options):
        path = tmp_path / "f.gold_conll"
        path.write_text(text, encoding="utf8")
        issues = IssueLog() if issues is None else issues
        reading = Reading(NLP, OntonotesOptions(**options), issues, [])
        return [record.doc for record in ONTONOTES.read(Source(str(path)), reading)]

    return read


def rows(*cells):
    """A sentence of words with these cells of names."""
    return "".join(f"x 0 {i} w{i} NN * - - - - {cell} -\n" for i, cell in enumerate(cells)) + "\n"


def found(doc):
    return sorted((span.start, span.end, span.label_) for span in doc.spans["sc"])


def test_ontonotes_reads_parts_of_documents_and_nested_names(read):
    issues = IssueLog()
    first, second = read(REAL, issues)
    assert first.text == "In Taipei, the Rosa House stood Yes"
    assert [(ent.text, ent.label_) for ent in first.ents] == [("Taipei", "GPE"), ("the Rosa House", "FAC")]
    assert [span.text for span in first.spans["sc"] if span.label_ == "PERSON"] == ["Rosa"]
    assert len(list(first.sents)) == 2
    assert first.user_data["record"]["id"] == second.user_data["record"]["id"] == "bc/cctv/00/cctv_0000"
    assert [doc.user_data["record"]["meta"] for doc in (first, second)] == [{"part": "000"}, {"part": "001"}]
    assert not issues.kinds


@pytest.mark.parametrize(
    ("cells", "spans"),
    [
        (["(A*", "*", "*)"], [(0, 3, "A")]),
        (["(A(B*", "*)", "*)"], [(0, 2, "B"), (0, 3, "A")]),
        (["(A*", "(B*))"], [(0, 2, "A"), (1, 2, "B")]),
        (["(A)", "(A)"], [(0, 1, "A"), (1, 2, "A")]),
        (["(A(B))", "*"], [(0, 1, "A"), (0, 1, "B")]),
        (["*", "*"], []),
    ],
)
def test_ontonotes_reads_brackets(read, cells, spans):
    (doc,) = read(rows(*cells))
    assert found(doc) == spans


@pytest.mark.parametrize(
    ("cells", "iob"),
    [
        (["(A)", "(A*", "*", "*"], "B???"),
        (["(A)", "*", "*)", "*"], "BO?O"),
        (["(A)", "A*", "*", "*"], "B?OO"),
        (["(A)", "A*", "A*", "*"], "B??O"),
        (["(A)", "-", "*"], "B?O"),
    ],
)
def test_ontonotes_makes_what_is_not_closed_missing(read, cells, iob):
    issues = IssueLog()
    (doc,) = read(rows(*cells), issues)
    assert "".join(token.ent_iob_ or "?" for token in doc) == iob
    assert bool(issues.kinds) == ("-" not in cells)


def test_ontonotes_reads_names_in_another_column(read):
    (doc,) = read("a 0 0 Rosa NNP (NP* (PERSON*\na 0 1 Quint NNP *) *)\n")
    assert found(doc) == [(0, 2, "PERSON")]
    (doc,) = read("Rosa (PERSON*\nQuint *)\n", token_column=1, tag_column=2)
    assert found(doc) == [(0, 2, "PERSON")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Rosa B-PER\nleft O\n", "no column of names in brackets"),
        (rows("(A)", "*").replace("w0", "[WORD]").replace("w1", "[WORD]"), "skeleton"),
        (rows("(A)", "*") + "x 0 0 Rosa\n", r"f.gold_conll:4: the line has 4 column\(s\)"),
        (rows("(A*", "*"), "has annotation, and none of it could be read"),
    ],
)
def test_ontonotes_refuses_what_it_cannot_read(read, text, message):
    with pytest.raises(UserError, match=message):
        read(text)


@pytest.mark.parametrize(
    ("text", "confidence"),
    [
        (REAL, CERTAIN),
        (rows("(A)", "*"), CERTAIN),
        ("Rosa NNP B-NP B-PER\nleft VBD B-VP O\n", None),
        ("1\ta\t_\t_\t_\t_\t0\t_\t_\tname=O\n", None),
        ("This is a text * with (stars).\n", None),
        ('{"text": "a"}\n', None),
    ],
)
def test_ontonotes_knows_its_files(tmp_path, text, confidence):
    path = tmp_path / "f.conll"
    path.write_text(text, encoding="utf8")
    sniff = ONTONOTES.sniff(Source(str(path)))
    assert (sniff and sniff.confidence) == confidence
