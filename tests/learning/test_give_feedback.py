import pytest
from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import set_annotated_labels
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.learning import give_feedback as module
from spacy_ner_plus.learning import gold_answers
from spacy_ner_plus.learning.give_feedback import give_feedback
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.spans import CharSpan
from tests.learning.inferences import make_inference

TEXT = "Anna met Anna in Oslo ."
WORDS = TEXT.split()
ANNA, OSLO = ("Anna", "PER"), ("Oslo", "LOC")
TAGS = ["B-PER", "O", "B-PER", "O", "B-LOC", "O"]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "store.sqlite") as store:
        yield store


@pytest.fixture
def make_doc(nlp):
    def make(tags=TAGS, words=WORDS, spaces=None):
        return Doc(
            nlp.vocab, words=list(words), spaces=spaces or [True] * (len(words) - 1) + [False], ents=tags
        )

    return make


def values(store, inference):
    return {row.metric: row.value for row in store.feedback.of(inference.id)}


def test_feedback_is_given_to_all_answers_about_a_text(store, make_doc):
    right, wrong = make_inference(TEXT, ANNA, ANNA, OSLO), make_inference(TEXT, ANNA, variant="b")
    other = make_inference("Bo came .", ("Bo", "PER"))
    for inference in (right, wrong, other):
        store.inferences.add(inference)
    given = give_feedback(store, [make_doc()], source="gold.spacy")
    assert (given.docs, given.found, given.scored, given.added, given.demonstrations) == (1, 2, 2, 10, 2)
    demonstration = (CharSpan(0, 4, "PER"), CharSpan(9, 13, "PER"), CharSpan(17, 21, "LOC"))
    full = {"exact_match": True, "jaccard": 1.0, "f1": 1.0, "valid_output": True}
    assert values(store, right) == {**full, "demonstration": demonstration}
    assert values(store, wrong)["jaccard"] == pytest.approx(1 / 3)
    assert values(store, other) == {}
    assert {row.source for row in store.feedback.of(right.id)} == {"gold.spacy"}
    assert store.feedback.totals("exact_match") == {"a": (1, 1.0), "b": (1, 0.0)}


def test_feedback_that_is_given_twice_is_there_once_and_follows_corrections(store, make_doc):
    inference = make_inference(TEXT, ANNA, ANNA, OSLO)
    store.inferences.add(inference)
    give_feedback(store, [make_doc()])
    before = store.position()
    again = give_feedback(store, [make_doc(), make_doc()])
    assert (again.added, again.same, store.position()) == (0, 5, before)
    corrected = give_feedback(store, [make_doc(["B-PER", "O", "B-PER", "O", "B-ORG", "O"])])
    # Whether the answer is valid hasn't changed.
    assert (corrected.added, corrected.same) == (4, 1)
    assert store.feedback.latest("exact_match")[inference.id].value is False


def test_feedback_without_demonstrations(store, make_doc):
    inference = make_inference(TEXT, ANNA)
    store.inferences.add(inference)
    assert give_feedback(store, [make_doc()], demonstrations=False).added == 4
    assert "demonstration" not in values(store, inference)


def test_feedback_finds_its_place_in_another_spelling(store, make_doc):
    text = "  Anna met\n\u201cAnna\u201d in O\ufb02o ."
    words = ["Anna", "met", '"', "Anna", '"', "in", "Oflo", "."]
    spaces = [True, True, False, False, True, True, True, False]
    inference = make_inference(text, ANNA, ANNA, ("O\ufb02o", "LOC"))
    store.inferences.add(inference)
    tags = ["B-PER", "O", "O", "B-PER", "O", "O", "B-LOC", "O"]
    give_feedback(store, [make_doc(tags, words, spaces)])
    assert values(store, inference)["f1"] == 1.0
    assert values(store, inference)["demonstration"] == inference.entities


def test_feedback_of_an_entity_that_has_no_place_in_another_spelling_is_counted(store, make_doc):
    inference = make_inference("O\ufb02o .", ("O\ufb02o", "LOC"))
    store.inferences.add(inference)
    issues = IssueLog()
    # The ligature is one character there, of which gold names half.
    doc = make_doc(["B-LOC", "O", "O"], ["Of", "lo", "."], [False, True, False])
    given = give_feedback(store, [doc], issues=issues)
    assert (given.found, given.scored, given.added) == (1, 0, 0)
    assert issues[gold_answers.CANT_MAP] == 1


