"""UIMA's CAS as dkpro-cassis writes it, and as other tools do."""

import json

import cassis
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.detection import find_sources
from spacy_ner_plus.data.formats.format import Reading
from spacy_ner_plus.data.formats.uima_cas.uima_cas import UIMA_CAS, UimaOptions
from spacy_ner_plus.data.records.record import record_of, spans_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import doc_to_tags

NLP = spacy.blank("en")
TEXT = "😊 Rosa Quint moved to Lund. She\nstayed."
ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
SEGMENT = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type."
META = "de.tudarmstadt.ukp.dkpro.core.api.metadata.type."
POS = "de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS"
SPANS = [("Rosa Quint", "PER"), ("Lund", "LOC")]
DOCTYPE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


def types(*names):
    """A type system with types of one feature `value`, which may be derived from another: 'A<B'."""
    system = cassis.TypeSystem()
    for name in names or (ENTITY,):
        name, _, ancestor = name.partition("<")
        type = system.create_type(name, supertypeName=ancestor or "uima.tcas.Annotation")
        if not ancestor:
            system.create_feature(type, "value", "uima.cas.String")
    return system


def make(text, spans, system=None, type=ENTITY):
    system = system or types()
    cas = cassis.Cas(system)
    cas.sofa_string = text
    cas.sofa_mime = "text/plain"
    for start, end, value in spans:
        cas.add(system.get_type(type)(begin=start, end=end, value=value))
    return cas


def rosa(system=None, type=ENTITY):
    at = [(TEXT.find(text), TEXT.find(text) + len(text), label) for text, label in SPANS]
    return make(TEXT, at, system, type)


def write(cas, path, types_beside=True):
    if path.suffix == ".json":
        cas.to_json(path)
        return path
    cas.to_xmi(path)
    if types_beside:
        cas.typesystem.to_xml(path.parent / "TypeSystem.xml")
    return path


def read(path, **options):
    issues, notes = IssueLog(), []
    source = Source(str(path))
    assert UIMA_CAS.sniff(source).confidence == 1
    reading = Reading(NLP, UimaOptions(**options), issues, notes)
    return [record.doc for record in UIMA_CAS.read(source, reading)], issues, notes


def ents(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


FILES = pytest.mark.parametrize("name", ["doc.xmi", "doc.json"])


@FILES
def test_uima_reads_what_cassis_writes(name, tmp_path):
    docs, issues, _ = read(write(rosa(), tmp_path / name))
    assert [(doc.text, ents(doc)) for doc in docs] == [(TEXT, SPANS)]
    assert record_of(docs[0])["id"] == "doc"
    assert not issues.kinds


@FILES
def test_uima_reads_tokens_sentences_and_metadata(name, tmp_path):
    system = types(ENTITY, f"{SEGMENT}Token", f"{SEGMENT}Sentence", POS)
    meta = system.create_type(
        "de.tudarmstadt.ukp.dkpro.core.api.metadata.type.DocumentMetaData", "uima.tcas.Annotation"
    )
    system.create_feature(meta, "documentTitle", "uima.cas.String")
    cas = rosa(system)
    words = ["😊", "Rosa", "Quint", "moved", "to", "Lund.", "She", "stayed", "."]
    at = 0
    for word in words:
        at = TEXT.find(word, at)
        cas.add(system.get_type(f"{SEGMENT}Token")(begin=at, end=at + len(word)))
        cas.add(system.get_type(POS)(begin=at, end=at + len(word), value="X"))
        at += len(word)
    middle = TEXT.find("She")
    for start, end in [(0, middle - 1), (middle, len(TEXT))]:
        cas.add(system.get_type(f"{SEGMENT}Sentence")(begin=start, end=end))
    cas.add(meta(begin=0, end=len(TEXT), documentTitle="letter.txt"))
    docs, issues, _ = read(write(cas, tmp_path / name))
    assert [token.text for token in docs[0]] == [*words[:5], "Lund", ".", "She", "\n", "stayed", "."]
    assert [sent.text for sent in docs[0].sents] == [TEXT[: middle - 1], TEXT[middle:]]
    assert ents(docs[0]) == SPANS
    assert record_of(docs[0])["id"] == "letter.txt"
    assert set(issues.kinds) == {"token split at a span's edge", "annotation that isn't kept: POS"}


@settings(max_examples=40, deadline=None)
@given(
    text=st.text(st.sampled_from("ab 😊\n&<\"'\t"), min_size=1, max_size=12).filter(str.strip),
    cuts=st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 12), st.sampled_from(["X", 'Y&\n"Z'])), max_size=4
    ),
    name=st.sampled_from(["doc.xmi", "doc.json"]),
)
def test_uima_reads_the_same_spans_as_cassis(text, cuts, name, tmp_path_factory):
    spans = {(start, end, label) for start, end, label in cuts if start < end <= len(text)}
    spans = {span for span in spans if text[span[0] : span[1]].strip() == text[span[0] : span[1]]}
    path = write(make(text, spans), tmp_path_factory.mktemp("cas") / name)
    docs, issues, _ = read(path)
    found = {(one.span.start_char, one.span.end_char, one.span.label_) for one in spans_of(docs[0])}
    assert docs[0].text == text
    assert found == {(start, end, label.strip()) for start, end, label in spans}
    assert set(issues.kinds) <= {"token split at a span's edge"}


