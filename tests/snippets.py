"""What README and docs/ show, run: their Python, their commands, their configs.

A page is read from top to bottom in a folder of its own. All Python blocks of a page share their names, as the
cells of a notebook do. Every line of shell is checked (the command exists and knows these options); it is run
where the page asks for it. A comment of HTML, which readers don't see, tells what the page needs:

    <!-- test: replace "roberta-base" by ENCODER -->    everywhere on this page; values are those of `Values`
    <!-- test: put CORPUS at dev.spacy -->              a file or folder that the page takes as given
    <!-- test: python
    nlp = spacy.load(PIPELINE)
    -->                                                 Python that runs here and that readers don't need
    <!-- test: run -->                                  the shell lines of the next block are run, too
    <!-- test: prints -->                               the next block is what the last one printed (decimals about)
    <!-- test: no-run: needs an account -->             the next block isn't run, for this reason
"""

import contextlib
import io
import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

_FENCE = re.compile(r"^( *)```(\w*).*$")
_PROGRAMS = ("spacy-ner-plus", "python", "pip", "git", "mkdir", "mkdocs")
_DECIMAL = re.compile(r"\d+\.\d+")


@dataclass(frozen=True)
class Block:
    """A block of a page.

    kind (str): The language of its fence; 'shell' for indented commands; 'test' for a comment of the tests.
    source (str): Its text.
    line (int): The line of its first line on the page, from 1.
    """

    kind: str
    source: str
    line: int


def read_page(path: Path) -> list[Block]:
    """RETURNS (list[Block]): The blocks of a Markdown page or a notebook, in order."""
    if path.suffix == ".ipynb":
        return list(_cells(json.loads(path.read_text(encoding="utf8"))))
    return list(_blocks(path.read_text(encoding="utf8").splitlines()))


def _cells(notebook: dict[str, Any]) -> Iterator[Block]:
    for number, cell in enumerate(notebook["cells"], start=1):
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            yield Block("python", source, number)
        else:
            yield from _blocks(source.splitlines())


def _blocks(lines: list[str]) -> Iterator[Block]:
    i = 0
    while i < len(lines):
        start = i
        if match := _FENCE.match(lines[i]):
            indent, kind = match.groups()
            i += 1
            while not lines[i].startswith(f"{indent}```"):
                i += 1
            inside = [line.removeprefix(indent) for line in lines[start + 1 : i]]
            kind = "shell" if kind in ("bash", "sh", "shell", "console") else kind
            yield Block(kind, "\n".join(inside), start + 2)
        elif lines[i].startswith("<!-- test:"):
            while "-->" not in lines[i]:
                i += 1
            comment = "\n".join(lines[start : i + 1]).removeprefix("<!-- test:").rpartition("-->")[0]
            yield Block("test", comment.strip(), start + 1)
        elif lines[i].startswith("    ") and (start == 0 or not lines[start - 1].strip()):
            while i + 1 < len(lines) and lines[i + 1].startswith("    "):
                i += 1
            inside = [line[4:] for line in lines[start : i + 1]]
            if any(line.startswith(_PROGRAMS) or line.endswith(" \\") for line in inside):
                yield Block("shell", "\n".join(inside), start + 1)
        i += 1


