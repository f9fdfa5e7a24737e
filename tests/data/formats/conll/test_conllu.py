"""CoNLL-U with tags in MISC."""

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.data.formats.conll.conllu import CONLLU, ConlluOptions
from spacy_ner_plus.data.formats.format import CERTAIN, LIKELY, Reading
from spacy_ner_plus.data.records.record import Record, mark_record, record_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import doc_to_tags

NLP = spacy.blank("en")


@pytest.fixture
def read(tmp_path):
    def read(text, issues=None, notes=None, **options):
        path = tmp_path / "f.conllu"
        path.write_text(text, encoding="utf8")
        issues = IssueLog() if issues is None else issues
        reading = Reading(NLP, ConlluOptions(**options), issues, [] if notes is None else notes)
        return [record.doc for record in CONLLU.read(Source(str(path)), reading)]

    return read


def rows(*cells):
    """A sentence of lines: index, form and MISC."""
    return "".join(f"{i}\t{form}\t_\t_\t_\t_\t_\t_\t_\t{misc}\n" for i, form, misc in cells) + "\n"


def rosa(*miscs):
    return rows(*zip("1234", ["Rosa", "Quint", "in", "Lund"], miscs, strict=True))


@pytest.mark.parametrize(
    ("miscs", "note"),
    [
        (["name=B-PER", "name=I-PER", "name=O", "name=B-LOC"], "'name'"),
        (["NER=B-PER|x=1", "x=2|NER=I-PER", "NER=O", "NER=B-LOC"], "'NER'"),
        (["Foo=B-PER", "Foo=I-PER", "_", "Foo=B-LOC"], "tokens without one are O"),
        # NorNE parted its values by spaces once, and gave no key before.
        (["SpaceAfter=Yes name=B-PER", "name=I-PER", "name=O", "name=B-LOC"], "'name'"),
        (["B-PER", "I-PER", "SpacesAfter=\\s|O", "B-LOC"], "without a key"),
        (["NE=PER", "NE=PER", "NE=O", "NE=LOC"], "scheme IO"),
        (["ner=PER-B", "ner=PER-I", "ner=0", "ner=LOC-B"], "'0' read as O"),
    ],
)
def test_conllu_finds_the_key_of_the_tags(read, miscs, note):
    issues, notes = IssueLog(), []
    (doc,) = read(rosa(*miscs), issues, notes)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Rosa Quint", "PER"), ("Lund", "LOC")]
    assert doc[2].ent_iob_ == "O"
    assert not issues.kinds
    assert any(note in line for line in notes), notes


def test_conllu_takes_a_token_without_tag_as_missing_where_others_are_tagged_o(read):
    (doc,) = read(rosa("name=B-PER", "name=I-PER", "name=O", "_"))
    assert [token.ent_iob_ for token in doc] == ["B", "I", "O", ""]


def test_conllu_reads_documents_white_space_names_and_meta(read):
    text = "# newdoc id = d\n# source = web\n# sent_id = s\n"
    one = rows(("1", "a", "name=O|SpaceAfter=No"), ("2", "b", "name=B-X"), ("3", ".", "name=O"))
    (doc,) = read(text + one + one)
    assert doc.text == "ab . ab ."
    assert record_of(doc)["id"] == "d"
    assert record_of(doc)["meta"] == {"sentences": [{"id": "s", "source": "web"}, {}]}
    first, _ = read(text + one + one, group="sentence")
    assert record_of(first)["id"] == "s"


def test_conllu_takes_white_space_from_the_text_where_tokens_do_not_say_it(read):
    (doc,) = read("# text = Rosa Quint(in)Lund\n" + rows(
        ("1", "Rosa", "Tag=B-PER"), ("2", "Quint", "Tag=I-PER"), ("3", "(in)", "Tag=O"), ("4", "Lund", "Tag=B-LOC")
    ))  # fmt: skip
    assert doc.text == "Rosa Quint(in)Lund"


def test_conllu_makes_one_token_of_words_that_are_written_as_one(read):
    issues = IssueLog()
    (doc,) = read(
        rows(
            ("1-2", "im", "SpaceAfter=Yes"),
            *[("1", "in", "name=O"), ("2", "dem", "name=O")],
            ("3-4", "damelo", "_"),
            *[("3", "da", "name=O"), ("4", "melo", "name=B-X")],
            ("5-6", "du", "_"),
            *[("5", "de", "name=O"), ("6", "le", "name=B-LOC")],
            ("7", "Lac", "name=I-LOC"),
            ("7.1", "ist", "name=O"),
        ),
        issues,
    )
    assert doc.text == "im damelo du Lac"
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("melo", "X"), ("du Lac", "LOC")]
    assert issues["entity that begins or ends within a token"] == 1


def test_conllu_counts_the_tag_of_an_empty_node(read):
    issues = IssueLog()
    read(rows(("1", "a", "name=B-X"), ("1.1", "b", "name=B-X"), ("2", "c", "name=O")), issues)
    assert issues["tag of an empty node"] == 1


