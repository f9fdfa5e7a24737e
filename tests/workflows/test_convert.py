"""convert: right and wrong input, and nothing written by halves."""

import io
import json
import sys

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.corpus import read_docs
from spacy_ner_plus.data.sources import Options
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import doc_to_tags
from spacy_ner_plus.workflows.convert import convert

CONLL = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
calls NNS I-NP O
. . O O

-DOCSTART- -X- -X- O

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER
"""
BROKEN = "Ann B-PER\n\nBob PER\n\nAnn B-PER\n"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source" / "a.conll"
    path.parent.mkdir()
    path.write_text(CONLL)
    return path


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out" / "corpus.spacy"


def load(path, vocab=None):
    return list(DocBin().from_disk(path).get_docs(vocab or spacy.blank("en").vocab))


def documents(count, label="PER"):
    return "".join(f"-DOCSTART- O\n\nPerson{i} B-{label}\nleft O\n\n" for i in range(count))


def test_convert_writes_a_corpus_that_spacy_reads(source, out):
    conversion = convert([str(source)], out)
    docs = load(out)
    assert [doc.text for doc in docs] == ["EU rejects German calls.", "Peter Blackburn"]
    assert [doc_to_tags(doc) for doc in docs] == [["B-ORG", "O", "B-MISC", "O", "O"], ["B-PER", "I-PER"]]
    assert conversion.counts[""].entities == {"ORG": 1, "MISC": 1, "PER": 1}
    assert not conversion.issues.kinds
    assert [path.name for path in out.parent.iterdir()] == ["corpus.spacy"]


def test_convert_reads_several_sources_in_order(source, out):
    other = source.with_name("b.conll")
    other.write_text("Ann B-PER\n")
    convert([str(other), str(source)], out)
    assert load(out)[0].text == "Ann"
    convert([str(source.parent)], out)
    assert load(out)[-1].text == "Ann"


def test_convert_reads_standard_input(out, monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(CONLL.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    convert(["-"], out)
    assert len(load(out)) == 2


@pytest.mark.parametrize("ending", [".conll", ".iob", ".jsonl", ".json", ".spacy"])
def test_convert_writes_every_format_and_reads_it_again(ending, source, out, tmp_path):
    between = tmp_path / f"between{ending}"
    convert([str(source)], between)
    convert([str(between)], out)
    docs = load(out)
    assert [doc.text for doc in docs] == ["EU rejects German calls.", "Peter Blackburn"]
    assert [[(ent.text, ent.label_) for ent in doc.ents] for doc in docs] == [
        [("EU", "ORG"), ("German", "MISC")],
        [("Peter Blackburn", "PER")],
    ]


def test_convert_reads_a_saved_dataset(tmp_path, out):
    datasets = pytest.importorskip("datasets")
    rows = {"words": [["Ann", "left"], ["Oslo"]], "ner": [["B-PER", "O"], ["B-LOC"]], "document_id": [1, 1]}
    splits = {"train": datasets.Dataset.from_dict(rows), "test": datasets.Dataset.from_dict(rows).select([1])}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "dataset")
    options = Options(token_column="words", tag_column="ner", hub_split="train", group="sentence")
    conversion = convert([str(tmp_path / "dataset")], out, options=options)
    assert [doc.text for doc in load(out)] == ["Ann left", "Oslo"]
    assert conversion.counts[""].entities == {"PER": 1, "LOC": 1}
    options.group, options.hub_split = "document", "test"
    assert [
        doc.text for doc in load(convert([str(tmp_path / "dataset")], out, options=options).paths[""])
    ] == ["Oslo"]


def test_convert_keeps_all_of_a_doc_between_spacy_files(out, tmp_path, nlp):
    doc = Doc(nlp.vocab, words=["Ann", "left"], spaces=[True, False], tags=["NNP", "VBD"], ents=["B-PER", ""])
    doc.cats = {"x": 1.0}
    doc.user_data["id"] = 7
    doc.spans["sc"] = [Span(doc, 0, 2, label="X")]
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "in.spacy")
    convert([str(tmp_path / "in.spacy")], out)
    (again,) = load(out)
    assert (again.cats, again.user_data["id"], again[0].tag_) == ({"x": 1.0}, 7, "NNP")
    assert [span.label_ for span in again.spans["sc"]] == ["X"]
    assert doc_to_tags(again) == ["B-PER", "-"]


def test_convert_deals_documents_to_parts(tmp_path, out):
    source = tmp_path / "a.conll"
    source.write_text(documents(50))
    conversion = convert([str(source)], out, split="train=0.8,dev=0.2", seed=1)
    assert sorted(path.name for path in out.parent.iterdir()) == ["corpus-dev.spacy", "corpus-train.spacy"]
    parts = {part: {doc.text for doc in load(path)} for part, path in conversion.paths.items()}
    assert [len(parts["train"]), len(parts["dev"])] == [40, 10]
    assert not parts["train"] & parts["dev"]
    again = convert([str(source)], out.with_name("again.spacy"), split="train=0.8,dev=0.2", seed=2)
    assert {doc.text for doc in load(again.paths["dev"])} != parts["dev"]


def test_convert_refuses_a_split_that_leaves_a_part_empty(tmp_path, out):
    source = tmp_path / "a.conll"
    source.write_text(documents(1))
    with pytest.raises(UserError, match="would get none of the 1 documents"):
        convert([str(source)], out, split="train=0.8,dev=0.2")
    assert not out.parent.exists()


def test_convert_maps_labels(source, out, tmp_path):
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"PER": "PERSON", "MISC": None}))
    conversion = convert([str(source)], out, label_map=labels)
    assert conversion.counts[""].entities == {"ORG": 1, "PERSON": 1}
    assert "label map: 1 MISC dropped" in conversion.notes


def test_convert_counts_repeated_documents(tmp_path, out):
    source = tmp_path / "a.conll"
    source.write_text(BROKEN)
    conversion = convert([str(source)], out)
    assert conversion.issues["duplicate document"] == 1
    assert conversion.issues["invalid tag"] == 1
    assert conversion.issues.kinds["invalid tag"].where == f"{source}:3"


@pytest.mark.parametrize("earlier", [None, b"earlier"])
def test_convert_strict_writes_nothing(earlier, tmp_path, out):
    source = tmp_path / "a.conll"
    source.write_text(BROKEN)
    if earlier:
        out.parent.mkdir()
        out.write_bytes(earlier)
    with pytest.raises(UserError, match=r"invalid tag \(1\)"):
        convert([str(source)], out, strict=True)
    assert (out.read_bytes() if earlier else out.exists()) == (earlier or False)
    assert not earlier or len(list(out.parent.iterdir())) == 1


def test_convert_strict_refuses_what_the_output_cannot_hold(tmp_path, nlp):
    doc = Doc(nlp.vocab, words=["Ann", "\n"], ents=["B-PER", "O"])
    DocBin(docs=[doc]).to_disk(tmp_path / "in.spacy")
    with pytest.raises(UserError, match="token of white space"):
        convert([str(tmp_path / "in.spacy")], tmp_path / "out.conll", strict=True)
    assert [path.name for path in tmp_path.iterdir()] == ["in.spacy"]


def test_convert_says_what_formats_of_spans_cannot_hold(source, tmp_path, nlp):
    doc = Doc(
        nlp.vocab, words=["Ann", "left", "Bob"], ents=["B-PER", "O", ""], sent_starts=[True, False, True]
    )
    DocBin(docs=[doc]).to_disk(tmp_path / "in.spacy")
    conversion = convert([str(tmp_path / "in.spacy")], tmp_path / "out.jsonl")
    assert conversion.issues["missing annotation that jsonl has no place for"] == 1
    assert conversion.issues["sentences that jsonl has no place for"] == 1


def test_convert_strict_writes_what_is_whole(source, out):
    convert([str(source)], out, strict=True)
    assert out.exists()


def test_convert_leaves_nothing_behind_where_reading_fails(tmp_path, out):
    source = tmp_path / "a.conll"
    source.write_text(documents(5) + "lonely\n")
    with pytest.raises(UserError, match=r"a\.conll:26: the line has 1 column"):
        convert([str(source)], out)
    assert [path.name for path in tmp_path.iterdir()] == ["a.conll"]


def test_convert_passes_each_option_on(source, out, tmp_path):
    assert len(load(convert([str(source)], out, options=Options(group="sentence")).paths[""])) == 2
    titled = tmp_path / "titled.conll"
    titled.write_text("A B-PER\n\nnew O\nday O\n")
    options = Options(sentence_lines=True, group=2)
    assert [doc.text for doc in load(convert([str(titled)], out, options=options).paths[""])] == [
        "A\nnew day"
    ]
    chunks = convert([str(source)], out, options=Options(tag_column="3"))
    assert set(chunks.counts[""].entities) == {"NP", "VP"}
    tags = convert(
        [str(source)], out, format="conll", options=Options(token_column="2", restore_whitespace=False)
    )
    assert load(tags.paths[""])[0].text == "NNP VBZ JJ NNS ."
    latin = tmp_path / "latin.conll"
    latin.write_bytes(b"M\xfcller PERSON\n")
    named = convert(
        [str(latin)], out, format="conll", encoding="latin-1", options=Options(scheme="IO"), lang="de"
    )
    assert named.counts[""].entities == {"PERSON": 1}
    assert load(out)[0].text == "Müller"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"out": "corpus.csv"}, r"should end in one of: \.spacy"),
        ({"out": "corpus.spacy", "shards": 2}, r"`shards` \(--shards\) makes a folder"),
        ({"out": "corpus", "shards": -1}, r"`shards` \(--shards\) makes a folder"),
        ({"out": "a.conll"}, "is also a source"),
        ({"split": "half"}, "is no split"),
        ({"lang": "klingon"}, "klingon"),
        ({"options": Options(group="page")}, "Can't group by 'page'"),
        ({"options": Options(hub_split="train")}, "hub_split says nothing about conll"),
        ({"format": "jsonl"}, "be read as JSON"),
        ({"format": "spacy"}, "is not a .spacy corpus"),
        ({"sources": ["none.conll"]}, "no such file"),
    ],
)
def test_convert_refuses(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.conll").write_text(CONLL)
    sources, target = options.pop("sources", ["a.conll"]), options.pop("out", "corpus.spacy")
    with pytest.raises(UserError, match=message):
        convert(sources, tmp_path / target, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["a.conll"]
    assert (tmp_path / "a.conll").read_text() == CONLL


def test_convert_passes_over_its_own_earlier_output(source):
    out = source.with_name("corpus.spacy")
    for _ in range(2):
        convert([str(source.parent)], out)
        assert len(load(out)) == 2


def test_convert_names_the_line_on_which_a_duplicate_begins(tmp_path):
    source = tmp_path / "dup.conll"
    source.write_text("Ann B-PER\n\nAnn B-PER\n\nBob O\n")
    conversion = convert([str(source)], tmp_path / "out.spacy")
    issue = dict(conversion.issues)["duplicate document"]
    assert issue.where == f"{source}:3"


def test_convert_does_not_overwrite_the_label_map(source, tmp_path):
    labels = tmp_path / "labels.json"
    labels.write_text('{"PER": "PERSON"}')
    with pytest.raises(UserError, match=r"E320.*the label map"):
        convert([str(source)], labels, label_map=labels)
    assert labels.read_text() == '{"PER": "PERSON"}'


def test_convert_without_a_target_gives_docs_and_writes_nothing(source, tmp_path):
    conversion = convert(source)
    assert [doc.text for doc in conversion.docs] == ["EU rejects German calls.", "Peter Blackburn"]
    # They are read again.
    assert [len(doc) for doc in conversion.docs] == [5, 2]
    assert len(conversion.docs) == 2
    assert conversion.paths == {}
    assert list(tmp_path.iterdir()) == [source.parent]


@pytest.mark.parametrize("target", ["corpus.jsonl", "corpus.spacy"])
def test_convert_gives_docs_of_what_it_writes(target, source, tmp_path):
    docs = convert([source], tmp_path / target).docs
    assert [len(doc.ents) for doc in docs] == [2, 1]


def test_convert_gives_docs_of_shards_in_order(tmp_path):
    source = tmp_path / "a.conll"
    source.write_text(documents(7))
    docs = convert(source, tmp_path / "corpus", shards=3).docs
    assert [doc[0].text for doc in docs] == [f"Person{i}" for i in range(7)]


def test_convert_gives_docs_by_part(tmp_path):
    source = tmp_path / "a.conll"
    source.write_text(documents(10))
    conversion = convert(source, split="train=0.8,dev=0.2", label_map={"PER": "PERSON"})
    assert [len(conversion.parts[part]) for part in ("train", "dev")] == [8, 2]
    assert {ent.label_ for doc in conversion.parts["dev"] for ent in doc.ents} == {"PERSON"}
    with pytest.raises(UserError, match=r"E511.*train, dev"):
        list(conversion.docs)


def test_convert_tells_how_far_it_is(source):
    told = []

    def progress(items, description, total=None):
        told.append((description, total))
        return items

    convert(source, progress=progress)
    assert told == [(f"Reading {source}", None)]


def test_convert_keeps_what_was_found_before_a_failure(tmp_path):
    source = tmp_path / "a.conll"
    source.write_text(BROKEN)
    issues, notes = IssueLog(), []
    with pytest.raises(UserError):
        convert(source, strict=True, issues=issues, notes=notes)
    assert issues["invalid tag"] == 1
    assert notes


# Labels that were annotated


@pytest.mark.parametrize("shards", [0, 2])
def test_convert_says_which_labels_were_annotated(source, tmp_path, shards):
    out = tmp_path / "out" if shards else tmp_path / "out.spacy"
    labels = ["ORG", "MISC", "PER"]
    conversion = convert([str(source)], out, annotated_labels=labels, shards=shards)
    docs = list(read_docs(out, spacy.blank("en").vocab))
    assert [annotated_labels(doc) for doc in docs] == [set(labels)] * 2
    assert [annotated_labels(doc) for doc in conversion.docs] == [set(labels)] * 2
    assert conversion.counts[""].partly_annotated == 2
    # What a corpus says stays, unless it is said anew.
    again = convert([str(out)], tmp_path / "again.spacy")
    assert {annotated_labels(doc) for doc in again.docs} == {frozenset(labels)}
    more = convert([str(out)], tmp_path / "more.spacy", annotated_labels=[*labels, "LOC"])
    assert {annotated_labels(doc) for doc in more.docs} == {frozenset([*labels, "LOC"])}


def test_convert_says_it_by_the_new_names(source, out):
    label_map = {"MISC": None, "PER": None, "ORG": "COMPANY"}
    convert([str(source)], out, label_map=label_map, annotated_labels=["COMPANY"])
    docs = load(out)
    assert [[ent.label_ for ent in doc.ents] for doc in docs] == [["COMPANY"], []]
    assert {annotated_labels(doc) for doc in docs} == {frozenset(["COMPANY"])}


def test_convert_refuses_entities_of_labels_that_were_not_annotated(source, out):
    with pytest.raises(UserError, match=r"E133.*a.conll:3.*'German' is a MISC.*ORG alone"):
        convert([str(source)], out, annotated_labels=["ORG"])
    assert not out.exists()


@pytest.mark.parametrize(
    ("labels", "code"),
    [([], "E280"), ("ORG", "E131"), (["ORG", "ORG"], "E281"), (["A\tB"], "E282"), ([""], "E282")],
)
def test_convert_refuses_annotated_labels_that_are_none(source, out, labels, code):
    with pytest.raises(UserError, match=code):
        convert([str(source)], out, annotated_labels=labels)


def test_convert_refuses_formats_that_cannot_say_which_labels_were_annotated(source, tmp_path):
    with pytest.raises(UserError, match=r"E132.*out.jsonl"):
        convert([str(source)], tmp_path / "out.jsonl", annotated_labels=["ORG", "MISC", "PER"])


@pytest.mark.parametrize("ending", ["conll", "jsonl", "json"])
def test_convert_counts_docs_whose_annotated_labels_a_format_loses(source, tmp_path, ending):
    convert([str(source)], tmp_path / "in.spacy", annotated_labels=["ORG", "MISC", "PER"])
    conversion = convert([str(tmp_path / "in.spacy")], tmp_path / f"out.{ending}")
    (issue,) = (issue for kind, issue in conversion.issues if "annotated labels that" in kind)
    assert issue.count == 2
    assert issue.example == "MISC, ORG, PER"