@FILES
def test_uima_takes_a_document_without_entities_for_annotated(name, tmp_path):
    docs, issues, _ = read(write(make("Nothing here.", []), tmp_path / name))
    assert set(doc_to_tags(docs[0])) == {"O"}
    assert not issues.kinds


def test_uima_reads_xmi_without_its_type_system(tmp_path):
    docs, _, notes = read(write(rosa(), tmp_path / "doc.xmi", types_beside=False))
    assert ents(docs[0]) == SPANS
    assert any("no TypeSystem.xml" in note for note in notes)
    # Whether it has been annotated isn't said anywhere.
    docs, _, _ = read(write(make("Nothing here.", []), tmp_path / "none.xmi", types_beside=False))
    assert set(doc_to_tags(docs[0])) == {"-"}


def test_uima_takes_the_type_system_that_is_named(tmp_path):
    cas = rosa(types("custom.Base", "custom.Place<custom.Base"), "custom.Place")
    path = write(cas, tmp_path / "doc.xmi", types_beside=False)
    cas.typesystem.to_xml(tmp_path / "other.xml")
    docs, _, _ = read(path, layer="Base", type_system=str(tmp_path / "other.xml"))
    assert ents(docs[0]) == SPANS


@FILES
def test_uima_reads_types_derived_from_named_entity(name, tmp_path):
    derived = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.Location"
    system = types(ENTITY, f"{derived}<{ENTITY}")
    cas = make("in Lund", [(3, 7, None)], system, derived)
    assert ents(read(write(cas, tmp_path / name))[0][0]) == [("Lund", "Location")]


@FILES
def test_uima_takes_a_named_entity_of_another_package(name, tmp_path):
    system = types("clear.NamedEntity", "clear.Other")
    cas = rosa(system, "clear.NamedEntity")
    cas.add(system.get_type("clear.Other")(begin=2, end=6, value="X"))
    assert ents(read(write(cas, tmp_path / name))[0][0]) == SPANS


def test_uima_knows_json_by_a_type_system_that_is_larger_than_what_is_looked_at(tmp_path):
    path = write(rosa(types(ENTITY, *(f"custom.Type{i}" for i in range(1000)))), tmp_path / "doc.json")
    value = json.loads(path.read_text())
    assert len(json.dumps(value["%TYPES"])) > 65_536
    assert ents(read(path)[0][0]) == SPANS


