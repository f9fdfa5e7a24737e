import ast
import json
import pickle
import re
from string import Formatter

import pytest
from spacy.cli._util import app
from typer.testing import CliRunner

from spacy_ner_plus.errors import Errors, UserError, Warnings
from tests.conftest import ROOT
from tests.house.modules import FILES, parse
from tests.servers.hub_server import no_hub

TEXTS = {
    name: text
    for kind in (Errors, Warnings)
    for name, text in vars(kind).items()
    if re.fullmatch(r"[EW]\d+", name)
}
# Raised or filled in elsewhere: by `settings`, which passes value and remedy, or by a part of the code that gets the
# text as an argument.
PASSED_ON = {
    "E174",
    "E202",
    "E217",
    "E220",
    "E230",
    "E231",
    "E233",
    "E234",
    "E240",
    "E250",
    "E252",
    "E253",
    "E632",
    "E743",
    "E911",
    "E733",
    "E900",
}


def fields(text: str) -> set[str]:
    return {re.split(r"[.\[]", field)[0] for _, field, _, _ in Formatter().parse(text) if field is not None}


def uses() -> dict[str, list[set[str] | None]]:
    """RETURNS (dict[str, list[set[str] | None]]): By code, the arguments of each `.format`; None where the text is
    taken as it stands, and {'**'} where they can't be read off."""
    found: dict[str, list[set[str] | None]] = {code: [] for code in TEXTS}
    for path in FILES:
        tree = parse(path)
        formatted = set()
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "format"
            ):
                text = node.func.value
                if (code := _code(text)) is not None:
                    formatted.add(id(text))
                    found[code].append({keyword.arg or "**" for keyword in node.keywords})
        for node in ast.walk(tree):
            if (code := _code(node)) is not None and id(node) not in formatted:
                found[code].append(None)
    return found


def _code(node: ast.AST) -> str | None:
    is_text = isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("Errors", "Warnings")
    return node.attr if is_text else None


USES = uses()


@pytest.mark.parametrize("code", TEXTS)
def test_errors_each_text_is_used_with_all_that_it_tells(code):
    assert USES[code], "used nowhere"
    for given in USES[code]:
        if given is None:
            # As it stands, or formatted where it was passed to.
            assert code in PASSED_ON or not re.search(r"\{\{|\{\w*\}", TEXTS[code])
        elif "**" not in given:
            assert given == fields(TEXTS[code])


@pytest.mark.parametrize("code", TEXTS)
def test_errors_each_text_reads_well_when_filled_in(code):
    text = TEXTS[code]
    if None not in USES[code] or code in PASSED_ON:
        numbers = {field for _, field, spec, _ in Formatter().parse(text) if spec}
        text = text.format(**{field: 3 if field in numbers else "VALUE" for field in fields(text)})
    assert "{{" not in text
    assert "}}" not in text or json_or_python(text)
    assert "  " not in text
    assert not re.search(r"\.\.$|:\s*$", text)
    # An option of the command line, with what it is called in Python beside it, or in a whole command.
    options = [] if code in COMMANDS_ALONE else re.findall(r"(?<![\w-])--[a-z][a-z.-]*[a-z]", text)
    for option in options:
        beside = re.escape(option[2:].replace("-", "_"))
        whole = re.search(r"(spacy-ner-plus|pip|python -m) [^`]*" + re.escape(option), text)
        assert whole or re.search(rf"\b{beside}\b", text.replace(option, "")) or option in ELSEWHERE, option


# Called otherwise in Python, which the texts tell.
ELSEWHERE = {
    "--min": "least",
    "--to": "target_format",
    "--corpus": "gold",
    "--output": "target",
    "--gpu-id": "spacy.require_gpu",
    "--option": "options",
    "--pipeline": "pipelines",
}
# Of messages that only a command line gives: our own and those of `spacy project run`.
COMMANDS_ALONE = {"E546", "E547", "E557", "E562"}


def json_or_python(text: str) -> bool:
    """Whether nested braces are an example that can be copied as it stands."""
    example = text[text.index("{") : text.rindex("}") + 1]
    try:
        return bool(ast.literal_eval(example) if "'" in example else json.loads(example))
    except (SyntaxError, ValueError):
        return False


def test_errors_each_used_code_exists():
    sources = "".join(path.read_text(encoding="utf8") for path in FILES if path.name != "errors.py")
    assert set(re.findall(r"(?:Errors|Warnings)\.([EW]\d+)", sources)) <= TEXTS.keys()


def test_errors_codes_are_defined_once():
    text = (ROOT / "spacy_ner_plus" / "errors.py").read_text(encoding="utf8")
    defined = re.findall(r"^    ([EW]\d+) = ", text, flags=re.M)
    assert len(defined) == len(set(defined))


def test_errors_carry_their_code():
    assert Errors.E101.startswith("[E101] ")


def test_errors_are_value_errors_that_can_be_sent():
    error = pickle.loads(pickle.dumps(UserError(Errors.E280)))
    assert str(error) == Errors.E280
    assert isinstance(error, ValueError)


def test_errors_are_one_message_in_spacys_own_commands(tmp_path, nlp):
    with no_hub() as url:
        model = {"base_url": f"{url}/v1", "name": "m"}
        nlp.add_pipe("structured_llm_ner", config={"labels": ["PER"], "model": model})
        nlp.to_disk(tmp_path / "pipeline")
        gold = ROOT / "tests" / "compatibility" / "made" / "gold.spacy"
        done = CliRunner().invoke(app, ["evaluate", str(tmp_path / "pipeline"), str(gold)])
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    words = " ".join(done.stderr.replace("│", " ").split())
    assert f"[E255] Nothing answers at '{url}/v1'" in words
    assert "Traceback" not in done.output
