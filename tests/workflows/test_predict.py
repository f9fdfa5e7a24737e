import gzip
import io
import json

import pytest
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.alignment.align import WITHIN_TOKENS
from spacy_ner_plus.data.parsing.missing_ranges import IN_PART
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.pipeline.masking import mask
from spacy_ner_plus.pipeline.scored_ents import write_failure
from spacy_ner_plus.spans import ENTS_GROUP
from spacy_ner_plus.workflows.arguments.text_tables import BLANK
from spacy_ner_plus.workflows.arguments.texts import BLANK_FILE, read_texts
from spacy_ner_plus.workflows.convert import convert
from spacy_ner_plus.workflows.predict import (
    FAILED,
    INCOMPLETE,
    UNMASKED,
    describe_entities,
    predict,
    predict_files,
    predict_records,
)


@Language.component("predict_fails_on_bad")
def fails_on_bad(doc):
    if "bad" in doc.text:
        raise ValueError("bad text")
    return doc


@pytest.fixture
def ruler(nlp):
    patterns = [{"label": "PER", "pattern": "Anna Smith"}, {"label": "LOC", "pattern": "Oslo"}]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    return nlp


def test_predict_gives_scores_of_a_span_group_where_the_pipeline_has_them(nlp):
    doc = Doc(nlp.vocab, words=["Anna", "in", "Oslo"], ents=["B-PER", "O", "B-LOC"])
    spans = [Span(doc, 0, 1, "PER"), Span(doc, 2, 3, "ORG")]
    doc.spans["other"] = SpanGroup(doc, name="other", spans=spans)
    doc.spans["ner"] = SpanGroup(doc, name="ner", spans=spans, attrs={"scores": [0.75, 0.5]})
    assert [entity.get("score") for entity in describe_entities(doc)] == [0.75, None]


def test_predict_streams_and_forgets_strings(ruler, monkeypatch):
    monkeypatch.setattr("spacy_ner_plus.workflows.predict.ZONE", 50)
    asked = []

    def records():
        for number in range(500):
            asked.append(number)
            yield {"text": f"Oslo uniqueword{number}"}

    results = predict_records(ruler, records(), batch_size=10)
    first = next(results)
    assert first["ents"][0]["text"] == "Oslo"
    assert len(asked) <= 11
    assert sum(1 for _ in results) == 499
    assert "uniqueword3" not in ruler.vocab.strings


def test_predict_refuses_a_pipeline_that_is_none(tmp_path):
    with pytest.raises(UserError, match="E501"):
        predict(tmp_path, ["x"])


@pytest.fixture
def failing(ruler):
    ruler.add_pipe("predict_fails_on_bad", first=True)
    return ruler


@pytest.mark.parametrize("n_process", [1, 2])
def test_predict_keeps_the_place_of_a_text_on_which_the_pipeline_fails(failing, n_process):
    texts = ["Oslo", "bad Oslo", "in Oslo"]
    docs = list(predict(failing, texts, n_process=n_process))
    assert [doc.text for doc in docs] == texts
    assert [[ent.text for ent in doc.ents] for doc in docs] == [["Oslo"], [], ["Oslo"]]
    assert [doc.has_annotation("ENT_IOB") for doc in docs] == [True, False, True]
    assert [bool(doc._.ner_failure) for doc in docs] == [False, True, False]
    assert n_process > 1 or docs[1]._.ner_failure == "predict_fails_on_bad: bad text"


def test_predict_marks_texts_that_are_too_long(ruler):
    ruler.max_length = 10
    short, long = predict(ruler, ["Oslo", "Oslo " * 5])
    assert not short._.ner_failure
    assert "nlp.max_length (10)" in long._.ner_failure
    assert len(long) == 5


