import shlex

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from spacy_ner_plus import __version__
from spacy_ner_plus.cli.app import app
from spacy_ner_plus.cli.examples import EXAMPLES
from tests.snippets import check_command


def commands(command, words=()):
    if not hasattr(command, "commands"):
        return [" ".join(words)]
    return [name for key, inner in command.commands.items() for name in commands(inner, (*words, key))]


def test_examples_are_there_for_each_command():
    # `spacy` hands --help on.
    assert EXAMPLES.keys() == set(commands(get_command(app))) - {"spacy"}


@pytest.mark.parametrize("command", EXAMPLES)
def test_examples_end_the_help_and_have_options_that_exist(command):
    done = CliRunner().invoke(app, [*command.split(), "--help"])
    assert done.exit_code == 0
    for line in EXAMPLES[command]:
        assert f"\n      spacy-ner-plus {line}\n" in done.output
        assert line.startswith(f"{command} ")
        check_command(shlex.split(f"spacy-ner-plus {line}"))


def test_version_is_shown():
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, f"spacy-ner-plus {__version__}\n")
