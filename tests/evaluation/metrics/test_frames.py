import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.metrics.frames import metrics_frame
from tests.evaluation.comparison.test_compare import make_pipeline, predict


def test_frames_of_metrics_have_a_row_for_each_scheme_label_and_slice():
    frame = metrics_frame(make_pipeline("a", predict(0.9)).metrics)
    strict = frame[(frame.section == "scheme") & (frame.name == "strict")].iloc[0]
    assert strict.support == 120
    assert strict.f1_low <= strict.f1 <= strict.f1_high
    assert set(frame[frame.section == "label"].name) == {"LOC", "PER"}
    assert frame[frame.section == "capitals"].support.sum() == 120


def test_frames_of_metrics_refuse_what_is_something_else():
    message = "E326.*no file of metrics: it lacks schemes, labels, slices.*evaluate"
    with pytest.raises(UserError, match=message):
        metrics_frame({"ents_f": 0.5, "speed": 9})
