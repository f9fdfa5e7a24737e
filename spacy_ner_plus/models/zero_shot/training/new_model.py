"""A new GLiNER model on a pretrained encoder, whose heads have everything to learn."""

from pathlib import Path
from tempfile import TemporaryDirectory

from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.models.zero_shot.checkpoint import Checkpoint, read_files
from spacy_ner_plus.models.zero_shot.gliner_model import quiet_gliner
from spacy_ner_plus.models.zero_shot.snapshot import SMALL, WEIGHTS, cant_load, find_snapshot, read_json

# What published models have.
_WIDEST = 12
_LONGEST = 384


def new_gliner(encoder: str) -> Checkpoint:
    """Make a model of spans that reads prompts with the text, as GLiNER's first ones do (Zaratiana et al., 2024).

    encoder (str): Folder or hub name of an encoder with safetensors.
    RAISES (UserError): Where it isn't there or is none, or code comes with it.
    """
    folder = find_snapshot(encoder, [*SMALL, WEIGHTS])
    config = read_json(folder / "config.json", encoder)
    if not (folder / WEIGHTS).is_file():
        raise cant_load(encoder, f"it has no {WEIGHTS}")
    if not isinstance(config.get("hidden_size"), int):
        raise cant_load(encoder, "its config.json names no `hidden_size`, as that of an encoder does")
    with from_extra("zero-shot"):
        from gliner import GLiNER, GLiNERConfig

    with TemporaryDirectory() as scratch, quiet_gliner():
        settings = GLiNERConfig(
            model_name=str(folder),
            hidden_size=config["hidden_size"],
            span_mode="markerV0",
            max_width=_WIDEST,
            max_len=_LONGEST,
            num_rnn_layers=0,
        )
        try:
            made = GLiNER.from_config(settings, backbone_from_pretrained=True, local_files_only=True)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, AttributeError) as error:
            raise cant_load(
                encoder, f"gliner can't make a model on it ({type(error).__name__}: {error})"
            ) from error
        made.save_pretrained(scratch, safe_serialization=True)
        files = read_files(Path(scratch), "gliner", encoder)
        return Checkpoint("gliner", files, (Path(scratch) / WEIGHTS).read_bytes())
