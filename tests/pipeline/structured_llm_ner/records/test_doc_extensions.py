import uuid

import pytest
import spacy

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.pipeline.structured_llm_ner.records.doc_extensions import (
    named_episode,
    note_inference,
    register_extensions,
)


@pytest.fixture
def doc():
    register_extensions()
    return spacy.blank("en").make_doc("Anna")


def test_doc_extensions_take_an_episode_by_its_name(doc):
    assert named_episode(doc) == ""
    id = uuid.uuid4()
    for given, name in (("caf\xe9", "caf\xe9"), (5, "5"), (0, "0"), (id, str(id)), (None, ""), ("", "")):
        doc._.episode = given
        assert named_episode(doc) == name


@pytest.mark.parametrize("given", [("a", 1), b"abc", 1.5, True, "\ud800", {}], ids=repr)
def test_doc_extensions_refuse_an_episode_that_is_no_name(doc, given):
    doc._.episode = given
    with pytest.raises(UserError, match=r"E825.*`doc\._\.episode`") as told:
        named_episode(doc)
    str(told.value).encode("utf8")


def test_doc_extensions_hold_the_inference_of_each_component(doc):
    note_inference(doc, "none", "")
    assert (doc._.inference_id, doc._.inference_ids) == ("", {})
    note_inference(doc, "one", "1")
    note_inference(doc, "none", "")
    assert (doc._.inference_id, doc._.inference_ids) == ("1", {"one": "1"})
    note_inference(doc, "two", "2")
    assert (doc._.inference_id, doc._.inference_ids) == ("2", {"one": "1", "two": "2"})
    # What a component said before, and doesn't say any more, isn't what is on the Doc.
    note_inference(doc, "two", "")
    assert (doc._.inference_id, doc._.inference_ids) == ("1", {"one": "1"})
    note_inference(doc, "one", "")
    assert (doc._.inference_id, doc._.inference_ids) == ("", {})
