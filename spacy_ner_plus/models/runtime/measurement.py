"""Which precision is the fastest for a network on this CPU: measured once, and remembered.

What is measured is a layer of the network, with its weights, as the network runs it: for the machine, the encoder's
shape, the number of threads and the versions of what computes.
"""

import json
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from math import inf, isinf
from time import perf_counter
from typing import Any

import torch
from torch import nn

from spacy_ner_plus.about import __version__
from spacy_ner_plus.machine import CPU, times_preempted
from spacy_ner_plus.models.network.int8_layers import computes_int8
from spacy_ner_plus.models.network.tagger import Tagger
from spacy_ner_plus.models.runtime.measurement_file import keep_measurement, read_measurement
from spacy_ner_plus.models.runtime.placement import Placement
from spacy_ner_plus.models.runtime.precision import (
    BF16,
    FP32,
    INT8,
    VARIANTS,
    Variant,
    cpu_computes_bf16,
    fastest,
)
from spacy_ner_plus.models.runtime.probe import make_probe, probe_inputs, probe_size
from spacy_ner_plus.models.runtime.timing import Run, time_in_turn

# Seconds for all that is measured at once.
BUDGET = 0.2
PREDICTION, TRAINING, OPENVINO = "prediction", "training", "prediction by OpenVINO"
# As many times longer, for what takes minutes. In 0.2 s there is time to train on some 30 wordpieces, of which fp32 is
# the fastest on a CPU (AMD Zen 4, one thread) whose training steps take 1.6 times as long in it.
_PATIENCE = {TRAINING: 10}
# Share of them for precisions, where the rest is for who computes them.
_FIRST = 0.65
TASKS = (PREDICTION, TRAINING, OPENVINO)
# These tell torch's libraries to do without instructions that the CPU has.
_LIMITS = ("ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA", "ONEDNN_DEFAULT_FPMATH_MODE")
_SHAPE = (
    "hidden_size", "intermediate_size", "hidden_dim", "num_attention_heads", "hidden_act", "hidden_activation",
    "activation",
)  # fmt: skip

# As often a second other work may take the CPU away: on a quiet machine it is a few times, and hundreds on a busy one,
# whose figures would be remembered for ever.
_PREEMPTED = 100


@dataclass(frozen=True)
class Measurement:
    """How long a layer takes.

    seconds (Mapping[Variant, float]): For each way that was measured; infinite for those that fail here.
    wordpieces (int): For so many of them at once.
    spent (float): Seconds that measuring took in this process; 0 where it was remembered.
    whole (bool): Whether there was time to measure all in turn. Default True.
    """

    seconds: Mapping[Variant, float]
    wordpieces: int
    spent: float = 0.0
    whole: bool = True

    def fastest(self, allowed: Collection[Variant] = VARIANTS, *, sure: bool = True) -> Variant:
        """RETURNS (Variant): The one to take, as `precision.fastest` chooses; `sure` also means that nothing but what
        was measured takes time."""
        return fastest(self.seconds, allowed, sure=sure and self.whole)

    @property
    def per_thousand(self) -> dict[str, float | None]:
        """RETURNS (dict[str, float | None]): Milliseconds for 1,000 wordpieces, by the variant's name; None for what
        fails here."""
        return {
            str(variant): None if isinf(seconds) else 1e6 * seconds / self.wordpieces
            for variant, seconds in sorted(self.seconds.items(), key=lambda pair: VARIANTS.index(pair[0]))
        }

    def __str__(self) -> str:
        known = sorted(
            (seconds, str(variant)) for variant, seconds in self.seconds.items() if not isinf(seconds)
        )
        times = ", ".join(f"{name} {1e3 * seconds:.1f}" for seconds, name in known)
        origin = f"measured in {self.spent:.2f} s" if self.spent else "as measured earlier"
        return f"milliseconds for {self.wordpieces} wordpieces in a layer, {origin}: {times or 'none'}"

    def lacks(self, wanted: Collection[Variant]) -> list[Variant]:
        """RETURNS (list[Variant]): Those of some that were not measured."""
        return [variant for variant in wanted if variant not in self.seconds]

    def joined(self, later: "Measurement", common: Variant) -> "Measurement":
        """Add what was measured later, maybe with more or less other work beside it.

        common (Variant): Which both have: what is known stays, and the others are set in proportion to it.
        """
        here, there = self.seconds.get(common, inf), later.seconds.get(common, inf)
        factor = 0.0 if isinf(there) or isinf(here) else here / there
        added = {v: s * factor if factor else inf for v, s in later.seconds.items() if v not in self.seconds}
        return replace(
            self,
            seconds={**self.seconds, **added},
            spent=self.spent + later.spent,
            whole=self.whole and later.whole,
        )


