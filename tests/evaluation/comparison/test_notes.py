from dataclasses import replace

from spacy_ner_plus.evaluation.comparison.notes import notes, untested, why_untested
from tests.evaluation.compared import make_compared, make_doc
from tests.evaluation.comparison.test_compare import make_pipeline, predict


def noted(**changes):
    one, other = (make_pipeline(name, predict(0.9)) for name in "ab")
    return notes([replace(one, runs=[{**one.metrics, **changes}]), other], 100)


def test_comparison_notes_tell_of_documents_without_prediction(nlp):
    gold = make_doc(nlp.vocab, "Anna|left", [(0, 1, "PER")])
    silent = nlp.make_doc("Anna left")
    pipelines, comparison = make_compared([gold] * 12, {"a": [gold] * 12, "b": [gold] * 9 + [silent] * 3})
    assert pipelines[1].metrics["documents"]["unanswered"] == 3
    assert [
        note for note in comparison["notes"] if note.startswith("b gave no prediction for 3 of 12 documents")
    ]


def test_comparison_notes_tell_what_language_models_lost():
    usage = {"asks": {"requests": 9, "issues": {"document with an invalid reply": 2, "mention nowhere": 5}}}
    [note] = noted(llm=usage)
    assert note.startswith("What the language model of a gave")
    assert note.replace("\N{MULTIPLICATION SIGN}", "x").endswith(
        "5 x mention nowhere; 2 x document with an invalid reply."
    )


def test_comparison_notes_say_why_nothing_is_tested():
    assert "--resamples 0" in why_untested(100, 0)
    assert "9 documents" in why_untested(9, 1000)
    assert why_untested(10, 1000) == ""


def test_comparison_notes_know_what_was_tested(nlp):
    gold = make_doc(nlp.vocab, "Anna|left", [(0, 1, "PER")])
    _, comparison = make_compared([gold] * 12, {"a": [gold] * 12, "b": [gold] * 12})
    assert untested(comparison) == ""
    _, comparison = make_compared([gold] * 5, {"a": [gold] * 5, "b": [gold] * 5})
    assert "5 documents" in untested(comparison)
