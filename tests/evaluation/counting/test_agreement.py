import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc
from spacy.training import Example

from spacy_ner_plus.evaluation.counting.agreement import agreement
from spacy_ner_plus.evaluation.counting.seqeval_scores import seqeval_scores
from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
from spacy_ner_plus.evaluation.spacy_scores import spacy_scores

NLP = spacy.blank("en")


def make_doc(words, tags):
    return Doc(NLP.vocab, words=words, spaces=[False] * len(words), ents=tags)


def compare(golds, predictions):
    matched = match_docs(golds, predictions)
    scores, standard = spacy_scores(NLP, golds, predictions, matched)
    return agreement(scores, standard, seqeval_scores(matched), matched)


@st.composite
def tags(draw, length, missing=False):
    """Valid IOB2 tags; the empty one says that annotation is missing."""
    kinds = ["O", "B-X", "B-Y", "I", *([""] if missing else [])]
    found = []
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=length, max_size=length)):
        before = found[-1] if found else "O"
        inside = f"I-{before[2:]}" if before[:1] in ("B", "I") else "O"
        found.append(inside if kind == "I" else kind)
    return found


@st.composite
def tokens(draw, text):
    cuts = draw(st.lists(st.booleans(), min_size=len(text) - 1, max_size=len(text) - 1))
    words = [text[0]]
    for char, cut in zip(text[1:], cuts, strict=True):
        if cut:
            words.append(char)
        else:
            words[-1] += char
    return words


@st.composite
def doc_pairs(draw, same_tokens):
    text = draw(st.text("abc ", min_size=1, max_size=14))
    gold = draw(tokens(text))
    predicted = gold if same_tokens else draw(tokens(text))
    gold_tags = draw(tags(len(gold), missing=True))
    return make_doc(gold, gold_tags), make_doc(predicted, draw(tags(len(predicted))))


@settings(max_examples=150, deadline=None)
@given(st.lists(doc_pairs(same_tokens=True), min_size=1, max_size=4))
def test_agreement_seqeval_equals_spacy_where_tokens_agree(pairs):
    golds, predictions = [gold for gold, _ in pairs], [predicted for _, predicted in pairs]
    spacys = get_ner_prf([Example(predicted, gold) for gold, predicted in pairs])
    seqeval = seqeval_scores(match_docs(golds, predictions))
    for theirs, ours in (("ents_p", "precision"), ("ents_r", "recall"), ("ents_f", "f1")):
        assert seqeval[ours] == pytest.approx(spacys[theirs] or 0.0)
    for label, row in (spacys["ents_per_type"] or {}).items():
        assert seqeval["per_label"].get(label, {"f1": 0.0})["f1"] == pytest.approx(row["f"])
    result = compare(golds, predictions)
    assert result["agree"] or spacys["ents_f"] is None


@settings(max_examples=200, deadline=None)
@given(st.lists(doc_pairs(same_tokens=False), min_size=1, max_size=3))
def test_agreement_accounts_for_every_difference_between_tokenizations(pairs):
    golds, predictions = [gold for gold, _ in pairs], [predicted for _, predicted in pairs]
    result = compare(golds, predictions)
    assert result["explained"], result


def test_agreement_says_that_spacy_widens_a_prediction_inside_a_token():
    gold = make_doc(["the ", "U.S.-based"], ["O", "B-LOC"])
    predicted = make_doc(["the ", "U.S.", "-based"], ["O", "B-LOC", "O"])
    result = compare([gold], [predicted])
    assert (result["spacy_f"], result["seqeval_f"]) == (1.0, 0.0)
    assert not result["agree"]
    assert result["explained"]
    assert result["reasons"][0].startswith("1 predicted entities end inside a gold token")
    assert "takes 1 of them for right" in result["reasons"][0]


def test_agreement_says_that_spacy_ignores_white_space():
    gold = Doc(NLP.vocab, words=["a", "b"], spaces=[True, False], ents=["O", "B-X"])
    predicted = Doc(NLP.vocab, words=["a", "  ", "b"], spaces=[False] * 3, ents=["O", "B-Y", "B-X"])
    result = compare([gold], [predicted])
    assert result["spacy_f"] == 1.0
    assert result["seqeval_f"] == pytest.approx(2 / 3)
    assert result["explained"]
    assert "touch no gold token" in result["reasons"][0]


def test_agreement_leaves_out_of_spacys_scores_what_it_can_not_align():
    same, other = make_doc(["a"], ["B-X"]), make_doc(["b"], ["B-X"])
    result = compare([same, same], [same, other])
    assert (result["spacy_f"], result["seqeval_f"]) == (1.0, 0.5)
    assert result["explained"]
    assert "changed the text of 1 documents" in result["reasons"][0]


def test_agreement_says_when_there_is_nothing_to_score():
    empty = make_doc(["a"], ["O"])
    result = compare([empty], [empty])
    assert result["difference"] is None
    assert result["explained"]
    assert "no entity" in result["reasons"][0]


def test_agreement_calls_an_unexplained_difference_a_defect():
    gold = make_doc(["a", "b"], ["B-X", "O"])
    matched = match_docs([gold], [gold])
    scores, standard = spacy_scores(NLP, [gold], [gold], matched)
    wrong = seqeval_scores(match_docs([gold], [make_doc(["a", "b"], ["O", "B-X"])]))
    result = agreement(scores, standard, wrong, matched)
    assert not result["explained"]
    assert "defect" in result["reasons"][-1]


def test_agreement_names_a_scorer_of_the_pipelines_own():
    gold = make_doc(["a", "b"], ["B-X", "O"])
    matched = match_docs([gold], [gold])
    scores, standard = spacy_scores(NLP, [gold], [gold], matched)
    result = agreement({**scores, "ents_f": 0.25}, standard, seqeval_scores(matched), matched)
    assert result["explained"]
    assert "scorer of its own, whose F1 is 0.2500" in result["reasons"][0]