# Of this process: two networks of one shape compute in the same way, whatever can be written.
_known: dict[str, Measurement] = {}


def measure(
    network: Tagger,
    task: str,
    *,
    longest: int,
    most: int,
    with_int8: bool = False,
    anew: bool = False,
    budget: float = 0.0,
) -> Measurement:
    """Measure how long a network takes in each precision that the CPU computes in, or remember it.

    network (Tagger): On the CPU; it isn't changed.
    task (str): One of `TASKS`: forward; forward and backward; forward by OpenVINO.
    longest (int): Wordpieces of the longest window.
    most (int): Most wordpieces that are computed at once.
    with_int8 (bool): Whether int8 is measured, too. Default False.
    anew (bool): Whether to forget what is remembered. Default False.
    budget (float): Seconds for it. Default 0: `BUDGET`, ten times as many for training; and where that isn't enough,
        it is for this process.
    RETURNS (Measurement): With fp32, bf16 where there are instructions for it, and the fastest of them by transformers
        where ours came first.
    """
    key = measurement_key(network.encoder, task, longest, most)
    name = json.dumps(key, sort_keys=True)
    known = None if anew else _known.get(name) or _read(key)
    with_int8 = with_int8 and task == PREDICTION and network.layers is not None and computes_int8()
    wanted = [FP32, *([BF16] if cpu_computes_bf16() else []), *([INT8] if with_int8 else [])]
    if known is not None and not known.whole and budget:
        known, anew = None, True
    if known is not None and (not known.whole or not known.lacks(wanted)):
        return _known.setdefault(name, known)
    budget = budget or BUDGET * _PATIENCE.get(task, 1)
    maker = _Maker(network, task, longest)

    def timed(variants: list[Variant], seconds: float, wordpieces: int = 0) -> Measurement:
        makers = {variant: partial(maker, variant) for variant in variants}
        return time_variants(makers, seconds, lambda count: probe_size(count, longest, most), wordpieces)

    maker.prepare()
    start = perf_counter()
    if known is not None:
        common = min(known.seconds, key=known.seconds.get)
        found = known.joined(timed([common, *known.lacks(wanted)], budget, known.wordpieces), common)
    else:
        found = timed(wanted, budget * (_FIRST if maker.has_layers else 1.0))
        best = fastest(found.seconds, (FP32, BF16))
        left = budget - (perf_counter() - start)
        if found.whole and maker.has_layers and left > 0:
            transformers = replace(best, own_layers=False)
            compared = timed([best, transformers], left, found.wordpieces)
            found = found.joined(compared, best) if compared.whole else found
    if found.whole and any(not isinf(seconds) for seconds in found.seconds.values()):
        keep_measurement(key, {str(v): seconds for v, seconds in found.seconds.items()}, found.wordpieces)
    if anew or known is not None:
        _known[name] = found
    # Where another thread was first, all take what it found.
    return _known.setdefault(name, found)


def time_variants(
    makers: Mapping[Variant, Callable[[], Run]],
    budget: float,
    sizes: Callable[[int], int],
    wordpieces: int = 0,
) -> Measurement:
    """RETURNS (Measurement): What `time_in_turn` finds; not whole where other work took the CPU away meanwhile."""
    before = times_preempted()
    found = time_in_turn(makers, sizes, budget, wordpieces=wordpieces)
    is_busy = times_preempted() - before > _PREEMPTED * max(found.spent, BUDGET)
    return Measurement(found.seconds, found.wordpieces, found.spent, found.whole and not is_busy)


