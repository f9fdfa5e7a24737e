import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.metrics.file import (
    FORMAT_VERSION,
    corpus_fingerprint,
    read_metrics,
    upgrade,
    write_json,
)
from tests.evaluation.compared import make_metrics
from tests.evaluation.strategies import make_doc

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


GOLDS = [make_doc("Bo left", "B-X O"), make_doc("Al left", "B-Y O")]
KEPT = {"file": "m-predictions.spacy", "sha256": "0"}
USED = {"asks": {"requests": 2, "cost": None, "issues": {"document without a reply": 1}}}


def metrics(changes=None):
    """What `evaluate` writes, with the values at dotted keys changed, or 'absent'."""
    others = {"seqeval": {}, "format_version": FORMAT_VERSION, "predictions": KEPT, "llm": USED}
    content = json.loads(json.dumps({**make_metrics(GOLDS, GOLDS[:1] * 2), **others}))
    for path, value in (changes or {}).items():
        *above, key = path.split(".")
        holder = content
        for part in above:
            holder = holder[part]
        if value == "absent":
            del holder[key]
        else:
            holder[key] = value
    return content


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


def of_format_2(content):
    """The same metrics as format 2 had them."""
    old = json.loads(json.dumps(content))
    old["format_version"] = 2
    old["losses"] = old.pop("issues")
    old["llm"]["asks"]["losses"] = old["llm"]["asks"].pop("issues")
    old["schemes"]["fuzzy"]["likeness"] = 100 * old["settings"].pop("similarity_threshold")
    return old


def test_metrics_file_of_format_2_is_read_as_the_newest(tmp_path):
    issue = {"tokens lost": {"count": 2, "example": "x", "where": "document 1"}}
    new = metrics({"issues": issue, "settings.similarity_threshold": 0.75})
    write_json(tmp_path / "m.json", of_format_2(new))
    assert read_metrics(tmp_path / "m.json") == new


@pytest.mark.parametrize(
    "changes", [{"schemes": 3}, {"llm": {"asks": 1}}, {"settings": None}, {"schemes": {"fuzzy": []}}]
)
def test_metrics_file_of_format_2_that_is_damaged_is_refused(tmp_path, changes):
    write_json(tmp_path / "m.json", {**of_format_2(metrics()), **changes})
    with pytest.raises(UserError, match="E308"):
        read_metrics(tmp_path / "m.json")


def test_metrics_file_of_the_newest_format_is_not_changed():
    assert upgrade(metrics()) == metrics()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "E308.*No such file"),
        ("no json", "E308.*it is no JSON"),
        ("[1]", "E308.*no strict scores"),
        ('{"ents_f": 0.5}', "E308.*no strict scores"),
        (json.dumps(metrics({"format_version": "absent"})), "E309.*an older version.*format none"),
        (json.dumps(metrics({"format_version": 1})), "E309.*an older version.*format 1"),
        (json.dumps(metrics({"format_version": 99})), "E309.*a newer version.*format 99"),
        (json.dumps(metrics({"labels": "absent"})), r"E308.*it lacks labels\."),
    ],
)
def test_metrics_file_is_refused_where_it_is_no_such(tmp_path, content, message):
    path = tmp_path / "m.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=message):
        read_metrics(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corpus.fingerprint": "absent"}, r"it lacks corpus\.fingerprint\."),
        (
            {"performance": "absent", "corpus.name": "absent"},
            r"it lacks .*corpus\.name|it lacks .*performance",
        ),
        ({"schemes": {}}, "it lacks .*schemes.strict.* and 1 more"),
        (
            {"predictions.file": "../gold.spacy"},
            "predictions.file is '../gold.spacy', .* name of a file beside",
        ),
        ({"predictions.file": ".."}, "name of a file beside"),
        ({"per_document.correct": "3"}, "per_document.correct is text, not a list"),
        ({"per_document.correct": [1, 0.5]}, "per_document.correct.1 is a number, not a whole number"),
        ({"per_document.correct": [1]}, "per_document.correct has 1 numbers, and the corpus 2 documents"),
        ({"corpus.documents": -1}, "corpus.documents is -1, below 0"),
        ({"schemes.strict.interval": {rate: [1] for rate in ("precision", "recall", "f1")}}, "has 1 items"),
        ({"labels.X.strict.f1": None}, "labels.X.strict.f1 is null, not a number"),
        ({"confusion.matrix": [[1]]}, "confusion.matrix hasn't 3 rows"),
    ],
)
def test_metrics_file_is_refused_where_it_is_damaged(tmp_path, changes, message):
    write_json(tmp_path / "m.json", metrics(changes))
    with pytest.raises(UserError, match=f"E308.*{message}"):
        read_metrics(tmp_path / "m.json")


def test_metrics_file_tells_corpora_apart_by_text_and_entities():
    one = make_doc("Bo left", "B-X O")
    assert corpus_fingerprint([one]) == corpus_fingerprint([make_doc("Bo left", "B-X O")])
    others = [[make_doc("Bo left", "B-Y O")], [make_doc("Al left", "B-X O")], [one, one]]
    assert len({corpus_fingerprint(docs) for docs in [[one], *others]}) == 4
