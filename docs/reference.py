"""Make docs/reference/ and docs/formats.md from the code: every command, setting, registered name and format.

    python docs/reference.py            # after a change of any of them
    python docs/reference.py --check    # exit code 1 where a page isn't what the code says

Nothing is written there by hand.
"""

import argparse
import inspect
import json
import re
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs"
NOTE = "<!-- Made from the code by `python docs/reference.py`. -->"
# Each class of settings, where it stands in a config, and which page says more.
SETTINGS = {
    "spacy_ner_plus.pipeline.transformer_ner.settings:TransformerNERSettings": (
        "transformer_ner",
        "[components.transformer_ner]",
        "../transformer_ner.md",
    ),
    "spacy_ner_plus.models.tagger_settings:TaggerSettings": (
        "The network of transformer_ner",
        "[components.transformer_ner.model]",
        "../transformer_ner.md",
    ),
    "spacy_ner_plus.models.adapters.settings:LoraSettings": (
        "An adapter of that network's encoder",
        "[components.transformer_ner.model.lora]",
        "../transformer_ner.md",
    ),
    "spacy_ner_plus.pipeline.structured_llm_ner.settings:StructuredLLMSettings": (
        "structured_llm_ner",
        "[components.structured_llm_ner]",
        "../structured_llm_ner.md",
    ),
    "spacy_ner_plus.pipeline.entity_vote.settings:EntityVoteSettings": (
        "entity_vote",
        "[components.entity_vote]",
        "../annotate.md",
    ),
    "spacy_ner_plus.pipeline.zero_shot_ner.settings:ZeroShotSettings": (
        "zero_shot_ner",
        "[components.zero_shot_ner]",
        "../zero_shot_ner.md",
    ),
    "spacy_ner_plus.llm.client.settings:ChatSettings": (
        "The chat model of structured_llm_ner",
        "[components.structured_llm_ner.model]",
        "../llm_servers.md",
    ),
    "spacy_ner_plus.annotation.generate.llm.settings:LLMSettings": (
        "The backend llm of generate",
        "`--settings FILE` or `--set NAME=VALUE` of `generate`",
        "../generate.md",
    ),
    "spacy_ner_plus.annotation.generate.presidio.presidio:PresidioSettings": (
        "The backend presidio of generate",
        "`--settings FILE` or `--set NAME=VALUE` of `generate`",
        "../generate.md",
    ),
}
GROUPS = {
    "spacy_factories": ("Components", "`nlp.add_pipe(NAME)`, or `factory` in a config"),
    "spacy_architectures": ("Architectures", "`@architectures` in a config"),
    "spacy_misc": (
        "Reply formats, agreement policies, masks, rates by layer, counts and paths",
        "`@misc` in a config, `format` of structured_llm_ner, `policy` of entity_vote, or `--mask` of `predict`",
    ),
    "spacy_scorers": ("Scorers", "`@scorers` in a config"),
    "spacy_ner_plus_formats": ("Formats of corpora", "`--format NAME` and `--to NAME` of `convert`"),
    "spacy_ner_plus_review_tools": ("Review tools", "`review push NAME` and `review pull NAME`"),
    "spacy_ner_plus_generators": ("Backends of generate", "`--backend NAME` of `generate`"),
    "spacy_loggers": ("Loggers", "`@loggers` in a config"),
    "thinc_losses": ("Losses", "`@losses` in a config, in `[components.transformer_ner.loss]`"),
    "thinc_schedules": ("Schedules", "`@schedules` in a config"),
    "thinc_llm_tasks": ("Tasks of spacy-llm", "`@llm_tasks` in a config"),
    "thinc_llm_models": ("Models of spacy-llm", "`@llm_models` in a config"),
    "spacy_displacy_colors": ("Colours of displaCy", "taken by displaCy itself"),
    "spacy_callbacks": ("Callbacks", "`@callbacks` in a config"),
    "spacy_readers": ("Readers", "`@readers` in a config"),
    "spacy_batchers": ("Batchers", "`@batchers` in a config"),
    "spacy_augmenters": ("Augmenters", "`@augmenters` in a config"),
    "spacy_tokenizers": ("Tokenizers", "`@tokenizers` in a config"),
    "spacy_cli": ("Commands of spaCy", "`python -m spacy NAME`"),
}


def pages() -> dict[str, str]:
    """RETURNS (dict[str, str]): The text of each page, by its file name."""
    return {
        "reference/commands.md": "\n".join(_commands()).rstrip() + "\n",
        "reference/settings.md": "\n".join(_settings()).rstrip() + "\n",
        "reference/names.md": "\n".join(_names()).rstrip() + "\n",
        "formats.md": "\n".join(_formats()).rstrip() + "\n",
    }


