import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.comparison.compare import compare_pipelines
from spacy_ner_plus.evaluation.comparison.frames import comparison_frame, pairs_frame
from tests.evaluation.comparison.test_compare import make_pipeline, predict


def test_frames_of_a_comparison_have_a_row_for_each_pipeline_and_test():
    comparison = compare_pipelines(
        [
            make_pipeline("poor", predict(0.4)),
            make_pipeline("good", predict(0.9)),
            make_pipeline("fair", predict(0.88, 1)),
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
    ("frame", "absent"), [(comparison_frame, "pipelines, leaders, winner"), (pairs_frame, "pairs")]
)
def test_frames_of_a_comparison_refuse_what_is_something_else(frame, absent):
    with pytest.raises(UserError, match=f"E326.*no comparison: it lacks {absent}.*compare"):
        frame({"schemes": {}})
