"""CSV and TSV as people have them: a row a token, a span, a sentence or a text; delimiters, quoting and line ends."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.detection import find_sources
from spacy_ner_plus.data.formats.tables.table import TABLE
from spacy_ner_plus.data.records.record import record_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.spans import doc_to_tags
from tests.data.formats.reading import all_spans, ents, read_file

WORDS = ["Rosa", "Quint", "moved", "to", "Lund", "."]
TAGS = ["B-PER", "I-PER", "O", "O", "B-LOC", "O"]
PER, LUND = ("Rosa Quint", "PER"), ("Lund", "LOC")
MOVED, ALONE = "Rosa Quint moved to Lund.", "Lund, alone."
KAGGLE = """Sentence #,Word,POS,Tag
Sentence: 1,Rosa,NNP,B-per
,Quint,NNP,I-per
,moved,VBD,O
,to,TO,O
,Lund,NNP,B-geo
,.,.,O
Sentence: 2,Lund,NNP,B-geo
,is,VBZ,O
,small,JJ,O
"""
FRAME = pd.DataFrame(
    {"id": ["a", "b"], "tokens": [WORDS, ["it's", "Lund"]], "ner_tags": [TAGS, ["O", "B-LOC"]]}
)
ARRAYS = FRAME.assign(tokens=FRAME.tokens.map(np.array), ner_tags=FRAME.ner_tags.map(np.array))
NUMBERS = [np.array([1, 2, 0, 0, 3, 0]), np.array([0, 3])]


def read(tmp_path, content, name="a.csv", **options):
    """Read a file that detection takes for a table, too."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert find_sources([str(path)], "auto", "utf-8", [])[0].format is TABLE
    return read_file(TABLE, path, **options)


def test_table_reads_the_case_of_kaggle(tmp_path):
    found = read(tmp_path, KAGGLE)
    assert [ents(doc) for doc in found.docs] == [[("Rosa Quint", "per"), ("Lund", "geo")], [("Lund", "geo")]]
    assert [doc.text for doc in found.docs] == [MOVED, "Lund is small"]
    assert record_of(found.docs[0]) == {
        "id": "Sentence: 1",
        "meta": {"POS": ["NNP", "NNP", "VBD", "TO", "NNP", "."]},
        "annotator": "",
        "where": f"{tmp_path / 'a.csv'}:2",
    }
    assert len(found.issues) == 0


@pytest.mark.parametrize(
    "content",
    [
        "sentence_id,words,labels\n0,Rosa,B-PER\n0,Quint,I-PER\n1,Lund,B-LOC\n",
        "sentence_id;words;labels\r\n0;Rosa;B-PER\r\n0;Quint;I-PER\r\n1;Lund;B-LOC\r\n",
        "\ufeffSentence_ID\tToken\tPOS\tNER_Tag\n0\tRosa\tB\tB-PER\n0\tQuint\tI\tI-PER\n1\tLund\tB\tB-LOC\n",
        "word|pos|tag\nRosa|NNP|B-PER\nQuint|NNP|I-PER\n\nLund|NNP|B-LOC\n",
        "word|tag\nRosa|B-PER\nQuint|I-PER\n\nLund|B-LOC\n",
        "token,chunk,ner\nRosa,B-NP,B-PER\nQuint,I-NP,I-PER\n,,\nLund,B-NP,B-LOC\n",
        "id,token,ner\n7,Rosa,PER\n7,Quint,PER\n7,saw,O\n7,him,O\n8,Lund,LOC\n",
        ",Unnamed: 0.1,sent,word,tag\n0,0,1,Rosa,B-PER\n1,1,1,Quint,I-PER\n2,2,2,Lund,B-LOC\n",
        "sentence_id,words,labels\n0,Rosa,B-PER\n0,Quint,I-PER\nsentence_id,words,labels\n1,Lund,B-LOC\n",
        "Sentence #,Word,Tag\nSentence: 1,Rosa,B-PER\nnan,Quint,I-PER\nSentence: 2,Lund,B-LOC\n",
    ],
    ids=[
        "simpletransformers",
        "semicolons",
        "tabs",
        "bars",
        "two bars",
        "blank",
        "labels",
        "index",
        "joined",
        "nan",
    ],
)
def test_table_reads_rows_of_tokens(content, tmp_path):
    found = read(tmp_path, content)
    assert [ents(doc) for doc in found.docs] == [[PER], [LUND]]
    assert len(found.issues) == 0


def test_table_keeps_words_that_pandas_takes_for_nothing(tmp_path):
    found = read(tmp_path, "sentence_id,words,labels\n0,null,B-PER\n0,NA,I-PER\n0,nan,O\n1,Lund,B-LOC\n")
    assert [ents(doc) for doc in found.docs] == [[("null NA", "PER")], [LUND]]