def test_predict_calls_error_handlers_of_the_user_and_leaves_them(failing):
    told = []
    failing.set_error_handler(lambda name, proc, docs, error: told.append((name, str(error))))
    before = failing.default_error_handler
    assert len(list(predict(failing, ["bad", "Oslo"]))) == 2
    assert told == [("predict_fails_on_bad", "bad text")]
    assert failing.default_error_handler is before


def test_predict_ends_where_an_error_handler_raises(failing):
    def refuse(name, proc, docs, error):
        raise RuntimeError("no more")

    failing.set_error_handler(refuse)
    with pytest.raises(RuntimeError, match="no more"):
        list(predict(failing, ["Oslo", "bad"]))


def test_predict_leaves_a_pipeline_that_raises_as_it_was(failing):
    list(predict(failing, ["bad"]))
    with pytest.raises(ValueError, match="bad text"):
        failing("bad")


def test_predict_takes_docs_paths_and_files(ruler, tmp_path):
    doc = ruler.make_doc("in Oslo")
    assert next(predict(ruler, [doc])) is doc
    ruler.to_disk(tmp_path / "pipeline")
    (tmp_path / "texts.jsonl").write_text('{"text": "Oslo"}\n{"text": "Anna Smith"}\n')
    docs = predict(tmp_path / "pipeline", tmp_path / "texts.jsonl")
    assert [doc.ents[0].label_ for doc in docs] == ["LOC", "PER"]


def test_predict_refuses_one_text(ruler):
    with pytest.raises(UserError, match=r"E512.*'Anna Smith'"):
        predict(ruler, "Anna Smith")


def test_predict_refuses_settings_for_a_pipeline_that_is_loaded(ruler):
    with pytest.raises(UserError, match=r"E510.*nlp\.batch_size"):
        predict(ruler, ["Oslo"], overrides=["nlp.batch_size=7"])


def test_predict_counts_records_on_which_the_pipeline_fails(failing):
    issues = IssueLog()
    found = list(predict_records(failing, [{"text": "bad", "id": 1}, {"text": "Oslo"}], issues=issues))
    assert found[0] == {"text": "bad", "id": 1, "ents": None, "error": "predict_fails_on_bad: bad text"}
    assert found[1]["ents"][0]["label"] == "LOC"
    assert issues[FAILED] == 1


def test_predict_reads_files_and_writes_one(ruler, tmp_path):
    (tmp_path / "texts.jsonl").write_text('{"text": "Oslo", "id": 1}\n{"text": "x"}\n')
    target = tmp_path / "out" / "found.jsonl"
    issues = predict_files(ruler, [tmp_path / "texts.jsonl"], target, texts=["Anna Smith"])
    rows = [json.loads(line) for line in target.read_text(encoding="utf8").splitlines()]
    assert [(row["text"], len(row["ents"]), row.get("id")) for row in rows] == [
        ("Anna Smith", 1, None),
        ("Oslo", 1, 1),
        ("x", 0, None),
    ]
    assert not issues.kinds


def test_predict_writes_a_page_to_a_stream(ruler):
    stream = io.StringIO()
    predict_files(ruler, [], stream, texts=["Oslo"], write="html")
    assert '<mark class="entity"' in stream.getvalue()


