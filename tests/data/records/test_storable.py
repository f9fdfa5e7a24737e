import json

import pytest
import srsly

from spacy_ner_plus.data.records.storable import storable
from spacy_ner_plus.issues import IssueLog


@pytest.mark.parametrize(
    ("value", "stored", "kind"),
    [
        ('{"a": "\\ud83d", "\\udc00": [1]}', {"a": "\ufffd", "\ufffd": [1]}, "lone surrogate"),
        (
            f'{{"a": [{2**64}, {-(2**63)}]}}',
            {"a": [str(2**64), -(2**63)]},
            "integer of more than 64 bits, kept as text",
        ),
        ('{"a": {"b": [null, true, 1.5, "c"]}}', {"a": {"b": [None, True, 1.5, "c"]}}, None),
    ],
)
def test_storable_mends_what_msgpack_cannot_hold(value, stored, kind):
    issues = IssueLog()
    mended = storable(json.loads(value), issues, "f:1")
    assert srsly.msgpack_loads(srsly.msgpack_dumps(mended)) == stored
    assert set(issues.kinds) == ({kind} if kind else set())


def test_storable_keeps_what_lies_too_deep_as_text():
    value = deep = {}
    for _ in range(200):
        deep["a"] = {}
        deep = deep["a"]
    issues = IssueLog()
    srsly.msgpack_dumps(storable(value, issues, "f:1"))
    assert issues["value kept as text"] == 1
