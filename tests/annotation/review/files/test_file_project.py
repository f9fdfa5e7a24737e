"""Files as a review goes through them: written for a tool, annotated as by the tool, and read."""

import json
from pathlib import Path
from shutil import copy

import pytest

from spacy_ner_plus.annotation.review.files.annotators import annotators_of
from spacy_ner_plus.annotation.review.files.doccano import OF_NOBODY
from spacy_ner_plus.annotation.review.files.uima_cas import AS_WRITTEN, UNTOUCHED
from spacy_ner_plus.annotation.review.registered import get_tool
from spacy_ner_plus.annotation.review.tasks import ID_KEY, Task, make_tasks, most_doubtful_first
from spacy_ner_plus.annotation.review.tool import ProjectPlan
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.workflows.review.status import review_status
from tests.annotation.review.docs import EMOJI, NONE, PEOPLE, corpus

PLAN = ProjectPlan(labels=LabelSet(("PER", "LOC", "ORG")))


def pushed(name, path):
    tool, notes = get_tool(name), []
    with tool.open(str(path), tool.options()) as project:
        project.set_up(PLAN, notes)
        assert list(project.add(most_doubtful_first(list(make_tasks(corpus()))))) == [3]
    return notes


def pulled(name, path, **options):
    tool, issues = get_tool(name), IssueLog()
    with tool.open(str(path), tool.options(**options)) as project:
        return list(project.submissions(issues, [])), issues


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")


def of_emoji(submissions):
    (one,) = [one for one in submissions if one.text == EMOJI]
    return one.id, [(span.start, span.end, span.label) for span in one.spans], one.annotator


def test_file_project_doccano(tmp_path):
    notes = pushed("doccano", tmp_path / "tasks.jsonl")
    assert any("approved" in note for note in notes)
    labels = json.loads((tmp_path / "tasks.labels.json").read_text(encoding="utf8"))
    assert [(row["text"], row["suffix_key"]) for row in labels] == [("PER", "p"), ("LOC", "l"), ("ORG", "o")]
    submissions, issues = pulled("doccano", tmp_path / "tasks.jsonl")
    assert not submissions
    assert issues["row without doccano's `id`: not of an export, left out"] == 3
    rows = [json.loads(line) for line in (tmp_path / "tasks.jsonl").read_text(encoding="utf8").splitlines()]
    rows = [{"id": i, **row, "Comments": []} for i, row in enumerate(rows, start=7)]
    rows[1]["label"] = [[5, 15, "ORG"]]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "rosa.jsonl").write_text(lines, encoding="utf8")
    submissions, issues = pulled("doccano", tmp_path / "rosa.jsonl")
    assert len(submissions) == 3
    assert of_emoji(submissions) == ("d-2", [(3, 13, "ORG")], "rosa")
    submissions, _ = pulled("doccano", tmp_path / "rosa.jsonl", annotator="quint")
    assert of_emoji(submissions)[2] == "quint"


@pytest.mark.parametrize(("offsets", "sent"), [({}, [5, 15]), ({"offsets": "code-points"}, [3, 13])])
def test_file_project_doccano_counts_as_its_page(tmp_path, offsets, sent):
    """Behind two emojis UTF-16 units, as the page has counted since version 1.5; code points before."""
    tool, notes = get_tool("doccano"), []
    with tool.open(str(tmp_path / "tasks.jsonl"), tool.options(**offsets)) as project:
        project.set_up(PLAN, notes)
        assert list(project.add(list(make_tasks(corpus())))) == [3]
    assert any("1 texts have emojis" in note for note in notes)
    rows = [json.loads(line) for line in (tmp_path / "tasks.jsonl").read_text(encoding="utf8").splitlines()]
    assert [row["label"][0][:2] for row in rows if row["text"] == EMOJI] == [sent]
    lines = "".join(json.dumps({"id": i, **row}) + "\n" for i, row in enumerate(rows))
    (tmp_path / "rosa.jsonl").write_text(lines, encoding="utf8")
    notes = []
    with tool.open(str(tmp_path / "rosa.jsonl"), tool.options(**offsets)) as project:
        submissions = list(project.submissions(IssueLog(), notes))
    assert of_emoji(submissions)[1] == [(3, 13, "PER"), (23, 27, "LOC")]
    assert any("1 submitted texts have emojis" in note for note in notes)
    with pytest.raises(UserError, match="E170"):
        tool.options(offsets="bytes")


