"""`uima-cas`: documents of UIMA, as INCEpTION, WebAnno, DKPro, cTAKES and dkpro-cassis write them.

    XMI    <type:NamedEntity xmi:id="2" sofa="1" begin="0" end="10" value="PER"/>
           <cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" sofaString="Rosa Quint moved to Lund."/>
           <cas:View sofa="1" members="2"/>

    JSON   {"%TYPES": {...}, "%FEATURE_STRUCTURES": [{"%ID": 2, "%TYPE": "...NamedEntity", "@sofa": 1, "begin": 0,
           "end": 10, "value": "PER"}, ...], "%VIEWS": {"_InitialView": {"%SOFA": 1, "%MEMBERS": [2]}}}

JSON CAS 0.4 holds its type system. That of an XMI file is `TypeSystem.xml` beside it, or the file named by
`type_system`; without one, types are known by their names alone. INCEpTION exports a document as a .zip of both:
unpack it.

Entities are DKPro's NamedEntity and types derived from it, with the feature `value`; or else the only other type
that has a feature of strings; or the one named by `layer` and `feature`. Token and Sentence give tokens and
sentences; other annotation is counted, and with `other_layers` missing, tokens under spans of other layers are missing,
too: people may have marked entities there. Offsets count UTF-16 units. Each view with a text is a record.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Literal, NamedTuple

from spacy_ner_plus.data.formats.format import (
    CERTAIN,
    IDS,
    META,
    NESTED,
    SCORES,
    SENTENCES,
    SPACES,
    TOKENS,
    Reading,
    Sniff,
)
from spacy_ner_plus.data.formats.uima_cas.cas import ANNOTATION, Cas, Sofa, Structure, Types, short
from spacy_ner_plus.data.formats.uima_cas.json_cas import cases_of_json
from spacy_ner_plus.data.formats.uima_cas.xmi import read_types, read_xmi
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.offset_units import AS_GIVEN
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.texts import TextOptions, texts_to_records
from spacy_ner_plus.data.records.words import words_between
from spacy_ner_plus.data.sources.project_names import names_in_project
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

DKPRO = "de.tudarmstadt.ukp.dkpro.core.api."
ENTITIES = f"{DKPRO}ner.type."
NAMED_ENTITY, VALUE = f"{ENTITIES}NamedEntity", "value"
# Packages whose types say something about words, texts or a tool's own work, and nothing of entities.
OTHER_PACKAGES = (
    DKPRO,
    "uima.",
    "de.tudarmstadt.ukp.clarin.webanno.api.type.",
    "org.dkpro.core.api.xml.type.",
)
ABOUT_TEXTS = frozenset(
    {"DocumentMetaData", "DocumentAnnotation", "CASMetadata", "TagsetDescription", "TagDescription"}
)
# Features of relations and chains, whose annotation is about others.
LINKS = frozenset({"Governor", "Dependent", "first", "next"})
TOKEN, SENTENCE = "Token", "Sentence"
SCORES_OF = ("score", "confidence")
SHAPES = "annotations of the type NamedEntity with a `value`"
XMI_HEAD = re.compile(r"http:///uima/cas\.ecore")
JSON_HEAD = re.compile(r'\s*\[?\s*\{\s*"(%TYPES|%FEATURE_STRUCTURES|%VIEWS|_context)"\s*:\s*[\[{]')
TYPE_SYSTEM = "typesystem.xml"


@settings
class UimaOptions(TextOptions):
    """How UIMA's files are read."""

    layer: str = setting(
        "The type of the entities: its name or what follows its last dot; '' finds NamedEntity, or the only one.",
        "",
    )
    feature: str = setting("The type's feature that has the labels; '' finds `value` or the only one.", "")
    type_system: str = setting(
        "The file with the types of an .xmi file; '' finds TypeSystem.xml beside it.", ""
    )
    other_layers: Literal["outside", "missing"] = setting(
        "What tokens under spans of other layers are: outside, or missing, as people may have marked entities there; "
        "tokens, sentences, parts of speech and the like are no such spans.",
        "outside",
    )


class _Chosen(NamedTuple):
    """Which annotation is taken for entities.

    type (str): Its type; others are derived from it.
    feature (str): That has the labels; '' where the type is the label.
    by_name (bool): Whether it was found by its name, or named.
    """

    type: str
    feature: str
    by_name: bool


