"""UIMA's CAS in XMI, and its type system in XML.

The files are others' and may be made to harm: no document type is read, so no entity of it, from within the file or
from elsewhere, is ever put in.
"""

import re
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from spacy_ner_plus.data.formats.uima_cas.cas import Cas, Sofa, Structure, Types, as_offset
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

XMI, CAS, NO_NAMESPACE = "{http://www.omg.org/XMI}", "{http:///uima/cas.ecore}", "uima.noNamespace."
TYPE_TAG = re.compile(r"\{http:///(.*)\.ecore\}(.*)$", re.DOTALL)
# XML 1.1 has characters that 1.0, which is read here, has not.
VERSION = re.compile(rb"""^(\xef\xbb\xbf)?(<\?xml\s+version\s*=\s*)(["'])1\.1\3""")
CHARACTER = re.compile(rb"&#(x[0-9a-fA-F]{1,2}|[0-9]{1,2});")
WHITE = (9, 10, 13)


def read_xmi(path: Path, name: str, types: Types, issues: IssueLog) -> Cas:
    """Read a CAS.

    name (str): The file's name, for messages.
    types (Types): Its type system, empty where none is known.
    issues (IssueLog): Where characters that XML 1.0 can't hold are counted.
    RAISES (UserError): What isn't one.
    """
    cas = Cas(types=types)
    _parse(_content(path, name, issues), _Elements(cas, name), name)
    if not cas.sofas:
        raise UserError(Errors.E615.format(where=name, reason="it has no cas:Sofa"))
    return cas


def read_types(path: Path) -> Types:
    """Read a type system.

    RAISES (UserError): A file that is none.
    """
    root = _parse(_content(path, str(path), IssueLog()), _Tree(str(path)), str(path))
    types = Types()
    for declared in root.iter():
        if _local(declared) != "typeDescription":
            continue
        name = _text(declared, "name")
        types.supertypes[name] = _text(declared, "supertypeName")
        types.ranges[name] = {
            _text(feature, "name"): _text(feature, "rangeTypeName")
            for feature in declared.iter()
            if _local(feature) == "featureDescription"
        }
    if not types.supertypes:
        raise UserError(Errors.E615.format(where=path, reason="it declares no types"))
    return types


def _content(path: Path, name: str, issues: IssueLog) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(Errors.E101.format(path=name, reason=error.strerror or error)) from error
    if VERSION.match(content):
        content = VERSION.sub(rb"\1\g<2>\g<3>1.0\3", content, count=1)
        content = CHARACTER.sub(lambda found: _allowed(found, name, issues), content)
    return content


def _allowed(found: re.Match[bytes], name: str, issues: IssueLog) -> bytes:
    code = int(found[1][1:], 16) if found[1].startswith(b"x") else int(found[1])
    if code >= 32 or code in WHITE:
        return found[0]
    issues.add("control character replaced", f"U+{code:04X}", name)
    return b"&#xFFFD;"


def _parse(content: bytes, target: Any, name: str) -> Any:
    """RETURNS (Any): What the target makes of the elements."""
    parser = XMLParser(target=target)
    try:
        parser.feed(content)
        return parser.close()
    except (ParseError, ValueError, LookupError) as error:
        raise UserError(Errors.E615.format(where=name, reason=error)) from error


def _refuse_document_type(name: str) -> None:
    raise UserError(
        Errors.E615.format(where=name, reason="it has a document type (<!DOCTYPE), which may hold anything")
    )


class _Tree(TreeBuilder):
    def __init__(self, name: str):
        super().__init__()
        self.name = name

    def doctype(self, *_: str | None) -> None:
        _refuse_document_type(self.name)


class _Elements:
    """Takes the elements of an XMI file, one after the other, into a CAS."""

    def __init__(self, cas: Cas, name: str):
        self.cas = cas
        self.name = name
        self.depth = 0
        # Features of more than one value are elements, within that of their structure.
        self.parts: dict[str, list[str]] = {}
        self.part: list[str] = []

    def doctype(self, *_: str | None) -> None:
        _refuse_document_type(self.name)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth == 1 and tag != f"{XMI}XMI":
            raise UserError(Errors.E615.format(where=self.name, reason=f"it begins with {tag}"))
        if self.depth == 2:
            self.attributes, self.parts = attributes, {}
        self.part = []

    def data(self, text: str) -> None:
        self.part.append(text)
        if self.depth < 3 and text.strip():
            raise UserError(
                Errors.E615.format(where=self.name, reason=f"it has text between elements: {text[:40]!r}")
            )

    def end(self, tag: str) -> None:
        if self.depth == 3:
            self.parts.setdefault(tag, []).append("".join(self.part))
        elif self.depth == 2:
            self._add(tag, self.attributes)
        self.depth -= 1

    def close(self) -> None:
        pass

    def _add(self, tag: str, attributes: dict[str, str]) -> None:
        id = attributes.pop(f"{XMI}id", "")
        if tag == f"{CAS}Sofa":
            name = attributes.get("sofaID", "")
            self.cas.sofas.append(Sofa(id, name, attributes.get("sofaString")))
        elif tag == f"{CAS}View":
            members = self.cas.members.setdefault(attributes.get("sofa", ""), set())
            members.update(attributes.get("members", "").split())
        elif tag != f"{CAS}NULL":
            found = TYPE_TAG.match(tag)
            if found is None:
                raise UserError(Errors.E615.format(where=self.name, reason=f"{tag} is no type of UIMA"))
            type = f"{found[1].replace('/', '.')}.{found[2]}".removeprefix(NO_NAMESPACE)
            features: dict[str, Any] = {**attributes, **self.parts}
            begin, end = as_offset(features.pop("begin", None)), as_offset(features.pop("end", None))
            self.cas.structures.append(Structure(id, type, features, features.pop("sofa", ""), begin, end))


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: Element, name: str) -> str:
    return next(((child.text or "").strip() for child in element if _local(child) == name), "")