@dataclass
class Run:
    """One reading of a page.

    path (Path): The page.
    value_of (Callable[[str], str]): Gives the value of a name that a comment mentions: a folder, a file, a URL.
    compare_output (bool): Whether what is printed is compared with what the page shows.
    """

    path: Path
    value_of: Callable[[str], str]
    compare_output: bool = True
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    replaced: dict[str, str] = field(default_factory=dict)
    printed: str = ""
    # What a comment says of the next block: 'run', 'prints', 'no-run'.
    next_block: str = ""

    def read(self) -> None:
        blocks = read_page(self.path)
        for block in blocks:
            if block.kind == "test" and block.source.startswith("replace "):
                self._replace(block, blocks)
        for block in blocks:
            self._read_block(block)

    def _read_block(self, block: Block) -> None:
        if block.kind == "test":
            self._obey(block)
            return
        asked, self.next_block = self.next_block, ""
        if asked.startswith("no-run"):
            if block.kind == "python":
                compile(block.source, str(self.path), "exec")
            return
        if asked == "prints":
            assert not self.compare_output or _same_output(block.source, self.printed), (
                f"{self._at(block)}: printed was\n{self.printed}"
            )
        elif block.kind == "python":
            self._python(block)
        elif block.kind == "shell":
            self._shell(block, run=asked == "run")
        else:
            assert not asked, f"{self._at(block)}: '{asked}' is of no use before this block"
            _parse(block)

    def _at(self, block: Block) -> str:
        return f"{self.path.relative_to(ROOT)}:{block.line}"

    def _replace(self, block: Block, blocks: list[Block]) -> None:
        match = re.fullmatch(r"replace \"(.+)\" by (\w+)", block.source)
        assert match, f'{self._at(block)}: write: replace "TEXT" by NAME'
        text, name = match.groups()
        others = "\n".join(other.source for other in blocks if other.kind != "test")
        assert text in others, f"{self._at(block)}: the page doesn't have {text!r}"
        self.replaced[text] = self.value_of(name)

    def _obey(self, block: Block) -> None:
        word, rest = re.fullmatch(r"([\w-]+):?\s*(.*)", block.source, flags=re.S).groups()
        if word == "put":
            name, at, target = rest.partition(" at ")
            assert at, f"{self._at(block)}: write: put NAME at PATH"
            _put(Path(self.value_of(name)), Path(target))
        elif word == "python":
            self._python(Block("python", block.source.partition("\n")[2], block.line + 1))
        elif word in ("run", "prints", "no-run"):
            assert word != "no-run" or rest, f"{self._at(block)}: say why"
            self.next_block = word
        else:
            assert word == "replace", f"{self._at(block)}: the tests know no {word!r}"

    def _filled(self, source: str) -> str:
        for text, value in self.replaced.items():
            source = source.replace(text, value)
        return source

    def _python(self, block: Block) -> None:
        # Names in capitals that a hidden block uses are values, too.
        for name in re.findall(r"\b[A-Z]{4,}\b", block.source):
            if name in VALUES:
                self.names[name] = self.value_of(name)
        # Lines are counted as on the page, for tracebacks.
        code = "\n" * (block.line - 1) + self._filled(block.source)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, str(self.path), "exec"), self.names)
        self.printed = out.getvalue()

    def _shell(self, block: Block, run: bool) -> None:
        self.printed = ""
        for line in block.source.replace("\\\n", " ").splitlines():
            for words in _commands(line):
                try:
                    check_command(words)
                except Exception as error:
                    raise AssertionError(f"{self._at(block)}: {shlex.join(words)}: {error}") from error
                if run:
                    self.printed += _run_command([self._filled(word) for word in words])


# What a comment may name; tests/test_docs.py makes them.
VALUES = (
    "CHAT",
    "CONFIGS",
    "CONLL",
    "CORPUS",
    "ENCODER",
    "GLINER",
    "LOCAL",
    "METRICS",
    "MINILM",
    "PIPELINE",
    "RULER",
    "SYNTHETIC",
    "TEXTS",
    "TOKENCLASS",
    "TRAINED",
)


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def _same_output(expected: str, printed: str) -> bool:
    """Whether two outputs are the same, but for decimals, which may differ by 0.1."""
    ours, theirs = expected.strip(), printed.strip()
    pairs = zip(_DECIMAL.findall(ours), _DECIMAL.findall(theirs), strict=False)
    close = all(abs(float(a) - float(b)) <= 0.1 for a, b in pairs)
    return close and _DECIMAL.sub("0.0", ours) == _DECIMAL.sub("0.0", theirs)


def _parse(block: Block) -> None:
    """Read a block of data; one that isn't well-formed fails."""
    if block.kind in ("ini", "cfg"):
        from thinc.api import Config

        source = block.source if re.search(r"^\[", block.source, flags=re.M) else f"[all]\n{block.source}"
        given = re.findall(r"^\[(.+)\]$", source, flags=re.M)
        # An excerpt needn't show the sections around it.
        above = {name.rsplit(".", n)[0] for name in given for n in range(1, name.count(".") + 1)}
        missing = "\n".join(f"[{name}]" for name in sorted(above - set(given)))
        Config().from_str(f"{missing}\n{source}", interpolate=False)
    elif block.kind == "json":
        json.loads(block.source)
    elif block.kind in ("yaml", "yml"):
        yaml.safe_load(block.source)
    elif block.kind == "toml":
        tomllib.loads(block.source)


