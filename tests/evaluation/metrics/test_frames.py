import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.comparison.compare import compare_entrants
from spacy_ner_plus.evaluation.metrics.frames import comparison_frame, metrics_frame, pairs_frame
from tests.evaluation.comparison.test_compare import make_entrant, predict


def test_frames_of_metrics_have_a_row_for_each_scheme_label_and_slice():
    frame = metrics_frame(make_entrant("a", predict(0.9)).metrics[0])
    strict = frame[(frame.section == "scheme") & (frame.name == "strict")].iloc[0]
    assert strict.support == 120
    assert strict.f1_low <= strict.f1 <= strict.f1_high
    assert set(frame[frame.section == "label"].name) == {"LOC", "PER"}
    assert frame[frame.section == "capitals"].support.sum() == 120


def test_frames_of_a_comparison_have_a_row_for_each_pipeline_and_test():
    comparison = compare_entrants(
        [
            make_entrant("poor", predict(0.4)),
            make_entrant("good", predict(0.9)),
            make_entrant("fair", predict(0.88, 1)),
        ],
        resamples=100,
        rounds=500,
    )
    frame = comparison_frame(comparison)
    assert list(frame.name)[-1] == "poor"
    assert list(frame.leader) == [True, True, False]
    assert frame.f1.is_monotonic_decreasing
    pairs = pairs_frame(comparison)
    assert len(pairs) == 3 * 8 + 3 * 2
    assert set(pairs[pairs.label == "LOC"].measure) == {"strict"}


@pytest.mark.parametrize(
    ("frame", "content", "message"),
    [
        (
            metrics_frame,
            {"ents_f": 0.5, "speed": 9},
            "no file of metrics: it lacks schemes, labels, slices.*evaluate",
        ),
        (comparison_frame, {"schemes": {}}, "no comparison: it lacks pipelines, leaders, winner.*compare"),
        (pairs_frame, {"schemes": {}}, "no comparison: it lacks pairs.*compare"),
    ],
)
def test_frames_refuse_what_is_something_else(frame, content, message):
    with pytest.raises(UserError, match=f"E326.*{message}"):
        frame(content)
