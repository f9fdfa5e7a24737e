import numpy as np
import pytest

from spacy_ner_plus.evaluation.comparison.compared_pipeline import ComparedPipeline
from tests.evaluation.comparison.test_compare import make_pipeline, predict


@pytest.mark.parametrize(
    ("llm", "cost"),
    [
        ({}, 0.0),
        ({"a": {"cost": 1.5}, "b": {"cost": 0.5}}, 2.0),
        ({"a": {"cost": 1.5}, "b": {"cost": None}}, None),
    ],
)
def test_compared_pipeline_knows_a_cost_only_where_all_of_it_is_known(llm, cost):
    assert ComparedPipeline("a", [{"llm": llm}]).cost == cost


def test_compared_pipeline_of_metrics_alone_has_strict_tables():
    counted = make_pipeline("a", predict(0.8))
    alone = make_pipeline("a", predict(0.8), counted=False)
    assert np.array_equal(alone.tables(), counted.tables())
    assert alone.tables("partial") is None
    assert alone.tables("strict", "LOC") is None


def test_compared_pipeline_has_tables_of_labels_that_it_never_predicts():
    [table] = make_pipeline("a", predict(0.8)).tables("strict", "NOWHERE")
    assert table.shape == (40, 5)
    assert not table.any()
