"""Weights that were pickled, converted once."""

import pickle
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.zero_shot.checkpoint import Checkpoint, library_of, read_files
from spacy_ner_plus.models.zero_shot.snapshot import PICKLED, SMALL, WEIGHTS, cant_load, find_snapshot


def read_to_convert(name: str) -> Checkpoint:
    """Read a model whose weights may be pickled.

    torch's own unpickler is told to make tensors and nothing else.

    name (str): A folder, or a name on the hub. Weights in safetensors are taken where it has both.
    RAISES (UserError): Where it isn't there or is none, what is pickled isn't weights alone, or code comes with it.
    """
    if not name:
        raise UserError(Errors.E620)
    folder = find_snapshot(name, [*SMALL, WEIGHTS])
    library = library_of(folder, name)
    files = read_files(folder, library, name)
    if (folder / WEIGHTS).is_file():
        return Checkpoint(library, files, folder / WEIGHTS)
    if not (folder / PICKLED).is_file() and not Path(name).is_dir():
        folder = find_snapshot(name, [*SMALL, PICKLED])
    if not (folder / PICKLED).is_file():
        raise cant_load(name, f"it has neither {WEIGHTS} nor {PICKLED}")
    return Checkpoint(library, files, _unpickle(folder / PICKLED))


def _unpickle(path: Path) -> bytes:
    import torch
    from safetensors.torch import save

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, ValueError, RuntimeError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".:")
        raise UserError(Errors.E633.format(path=path, reason=reason)) from None
    tensors = found if isinstance(found, dict) else {}
    if not tensors or not all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in tensors.items()):
        raise UserError(Errors.E633.format(path=path, reason="it isn't a mapping from names to tensors"))
    # Each with memory of its own, as safetensors wants it.
    return save({key: tensor.detach().clone().contiguous() for key, tensor in tensors.items()})
