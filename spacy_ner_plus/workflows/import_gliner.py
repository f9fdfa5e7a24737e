"""A GLiNER or GLiNER2 model in the form in which zero_shot_ner loads it."""

from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError


def import_gliner(source: str | Path, target: str | Path) -> Path:
    """Convert a model's weights to safetensors, with all else that it needs, so that it is loaded without a network.

    source (str | Path): Folder or hub name. Pickled weights are read as tensors alone.
    target (str | Path): The folder to be, which is there whole or not at all; gliner and gliner2 load it, too.
    RETURNS (Path): The folder.
    RAISES (UserError): Where the model can't be had or made, code comes with it, or the folder is there already.
    """
    from spacy_ner_plus.files import written_whole
    from spacy_ner_plus.models.zero_shot.pickled import read_to_convert
    from spacy_ner_plus.models.zero_shot.zero_shot_model import ZeroShotModel

    target = Path(target)
    if target.exists():
        raise UserError(Errors.E535.format(path=target))
    model = ZeroShotModel.of(read_to_convert(str(source)), str(source))
    with written_whole(target) as beside:
        model.save(beside)
    return target
