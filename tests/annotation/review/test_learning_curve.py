import pytest

from spacy_ner_plus.annotation.review.learning_curve import Point, curve_sizes, curve_subset, describe_curve
from spacy_ner_plus.errors import UserError


def points(f1s, *, documents=40, seeds=2):
    """Trainings on the sizes of a curve, each with this F1 on a test corpus."""
    return [
        Point(
            size,
            seed,
            [[round(1000 * f1), 0, 0, 1000 - round(1000 * f1), 1000 - round(1000 * f1)]] * documents,
        )
        for size, f1 in f1s.items()
        for seed in range(seeds)
    ]


def test_learning_curve_sizes_halve():
    assert curve_sizes(113, 4) == [14, 28, 56, 113]
    with pytest.raises(UserError, match=r"E764.*11 documents.*16"):
        curve_sizes(11, 4)


def test_learning_curve_smaller_parts_lie_within_larger_ones():
    some, more = (set(curve_subset(100, size, seed=1)) for size in (10, 40))
    assert some < more
    assert len(more) == 40
    assert set(curve_subset(100, 40, seed=2)) != more


def test_learning_curve_says_what_twice_as_many_documents_bring():
    report = describe_curve(points({20: 0.60, 40: 0.70, 80: 0.78, 160: 0.84}), 160, resamples=100)
    twice, fourfold = report["ahead"]
    assert (twice["documents"], fourfold["documents"]) == (320, 640)
    assert twice["enough"]
    assert twice["interval"][0] <= twice["f1"] <= twice["interval"][1]
    assert 0.84 < twice["f1"] < fourfold["f1"] < 1
    assert report["verdict"].startswith("320 documents in place of 160 give an F1 of")
    assert [row["f1"] for row in report["sizes"]] == [0.6, 0.7, 0.78, 0.84]


def test_learning_curve_says_where_there_is_not_enough_data():
    wild = points({20: 0.3, 40: 0.7, 80: 0.4, 160: 0.8})
    report = describe_curve(wild, 160, resamples=100)
    assert report["verdict"] == "not enough data"
    assert not any(row["enough"] for row in report["ahead"])
    assert report["law"] is not None
    nothing = describe_curve(points({20: 0.5}), 160, resamples=100)
    assert (nothing["verdict"], nothing["law"], nothing["ahead"]) == ("not enough data", None, [])
