"""brat's folders, after its documentation of the standoff format and what people's files look like."""

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_ner_plus.data.detection import find_sources
from spacy_ner_plus.data.formats.brat import BRAT, BratOptions
from spacy_ner_plus.data.formats.format import Reading
from spacy_ner_plus.data.records.record import Record, ScoredSpan, mark_record, record_of, spans_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import doc_to_tags

NLP = spacy.blank("en")
TEXT = "Rosa Quint moved to Lund."
ROSA, LUND = "T1\tPER 0 10\tRosa Quint", "T2\tLOC 20 24\tLund"
SPANS = [("Rosa Quint", "PER"), ("Lund", "LOC")]


def pair(folder, name="doc1", text=TEXT, *lines, ann=None):
    path = folder / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    content = "".join(f"{line}\n" for line in lines) if ann is None else ann
    path.with_suffix(".ann").write_bytes(content.encode())
    return folder


def read(path, **options):
    issues, notes = IssueLog(), []
    reading = Reading(NLP, BratOptions(**options), issues, notes)
    return [record.doc for record in BRAT.read(Source(str(path)), reading)], issues, notes


def ents(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_brat_reads_a_folder_its_parent_and_a_file_of_it(tmp_path):
    folder = pair(tmp_path / "corpus", "doc1", TEXT, ROSA, LUND)
    (folder / "annotation.conf").write_text("[entities]\nPER\n")
    for named in (tmp_path, folder, folder / "doc1.ann", folder / "doc1.txt"):
        (found,) = find_sources([str(named)], "auto", "utf-8", [])
        assert found.format is BRAT
        docs, issues, _ = read(found.source.path)
        assert [(record_of(doc)["id"], ents(doc)) for doc in docs] == [("doc1", SPANS)]
        assert [span.span.id_ for span in spans_of(docs[0])] == ["T1", "T2"]
        assert not issues.kinds


def test_brat_reads_pairs_at_any_depth(tmp_path):
    pair(tmp_path, "a", TEXT, ROSA)
    pair(tmp_path, "deep/er/b", TEXT, LUND)
    docs, _, _ = read(tmp_path)
    assert [(record_of(doc)["id"], ents(doc)) for doc in docs] == [("a", SPANS[:1]), ("deep/er/b", SPANS[1:])]


def test_brat_tells_no_annotation_from_no_entities(tmp_path):
    pair(tmp_path, "annotated", TEXT, ROSA)
    pair(tmp_path, "empty")
    (tmp_path / "open.txt").write_text(TEXT)
    (tmp_path / "README.txt").write_text("About this corpus.")
    docs, _, notes = read(tmp_path)
    assert [set(doc_to_tags(doc)) for doc in docs] == [{"B-PER", "I-PER", "O"}, {"O"}, {"-"}]
    assert any("README.txt" in note for note in notes)
    assert any("1 records have no annotation" in note for note in notes)


def test_brat_refuses_annotation_without_its_text(tmp_path):
    (tmp_path / "doc1.ann").write_text(ROSA + "\n")
    for named in (tmp_path, tmp_path / "doc1.ann"):
        assert find_sources([str(named)], "auto", "utf-8", [])[0].format is BRAT
        with pytest.raises(UserError, match="no text beside it"):
            read(named)


def test_brat_refuses_what_is_no_file_of_a_pair(tmp_path):
    (tmp_path / "notes.md").write_text(TEXT)
    with pytest.raises(UserError, match="nothing of brat's"):
        read(tmp_path / "notes.md")


def test_brat_joins_a_span_that_goes_over_a_line_end(tmp_path):
    text = "moved to Rosa\nQuint\r\n  Street"
    lines = ["T1\tLOC 9 13;14 19;23 29\tRosa Quint Street", "T2\tPER 9 13;14 19\tRosa Quint"]
    docs, issues, _ = read(pair(tmp_path, "a", text, *lines))
    assert ents(docs[0]) == [(text[9:], "LOC")]
    assert len(spans_of(docs[0])) == 2
    assert not issues.kinds


@pytest.mark.parametrize(
    ("choice", "tags"),
    [
        ("missing", ["-", "-", "-", "O", "B-PER"]),
        ("cover", ["B-LOC", "I-LOC", "I-LOC", "O", "B-PER"]),
        ("pieces", ["B-LOC", "O", "B-LOC", "O", "B-PER"]),
    ],
)
def test_brat_makes_nothing_of_a_span_in_pieces_that_was_not_asked_for(choice, tags, tmp_path):
    line = "T1\tLOC 0 5;10 15\tNorth Korea"
    pair(tmp_path, "a", "North and Korea met Rosa", line, "T2\tPER 20 24\tRosa")
    docs, issues, _ = read(tmp_path, discontinuous=choice)
    assert doc_to_tags(docs[0]) == tags
    assert issues["discontinuous span"] == 1
    assert record_of(docs[0])["meta"] == ({"brat": [line]} if choice == "missing" else {})


def test_brat_refuses_a_source_of_which_only_gaps_could_be_read(tmp_path):
    pair(tmp_path, "a", "North and South Korea", "T1\tLOC 0 5;16 21\tNorth Korea")
    with pytest.raises(UserError, match="none of it could be read"):
        read(tmp_path)


def test_brat_keeps_lines_that_are_no_spans(tmp_path):
    others = [
        "E1\tMove:T3 Who:T1 To:T2",
        "R1\tLives Arg1:T1 Arg2:T2\t",
        "A1\tNegation E1",
        "M1\tConfidence E1 L1",
        "N1\tReference T1 Wikipedia:534366\tRosa Quint",
        "*\tEquiv T1 T2",
        "#1\tAnnotatorNotes T2\tthe town, 0 10",
    ]
    pair(tmp_path, "a", TEXT, ROSA, LUND, "T3\tMove 11 16\tmoved", *others)
    docs, issues, notes = read(tmp_path)
    assert record_of(docs[0])["meta"]["brat"] == others
    assert not issues.kinds
    assert any("1 events have triggers" in note for note in notes)
    BRAT.write(docs, tmp_path / "out", BratOptions(), issues)
    assert sorted((tmp_path / "out" / "a.ann").read_text().splitlines()) == sorted(
        (tmp_path / "a.ann").read_text().splitlines()
    )
    assert not issues.kinds


def test_brat_leaves_out_lines_about_spans_that_are_gone(tmp_path):
    pair(tmp_path, "a", TEXT, ROSA, LUND, "R1\tLives Arg1:T1 Arg2:T2", "A1\tSure R1", "#1\tNote T1\tT2")
    docs, issues, _ = read(tmp_path)
    docs[0].set_ents(docs[0].ents[:1])
    docs[0].spans["sc"] = docs[0].ents
    BRAT.write(docs, tmp_path / "out", BratOptions(), issues)
    written = (tmp_path / "out" / "a.ann").read_text().splitlines()
    assert written == [ROSA, "#1\tNote T1\tT2"]
    assert issues["line about a span that isn't written"] == 2


@pytest.mark.parametrize(
    "line",
    [
        "T2\tLOC 20 24",
        "T2\tLOC 20 2",
        "T2\tLOC 20",
        "T2\tLOC",
        "X2\tLOC 20 24\tLund",
        "R2\tLOC 20 24\tLund",
        "A2\tLOC 20 24\tLund",
        "#2\tLOC 20 24\tLund",
        "2\tLOC 20 24\tLund",
        "T2\tLOC 2x 24\tLund",
        "LOC 20 24\tLund",
        "T2\tLOC 20 24\t",
        "T2\tLOC 99999999999 24\tLund",
        "T2\tL\tC 20 24\tLund",
        "something",
    ],
)
def test_brat_never_makes_o_of_a_broken_line(line, tmp_path):
    docs, issues, _ = read(pair(tmp_path, "a", TEXT, ROSA, line))
    assert doc_to_tags(docs[0]) == ["B-PER", "I-PER", *"----"]
    assert issues["line not understood"] == 1


def test_brat_takes_no_broken_line_for_the_text_of_another(tmp_path):
    pair(tmp_path, "a", TEXT.replace(" ", "  ", 1), "T1\tPER 0 11\tRosa Quint", "2\tLOC 21 25\tLund")
    docs, issues, _ = read(tmp_path)
    assert set(doc_to_tags(docs[0])) == {"B-PER", "I-PER", "-"}
    assert issues["line not understood"] == 1


def test_brat_never_makes_o_of_two_spans_in_one_line(tmp_path):
    pair(tmp_path, "a", TEXT, ROSA + LUND)
    pair(tmp_path, "b", TEXT, ROSA, LUND)
    docs, issues, _ = read(tmp_path)
    assert set(doc_to_tags(docs[0])) == {"-"}
    assert issues["line not understood"] == 1


def test_brat_reads_lines_with_spaces_for_tabs_and_labels_with_spaces(tmp_path):
    pair(tmp_path, "a", TEXT, "T1 PER 0 10 Rosa Quint", "T2\tPlace 2 live 20 24\tLund")
    assert ents(read(tmp_path)[0][0]) == [("Rosa Quint", "PER"), ("Lund", "Place 2 live")]


def test_brat_reads_a_text_that_goes_over_lines_of_the_annotation(tmp_path):
    text = "one every\n12 hours, one every\n\nday"
    lines = ["T1\tFREQ 4 18\tevery\n12 hours", "T2\tFREQ 24 34\tevery\n\nday", "T3\tX 0 3\tone"]
    pair(tmp_path, "a", text, *lines)
    docs, issues, _ = read(tmp_path)
    assert [(found.span.text, found.span.label_) for found in spans_of(docs[0])][:2] == [
        ("one", "X"),
        ("every\n12 hours", "FREQ"),
    ]
    # An empty line ends a record: what it leaves is told.
    assert issues["span whose text isn't at its offsets"] == 1
    assert issues["line not understood"] == 1


def test_brat_reads_bionlp_files(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "a.a1").write_text(ROSA + "\n")
    (tmp_path / "a.a2").write_text(LUND + "\nE1\tMove:T2 Who:T1\n")
    assert [found.format for found in find_sources([str(tmp_path)], "auto", "utf-8", [])] == [BRAT]
    assert ents(read(tmp_path)[0][0]) == SPANS


@pytest.mark.parametrize("counted", [True, False])
def test_brat_reads_a_byte_order_mark_counted_or_not(counted, tmp_path):
    lines = [f"T1\tPER {counted} {10 + counted}\tRosa Quint".replace("True", "1").replace("False", "0")]
    docs, issues, _ = read(pair(tmp_path, "a", "\ufeff" + TEXT, *lines))
    assert (docs[0].text, ents(docs[0])) == (TEXT, SPANS[:1])
    assert not issues.kinds


@pytest.mark.parametrize("counted", [True, False])
def test_brat_reads_windows_line_ends_counted_or_not(counted, tmp_path):
    text = "".join(f"{i}\r\n" for i in range(5)) + TEXT + "\r\n" + TEXT
    first, second = text.find(TEXT), text.rfind(TEXT)
    if not counted:
        first, second = first - 5, second - 6
    spans = [
        (start + at, start + to, TEXT[at:to]) for start in (first, second) for at, to in [(0, 10), (20, 24)]
    ]
    ann = "".join(f"T{i}\tX {at} {to}\t{found}\r\n" for i, (at, to, found) in enumerate(spans, start=1))
    docs, issues, notes = read(pair(tmp_path, "a", text, ann=ann))
    assert [ent.text for ent in docs[0].ents] == ["Rosa Quint", "Lund"] * 2
    assert docs[0].text == text
    assert not issues.kinds
    assert any("line end" in note for note in notes) == (not counted)


def test_brat_takes_no_folder_without_annotation(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    assert BRAT.sniff(Source(str(tmp_path))) is None
    assert BRAT.sniff(Source(str(tmp_path / "a.txt"))) is None
    (tmp_path / "a.ann").write_text("<xml/>\nno brat at all\n")
    assert BRAT.sniff(Source(str(tmp_path))) is None
    assert BRAT.sniff(Source(str(tmp_path / "none"))) is None


WORDS = st.sampled_from(
    ["a", "May", "-", "東京", "🙂", "e\u0301", "\n", "\r\n", " ", "\t", "\u2028", "T1", "; 1"]
)
IDS = st.sampled_from(["", "T1", "T2", "T7", "x", "T07"])


@st.composite
def docs(draw):
    words = draw(st.lists(WORDS, min_size=1, max_size=10).filter(lambda words: "".join(words).strip()))
    doc = Doc(NLP.vocab, words=words, spaces=[draw(st.booleans()) for _ in words])
    found = []
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(words) - 1))
        end = draw(st.integers(start + 1, len(words)))
        span = Span(doc, start, end, label=draw(st.sampled_from(["X", "Y-1"])), span_id=draw(IDS))
        # Engines trim what is white space: tried elsewhere.
        if span.text.strip() == span.text and all(span != other.span for other in found):
            found.append(ScoredSpan(span, draw(st.none() | st.floats(0, 1))))
    doc.set_ents([], default="outside")
    name = draw(st.sampled_from(["", "a", "A", "b/c", "..", "con", "x.ann", "a?", "b"]))
    mark_record(Record(doc, "", name, {}), found)
    return doc