def test_file_project_doccano_takes_names_of_labels_that_are_numbers(tmp_path):
    row = {
        "id": 1,
        "text": EMOJI,
        "annotations": [{"label": 2, "start_offset": 5, "end_offset": 15, "user": 1}],
    }
    (tmp_path / "old.jsonl").write_text(json.dumps(row), encoding="utf8")
    (tmp_path / "names.json").write_text('{"2": "PER"}', encoding="utf8")
    with pytest.raises(UserError, match="E600"):
        pulled("doccano", tmp_path / "old.jsonl")
    (one,), _ = pulled("doccano", tmp_path / "old.jsonl", labels=str(tmp_path / "names.json"))
    assert [(span.start, span.end, span.label) for span in one.spans] == [(3, 13, "PER")]


def test_file_project_doccano_takes_no_texts_without_labels_of_nobody(tmp_path):
    """Its export has a file for each person, and `unknown.jsonl` for texts without any label, whoever saw them."""
    rows = [{"id": i, "text": text, "label": []} for i, text in enumerate((EMOJI, PEOPLE, NONE))]
    rows[1]["label"] = [[0, 7, "PER"]]
    (tmp_path / "export").mkdir()
    write_lines(tmp_path / "export" / "unknown.jsonl", rows)
    write_lines(tmp_path / "export" / "ann.jsonl", [rows[2]])
    submissions, issues = pulled("doccano", tmp_path / "export")
    assert [(one.text, one.annotator) for one in submissions] == [(NONE, "ann"), (PEOPLE, "")]
    assert issues[OF_NOBODY] == 2
    assert review_status(str(tmp_path / "export"), tool="doccano").submitted == 2
    submissions, issues = pulled("doccano", tmp_path / "export", unknown="take", annotator="bob")
    assert [one.annotator for one in submissions] == ["bob"] * 4
    assert not issues[OF_NOBODY]
    with pytest.raises(UserError, match=r"`unknown` is 'keep'.*leave.*take"):
        review_status(str(tmp_path / "export"), tool="doccano", options={"unknown": "keep"})


def test_file_project_doccano_tells_people_apart_who_share_a_record(tmp_path):
    spans = [
        {"label": "PER", "start_offset": 0, "end_offset": end, "user": user} for user, end in ((1, 7), (2, 3))
    ]
    write_lines(tmp_path / "all.jsonl", [{"id": 1, "text": PEOPLE, "annotations": spans}])
    submissions, _ = pulled("doccano", tmp_path / "all.jsonl")
    assert [(one.annotator, one.spans[0].end) for one in submissions] == [("1", 7), ("2", 3)]


def test_file_project_refuses_records_of_one_line_of_which_only_some_are_answered(tmp_path):
    rows = [{"text": text, "spans": [], "answer": "accept"} for text in (EMOJI, PEOPLE)]
    (tmp_path / "out.json").write_text(json.dumps(rows), encoding="utf8")
    submissions, _ = pulled("prodigy", tmp_path / "out.json")
    assert len(submissions) == 2
    del rows[1]["answer"]
    (tmp_path / "out.json").write_text(json.dumps(rows), encoding="utf8")
    with pytest.raises(UserError, match=r"E833.*out\.json:1"):
        pulled("prodigy", tmp_path / "out.json")
    (tmp_path / "out.json").write_text(json.dumps(rows, indent=1), encoding="utf8")
    (one,), issues = pulled("prodigy", tmp_path / "out.json")
    assert (one.text, issues["task without an answer, left out"]) == (EMOJI, 1)


PRODIGYS = {
    "text": PEOPLE,
    "spans": [{"start": 0, "end": 7, "label": "PER"}],
    "answer": "accept",
    "_view_id": "ner",
}
DOCCANOS = {"id": 1, "text": PEOPLE, "label": [[0, 7, "PER"]], "Comments": []}
LABEL_STUDIOS = {"id": 1, "data": {"text": PEOPLE}, "annotations": [{"result": []}]}