@pytest.mark.parametrize(
    ("tags", "mentions", "scored"),
    [
        (["B-PER", "O", "B-PER", "O", "", "O"], [ANNA, ANNA, OSLO], False),
        (["B-PER", "O", "B-PER", "O", "", "O"], [ANNA, ANNA], True),
        ([""] * 6, [], False),
    ],
)
def test_feedback_needs_gold_where_something_was_found(store, make_doc, tags, mentions, scored):
    inference = make_inference(TEXT, *mentions)
    store.inferences.add(inference)
    issues = IssueLog()
    given = give_feedback(store, [make_doc(tags)], issues=issues)
    assert given.scored == int(scored)
    # What is annotated in part would be no right answer.
    assert given.demonstrations == 0
    assert len(issues) == 1


def test_feedback_counts_what_was_not_asked_for(store, make_doc):
    inference = make_inference(TEXT, ANNA, ANNA, labels=("PER",))
    store.inferences.add(inference)
    issues = IssueLog()
    give_feedback(store, [make_doc()], issues=issues)
    assert values(store, inference)["exact_match"] is True
    assert values(store, inference)["demonstration"] == inference.entities
    assert issues[module.NOT_ASKED] == 1


def test_feedback_leaves_labels_aside_that_gold_does_not_annotate(store, make_doc):
    inference = make_inference(TEXT, ANNA, ANNA, OSLO)
    store.inferences.add(inference)
    doc = make_doc(["B-PER", "O", "B-PER", "O", "O", "O"])
    set_annotated_labels(doc, {"PER"})
    issues = IssueLog()
    give_feedback(store, [doc], issues=issues)
    assert values(store, inference)["exact_match"] is True
    # It is no right answer to the question for places.
    assert "demonstration" not in values(store, inference)
    assert issues[module.NOT_WHOLE] == 1


def test_feedback_of_gold_that_differs_about_a_text_is_not_given(store, make_doc):
    store.inferences.add(make_inference(TEXT, ANNA))
    issues = IssueLog()
    given = give_feedback(store, [make_doc(), make_doc(["O"] * 6)], issues=issues)
    assert (given.docs, given.found, given.added) == (2, 0, 0)
    assert issues[module.DIFFERING] == 1


def test_feedback_counts_texts_without_an_answer(store, make_doc):
    issues = IssueLog()
    assert give_feedback(store, [make_doc()], issues=issues).found == 0
    assert issues[module.NOTHING_TO_SCORE] == 1


def test_feedback_of_gold_with_other_labels_is_refused(store, make_doc):
    found, empty = make_inference(TEXT, ANNA, OSLO), make_inference("Nobody came .")
    for inference in (found, empty):
        store.inferences.add(inference)
    docs = [
        make_doc(["B-PERSON", "O", "B-PERSON", "O", "B-GPE", "O"]),
        make_doc(["O", "O", "O"], ["Nobody", "came", "."]),
    ]
    with pytest.raises(UserError, match=r"E840.*\(GPE, PERSON\).*\(LOC, PER\).*--label-map"):
        give_feedback(store, docs)
    assert list(store.feedback.all()) == []
    # Gold may have nothing to find, and who was asked for no labels was asked for all.
    assert give_feedback(store, docs[1:]).demonstrations == 1
    asked_for_all = make_inference(TEXT, ("Anna", "PERSON"), labels=())
    store.inferences.add(asked_for_all)
    give_feedback(store, docs)
    assert values(store, asked_for_all)["jaccard"] == pytest.approx(1 / 3)
    assert "demonstration" not in values(store, found)


def test_feedback_of_a_text_with_strange_labels_alone_has_no_demonstration(store, make_doc):
    mixed, strange, stated = (make_inference(f"{name} left Rome .") for name in ("Anna", "Bo", "Cy"))
    for inference in (mixed, strange, stated):
        store.inferences.add(inference)
    docs = [
        make_doc([tag, "O", "B-GPE", "O"], inference.text.split())
        for inference, tag in ((mixed, "B-PER"), (strange, "O"), (stated, "O"))
    ]
    # Here it is known that there is nothing to find.
    set_annotated_labels(docs[2], {"PER", "LOC", "GPE"})
    issues = IssueLog()
    give_feedback(store, docs, issues=issues)
    assert values(store, mixed)["demonstration"] == (CharSpan(0, 4, "PER"),)
    assert "demonstration" not in values(store, strange)
    assert values(store, stated)["demonstration"] == ()
    assert issues[module.NONE_ASKED] == 1
    # Only the one that says its labels says something of places.
    assert issues[module.NOT_IN_GOLD] == 0
    issues = IssueLog()
    give_feedback(store, docs[:2], issues=issues)
    assert dict(issues)[module.NOT_IN_GOLD].example == "LOC (gold has GPE)"