def test_table_reads_documents_of_sentences(tmp_path):
    found = read(tmp_path, "doc_id,sent_id,token,tag\nd,1,Rosa,B-PER\nd,1,left,O\nd,2,Lund,B-LOC\ne,1,a,O\n")
    assert [ents(doc) for doc in found.docs] == [[("Rosa", "PER"), LUND], []]
    assert [len(list(doc.sents)) for doc in found.docs] == [2, 1]
    assert [record_of(doc)["id"] for doc in found.docs] == ["d", "e"]


def test_table_counts_a_sentence_that_comes_in_pieces(tmp_path):
    found = read(tmp_path, "sentence_id,words,labels\n0,Rosa,B-PER\n1,Lund,B-LOC\n0,Quint,I-PER\n")
    assert len(found.docs) == 3
    assert found.issues["sentence in several pieces"] == 1


def test_table_tells_of_a_table_without_sentences(tmp_path):
    found = read(tmp_path, "word,tag\nRosa,B-PER\nLund,B-LOC\n")
    assert len(found.docs) == 1
    assert found.issues["table without sentences"] == 1
    assert any("sentence_column" in note for note in found.notes)


def test_table_reads_the_columns_it_is_given(tmp_path):
    content = "nr,w,t,other\n1,Rosa,B-PER,O\n1,Quint,I-PER,O\n2,Lund,B-LOC,O\n"
    options = {"token_column": "w", "tag_column": "t", "sentence_column": "nr"}
    found = read_file(TABLE, tmp_path, content, **options)
    assert [ents(doc) for doc in found.docs] == [[PER], [LUND]]


@pytest.mark.parametrize(
    "rows",
    [
        'a\t"\tO\nb\tLund\tB-LOC\n',
        'a\t"Lund\tO\nb\tLund\tB-LOC\n',
        'a\t""""\tO\nb\tLund\tB-LOC\n',
        'a\t5"\tO\nb\t"Lund"\tB-LOC\n',
    ],
)
def test_table_reads_quotation_marks_that_quote_nothing(rows, tmp_path):
    found = read(tmp_path, "sentence_id\tword\ttag\n" + rows, "a.tsv")
    assert [ents(doc) for doc in found.docs] == [[], [LUND]]
    assert found.docs[0].text in ('"', '"Lund', '5"')


def test_table_reads_quoted_commas_and_line_breaks(tmp_path):
    found = read(tmp_path, 'sentence_id,word,tag\n1,"""",O\n1,",",O\n1,"\n",O\n1,Lund,B-LOC\n')
    assert [token.text for token in found.docs[0]] == ['"', ",", "\n", "Lund"]
    assert ents(found.docs[0]) == [LUND]


@pytest.mark.parametrize(
    "content",
    [
        FRAME.to_csv(index=False),
        FRAME.to_csv(),
        FRAME.to_csv(sep="\t"),
        FRAME.to_csv(sep=";", lineterminator="\r\n"),
        ARRAYS.to_csv(index=False),
        FRAME.map(lambda cell: json.dumps(cell) if isinstance(cell, list) else cell).to_csv(),
        FRAME.map(lambda cell: " ".join(cell) if isinstance(cell, list) else cell).to_csv(),
        FRAME.rename(columns={"tokens": "sentence", "ner_tags": "word_labels"})
        .assign(sentence=FRAME.tokens.map(" ".join), word_labels=FRAME.ner_tags.map(",".join))
        .to_csv(),
    ],
    ids=["lists", "index", "tabs", "semicolons", "numpy", "json", "strings", "kaggle-ner"],
)
def test_table_reads_rows_of_sentences(content, tmp_path):
    found = read(tmp_path, content)
    assert [ents(doc) for doc in found.docs] == [[PER, LUND], [LUND]]
    assert [record_of(doc)["id"] for doc in found.docs] == ["a", "b"]
    assert len(found.issues) == 0


def test_table_reads_numbers_by_their_names(tmp_path):
    content = ARRAYS.assign(ner_tags=NUMBERS).to_csv()
    found = read(tmp_path, content, labels="O,B-PER,I-PER,B-LOC")
    assert [ents(doc) for doc in found.docs] == [[PER, LUND], [LUND]]
    with pytest.raises(UserError, match=r"E165.*integers without names"):
        read(tmp_path, content)


def test_table_counts_arrays_that_numpy_cut(tmp_path):
    found = read(tmp_path, ARRAYS.to_csv().replace("'moved'", "..."))
    assert [ents(doc) for doc in found.docs] == [[LUND]]
    assert found.issues["list that can't be read"] == 1