@FILES
def test_uima_takes_the_only_layer_and_asks_where_there_are_several(name, tmp_path):
    docs, _, notes = read(write(rosa(types("custom.Span", POS), "custom.Span"), tmp_path / name))
    assert ents(docs[0]) == SPANS
    assert any("entities are the type custom.Span, feature value" in note for note in notes)
    system = types("custom.Span", "custom.Other")
    cas = rosa(system, "custom.Span")
    cas.add(system.get_type("custom.Other")(begin=2, end=6, value="X"))
    path = write(cas, tmp_path / name)
    with pytest.raises(UserError, match=r"several kinds .*custom\.Other\|value, custom\.Span\|value"):
        read(path)
    docs, issues, _ = read(path, layer="Other")
    assert ents(docs[0]) == [("Rosa", "X")]
    assert issues["annotation that isn't kept: Span"] == 2
    with pytest.raises(UserError, match="has no `layer` Person"):
        read(path, layer="Person")
    with pytest.raises(UserError, match="has no `feature` kind"):
        read(path, layer="Other", feature="kind")


@FILES
def test_uima_makes_tokens_under_other_layers_missing_where_it_is_told_to(name, tmp_path):
    system = types("custom.Span", ENTITY, POS)
    cas = rosa(system)
    for type, at in ((POS, "moved"), ("custom.Span", "stayed")):
        cas.add(system.get_type(type)(begin=TEXT.index(at), end=TEXT.index(at) + len(at), value="X"))
    path = write(cas, tmp_path / name)
    docs, issues, _ = read(path)
    assert "-" not in doc_to_tags(docs[0])
    assert issues["annotation that isn't kept: Span"] == 1
    docs, issues, _ = read(path, other_layers="missing")
    assert [token.text for token in docs[0] if not token.ent_iob] == ["stayed"]
    assert set(issues.kinds) == {
        "annotation that isn't kept: POS",
        "mark of another layer, not read: its tokens are missing: Span",
    }


@FILES
def test_uima_reads_each_view_with_a_text(name, tmp_path):
    cas = rosa()
    other = cas.create_view("translation")
    other.sofa_string = "in Lund"
    other.sofa_mime = "text/plain"
    other.add(cas.typesystem.get_type(ENTITY)(begin=3, end=7, value="LOC"))
    docs, _, _ = read(write(cas, tmp_path / name))
    assert [ents(doc) for doc in docs] == [SPANS, [("Lund", "LOC")]]
    assert record_of(docs[1])["where"].endswith(":translation")


def as_json(tmp_path):
    path = write(rosa(), tmp_path / "doc.json")
    value = json.loads(path.read_text())
    return path, value, [one for one in value["%FEATURE_STRUCTURES"] if one["%TYPE"] == ENTITY]


@pytest.mark.parametrize(
    ("change", "tags"),
    [
        ({"value": None}, "-"),
        ({"begin": 1}, "-"),
        ({"begin": 900, "end": 904}, "-"),
        ({"end": None}, "-"),
        ({"begin": None, "end": None}, "-"),
        ({"begin": "x"}, "-"),
        ({"@sofa": 99}, "-"),
        ({"begin": 24, "end": 22}, "-"),
    ],
)
def test_uima_makes_no_o_of_what_is_broken(change, tags, tmp_path):
    path, value, (_, lund) = as_json(tmp_path)
    lund.update(change)
    path.write_text(json.dumps({**value}))
    docs, issues, _ = read(path)
    found = dict(zip([token.text for token in docs[0]], doc_to_tags(docs[0]), strict=True))
    assert (found["Rosa"], found["Lund"]) == ("B-PER", tags)
    assert issues.kinds


def test_uima_makes_no_o_of_what_no_view_shows(tmp_path):
    path, value, (_, lund) = as_json(tmp_path)
    value["%VIEWS"]["_InitialView"]["%MEMBERS"].remove(lund["%ID"])
    path.write_text(json.dumps(value))
    docs, issues, _ = read(path)
    assert "-" in doc_to_tags(docs[0])
    assert issues["annotation that no view shows"] == 1


def test_uima_makes_no_o_of_what_a_view_shows_and_is_gone(tmp_path):
    path, value, (_, lund) = as_json(tmp_path)
    value["%FEATURE_STRUCTURES"].remove(lund)
    path.write_text(json.dumps(value))
    docs, issues, _ = read(path)
    assert "O" not in doc_to_tags(docs[0])
    assert issues["number of a view that nothing has"] == 1


