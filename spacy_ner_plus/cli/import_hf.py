"""`spacy-ner-plus import-hf`: a trained Hugging Face model as a spaCy pipeline."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Scheme(StrEnum):
    iob2 = "iob2"
    iob1 = "iob1"


def import_hf_command(
    source: Annotated[str, typer.Argument(help="Folder or hub name of a token classification model.")],
    output: Annotated[Path, typer.Argument(help="Folder to save the pipeline to.")],
    lang: Annotated[str, typer.Option(help="Language whose tokenizer is used.")] = "en",
    scheme: Annotated[
        Scheme,
        typer.Option(help="Tag scheme of the model: iob1 where B- only parts neighbours of one label."),
    ] = Scheme.iob2,
) -> None:
    """Bring in a trained AutoModelForTokenClassification as a transformer_ner pipeline."""
    from spacy_ner_plus.cli.console import err, out
    from spacy_ner_plus.workflows.import_hf import import_hf

    with err.status(f"Importing {source}"):
        nlp = import_hf(source, output, lang=lang, scheme=scheme.value)
    labels = nlp.get_pipe("transformer_ner").labels
    text = f"Saved to {output}, with the labels {', '.join(labels)}. Load it: spacy.load({str(output)!r})"
    out.print(text, markup=False, highlight=False)
