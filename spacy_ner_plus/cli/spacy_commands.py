"""`spacy-ner-plus spacy ...`: spaCy's own commands, such as train, on a machine that does other work too."""

import sys

import typer

# All that stands behind the name goes to spaCy, --help included.
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def spacy_command(context: typer.Context) -> None:
    """Run a command of spaCy's, such as train, with the arguments of `python -m spacy`.

    Threads that wait leave the cores to what else runs on the machine (OMP_WAIT_POLICY=PASSIVE), and a
    setting at fault is one message, as everywhere here.
    """
    from spacy.cli import setup_cli

    sys.argv = ["spacy", *context.args]
    setup_cli()