@pytest.mark.parametrize(
    "spans",
    [
        "[(0, 10, 'PER'), (20, 24, 'LOC')]",
        "[[0, 10, 'PER'], [20, 24, 'LOC']]",
        '[{"start": 0, "end": 10, "label": "PER"}, {"start": 20, "end": 24, "label": "LOC"}]',
        "[{'start_offset': '0', 'end_offset': '10', 'type': 'PER'}, "
        "{'start_offset': 20, 'end_offset': 24, 'type': 'LOC'}]",
        "{'entities': [(0, 10, 'PER'), (20, 24, 'LOC')]}",
        "{'start': [0, 20], 'end': [10, 24], 'label': ['PER', 'LOC']}",
        "[('Rosa Quint', 0, 10, 'PER'), ('Lund', 20, 24, 'LOC')]",
        '[{"start":0,"end":10,"text":"Rosa Quint","labels":["PER"]},'
        '{"start":20,"end":24,"text":"Lund","labels":["LOC"]}]',
        "[{'entity_group': 'PER', 'word': 'Rosa Quint', 'start': 0, 'end': 10}\n"
        " {'entity_group': 'LOC', 'start': 20, 'end': 24}]",
    ],
)
def test_table_reads_a_list_of_spans_in_a_cell(spans, tmp_path):
    frame = pd.DataFrame(
        {"id": [4, 5, 6], "text": [MOVED, "none", "who knows"], "entities": [spans, "[]", ""]}
    )
    found = read_file(TABLE, tmp_path, frame.to_csv(index=False))
    assert [ents(doc) for doc in found.docs] == [[PER, LUND], [], []]
    assert [doc_to_tags(doc)[0] for doc in found.docs] == ["B-PER", "O", "-"]
    assert found.issues["record without annotation"] == 1


@pytest.mark.parametrize(
    "content",
    [
        f'text,start,end,label\n{MOVED},0,10,PER\n{MOVED},20,24,LOC\n"{ALONE}",0,4,LOC\n',
        f'doc_id,text,begin,stop,type\n1,{MOVED},0,10,PER\n1,,20,24,LOC\n2,"{ALONE}",0,4,LOC\n',
        f"id,text,entity,start,end,label\n1,{MOVED},Rosa Quint,0,10,PER\n2,{MOVED},Lund,20,24,LOC\n"
        f'3,"{ALONE}",Lund,0,4,LOC\n',
        f"sentence;text;Begin Offset;End Offset;Type\n{MOVED};Rosa Quint;0;10;PER\n{MOVED};Lund;20;24;LOC\n"
        f"{ALONE};Lund;0;4;LOC\n",
        f'text,start,end,label\n{MOVED},0,10,PER\n"{ALONE}",0,4,LOC\n{MOVED},20.0,24.0,LOC\n',
    ],
    ids=["texts", "once", "ids-of-spans", "two-texts", "apart"],
)
def test_table_reads_rows_of_spans(content, tmp_path):
    found = read(tmp_path, content)
    assert [ents(doc) for doc in found.docs] == [[PER, LUND], [LUND]]
    assert len(found.issues) == 0


def test_table_keeps_what_rows_of_spans_say(tmp_path):
    content = (
        "doc_id,text,start,end,label,span_id,score,source,comment\n"
        f"1,{MOVED},0,10,PER,T1,0.5,press,x\n1,{MOVED},20,24,LOC,T2,,press,y\n"
    )
    found = read(tmp_path, content)
    assert all_spans(found.docs[0]) == [(0, 10, "PER", "T1", 0.5), (20, 24, "LOC", "T2", None)]
    assert record_of(found.docs[0])["meta"] == {"source": "press"}
    assert found.issues["key of spans that isn't kept: comment"] == 2


def test_table_keeps_two_annotators_of_a_text_apart(tmp_path):
    content = f"text,annotator,start,end,label\n{MOVED},ann,0,10,PER\n{MOVED},bo,20,24,LOC\n"
    found = read(tmp_path, content)
    assert [(record_of(doc)["annotator"], ents(doc)) for doc in found.docs] == [
        ("ann", [PER]),
        ("bo", [LUND]),
    ]


def test_table_checks_offsets_by_the_text_of_spans(tmp_path):
    """Offsets that count in UTF-16, as JavaScript does."""
    text = "🚀🚀 Rosa Quint, Rosa Quint, Rosa Quint, Rosa Quint"
    at = [5, 17, 29, 41]
    rows = "".join(f'"{text}",Rosa Quint,{start},{start + 10},PER\n' for start in at)
    found = read(tmp_path, "text,mention,start,end,label\n" + rows)
    assert ents(found.docs[0]) == [PER] * 4


