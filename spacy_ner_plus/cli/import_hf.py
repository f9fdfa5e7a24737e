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

    with err.status(f"Importing {source}"):
        labels = import_hf(source, output, lang, scheme.value)
    text = f"Saved to {output}, with the labels {', '.join(labels)}. Load it: spacy.load({str(output)!r})"
    out.print(text, markup=False, highlight=False)


def import_hf(source: str, output: Path, lang: str = "en", scheme: str = "iob2") -> tuple[str, ...]:
    """Import a token classification model and save it.

    source (str): Folder or hub name.
    output (Path): Folder to save the pipeline to; nothing is left there on failure.
    lang (str): Language whose tokenizer is used.
    scheme (str): 'iob2' or 'iob1'.
    RETURNS (tuple[str]): The labels.
    RAISES (UserError): Where it can't be imported, or OUTPUT is there already.
    """
    from spacy_ner_plus.errors import Errors, UserError
    from spacy_ner_plus.files import written_whole
    from spacy_ner_plus.pipeline.transformer_ner.import_hf import import_token_classifier

    if output.exists():
        raise UserError(Errors.E535.format(path=output))
    nlp = import_token_classifier(source, lang=lang, scheme=scheme)
    with written_whole(output) as beside:
        nlp.to_disk(beside)
    return nlp.get_pipe("transformer_ner").labels
