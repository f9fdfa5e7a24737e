"""AdamW where the network is, with the settings of thinc's optimizer.

thinc's own would walk torch's parameters one by one, and needs CuPy on a GPU.
"""

from collections.abc import Callable, Sequence

import torch
from thinc.api import Optimizer
from torch import nn


def make_adamw(
    network: nn.Module,
    rates: Sequence[tuple[float, Sequence[nn.Parameter]]],
    layers: Sequence[Sequence[nn.Parameter]] = (),
) -> torch.optim.AdamW:
    """Make an optimizer, its rates still to be set.

    rates (Sequence[tuple[float, Sequence[nn.Parameter]]]): Parameters that start untrained, with their learning rate as
        a multiple of all others'.
    layers (Sequence[Sequence[nn.Parameter]]): Those of each layer whose rate is asked for at each step, embeddings
        first; nothing where all have the same.
    RETURNS (torch.optim.AdamW): With parameters in groups by rate, layer and decay.
    """
    factors = {id(parameter): factor for factor, parameters in rates for parameter in parameters}
    layer_of = {id(parameter): i for i, parameters in enumerate(layers) for parameter in parameters}
    groups: dict[tuple[float, int | None, bool], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            # Biases and normalisation weights are vectors, and are not decayed.
            key = factors.get(id(parameter), 1.0), layer_of.get(id(parameter)), parameter.dim() > 1
            groups.setdefault(key, []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": params,
                "rate_factor": factor,
                "layer": layer,
                "steps": 0,
                "decays": decays,
                "grad_clip": 1.0,
            }
            for (factor, layer, decays), params in groups.items()
        ],
        lr=0.0,
        weight_decay=0.0,
        fused=True,
    )


def replace_parameters(
    adamw: torch.optim.AdamW, before: Sequence[nn.Parameter], after: Sequence[nn.Parameter]
) -> None:
    """Take other parameters in the place of some; the running averages of all others stay.

    before (Sequence[nn.Parameter]): Those that go, whose averages are forgotten.
    after (Sequence[nn.Parameter]): What comes in the place of each.
    """
    replaced = {id(old): new for old, new in zip(before, after, strict=True)}
    for group in adamw.param_groups:
        group["params"] = [replaced.get(id(parameter), parameter) for parameter in group["params"]]
    for old in before:
        adamw.state.pop(old, None)


def take_step(
    adamw: torch.optim.AdamW,
    settings: Optimizer,
    network: nn.Module,
    layer_rate: Callable[[int, int], float] | None = None,
) -> None:
    """Take a step (AdamW: Loshchilov and Hutter, 2019), and forget the gradient.

    adamw (torch.optim.AdamW): What `make_adamw` made.
    settings (Optimizer): Its current learning rate, betas, eps, L2 (as weight decay)
        and grad_clip (of the norm of the whole gradient) are used. `nlp.rehearse` hands components a
        function that has only the first two: then the others stay as they were in the step before.
    layer_rate (Callable | None): Gives the factor of a layer by its number and the steps that were taken before; what
        has 0 isn't changed, and its gradient doesn't count.
    """
    for group in adamw.param_groups:
        asked = layer_rate is not None and group["layer"] is not None
        factor = layer_rate(group["layer"], group["steps"]) if asked else 1.0
        group["steps"] += 1
        if not factor:
            for parameter in group["params"]:
                parameter.grad = None
        group["lr"] = float(settings.learn_rate) * group["rate_factor"] * factor
        group["betas"] = (float(settings.b1), float(settings.b2))
        if isinstance(settings, Optimizer):
            group["eps"] = float(settings.eps)
            group["weight_decay"] = float(settings.L2) if group["decays"] else 0.0
            group["grad_clip"] = float(settings.grad_clip)
    grad_clip = adamw.param_groups[0]["grad_clip"]
    if grad_clip:
        nn.utils.clip_grad_norm_(network.parameters(), grad_clip)
    adamw.step()
    adamw.zero_grad()
