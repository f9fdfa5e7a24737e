import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.display import show_differences, show_tags, show_wordpieces
from spacy_ner_plus.errors import UserError
from tests.evaluation.compared import make_doc

EVIL = '"><script>alert(1)</script>'


def words_of(html):
    """What a notebook shows of HTML: its text alone."""
    import html as entities

    return entities.unescape(re.sub(r"<[^>]+>", "", html))


def test_display_shows_differences_in_a_notebook_and_in_a_terminal(nlp):
    gold = make_doc(nlp.vocab, "Anna|Smith|saw|Oslo", [(0, 2, "PER"), (3, 4, "LOC")])
    predicted = make_doc(nlp.vocab, "Anna|Smith|saw|Oslo", [(0, 1, "PER")])
    shown = show_differences(gold, predicted)
    assert str(shown).splitlines() == [
        "Gold",
        "  [Anna Smith PER] saw [Oslo LOC] ",
        "Predicted",
        "  [Anna PER] Smith saw Oslo ",
        "Differences",
        "  boundary too short: 'Anna Smith' PER -> 'Anna' PER",
        "  missed: 'Oslo' LOC",
    ]
    assert "boundary too short: 'Anna Smith' PER -> 'Anna' PER" in words_of(shown._repr_html_())
    # Wrong on gold's side: both; of the predicted ones: one.
    assert shown.html.count("outline:") == 3
    assert shown.rows[1] == {"kind": "missed", "gold": "'Oslo' LOC", "predicted": ""}


def test_display_of_agreement_says_so(nlp):
    doc = make_doc(nlp.vocab, "Oslo", [(0, 1, "LOC")])
    shown = show_differences(doc, doc)
    assert shown.text.endswith("no differences")
    assert shown.rows == []


def test_display_lays_predictions_of_other_tokens_on_golds_text(nlp):
    gold = Doc(nlp.vocab, words=["U.S.-based"], spaces=[False], ents=["O"])
    predicted = Doc(nlp.vocab, words=["U.S.", "-based"], spaces=[False, False], ents=["B-LOC", "O"])
    shown = show_differences(gold, predicted)
    assert "[U.S. LOC]-based" in shown.text
    assert shown.text.endswith("spurious: 'U.S.' LOC")


def test_display_names_what_gold_says_nothing_about(nlp):
    shown = show_differences(Doc(nlp.vocab, words=["Oslo"]), make_doc(nlp.vocab, "Oslo", [(0, 1, "LOC")]))
    assert "[Oslo LOC]" in shown.text
    assert shown.text.endswith("left out, as gold has no annotation there: 'Oslo' LOC")


def test_display_refuses_predictions_of_another_text(nlp):
    with pytest.raises(UserError, match=r"E307.*'Rome '.*'Oslo '"):
        show_differences(make_doc(nlp.vocab, "Oslo"), make_doc(nlp.vocab, "Rome"))


@pytest.mark.parametrize("show", ["differences", "tags", "wordpieces"])
def test_display_escapes_what_comes_from_outside(nlp, trained, show):
    if show == "differences":
        gold = make_doc(nlp.vocab, f"{EVIL}|x", [(0, 1, EVIL)])
        shown = show_differences(gold, make_doc(nlp.vocab, f"{EVIL}|x", [(1, 2, EVIL)]))
    elif show == "tags":
        shown = show_tags([EVIL, "x"], [f"B-{EVIL}", "I-X"])
    else:
        trained.tokenizer = lambda text: make_doc(trained.vocab, [text])
        shown = show_wordpieces(trained, EVIL)
    assert "<script" not in shown.html
    assert "<script>" in words_of(shown.html)


@given(
    st.lists(
        st.tuples(st.text(), st.sampled_from(["O", "B-X", "I-X", "L-X", "U-Y", "S-Y", "E-X", "", "odd"]))
    )
)
def test_display_shows_every_token_and_tag(pairs):
    tokens, tags = [token for token, _ in pairs], [tag for _, tag in pairs]
    shown = show_tags(tokens, tags)
    assert [(row["token"], row["tag"]) for row in shown.rows] == pairs
    assert words_of(shown.html).startswith(" ".join(token + tag for token, tag in pairs))


def test_display_shows_tags_with_their_entities_and_what_is_wrong():
    shown = show_tags(["Anna", "Smith", "saw", "Oslo"], ["B-PER", "L-PER", "O", "I-LOC"])
    assert [row["entity"] for row in shown.rows] == ["Anna Smith (PER)", "Anna Smith (PER)", "", "Oslo (LOC)"]
    assert (
        str(shown) == "Anna   B-PER\nSmith  L-PER\nsaw    O\nOslo   I-LOC\n1 x I- that opens an entity: I-LOC"
    )
    assert "1 x I- that opens an entity" in words_of(shown.html)


def test_display_refuses_tags_of_another_number():
    with pytest.raises(UserError, match=r"E343.*2 tokens and 1 tags"):
        show_tags(["a", "b"], ["O"])


def test_display_shows_wordpieces_tags_and_scores(trained):
    shown = show_wordpieces(trained, "Anna Berg lives in Oslo ☃")
    rows = {row["word"]: row for row in shown.rows}
    assert rows["Anna"]["wordpieces"] == ["anna"]
    assert (rows["Anna"]["tag"], rows["Berg"]["tag"], rows["Oslo"]["tag"]) == ("B-PER", "I-PER", "B-LOC")
    assert rows["Anna"]["score"] > 0.5
    assert rows["Berg"]["score"] is None
    assert rows["☃"]["wordpieces"] == ["[UNK]"]
    assert shown.text.splitlines()[0] == "6 words, 6 wordpieces, 1 unknown"
    assert shown.html.count("outline:") == 1


def test_display_cuts_unknown_words_into_pieces(trained):
    [row] = show_wordpieces(trained, "Zq").rows
    assert row["wordpieces"] == ["z", "##q"]


def test_display_names_components_where_none_has_wordpieces(nlp):
    nlp.add_pipe("sentencizer")
    with pytest.raises(UserError, match=r"E344.*'transformer_ner'.*sentencizer"):
        show_wordpieces(nlp, "Oslo")


def test_display_rows_are_a_table_of_pandas(trained):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(show_wordpieces(trained, "Anna lives in Oslo").rows)
    assert list(frame.columns) == ["word", "wordpieces", "tag", "score"]