def test_uima_counts_features_that_have_no_place_and_keeps_scores(tmp_path):
    path, value, (rosa_, _) = as_json(tmp_path)
    value["%TYPES"][ENTITY] |= {
        "identifier": {"%RANGE": "uima.cas.String"},
        "score": {"%RANGE": "uima.cas.Double"},
    }
    rosa_ |= {"identifier": "Q1", "score": 0.5}
    path.write_text(json.dumps(value))
    docs, issues, _ = read(path)
    assert [found.score for found in spans_of(docs[0])] == [0.5, None]
    assert set(issues.kinds) == {"key of spans that isn't kept: identifier"}


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ('{"%TYPES": {}, "%VIEWS": []}', "a.json", "has no `%VIEWS`"),
        ('{"%TYPES": [], "%VIEWS": {}}', "a.json", "doesn't hold objects"),
        ('{"%TYPES": {}, "%FEATURE_STRUCTURE": [], "%VIEWS": {}}', "a.json", r"has no uima\.cas\.Sofa"),
        ('{"_context": {"_types": {}}, "_views": {}}', "a.json", "older JSON"),
        ('{"%TYPES": {}, "%VIEWS": {}', "a.json", "be read as JSON"),
    ],
)
def test_uima_refuses_json_that_is_none(content, name, message, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=message):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</xmi:XMI>", "", "no file of UIMA"),
        ("<xmi:XMI", f"{DOCTYPE}<xmi:XMI", "document type"),
        ("<xmi:XMI", "<!DOCTYPE x><xmi:XMI", "document type"),
        ("<cas:Sofa", "<cas:Xofa", "type system doesn't have|no cas:Sofa"),
        ("/ner/type.ecore", "/nex/type.ecore", "doesn't have the type"),
        ('="PER"', '="PER', "no file of UIMA"),
        ("<type", "type", "text between elements"),
    ],
)
def test_uima_refuses_xmi_that_is_broken_or_may_do_harm(old, new, message, tmp_path):
    path = write(rosa(), tmp_path / "doc.xmi")
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))
    with pytest.raises(UserError, match=message):
        read(path)


def test_uima_refuses_a_type_system_that_may_do_harm(tmp_path):
    path = write(rosa(), tmp_path / "doc.xmi")
    types_file = tmp_path / "TypeSystem.xml"
    types_file.write_text(
        types_file.read_text().replace("<typeSystemDescription", f"{DOCTYPE}<typeSystemDescription")
    )
    with pytest.raises(UserError, match="document type"):
        read(path)
    types_file.write_text("<x/>")
    with pytest.raises(UserError, match="declares no types"):
        read(path)


def test_uima_reads_xml_1_1_with_control_characters(tmp_path):
    path = write(rosa(), tmp_path / "doc.xmi")
    content = path.read_text().replace("moved", "&#8;oved").replace("version='1.0'", "version='1.1'", 1)
    assert "1.1" in content
    path.write_text(content)
    docs, issues, _ = read(path)
    assert ents(docs[0]) == SPANS
    assert issues["control character replaced"] == 1


def test_uima_is_found_in_an_unpacked_export(tmp_path):
    folder = tmp_path / "annotation" / "letter.txt"
    folder.mkdir(parents=True)
    write(rosa(), folder / "rosa.xmi")
    notes = []
    (found,) = find_sources([str(tmp_path)], "auto", "utf-8", notes)
    assert found.format is UIMA_CAS
    assert any("TypeSystem.xml" in note for note in notes)
    record = record_of(read(found.source.path)[0][0])
    assert (record["id"], record["annotator"]) == ("letter.txt", "rosa")


def test_uima_takes_no_other_xml_or_json(tmp_path):
    for name, content in [
        ("a.xmi", "<xmi:XMI xmlns:uml='http://x'/>"),
        ("a.json", '{"x": "%TYPES"}'),
        ("a.xml", "<a/>"),
    ]:
        (tmp_path / name).write_text(content)
        assert UIMA_CAS.sniff(Source(str(tmp_path / name))) is None