class UimaCas:
    """The format, as `formats/format.py` says."""

    name = "uima-cas"
    about = "UIMA CAS in XMI or JSON 0.4, such as INCEpTION's exports"
    endings = (".xmi", ".json")
    options = UimaOptions
    keeps = frozenset({TOKENS, SENTENCES, SPACES, NESTED, IDS, META, SCORES})
    writes = False
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        if source.is_json:
            # The type system, which comes first, may be larger than the head.
            found = JSON_HEAD.match(source.head)
            return None if found is None else Sniff(CERTAIN, f"`{found[1]}`")
        if source.head.lstrip()[:1] == "<" and XMI_HEAD.search(source.head):
            return Sniff(CERTAIN, "XMI of a UIMA CAS")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        options = reading.options
        return texts_to_records(
            lambda issues, notes: _marked_texts(source, options, issues, notes),
            reading.nlp,
            # Offsets are turned into code points here.
            replace(options, offsets=AS_GIVEN),
            issues=reading.issues,
            notes=reading.notes,
            where=source.name,
            shapes=SHAPES,
        )


UIMA_CAS = UimaCas()


def _marked_texts(
    source: Source, options: UimaOptions, issues: IssueLog, notes: list[str]
) -> Iterator[MarkedText]:
    if source.is_json:
        cases = cases_of_json(source)
    else:
        types = _types(source, options, notes)
        cases = iter([(source.name, read_xmi(source.path, source.name, types, issues))])
    for place, cas in cases:
        _check_types(cas, place)
        chosen = _choose(cas, options, place)
        if chosen is not None and not chosen.by_name:
            notes.append(f"{place}: entities are the type {chosen.type}, feature {chosen.feature or 'none'}")
        texts = [sofa for sofa in cas.sofas if sofa.text is not None]
        for sofa in cas.sofas:
            if sofa.text is None:
                issues.add("view without a text", sofa.name, place)
        lost = _without_place(cas, texts, chosen)
        others = _other_layers(cas, chosen) if options.other_layers == "missing" else frozenset()
        known = {one.id for one in cas.structures}
        for sofa in texts:
            where = place if len(texts) == 1 else f"{place}:{sofa.name}"
            marked = _of_text(cas, sofa, chosen, others, where, source, options, issues)
            for name in sorted(cas.members.get(sofa.id, set()) - known - {sofa.id}):
                issues.add("number of a view that nothing has", name, where)
                marked.unread.append(f"structure {name}")
            for one in lost:
                issues.add(
                    "annotation without a place in a text", f"{one.short_type} {one.features}"[:80], where
                )
                marked.unread.append(f"{one.short_type} {one.features}"[:80])
            yield marked


def _check_types(cas: Cas, where: str) -> None:
    """RAISES (UserError): A type that the type system doesn't have: it may be that of another file."""
    if not cas.types.supertypes:
        return
    for one in cas.structures:
        if one.type.removesuffix("[]") not in cas.types.supertypes and not one.type.startswith("uima."):
            raise UserError(
                Errors.E615.format(where=where, reason=f"its type system doesn't have the type {one.type}")
            )


def _without_place(cas: Cas, texts: Sequence[Sofa], chosen: _Chosen | None) -> list[Structure]:
    """RETURNS (list[Structure]): Annotation of the entities' type that lies in no text."""
    if chosen is None:
        return []
    ids = {sofa.id for sofa in texts}
    return [
        one
        for one in cas.structures
        if _is_of(one.type, chosen.type, cas.types) and not (one.is_annotation and one.sofa in ids)
    ]


def _types(source: Source, options: UimaOptions, notes: list[str]) -> Types:
    """Find the type system of an .xmi file; an empty one where there is none."""
    if options.type_system:
        return read_types(Path(options.type_system))
    if source.name != "stdin":
        for path in sorted(source.path.absolute().parent.iterdir()):
            if path.name.lower() == TYPE_SYSTEM:
                return read_types(path)
    notes.append(f"{source.name}: there is no TypeSystem.xml beside it; types are known by their names alone")
    return Types()