def measure_variants(
    encoder: nn.Module, task: str, makers: Mapping[Variant, Callable[[], Run]], *, longest: int, most: int
) -> Measurement:
    """Measure how long a whole encoder takes in some precisions, or remember it.

    encoder (Module): A base model of transformers, on the CPU.
    task (str): What is computed, for what is remembered.
    makers (Mapping): Prepare each of them.
    longest (int): Wordpieces of the longest window.
    most (int): Most wordpieces that are computed at once.
    """
    key = measurement_key(encoder, task, longest, most)
    name = json.dumps(key, sort_keys=True)
    known = _known.get(name) or _read(key)
    if known is None:
        known = time_variants(makers, BUDGET, lambda count: probe_size(count, longest, most))
        if known.whole and any(not isinf(seconds) for seconds in known.seconds.values()):
            keep_measurement(key, {str(v): seconds for v, seconds in known.seconds.items()}, known.wordpieces)
    return _known.setdefault(name, known)


def measurement_key(encoder: nn.Module, task: str, longest: int, most: int) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): All that decides what a measurement gives."""
    config = encoder.config
    shape = {
        name: getattr(config, name) for name in _SHAPE if isinstance(getattr(config, name, None), int | str)
    }
    cpu = CPU.here()
    return {
        "task": task,
        "cpu": {"name": cpu.name, "family": cpu.family, "flags": list(cpu.flags)},
        "limits": {name: os.environ[name] for name in _LIMITS if name in os.environ},
        "threads": torch.get_num_threads(),
        "encoder": {"kind": type(encoder).__name__, **shape},
        "wordpieces": {"longest": longest, "most": most},
        "versions": versions(),
    }


@cache
def versions() -> dict[str, str]:
    """RETURNS (dict[str, str]): Those of what computes, by package; without those that aren't installed."""
    found = {"spacy-ner-plus": __version__}
    for package in ("torch", "transformers", "openvino"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _read(key: dict[str, Any]) -> Measurement | None:
    kept = read_measurement(key)
    if kept is None:
        return None
    seconds = {Variant.parse(name): value for name, value in kept["seconds"].items()}
    if None in seconds or isinf(min(seconds.values())):
        return None
    return Measurement(seconds, kept["wordpieces"])


class _Maker:
    """Prepares to compute a layer in some way; its probe is made when it is first used, within the time."""

    def __init__(self, network: Tagger, task: str, longest: int):
        self._network = network
        self._task = task
        self._longest = longest
        self._probe: Tagger | None = None
        self._made: dict[Variant, Run] = {}
        self.has_layers = network.layers is not None and task != OPENVINO

    def prepare(self) -> None:
        """Load what the network needs anyway, whether it is measured or not."""
        if self._task == OPENVINO:
            from spacy_ner_plus.models.runtime.openvino import openvino_core

            openvino_core()

    def __call__(self, variant: Variant) -> Run:
        if variant not in self._made:
            self._made[variant] = self._make(variant)
        return self._made[variant]

    def _make(self, variant: Variant) -> Run:
        if self._task == OPENVINO:
            from spacy_ner_plus.models.runtime.openvino_products import Products

            return Products(self._network.encoder.config, variant.dtype)
        if self._probe is None:
            self._probe = make_probe(self._network)
        return self._training(variant) if self._task == TRAINING else self._prediction(variant)

    def _prediction(self, variant: Variant) -> Run:
        # The copy of int8 leaves this one as it is.
        network = (
            Placement(torch.device("cpu"), torch.float32).computing(variant).inference_network(self._probe)
        )

        def run(count: int) -> None:
            with torch.inference_mode():
                network(*probe_inputs(count, self._longest))

        return run

    def _training(self, variant: Variant) -> Run:
        network = self._probe if variant.own_layers else self._probe.by_transformers()
        network.train()
        in_bf16 = variant.dtype != torch.float32

        def run(count: int) -> None:
            # Whoever has set a seed draws the same dropout as if nothing was measured.
            with torch.random.fork_rng(devices=[]), torch.enable_grad():
                with torch.autocast("cpu", dtype=variant.dtype, enabled=in_bf16):
                    scores = network(*probe_inputs(count, self._longest)).float()
                scores.backward(torch.ones_like(scores))

        return run
