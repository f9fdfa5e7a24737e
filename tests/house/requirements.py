"""What setup.cfg requires, by extra."""

from configparser import ConfigParser

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT


def read_requirements() -> dict[str, set[str]]:
    """RETURNS (dict[str, set[str]]): Names of distributions by extra, those of extras inside it among them; the
    core's under ''."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf8")
    given = {
        "": setup["options"]["install_requires"],
        **setup["options.extras_require"],
    }
    lines = {
        extra: [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        for extra, text in given.items()
    }

    def names(extra: str) -> set[str]:
        found = set()
        for requirement in map(Requirement, lines[extra]):
            if requirement.name == "spacy-ner-plus":
                found |= set().union(*map(names, requirement.extras))
            else:
                found.add(canonicalize_name(requirement.name))
        return found

    return {extra: names(extra) for extra in lines}


REQUIREMENTS = read_requirements()
