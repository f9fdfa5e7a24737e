"""What a pipeline requires beyond this package's core, kept in its meta, where `spacy package` finds it."""

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from spacy.language import Language
from spacy.util import get_minor_version_range

from spacy_ner_plus.about import __version__

_PACKAGE = "spacy-ner-plus"


def require_extras(nlp: Language, *extras: str) -> None:
    """Add extras to the requirement of this package in a pipeline's meta, which `spacy package` writes into the wheel.

    What is there already is kept, with its versions; without one, the requirement gets the range of versions that
    `spacy package` itself gives it.

    nlp (Language): The pipeline.
    extras (str): Names of extras, as in setup.cfg.
    """
    given = list(nlp.meta.get("requirements", ()))
    for i, text in enumerate(given):
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            # The user's own, about which spaCy will complain.
            continue
        if canonicalize_name(requirement.name) == _PACKAGE:
            if not requirement.extras >= set(extras):
                requirement.extras |= set(extras)
                given[i] = str(requirement)
            break
    else:
        names = ",".join(sorted(extras))
        given.append(f"{_PACKAGE}[{names}]{get_minor_version_range(__version__)}")
    nlp.meta["requirements"] = given
