"""WebAnno's TSV 3, after its published grammar and the shapes in which INCEpTION exports it."""

import pytest
import spacy

from spacy_ner_plus.data.detection import find_sources
from spacy_ner_plus.data.formats.format import Reading
from spacy_ner_plus.data.formats.webanno_tsv import WEBANNO_TSV, WebAnnoOptions
from spacy_ner_plus.data.records.record import record_of, spans_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import doc_to_tags

NLP = spacy.blank("en")
NE = "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value"
SPAN = "#T_SP=webanno.custom.Span|value"
POS = "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue"
ROSA = """#Text=Rosa Quint moved to Lund.
1-1\t0-4\tRosa\t*[1]\tPER[1]\t
1-2\t5-10\tQuint\t*[1]\tPER[1]\t
1-3\t11-16\tmoved\t_\t_\t
1-4\t17-19\tto\t_\t_\t
1-5\t20-24\tLund\t*\tLOC\t
1-6\t24-25\t.\t_\t_\t
"""
SPANS = [("Rosa Quint", "PER"), ("Lund", "LOC")]


def read(tmp_path, body, *layers, version="3.3", **options):
    path = tmp_path / "doc.tsv"
    path.write_text("\n".join([f"#FORMAT=WebAnno TSV {version}", *(layers or (NE,)), "", "", body]))
    issues, notes = IssueLog(), []
    reading = Reading(NLP, WebAnnoOptions(**options), issues, notes)
    (record,) = WEBANNO_TSV.read(Source(str(path)), reading)
    return record.doc, issues, notes


