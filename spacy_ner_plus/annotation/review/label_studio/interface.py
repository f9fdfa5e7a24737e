"""The labelling interface of a project, made of labels, and the labels of one that is there.

<View>
  <Labels name="label" toName="text"><Label value="PER" background="#ffc98a" hotkey="p" hint="Names."/></Labels>
  <Text name="text" value="$text"/>
</View>
"""

from collections.abc import Mapping
from html import escape
from typing import Any
from xml.sax.saxutils import quoteattr

from spacy_ner_plus.annotation.review.shortcuts import shortcuts
from spacy_ner_plus.evaluation.pages.colours import label_colours
from spacy_ner_plus.labels import LabelSet

# The names of the tags, and of the text in a task's data.
CONTROL, TEXT = "label", "text"


def labelling_interface(labels: LabelSet) -> str:
    """RETURNS (str): The interface: a Label each, with its colour, a key to choose it, and its definition as a hint."""
    colours, keys = label_colours(labels.names), shortcuts(labels.names)
    rows = []
    for name in labels.names:
        attributes = {"value": name, "background": colours[name]}
        attributes |= {"hotkey": keys[name]} if keys[name] else {}
        attributes |= {"hint": labels.definitions[name]} if name in labels.definitions else {}
        rows.append(
            f"    <Label {' '.join(f'{key}={quoteattr(value)}' for key, value in attributes.items())}/>"
        )
    return "\n".join(
        [
            "<View>",
            f'  <Labels name="{CONTROL}" toName="{TEXT}" choice="multiple" showInline="true">',
            *rows,
            "  </Labels>",
            f'  <Text name="{TEXT}" value="${TEXT}"/>',
            "</View>",
        ]
    )


def guidelines(labels: LabelSet) -> str:
    """RETURNS (str): What people read before they begin, as HTML: definitions and examples; '' where there are none."""
    rows = []
    for row in labels.rows:
        examples = f" Such as: {', '.join(row['examples'])}." if row["examples"] else ""
        if row["definition"] or examples:
            rows.append(f"<li><b>{escape(row['name'])}</b>: {escape(row['definition'] + examples)}</li>")
    return f"<ul>{''.join(rows)}</ul>" if rows else ""


def controls(project: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Find the tags of a project by which spans are labelled.

    project (Mapping[str, Any]): As the server describes it.
    RETURNS (dict[str, dict[str, Any]]): By name, of those of the type Labels that lie on one text.
    """
    parsed = project.get("parsed_label_config")
    parsed = parsed if isinstance(parsed, dict) else {}
    return {
        name: tag
        for name, tag in parsed.items()
        if isinstance(tag, dict)
        and str(tag.get("type")).lower() == "labels"
        and [str(one.get("type")).lower() for one in tag.get("inputs") or ()] == ["text"]
    }
