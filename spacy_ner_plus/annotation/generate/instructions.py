"""Records as instruction data: what a chat model is asked, and the ideal reply, as our reply formats write them.

A line is a conversation as fine-tuning tools read it: {"messages": [{"role": "system", "content": ...}, ...]}.
`guidelines` is GoLLIE's form (Sainz et al. 2024, arXiv:2310.03668). UniversalNER's is a format of corpora and written
as such: data/formats/universal_ner.py.
"""

import json
from collections.abc import Iterable, Iterator

from spacy_ner_plus.annotation.generate.records import Record
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.llm.formats import FORMATS, ReplyFormat, get_format
from spacy_ner_plus.llm.prompting.prompts import build_messages

UNIVERSAL_NER = "universal-ner"
# What instructions can be written in, as users name it.
INSTRUCTIONS = (UNIVERSAL_NER, *FORMATS)


def conversations(records: Iterable[Record], labels: LabelSet, format: str, task: str = "") -> Iterator[str]:
    """Write conversations: one a record, or, with a format that asks about one label at a time, one a label.

    labels (LabelSet): What is asked for, with definitions.
    format (str): One of our reply formats, such as 'guidelines'.
    task (str): What the texts are and what is looked for.
    YIELDS (str): Lines of JSON, each with its end.
    """
    form = get_format(format)
    for record in records:
        for about in _questions(form, labels):
            spans = [span for span in record.spans if span.label in about]
            messages = build_messages(form, labels, record.text, about=about, task=task)
            reply = {"role": "assistant", "content": form.render(spans, about, record.text)}
            yield json.dumps({"messages": [*messages, reply]}, ensure_ascii=False) + "\n"


def _questions(format: ReplyFormat, labels: LabelSet) -> list[tuple[str, ...]]:
    return [(name,) for name in labels.names] if hasattr(format, "turns") else [labels.names]