def _commands() -> Iterator[str]:
    from typer.main import get_command

    from spacy_ner_plus.cli.app import app

    yield from ["# Commands", "", NOTE, ""]
    yield "`spacy-ner-plus COMMAND --help` says the same. `python -m spacy_ner_plus` is the same program."
    yield ""
    yield from _command(get_command(app), ["spacy-ner-plus"])


def _command(command: Any, words: list[str]) -> Iterator[str]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from _command(inner, [*words, name])
        return
    context = command.context_class(command, info_name=words[-1])
    usage = " ".join([*words, *command.collect_usage_pieces(context)])
    yield from [f"## {' '.join(words[1:])}", "", "```text", usage, "```", ""]
    help_text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    yield from [_prose(help_text), ""]
    if getattr(command, "epilog", None):
        yield from [_prose(inspect.cleandoc(command.epilog).replace("\b\n", "")), ""]
    records = [parameter.get_help_record(context) for parameter in command.params]
    rows = [f"| `{name}` | {_cell(text)} |" for name, text in filter(None, records)]
    if rows:
        yield from ["| argument or option | |", "| --- | --- |", *rows, ""]


def _prose(text: str) -> str:
    """Help as Markdown: indented examples stay blocks, all else is text."""
    return re.sub(r"(?m)^(?!    )(.*)$", lambda match: match[1].replace("<", "&lt;"), text)


def _settings() -> Iterator[str]:
    yield from ["# Settings", "", NOTE, ""]
    for target, (title, section, page) in SETTINGS.items():
        declared = _load(target)
        where = f"In `{section}` of a config" if section.startswith("[") else f"By {section}"
        yield from [
            f"## {title}",
            "",
            f"{where}; more in [{Path(page).stem}]({page}).",
            "",
        ]
        yield from ["| setting | type | default | allowed | |", "| --- | --- | --- | --- | --- |"]
        for field in fields(declared):
            kind = field.type if isinstance(field.type, str) else inspect.formatannotation(field.type)
            default = "" if field.default is MISSING else f"`{json.dumps(field.default)}`"
            cells = [_kind(kind), default, _bounds(field.metadata), field.metadata["meaning"]]
            yield f"| `{field.name}` | {' | '.join(_cell(cell) for cell in cells)} |"
        yield ""


def _kind(kind: str) -> str:
    return f"`{kind.replace('typing.', '').replace('collections.abc.', '')}`"


def _bounds(metadata: Any) -> str:
    words = {"above": "above {}", "at_least": "at least {}", "at_most": "at most {}"}
    return ", ".join(text.format(metadata[key]) for key, text in words.items() if metadata[key] is not None)


def _names() -> Iterator[str]:
    parser = ConfigParser(delimiters=("=",))
    parser.optionxform = str
    parser.read(ROOT / "setup.cfg", encoding="utf8")
    yield from ["# Registered names", "", NOTE, ""]
    yield "A name is kept as long as pipelines may have been saved with it: a changed meaning is a new version."
    yield "How to write one of your own is in [Extending](../extending.md)."
    yield ""
    for group, text in parser["options.entry_points"].items():
        if group == "console_scripts":
            continue
        if group == "spacy_ner_plus_formats":
            # They have a page of their own.
            continue
        title, where = GROUPS[group]
        yield from [f"## {title}", "", f"{where[0].upper()}{where[1:]}.", ""]
        for line in text.strip().splitlines():
            name, _, target = (part.strip() for part in line.partition("="))
            yield from _name(name, _load(target))


def _name(name: str, made: Any) -> Iterator[str]:
    yield from [f"### {name}", ""]
    if hasattr(made, "sniff"):
        yield from [f"{made.about}: [more](../formats.md#{name}).", ""]
        return
    if hasattr(made, "requirements"):
        yield from [f"{made.about}: [more](../review.md).", ""]
        return
    if hasattr(made, "make"):
        yield from [f"{made.about[0].upper()}{made.about[1:]}: [more](../generate.md).", ""]
        return
    if not callable(made):
        yield from [f"A table of {len(made)} entries.", ""]
        return
    about, arguments = _docstring(made)
    yield from [about, ""]
    parameters = [p for p in inspect.signature(made).parameters.values() if p.name not in ("nlp", "name")]
    # What a class of settings declares is told there.
    declared = [title for target, (title, _, _) in SETTINGS.items() if _forwards(made, _load(target))]
    told = {
        field.name for target in SETTINGS if _forwards(made, _load(target)) for field in fields(_load(target))
    }
    if declared:
        links = " and ".join(f"[{title}](settings.md#{_anchor(title)})" for title in declared)
        yield from [f"Settings: {links}.", ""]
    rows = [p for p in parameters if p.name not in told]
    if rows:
        yield from ["| argument | default | |", "| --- | --- | --- |"]
        for parameter in rows:
            default = (
                "" if parameter.default is inspect.Parameter.empty else f"`{_default(parameter.default)}`"
            )
            yield f"| `{parameter.name}` | {_cell(default)} | {_cell(arguments.get(parameter.name, ''))} |"
        yield ""


