import random
import sys

import pytest
import spacy

from spacy_ner_plus.annotation.generate.backend import Asked
from spacy_ner_plus.annotation.generate.presidio.presidio import PRESIDIO
from spacy_ner_plus.annotation.generate.presidio.slots import LABELS
from spacy_ner_plus.annotation.generate.records import RecordCheck, labels_of
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.progress import no_progress


def make(sizes, **settings):
    check = RecordCheck(spacy.blank("en"), LABELS.names)
    made = PRESIDIO.make(Asked(sizes, seed=1), PRESIDIO.settings(**settings), check, no_progress)
    return made.parts, check


@pytest.fixture(scope="module")
def parts():
    pytest.importorskip(
        "presidio_evaluator", reason="no presidio-evaluator: pip install 'spacy-ner-plus[presidio]'"
    )
    return make({"train": 300, "dev": 60, "test": 60})[0]


# Importing the package takes seconds.
@pytest.mark.slow
def test_presidio_has_no_template_in_two_parts(parts):
    used = [{record.origin for record in parts[part]} for part in parts]
    assert [len(records) for records in parts.values()] == [300, 60, 60]
    assert used[0] & used[1] == used[0] & used[2] == used[1] & used[2] == set()
    assert {*labels_of(parts["train"])} == {*LABELS.names}


@pytest.mark.slow
def test_presidio_is_decided_by_its_seed_and_leaves_other_random_numbers_alone(parts):
    random.seed(5)
    expected = random.random()
    random.seed(5)
    again, check = make({"train": 300, "dev": 60, "test": 60})
    assert again == parts
    assert random.random() == expected
    texts = [record.text for records in parts.values() for record in records]
    assert len({text.lower() for text in texts}) == len(texts)
    assert not [text for text in texts if "{" in text or "nan" in text.split() or "None" in text.split()]
    # What is known of its templates and values is refused, and told.
    assert any("nothing fills" in kind for kind, _ in check.refused)
    assert check.offered == len(check.refused) + len(texts)


@pytest.mark.slow
def test_presidio_writes_in_lower_case_as_often_as_asked(parts):
    lowered = make({"train": 60}, lower=1.0)[0]["train"]
    assert all(record.text == record.text.lower() for record in lowered)


def test_presidio_names_its_extra_and_its_language(monkeypatch):
    monkeypatch.setitem(sys.modules, "presidio_evaluator", None)
    monkeypatch.setitem(sys.modules, "presidio_evaluator.data_generator", None)
    with pytest.raises(UserError, match=r"\[presidio\]"):
        make({"train": 1})
    with pytest.raises(UserError, match=r"'de'; there are for: en"):
        PRESIDIO.make(
            Asked({"train": 1}, lang="de"), PRESIDIO.settings(), RecordCheck(spacy.blank("de")), no_progress
        )
