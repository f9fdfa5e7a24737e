"""The tests' own Argilla answers as the recorded real one did."""

import json
import os
from typing import Any

import pytest

from tests.servers.argilla_stub import ANSWERS, argilla_stub, ask_all
from tests.servers.real_argilla import real_argilla
from tests.servers.test_label_studio_stub import differences


def compare(answers: dict[str, Any]) -> list[str]:
    with argilla_stub() as (_, url):
        found = ask_all(url)
    assert found.keys() == answers.keys()
    wrong = [
        f"{name}: {found[name]['status']}, and really {answers[name]['status']}"
        for name in answers
        if found[name]["status"] != answers[name]["status"]
    ]
    return wrong + [
        line for name in answers for line in differences(found[name]["json"], answers[name]["json"], name)
    ]


def test_argilla_stub_answers_as_recorded():
    assert compare(json.loads(ANSWERS.read_text(encoding="utf8"))) == []


def test_argilla_stub_answers_as_the_real_one_now():
    python = os.environ.get("ARGILLA_SERVER")
    if not python:
        pytest.skip("name the Python of an environment with argilla-server as ARGILLA_SERVER")
    with real_argilla(python) as url:
        answers = ask_all(url)
    if os.environ.get("ARGILLA_SERVER_KEEP"):
        ANSWERS.write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n", encoding="utf8")
    assert compare(answers) == []
