"""The tagger as thinc sees it: forward and backward pass, optimizer, bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import srsly
import torch
from spacy.tokens import Doc
from thinc.api import Optimizer
from thinc.shims import Shim
from torch import nn

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.encoders.pretrained import freeze_layers, load_pretrained, max_window
from spacy_ner_plus.models.encoders.tokenization import WordpieceTokenizer
from spacy_ner_plus.models.inputs.batching import MicroBatch, scatter
from spacy_ner_plus.models.inputs.tensors import batcher, to_tensors
from spacy_ner_plus.models.inputs.windows import Windowing
from spacy_ner_plus.models.inputs.word_shape import PATTERNS
from spacy_ner_plus.models.network.tagger import Tagger
from spacy_ner_plus.models.runtime.memory import Budget
from spacy_ner_plus.models.runtime.precision import (
    OPENVINO,
    choose_device,
    choose_dtype,
    for_inference,
    is_alive,
)
from spacy_ner_plus.models.runtime.threads import settle_in_worker
from spacy_ner_plus.models.tagger_files import WEIGHTS, broken, read_tagger, tagger_to_files
from spacy_ner_plus.models.training.optimizer import make_adamw, take_step
from spacy_ner_plus.models.training.training_pass import TrainingPass


class TaggerShim(Shim):
    """Hold the network, and run, train and save it.

    encoder (str): Folder or hub name, read when the network is made.
    windowing (Windowing): Size and overlap of windows, in wordpieces.
    batch_wordpieces (int): Most wordpieces of a micro-batch, padding included.
    case_features (str): 'auto' (where the tokenizer lowercases), 'always', 'never'.
    line_features (bool): Whether the network is told where lines begin.
    head_layers (int): How many of the encoder's last layers the head reads; all where it has fewer.
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
        line_features: bool,
        head_layers: int,
        head_rate_factor: float,
        frozen_layers: int,
        attention_dropout: float,
    ):
        super().__init__(None)
        self.encoder = encoder
        self.windowing = windowing
        self.budget = Budget(batch_wordpieces)
        self.case_features = case_features
        self.line_features = line_features
        self.head_layers = head_layers
        self.head_rate_factor = head_rate_factor
        self.frozen_layers = frozen_layers
        self.attention_dropout = attention_dropout
        self.device_setting = "auto"
        self.precision = "auto"
        self.tokenizer: WordpieceTokenizer | None = None
        self._inference: nn.Module | None = None
        self._dropouts: list[nn.Dropout] = []
        self._device: torch.device | None = None

    @property
    def runs_ahead(self) -> bool:
        """RETURNS (bool): Whether what `launch` begins goes on by itself."""
        # The setting, as the network is put there only when it is first used.
        return choose_device(self.device_setting).type == "cuda"

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
        sizes = {
            "n_cases": len(PATTERNS) if with_cases else 0,
            "n_lines": 2 if self.line_features else 0,
            "n_layers": min(self.head_layers, encoder.config.num_hidden_layers),
        }
        self._build(encoder, tokenizer, n_tags=n_tags, **sizes)

    def _build(self, encoder: nn.Module, tokenizer: WordpieceTokenizer, **sizes: int) -> None:
        longest = max_window(encoder, tokenizer)
        if longest is not None and self.windowing.longest > longest:
            raise UserError(Errors.E207.format(size=self.windowing.longest, longest=longest))
        freeze_layers(encoder, self.frozen_layers)
        self.tokenizer = tokenizer
        self._model = Tagger(encoder, **sizes)
        of_attention = self._model.layers.attention_dropouts if self._model.layers is not None else []
        layers = [m for m in self._model.modules() if isinstance(m, nn.Dropout) and m.p > 0]
        # Modules compare by identity.
        self._dropouts = [layer for layer in layers if layer not in of_attention]
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

    def network_size(self) -> int:
        """RETURNS (int): How many tags the network scores."""
        return self._model.head_size

    # Running it

    def predict(self, docs: Sequence[Doc]) -> list[np.ndarray]:
        """Score the tags of every token.

        docs (Sequence[Doc]): A batch.
        RETURNS (list[Floats2d]): Logits of shape (tokens, n_tags) for each Doc;
            zeros for tokens without a wordpiece.
        """
        return self.launch(docs)()

    def launch(self, docs: Sequence[Doc]) -> Callable[[], list[np.ndarray]]:
        """Begin to score the tags of every token; a GPU goes on by itself after this.

        docs (Sequence[Doc]): A batch.
        RETURNS (Callable): Waits for the end, and gives what `predict` gives.
        """
        settle_in_worker()
        network = self._inference_network()

        def forward(batch: MicroBatch) -> torch.Tensor:
            with torch.inference_mode():
                return network(*to_tensors(batch, self._device)).float()

        batches, parts = self.budget.run(batcher(docs, self.tokenizer, self.windowing, self._model), forward)
        lengths = [len(doc) for doc in docs]
        return lambda: scatter(lengths, batches, parts, network.head_size)

    def begin_update(self, docs: Sequence[Doc]) -> tuple[list[np.ndarray], Callable]:
        """Score the tags of every token, ready to learn.

        docs (Sequence[Doc]): A batch.
        RETURNS (tuple[list[Floats2d], Callable]): Logits as `predict` gives them,
            and a function that takes their gradients.
        """
        settle_in_worker()
        network = self.network
        network.train()
        # It shares modules with this one, and would drop as they do now.
        self._inference = None
        dtype = choose_dtype(self.precision, self._device)
        # Half precision would need its gradients scaled.
        dtype = torch.float32 if dtype == torch.float16 else dtype
        make_batches = batcher(docs, self.tokenizer, self.windowing, self._model)
        training_pass = TrainingPass(network, make_batches, self.budget, self._device, dtype)

        def backprop(d_scores: list[np.ndarray]) -> list:
            if d_scores:
                training_pass.backward(np.concatenate(d_scores))
            return []

        batches, parts = training_pass.forward()
        lengths = [len(doc) for doc in docs]
        return scatter(lengths, batches, parts, network.head_size), backprop

    def __call__(self, inputs: Sequence[Doc], is_train: bool) -> tuple[list[np.ndarray], Callable]:
        if is_train:
            return self.begin_update(inputs)
        return self.predict(inputs), lambda d_scores: []

    def micro_batches(self, docs: Sequence[Doc]) -> list[MicroBatch]:
        """Tokenize Docs and lay windows over them.

        docs (Sequence[Doc]): A batch.
        RETURNS (list[MicroBatch]): What the network is given, one after the other.
        """
        return list(batcher(docs, self.tokenizer, self.windowing, self._model)(self.budget.wordpieces))

    def _inference_network(self) -> nn.Module:
        if self._inference is None or not is_alive(self._inference):
            by_openvino = self.device_setting == OPENVINO
            self._inference = for_inference(
                self.network, self.precision, self._device, by_openvino=by_openvino
            ).eval()
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
        if self._model is None:
            raise UserError(Errors.E208)
        return tagger_to_files(self._model, self.tokenizer)

    def from_files(self, folder: Path, weights: bytes | None = None) -> None:
        """Make the network from what `to_files` gave.

        folder (Path): A folder with these files.
        weights (bytes): The weights, where they are not in the folder.
        RAISES (UserError): Where the folder doesn't hold a tagger.
        """
        stored = read_tagger(folder, weights)
        try:
            self._build(stored.encoder, stored.tokenizer, **stored.sizes)
            self._model.load_state_dict(stored.state, assign=True)
        except (RuntimeError, TypeError) as error:
            raise broken(folder, error) from error

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
                    if name != WEIGHTS:
                        # Only names, so that no message can write elsewhere.
                        (Path(folder) / Path(name).name).write_bytes(content)
                self.from_files(Path(folder), files[WEIGHTS])
        return self

    def to_device(self, device_type: str, device_id: int) -> None:
        """Leave the network where its own `device` setting puts it.

        device_type (str): Where spaCy would put it.
        device_id (int): And on which of these.
        """
