import pytest
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus.pipeline.scored_ents import register_failure, register_score, write_ents, write_failure
from spacy_ner_plus.spans import is_blocked

WORDS = ["Anna", "Berg", "met", "Bo", "in", "Oslo", "today"]


@pytest.fixture
def doc(nlp):
    register_score()
    return Doc(nlp.vocab, words=WORDS)


def write(doc, ents, overwrite=False, key="mine"):
    spans = [Span(doc, start, end, label=label) for start, end, label, _ in ents]
    write_ents(doc, spans, [score for *_, score in ents], spans_key=key, overwrite=overwrite)


def test_scored_ents_gives_each_entity_its_score(doc):
    write(doc, [(0, 2, "PER", 0.9), (3, 4, "PER", 0.25), (5, 6, "LOC", 0.75)])
    assert [(ent.text, ent._.score) for ent in doc.ents] == [("Anna Berg", 0.9), ("Bo", 0.25), ("Oslo", 0.75)]
    assert doc.spans["mine"].attrs["scores"] == [0.9, 0.25, 0.75]


def test_scored_ents_other_spans_have_no_score(doc):
    write(doc, [(0, 2, "PER", 0.9)])
    assert doc[0:1]._.score is None
    assert Span(doc, 0, 2, label="LOC")._.score is None
    assert Doc(doc.vocab, words=WORDS)[0:2]._.score is None


def test_scored_ents_survive_docbin_and_copies(doc):
    write(doc, [(0, 2, "PER", 0.9), (5, 6, "LOC", 0.75)])
    loaded = next(DocBin().from_bytes(DocBin(docs=[doc]).to_bytes()).get_docs(doc.vocab))
    for other in (loaded, doc.copy(), Doc(doc.vocab).from_bytes(doc.to_bytes())):
        assert [ent._.score for ent in other.ents] == [0.9, 0.75]


def test_scored_ents_keeps_what_is_there_and_scores_only_its_own(doc):
    doc.ents = [Span(doc, 1, 3, label="RULE"), Span(doc, 5, 6, label="LOC")]
    write(doc, [(0, 2, "PER", 0.9), (3, 4, "PER", 0.5), (5, 6, "LOC", 0.75)])
    assert [(ent.text, ent._.score) for ent in doc.ents] == [("Berg met", None), ("Bo", 0.5), ("Oslo", 0.75)]
    assert len(doc.spans["mine"]) == len(doc.spans["mine"].attrs["scores"]) == 2


def test_scored_ents_overwrites_when_told(doc):
    doc.ents = [Span(doc, 1, 3, label="RULE"), Span(doc, 6, 7, label="DATE")]
    write(doc, [(0, 2, "PER", 0.9)], overwrite=True)
    assert [(ent.text, ent._.score) for ent in doc.ents] == [("Anna Berg", 0.9), ("today", None)]


def test_scored_ents_written_twice_are_as_written_once(doc):
    for _ in range(2):
        write(doc, [(0, 2, "PER", 0.9), (5, 6, "LOC", 0.75)])
    assert [ent._.score for ent in doc.ents] == [0.9, 0.75]


def test_scored_ents_finds_scores_in_groups_that_are_not_in_order(doc):
    from spacy.tokens import SpanGroup

    spans = [Span(doc, 5, 6, label="LOC"), Span(doc, 0, 2, label="PER"), Span(doc, 0, 2, label="ORG")]
    doc.spans["sc"] = SpanGroup(doc, name="sc", spans=spans, attrs={"scores": [0.1, 0.2, 0.3]})
    assert [span._.score for span in spans] == [0.1, 0.2, 0.3]


def test_scored_ents_leaves_an_extension_of_that_name_alone(nlp):
    Span.set_extension("score", default="theirs", force=True)
    try:
        register_score()
        assert Doc(nlp.vocab, words=WORDS)[0:2]._.score == "theirs"
    finally:
        Span.remove_extension("score")
        register_score()


def test_scored_ents_writes_no_group_without_a_key(doc):
    write(doc, [(0, 2, "PER", 0.9)], key="")
    assert not doc.spans
    assert doc.ents[0]._.score is None


def test_scored_ents_go_before_the_scores_of_other_groups(doc):
    from spacy.tokens import SpanGroup

    span = Span(doc, 0, 2, label="PER")
    doc.spans["a"] = SpanGroup(doc, name="a", spans=[span], attrs={"scores": [0.1]})
    write(doc, [(0, 2, "PER", 0.9)])
    assert doc.ents[0]._.score == 0.9


def test_scored_ents_of_merged_tokens_have_no_score_and_do_no_harm(doc):
    write(doc, [(0, 2, "PER", 0.9), (6, 7, "DATE", 0.5)])
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[0:2])
    assert [ent._.score for ent in doc.ents] == [None, None]


