"""UIMA's JSON CAS, version 0.4, which holds its type system."""

from collections.abc import Iterator
from typing import Any

from spacy_ner_plus.data.formats.uima_cas.cas import Cas, Sofa, Structure, as_offset
from spacy_ner_plus.data.sources.json_records import json_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError

TYPES, STRUCTURES, VIEWS = "%TYPES", "%FEATURE_STRUCTURES", "%VIEWS"
# The JSON of UIMA 2 and 3.0, whose features have no types.
OLD_KEYS = ("_context", "_views")
SOFA_TYPE = "uima.cas.Sofa"


def cases_of_json(source: Source) -> Iterator[tuple[str, Cas]]:
    """Read each CAS of a file.

    YIELDS (tuple[str, Cas]): Its place, and the CAS.
    RAISES (UserError): What isn't one.
    """
    for number, value in json_records(source.lines, source.name):
        place = f"{source.name}:{number}"
        if isinstance(value, dict) and any(key in value for key in OLD_KEYS):
            raise UserError(Errors.E616.format(where=place))
        if not isinstance(value, dict) or not isinstance(value.get(VIEWS), dict):
            raise UserError(Errors.E615.format(where=place, reason=f"it has no `{VIEWS}`"))
        yield place, _cas(value, place)


def _cas(value: dict[str, Any], place: str) -> Cas:
    cas = Cas()
    for name, declared in _items(value.get(TYPES), TYPES, place):
        cas.types.supertypes[name] = str(declared.get("%SUPER_TYPE") or "")
        cas.types.ranges[name] = {
            feature: str(about.get("%RANGE"))
            for feature, about in declared.items()
            if isinstance(about, dict)
        }
    structures = value.get(STRUCTURES)
    if isinstance(structures, list):
        structures = {str(one.get("%ID")) if isinstance(one, dict) else "": one for one in structures}
        if len(structures) < len(value[STRUCTURES]):
            raise UserError(Errors.E615.format(where=place, reason="two structures have the same `%ID`"))
    for name, one in _items(structures, STRUCTURES, place):
        if one.get("%TYPE") == SOFA_TYPE:
            text = one.get("sofaString")
            cas.sofas.append(Sofa(name, str(one.get("sofaID")), text if isinstance(text, str) else None))
            continue
        features = {key.lstrip("#"): part for key, part in one.items() if key[:1] not in "%@^"}
        begin, end = as_offset(features.pop("begin", None)), as_offset(features.pop("end", None))
        sofa = str(one["@sofa"]) if "@sofa" in one else ""
        cas.structures.append(Structure(name, str(one.get("%TYPE")), features, sofa, begin, end))
    if not cas.sofas:
        raise UserError(Errors.E615.format(where=place, reason=f"it has no {SOFA_TYPE} in `{STRUCTURES}`"))
    for _, view in _items(value[VIEWS], VIEWS, place):
        members = view.get("%MEMBERS")
        shown = {str(member) for member in members} if isinstance(members, list) else set()
        cas.members.setdefault(str(view.get("%SOFA")), set()).update(shown)
    return cas


def _items(value: Any, key: str, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if value is None:
        return
    if not isinstance(value, dict) or not all(isinstance(part, dict) for part in value.values()):
        raise UserError(Errors.E615.format(where=place, reason=f"`{key}` doesn't hold objects"))
    yield from value.items()