def test_conllu_tells_that_there_are_no_tags(read):
    notes = []
    (doc,) = read(rosa("_", "SpaceAfter=No", "_", "Gloss=in"), notes=notes)
    assert not doc.has_annotation("ENT_IOB")
    assert any("all tokens are missing" in note for note in notes)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (rosa("a=B-X|b=B-Y", "_", "_", "_"), {}, "several keys of MISC hold tags: a, b"),
        (rosa("Entity=(1-person-new-2", "_", "_", "Entity=2)"), {}, "'Entity' of MISC holds no tags"),
        (rosa("name=B-X", "_", "_", "_"), {"tag_key": "NE"}, "no token has the key 'NE'"),
        (rosa("name=B", "name=I", "name=O", "_"), {}, "--option label=NAME"),
        (rosa("name=B-X", "_", "_", "_") + "1\tx\n", {}, r"f.conllu:6: the line has 2 column\(s\)"),
        ("# text = a\n", {}, "holds no tokens"),
    ],
)
def test_conllu_refuses_what_it_cannot_read(read, text, options, message):
    with pytest.raises(UserError, match=message):
        read(text, **options)


@pytest.mark.parametrize(
    ("text", "confidence"),
    [
        (rosa("Tag=B-PER", "_", "_", "_"), CERTAIN),
        (rosa("_", "SpaceAfter=No", "_", "_"), LIKELY),
        (rosa("B-PER", "I-PER", "O", "O"), None),
        ("1\tUni\tB-ORG\tO\n2\tLund\tI-ORG\tB-LOC\n", None),
        ("Rosa B-PER\nleft O\n", None),
        ('{"text": "a"}\n', None),
    ],
)
def test_conllu_knows_its_files(tmp_path, text, confidence):
    path = tmp_path / "f.txt"
    path.write_text(text, encoding="utf8")
    sniff = CONLLU.sniff(Source(str(path)))
    assert (sniff and sniff.confidence) == confidence


WORDS = st.text(st.sampled_from("a#-_=.é🙂|"), min_size=1, max_size=4)


@st.composite
def corpora(draw):
    docs = []
    for number in range(draw(st.integers(1, 3))):
        length = draw(st.integers(1, 8))
        words = [draw(WORDS) for _ in range(length)]
        tags = [draw(st.sampled_from(["O", "", "B-PER", "B-a=b"])) for _ in range(length)]
        starts = [True] + [draw(st.booleans()) for _ in range(length - 1)]
        spaces = [draw(st.booleans()) for _ in range(length - 1)] + [False]
        doc = Doc(NLP.vocab, words=words, spaces=spaces, ents=tags, sent_starts=starts)
        meta = draw(st.sampled_from([{}, {"a": [1, None], "text": "x = é"}, {"sentences": [{"id": 1}]}]))
        if draw(st.booleans()) and sum(starts) > 1:
            meta = {**meta, "sentences": [{"id": f"s{i}", "k": str(i)} for i in range(sum(starts))]}
        mark_record(Record(doc, "", draw(st.sampled_from(["", f"d {number}"])), meta), None)
        docs.append(doc)
    return docs


@settings(max_examples=60, deadline=None)
@given(corpora())
def test_conllu_round_trip_keeps_tokens_tags_sentences_white_space_ids_and_meta(tmp_path_factory, docs):
    path = tmp_path_factory.getbasetemp() / "round.conllu"
    issues = IssueLog()
    CONLLU.write(docs, path, ConlluOptions(), issues)
    reading = Reading(NLP, ConlluOptions(), issues, [])
    again = [record.doc for record in CONLLU.read(Source(str(path)), reading)]
    assert [doc.text for doc in again] == [doc.text for doc in docs]
    assert [[token.text for token in doc] for doc in again] == [[token.text for token in doc] for doc in docs]
    assert [doc_to_tags(doc) for doc in again] == [doc_to_tags(doc) for doc in docs]
    assert [[token.is_sent_start for token in doc] for doc in again] == [
        [token.is_sent_start for token in doc] for doc in docs
    ]
    for one, other in zip(again, docs, strict=True):
        assert record_of(one)["id"] == record_of(other)["id"]
        assert record_of(one)["meta"] == record_of(other)["meta"]
    assert not issues.kinds


def test_conllu_reads_several_tags_of_a_token(read):
    (doc,) = read(rosa("name=B-PER|B-ARTIST|SpaceAfter=Yes", "name=I-PER|I-ARTIST", "name=O", "name=B-LOC"))
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Rosa Quint", "PER"), ("Lund", "LOC")]
    assert {(span.text, span.label_) for span in doc.spans["sc"]} == {
        ("Rosa Quint", "PER"),
        ("Rosa Quint", "ARTIST"),
        ("Lund", "LOC"),
    }


def test_conllu_keeps_the_name_of_the_only_sentence_of_a_document(read):
    (doc,) = read(
        "# newdoc id = n1\n# sent_id = n1-1\n" + rosa("name=B-PER", "name=I-PER", "name=O", "name=B-LOC")
    )
    assert record_of(doc)["id"] == "n1"
    assert record_of(doc)["meta"]["sentences"] == [{"id": "n1-1"}]


def test_conllu_counts_tags_under_a_second_key_unless_one_is_named(read):
    text, issues, named = (
        rosa(*["name=O|ner=B-PER", "name=O|ner=I-PER", "name=O|ner=O", "name=B-LOC|ner=O"]),
        IssueLog(),
        IssueLog(),
    )
    read(text, issues)
    read(text, named, tag_key="name")
    assert issues["column of tags that isn't read"] == 1
    assert not len(named)


def test_conllu_takes_tags_that_are_all_missing_for_no_annotation(read):
    (doc,) = read(rosa("name=-", "name=_", "name=-", "name=-"))
    assert doc_to_tags(doc) == ["-"] * 4