@pytest.mark.parametrize(
    ("tool", "content", "said"),
    [
        ("doccano", json.dumps(PRODIGYS), "looks like what prodigy exports: give that as `tool`"),
        ("prodigy", json.dumps(DOCCANOS), "looks like what doccano exports: give that as `tool`"),
        (
            "prodigy",
            json.dumps([LABEL_STUDIOS]),
            "looks like label-studio, which `spacy-ner-plus convert` reads",
        ),
        (
            "doccano",
            json.dumps({"id": 1, "text": "a", "ner": ["B-X"]}),
            "E180.*name another `tool` \\(TOOL\\)",
        ),
        (
            "doccano",
            json.dumps({"id": 1, "text": "a", "label": [[7, 9, "X"]]}),
            "E171.*Name another `tool` \\(TOOL\\)",
        ),
        ("doccano", "\0\1\2", "E111.*name its `tool` \\(TOOL\\)"),
        ("doccano", "Zo\xeb".encode("latin-1"), "E103.*`encoding` \\(--option encoding=...\\)"),
    ],
)
def test_file_project_says_what_can_be_done_in_a_review(tmp_path, tool, content, said):
    """The formats' messages name options of `convert`, which has a format where a review has a tool."""
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "out.jsonl").write_bytes(content)
    with pytest.raises(UserError, match=said) as told:
        pulled(tool, tmp_path / "out.jsonl")
    assert "--format" not in str(told.value)
    assert "(--encoding)" not in str(told.value)


def test_file_project_says_of_a_folder_what_can_be_done_in_a_review(tmp_path):
    (tmp_path / "out.pdf").write_bytes(b"%PDF")
    with pytest.raises(UserError, match=r"E121.*give its `tool` \(TOOL\)"):
        pulled("doccano", tmp_path)


@pytest.mark.parametrize(
    ("encoding", "options"), [("utf-16", {}), ("utf-8-sig", {}), ("cp1252", {"encoding": "cp1252"})]
)
def test_file_project_reads_files_of_windows(tmp_path, encoding, options):
    rows = [{"text": text, "spans": [], "answer": "accept"} for text in ("Zoë left.", "Bo left.")]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows)
    (tmp_path / "out.jsonl").write_bytes(text.encode(encoding))
    submissions, issues = pulled("prodigy", tmp_path / "out.jsonl", **options)
    assert [one.text for one in submissions] == ["Zoë left.", "Bo left."]
    assert not len(issues)


