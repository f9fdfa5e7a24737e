"""The configuration of TensorZero's gateway, made of a pipeline's."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import written_together
from spacy_ner_plus.workflows.arguments.pipelines import (
    components_of,
    find_component,
    import_code,
    load_pipeline,
    parse_overrides,
)
from spacy_ner_plus.workflows.llm import FACTORY

if TYPE_CHECKING:
    from spacy.language import Language

    from spacy_ner_plus.learning.tensorzero.configuration import GatewayFiles, GatewayVariant

# What is configured where no config is given: the models of TensorZero's own example.
_DEFAULT: dict[str, Any] = {
    "labels": "conll",
    "model": {"base_url": "https://api.openai.com/v1", "name": "gpt-4o-mini-2024-07-18"},
}


def write_tensorzero(
    folder: str | Path,
    config: "Language | str | Path | None" = None,
    *,
    function: str = "extract_entities",
    overrides: Iterable[str] = (),
    component: str | None = None,
    code: str | Path | None = None,
) -> "GatewayFiles":
    """Write the configuration of TensorZero's gateway for a task, and a compose file with ClickHouse.

    Its variants are those of the component, or the component itself as the only one. Nothing is sent.

    folder (str | Path): It is empty or not there; it is written whole or not at all.
    config (Language | str | Path | None): A config, a pipeline's folder, an installed package or a pipeline, with a
        structured_llm_ner. Default: the labels of CoNLL, and the model of TensorZero's example.
    function (str): What the gateway calls the function. Default: 'extract_entities'.
    overrides (Iterable[str]): Settings of the pipeline as key=value.
    component (str | None): The component. Default: the only structured_llm_ner.
    code (str | Path | None): A Python file to run before the pipeline is loaded. Default: none.
    RETURNS (GatewayFiles): What was written, and what has to be done by hand.
    RAISES (UserError): Where something can't be read or written, or the gateway can't have it.
    """
    from spacy_ner_plus.learning.tensorzero.configuration import gateway_files

    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError(Errors.E857.format(path=folder))
    nlp = _load(config, overrides, code)
    if not components_of(nlp, FACTORY):
        raise UserError(Errors.E858.format(path=config))
    made = gateway_files(_variants(nlp, find_component(nlp, FACTORY, component)), function=function)
    with written_together([target], over_folders=True) as (beside,):
        for path, content in made.files.items():
            (beside / path).parent.mkdir(parents=True, exist_ok=True)
            (beside / path).write_text(content, encoding="utf8")
    return made


def _load(
    config: "Language | str | Path | None", overrides: Iterable[str], code: str | Path | None
) -> "Language":
    import spacy
    from spacy.util import load_config, load_model_from_config

    if config is None:
        nlp = spacy.blank("en")
        nlp.add_pipe(FACTORY, config=_DEFAULT)
        return nlp
    if not (isinstance(config, str | Path) and Path(config).suffix == ".cfg"):
        return load_pipeline(config, overrides, code=code)
    if code is not None:
        import_code(Path(code))
    try:
        return load_model_from_config(
            load_config(config, overrides=parse_overrides(overrides), interpolate=True), auto_fill=True
        )
    except UserError:
        raise
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UserError(Errors.E501.format(name=config, reason=" ".join(str(error).split()))) from error


def _variants(nlp: "Language", name: str) -> "list[GatewayVariant]":
    from spacy_ner_plus.learning.tensorzero.configuration import GatewayVariant

    extractor = nlp.get_pipe(name).extractor
    return [GatewayVariant("baseline", 1.0, extractor.model.settings, extractor.prompter)]
