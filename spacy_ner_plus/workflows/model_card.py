"""A README.md for a pipeline, filled from its metrics."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics


def model_card(
    pipeline: str | Path,
    metrics: "Metrics | str | Path",
    *,
    name: str | None = None,
    version: str | None = None,
) -> Path:
    """Write a model card into a pipeline's folder, from where `spacy package` takes it.

    pipeline (str | Path): The pipeline's folder.
    metrics (Metrics | str | Path): What `evaluate` gave, or the file that it wrote.
    name (str): Of the package to be, without its language, as `spacy package` takes it. Default: the pipeline's own.
    version (str): Of the package to be. Default: the pipeline's own.
    RAISES (UserError): Where something can't be read or written, or the metrics are of another pipeline.
    """
    from spacy_ner_plus.evaluation.metrics.metrics import Metrics
    from spacy_ner_plus.evaluation.pages.model_card import write_model_card

    path = Path(pipeline) / "meta.json"
    try:
        meta = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise UserError(Errors.E501.format(name=pipeline, reason=f"{path.name}: {error}")) from error
    meta |= {key: value for key, value in (("name", name), ("version", version)) if value}
    found = metrics if isinstance(metrics, Metrics) else Metrics.from_file(metrics)
    return write_model_card(Path(pipeline), found, meta)
