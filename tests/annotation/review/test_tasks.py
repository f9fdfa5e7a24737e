import math

import pytest
from spacy.tokens import Span

from spacy_ner_plus.annotation.review.tasks import Task, make_tasks, most_doubtful_first, task_ids
from spacy_ner_plus.pipeline.scored_ents import write_ents
from tests.annotation.review.docs import EMOJI, NLP, corpus, make_doc


def test_tasks_have_the_corpus_ids_where_they_tell_texts_apart():
    docs = [
        make_doc("One.", id="a"),
        make_doc("Two.", id="b"),
        make_doc("Three.", id="b"),
        make_doc("Four."),
        make_doc("Four."),
    ]
    ids = task_ids(docs)
    assert ids[0] == "a"
    assert len(set(ids)) == len(docs)
    # Wherever in the corpus they are.
    assert task_ids(docs[::-1])[3:] == [ids[1], ids[0]]
    assert task_ids(docs[3:]) == ids[3:]


def test_tasks_predict_nothing_for_texts_without_annotation():
    tasks = list(make_tasks([NLP("Ann left."), NLP(" \n"), make_doc("Nobody left.")]))
    assert [task.predictions for task in tasks] == [None, ()]


def test_tasks_take_scores_and_doubt_from_components():
    doc = NLP("Ann met Bob .")
    spans = [doc.char_span(0, 3, "PER"), doc.char_span(8, 11, "PER")]
    write_ents(doc, spans, [0.9, 0.6], spans_key="ner", overwrite=True, uncertainty=0.7)
    (task,) = make_tasks([doc])
    assert [span.score for span in task.predictions] == pytest.approx([0.9, 0.6])
    assert task.uncertainty == pytest.approx(0.7)
    del doc.spans["ner"].attrs["uncertainty"]
    (task,) = make_tasks([doc])
    assert task.uncertainty == pytest.approx(0.4)


def test_tasks_of_which_annotators_left_something_open_are_doubtful():
    doc = make_doc("Ann met Bob.", ("Ann", "PER"))
    assert next(iter(make_tasks([doc]))).uncertainty is None
    doc.set_ents(list(doc.ents), missing=[doc[2:3]], default="outside")
    assert next(iter(make_tasks([doc]))).uncertainty == 0.5


def test_tasks_most_doubtful_first_and_unknown_last():
    tasks = [Task(name, name, uncertainty=u) for name, u in (("a", None), ("b", 0.2), ("c", 0.9), ("d", 0.2))]
    assert [task.id for task in most_doubtful_first(tasks)] == ["c", "b", "d", "a"]


def test_tasks_count_code_points():
    task = list(make_tasks(corpus()))[1]
    assert [EMOJI[span.start : span.end] for span in task.predictions] == ["Rosa Quint", "Lund"]


def test_tasks_have_no_score_where_groups_have_none():
    doc = make_doc("Ann met Bob.")
    doc.spans["sc"] = [Span(doc, 0, 1, "PER"), Span(doc, 2, 3, "PER")]
    for known in ([0.9, math.nan], [0.9, math.inf]):
        doc.spans["sc"].attrs["scores"] = known
        (task,) = make_tasks([doc])
        assert [span.score for span in task.predictions] == [0.9, None]
        assert task.uncertainty == pytest.approx(0.1)
    doc.spans["sc"].attrs["uncertainty"] = math.nan
    assert next(iter(make_tasks([doc]))).uncertainty == pytest.approx(0.1)


def test_tasks_have_no_span_behind_their_text():
    doc = NLP("Ann Lee\n \n")
    doc.set_ents([Span(doc, 0, len(doc), "PER")])
    (task,) = make_tasks([doc])
    assert (task.text, [span[:2] for span in task.predictions]) == ("Ann Lee", [(0, 7)])
    doc.set_ents([Span(doc, 2, 3, "PER")], default="outside")
    assert next(iter(make_tasks([doc]))).predictions == ()