@settings(max_examples=60, deadline=None)
@given(corpus=st.lists(docs(), min_size=1, max_size=3))
def test_brat_reads_what_it_wrote(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("brat") / "out"
    issues = IssueLog()
    BRAT.write(corpus, folder, BratOptions(), issues)
    if all((folder / path).read_text() == "" for path in folder.rglob("*.ann")):
        return
    again, losses, _ = read(folder)

    def facts(doc):
        return doc.text, sorted(
            (span.start_char, span.end_char, span.label_, repr(score)) for span, score in spans_of(doc)
        )

    key = repr
    assert sorted(map(facts, again), key=key) == sorted(map(facts, corpus), key=key)
    assert set(losses.kinds) <= {"token split at a span's edge"}
    by_id = {record_of(doc)["id"]: doc for doc in again}
    assert len(by_id) == len(corpus)
    if "id written as another name" not in issues.kinds:
        assert {record_of(doc)["id"] for doc in corpus} - {""} <= by_id.keys()
    if "span id written as another" not in issues.kinds:
        ids = sorted(span.id_ for doc in corpus for span, _ in spans_of(doc) if span.id_)
        back = [span.id_ for doc in again for span, _ in spans_of(doc)]
        assert all(ids.count(id) <= back.count(id) for id in ids)
