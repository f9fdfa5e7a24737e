"""Our own tagger as thinc sees it: it scores, learns, and is saved."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from math import inf
from numbers import Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import srsly
import torch
from spacy.tokens import Doc
from spacy.util import logger
from thinc.api import Optimizer
from thinc.shims import Shim
from torch import nn

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.models.adapters.base import Base, hash_weights
from spacy_ner_plus.models.adapters.injection import differences, inject
from spacy_ner_plus.models.adapters.settings import LoraSettings
from spacy_ner_plus.models.decoding.tags import NEW_TAG_MARGIN, renumber_tags
from spacy_ner_plus.models.encoders.pretrained import (
    blank_encoder,
    freeze_layers,
    layer_parameters,
    load_encoder,
    max_window,
)
from spacy_ner_plus.models.encoders.tokenization import WordpieceTokenizer
from spacy_ner_plus.models.inputs.batching import MicroBatch, scatter
from spacy_ner_plus.models.inputs.tensors import batcher, to_tensors
from spacy_ner_plus.models.inputs.word_shape import CASE_PATTERNS
from spacy_ner_plus.models.network.lora import check_adapter, merged_weights
from spacy_ner_plus.models.network.tagger import Tagger
from spacy_ner_plus.models.ragged import Ragged
from spacy_ner_plus.models.runtime.device import OPENVINO as OPENVINO_DEVICE
from spacy_ner_plus.models.runtime.forks import check_device_after_fork, prepare_at_fork
from spacy_ner_plus.models.runtime.int8 import Int8Sample
from spacy_ner_plus.models.runtime.measurement import OPENVINO, PREDICTION, TRAINING, Measurement, measure
from spacy_ner_plus.models.runtime.memory import Budget
from spacy_ner_plus.models.runtime.placement import Placement, is_usable
from spacy_ner_plus.models.runtime.precision import BF16, FP32, INT8, VARIANTS, Variant
from spacy_ner_plus.models.runtime.shared_base import SharedBase
from spacy_ner_plus.models.runtime.threads import is_sent_to_worker, is_worker, limit_threads, one_thread
from spacy_ner_plus.models.tagger_files import (
    WEIGHTS,
    broken,
    of_encoder,
    read_tagger,
    tagger_to_files,
    with_encoder,
)
from spacy_ner_plus.models.tagger_settings import TaggerSettings
from spacy_ner_plus.models.tagger_state import TaggerState
from spacy_ner_plus.models.training.optimizer import make_adamw, replace_parameters, take_step
from spacy_ner_plus.models.training.training_pass import TrainingPass

# Where the network runs and how much fits into memory there, what predicts in its place, and what training keeps.
_DERIVED = frozenset(
    {
        "budget",
        "_placement",
        "_allowed",
        "_training",
        "_inference",
        "_dropouts",
        "_optimizer",
        "_sample",
        "_shared",
    }
)
# What 'auto' may take whatever it costs.
_EXACT = tuple(variant for variant in VARIANTS if not variant.quantized)
# Seconds to measure in where that is what is asked for.
_PATIENT = 2.0
# What bytes are called in messages.
_BYTES = "bytes of a pipeline"
# In a pickle: whether it was made for a worker, and how that one computes.
_TO_WORKER, _FOR_WORKER = "to_worker", "for_worker"


class TaggerModel(Shim):
    """Hold the network, and run, train and save it.

    settings (TaggerSettings): Those of the architecture.
    """

    def __init__(self, settings: TaggerSettings):
        super().__init__(None)
        self.settings = settings
        self.budget = Budget(settings.batch_wordpieces)
        self.device = "auto"
        self.precision = "auto"
        self.precision_tolerance = 0.0
        self.tokenizer: WordpieceTokenizer | None = None
        self._placement: Placement | None = None
        self._allowed: Sequence[Variant] = _EXACT
        self._training: Variant | None = None
        self._inference: nn.Module | None = None
        self._dropouts: list[nn.Dropout] = []
        self._sample = Int8Sample()
        # Where the encoder came from that an adapter stands on; "" where it is to be had in this network alone.
        self._base_name = self._base_hash = ""
        self._shared: SharedBase | None = None
        # How many numbers the last training changed; None where there was none, or an earlier version did it.
        self._trained: int | None = None

    # Making the network

    def create(self, n_tags: int) -> None:
        """Make the network on the pretrained encoder.

        RAISES (UserError): Where the encoder can't be loaded, or doesn't fit the settings; then the network that was
            there stays.
        """
        encoder, tokenizer = load_encoder(self.settings.encoder, self.settings.attention_dropout)
        self.adopt(encoder, tokenizer, n_tags)
        self._base_name = self.settings.encoder

    def adopt(self, encoder: nn.Module, tokenizer: WordpieceTokenizer, n_tags: int) -> None:
        """Make the network on an encoder that is loaded already.

        encoder (nn.Module): A Hugging Face base model.
        RAISES (UserError): Where it doesn't fit the settings; then the network that was there stays.
        """
        cases = self.settings.case_features
        with_cases = cases == "always" or (cases == "auto" and tokenizer.lowercases)
        sizes = {
            "n_cases": len(CASE_PATTERNS) if with_cases else 0,
            "n_lines": 2 if self.settings.line_features else 0,
            "n_layers": min(self.settings.head_layers, encoder.config.num_hidden_layers),
        }
        self._build(encoder, tokenizer, self.settings.adapter, n_tags=n_tags, **sizes)
        if self.settings.head_seed is not None:
            self._model.draw_head(self.settings.head_seed)
        self._base_name = self._base_hash = ""
        self._trained = None
        self._share()

    def resize(self, n_tags: int) -> None:
        """Score the tags of more labels: what was learnt of the others stays, new ones aren't predicted yet.

        n_tags (int): How many there shall be; the new labels come after those that are there.
        """
        network = self._model
        if network is None:
            raise UserError(Errors.E208)
        before = list(network.head.parameters())
        network.resize_head(n_tags, renumber_tags(network.head_size, n_tags), NEW_TAG_MARGIN)
        if self._optimizer is not None:
            replace_parameters(self._optimizer, before, list(network.head.parameters()))
        self._inference = None

    def _build(
        self,
        encoder: nn.Module,
        tokenizer: WordpieceTokenizer,
        adapter: LoraSettings | None = None,
        **sizes: int,
    ) -> None:
        longest, windowing = max_window(encoder, tokenizer), self.settings.windowing
        if longest is not None and windowing.longest > longest:
            raise UserError(Errors.E207.format(size=windowing.longest, longest=longest))
        freeze_layers(encoder, self.settings.frozen_layers)
        network = Tagger(encoder, **sizes)
        of_attention = network.layers.attention_dropouts if network.layers is not None else []
        layers = [m for m in network.modules() if isinstance(m, nn.Dropout) and m.p > 0]
        if adapter is not None:
            inject(encoder, adapter)
            network.adapt()
        # Only now, when nothing can fail any more.
        prepare_at_fork(self)
        self.tokenizer = tokenizer
        self._model = network
        # Modules compare by identity.
        self._dropouts = [layer for layer in layers if layer not in of_attention]
        self._optimizer = None
        self._inference = None
        self._placement = None
        self._sample = Int8Sample()
        self._training = None
        self._shared = None

    def _inject(self) -> None:
        """Make ready to train an adapter, where the settings have one: the one that was trained before, or a new
        one."""
        network, settings, adapter = self._model, self.settings.adapter, self._model.read_adapter
        if settings is None or (adapter is None and network.adapter is not None):
            return
        inject(network.encoder, settings, adapter)
        # The adapter may have been trained with fewer layers frozen.
        freeze_layers(network.encoder, self.settings.frozen_layers)
        network.adapt()
        self._inference = None
        self._share()

    def _share(self) -> None:
        """Stand on the encoder of other components, where the settings say so and there is an adapter."""
        settings, network = self.settings.adapter, self._model
        if settings is None or not settings.share_base or network.adapter is None:
            self._shared = None
        elif self._shared is None and next(network.parameters()).device.type == "cpu":
            weights = of_encoder(network.plain_state())
            self._base_hash = self._base_hash or hash_weights(weights)
            self._shared = SharedBase.of(self._base_hash, weights)
            self._shared.lend(network.encoder)

    # Where it runs

    def configure(self, device: str, precision: str, precision_tolerance: float = 0.0) -> None:
        """Set where the network runs, and in which precision, before or after it is made.

        All are resolved when it is first used, so that a pipeline can be loaded and saved where its
        device isn't there.

        device (str): As `choose_device` reads it.
        precision (str): As `choose_dtype` reads it; on a CPU 'auto' is the fastest that was measured.
        precision_tolerance (float): How many points of F1 'auto' may cost. Default 0: what rounds coarsely is left out.
        """
        self.device, self.precision, self.precision_tolerance = device, precision, precision_tolerance
        self._placement = None
        self._training = None
        self._inference = None
        # Its running averages are where the network was.
        self._optimizer = None

    @property
    def network(self) -> Tagger:
        """RETURNS (Tagger): The network, on its device.

        RAISES (UserError): Where it has not been made yet, or there is no such device.
        """
        self._place()
        return self._model

    def _place(self) -> Placement:
        if self._model is None:
            raise UserError(Errors.E208)
        placement = self._placement
        # In a worker that was forked from where OpenVINO predicts, torch does; and what int8 costs isn't known any more
        # once the network has learnt something, until it is measured again.
        changed = self.precision == "auto" and self._allowed != self.allowed
        if placement is None or changed or (placement.by_openvino and is_worker()):
            placement = Placement.resolve(self.device, self.precision)
            self._model.to(placement.device)
            self._inference = None
            self._allowed = self.allowed
            self._placement = placement = self._measured(placement)
        else:
            check_device_after_fork(placement.device)
        return placement

    def _measured(self, placement: Placement) -> Placement:
        if self.precision != "auto" or placement.device.type != "cpu":
            return placement
        measurement = self.measure(OPENVINO if placement.by_openvino else PREDICTION)
        variant = measurement.fastest(self.allowed)
        logger.info("Predicting in %s (%s).", variant, measurement)
        return placement.computing(variant)

    @property
    def allowed(self) -> Sequence[Variant]:
        """RETURNS (Sequence[Variant]): What precision 'auto' may take: int8 where it is known to cost no more F1 than
        is tolerated."""
        cost = self.int8_cost
        if self._shared is not None:
            return FP32, BF16
        takes_int8 = cost is not None and self.precision_tolerance > 0 and cost <= self.precision_tolerance
        return VARIANTS if takes_int8 else _EXACT

    def measure(
        self, task: str, *, with_int8: bool | None = None, anew: bool = False, budget: float = 0.0
    ) -> Measurement:
        """Measure how long the network takes in each precision on this CPU, or remember it.

        task (str): One of `measurement.TASKS`.
        with_int8 (bool): Whether int8 is measured. Default: where it may be taken.
        anew (bool): Whether to forget what is remembered. Default False.
        budget (float): Seconds for it. Default 0: as few as suits a first use.
        """
        if anew:
            self._placement = self._training = self._inference = None
        with_int8 = INT8 in self.allowed if with_int8 is None else with_int8
        longest = self.settings.windowing.longest
        sizes = {"longest": longest, "most": self.settings.batch_wordpieces}
        return measure(self._model, task, **sizes, with_int8=with_int8, anew=anew, budget=budget)

    def training_variant(self) -> Variant:
        """RETURNS (Variant): How the network is trained: in the precision that is named, else as is the fastest on
        this CPU."""
        placement = self._place()
        if placement.device.type != "cpu" or self.precision not in ("auto", "int8"):
            return FP32 if placement.training_dtype == torch.float32 else BF16
        if self._training is None:
            measurement = self.measure(TRAINING)
            # A step is more than its layers: on a Xeon where bf16 was 7 % faster in a layer, steps took 10 % longer.
            self._training = measurement.fastest(sure=False)
            logger.info("Training in %s (%s).", self._training, measurement)
        return self._training

    def measured(self, *, anew: bool = False) -> dict[str, tuple[Measurement, Variant]]:
        """Measure all that this CPU computes, to be shown.

        anew (bool): Whether to forget what is remembered. Default False.
        RETURNS (dict[str, tuple[Measurement, Variant]]): For prediction and for training what was measured, and what
            is taken. Nothing on a GPU.
        """
        limit_threads()
        placement = self._place()
        if placement.device.type != "cpu":
            return {}
        task = OPENVINO if placement.by_openvino else PREDICTION
        # Whoever waits for a table has more time than who waits for entities.
        options = {"anew": anew, "budget": _PATIENT}
        found = {name: self.measure(name, with_int8=True, **options) for name in (task, TRAINING)}
        # What was chosen in less time may be another.
        self._placement = self._training = None
        placement = self._place()
        return {task: (found[task], placement.variant), TRAINING: (found[TRAINING], self.training_variant())}

    def chosen(self) -> dict[str, str]:
        """RETURNS (dict[str, str]): In what the network predicts and is trained, with who computes it."""
        placement, training = self._place(), self.training_variant()
        predicting = f"{placement.variant} by OpenVINO" if placement.by_openvino else str(placement.variant)
        return {PREDICTION: predicting, TRAINING: str(training)}

    def prepare_workers(self) -> None:
        """Choose how workers compute, before this process is forked or sends them the network: all in one way, whether
        or not it has been used here."""
        if self._model is None or self.precision != "auto" or _may_have_gpu(self.device):
            return
        limit = nullcontext() if self._placement is not None else one_thread()
        try:
            with limit:
                if self._place().by_openvino:
                    # What workers that are forked will ask for.
                    with one_thread():
                        self.measure(PREDICTION)
        except (UserError, RuntimeError) as error:
            # They will meet it themselves, where it can be told.
            logger.debug("Not prepared for workers: %s", error)

    def prepare_for_fork(self) -> None:
        """Do so, and make the network that predicts, whose memory forked workers then share; not in training."""
        self.prepare_workers()
        if self._model is None or self._optimizer is not None or is_worker() or _may_have_gpu(self.device):
            return
        try:
            placement = self._place()
            # In a forked worker torch predicts in the place of OpenVINO.
            if placement.device.type == "cpu" and not placement.by_openvino:
                self.inference_network()
        except (UserError, RuntimeError) as error:
            logger.debug("Not prepared for workers: %s", error)

    @property
    def n_tags(self) -> int | None:
        """RETURNS (int | None): How many tags the network scores; None where it isn't made yet."""
        return None if self._model is None else self._model.head_size

    @property
    def runs_async(self) -> bool:
        """RETURNS (bool): Whether what `begin_score` begins goes on by itself, as on a GPU."""
        return self._place().device.type == "cuda"

    # Running it

    def begin_score(self, docs: Sequence[Doc]) -> Callable[[], Ragged]:
        """Begin to score the tags of every token; a GPU goes on by itself after this.

        RETURNS (Callable): Waits for the end, and gives logits of shape (tokens, n_tags); zeros for tokens
            without a wordpiece.
        """
        limit_threads()
        placement, network = self._place(), self.inference_network()

        def forward(batch: MicroBatch) -> torch.Tensor:
            with torch.inference_mode():
                return network(*to_tensors(batch, placement.device)).float()

        batches, parts = self.budget.run(self._batcher(docs), forward)
        lengths = [len(doc) for doc in docs]
        return lambda: scatter(lengths, batches, parts, network.head_size)

    def begin_update(self, docs: Sequence[Doc]) -> tuple[Ragged, Callable[[np.ndarray], None]]:
        """Score the tags of every token, ready to learn.

        RETURNS (tuple[Ragged, Callable]): Logits as `begin_score` gives them, and a function that takes
            the gradient of the loss by them, of the same shape, and adds to the network's.
        """
        limit_threads()
        self._place()
        self._inject()
        network, variant = self.network, self.training_variant()
        network.train()
        # It shares modules with this one, and would drop as they do now.
        self._inference = None
        trained = network if variant.own_layers else network.by_transformers()
        make_batches = self._batcher(docs, training=True)
        training_pass = TrainingPass(trained, make_batches, self.budget, self._place().device, variant.dtype)
        batches, parts = training_pass.forward()
        self._sample.add(batches)
        lengths = [len(doc) for doc in docs]
        return scatter(lengths, batches, parts, network.head_size), training_pass.backward

    def micro_batches(self, docs: Sequence[Doc]) -> list[MicroBatch]:
        """RETURNS (list[MicroBatch]): What the network is given for these Docs, one after the other."""
        return list(self._batcher(docs)(self.budget.wordpieces))

    def _batcher(self, docs: Sequence[Doc], *, training: bool = False):
        return batcher(docs, self.tokenizer, self.settings.windowing, self._model, training=training)

    def inference_network(self) -> nn.Module:
        placement = self._place()
        if self._inference is None or not is_usable(self._inference):
            if placement.quantized:
                self._measure_ranges()
            self._inference = placement.inference_network(self.network, self._shared)
        return self._inference

    @property
    def int8_cost(self) -> float | None:
        """RETURNS (float | None): What predicting in eight bits costs at most, in points of F1; None if unknown."""
        ranges = None if self._model is None else self._model.ranges
        return None if ranges is None else ranges.cost

    def _measure_ranges(self) -> None:
        if self._model.ranges is None:
            self._sample.measure(self._model)

    # Training it

    def finish_update(self, optimizer: Optimizer) -> None:
        """Take a step with AdamW, by the optimizer's current settings."""
        network = self.network
        if not any(parameter.grad is not None for parameter in network.parameters()):
            return
        if self._optimizer is None:
            adapter = self.settings.adapter or LoraSettings()
            rates = [
                (self.settings.head_rate_factor, network.head_parameters()),
                (
                    adapter.rate_factor,
                    [w for part in (network.adapter or {}).values() for w in (part.down, part.up)],
                ),
            ]
            layers = [] if self.settings.layer_rates is None else layer_parameters(network.encoder)
            self._optimizer = make_adamw(network, rates, layers)
        take_step(self._optimizer, optimizer, network, self._layer_rate)
        # What it has running averages of: layers that always had the rate 0 aren't among it.
        self._trained = sum(parameter.numel() for parameter in self._optimizer.state)
        self._inference = None
        network.ranges = None

    def _layer_rate(self, layer: int, step: int) -> float:
        rates, n_layers = self.settings.layer_rates, self._model.encoder.config.num_hidden_layers
        rate = 1.0 if rates is None else rates(layer, n_layers, step)
        if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 <= rate < inf:
            # Below 0 the layer would learn to be wrong.
            raise UserError(Errors.E957.format(value=repr(rate), layer=layer, step=step))
        return float(rate)

    def merged_state(self) -> TaggerState:
        """RETURNS (TaggerState): The network as plain data, an adapter merged into its encoder.

        RAISES (UserError): Where there is no network yet.
        """
        if self._model is None:
            raise UserError(Errors.E208)
        return TaggerState.of(self._model.merged())

    def replace_weights(self, weights: Mapping[str, np.ndarray]) -> None:
        """Take other weights in the place of all, those of an adapter with them.

        weights (Mapping[str, ndarray]): By the names that `merged_state` has them by.
        """
        # Made anew: an encoder may be shared with other components, and what is in it must stay for these.
        state = self.merged_state()
        with torch.random.fork_rng(devices=[]):
            self._build(blank_encoder(state.config), self.tokenizer, **state.sizes)
        frozen = frozenset(
            name for name, weight in self._model.named_parameters() if not weight.requires_grad
        )
        replace(state, weights=weights, frozen=frozen, ranges=None, int8_cost=None).fill(self._model)
        self._base_name = self._base_hash = ""

    def measure_ranges(self, docs: Iterable[Doc]) -> None:
        """Measure on Docs what predicting in eight bits takes and costs, in place of the last ones of a training.

        docs (Iterable[Doc]): No more of them are read than are needed.
        """
        self._sample = Int8Sample()
        for doc in docs:
            self._sample.add(self.micro_batches([doc]))
            if self._sample.is_full:
                break
        self.network.ranges = None
        self._measure_ranges()
        # It may be that eight bits are taken now.
        self._inference = self._placement = None

    def set_dropout(self, rate: float) -> None:
        """Set the share that the network's dropout layers drop in training.

        rate (float): From 0 to 1. Layers that the encoder's config switches off stay off.
        """
        for layer in self._dropouts:
            layer.p = rate

    # Saving and loading it

    def to_files(self) -> dict[str, bytes]:
        """RETURNS (dict[str, bytes]): Weights (safetensors), configuration and tokenizer by file name.

        RAISES (UserError): Where there is no network yet.
        """
        if self._model is None:
            raise UserError(Errors.E208)
        self._measure_ranges()
        return tagger_to_files(self._model, self.tokenizer, self._base_to_save(), self._trained)

    def _base_to_save(self) -> Base | None:
        """RETURNS (Base | None): The encoder that what is saved needs beside it; None where all weights are saved."""
        settings, network = self.settings.adapter, self._model
        if settings is None or not settings.saves_adapter or network.adapter is None:
            return None
        if not self._base_name:
            warnings.warn(Warnings.W386, stacklevel=2)
            return None
        self._base_hash = self._base_hash or hash_weights(of_encoder(network.plain_state()))
        return Base.of(self._base_name, self._base_hash)

    def from_files(self, folder: Path, weights: bytes | None = None, where: str | Path = "") -> None:
        """Make the network from what `to_files` gave.

        folder (Path): A folder with these files.
        weights (bytes): The weights, where they are not in the folder.
        where (str | Path): What the folder is called in messages. Default: as it is.
        RAISES (UserError): Where the folder doesn't hold a tagger.
        """
        where = where or folder
        stored = read_tagger(folder, weights, where)
        try:
            state, base = stored.state, stored.base
            adapter, settings = stored.adapter, self.settings.adapter
            if adapter is not None:
                check_adapter(stored.encoder, adapter)
            if base is not None:
                shared = SharedBase.of(base.sha256) if self.settings.shares_base else None
                read = base.read([self.settings.encoder], where) if shared is None else shared.weights
                if settings is None:
                    # What is trained now is the encoder itself.
                    read, base, adapter = merged_weights(read, adapter), None, None
                state = with_encoder(state, read)
            self._build(stored.encoder, stored.tokenizer, **stored.sizes)
            self._model.load_state_dict(state, assign=True)
            self._model.read_adapter = adapter
            self._trained = stored.trained
            self._base_name, self._base_hash = ("", "") if base is None else (base.name, base.sha256)
            if adapter is not None and (others := differences(settings, adapter)):
                warnings.warn(Warnings.W956.format(path=where, others="; ".join(others)), stacklevel=2)
            self._share()
            if stored.ranges is not None and self._model.layers is not None:
                self._model.ranges = stored.ranges if stored.ranges.fit(self._model.layers) else None
        except (RuntimeError, TypeError, ValueError) as error:
            raise broken(where, error) from error

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): All files as one message."""
        return srsly.msgpack_dumps({} if self._model is None else self.to_files())

    def from_bytes(self, data: bytes) -> "TaggerModel":
        """RETURNS (TaggerModel): Itself, with the network of a message that `to_bytes` gave."""
        files = srsly.msgpack_loads(data)
        if files:
            with TemporaryDirectory() as folder:
                for name, content in files.items():
                    if name != WEIGHTS:
                        # Only names, so that no message can write elsewhere.
                        (Path(folder) / Path(name).name).write_bytes(content)
                # The folder is gone when the message is read.
                self.from_files(Path(folder), files[WEIGHTS], _BYTES)
        return self

    # Copying and pickling it: settings, weights, and which of them are trained. All else is made of these
    # again where it is needed, maybe on another machine. The optimizer's averages stay behind: they are no part
    # of a model in thinc either.

    def __getstate__(self) -> dict[str, Any]:
        if self._model is not None and self.precision == "int8":
            # A copy has no inputs to measure them on, and would compute otherwise.
            self._measure_ranges()
        state = {name: value for name, value in self.__dict__.items() if name not in _DERIVED}
        tagger = None if self._model is None else TaggerState.of(self._model)
        to_worker, for_worker = is_sent_to_worker(), None
        if to_worker:
            self.prepare_workers()
            placement = self._placement
            if placement is not None and placement.device.type == "cpu":
                for_worker = placement, self._allowed
        return {**state, "_model": tagger, _TO_WORKER: to_worker, _FOR_WORKER: for_worker}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if state.pop(_TO_WORKER, False):
            limit_threads(started=True)
        for_worker = state.pop(_FOR_WORKER, None)
        tagger: TaggerState | None = state["_model"]
        self.__init__(state["settings"])
        self.__dict__.update(state, _model=None)
        if tagger is not None:
            # What it draws is overwritten, and whoever copies it may have set a seed.
            with torch.random.fork_rng(devices=[]):
                self._build(blank_encoder(tagger.config), self.tokenizer, **tagger.sizes)
            tagger.fill(self._model)
            self._share()
        if for_worker is not None:
            self._placement, self._allowed = for_worker

    def to_device(self, device_type: str, device_id: int) -> None:
        """Leave the network where its own `device` setting puts it, wherever spaCy would put it."""


def _may_have_gpu(device: str) -> bool:
    # Asked so that workers can still use it: `torch.cuda.is_available` would take that from them.
    return device not in ("cpu", OPENVINO_DEVICE) and (device != "auto" or torch.cuda.device_count() > 0)
