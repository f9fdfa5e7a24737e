"""AdamW where the network is, with the settings of thinc's optimizer.

thinc's own would walk torch's parameters one by one, and needs CuPy on a GPU.
"""

from collections.abc import Sequence

import torch
from thinc.api import Optimizer
from torch import nn


def make_adamw(
    network: nn.Module, rates: Sequence[tuple[float, Sequence[nn.Parameter]]]
) -> torch.optim.AdamW:
    """Make an optimizer, its rates still to be set.

    rates (Sequence[tuple[float, Sequence[nn.Parameter]]]): Parameters that start untrained, with their learning rate as
        a multiple of all others'.
    RETURNS (torch.optim.AdamW): With parameters in groups by rate and decay.
    """
    factors = {id(parameter): factor for factor, parameters in rates for parameter in parameters}
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            # Biases and normalisation weights are vectors, and are not decayed.
            key = factors.get(id(parameter), 1.0), parameter.dim() > 1
            groups.setdefault(key, []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": params,
                "rate_factor": factor,
                "decays": decays,
                "grad_clip": 1.0,
            }
            for (factor, decays), params in groups.items()
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


def take_step(adamw: torch.optim.AdamW, settings: Optimizer, network: nn.Module) -> None:
    """Take a step (AdamW: Loshchilov and Hutter, 2019), and forget the gradient.

    adamw (torch.optim.AdamW): What `make_adamw` made.
    settings (Optimizer): Its current learning rate, betas, eps, L2 (as weight decay)
        and grad_clip (of the norm of the whole gradient) are used. `nlp.rehearse` hands components a
        function that has only the first two: then the others stay as they were in the step before.
    """
    for group in adamw.param_groups:
        group["lr"] = float(settings.learn_rate) * group["rate_factor"]
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
