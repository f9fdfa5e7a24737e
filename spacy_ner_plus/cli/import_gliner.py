"""`spacy-ner-plus import-gliner`: a GLiNER or GLiNER2 model with weights in safetensors."""

from pathlib import Path
from typing import Annotated

import typer


def import_gliner_command(
    name: Annotated[str, typer.Argument(help="Folder or hub name of a GLiNER or GLiNER2 model.")],
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to save it to.")],
) -> None:
    """Convert a zero-shot model to safetensors, for zero_shot_ner; pickled weights are read as tensors alone."""
    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.workflows.import_gliner import import_gliner

    with err.status(f"Importing {name}"):
        folder = import_gliner(name, directory)
    text = f"Saved to {folder}. In a config: model = {str(folder)!r}"
    out.print(text, markup=False, highlight=False)