def _commands(line: str) -> Iterator[list[str]]:
    """The commands of a line of shell, without variables set before them and without comments."""
    words = shlex.split(line, comments=True)
    command: list[str] = []
    for word in [*words, "&&"]:
        if word not in ("&&", "|", "||", ";"):
            if command or not re.match(r"[A-Z_]+=", word):
                command.append(word)
        elif command:
            yield command
            command = []


def check_command(words: list[str]) -> None:
    """Check that a command exists and takes these options.

    words (list[str]): A command of ours, of spaCy, of project.yml or of benchmarks/. Others are not looked at.
    RAISES (Exception): It doesn't.
    """
    if words[:2] == ["spacy-ner-plus", "spacy"]:
        _check_parsing(_spacy_app(), words[2:])
    elif words[0] == "spacy-ner-plus":
        _check_parsing(_our_app(), words[1:])
    elif words[:3] == ["python", "-m", "spacy_ner_plus"]:
        _check_parsing(_our_app(), words[3:])
    elif words[:4] == ["python", "-m", "spacy", "project"] and words[4:5] == ["run"]:
        _check_project(words[5:])
    elif words[:3] == ["python", "-m", "spacy"]:
        _check_parsing(_spacy_app(), words[3:])
    elif words[0] == "python" and words[1].endswith(".py") and words[1].startswith("benchmarks/"):
        source = (ROOT / words[1]).read_text(encoding="utf8")
        for word in words[2:]:
            assert not word.startswith("--") or f'"{word}"' in source, f"{words[1]} knows no {word}"
    elif words[:2] == ["python", "-m"] and words[2].startswith("tests."):
        assert (ROOT / f"{words[2].replace('.', '/')}.py").exists()


def _our_app() -> Any:
    from spacy_ner_plus.cli.app import app

    return app


def _spacy_app() -> Any:
    from spacy.cli import app

    return app


def _check_parsing(app: Any, words: list[str]) -> None:
    import typer

    command = typer.main.get_command(app)
    context = command.context_class(command)
    words = [word for word in words if word not in ("...", "…")]
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"no command {words[0]!r}"
        command = command.commands[words[0]]
        context = command.context_class(command, parent=context, **command.context_settings)
        words = words[1:]
    given, rest, _ = command.make_parser(context).parse_args(list(words))
    assert not rest or context.allow_extra_args or hasattr(command, "commands"), f"too much: {rest}"
    if "help" in given:
        return
    for parameter in command.params:
        assert not parameter.required or given.get(parameter.name), f"{parameter.name} is missing"


def _check_project(words: list[str]) -> None:
    project = yaml.safe_load((ROOT / "project.yml").read_text(encoding="utf8"))
    known = {*project["workflows"], *(command["name"] for command in project["commands"])}
    assert words[0] in known, f"project.yml has no {words[0]}"
    for word in words[1:]:
        if word.startswith("--vars."):
            assert word.removeprefix("--vars.").partition("=")[0] in project["vars"], (
                f"project.yml has no {word}"
            )


def _run_command(words: list[str]) -> str:
    """Run a command of ours or of spaCy in this process.

    RETURNS (str): What it printed, as data or for people.
    """
    from typer.testing import CliRunner

    if words[:2] == ["mkdir", "-p"]:
        Path(words[2]).mkdir(parents=True, exist_ok=True)
        return ""
    if words[:2] == ["spacy-ner-plus", "spacy"]:
        app, arguments = _spacy_app(), words[2:]
    elif words[0] == "spacy-ner-plus":
        app, arguments = _our_app(), words[1:]
    else:
        assert words[:3] == ["python", "-m", "spacy"], f"the tests can't run {words[0]!r}"
        app, arguments = _spacy_app(), words[3:]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, f"{shlex.join(words)}\n{result.output}\n{result.exception!r}"
    return result.stdout
