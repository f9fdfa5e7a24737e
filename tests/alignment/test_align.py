"""Alignment: mentions are found where they are meant, and none goes missing without a reason."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.alignment.align import POLICIES, WITHIN_TOKENS, AlignedMention, align_mentions
from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.alignment.normalization import normalise
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.requests import InvalidReply
from spacy_ner_plus.spans import without_overlaps
from tests.alignment.docs import LABELS, NLP, docs_with_gold, make_doc

MANY = settings(max_examples=200, deadline=None)


def found(doc, mentions, **settings):
    alignment = align_mentions(doc, mentions, **settings)
    return [(doc[s.start : s.end].text, s.label, s.start) for s in alignment.spans]


# Exact, normalised, fuzzy


def test_alignment_exact_mention_has_its_tokens():
    alignment = align_mentions(make_doc("Ann Lee left Rome"), [Mention("Ann Lee", "PER")])
    assert alignment.spans == [
        AlignedMention(0, 2, "PER", "exact", 1.0, Mention("Ann Lee", "PER"), chars=(0, 7))
    ]
    assert not alignment.unaligned
    assert alignment.snapped == 0


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("JAPAN won", "Japan"),
        ("He likes Rock \u2019n\u2019 Roll here", "Rock 'n' Roll"),
        ("in Bosnia \u2013 Herzegovina now", "Bosnia-Herzegovina"),
        ("the New\u00a0York marathon", "New York"),
        ("Mr . Smith left", "Mr. Smith"),
        ("Andr\u00e9 left", "Andre\u0301"),
        ("\uff21\uff22\uff23 news", "ABC"),
        ("the \ufb01rm Of\ufb01ce here", "Office"),
        ("New  York won", "New\nYork"),
        ("Stra\u00dfe 7", "STRASSE"),
    ],
)
def test_alignment_normalised_mention_is_found(text, mention):
    words = text.split(" ")
    doc = Doc(NLP.vocab, words=[w or " " for w in words], spaces=[True] * (len(words) - 1) + [False])
    (span,) = align_mentions(doc, [Mention(mention, "X")]).spans
    assert span.how == "normalised"
    assert 0.9 < span.score < 1.0
    assert normalise(doc[span.start : span.end].text) == normalise(mention)


@pytest.mark.parametrize(
    ("mention", "place"),
    [("Uzbekestan", "Uzbekistan"), ("Igor Skvyrin", "Igor Shkvyrin"), ("NewZealand", "New Zealand")],
)
def test_alignment_fuzzy_mention_takes_whole_tokens(mention, place):
    doc = make_doc("In Uzbekistan , Igor Shkvyrin beat New Zealand")
    (span,) = align_mentions(doc, [Mention(mention, "X")]).spans
    assert doc[span.start : span.end].text == place
    assert span.how == "fuzzy"
    assert 0.85 <= span.score < 1.0


def test_alignment_similarity_threshold_is_a_floor():
    doc = make_doc("In Uzbekistan now")
    mentions = [Mention("Uzbekestan", "LOC")]
    assert align_mentions(doc, mentions, similarity_threshold=0.9).spans
    alignment = align_mentions(doc, mentions, similarity_threshold=0.95)
    assert alignment.unaligned == [(mentions[0], "not in the text; most similar is 'Uzbekistan' (0.90)")]
    assert align_mentions(
        make_doc("UZBEKISTAN"), [Mention("Uzbekistan", "LOC")], similarity_threshold=1.0
    ).spans


def test_alignment_fuzzy_takes_no_other_number():
    doc = make_doc("He uses Windows 95 at home")
    assert not align_mentions(doc, [Mention("Windows 98", "MISC")]).spans


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("Dr. Smith did not sign .", "Mr. Smith"),
        ("Dr. Smith did not sign .", "not signed"),
        ("the Bank of China", "Bank China"),
        ("Ann Leo left", "Ann Lee"),
        # It joins several, of which the text has one alone, or each with a slip.
        ("Turin won", "Turin and Lisbon"),
        ("Mara Vosss met Tilo Brand", "Mara Voss and Tilo Brand"),
        ("Parris , Londonn", "Parris/London"),
        ("the U.S. Open", "U.K. Open"),
    ],
)
@pytest.mark.parametrize("policy", POLICIES)
def test_alignment_fuzzy_takes_no_other_word(text, mention, policy):
    alignment = align_mentions(make_doc(text), [Mention(mention, "X")], occurrences=policy)
    assert not alignment.spans
    assert [lost.text for lost, _ in alignment.unaligned] == [mention]


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("Jos\u00e9 Mourinho left", "Jose Mourinho"),
        ("Thomas M\u00fcller left", "Thomas Muller"),
        ("Sammy Davis , Jr. sang", "Sammy Davis Jr"),
        ("Sammy Davis Jr. sang", "Sammy Davis, Jr."),
        ("Mara Voss left", "Dr. Mara Voss"),
        (
            "\u092e\u0939\u093e\u0924\u094d\u092e\u093e \u0917\u093e\u0902\u0927\u0940 left",
            "\u092e\u0939\u093e\u0924\u094d\u092e\u093e \u0917\u093e\u0928\u094d\u0927\u0940",
        ),
        ("Smith &amp Wesson & Co", "Wesson and Co"),
    ],
)
def test_alignment_still_takes_slips_in_copying(text, mention):
    (span,) = align_mentions(make_doc(text), [Mention(mention, "X")]).spans
    assert span.how in ("normalised", "fuzzy")


@pytest.mark.parametrize(
    ("text", "mention", "parts"),
    [
        ("Mara Voss met Tilo Brand", "Mara Voss, Tilo Brand", ["Mara Voss", "Tilo Brand"]),
        ("Mara Voss met Tilo Brand", "Mara Voss and Tilo Brand", ["Mara Voss", "Tilo Brand"]),
        ("Mara Voss met Tilo Brand", "Tilo Brand & Mara Voss", ["Mara Voss", "Tilo Brand"]),
        ("Paris , London and Rome", "Paris/London", ["Paris", "London"]),
        ("Paris , London and Rome", "Paris; Rome", ["Paris", "Rome"]),
        ("Paris , London and Rome", "Rome, London, and Paris", ["Paris", "London", "Rome"]),
        # The text has it itself.
        ("Smith and Wesson won", "Smith & Wesson", ["Smith and Wesson"]),
        ("Paris , London and Rome", "Paris, London", ["Paris , London"]),
        ("London and Rome", "london AND rome", ["London and Rome"]),
        # One name, turned round, or with a part that isn't there.
        ("John Smith left", "Smith, John", []),
        ("Paris left", "Paris, France", []),
    ],
)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("occurrence", [0, 1])
def test_alignment_takes_a_mention_apart_that_joins_several(text, mention, parts, policy, occurrence):
    doc, named = make_doc(text), Mention(mention, "X", occurrence)
    alignment = align_mentions(doc, [named], occurrences=policy)
    assert [doc[span.start : span.end].text for span in alignment.spans] == parts
    assert len(alignment.unaligned) == (not parts)
    assert [whole for whole, _ in alignment.split] == [named] * (len(parts) > 1)


def test_alignment_parts_of_a_mention_know_their_place_in_the_reply():
    doc = make_doc("Ann met Bo")
    spans = align_mentions(doc, [Mention(" Bo, Ann", "X", reply_start=10, reply_end=18)]).spans
    assert [(span.mention.text, *span.mention[3:5]) for span in spans] == [("Ann", 15, 18), ("Bo", 11, 13)]
    # With escapes in between nobody knows.
    spans = align_mentions(doc, [Mention("Bo, Ann", "X", reply_start=10, reply_end=22)]).spans
    assert [span.mention[3:5] for span in spans] == [(10, 22)] * 2


def test_alignment_spelling_of_the_text_is_used_for_all_listings():
    doc = make_doc("Uzbekistan met Uzbekistan")
    assert found(doc, [Mention("Uzbekestan", "LOC")] * 2) == [
        ("Uzbekistan", "LOC", 0),
        ("Uzbekistan", "LOC", 2),
    ]


# Tokens


def test_alignment_end_inside_a_token_is_snapped_and_counted():
    doc = make_doc("the U.S.-based firm")
    alignment = align_mentions(doc, [Mention("U.S.", "LOC")])
    (span,) = alignment.spans
    assert (span.start, span.end, span.how, span.snapped) == (1, 2, "exact", True)
    assert alignment.snapped == 1


@pytest.mark.parametrize(
    ("mode", "mention", "expected"),
    [
        ("expand", "U.S.", ["U.S.-based"]),
        ("contract", "U.S.", []),
        ("strict", "U.S.", []),
        ("expand", "the U.S.", ["the U.S.-based"]),
        ("contract", "the U.S.", ["the"]),
        ("strict", "the U.S.", []),
        ("strict", "the U.S.-based", ["the U.S.-based"]),
        ("contract", "U", []),
    ],
)
@pytest.mark.parametrize("position", [True, False])
def test_alignment_mode_is_that_of_char_span(mode, mention, expected, position):
    doc = make_doc("the U.S.-based firm")
    at = doc.text.index(mention)
    wanted = doc.char_span(at, at + len(mention), alignment_mode=mode)
    assert [wanted.text] == expected if wanted else not expected
    listed = [Mention(mention, "LOC", position=at if position else -1)]
    alignment = align_mentions(doc, listed, alignment_mode=mode)
    assert [doc[span.start : span.end].text for span in alignment.spans] == expected
    for span in alignment.spans:
        assert span.chars == (at, at + len(mention))
        assert span.snapped == (expected != [mention])
    if not expected:
        assert alignment.unaligned == [(listed[0], WITHIN_TOKENS)]


@pytest.mark.parametrize("mode", ["strict", "contract"])
@pytest.mark.parametrize("stated", [{"position": 2}, {"occurrence": 1}])
def test_alignment_mode_drops_what_is_stated_and_takes_no_other(mode, stated):
    doc = make_doc("a U.S.-based firm in the U.S.")
    mention = Mention("U.S.", "LOC", **stated)
    alignment = align_mentions(doc, [mention], alignment_mode=mode)
    assert not alignment.spans
    assert alignment.unaligned == [(mention, WITHIN_TOKENS)]
    # Where the reply doesn't say, the one that is whole is meant.
    (span,) = align_mentions(doc, [Mention("U.S.", "LOC")], alignment_mode=mode).spans
    assert (span.start, span.snapped, span.chars) == (5, False, (25, 29))


@pytest.mark.parametrize("mention", ["U.S.", "u.s."])
def test_alignment_mode_isnt_got_round_by_similarity(mention):
    doc = make_doc("in the U.S., now")
    assert align_mentions(doc, [Mention(mention, "LOC")]).spans[0].chars == (7, 11)
    assert align_mentions(doc, [Mention(mention, "LOC")], alignment_mode="strict").unaligned == [
        (Mention(mention, "LOC"), WITHIN_TOKENS)
    ]


def test_alignment_chars_are_those_of_the_doc():
    doc = make_doc("Ann met Bo in U.S.-based Oslo")
    alignment = align_mentions(
        doc, [Mention("bo", "PER"), Mention("U.S.", "LOC"), Mention("Oslo", "LOC")], start_char=8
    )
    assert [doc.text[slice(*span.chars)] for span in alignment.spans] == ["Bo", "U.S.", "Oslo"]


def test_alignment_refuses_another_mode():
    with pytest.raises(UserError, match="E695"):
        align_mentions(make_doc("a"), [], alignment_mode="widen")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("text", "mentions", "ambiguous"),
    [
        ("Jordan met Jordan in Jordan", [("Jordan", "PER"), ("Jordan", "LOC"), ("Jordan", "ORG")], True),
        ("Jordan left", [("Jordan", "PER"), ("JORDAN", "LOC")], True),
        ("JORDAN : Jordan left", [("Jordan", "PER"), ("JORDAN", "LOC")], False),
        ("Jordan met Jordan", [("Jordan", "PER", 1), ("Jordan", "LOC", 2)], False),
        ("Jordan met Jordan", [("Jordan", "PER", 1), ("Jordan", "LOC")], False),
        ("Jordan left", [("Jordan", "PER", 1), ("Jordan", "LOC")], True),
        ("Uzbekistan won", [("Uzbekistan", "ORG"), ("Uzbekestan", "LOC")], True),
        ("Bank of China", [("China", "LOC"), ("Bank of China", "ORG")], False),
        ("Jordan met Ann", [("Jordan", "PER"), ("Jordan", "PER"), ("Ann", "LOC")], False),
    ],
)
def test_alignment_marks_what_may_have_another_label(policy, text, mentions, ambiguous):
    alignment = align_mentions(make_doc(text), [Mention(*each) for each in mentions], occurrences=policy)
    unstated = [span for span in alignment.spans if not span.mention.occurrence]
    assert {span.ambiguous for span in unstated} <= {ambiguous}
    assert not any(span.ambiguous for span in alignment.spans if span.mention.occurrence)


def test_alignment_whole_tokens_come_before_parts():
    assert found(make_doc("a U.S.-based firm in the U.S."), [Mention("U.S.", "LOC")]) == [("U.S.", "LOC", 5)]


def test_alignment_words_are_not_cut():
    mention = Mention("Iran", "LOC")
    alignment = align_mentions(make_doc("Iranian oil"), [mention])
    assert alignment.unaligned == [(mention, "only as part of a longer word")]
    assert found(make_doc("Iranian oil , Iran said"), [mention]) == [("Iran", "LOC", 3)]


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_alignment_empty_mentions_are_counted(text):
    mention = Mention(text, "LOC")
    assert align_mentions(make_doc("Rome"), [mention]).unaligned == [(mention, "empty")]


@pytest.mark.parametrize("policy", POLICIES)
def test_alignment_empty_doc_loses_nothing_in_silence(policy):
    mentions = [Mention("Rome", "LOC"), Mention("Rome", "LOC", 1), Mention("Rome", "LOC", position=3)]
    alignment = align_mentions(Doc(NLP.vocab), mentions, occurrences=policy)
    assert not alignment.spans
    assert alignment.unaligned


# Occurrences


def test_alignment_listed_takes_as_many_as_are_listed():
    doc = make_doc("Rome and Rome and Rome")
    assert found(doc, [Mention("Rome", "LOC")] * 2) == [("Rome", "LOC", 0), ("Rome", "LOC", 2)]


def test_alignment_listed_too_often_is_counted():
    alignment = align_mentions(make_doc("Rome now"), [Mention("Rome", "LOC")] * 2)
    assert len(alignment.spans) == 1
    assert alignment.unaligned == [(Mention("Rome", "LOC"), "listed more often than it occurs")]


def test_alignment_listed_shares_no_token_between_occurrences_that_overlap():
    doc = make_doc("so so so")
    alignment = align_mentions(doc, [Mention("so so", "X")] * 2)
    assert [(span.start, span.end) for span in without_overlaps(alignment.spans)[0]] == [(0, 2)]
    assert align_mentions(make_doc("so so so so"), [Mention("so so", "X")] * 2).spans[1].start == 2


@pytest.mark.parametrize("listed", [1, 2, 5])
def test_alignment_all_takes_every_occurrence(listed):
    doc = make_doc("Rome and Rome and Rome")
    alignment = align_mentions(doc, [Mention("Rome", "LOC")] * listed, occurrences="all")
    assert [span.start for span in alignment.spans] == [0, 2, 4]
    assert not alignment.unaligned


def test_alignment_all_takes_other_case_too():
    doc = make_doc("US WINS . The US team told us . Japan and JAPAN")
    mentions = [Mention("US", "LOC"), Mention("Japan", "LOC")]
    places = found(doc, mentions, occurrences="all")
    assert places == [("US", "LOC", 0), ("US", "LOC", 4), ("Japan", "LOC", 9), ("JAPAN", "LOC", 11)]


def test_alignment_common_words_are_no_other_spelling_of_names():
    alignment = align_mentions(make_doc("The US told us"), [Mention("US", "LOC")] * 2)
    assert [span.start for span in alignment.spans] == [1]
    assert len(alignment.unaligned) == 1


def test_alignment_first_takes_one():
    doc = make_doc("Rome and Rome and Rome")
    assert found(doc, [Mention("Rome", "LOC")] * 2, occurrences="first") == [("Rome", "LOC", 0)]
    # Also where the list's order would say another.
    mentions = [Mention("and", "X"), Mention("Rome", "X")]
    assert [start for _, _, start in found(doc, mentions, occurrences="first")] == [0, 1]


@pytest.mark.parametrize("policy", POLICIES)
def test_alignment_longer_mentions_take_their_places_first(policy):
    doc = make_doc("the Bank of China and China Daily in China")
    mentions = [Mention(text, "X") for text in ("China", "China Daily", "Bank of China")]
    places = found(doc, mentions, occurrences=policy)
    assert [start for _, _, start in places] == [1, 5, 8]


def test_alignment_listed_avoids_places_within_longer_mentions_elsewhere():
    doc = make_doc("Bank of China and Bank of China in China")
    places = found(doc, [Mention("China", "LOC"), Mention("Bank of China", "ORG")])
    assert ("China", "LOC", 8) in places


def test_alignment_order_of_the_list_chooses_between_occurrences():
    doc = make_doc("Rome said Oslo and Rome and Bonn and Rome")
    mentions = [Mention(text, "LOC") for text in ("Oslo", "Rome", "Bonn")]
    assert [start for _, _, start in found(doc, mentions)] == [2, 4, 6]


def test_alignment_order_is_not_used_of_a_list_without_one():
    doc = make_doc("Rome said Oslo and Rome and Bonn and Rome")
    mentions = [Mention(text, "LOC") for text in ("Bonn", "Rome", "Oslo")]
    assert [start for _, _, start in found(doc, mentions)] == [0, 2, 6]


def test_alignment_labels_of_one_spelling_share_its_places():
    doc = make_doc("Ann of Washington met Washington in Oslo")
    mentions = [Mention(text, "PER") for text in ("Ann", "Washington")]
    mentions += [Mention(text, "LOC") for text in ("Washington", "Oslo")]
    labels = [label for _, label, _ in found(doc, mentions)]
    assert sorted(labels) == ["LOC", "LOC", "PER", "PER"]


def test_alignment_headline_in_capitals_counts_as_an_occurrence():
    doc = make_doc("JAPAN WIN . Yesterday Japan beat Syria")
    alignment = align_mentions(doc, [Mention("Japan", "LOC")] * 2)
    assert [(span.start, span.how) for span in alignment.spans] == [(0, "normalised"), (4, "exact")]


def test_alignment_nested_mentions_are_kept():
    doc = make_doc("the Bank of China")
    mentions = [Mention("Bank of China", "ORG"), Mention("China", "LOC")]
    alignment = align_mentions(doc, mentions)
    assert [(span.start, span.end) for span in alignment.spans] == [(1, 4), (3, 4)]
    assert [(span.start, span.end) for span in without_overlaps(alignment.spans)[0]] == [(1, 4)]


def test_alignment_unknown_policy_is_refused():
    with pytest.raises(UserError, match=r"E293.*listed, all, first"):
        align_mentions(make_doc("Rome"), [], occurrences="some")


@pytest.mark.parametrize("threshold", [0.0, -1.0, 85.0])
def test_alignment_threshold_outside_its_range_is_refused(threshold):
    with pytest.raises(UserError, match="E294"):
        align_mentions(make_doc("Rome"), [], similarity_threshold=threshold)


# Replies that say which occurrence, or where


def test_alignment_stated_occurrence_is_taken():
    doc = make_doc("Rome and Rome and Rome")
    assert found(doc, [Mention("Rome", "LOC", 2)]) == [("Rome", "LOC", 2)]


def test_alignment_stated_occurrence_counts_words_before_parts_of_words():
    assert found(make_doc("Iranian oil from Iran"), [Mention("Iran", "LOC", 1)]) == [("Iran", "LOC", 3)]


@pytest.mark.parametrize("occurrence", [1, 3])
def test_alignment_miscounted_occurrence_falls_back_to_a_free_one(occurrence):
    doc = make_doc("Rome and Rome")
    mentions = [Mention("Rome", "LOC", 1), Mention("Rome", "LOC", occurrence)]
    assert [start for _, _, start in found(doc, mentions)] == [0, 2]


@pytest.mark.parametrize("policy", POLICIES)
def test_alignment_miscounted_occurrence_takes_one_place_alone(policy):
    doc, miscounted = make_doc("Bo met Bo and Bob"), Mention("Bo", "PER", 3)
    alignment = align_mentions(doc, [miscounted], occurrences=policy)
    assert [span.start for span in alignment.spans] == [0]
    assert alignment.miscounted == [miscounted]
    # Where the reply lists it without a number, too, that one is meant everywhere.
    alignment = align_mentions(doc, [miscounted, Mention("Bo", "PER")], occurrences=policy)
    assert [span.start for span in alignment.spans] == ([0] if policy == "first" else [0, 2])


@pytest.mark.parametrize("stated", [{"occurrence": 2}, {"position": 7}])
def test_alignment_marks_what_is_stated_at_one_place_under_two_labels(stated):
    mentions = [Mention("Bo", "PER", **stated), Mention("Bo", "LOC", **stated), Mention("Bo", "PER", 1)]
    spans = align_mentions(make_doc("Bo met Bo"), mentions).spans
    assert [(span.start, span.ambiguous) for span in spans] == [(0, False), (2, True), (2, True)]


def test_alignment_occurrence_may_count_other_case():
    doc = make_doc("ROME wins . Rome loses")
    assert found(doc, [Mention("Rome", "LOC", 2)]) == [("Rome", "LOC", 3)]


def test_alignment_position_is_taken():
    doc = make_doc("Rome and Rome and Rome")
    alignment = align_mentions(doc, [Mention("Rome", "LOC", position=9)])
    assert [(span.start, span.how) for span in alignment.spans] == [(2, "exact")]


@pytest.mark.parametrize(
    ("spelling", "how"), [("rome", "normalised"), ("Romme", "fuzzy"), (" Rome", "exact")]
)
def test_alignment_position_forgives_slips(spelling, how):
    doc = make_doc("Rome and Rome and Rome")
    position = 8 if spelling.startswith(" ") else 9
    alignment = align_mentions(doc, [Mention(spelling, "LOC", position=position)])
    assert [(span.start, span.how) for span in alignment.spans] == [(2, how)]


def test_alignment_position_given_twice_is_counted():
    doc = make_doc("Rome and Rome")
    alignment = align_mentions(doc, [Mention("Rome", "LOC", position=9)] * 2)
    assert [span.start for span in alignment.spans] == [2]
    assert [reason for _, reason in alignment.unaligned] == ["its tokens have this label already"]


def test_alignment_wrong_position_falls_back_to_the_text():
    doc = make_doc("Ann left Rome")
    assert found(doc, [Mention("Rome", "LOC", position=0)]) == [("Rome", "LOC", 2)]


# Stretches of a Doc


def test_alignment_of_a_stretch_stays_within_it():
    doc = make_doc("Rome and Oslo and Rome and Bonn and Rome")
    alignment = align_mentions(
        doc, [Mention("Rome", "LOC"), Mention("Oslo", "LOC")], start_char=14, end_char=31
    )
    assert [(span.start, span.end) for span in alignment.spans] == [(4, 5)]
    assert [reason for _, reason in alignment.unaligned] == ["not in the text"]


# What holds for all


@pytest.mark.parametrize("name", ["entity_list", "inline_tags"])
@MANY
@given(doc=docs_with_gold())
def test_alignment_gives_gold_back_where_a_format_states_places(name, doc):
    reply_format = get_format(name)
    gold = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    reply = reply_format.render(gold, LABELS, doc.text)
    try:
        mentions = reply_format.parse(reply, LABELS, doc.text)
    except InvalidReply:
        # A text that looks like reasoning or a fence is stripped from its own copy.
        assert name == "inline_tags"
        return
    alignment = align_mentions(doc, mentions)
    assert [(s.start, s.end, s.label) for s in without_overlaps(alignment.spans)[0]] == [
        (ent.start, ent.end, ent.label_) for ent in doc.ents
    ]
    assert not alignment.unaligned
    assert {span.how for span in alignment.spans} <= {"exact"}


@pytest.mark.parametrize("policy", POLICIES)
@MANY
@given(
    doc=docs_with_gold(),
    mentions=st.lists(
        st.builds(
            Mention,
            st.sampled_from(["a", "ab", "aa", "Rome", "rome", "Rom\u00e9", ""]) | st.text(max_size=5),
            st.sampled_from(LABELS),
            st.integers(0, 3),
            position=st.integers(-1, 30),
        ),
        max_size=8,
    ),
)
def test_alignment_accounts_for_every_mention(policy, doc, mentions):
    alignment = align_mentions(doc, mentions, occurrences=policy)
    known = [span.mention for span in alignment.spans] + [mention for mention, _ in alignment.unaligned]
    parts = dict(alignment.split)
    mentions = [part for mention in mentions for part in parts.get(mention, (mention,))]
    # Under the other policies a mention counts once, however often it is listed.
    assert {(m.text.strip(), m.label) for m in known} == {(m.text.strip(), m.label) for m in mentions}
    if policy == "listed":
        assert len(known) == len(mentions)
    places = [(span.start, span.end, span.label) for span in alignment.spans]
    assert len(places) == len(set(places))
    assert places == sorted(places, key=lambda place: place[:2])
    for span in alignment.spans:
        assert 0 <= span.start < span.end <= len(doc)
        assert 0.0 <= span.score <= 1.0
    assert alignment.snapped == sum(span.snapped for span in alignment.spans)


@pytest.mark.parametrize("policy", ["all", "listed", "first"])
@pytest.mark.parametrize("labels", [["X"], ["X", "Y"]])
def test_align_mentions_repeated_thousands_of_times_cost_little_time(policy, labels):
    doc = make_doc("Ann saw a dog. " * 100)
    mentions = [Mention("a", label) for _ in range(3_000) for label in labels]
    mentions += [Mention("a", "X", occurrence=number) for number in range(1, 3_000)]
    began = time.process_time()
    alignment = align_mentions(doc, mentions, occurrences=policy)
    assert time.process_time() - began < 2.0
    assert len(alignment.spans) >= 100
    reasons = {reason for _, reason in alignment.unaligned}
    assert reasons <= {"listed more often than it occurs"}
    assert reasons or policy == "all"


def test_align_marks_mentions_under_several_labels_as_ambiguous():
    doc = make_doc("Jordan beat Jordan in Rome")
    mentions = [Mention("Jordan", "X"), Mention("Jordan", "Y"), Mention("Rome", "X")]
    spans = align_mentions(doc, mentions, occurrences="listed").spans
    assert [(span.start, span.ambiguous) for span in spans] == [(0, True), (2, True), (4, False)]


def test_align_mentions_whose_occurrence_is_stated_are_not_ambiguous():
    doc = make_doc("Jordan beat Jordan")
    mentions = [Mention("Jordan", "X", occurrence=2), Mention("Jordan", "Y", occurrence=1)]
    spans = align_mentions(doc, mentions).spans
    assert [(span.label, span.ambiguous) for span in spans] == [("Y", False), ("X", False)]