def _choose(cas: Cas, options: UimaOptions, where: str) -> _Chosen | None:
    """Find the type of the entities.

    RETURNS (_Chosen | None): None where the CAS has nothing that could be of entities.
    RAISES (UserError): Where several types could be, or the one that is named isn't there.
    """
    used = Counter(one.type for one in cas.structures if one.is_annotation)
    if options.layer:
        known = {*used, *cas.types.supertypes}
        named = sorted(type for type in known if options.layer in (type, short(type)))
        if not named and not cas.types.supertypes:
            # Whether a document without such annotation has been annotated can't be known.
            return None
        if not named:
            found = ", ".join(sorted(used)) or "none"
            raise UserError(
                Errors.E611.format(where=where, setting="layer", value=options.layer, found=found)
            )
        if len(named) > 1:
            raise UserError(Errors.E612.format(where=where, found=", ".join(named)))
        return _Chosen(named[0], _feature(cas, named[0], options, where), True)
    if any(_is_of(type, NAMED_ENTITY, cas.types) for type in used):
        return _Chosen(NAMED_ENTITY, options.feature or VALUE, True)
    others = [type for type in sorted(used) if short(type) == short(NAMED_ENTITY)]
    if len(others) == 1:
        return _Chosen(others[0], _feature(cas, others[0], options, where), True)
    others = [type for type in sorted(used) if _may_be_entities(type, cas)]
    if len(others) > 1:
        shown = ", ".join(f"{type}|{'|'.join(_string_features(cas, type))}".rstrip("|") for type in others)
        raise UserError(Errors.E612.format(where=where, found=shown))
    if others:
        return _Chosen(others[0], _feature(cas, others[0], options, where), False)
    # A type that is there and isn't used: a document without entities.
    return _Chosen(NAMED_ENTITY, VALUE, True) if NAMED_ENTITY in cas.types.supertypes else None


def _is_of(type: str, ancestor: str, types: Types) -> bool:
    """Whether a type is derived from another, or is it."""
    if ancestor == NAMED_ENTITY and type.startswith(ENTITIES):
        return True
    return ancestor in types.line(type)


def _may_be_entities(type: str, cas: Cas) -> bool:
    return _is_layer(type, cas) and bool(_string_features(cas, type))


def _is_layer(type: str, cas: Cas) -> bool:
    """Whether a type may be of spans that people mark."""
    if short(type) in (TOKEN, SENTENCE, *ABOUT_TEXTS) or type.startswith(OTHER_PACKAGES):
        return False
    names = {name for one in cas.structures if one.type == type for name in one.features}
    names |= {name for one in cas.types.line(type) for name in cas.types.ranges.get(one, ())}
    return not names & LINKS


def _other_layers(cas: Cas, chosen: _Chosen | None) -> frozenset[str]:
    """RETURNS (frozenset[str]): Types of spans, entities among them, that aren't those that are read."""
    if chosen is None:
        return frozenset()
    used = {
        one.type
        for one in cas.structures
        if one.is_annotation and not _is_of(one.type, chosen.type, cas.types)
    }
    return frozenset(type for type in used if _is_of(type, NAMED_ENTITY, cas.types) or _is_layer(type, cas))


def _string_features(cas: Cas, type: str) -> list[str]:
    """RETURNS (list[str]): The features of a type that hold strings, in the order of their declaration or use."""
    declared = cas.types.string_features(type)
    if declared is not None:
        return declared
    values: dict[str, list[str]] = {}
    for one in cas.structures:
        if one.type == type:
            for name, value in one.features.items():
                values.setdefault(name, []).append(value)
    # Without a type system, numbers and references look like strings of digits.
    return [
        name
        for name, found in values.items()
        if any(isinstance(value, str) and not re.fullmatch(r"[0-9. -]*|true|false", value) for value in found)
    ]


def _feature(cas: Cas, type: str, options: UimaOptions, where: str) -> str:
    features = _string_features(cas, type)
    if options.feature:
        if features and options.feature not in features:
            raise UserError(
                Errors.E611.format(
                    where=where, setting="feature", value=options.feature, found=", ".join(features)
                )
            )
        return options.feature
    if VALUE in features:
        return VALUE
    if len(features) > 1:
        found = ", ".join(f"{type}|{feature}" for feature in features)
        raise UserError(Errors.E612.format(where=where, found=found))
    return features[0] if features else ""