def test_file_project_prodigy(tmp_path):
    pushed("prodigy", tmp_path / "tasks.jsonl")
    submissions, issues = pulled("prodigy", tmp_path / "tasks.jsonl")
    assert not submissions
    assert issues["task without an answer, left out"] == 3
    rows = [json.loads(line) for line in (tmp_path / "tasks.jsonl").read_text(encoding="utf8").splitlines()]
    for row, answer in zip(rows, ("reject", "accept", "ignore"), strict=True):
        row |= {"answer": answer, "_view_id": "ner_manual", "_annotator_id": "news-rosa"}
    rows[1]["spans"].pop()
    (tmp_path / "out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    submissions, _ = pulled("prodigy", tmp_path / "out.jsonl")
    assert len(submissions) == 1
    assert of_emoji(submissions) == ("d-2", [(3, 13, "PER")], "news-rosa")


def test_file_project_uima_cas(tmp_path):
    import cassis

    pushed("uima-cas", tmp_path / "cas")
    submissions, issues = pulled("uima-cas", tmp_path / "cas")
    assert not submissions
    assert issues["file as it was written to import, left out"] == 3
    out = tmp_path / "letters"
    out.mkdir()
    system = cassis.load_typesystem(tmp_path / "cas" / "TypeSystem.xml")
    system.to_xml(out / "TypeSystem.xml")
    for file in sorted((tmp_path / "cas").glob("*.xmi")):
        cas = cassis.load_cas_from_xmi(file, typesystem=system)
        if cas.sofa_string == EMOJI:
            entities = cas.select("de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity")
            assert [one.get_covered_text() for one in entities] == ["Rosa Quint", "Lund"]
            cas.remove(entities[1])
        cas.to_xmi(out / file.name)
    submissions, _ = pulled("uima-cas", out)
    assert len(submissions) == 3
    assert of_emoji(submissions) == ("d-2", [(3, 13, "PER")], "letters")


def test_file_project_uima_cas_takes_no_other_layer_for_o(tmp_path):
    """INCEpTION's own layer of spans, `custom.Span`, beside that of named entities; and tokens, which nobody marked."""
    text = "Ann Lee met Bob in Oslo."
    rows = (
        f'<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" sofaString="{text}"/>'
        '<ner:NamedEntity xmi:id="3" sofa="1" begin="0" end="7" value="PER"/>'
        '<custom:Span xmi:id="4" sofa="1" begin="12" end="15" label="PER"/>'
        '<custom:Span xmi:id="5" sofa="1" begin="0" end="3" label="FIRST"/>'
        '<seg:Token xmi:id="6" sofa="1" begin="19" end="23"/>'
        '<seg:Lemma xmi:id="7" sofa="1" begin="16" end="18" value="in"/>'
        '<custom:Link xmi:id="8" sofa="1" begin="8" end="11" Governor="3" Dependent="4" label="met"/>'
        '<cas:View sofa="1" members="3 4 5 6 7 8"/>'
    )
    head = '<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore" '
    head += 'xmlns:ner="http:///de/tudarmstadt/ukp/dkpro/core/api/ner/type.ecore" '
    head += 'xmlns:custom="http:///webanno/custom.ecore" '
    head += 'xmlns:seg="http:///de/tudarmstadt/ukp/dkpro/core/api/segmentation/type.ecore" xmi:version="2.0">'
    (tmp_path / "ann.xmi").write_text(f"{head}{rows}</xmi:XMI>", encoding="utf8")

    def told(**options):
        (one,), issues = pulled("uima-cas", tmp_path / "ann.xmi", **options)
        return (
            {text[slice(*bounds)] for bounds in one.missing},
            {text[span.start : span.end] for span in one.spans},
            issues,
        )

    missing, spans, issues = told()
    assert (missing, spans) == ({"Bob"}, {"Ann Lee"})
    assert issues["mark of another layer, not read: its tokens are missing: Span"] == 2
    assert told(layer="Span", feature="label")[:2] == ({"Lee"}, {"Ann", "Bob"})
    assert told(other_layers="outside")[0] == set()
    (tmp_path / "types.xml").write_text("<types/>")
    with pytest.raises(UserError, match=r"E615.*declares no types"):
        told(type_system=str(tmp_path / "types.xml"))


def test_file_project_tells_how_far_it_is(tmp_path):
    pushed("prodigy", tmp_path / "tasks.jsonl")
    lines = (tmp_path / "tasks.jsonl").read_text(encoding="utf8").splitlines(keepends=True)
    lines[0] = lines[0].replace('"meta"', '"answer": "accept", "meta"')
    (tmp_path / "out.jsonl").write_text("".join(lines), encoding="utf8")
    status = review_status(str(tmp_path / "out.jsonl"), tool="prodigy")
    assert (status.tasks, status.submitted, status.others) == (3, 1, 0)
    with pytest.raises(UserError, match="E101"):
        review_status(str(tmp_path / "nothing.jsonl"), tool="prodigy")


def test_file_project_is_never_overwritten(tmp_path):
    (tmp_path / "tasks.jsonl").write_text("work of hours")
    with pytest.raises(UserError, match="E742"):
        pushed("doccano", tmp_path / "tasks.jsonl")
    assert not (tmp_path / "tasks.labels.json").exists()
    # Nor are the labels, which may have been written by hand.
    (tmp_path / "new.labels.json").write_text("{}")
    with pytest.raises(UserError, match=r"E742.*new\.labels\.json"):
        pushed("doccano", tmp_path / "new.jsonl")
    assert not (tmp_path / "new.jsonl").exists()


def test_file_project_prodigy_takes_no_answers_about_something_else(tmp_path):
    answers = [
        {"_view_id": "classification", "label": "news"},
        {"_view_id": "choice", "options": [{"id": "a"}], "accept": []},
        {"_view_id": "ner_manual"},
    ]
    rows = [{"text": text, "spans": [], "answer": "accept"} for text in (EMOJI, PEOPLE, NONE)]
    rows = [row | answer for row, answer in zip(rows, answers, strict=True)]
    rows[1]["spans"] = [{"start": 0, "end": 7, "label": "PER"}]
    write_lines(tmp_path / "out.jsonl", rows)
    (one,), issues = pulled("prodigy", tmp_path / "out.jsonl")
    assert one.text == NONE
    assert issues["task without annotation, left out"] == 2


def test_file_project_prodigy_names_people_of_unnamed_sessions(tmp_path):
    task = {"text": PEOPLE, "spans": [], "answer": "accept", "_view_id": "ner_manual"}
    sessions = [f"2024-01-0{day}_10-11-12" for day in (1, 2)]
    rows = [task | {"_session_id": session, "_annotator_id": session} for session in sessions]
    write_lines(tmp_path / "news.jsonl", rows)
    submissions, _ = pulled("prodigy", tmp_path / "news.jsonl")
    assert [one.annotator for one in submissions] == ["news", "news"]
    submissions, _ = pulled("prodigy", tmp_path / "news.jsonl", annotator="ann")
    assert [one.annotator for one in submissions] == ["ann", "ann"]


def test_file_project_prodigy_says_when(tmp_path):
    row = {"text": EMOJI, "spans": [], "answer": "accept", "_annotator_id": "rosa", "meta": {ID_KEY: "d-2"}}
    times = (1700000000, 1600000000.5, "today")
    lines = "".join(json.dumps(row | {"_timestamp": time}) + "\n" for time in times)
    (tmp_path / "out.jsonl").write_text(lines, encoding="utf8")
    submissions, _ = pulled("prodigy", tmp_path / "out.jsonl")
    when = ["2023-11-14T22:13:20+00:00", "2020-09-13T12:26:40.500000+00:00", ""]
    assert [one.submitted for one in submissions] == when


def test_file_project_uima_cas_tells_people_apart_who_annotated_one_text(tmp_path):
    pushed("uima-cas", tmp_path / "cas")
    for file in (tmp_path / "cas").glob("*.xmi"):
        exported = file.read_text(encoding="utf8").replace(AS_WRITTEN, "")
        folder = tmp_path / "out" / file.name
        folder.mkdir(parents=True)
        copy(tmp_path / "cas" / "TypeSystem.xml", folder)
        for name in ("ann", "bob") if "d-2" in file.name else ("ann", "INITIAL_CAS"):
            (folder / f"{name}.xmi").write_text(exported, encoding="utf8")
    submissions, issues = pulled("uima-cas", tmp_path / "out")
    assert sorted((one.annotator, one.text == EMOJI) for one in submissions) == [
        ("ann", False),
        ("ann", False),
        ("ann", True),
        ("bob", True),
    ]
    assert issues[UNTOUCHED] == 2


@pytest.mark.parametrize("file", ["curation/1.xmi/CURATION_USER.xmi", "1.xmi/CURATION_USER/1.xmi"])
def test_file_project_uima_cas_knows_what_a_curator_decided(tmp_path, file):
    pushed("uima-cas", tmp_path / "cas")
    (sent,) = (tmp_path / "cas").glob("*d-2.xmi")
    for name in (file, "annotation/1.xmi/ann.xmi", "annotation/1.xmi/bob.xmi"):
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text(
            sent.read_text(encoding="utf8").replace(AS_WRITTEN, ""), encoding="utf8"
        )
    submissions, _ = pulled("uima-cas", tmp_path / "out")
    assert sorted((one.annotator, one.is_final) for one in submissions if not one.is_final) == [
        ("ann", False),
        ("bob", False),
    ]
    assert [one.is_final for one in submissions if one.is_final] == [True]
    # Whoever is named, it is what was decided.
    submissions, _ = pulled("uima-cas", tmp_path / "out" / file, annotator="rosa")
    assert [one.is_final for one in submissions] == [True]


def test_file_project_prodigy_knows_what_was_decided_in_its_review(tmp_path):
    task = {"text": PEOPLE, "spans": [], "answer": "accept", "_annotator_id": "ann"}
    review = {"_view_id": "review", "view_id": "ner_manual", "versions": []}
    write_lines(tmp_path / "out.jsonl", [task | {"_view_id": "ner_manual"}, task | review])
    submissions, _ = pulled("prodigy", tmp_path / "out.jsonl")
    assert [one.is_final for one in submissions] == [False, True]


@pytest.mark.parametrize(
    ("files", "people"),
    [
        ({"r/1.xmi": "a", "r/2.xmi": "b"}, ["r", "r"]),
        ({"r/1.xmi": "a"}, ["r"]),
        ({"r/ann.xmi": "a", "r/bob.xmi": "a"}, ["ann", "bob"]),
        ({"r/1/ann.xmi": "a", "r/2/ann.xmi": "b"}, ["ann", "ann"]),
        ({"r/ann/1.xmi": "a", "r/bob/1.xmi": "a"}, ["ann", "bob"]),
        ({"r/ann/1.xmi": "a", "r/ann/2.xmi": "b", "r/bob/1.xmi": "a"}, ["ann", "ann", "bob"]),
        ({"r": "a"}, ["r"]),
    ],
)
def test_file_project_names_people_by_files_or_folders(files, people):
    assert annotators_of([(Path(name), text) for name, text in files.items()], Path("r")) == people


def test_file_project_counts_what_it_writes(tmp_path):
    tool, notes = get_tool("uima-cas"), []
    with tool.open(str(tmp_path / "cas"), tool.options()) as project:
        project.set_up(PLAN, notes)
        assert list(project.add([Task("a", "Ann\x0bleft."), Task("b", "Bob left.")])) == [1]
    assert len(list((tmp_path / "cas").glob("0*.xmi"))) == 1
    assert any("1 texts have control characters" in note for note in notes)
