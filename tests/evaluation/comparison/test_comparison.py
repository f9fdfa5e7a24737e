import json

from tests.evaluation.compared import make_compared, make_doc


def test_comparison_is_a_mapping_that_can_be_written(nlp, tmp_path):
    gold = make_doc(nlp.vocab, "Anna|left", [(0, 1, "PER")])
    _, comparison = make_compared([gold] * 12, {"a": [gold] * 12, "b": [nlp.make_doc("Anna left")] * 12})
    comparison.write(tmp_path / "comparison.json")
    assert json.loads((tmp_path / "comparison.json").read_text()) == comparison == comparison.to_dict()
    assert (comparison.winner, comparison.leaders) == ("a", ["a"])
    assert repr(comparison) == "Comparison(a=1.0000, b=0.0000, winner='a')"
    assert list(comparison.to_frame().name) == ["a", "b"]
    assert set(comparison.pairs_to_frame().one) == {"a"}