def ents(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def spans(doc):
    return [(found.span.text, found.span.label_) for found in spans_of(doc)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("version", ["3.2", "3.3", "3"])
def test_webanno_reads_entities_tokens_and_sentences(version, end, tmp_path):
    body = (
        ROSA
        + "\n#Text=She stayed.\n2-1\t26-29\tShe\t_\t_\t\n2-2\t30-36\tstayed\t_\t_\t\n2-3\t36-37\t.\t_\t_\t\n"
    )
    doc, issues, _ = read(tmp_path, body.replace("\n", end), version=version)
    assert doc.text == "Rosa Quint moved to Lund.\nShe stayed."
    assert ents(doc) == SPANS
    assert [token.text for token in doc][:7] == ["Rosa", "Quint", "moved", "to", "Lund", ".", "\n"]
    assert [sent.text.strip() for sent in doc.sents] == ["Rosa Quint moved to Lund.", "She stayed."]
    assert set(doc_to_tags(doc)[-4:]) == {"O"}
    assert record_of(doc)["id"] == "doc"
    assert not issues.kinds


def test_webanno_is_certain_of_its_files(tmp_path):
    read(tmp_path, ROSA)
    assert [found.format for found in find_sources([str(tmp_path)], "auto", "utf-8", [])] == [WEBANNO_TSV]
    (tmp_path / "doc.tsv").write_text("Rosa\tB-PER\n")
    assert WEBANNO_TSV.sniff(Source(str(tmp_path / "doc.tsv"))) is None


def test_webanno_knows_the_names_in_an_exported_project(tmp_path):
    folder = tmp_path / "annotation" / "doc 1.txt"
    folder.mkdir(parents=True)
    record = record_of(read(folder, ROSA)[0])
    assert (record["id"], record["annotator"]) == ("doc 1.txt", "doc")


def test_webanno_counts_utf16_units_and_code_points(tmp_path):
    rows = "#Text=I 😊 Lund 😊 .\n1-1\t0-1\tI\t_\t\n1-2\t2-4\t😊\t_\t\n"
    rows += "1-3\t5-9\tLund\tLOC\t\n1-4\t10-12\t😊\tX\t\n1-5\t13-14\t.\t_\t\n"
    points = (
        rows.replace("2-4", "2-3").replace("5-9", "4-8").replace("10-12", "9-10").replace("13-14", "11-12")
    )
    for body in (rows, points):
        doc, issues, _ = read(tmp_path, body, SPAN)
        assert ents(doc) == [("Lund", "LOC"), ("😊", "X")]
        assert not issues.kinds


def test_webanno_reads_parts_stacks_and_empty_parts(tmp_path):
    body = """#Text=aaaaaa bbbbbb cccccc
1-1\t0-6\taaaaaa\tA[1]|B[2]\t
1-1.1\t3-6\taaa\tC[3]\t
1-2\t7-13\tbbbbbb\tA[1]|C[3]\t
1-2.1\t7-7\t\tE[4]|F[5]\t
1-2.2\t9-13\tbbbb\tD\t
1-3\t14-20\tcccccc\t_\t
1-3.1\t14-17\tccc\tC[3]\t
"""
    doc, issues, _ = read(tmp_path, body, SPAN)
    assert sorted(spans(doc)) == [
        ("aaa bbbbbb ccc", "C"),
        ("aaaaaa", "B"),
        ("aaaaaa bbbbbb", "A"),
        ("bbbb", "D"),
    ]
    assert issues["misaligned span"] == 2
    assert issues["token split at a span's edge"] == 3


def test_webanno_reads_escapes(tmp_path):
    body = (
        "#Text=a\\tb\\r\n#Text=c \\u2014 \\uD83D\\uDE0A \\\\n \\[1\\] \\_\n"
        "1-1\t0-1\ta\tX\\[0\\]\t\n1-2\t2-3\tb\t\\_\t\n1-3\t5-6\tc\tA\\|B\\->C\t\n1-4\t7-8\t—\t_\t\n1-5\t9-11\t😊\tD[1]\t\n"
        "1-6\t12-14\t\\\\n\tD[1]|\\*\t\n1-7\t15-18\t\\[1\\]\t_\t\n1-8\t19-20\t\\_\t_\t\n"
    )
    doc, issues, _ = read(tmp_path, body, SPAN)
    assert doc.text == "a\tb\r\nc — 😊 \\n [1] _"
    assert spans(doc) == [("a", "X[0]"), ("b", "_"), ("c", "A|B->C"), ("😊 \\n", "D"), ("\\n", "*")]
    assert not issues.kinds


def test_webanno_reads_a_text_whose_backslashes_were_not_escaped(tmp_path):
    doc, issues, _ = read(tmp_path, "#Text=see C:\\temp\n1-1\t0-3\tsee\t_\n1-2\t4-11\tC:\\temp\tX\n", SPAN)
    assert ents(doc) == [("C:\\temp", "X")]
    assert not issues.kinds


def test_webanno_makes_no_o_of_annotation_without_a_value(tmp_path):
    doc, issues, _ = read(tmp_path, ROSA.replace("*\tLOC", "*\t*"))
    assert doc_to_tags(doc) == ["B-PER", "I-PER", "O", "O", "-", "O"]
    assert issues["annotation without a value"] == 1


def test_webanno_follows_a_number_over_sentences(tmp_path):
    two = "#Text=Rosa\n1-1\t0-4\tRosa\tPER[1]\t\n\n#Text=Quint\n2-1\t5-10\tQuint\tPER[1]\t\n"
    assert ents(read(tmp_path, two, SPAN)[0]) == [("Rosa\nQuint", "PER")]


def test_webanno_follows_no_number_that_begins_anew_in_each_sentence(tmp_path):
    # As some programs write it: with offsets that begin anew as well.
    sentence = "#Text=Rosa met Lou Lee\n{0}-1\t0-4\tRosa\tPER[1]\n{0}-2\t5-8\tmet\t_\n"
    sentence += "{0}-3\t9-12\tLou\tPER[2]\n{0}-4\t13-16\tLee\tPER[2]\n\n"
    doc, issues, _ = read(tmp_path, "".join(sentence.format(i) for i in range(1, 4)), SPAN)
    assert spans(doc) == [("Rosa", "PER"), ("Lou Lee", "PER")] * 3
    assert doc.text == "\n".join(["Rosa met Lou Lee"] * 3)
    assert not issues.kinds


@pytest.mark.parametrize(
    ("old", "new", "tags"),
    [
        # A row of too few columns, and of too many: its sentence may lack annotation.
        ("Lund\t*\tLOC\t", "Lund\t*\t", ["B-PER", "I-PER", "-", "-", "-", "-"]),
        ("Lund\t*\tLOC\t", "Lund\t*\tLOC\tx", ["B-PER", "I-PER", "-", "-", "-", "-"]),
        ("20-24\tLund", "20-2x\tLund", ["B-PER", "I-PER", "-", "-", "-", "-"]),
        ("20-24\tLund", "20-24\tLun", ["B-PER", "I-PER", "-", "-", "-", "-"]),
        # A row that is gone, one that was cut, and a text that has more than its tokens.
        ("1-5\t20-24\tLund\t*\tLOC\t\n", "", ["B-PER", "I-PER", "O", "O", "-", "O"]),
        ("LOC\t", "LO", ["B-PER", "I-PER", "-", "-", "-", "-"]),
        ("LOC", "LO[C", ["B-PER", "I-PER", "O", "O", "-", "O"]),
        ("Quint\t*[1]\tPER[1]", "Quint\t*[1]\tORG[1]", ["-", "-", "O", "O", "B-LOC", "O"]),
        ("PER[1]\t\n1-2", "PER\t\n1-2", ["-", "B-PER", "O", "O", "B-LOC", "O"]),
        ("*\tLOC", "*[1]\tPER[1]", ["-", "-", "-", "-", "-", "O"]),
    ],
)
def test_webanno_makes_no_o_of_what_is_broken(old, new, tags, tmp_path):
    assert old in ROSA
    after = "\n#Text=Ann\n2-1\t26-29\tAnn\t*\tPER\t\n"
    doc, issues, _ = read(tmp_path, ROSA.replace(old, new) + after)
    assert doc_to_tags(doc) == [*tags, "O", "B-PER"]
    assert issues.kinds


def test_webanno_refuses_a_file_without_its_header(tmp_path):
    with pytest.raises(UserError, match="none of it could be read"):
        read(tmp_path, ROSA, "#X")


def test_webanno_finds_tokens_whose_offsets_are_wrong(tmp_path):
    doc, issues, _ = read(tmp_path, ROSA.replace("20-24", "21-25"))
    assert ents(doc) == SPANS
    assert issues["token found by its text"] == 1


def test_webanno_counts_other_layers_and_features(tmp_path):
    body = (
        "#Text=in Lund\n1-1\t0-2\tin\tIN\t_\t_\t_\t_\t\n1-2\t3-7\tLund\tNE\thttp://lund\tLOC\tSB[1]\t1-1\t\n"
    )
    relation = "#T_RL=webanno.custom.Rel|kind|BT_webanno.custom.Span"
    doc, issues, _ = read(tmp_path, body, POS, NE, relation)
    assert ents(doc) == [("Lund", "LOC")]
    assert {kind: issue.count for kind, issue in issues} == {
        "annotation that isn't kept: POS|PosValue": 2,
        "annotation that isn't kept: NamedEntity|identifier": 1,
        "annotation that isn't kept: Rel|kind": 1,
        "annotation that isn't kept: Rel|BT_webanno.custom.Span": 1,
    }


def test_webanno_takes_the_layer_that_is_named_or_the_only_one(tmp_path):
    body = "#Text=in Lund\n1-1\t0-2\tin\t_\t_\t\n1-2\t3-7\tLund\tLOC\ttown\t\n"
    two = "#T_SP=webanno.custom.Place|kind|size"
    with pytest.raises(UserError, match=r"several kinds .*Place\|kind, webanno\.custom\.Place\|size"):
        read(tmp_path, body, two)
    assert ents(read(tmp_path, body, two, feature="size")[0]) == [("Lund", "town")]
    assert ents(read(tmp_path, body, two, layer="Place", feature="kind")[0]) == [("Lund", "LOC")]
    with pytest.raises(UserError, match="has no `layer` Person"):
        read(tmp_path, body, two, layer="Person")
    with pytest.raises(UserError, match="has no `feature` value"):
        read(tmp_path, body, two, feature="value")
    doc, _, notes = read(tmp_path, body, "#T_SP=webanno.custom.Place|kind", POS)
    assert ents(doc) == [("Lund", "LOC")]
    assert any("entities are the layer webanno.custom.Place" in note for note in notes)


def test_webanno_names_spans_by_their_layer_where_it_has_no_feature(tmp_path):
    body = "#Text=in Lund\n1-1\t0-2\tin\t_\t\n1-2\t3-7\tLund\t*\t\n"
    assert ents(read(tmp_path, body, "#T_SP=webanno.custom.Place|")[0]) == [("Lund", "Place")]


@pytest.mark.parametrize(("layers", "cells"), [((), ""), ((POS,), "NN\t")])
def test_webanno_takes_no_annotated_document_for_one_without_a_layer(layers, cells, tmp_path):
    path = tmp_path / "doc.tsv"
    path.write_text(
        "\n".join(["#FORMAT=WebAnno TSV 3.3", *layers, "", "", f"#Text=Lund\n1-1\t0-4\tLund\t{cells}\n"])
    )
    issues, notes = IssueLog(), []
    (record,) = WEBANNO_TSV.read(Source(str(path)), Reading(NLP, WebAnnoOptions(), issues, notes))
    assert doc_to_tags(record.doc) == ["-"]
    assert any("no annotation" in note for note in notes)


def test_webanno_passes_over_slots(tmp_path):
    slot = "#T_SP=webanno.custom.Host|ROLE_webanno.custom.Host:links_webanno.custom.Type|webanno.custom.Span"
    body = "#Text=in Lund\n1-1\t0-2\tin\t_\tp1;p2\t1-2;1-1\t\n1-2\t3-7\tLund\tLOC\t_\t_\t\n"
    doc, issues, _ = read(tmp_path, body, SPAN, slot)
    assert ents(doc) == [("Lund", "LOC")]
    assert len(issues.kinds) == 2