def test_predict_overwrites_nothing_that_it_reads(ruler, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("Oslo\n")
    with pytest.raises(UserError, match=r"E320.*a file of texts"):
        predict_files(ruler, [path], path)
    assert path.read_text() == "Oslo\n"


def test_predict_refuses_an_unknown_format_of_texts(ruler):
    with pytest.raises(UserError, match=r"E506.*'xml' is no input_format.*auto, text, jsonl, csv"):
        predict_files(ruler, [], io.StringIO(), texts=["Oslo"], input_format="xml")


def test_predict_forgets_what_an_earlier_run_said(ruler):
    """A text that failed then and is read now has no reason any more why it failed."""
    issues = IssueLog()
    before = [
        {"text": "Oslo", "ents": None, "error": "no server"},
        {"text": "x", "ents": [], "masked": "[LOC]"},
    ]
    found = list(predict_records(ruler, before, mask="label", issues=issues))
    assert [sorted(record) for record in found] == [["ents", "masked", "text"]] * 2
    assert found[1]["masked"] == "x"
    assert sum(issue.count for _, issue in issues) == 3


def test_predict_gives_no_masked_text_where_the_pipeline_failed(failing, tmp_path):
    """It would be the text itself."""
    (tmp_path / "texts.csv").write_text("text\nbad Oslo\nin Oslo\n")
    found = list(predict_records(failing, [{"text": "bad Oslo"}, {"text": "in Oslo"}], mask="label"))
    assert [record["masked"] for record in found] == [None, "in [LOC]"]
    for write, wanted in (("csv", "masked"), ("text", "")):
        stream = io.StringIO()
        predict_files(failing, [tmp_path / "texts.csv"], stream, write=write, mask="label")
        assert wanted in stream.getvalue()
        assert "[LOC]" in stream.getvalue()
    assert stream.getvalue() == "\nin [LOC]\n"


def test_predict_finds_masks_that_the_code_registers(ruler, tmp_path):
    (tmp_path / "code.py").write_text(
        "import spacy\n"
        "@spacy.registry.misc('test_predict.stars.v1')\n"
        "def make():\n"
        "    return lambda entities: ['*' * len(entity['text']) for entity in entities]\n"
    )
    ruler.to_disk(tmp_path / "pipeline")
    stream = io.StringIO()
    mask = "test_predict.stars.v1"
    predict_files(
        tmp_path / "pipeline",
        [],
        stream,
        texts=["in Oslo"],
        write="text",
        mask=mask,
        code=tmp_path / "code.py",
    )
    assert stream.getvalue() == "in ****\n"


@pytest.mark.parametrize(
    ("write", "mask", "message"),
    [
        ("text", None, r"E787.*no mask is given.*--mask"),
        ("html", "label", r"E787.*html has no place.*jsonl, csv, tsv, text"),
        ("csv", "stars", r"E780.*'stars'.*label, numbered"),
        ("xml", None, r"E506.*'xml' is no format"),
    ],
)
def test_predict_refuses_masks_without_a_place(ruler, write, mask, message):
    with pytest.raises(UserError, match=message):
        predict_files(ruler, [], io.StringIO(), texts=["Oslo"], write=write, mask=mask)


@Language.component("predict_leaves_a_part")
def leaves_a_part(doc):
    if "whole" not in doc.text:
        doc.set_ents([], missing=[doc[0:1]], default="outside")
    if "nothing" in doc.text:
        doc.set_ents([], default="missing")
    if "server" in doc.text:
        write_failure(doc, "the server answered 400")
    return doc


def test_predict_masks_no_text_of_which_something_is_missing(ruler):
    """Each of them would be readable, in whole or in part."""
    ruler.add_pipe("predict_leaves_a_part")
    issues = IssueLog()
    texts = ["whole Oslo", "part Oslo", "nothing Oslo", "whole server Oslo"]
    found = list(predict_records(ruler, ({"text": text} for text in texts), mask="label", issues=issues))
    assert [record["masked"] for record in found] == ["whole [LOC]", None, None, None]
    assert [record["ents"] and len(record["ents"]) for record in found] == [1, [], None, None]
    errors = [record.get("error") for record in found]
    assert errors[:1] + errors[3:] == [None, "the server answered 400"]
    assert "1 of 2 tokens" in errors[1]
    assert "no component" in errors[2]
    assert (issues[FAILED], issues[INCOMPLETE]) == (2, 1)


@Language.component("predict_finds_more")
def finds_more(doc):
    """As GLiNER and a chat model do."""
    found = [*doc.ents, Span(doc, 0, 2, "NAME")]
    doc.spans["more"] = SpanGroup(doc, spans=found, attrs={ENTS_GROUP: True})
    if "mail" in doc.text:
        doc.spans["mentions"] = SpanGroup(doc, attrs={"unaligned": [["anna", "PER", WITHIN_TOKENS]]})
    return doc


def test_predict_masks_all_that_was_found(ruler):
    ruler.add_pipe("predict_finds_more")
    issues = IssueLog()
    texts = ["Oslo Smith left", "Bob left Oslo", "mail anna77 to Oslo"]
    found = list(predict_records(ruler, ({"text": text} for text in texts), mask="label", issues=issues))
    # "Bob left" shares no token with an entity: a later component may have taken it away.
    assert [record["masked"] for record in found] == ["[NAME] left", "Bob left [LOC]", None]
    assert [len(record["ents"]) for record in found] == [1, 1, 1]
    assert found[2]["error"] == f"mentions without a place in the text: 1, the first of PER ({WITHIN_TOKENS})"
    assert issues[UNMASKED] == 1
    # White space that the tokenizer doesn't keep.
    ruler.tokenizer = lambda given: Doc(ruler.vocab, words=given.split())
    (found,) = predict_records(ruler, [{"text": "Oslo   Smith  left"}], mask="label")
    assert found["masked"] == "[NAME]  left"


def test_predict_refuses_to_mask_where_nothing_finds_entities(nlp):
    nlp.add_pipe("sentencizer")
    with pytest.raises(UserError, match=r"E721.*sentencizer.*--mask"):
        predict_files(nlp, [], io.StringIO(), texts=["Oslo"], mask="label")
    with pytest.raises(UserError, match="E721"):
        predict_records(nlp, [{"text": "Oslo"}], mask="label")
    nlp.add_pipe("span_ruler", config={"annotate_ents": True}).add_patterns(
        [{"label": "LOC", "pattern": "Oslo"}]
    )
    assert next(predict_records(nlp, [{"text": "Oslo"}], mask="label"))["masked"] == "[LOC]"


def test_predict_gives_offsets_of_the_text_and_not_of_the_tokens(ruler):
    """A tokenizer of spaCy's usage docs takes white space for one blank, and puts one at the end."""
    text = "  Anna \t Smith lives in   Oslo and"
    ruler.tokenizer = lambda given: Doc(ruler.vocab, words=given.split())
    (found,) = predict_records(ruler, [{"text": text}], mask="label")
    assert found["masked"] == "  [PER] lives in   [LOC] and"
    assert all(text[ent["start"] : ent["end"]] == ent["text"] for ent in found["ents"])
    ruler.tokenizer = lambda given: Doc(ruler.vocab, words=given.lower().split())
    (found,) = predict_records(ruler, [{"text": text}], mask="label")
    assert (found["ents"], found["masked"]) == (None, None)
    assert "make up the text" in found["error"]


@pytest.mark.parametrize(("column", "mask"), [("masked", "label"), ("ents", None), ("error", None)])
def test_predict_refuses_texts_that_its_columns_would_replace(ruler, tmp_path, column, mask):
    (tmp_path / "texts.csv").write_text(f"id,{column}\n1,Oslo\n")
    with pytest.raises(UserError, match=rf"E722.*'{column}'.*--text-column"):
        predict_files(ruler, [tmp_path / "texts.csv"], io.StringIO(), text_column=column, mask=mask)


def test_predict_reads_its_own_table_with_any_line_end_in_cells(ruler, tmp_path):
    texts = ["Oslo\rand", "Oslo\r\nor", "Oslo\n", "\r"]
    source, target = tmp_path / "texts.jsonl", tmp_path / "found.csv"
    source.write_text("".join(f"{json.dumps({'text': text})}\n" for text in texts))
    predict_files(ruler, [source], target, write="csv", mask="label")
    records = list(read_texts([str(target)]))
    assert [record.text for record in records] == texts
    assert [record.fields["masked"] for record in records] == ["[LOC]\rand", "[LOC]\r\nor", "[LOC]\n", "\r"]


def test_predict_writes_a_masked_text_a_line(ruler, tmp_path):
    stream = io.StringIO()
    predict_files(ruler, [], stream, texts=["in\x0cOslo \u2028 x", "Oslo"], write="text", mask="label")
    assert stream.getvalue().count("\n") == 2
    for text in ("Oslo\n", "Oslo\r", "a\rb"):
        with pytest.raises(UserError, match=r"E787.*text 1 has several lines"):
            predict_files(ruler, [], io.StringIO(), texts=[text], write="text", mask="label")


@pytest.mark.parametrize("ending", ["jsonl", "csv", "tsv"])
def test_predict_leaves_missing_what_is_read_again(ruler, tmp_path, ending):
    """O is an annotation: of these tokens the pipeline said nothing."""
    ruler.add_pipe("predict_leaves_a_part")
    texts = ["whole Oslo is here", "part Oslo  part is here"]
    target = tmp_path / f"found.{ending}"
    predict_files(ruler, [], target, texts=texts, write=ending)
    conversion = convert(target, tmp_path / "found.spacy")
    whole, part = conversion.docs
    missing = [token.text for token in part if not token.ent_iob and not token.is_space]
    assert not [token for token in whole if not token.ent_iob]
    assert [ent.text for ent in whole.ents] == ["Oslo"]
    if ending == "jsonl":
        assert missing == ["part"]
        assert "missing" not in part.user_data["record"]["meta"]
        assert not conversion.issues[IN_PART]
    else:
        # A table doesn't say where.
        assert missing == [token.text for token in part if not token.is_space]
        assert conversion.issues[IN_PART] == 1


def test_predict_says_where_annotation_is_missing_by_the_text(ruler):
    ruler.add_pipe("predict_leaves_a_part")
    text = "  part  \t Oslo"
    ruler.tokenizer = lambda given: Doc(ruler.vocab, words=given.split())
    (found,) = predict_records(ruler, [{"text": text, "missing": [[0, 1]]}])
    assert [text[start:end] for start, end in found["missing"]] == ["part"]
    (found,) = predict_records(ruler, [{"text": text, "missing": "yes"}])
    assert found["missing"] == "yes"
    (found,) = predict_records(ruler, [{"text": "whole", "missing": [[0, 1]]}])
    assert "missing" not in found


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        ("Anna Smith\n".encode("utf-16-le"), "utf-8", r"E836.*looks like UTF-16 \(--encoding utf-16-le\)"),
        ("Anna Smith\n".encode("utf-16-be"), "latin-1", r"E836.*looks like UTF-16 \(--encoding utf-16-be\)"),
        (
            "\ufeffAnna Smith\n".encode("utf-16-le"),
            "latin-1",
            r"E836.*looks like UTF-16 \(--encoding utf-16\)",
        ),
        (gzip.compress(b"Anna Smith\n", mtime=0), "latin-1", r"E836.*gzip file: unpack"),
        (b"PK\x03\x04...", "latin-1", "E836.*zip file"),
        (b"PK\x03\x04...", "utf-16", "E836.*zip file"),
        (b"Anna\0Smith", "utf-8", "E836.*is binary\\. Give text"),
    ],
)
@pytest.mark.parametrize("ending", ["txt", "md", "csv", "jsonl"])
def test_predict_refuses_what_is_no_text(ruler, tmp_path, content, encoding, message, ending):
    """It would decode as something in which nothing is found, and stand unmasked in what is written."""
    path, stream = tmp_path / f"texts.{ending}", io.StringIO()
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        predict_files(ruler, [path], stream, write="jsonl", mask="label", encoding=encoding)
    assert not stream.getvalue()


