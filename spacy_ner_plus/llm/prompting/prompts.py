"""Messages of a request: instructions, demonstrations, and the text as it is.

Templates are rendered in Jinja's sandbox and get the labels alone. The text, and the texts of
demonstrations, are messages of their own and never pass through a template.
"""

import json
from collections.abc import Sequence
from functools import lru_cache

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.llm.formats import ReplyFormat
from spacy_ner_plus.llm.formats.python_source import class_names, comment, docstring, python_string
from spacy_ner_plus.llm.prompting.demonstrations import Demonstration
from spacy_ner_plus.llm.requests import Message

# What stands before and after a text.
Context = tuple[str, str]
NO_CONTEXT: Context = ("", "")
_CONTEXT = (
    "The text is a part of a document. Here is what stands around it there, to understand it by; name no entity for "
    "the sake of what stands here."
)


def build_messages(
    format: ReplyFormat,
    labels: LabelSet,
    text: str,
    examples: Sequence[Demonstration] = (),
    *,
    about: Sequence[str] | None = None,
    template: str | None = None,
    task: str = "",
    context: Context = NO_CONTEXT,
) -> list[Message]:
    """Write the messages that ask for the entities of a text.

    format (ReplyFormat): How the reply is to be written.
    text (str): The last message is the text, and nothing is added to it; unless the format has `turns` for it.
    examples (Sequence[Demonstration]): Each becomes a text and the ideal reply to it, without entities
        of other labels.
    about (Sequence[str] | None): The labels that the last message asks about; None for all.
    template (str | None): Source of a Jinja template for the instructions; None for the format's own.
    task (str): What the texts are and what is looked for, as `instructions` takes it.
    context (tuple[str, str]): What stands before and after the text in its document. It ends the instructions.
    RETURNS (list[dict[str, str]]): Messages with `role` and `content`.
    RAISES (UserError): A template that can't be rendered or doesn't show the labels.
    """
    asked = labels.names if about is None else about
    turns = getattr(format, "turns", _text_alone)
    system = instructions(format, labels, template=template, task=task) + _show_context(context)
    messages: list[Message] = [{"role": "system", "content": system}]
    for example in examples:
        spans = [span for span in example.spans if span[2] in asked]
        messages += turns(example.text, asked)
        messages.append({"role": "assistant", "content": format.render(spans, asked, example.text)})
    return messages + turns(text, asked)


def _show_context(context: Context) -> str:
    # Not in a message of its own, as some models want those of user and assistant in turn.
    parts = [
        f"\n\n{name}:\n{text.strip()}"
        for name, text in zip(("Before it", "After it"), context, strict=True)
        if text.strip()
    ]
    return f"\n\n{_CONTEXT}{''.join(parts)}" if parts else ""


def _text_alone(text: str, labels: Sequence[str]) -> list[Message]:
    return [{"role": "user", "content": text}]


def instructions(
    format: ReplyFormat,
    labels: LabelSet,
    *,
    template: str | None = None,
    task: str = "",
) -> str:
    """Write the system message.

    format (ReplyFormat): How the reply is to be written.
    template (str | None): Source of a Jinja template; None for the format's own.
    task (str): What the texts are and what is looked for. It stands in front, unless the template has `task`
        itself; it is never read as a template.
    RAISES (UserError): A template that can't be rendered or doesn't show the labels, unless the format has `turns`
        that do.
    """
    source = format.instructions if template is None else template
    is_asked = hasattr(format, "turns")
    return _render(source, labels.key, format.skeleton(labels.names), task.strip(), is_asked)


@lru_cache(maxsize=64)
def _render(source: str, labels: str, skeleton: str, task: str, is_asked: bool) -> str:
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.meta import find_undeclared_variables
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    label_set = LabelSet.from_dict(json.loads(labels))
    names = class_names(label_set.names)
    rows = [{**row, "class_name": names[row["name"]]} for row in label_set.rows]
    environment = ImmutableSandboxedEnvironment(
        autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"python": python_string, "docstring": docstring, "comment": comment}
    try:
        template = environment.from_string(source)
        message = template.render(labels=rows, skeleton=skeleton, task=task).strip()
        has_task = "task" in find_undeclared_variables(environment.parse(source))
    # A template may fail in any operation that it holds.
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise UserError(Errors.E288.format(template=_shown(source), reason=reason)) from error
    missing = [name for name in label_set.names if name not in message]
    if missing and not is_asked:
        raise UserError(Errors.E289.format(template=_shown(source), label=missing[0]))
    return message if has_task or not task else f"{task}\n\n{message}"


def _shown(source: str) -> str:
    return " ".join(source.split())[:60]
