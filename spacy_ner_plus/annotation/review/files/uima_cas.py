"""`uima-cas`: a folder of UIMA CAS XMI files, as INCEpTION imports them, and what it exports.

    <cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" sofaString="Ann left"/>
    <ner:NamedEntity xmi:id="3" sofa="1" begin="0" end="3" value="PER"/>

A file a text, numbered in the order in which they should be looked at, and their type system. Offsets count UTF-16
units. Tokens and sentences are left to the tool.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import quoteattr

from spacy_ner_plus.annotation.review.files.file_project import FileOptions, FileProject
from spacy_ner_plus.annotation.review.tasks import Task
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.settings import setting, settings

DKPRO = "de.tudarmstadt.ukp.dkpro.core.api."
# What XML 1.0 has no place for.
NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
LONGEST = 60
# A tool that reads the file and writes it again leaves this out.
AS_WRITTEN = "<!-- as sent, before anyone annotated it -->"
# What INCEpTION exports for a document that nobody has opened.
NOBODY = "INITIAL_CAS"
UNTOUCHED = "file of a document that nobody has opened, left out"
NOT_EXPORTED = "file as it was written to import, left out"
XMI = f"""<?xml version="1.0" encoding="UTF-8"?>
<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore" \
xmlns:ner="http:///de/tudarmstadt/ukp/dkpro/core/api/ner/type.ecore" \
xmlns:metadata="http:///de/tudarmstadt/ukp/dkpro/core/api/metadata/type.ecore" xmi:version="2.0">
<cas:NULL xmi:id="0"/>
{AS_WRITTEN}
{{rows}}
</xmi:XMI>
"""
TYPES = f"""<?xml version="1.0" encoding="UTF-8"?>
<typeSystemDescription xmlns="http://uima.apache.org/resourceSpecifier"><types>
<typeDescription><name>{DKPRO}metadata.type.DocumentMetaData</name><description/>
<supertypeName>uima.tcas.DocumentAnnotation</supertypeName><features>
<featureDescription><name>documentTitle</name><description/><rangeTypeName>uima.cas.String</rangeTypeName>\
</featureDescription>
<featureDescription><name>documentId</name><description/><rangeTypeName>uima.cas.String</rangeTypeName>\
</featureDescription>
</features></typeDescription>
<typeDescription><name>{DKPRO}ner.type.NamedEntity</name><description/>
<supertypeName>uima.tcas.Annotation</supertypeName><features>
<featureDescription><name>value</name><description/><rangeTypeName>uima.cas.String</rangeTypeName>\
</featureDescription>
</features></typeDescription>
</types></typeSystemDescription>
"""


@settings
class UimaCasOptions(FileOptions):
    """How exported files of UIMA are read."""

    layer: str = setting(
        "The type of the entities, as in `convert`: its name or what follows its last dot, such as Span of "
        "INCEpTION's custom.Span; '' finds NamedEntity, or the only one.",
        "",
    )
    feature: str = setting("The type's feature that has the labels; '' finds `value` or the only one.", "")
    type_system: str = setting(
        "The file with the types of .xmi files; '' finds TypeSystem.xml beside each.", ""
    )
    other_layers: Literal["missing", "outside"] = setting(
        "What tokens under spans of other layers are: missing, as people may have marked entities there, or outside.",
        "missing",
    )


class UimaCas:
    """The tool, as `tool.py` says."""

    name = "uima-cas"
    about = "INCEpTION and others of UIMA: a folder of CAS XMI files, and their exports"
    options = UimaCasOptions
    requirements = ()

    def open(self, project: str, options: UimaCasOptions) -> FileProject:
        return FileProject(
            project, "uima-cas", write_tasks, exported, options, file_a_text=True, can_write=is_xml
        )


UIMA_CAS = UimaCas()


def is_xml(task: Task) -> bool:
    """RETURNS (bool): Whether XML has a place for a task's text."""
    return not NO_XML.search(task.text)


def exported(source: Source, issues: IssueLog) -> set[str] | None:
    """RETURNS (set[str] | None): None, for all that is exported: a CAS doesn't say whether its annotator is done. A
    file that nobody has opened, or that still is as it was written, has no place."""
    if source.path.stem == NOBODY:
        issues.add(UNTOUCHED, source.name, source.name)
        return set()
    if AS_WRITTEN in source.head:
        issues.add(NOT_EXPORTED, source.name, source.name)
        return set()
    return None


def write_tasks(tasks: Sequence[Task], labels: LabelSet, path: Path) -> list[str]:
    """Write a folder.

    RETURNS (list[str]): What can't be written, and what the files don't say.
    """
    path.mkdir()
    unwritten = 0
    for number, task in enumerate(tasks, start=1):
        if not is_xml(task):
            unwritten += 1
            continue
        name = re.sub(r"[^\w.-]+", "_", task.id)[:LONGEST]
        file = path / f"{number:05d}-{name}.xmi"
        file.write_text(to_xmi(task, file.name), encoding="utf-8", newline="\n")
    (path / "TypeSystem.xml").write_text(TYPES, encoding="utf-8", newline="\n")
    notes = [
        "UIMA: import the files as UIMA CAS XMI, with the labels in the tag set of named entities: "
        + ", ".join(labels.names),
        "UIMA: export documents that are finished, as the files don't say which are",
    ]
    if unwritten:
        notes.append(
            f"UIMA: {unwritten:,} texts have control characters, which XML has no place for: not written"
        )
    return notes


def to_xmi(task: Task, title: str) -> str:
    """RETURNS (str): A task as an XMI file."""
    units = list(accumulate((2 if ord(char) > 0xFFFF else 1 for char in task.text), initial=0))
    return XMI.format(rows="\n".join(_rows(task, title, units)))


def _rows(task: Task, title: str, units: Sequence[int]) -> Iterator[str]:
    yield (
        f'<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" sofaString={quoteattr(task.text)}/>'
    )
    yield (
        f'<metadata:DocumentMetaData xmi:id="2" sofa="1" begin="0" end="{units[-1]}" language="x-unspecified" '
        f"documentTitle={quoteattr(title)} documentId={quoteattr(task.id)}/>"
    )
    members = [2]
    for number, span in enumerate(task.predictions or (), start=3):
        members.append(number)
        yield (
            f'<ner:NamedEntity xmi:id="{number}" sofa="1" begin="{units[span.start]}" end="{units[span.end]}" '
            f"value={quoteattr(span.label)}/>"
        )
    yield f'<cas:View sofa="1" members="{" ".join(map(str, members))}"/>'
