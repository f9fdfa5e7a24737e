"""A trained token classification model of Hugging Face as a spaCy pipeline."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy.language import Language


def import_hf(
    source: str | Path,
    target: str | Path | None = None,
    *,
    lang: str = "en",
    scheme: Literal["iob2", "iob1"] = "iob2",
) -> "Language":
    """Import a token classification model.

    source (str | Path): Folder or hub name.
    target (str | Path): Folder to save the pipeline to, whole or not at all. Default: it isn't saved.
    lang (str): Language whose tokenizer is used. Default: 'en'.
    scheme (str): Tag scheme of the model: 'iob1' where B- only parts neighbours of one label. Default: 'iob2'.
    RETURNS (Language): A pipeline with one transformer_ner.
    RAISES (UserError): Where it can't be imported, or the folder is there already.
    """
    from spacy_ner_plus.files import written_whole
    from spacy_ner_plus.pipeline.transformer_ner.import_hf import import_token_classifier

    if target is not None and Path(target).exists():
        raise UserError(Errors.E535.format(path=target))
    nlp = import_token_classifier(str(source), lang=lang, scheme=scheme)
    if target is not None:
        with written_whole(Path(target)) as beside:
            nlp.to_disk(beside)
    return nlp
