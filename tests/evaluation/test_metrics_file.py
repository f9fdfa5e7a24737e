import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.metrics_file import (
    FORMAT_VERSION,
    NEEDED,
    corpus_fingerprint,
    read_metrics,
    write_json,
)
from tests.evaluation.strategies import make_doc

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def metrics(**changes):
    content = {"format_version": FORMAT_VERSION, "seqeval": {}, **{key: {} for key in NEEDED}}
    return {key: value for key, value in {**content, **changes}.items() if value != "absent"}


@given(st.dictionaries(st.text(), JSON))
def test_metrics_file_keeps_whatever_it_holds(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("json") / "x.json"
    write_json(path, content)
    assert json.loads(path.read_text(encoding="utf8")) == content


def test_metrics_file_has_columns_of_numbers_on_one_line(tmp_path):
    write_json(tmp_path / "x.json", {"curve": [1, 0.25, 1e-7], "text": "[\n 1, 2 ]"})
    assert '  "curve": [1, 0.25, 1e-07],\n' in (tmp_path / "x.json").read_text()


def test_metrics_file_writes_what_components_report(tmp_path):
    write_json(tmp_path / "x.json", {"a": np.float32(0.5), "b": np.int64(3), "c": Path("store.db")})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": 0.5, "b": 3, "c": "store.db"}


def test_metrics_file_is_read_where_all_is_there(tmp_path):
    write_json(tmp_path / "m.json", metrics())
    assert read_metrics(tmp_path / "m.json") == metrics()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "E308.*No such file"),
        ("no json", "E308.*it is no JSON"),
        ("[1]", "E308.*no strict scores"),
        ('{"ents_f": 0.5}', "E308.*no strict scores"),
        (json.dumps(metrics(format_version="absent")), "E309.*an older version.*format none"),
        (json.dumps(metrics(format_version=1)), "E309.*an older version.*format 1"),
        (json.dumps(metrics(format_version=99)), "E309.*a newer version.*format 99"),
        (json.dumps(metrics(labels="absent")), "E308.*it lacks labels"),
    ],
)
def test_metrics_file_is_refused_where_it_is_no_such(tmp_path, content, message):
    path = tmp_path / "m.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=message):
        read_metrics(path)


def test_metrics_file_tells_corpora_apart_by_text_and_entities():
    one = make_doc("Bo left", "B-X O")
    assert corpus_fingerprint([one]) == corpus_fingerprint([make_doc("Bo left", "B-X O")])
    others = [[make_doc("Bo left", "B-Y O")], [make_doc("Al left", "B-X O")], [one, one]]
    assert len({corpus_fingerprint(docs) for docs in [[one], *others]}) == 4
