from dataclasses import FrozenInstanceError
from typing import Any, Literal

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.settings import check_settings, setting, settings

WRONG = "{setting} is {value}: {remedy}"


@settings
class Limits:
    """Bounds."""

    name: str = setting("Of whom.")
    count: int = setting("How many.", 1, at_least=1)
    share: float | None = setting("How much.", None, above=0, at_most=1)
    order: Literal["up", "down"] = setting("Which way.", "up")
    part: float = setting("A part.", 0.5, at_most=1, message="{value} is no part")
    rest: Any = setting("Anything.", None)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"name": 1}, "name is 1: a string"),
        ({"count": 0}, "count is 0: 1 or more"),
        ({"count": 1.0}, "count is 1.0: a whole number"),
        ({"count": True}, "count is True: a whole number"),
        ({"share": 0}, "share is 0: a number above 0"),
        ({"share": 2}, "share is 2: 1 or less"),
        ({"share": float("nan")}, "share is nan: a number above 0"),
        ({"order": "left"}, "order is 'left': one of: up, down"),
        ({"part": 2}, "2 is no part"),
        ({"part": "half"}, "'half' is no part"),
    ],
)
def test_settings_refuses_what_does_not_fit(given, told):
    with pytest.raises(UserError) as raised:
        check_settings(Limits(**{"name": "m", **given}), WRONG)
    assert str(raised.value) == told


def test_settings_takes_what_fits():
    check_settings(Limits(name="m", count=3, share=1, order="down", rest=object()), WRONG)


def test_settings_are_frozen():
    with pytest.raises(FrozenInstanceError):
        Limits(name="m").count = 2


def test_settings_stand_in_the_docstring():
    assert Limits.__doc__.startswith("Bounds.\n\n    name (str): Of whom.\n")
    assert "    share (float | None): How much. Default: None.\n" in Limits.__doc__