@pytest.mark.parametrize("name", ["texts.json", "texts.XLSX", "texts.csv.gz", "texts.spacy", "texts.conll"])
def test_predict_takes_no_file_for_text_that_is_something_else(ruler, tmp_path, name):
    path, stream = tmp_path / name, io.StringIO()
    path.write_text('["Oslo", "Oslo"]\n')
    with pytest.raises(UserError, match=r"E843.*--input-format"):
        predict_files(ruler, [path], stream)
    predict_files(ruler, [path], stream, write="text", mask="label", input_format="text")
    assert stream.getvalue() == '["[LOC]", "[LOC]"]\n'


def test_predict_writes_a_masked_line_for_each_line(ruler, tmp_path):
    (tmp_path / "a.txt").write_text("Anna Smith\n\n  \nin Oslo\n\n")
    (tmp_path / "b.csv").write_text("text\nOslo\n\nOslo\n")
    stream = io.StringIO()
    files = [tmp_path / "a.txt", tmp_path / "b.csv"]
    issues = predict_files(ruler, files, stream, write="text", mask="label")
    assert stream.getvalue() == "[PER]\n\n  \nin [LOC]\n\n[LOC]\n\n[LOC]\n"
    assert not issues.kinds


def test_predict_counts_blank_lines_that_it_passes_over(ruler, tmp_path):
    (tmp_path / "a.txt").write_text("Anna Smith\n\n  \nin Oslo\n\n")
    (tmp_path / "b.txt").write_text("\n")
    issues = predict_files(ruler, [tmp_path / "a.txt"], io.StringIO())
    assert (issues[BLANK], issues.kinds[BLANK].where) == (3, f"{tmp_path / 'a.txt'}:2")
    assert predict_files(ruler, [tmp_path / "b.txt"], io.StringIO(), whole=True)[BLANK_FILE] == 1


