from importlib.metadata import EntryPoint

import pytest

from spacy_ner_plus.annotation.generate import registered
from spacy_ner_plus.annotation.generate.backend import Backend
from spacy_ner_plus.annotation.generate.presidio.presidio import PRESIDIO
from spacy_ner_plus.annotation.generate.registered import backend_points, get_backend, settings_of
from spacy_ner_plus.errors import UserError


def test_backends_are_what_the_protocol_says():
    for name in backend_points():
        backend = get_backend(name)
        assert isinstance(backend, Backend)
        assert backend.name == name
        settings_of(backend, {})


def test_backends_that_are_not_there_are_named_with_those_that_are():
    with pytest.raises(UserError, match=r"'nothing'.*presidio, templates"):
        get_backend("nothing")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_module:X", "No module"),
        ("json:dumps", "has no name, about"),
        (f"{__name__}:Halfway", "a class"),
    ],
)
def test_backends_of_other_packages_that_cannot_be_used_are_one_message(value, reason, monkeypatch):
    point = EntryPoint("broken", value, registered.GROUP)
    monkeypatch.setattr(registered, "backend_points", lambda: {"broken": point})
    with pytest.raises(UserError, match=reason):
        get_backend.__wrapped__("broken")


class Halfway:
    """Given as a class in place of an object of it."""

    name = about = "halfway"
    settings = make = None


def test_backend_settings_refuse_what_they_do_not_know():
    with pytest.raises(UserError, match=r"'colour' is no setting of the backend 'presidio'. It has: lower"):
        settings_of(PRESIDIO, {"colour": 1})
    with pytest.raises(UserError, match=r"`lower` of the backend is 2. Give 1.0 or less"):
        settings_of(PRESIDIO, {"lower": 2})