def test_table_counts_offsets_over_the_line_ends_of_the_file(tmp_path):
    content = "text,entities\r\n\"Rosa\r\nQuint moved to Lund.\",\"[(0, 11, 'PER'), (21, 25, 'LOC')]\"\r\n"
    found = read(tmp_path, content)
    assert [label for _, label in ents(found.docs[0])] == ["PER", "LOC"]
    assert ents(found.docs[0])[1] == LUND


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sentence_id,word,tag\n0,Müller,B-PER\n".encode("latin-1"), "E103.*a.csv:2.*--encoding.*latin-1"),
        ("sentence_id,word,tag\n0,Rosa,B-PER\n0,,,O\n", "E194.*a.csv:3.*4 cells, and the header 3"),
        ("sentence_id,word,tag\n0,Rosa,B-PER\n0,moved\n", "E194.*a.csv:3.*2 cells"),
        ("sentence_id,word,ner_tag\n0,Rosa,1\n0,moved,0\n", "E165.*integers without names"),
        ('text,start,end,label\nRosa,0,4,PER\n"Lund,0,4,LOC\nLund,0,4,LOC\n', "E192.*a.csv:3"),
        ("text,start,end,label\nRosa left,9,4,PER\n", "E171.*none of it could be read"),
    ],
)
def test_table_says_what_it_cannot_read(content, message, tmp_path):
    with pytest.raises(UserError, match=message):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("text,label\nA good film,positive\n", {}, "E193.*first line has: text, label"),
        ("word\nRosa\n", {}, "E193.*first line has: word"),
        (KAGGLE, {"tag_column": "NER"}, "E162.*no column 'NER'; it has: Sentence #, Word, POS, Tag"),
        (KAGGLE, {"sentence_column": "nr"}, "E162.*no column 'nr'.*--sentence-column"),
    ],
)
def test_table_says_which_columns_it_misses(content, options, message, tmp_path):
    with pytest.raises(UserError, match=message):
        read_file(TABLE, tmp_path, content, **options)


@pytest.mark.parametrize(
    "content",
    [
        "Rosa\tB-PER\nmoved\tO\n\nLund\tB-LOC\n",
        "Rosa,B-PER\nmoved,O\n",
        "text,label\nA good film,positive\nAnother,negative\n",
        "sentence_id,word,tag\n0,Rosa,NNP\n0,moved,VBD\n",
        "File, Line, Begin Offset, End Offset, Type\ndocuments.txt, 0, 0, 13, ENGINEER\n",
        "It was a dark, dark night.\nAnd so on, and on.\n",
        "",
    ],
)
def test_table_leaves_files_of_other_shapes(content, tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text(content)
    assert TABLE.sniff(Source(str(path))) is None


TAGGED = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=4),
        st.sampled_from(["O", "B-X", "B-Y", ""]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(TAGGED, min_size=1, max_size=4), st.sampled_from([",", "\t", ";"]), st.booleans())
def test_table_reads_any_token_as_csv_writes_it(tmp_path_factory, sentences, delimiter, once):
    path = tmp_path_factory.mktemp("table") / "a.csv"
    with path.open("w", encoding="utf8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["sentence", "word", "tag"])
        for number, sentence in enumerate([[("Rosa", "B-X")], *sentences]):
            for i, (word, tag) in enumerate(sentence):
                writer.writerow(["" if once and i else number, word, tag])
    found = read_file(TABLE, path)
    assert [[token.text for token in doc] for doc in found.docs[1:]] == [
        [word for word, _ in s] for s in sentences
    ]
    assert [doc_to_tags(doc) for doc in found.docs[1:]] == [[tag or "-" for _, tag in s] for s in sentences]


def test_table_counts_the_tags_of_another_annotator(tmp_path):
    found = read(tmp_path, "sentence_id,token,ann1,ann2\n1,Rosa,B-PER,O\n1,left,O,O\n1,Lund,O,B-LOC\n")
    assert found.issues["column of tags that isn't read"] == 1


@pytest.mark.parametrize("before", ["sep=;\r\n", "\ufeffsep=;\n\n", "\n\n"])
def test_table_begins_with_its_header(tmp_path, before):
    """Excel is told the delimiter by a line before it."""
    content = f"{before}text;start;end;label;by,whom\nRosa Quint moved;0;10;PER;\n"
    docs = read_file(TABLE, tmp_path, content).docs
    assert ents(docs[0]) == [PER]
    assert record_of(docs[0])["where"].endswith(f":{before.count(chr(10)) + 2}")