def test_scored_ents_keeps_a_failure_where_no_group_is_wanted(doc):
    register_failure()
    write_ents(doc, [], [], spans_key="", overwrite=False, unknown=[doc[:]], failure="no reply")
    assert doc._.ner_failure == "no reply"


def test_scored_ents_adds_a_failure_to_that_of_another_component(doc):
    register_failure()
    for reason in ("no reply", "bad text", "no reply"):
        write_failure(doc, reason)
    assert doc._.ner_failure == "no reply; bad text"


def bounds(doc):
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


@pytest.mark.parametrize("overwrite", [False, True])
def test_scored_ents_leaves_blocked_tokens_free_and_blocked(doc, overwrite):
    doc.set_ents([Span(doc, 6, 7, label="DATE")], blocked=[doc[1:3]], default="missing")
    for _ in range(2):
        write(doc, [(0, 2, "PER", 0.9), (3, 4, "PER", 0.25)], overwrite)
        assert bounds(doc) == [(3, 4, "PER"), (6, 7, "DATE")]
        assert is_blocked(doc).tolist() == [False, True, True, False, False, False, False]
        assert [(ent.text, ent._.score) for ent in doc.spans["mine"]] == [("Bo", 0.25)]


def test_scored_ents_leaves_blocked_tokens_that_are_unknown_blocked(doc):
    doc.set_ents([], blocked=[doc[1:2]])
    write_ents(doc, [], [], spans_key="", overwrite=False, unknown=[doc[0:4]], failure="no reply")
    assert [token.ent_iob_ for token in doc] == ["", "B", "", "", "O", "O", "O"]
    assert is_blocked(doc).tolist() == [False, True, *[False] * 5]


@pytest.mark.parametrize("overwrite", [False, True])
def test_scored_ents_keeps_the_ids_of_an_entity_that_is_confirmed(doc, overwrite):
    doc.ents = [
        Span(doc, 0, 2, label="PER", kb_id="Q1", span_id="x"),
        Span(doc, 5, 6, label="LOC", kb_id="Q2"),
    ]
    write(doc, [(0, 2, "PER", 0.9), (5, 6, "LOC", 0.75)], overwrite)
    assert [(e.kb_id_, e.ent_id_, e._.score) for e in doc.ents] == [("Q1", "x", 0.9), ("Q2", "", 0.75)]
    assert [span.kb_id_ for span in doc.spans["mine"]] == ["Q1", "Q2"]


def test_scored_ents_drops_the_ids_of_an_entity_that_gives_way(doc):
    doc.ents = [
        Span(doc, 0, 3, label="PER", kb_id="Q1", span_id="x"),
        Span(doc, 5, 6, label="LOC", kb_id="Q2"),
    ]
    write(doc, [(0, 2, "PER", 0.9), (5, 6, "ORG", 0.75)], overwrite=True)
    assert [(token.ent_kb_id_, token.ent_id_) for token in doc] == [("", "")] * len(doc)


def leave(doc, ents=(), unknown=None, key="mine", **settings):
    spans = [Span(doc, start, end, label=label) for start, end, label in ents]
    unknown = [] if unknown is None else [unknown]
    write_ents(doc, spans, [1.0] * len(spans), spans_key=key, overwrite=False, unknown=unknown, **settings)
    return "".join(token.ent_iob_ or "-" for token in doc)


def test_scored_ents_leaves_missing_what_another_component_left_so(doc):
    assert leave(doc, unknown=doc[2:6], key="first") == "OO----O"
    # Its own labels aren't in there, and what those of the first are nobody knows.
    assert leave(doc, [(0, 2, "PER"), (5, 6, "LOC")], key="second") == "BI---BO"
    assert leave(doc, key="third") == "BI---BO"
    copy = next(DocBin().from_bytes(DocBin(docs=[doc]).to_bytes()).get_docs(doc.vocab))
    assert leave(copy, key="fourth") == "BI---BO"


def test_scored_ents_of_a_component_that_answers_when_run_again_clear_what_it_left_missing(doc):
    assert leave(doc, unknown=doc[:]) == "-------"
    assert leave(doc, key="second") == "-------"
    assert leave(doc, [(0, 2, "PER")]) == "BIOOOOO"
    assert leave(doc, key="second") == "BIOOOOO"


def test_scored_ents_take_what_somebody_has_annotated_since_for_an_answer(doc):
    leave(doc, unknown=doc[0:4], key="first")
    doc.set_ents([Span(doc, 0, 2, label="PER")], outside=[doc[2:3]], default="unmodified")
    assert leave(doc, key="second") == "BIO-OOO"


def test_scored_ents_find_nothing_missing_in_tokens_that_were_merged(doc):
    leave(doc, unknown=doc[4:7], key="first")
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[4:7])
    assert leave(doc, key="second") == "OOOO-"
    assert leave(doc, key="third", kept_missing=()) == "OOOOO"
