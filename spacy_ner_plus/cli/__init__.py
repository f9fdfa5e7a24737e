"""The command line: one command a file, each a thin wrapper over a plain function."""

from spacy_ner_plus.cli.openmp import wait_passively


def main() -> None:
    """Run the command line, with threads that don't spin while they wait."""
    wait_passively()
    # Only now: a command may import spaCy, and so torch.
    from spacy_ner_plus.cli.app import main as run

    run()
