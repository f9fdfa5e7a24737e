"""Fine-tuning jobs of a server, from training data to a variant."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.workflows.arguments.numbers import at_least

if TYPE_CHECKING:
    from spacy_ner_plus.learning.fine_tuning_jobs import FineTuningJob, JobStatus


def submit_job(
    training: str | Path,
    *,
    base_url: str,
    model: str,
    dev: str | Path | None = None,
    epochs: int | None = None,
    suffix: str | None = None,
    seed: int | None = None,
    api_key_env: str | None = None,
    state: str | Path | None = None,
    again: bool = False,
) -> "tuple[FineTuningJob, bool]":
    """Upload training data to a server and create a fine-tuning job, once.

    The server is one with OpenAI's endpoints for files and fine-tuning jobs. What was done is noted after each step, so
    that a command that was ended is gone on with.

    training (str | Path): Chats in JSON lines, as `export_inferences` writes them.
    base_url (str): The server's address, up to and including '/v1'.
    model (str): The model that is tuned, as the server calls it.
    dev (str | Path | None): Chats to measure the training by. Default: none.
    epochs (int | None): Default: what the server finds right.
    suffix (str | None): A part of the new model's name. Default: none.
    seed (int | None): Of the training. Default: none.
    api_key_env (str | None): The environment variable with the key. Default: none, and OPENAI_API_KEY at OpenAI.
    state (str | Path | None): Where it is noted. Default: the training file's name with '.jobs.json' after it.
    again (bool): Whether to submit what was submitted before once more. Default: False.
    RETURNS (tuple[FineTuningJob, bool]): The job, and whether it was submitted now.
    RAISES (UserError): Where a file isn't of chats, or the server doesn't take it.
    """
    from spacy_ner_plus.learning.fine_tuning_jobs import FineTuningJobs
    from spacy_ner_plus.llm.client.settings import ChatSettings

    wanted: dict[str, Any] = {}
    if epochs is not None:
        at_least("epochs", epochs, 1)
        hyperparameters = {"n_epochs": epochs}
        wanted["method"] = {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}
    if suffix is not None:
        wanted["suffix"] = suffix
    if seed is not None:
        wanted["seed"] = seed
    settings = ChatSettings(base_url=base_url, name=model, api_key_env=api_key_env)
    return FineTuningJobs(_state(training, state)).submit(
        settings, Path(training), Path(dev) if dev else None, wanted=wanted, again=again
    )


def jobs_status(
    training: str | Path, *, state: str | Path | None = None, api_key_env: str | None = None
) -> "list[JobStatus]":
    """Ask how the jobs of a training file stand.

    training (str | Path): As it was submitted.
    state (str | Path | None): As it was submitted with.
    api_key_env (str | None): The environment variable with the key. Default: that of the submission.
    RETURNS (list[JobStatus]): Oldest first; of one that has succeeded, `variant()` is what `variants` takes.
    RAISES (UserError): Where the server doesn't say.
    """
    from spacy_ner_plus.learning.fine_tuning_jobs import FineTuningJob, FineTuningJobs
    from spacy_ner_plus.llm.client.settings import ChatSettings

    def settings_of(job: FineTuningJob) -> ChatSettings:
        key = api_key_env or job.api_key_env or None
        return ChatSettings(base_url=job.base_url, name=job.model, api_key_env=key)

    return FineTuningJobs(_state(training, state)).look(settings_of)


def _state(training: str | Path, state: str | Path | None) -> Path:
    path = Path(training)
    return path.with_name(f"{path.name}.jobs.json") if state is None else Path(state)
