from xml.etree import ElementTree

from spacy_ner_plus.annotation.review.label_studio.interface import controls, guidelines, labelling_interface
from spacy_ner_plus.labels import LabelSet
from tests.servers.label_studio_stub import parse

LABELS = LabelSet(("PER", 'A & "B"'), {"PER": 'People, "so called" <i>, & others'}, {"PER": ["Ann <b>"]})


def test_interface_has_colours_keys_and_definitions():
    labels = ElementTree.fromstring(labelling_interface(LABELS)).findall(".//Label")
    assert [label.get("value") for label in labels] == list(LABELS.names)
    assert labels[0].get("hint") == LABELS.definitions["PER"]
    assert [label.get("hotkey") for label in labels] == ["p", "a"]
    assert all(label.get("background", "").startswith("#") for label in labels)
    assert "hint" not in labels[1].attrib


def test_interface_guidelines_are_escaped():
    text = guidelines(LABELS)
    assert (
        "<li><b>PER</b>: People, &quot;so called&quot; &lt;i&gt;, &amp; others Such as: Ann &lt;b&gt;.</li>"
        in text
    )
    assert guidelines(LabelSet(("PER",))) == ""


def test_interface_controls_are_labels_on_one_text():
    found = controls({"parsed_label_config": parse(labelling_interface(LABELS))})
    assert found["label"]["labels"] == list(LABELS.names)
    choices = (
        '<View><Choices name="c" toName="t"><Choice value="x"/></Choices><Text name="t" value="$t"/></View>'
    )
    assert controls({"parsed_label_config": parse(choices)}) == {}
    assert controls({}) == {}
