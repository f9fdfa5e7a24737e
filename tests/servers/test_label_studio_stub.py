"""The tests' own Label Studio answers as the recorded real one did."""

import json
import os
from typing import Any

import pytest

from tests.servers.label_studio_stub import ANSWERS, ask_all, label_studio_stub

# Of a project's users nothing but their names is asked, and of an export nothing.
TEXTS = (str, type(None))


def differences(stub: Any, real: Any, at: str = "") -> list[str]:
    """Say where the stub's value isn't in the shape of the real one's; it may have fewer keys."""
    if isinstance(stub, dict) and isinstance(real, dict):
        # A key that is made of what was sent, such as a label's name, is there in both.
        missing = [f"{at}.{key} isn't answered" for key in stub if key not in real]
        return missing + [
            line for key in stub if key in real for line in differences(stub[key], real[key], f"{at}.{key}")
        ]
    if isinstance(stub, list) and isinstance(real, list):
        # A server that runs has other users and projects, too.
        if len(stub) != len(real) and not at.startswith(("users", "list projects")):
            return [f"{at}: {len(stub)} items, and really {len(real)}"]
        pairs = zip(stub, real, strict=False)
        return [
            line for i, (one, other) in enumerate(pairs) for line in differences(one, other, f"{at}[{i}]")
        ]
    numbers = isinstance(stub, int | float) and isinstance(real, int | float)
    same = type(stub) is type(real) or numbers or (stub is None or real is None)
    return [] if same else [f"{at}: {stub!r}, and really {real!r}"]


def compare(answers: dict[str, Any]) -> list[str]:
    with label_studio_stub() as (_, url):
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


def test_label_studio_stub_answers_as_recorded():
    assert compare(json.loads(ANSWERS.read_text(encoding="utf8"))) == []


@pytest.mark.label_studio
def test_label_studio_stub_answers_as_the_real_one_now(label_studio_running):
    answers = ask_all(str(label_studio_running.http.base_url))
    if os.environ.get("LABEL_STUDIO_KEEP"):
        ANSWERS.write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n", encoding="utf8")
    assert compare(answers) == []
