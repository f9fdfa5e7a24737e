"""spaCy's own training: what `spacy train` runs, with its failures as messages."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from thinc.api import Config

BEST, LAST = "model-best", "model-last"
# Sections in which spaCy takes any name, so that a misspelt one would change nothing.
FREE = ("paths", "system", "vars")
_ABSENT = object()


def load_config(path: Path, overrides: dict[str, Any]) -> "Config":
    """Read a training config, as spaCy does.

    path (Path): The file.
    overrides (dict[str, Any]): Settings by dotted key.
    RETURNS (Config): With its variables.
    RAISES (UserError): Where it can't be read, or an override names a variable or path that it hasn't.
    """
    from spacy.util import load_config

    if not path.is_file():
        raise UserError(Errors.E101.format(path=path, reason="there is no such file"))
    with _as_messages(path):
        plain = load_config(path, interpolate=False)
        _check_overrides([key for key in overrides if key.partition(".")[0] in FREE], plain)
        config = load_config(path, overrides=overrides, interpolate=False)
        # Variables that aren't there are found before anything runs.
        config.interpolate()
    return config


def run_training(
    config: "Config",
    folder: Path,
    *,
    overrides: Iterable[str],
    gpu_id: int,
    source: Path,
    stdout: IO[str],
    stderr: IO[str],
) -> None:
    """Train a pipeline, and save it as model-best and model-last.

    config (Config): As `load_config` gives it.
    folder (Path): Where to.
    overrides (Iterable[str]): Dotted keys of settings that were overridden.
    gpu_id (int): The GPU of spaCy's own layers, -1 for the CPU.
    source (Path): The config's file, for messages.
    stdout (IO[str]), stderr (IO[str]): Where the logger writes.
    RAISES (UserError): What the user can mend.
    """
    from spacy.training.initialize import init_nlp
    from spacy.training.loop import train
    from thinc.api import require_gpu

    with _as_messages(source):
        if gpu_id >= 0:
            require_gpu(gpu_id)
        nlp = init_nlp(config, use_gpu=gpu_id)
        _check_overrides(overrides, nlp.config)
        train(nlp, folder, use_gpu=gpu_id, stdout=stdout, stderr=stderr)
    if not (folder / BEST / "config.cfg").is_file():
        raise UserError(Errors.E551.format(path=source))


def _check_overrides(overrides: Iterable[str], config: Mapping[str, Any]) -> None:
    """Refuse settings that aren't there: spaCy drops them, and trains as if they hadn't been given."""
    from difflib import get_close_matches

    from spacy.util import walk_dict

    for override in overrides:
        found: Any = config
        for part in override.split("."):
            found = found.get(part, _ABSENT) if isinstance(found, Mapping) else _ABSENT
        if found is _ABSENT:
            known = [".".join(path) for path, _ in walk_dict(dict(config))]
            near = get_close_matches(override, known, n=1, cutoff=0)
            raise UserError(Errors.E553.format(key=override, near="".join(near)))


@contextmanager
def _as_messages(path: Path) -> Iterator[None]:
    """Turn failures that spaCy and the disk anticipate into messages; any other is one of code, and keeps its trace."""
    from configparser import Error

    from safetensors import SafetensorError
    from thinc.api import ConfigValidationError

    try:
        yield
    except UserError:
        raise
    except ConfigValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors or ()
        )
        reason = _on_one_line(f"{error.desc or error.title}: {faults}" if faults else error)
        raise UserError(Errors.E550.format(path=path, reason=reason)) from error
    except (OSError, SafetensorError, Error) as error:
        raise UserError(Errors.E550.format(path=path, reason=_on_one_line(error))) from error
    except (ValueError, KeyError, ImportError) as error:
        reason = _on_one_line(error).strip("'\"")
        # spaCy's coded messages, and those of GPUs that aren't there.
        if not (reason.startswith("[E") or "GPU" in reason or isinstance(error, ImportError)):
            raise
        raise UserError(Errors.E550.format(path=path, reason=reason)) from error


def _on_one_line(error: object) -> str:
    return " ".join(str(error).split())
