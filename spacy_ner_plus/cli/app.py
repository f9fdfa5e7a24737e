"""The typer app: which commands there are."""

import sys

import typer

from spacy_ner_plus.errors import UserError

app = typer.Typer(
    name="spacy-ner-plus",
    help="Named entity recognition for spaCy: convert, train, evaluate, look, package.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def root() -> None:
    """Keep commands named even where there is only one."""


def main() -> None:
    """Run the command line; an anticipated failure is one message and exit code 1."""
    from spacy_ner_plus.cli.console import err

    try:
        app()
    except UserError as error:
        err.print(f"Error: {error}", style="red", markup=False, highlight=False)
        sys.exit(1)