def _of_text(
    cas: Cas,
    sofa: Sofa,
    chosen: _Chosen | None,
    others: Collection[str],
    where: str,
    source: Source,
    options: UimaOptions,
    issues: IssueLog,
) -> MarkedText:
    marked = MarkedText(sofa.text or "", where, spans=None if chosen is None else [])
    marked.id, marked.annotator = names_in_project(source)
    places = _places(marked.text, options.offsets)
    shown = cas.members.get(sofa.id, set())
    tokens, starts = [], []
    for one in cas.annotations(sofa):
        start, end = places.get(one.begin), places.get(one.end)
        if chosen is not None and _is_of(one.type, chosen.type, cas.types):
            _add_span(one, start, end, chosen, marked, issues, is_shown=one.id in shown)
        elif start is None or end is None:
            issues.add(
                "annotation with offsets that aren't in the text", f"{one.short_type} {one.begin}", where
            )
        elif one.type in others:
            kind = f"mark of another layer, not read: its tokens are missing: {one.short_type}"
            issues.add(kind, marked.text[start:end][:60], where)
            marked.lost.append((start, end))
        elif one.short_type == TOKEN:
            tokens.append((start, end))
        elif one.short_type == SENTENCE:
            starts.append(start)
        elif one.short_type in ABOUT_TEXTS:
            _add_meta(one, marked)
        elif one.type != ANNOTATION or one.features:
            issues.add(f"annotation that isn't kept: {one.short_type}", marked.text[start:end][:60], where)
    marked.sentence_starts = sorted(starts)
    _add_words(sorted(set(tokens)), marked, issues)
    return marked


def _places(text: str, units: str) -> dict[int | None, int]:
    """RETURNS (dict[int | None, int]): Characters by the file's offsets."""
    widths = (1 if units == AS_GIVEN or ord(char) < 0x10000 else 2 for char in text)
    return {offset: i for i, offset in enumerate(accumulate(widths, initial=0))}


def _add_span(
    one: Structure,
    start: int | None,
    end: int | None,
    chosen: _Chosen,
    marked: MarkedText,
    issues: IssueLog,
    *,
    is_shown: bool,
) -> None:
    if start is None or end is None:
        example = f"{one.short_type} [{one.begin}:{one.end}]"
        issues.add("span with offsets that aren't in the text", example, marked.where)
        marked.unread.append(example)
        return
    label = one.features.get(chosen.feature) if chosen.feature else None
    if label is None and (not chosen.feature or one.type not in (chosen.type, NAMED_ENTITY)):
        # Without a feature, or as of DKPro's Person and Location, the type says it.
        label = one.short_type
    if not is_shown or not isinstance(label, str) or not label.strip():
        kind = "annotation without a value" if is_shown else "annotation that no view shows"
        issues.add(kind, f"{one.short_type} {marked.text[start:end]!r}", marked.where)
        marked.lost.append((start, end))
        return
    score = next((_as_score(one.features[key]) for key in SCORES_OF if key in one.features), None)
    marked.spans.append(MarkedSpan(start, end, label.strip(), score=score))
    for key, value in one.features.items():
        if (
            key != chosen.feature
            and value not in (None, "", [])
            and not (key in SCORES_OF and score is not None)
        ):
            issues.add(f"key of spans that isn't kept: {key}", str(value)[:60], marked.where)


def _as_score(value: object) -> float | None:
    try:
        score = float(str(value))
    except ValueError:
        return None
    return score if 0 <= score <= 1 else None


def _add_meta(one: Structure, marked: MarkedText) -> None:
    """Keep what is said of the whole document."""
    marked.meta.update({key: value for key, value in one.features.items() if value not in (None, "")})
    title, annotator = one.features.get("documentTitle"), one.features.get("username")
    if isinstance(title, str) and title.strip():
        marked.id = title.strip()
    if isinstance(annotator, str):
        marked.annotator = marked.annotator or annotator


def _add_words(tokens: Sequence[tuple[int, int]], marked: MarkedText, issues: IssueLog) -> None:
    if not tokens:
        return
    cut = words_between(marked.text, tokens)
    if cut is None:
        issues.add("tokens that do not make up the text", marked.text[:60], marked.where)
    else:
        marked.words, marked.spaces = cut
