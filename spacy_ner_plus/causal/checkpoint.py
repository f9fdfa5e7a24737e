"""Where a run was: one file, written whole, from which it goes on as if it had never been cut."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import written_whole

if TYPE_CHECKING:
    import torch

NAME = "checkpoint.safetensors"
_STATE = "state"
_TRAINED, _BEST = "trained.", "best."


@dataclass
class State:
    """How far a run is.

    fingerprint (str): Of base, chats and settings.
    step (int): How many steps are done, of all epochs.
    seconds (float): That they took.
    losses (list[float]): The mean loss of each epoch that is done.
    scores (list[tuple[int, float]]): Epochs, from 1, and their dev scores.
    sums (tuple[float, int]): Of the epoch at work: its losses added up, and of how many steps.
    precision (str): 'fp32' or 'bf16', of products.
    """

    fingerprint: str
    step: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    scores: list[tuple[int, float]] = field(default_factory=list)
    sums: tuple[float, int] = (0.0, 0)
    precision: str = ""

    @property
    def best(self) -> tuple[int, float] | None:
        """RETURNS (tuple[int, float] | None): The first epoch with the best dev score, and the score."""
        return max(self.scores, key=lambda row: (row[1], -row[0]), default=None)

    def since_best(self) -> int:
        """RETURNS (int): How many evaluations were no better than the best one before them."""
        best = self.best
        return 0 if best is None else sum(epoch > best[0] for epoch, _ in self.scores)


def save_checkpoint(
    folder: Path,
    state: State,
    trained: Mapping[str, "torch.nn.Parameter"],
    optimizer: "torch.optim.Optimizer",
    best: Mapping[str, "torch.Tensor"],
) -> None:
    """Write where a run is.

    folder (Path): The output folder.
    trained (Mapping[str, torch.nn.Parameter]): The weights that are trained, by name.
    best (Mapping[str, torch.Tensor]): What they were when the dev score was best.
    RAISES (UserError): Where it can't be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {f"{_TRAINED}{name}": weight.detach() for name, weight in trained.items()}
    tensors |= {f"{_BEST}{name}": weight for name, weight in best.items()}
    for name, weight in trained.items():
        for key, value in optimizer.state.get(weight, {}).items():
            tensors[f"{key}.{name}"] = value
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    with written_whole(folder / NAME) as beside:
        try:
            save_file(tensors, beside, metadata={_STATE: json.dumps(asdict(state))})
        except SafetensorError as error:
            raise system_error(error) from error


def system_error(error: Exception) -> OSError:
    """RETURNS (OSError): What the system said where safetensors couldn't write, which has it in its text alone."""
    number = re.search(r"os error (\d+)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(str(error))


def read_state(folder: Path, fingerprint: str) -> State | None:
    """RETURNS (State | None): How far the run is whose checkpoint a folder holds; None where there is none.

    RAISES (UserError): Where it is of another run, or can't be read.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / NAME
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            read: dict[str, Any] = json.loads((file.metadata() or {})[_STATE])
        read["scores"] = [tuple(row) for row in read["scores"]]
        read["sums"] = tuple(read["sums"])
        state = State(**read)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise UserError(Errors.E907.format(folder=folder)) from error
    if state.fingerprint != fingerprint:
        raise UserError(Errors.E907.format(folder=folder))
    return state


def load_checkpoint(
    folder: Path, trained: Mapping[str, "torch.nn.Parameter"], optimizer: "torch.optim.Optimizer"
) -> dict[str, "torch.Tensor"]:
    """Take over the weights of a checkpoint, and what the optimizer knows of them.

    RETURNS (dict[str, torch.Tensor]): The best weights so far.
    RAISES (UserError): Where it can't be read.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    best = {}
    try:
        with safe_open(folder / NAME, framework="pt") as file, torch.no_grad():
            names = set(file.keys())
            for name, weight in trained.items():
                weight.copy_(file.get_tensor(f"{_TRAINED}{name}"))
                if f"{_BEST}{name}" in names:
                    best[name] = file.get_tensor(f"{_BEST}{name}")
                keys = [key for key in ("step", "exp_avg", "exp_avg_sq") if f"{key}.{name}" in names]
                if keys:
                    # How often it stepped stays on the CPU, as AdamW has it.
                    optimizer.state[weight] = {
                        key: file.get_tensor(f"{key}.{name}").to("cpu" if key == "step" else weight.device)
                        for key in keys
                    }
    except (SafetensorError, OSError, RuntimeError) as error:
        raise UserError(Errors.E907.format(folder=folder)) from error
    return best
