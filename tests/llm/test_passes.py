import pytest

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.llm.dialogues import ask_one
from spacy_ner_plus.llm.formats.reading import TRAILING_COMMA, Reading
from spacy_ner_plus.llm.passes import LOST_PASS, NEXT_PASS, ask_in_passes, join_readings
from spacy_ner_plus.llm.requests import Asked, ChatReply, ChatRequest, Outcome, Question

ANN, BO, OSLO = Mention("Ann", "PER"), Mention("Bo", "PER"), Mention("Oslo", "LOC")
QUESTION = Question(ChatRequest([{"role": "user", "content": "Ann and Bo left Oslo."}]), Reading)


def hold(passes, *answers):
    """Answer the questions of a dialogue one by one; give what it comes to, and what was asked."""
    dialogue = ask_in_passes(ask_one(QUESTION), passes)
    asked, outcomes = [], None
    try:
        while True:
            (question,) = dialogue.send(outcomes)
            asked.append(question.request)
            answer = answers[len(asked) - 1]
            replies = (ChatReply(f"reply {len(asked)}"),)
            failed = isinstance(answer, str)
            value = None if failed else Reading(answer)
            failure = answer if failed else ""
            outcomes = [
                Outcome(value, failure, "invalid" if failed else "", (Asked(question.request, replies),))
            ]
    except StopIteration as done:
        return done.value, asked


def test_passes_show_the_reply_and_ask_for_what_it_missed():
    outcome, asked = hold(2, [ANN], [ANN, OSLO])
    assert list(outcome.value) == [ANN, OSLO]
    assert [message["content"] for message in asked[1].messages] == [
        "Ann and Bo left Oslo.",
        "reply 1",
        NEXT_PASS,
    ]
    assert [reply.content for reply in outcome.replies] == ["reply 1", "reply 2"]


@pytest.mark.parametrize(
    ("answers", "found", "count"),
    [
        (([ANN], [ANN]), [ANN], 2),
        (([ANN], [BO], [BO, OSLO]), [ANN, BO, OSLO], 3),
        (([ANN], [BO], [ANN]), [ANN, BO], 3),
        (([], []), [], 2),
    ],
)
def test_passes_end_with_one_that_names_nothing_new_and_forget_nothing(answers, found, count):
    outcome, asked = hold(3, *answers)
    assert (list(outcome.value), len(asked)) == (found, count)


def test_passes_that_fail_leave_what_was_found_and_are_counted():
    outcome, asked = hold(3, [ANN], "no JSON")
    assert (list(outcome.value), outcome.failure, len(asked)) == ([ANN], "", 2)
    assert outcome.value.repairs[LOST_PASS] == 1


def test_passes_begin_with_an_answer():
    outcome, asked = hold(3, "no JSON")
    assert (outcome.value, outcome.failure, len(asked)) == (None, "no JSON", 1)


def test_passes_of_one_ask_once():
    assert len(hold(1, [ANN])[1]) == 1


def test_passes_count_a_mention_as_often_as_the_one_that_lists_it_more_often():
    first, second = Reading([ANN, BO]), Reading([BO, ANN, ANN], unread=[(3, 9)])
    first.repairs.add(TRAILING_COMMA, "[1,]")
    joined = join_readings(first, second)
    assert list(joined) == [ANN, BO, ANN]
    assert (joined.repairs[TRAILING_COMMA], list(joined.unread)) == (1, [])
    assert join_readings(Reading(unread=[(0, 5)]), second).unread == [(3, 5)]