def test_predict_says_that_a_folder_is_one(ruler, tmp_path):
    with pytest.raises(UserError, match=r"E844.*is a folder"):
        predict_files(ruler, [tmp_path], io.StringIO())


@pytest.mark.parametrize("n_process", [0, -3])
def test_predict_refuses_a_number_of_processes_that_is_none(ruler, n_process):
    for run in (
        lambda: predict(ruler, ["Oslo"], n_process=n_process),
        lambda: predict_records(ruler, [{"text": "Oslo"}], n_process=n_process),
        lambda: predict_files(ruler, [], io.StringIO(), texts=["Oslo"], n_process=n_process),
    ):
        with pytest.raises(UserError, match=rf"E845.*n_process is {n_process}\..*-1"):
            run()


def test_predict_warns_once_of_spans_that_it_does_not_mask(ruler):
    """Another component has found them, and they stay readable."""
    names = [{"label": "NAME", "pattern": "Bob"}, {"label": "NAME", "pattern": "Oslo"}]
    ruler.add_pipe("span_ruler", config={"spans_key": "names"}).add_patterns(names)
    records = [{"text": text} for text in ("Oslo", "Bob left Oslo", "Bob in Oslo")]
    with pytest.warns(UserWarning, match=r"W957.*\['names'\].*NAME") as told:
        found = list(predict_records(ruler, records, mask="label"))
    assert [record["masked"] for record in found] == ["[LOC]", "Bob left [LOC]", "Bob in [LOC]"]
    assert [str(each.message).count("Bob") for each in told] == [0]
    with pytest.warns(UserWarning, match="W957"):
        assert mask(ruler("Bob left")) == "Bob left"


@pytest.mark.parametrize(
    "attrs", [{ENTS_GROUP: True}, {ENTS_GROUP: False}, {"unaligned": []}, {"kept": [False], "by": [[0.1]]}]
)
def test_predict_does_not_warn_of_what_a_component_of_ours_found_to_be_none(nlp, attrs, recwarn):
    doc = Doc(nlp.vocab, words=["Bob", "left"], ents=["O", "O"])
    doc.spans["ours"] = SpanGroup(doc, spans=[Span(doc, 0, 1, "PER")], attrs=attrs)
    assert mask(doc) == "Bob left "
    assert not recwarn.list
