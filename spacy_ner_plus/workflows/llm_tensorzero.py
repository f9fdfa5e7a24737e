"""TensorZero's gateway: its configuration, made of a pipeline's, and feedback to it."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import writing, written_together
from spacy_ner_plus.issues import IssueLog
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
    from spacy_ner_plus.llm.store.metrics import Metric

# What is configured where no config is given: the models of TensorZero's own example.
_DEFAULT: dict[str, Any] = {
    "labels": "conll",
    "model": {"base_url": "https://api.openai.com/v1", "name": "gpt-4o-mini-2024-07-18"},
}

# What the component is called there where it has no variants.
_ALONE = "baseline"


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
    variants = _variants(nlp, find_component(nlp, FACTORY, component))
    made = gateway_files(variants, function=function, metrics=_metrics(variants[0].settings.store))
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

    pipe: Any = nlp.get_pipe(name)
    weights = {variant.name: variant.weight for variant in pipe.settings.variant_values}
    found = []
    for variant in pipe.variants:
        extractor = pipe.extractor_of(variant)
        model = extractor.model.settings
        found.append(GatewayVariant(variant or _ALONE, weights.get(variant, 1.0), model, extractor.prompter))
    return found


def _metrics(store: str | Path | None) -> "Mapping[str, Metric]":
    """RETURNS (Mapping[str, Metric]): Those that a component's store knows, if it has one that is there."""
    from spacy_ner_plus.llm.store.metrics import SHIPPED
    from spacy_ner_plus.llm.store.store import Store

    if store is None or ("://" not in str(store) and not Path(store).expanduser().exists()):
        return SHIPPED
    with Store(store, read_only=True) as opened:
        return opened.feedback.metrics()


@dataclass
class SentFeedback:
    """What was sent.

    sent (int): Now.
    before (int): By earlier commands.
    issues (IssueLog): What the gateway didn't take, or can't have.
    """

    sent: int = 0
    before: int = 0
    issues: IssueLog = field(default_factory=IssueLog)


def send_feedback(
    store: str | Path,
    *,
    base_url: str,
    api_key_env: str | None = None,
    state: str | Path | None = None,
) -> SentFeedback:
    """Send the feedback on inferences of TensorZero's gateway to it, each once.

    What is sent is noted, so that a command that was ended is gone on with. One that is ended between the answer and
    the note sends one again, which changes nothing: of two alike the last counts.

    store (str | Path): The store, or the address of its database.
    base_url (str): Of the gateway, as the component has it: with '/openai/v1' at the end.
    api_key_env (str | None): The environment variable with the key, where the gateway wants one. Default: none.
    state (str | Path | None): Where it is noted. Default: the store's file name with '.sent-feedback' after it.
    RETURNS (SentFeedback): What was sent, and what wasn't.
    RAISES (UserError): Where the gateway can't be reached, or takes nothing of it.
    """
    from spacy_ner_plus.learning.tensorzero.feedback import FeedbackRefused, GatewayFeedback
    from spacy_ner_plus.learning.tensorzero.store_feedback import outgoing_feedback
    from spacy_ner_plus.llm.client.settings import ChatSettings
    from spacy_ner_plus.llm.store.store import Store

    path = _sent_path(store, state)
    known = set(path.read_text(encoding="utf8").split()) if path.exists() else set()
    settings = ChatSettings(base_url=base_url, name="feedback", api_key_env=api_key_env)
    done = SentFeedback()
    refused: FeedbackRefused | None = None
    with Store(store, read_only=True) as opened, closing(GatewayFeedback(settings)) as gateway:
        waiting = list(outgoing_feedback(opened, done.issues))
        with writing(path), path.open("a", encoding="utf8") as noted:
            for feedback in waiting:
                if feedback.id in known:
                    done.before += 1
                    continue
                try:
                    gateway.give(feedback.body)
                except FeedbackRefused as error:
                    refused = refused or error
                    metric = feedback.body["metric_name"]
                    done.issues.add(f"refused by the gateway: {metric}", error.reason, feedback.id)
                    continue
                # A line that was cut names no feedback, which is sent again then.
                noted.write(f"{feedback.id}\n")
                noted.flush()
                done.sent += 1
    if refused is not None and not done.sent and not done.before:
        raise refused
    return done


def _sent_path(store: str | Path, state: str | Path | None) -> Path:
    if state is not None:
        return Path(state)
    if "://" in str(store):
        raise UserError(Errors.E865.format(store=store))
    path = Path(store).expanduser()
    return path.with_name(f"{path.name}.sent-feedback")
