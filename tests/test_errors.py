import re

import pytest

from spacy_ner_plus.errors import Errors
from tests.conftest import ROOT

SOURCES = {
    path: path.read_text(encoding="utf8")
    for path in (ROOT / "spacy_ner_plus").rglob("*.py")
    if path.name != "errors.py"
}
CODES = sorted(name for name in vars(Errors) if re.fullmatch(r"E\d+", name))


@pytest.mark.parametrize("code", CODES)
def test_errors_each_text_is_used(code):
    assert any(re.search(rf"Errors\.{code}\b", source) for source in SOURCES.values())


def test_errors_each_used_code_exists():
    used = {code for source in SOURCES.values() for code in re.findall(r"Errors\.(E\d+)", source)}
    assert used <= set(CODES)


def test_errors_codes_are_defined_once():
    text = (ROOT / "spacy_ner_plus" / "errors.py").read_text(encoding="utf8")
    defined = re.findall(r"^    ([EW]\d+) = ", text, flags=re.M)
    assert len(defined) == len(set(defined))


def test_errors_carry_their_code():
    assert Errors.E101.startswith("[E101] ")