def _formats() -> Iterator[str]:
    from spacy_ner_plus.data.format_info import formats
    from spacy_ner_plus.data.formats.format import FEATURES
    from spacy_ner_plus.format_names import format_points

    # Ours, whatever else is installed where the page is made.
    points = format_points()
    found = [info for name, info in formats().items() if points[name].value.startswith("spacy_ner_plus.")]
    yield from ["# Formats of corpora", "", NOTE, ""]
    yield (
        "`spacy-ner-plus convert` reads all of these, and finds out which one a file is of; `--format NAME` says it. "
        "`spacy-ner-plus formats NAME` shows what stands below. "
        "How to add one: [Extending](extending.md#formats-of-corpora)."
    )
    yield ""
    yield from [
        "| format | | read | written | endings | made after |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for info in found:
        written = "" if not info.writes else "yes, a folder" if info.writes_folder else "yes"
        made = "the tool's own files" if info.checked else "its documentation"
        endings = " ".join(f"`{ending}`" for ending in info.endings)
        yield f"| [{info.name}](#{info.name}) | {_cell(info.about)} | yes | {written} | {endings} | {made} |"
    yield ""
    yield "Made after the tool's own files: tests read what the tool wrote, or it reads what we write. The others were"
    yield "made after what is published about them; nobody here can export from the tool."
    yield from ["", "## What is kept where it is written", ""]
    yield "Text, entities and labels are kept by all. Of what else a document may have, a format keeps what is marked,"
    yield "and `convert` counts every case of the rest: nothing is lost without being told."
    yield ""
    yield f"| format | {' | '.join(FEATURES)} |"
    yield f"| --- |{' --- |' * len(FEATURES)}"
    for info in found:
        if info.writes:
            cells = ["kept" if feature in info.keeps else "counted" for feature in FEATURES]
            yield f"| [{info.name}](#{info.name}) | {' | '.join(cells)} |"
    yield ""
    for info in found:
        yield from [f"## {info.name}", "", _prose(info.text), ""]
        if info.options:
            yield from ["| `--option` | type | default | |", "| --- | --- | --- | --- |"]
        for option in info.options:
            default = "" if option.default is None else f"`{_default(option.default)}`"
            yield f"| `{option.name}` | {_cell(_kind(option.type))} | {_cell(default)} | {_cell(option.meaning)} |"
        yield ""


def _forwards(made: Any, declared: type) -> bool:
    """Whether a function takes all settings of a class."""
    return {field.name for field in fields(declared)} <= inspect.signature(made).parameters.keys() | {"name"}


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _default(value: Any) -> str:
    try:
        return json.dumps(value)
    except TypeError:
        return repr(value)


def _docstring(made: Any) -> tuple[str, dict[str, str]]:
    """What comes first in a docstring, and what it says of each argument."""
    lines = (inspect.getdoc(made) or "").splitlines()
    about: list[str] = []
    arguments: dict[str, str] = {}
    name = ""
    for line in lines:
        if match := re.match(r"^(\w[\w, ]*) \((.+?)\): (.*)$", line):
            name = match[1]
            for one in name.split(", "):
                arguments[one] = match[3]
        elif re.match(r"^(RETURNS|RAISES|YIELDS)\b", line):
            name = "-"
        elif name and name != "-":
            for one in name.split(", "):
                arguments[one] += f" {line.strip()}"
        elif not name:
            about.append(line)
    if not about:
        about = [
            re.sub(r"^RETURNS \(.+?\): ", "Makes it: ", line) for line in lines if line.startswith("RETURNS")
        ]
    return re.sub(r"\s+", " ", " ".join(about)).strip().replace("<", "&lt;"), arguments


def _cell(text: str) -> str:
    """Text as a cell of a table."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;").strip()


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    for name, text in pages().items():
        path = FOLDER / name
        if check:
            if not path.exists() or path.read_text(encoding="utf8") != text:
                sys.exit(f"{path.relative_to(ROOT)} isn't what the code says: run python docs/reference.py")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
