"""The tagger as thinc sees it: forward and backward pass, optimizer, bytes."""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import srsly
import torch
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from spacy.tokens import Doc
from thinc.api import Optimizer
from thinc.shims import Shim
from torch import nn

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.batching import MicroBatch, micro_batches, scatter
from spacy_ner_plus.models.encoder import (
    build_from_folder,
    choose_device,
    choose_dtype,
    freeze_layers,
    load_pretrained,
    max_window,
)
from spacy_ner_plus.models.optimization import make_adamw, take_step
from spacy_ner_plus.models.orthography import PATTERNS
from spacy_ner_plus.models.tagger import Tagger
from spacy_ner_plus.models.threads import settle_in_worker
from spacy_ner_plus.models.tokenization import WordpieceTokenizer
from spacy_ner_plus.models.windows import Windowing, make_windows

_WEIGHTS = "model.safetensors"
_SETTINGS = "tagger.json"


class TaggerShim(Shim):
    """Hold the network, and run, train and save it.

    encoder (str): Folder or hub name, read when the network is made.
    windowing (Windowing): Size and overlap of windows, in wordpieces.
    batch_wordpieces (int): Most wordpieces of a micro-batch, padding included.
    case_features (str): 'auto' (where the tokenizer lowercases), 'always', 'never'.
    head_rate_factor (float): Learning rate of the head over that of the encoder.
    frozen_layers (int): How many of the encoder's lowest layers are not trained.
    attention_dropout (float): Share of attention weights that is dropped in training.
    """

    def __init__(
        self,
        encoder: str,
        windowing: Windowing,
        *,
        batch_wordpieces: int,
        case_features: str,
        head_rate_factor: float,
        frozen_layers: int,
        attention_dropout: float,
    ):
        super().__init__(None)
        self.encoder = encoder
        self.windowing = windowing
        self.batch_wordpieces = batch_wordpieces
        self.case_features = case_features
        self.head_rate_factor = head_rate_factor
        self.frozen_layers = frozen_layers
        self.attention_dropout = attention_dropout
        self.device_setting = "auto"
        self.precision = "auto"
        self.tokenizer: WordpieceTokenizer | None = None
        self._inference: nn.Module | None = None
        self._dropouts: list[nn.Dropout] = []
        self._device: torch.device | None = None

    # Making the network

    def create(self, n_tags: int) -> None:
        """Make the network from the pretrained encoder.

        n_tags (int): How many tags it shall score.
        """
        encoder, tokenizer = load_pretrained(self.encoder, self.attention_dropout)
        self.adopt(encoder, tokenizer, n_tags)

    def adopt(self, encoder: nn.Module, tokenizer: WordpieceTokenizer, n_tags: int) -> None:
        """Make the network from an encoder at hand.

        encoder (nn.Module): A Hugging Face base model.
        tokenizer (WordpieceTokenizer): Its tokenizer.
        n_tags (int): How many tags it shall score.
        """
        with_cases = self.case_features == "always" or (self.case_features == "auto" and tokenizer.lowercases)
        self._build(encoder, tokenizer, n_tags, len(PATTERNS) if with_cases else 0)

    def _build(self, encoder: nn.Module, tokenizer: WordpieceTokenizer, n_tags: int, n_cases: int) -> None:
        longest = max_window(encoder, tokenizer)
        if longest is not None and self.windowing.size > longest:
            raise UserError(Errors.E207.format(size=self.windowing.size, longest=longest))
        freeze_layers(encoder, self.frozen_layers)
        self.tokenizer = tokenizer
        self._model = Tagger(encoder, n_tags, n_cases)
        self._dropouts = [m for m in self._model.modules() if isinstance(m, nn.Dropout) and m.p > 0]
        self._optimizer = None
        self._inference = None
        self._device = None

    def place(self, device: str, precision: str) -> None:
        """Say where the network shall run, and in which precision.

        device (str): As `choose_device` reads it.
        precision (str): As `choose_dtype` reads it.
        """
        self.device_setting, self.precision = device, precision
        self._inference = None
        self._device = None

    @property
    def network(self) -> Tagger:
        """RETURNS (Tagger): The network, on its device.

        RAISES (UserError): Where it has not been made yet.
        """
        if self._model is None:
            raise UserError(Errors.E208)
        if self._device is None:
            self._device = choose_device(self.device_setting)
            self._model.to(self._device)
        return self._model

    # Running it

    def predict(self, docs: Sequence[Doc]) -> list[np.ndarray]:
        """Score the tags of every token.

        docs (Sequence[Doc]): A batch.
        RETURNS (list[Floats2d]): Logits of shape (tokens, n_tags) for each Doc;
            zeros for tokens without a wordpiece.
        """
        settle_in_worker()
        network = self._inference_network()
        parts = []
        batches = list(self._batches(docs))
        with torch.inference_mode():
            for batch in batches:
                parts.append(network(*self._tensors(batch)).float())
        return scatter([len(doc) for doc in docs], batches, parts, network.head.out_features)

    def begin_update(self, docs: Sequence[Doc]) -> tuple[list[np.ndarray], Callable]:
        """Score the tags of every token, ready to learn.

        docs (Sequence[Doc]): A batch.
        RETURNS (tuple[list[Floats2d], Callable]): Logits as `predict` gives them,
            and a function that takes their gradients.
        """
        settle_in_worker()
        network = self.network
        network.train()
        device = self._device
        dtype = choose_dtype(self.precision, device)
        if dtype == torch.float16:
            # Half precision would need its gradients scaled.
            dtype = torch.float32
        parts = []
        batches = list(self._batches(docs))
        for batch in batches:
            with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
                parts.append(network(*self._tensors(batch)).float())

        def backprop(d_scores: list[np.ndarray]) -> list:
            flat = np.concatenate(d_scores) if d_scores else np.zeros((0, 1), dtype=np.float32)
            gradients = [
                torch.from_numpy(np.ascontiguousarray(flat[batch.tokens], dtype=np.float32)).to(device)
                for batch in batches
            ]
            if parts:
                torch.autograd.backward(parts, gradients)
            return []

        scores = scatter(
            [len(doc) for doc in docs],
            batches,
            [part.detach() for part in parts],
            network.head.out_features,
        )
        return scores, backprop

    def __call__(self, inputs: Sequence[Doc], is_train: bool) -> tuple[list[np.ndarray], Callable]:
        if is_train:
            return self.begin_update(inputs)
        return self.predict(inputs), lambda d_scores: []

    def _batches(self, docs: Sequence[Doc]):
        tokenizer = self.tokenizer
        pieces = tokenizer([doc.text for doc in docs])
        windows = make_windows(docs, pieces, self.windowing, with_cases=self._model.cases is not None)
        return micro_batches(
            windows, tokenizer.prefix, tokenizer.suffix, tokenizer.pad_id, self.batch_wordpieces
        )

    def _tensors(self, batch: MicroBatch) -> tuple[torch.Tensor, ...]:
        arrays = (batch.ids, batch.cases, batch.mask, batch.places)
        return tuple(torch.from_numpy(array).to(self._device) for array in arrays)

    def _inference_network(self) -> nn.Module:
        if self._inference is None:
            network = self.network
            dtype = choose_dtype(self.precision, self._device)
            # Weights cast once: autocast would cast them again for each micro-batch.
            self._inference = network if dtype == torch.float32 else copy.deepcopy(network).to(dtype)
        self._inference.eval()
        return self._inference

    # Training it

    def finish_update(self, optimizer: Optimizer) -> None:
        """Take a step with AdamW.

        optimizer (Optimizer): Whose current settings are used.
        """
        network = self.network
        if not any(parameter.grad is not None for parameter in network.parameters()):
            return
        if self._optimizer is None:
            self._optimizer = make_adamw(network, self.head_rate_factor)
        take_step(self._optimizer, optimizer, network)
        self._inference = None

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
        network = self.network
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
        settings = {
            "n_tags": network.head.out_features,
            "n_cases": 0 if network.cases is None else network.cases.num_embeddings,
        }
        return {
            **self.tokenizer.to_files(),
            "config.json": network.encoder.config.to_json_string(use_diff=False).encode("utf8"),
            _SETTINGS: srsly.json_dumps(settings).encode("utf8"),
            _WEIGHTS: save_safetensors(state),
        }

    def from_files(self, folder: Path, weights: bytes | None = None) -> None:
        """Make the network from what `to_files` gave.

        folder (Path): A folder with these files.
        weights (bytes): The weights, where they are not in the folder.
        RAISES (UserError): Where the folder doesn't hold a tagger.
        """
        settings_path = folder / _SETTINGS
        if not settings_path.exists():
            raise UserError(Errors.E209.format(path=folder))
        settings = srsly.read_json(settings_path)
        encoder, tokenizer = build_from_folder(folder)
        self._build(encoder, tokenizer, settings["n_tags"], settings["n_cases"])
        state = load_safetensors(weights if weights is not None else (folder / _WEIGHTS).read_bytes())
        self._model.load_state_dict(state, assign=True)

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): All files as one message."""
        return srsly.msgpack_dumps({} if self._model is None else self.to_files())

    def from_bytes(self, data: bytes) -> "TaggerShim":
        """Make the network from what `to_bytes` gave.

        data (bytes): The message.
        RETURNS (TaggerShim): Itself.
        """
        files = srsly.msgpack_loads(data)
        if files:
            with TemporaryDirectory() as folder:
                for name, content in files.items():
                    if name != _WEIGHTS:
                        # Only names, so that no message can write elsewhere.
                        (Path(folder) / Path(name).name).write_bytes(content)
                self.from_files(Path(folder), files[_WEIGHTS])
        return self

    def to_device(self, device_type: str, device_id: int) -> None:
        """Leave the network where its own `device` setting puts it.

        device_type (str): Where spaCy would put it.
        device_id (int): And on which of these.
        """
