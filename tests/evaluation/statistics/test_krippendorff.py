import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.evaluation.statistics.krippendorff import NO_VALUE, AlphaCounts


def counts_of(*documents):
    counts = AlphaCounts()
    for values in documents:
        counts.add(np.array(values, dtype=int))
    return counts


@given(
    st.integers(2, 4).flatmap(
        lambda annotators: st.lists(
            st.lists(
                st.lists(st.integers(NO_VALUE, 3), min_size=annotators, max_size=annotators),
                min_size=1,
                max_size=8,
            ),
            min_size=1,
            max_size=4,
        )
    )
)
def test_krippendorff_is_as_the_package_has_it(documents):
    """Whatever is missing, and however units are dealt to documents."""
    krippendorff = pytest.importorskip("krippendorff")
    matrices = [np.array(document).T for document in documents]
    values = np.concatenate(matrices, axis=1)
    paired = values[:, (values != NO_VALUE).sum(axis=0) >= 2]
    found = counts_of(*matrices).alpha()
    if len(set(paired[paired != NO_VALUE].tolist())) < 2:
        assert found is None
        return
    data = np.where(values == NO_VALUE, np.nan, values.astype(float))
    expected = krippendorff.alpha(reliability_data=data, level_of_measurement="nominal")
    assert found == pytest.approx(expected, abs=1e-9)


def test_krippendorff_of_the_published_example():
    """Krippendorff (2011), nominal data, four observers: 0.743."""
    nothing = NO_VALUE
    rows = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, nothing, nothing, nothing],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nothing, 3],
        [nothing, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nothing],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nothing],
    ]
    assert counts_of(rows).alpha() == pytest.approx(0.743, abs=5e-4)


def test_krippendorff_interval_is_by_document_and_holds_alpha():
    rng = np.random.default_rng(0)
    documents = []
    for _ in range(40):
        truth = rng.integers(0, 3, size=20)
        noise = rng.random((2, 20)) < rng.choice([0.05, 0.5])
        documents.append(np.where(noise, rng.integers(0, 3, size=(2, 20)), truth))
    counts = counts_of(*documents)
    low, high = counts.interval(resamples=500)
    assert low < counts.alpha() < high
    assert counts.interval(resamples=500) == [low, high]
    # By unit, twice as sure: documents differ.
    units = [document[:, i : i + 1] for document in documents for i in range(20)]
    narrow = counts_of(*units).interval(resamples=500)
    assert narrow[1] - narrow[0] < 0.8 * (high - low)


def test_krippendorff_says_nothing_where_nothing_can_be_said():
    assert counts_of().alpha() is None
    assert counts_of(*[[[0, 0], [0, 0]]] * 12).alpha() is None
    assert counts_of(*[[[0, 0], [0, 0]]] * 12).interval() is None
    assert counts_of([[0, 1], [0, 1]]).interval() is None
    assert counts_of([[0, 1], [NO_VALUE, NO_VALUE]]).alpha() is None
    assert counts_of([[0, 1], [0, 1]]).alpha() == 1.0
