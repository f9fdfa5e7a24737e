"""Models of the library gliner: uni- and bi-encoders that score spans or tokens."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.models.zero_shot.checkpoint import (
    GLINER_CONFIG,
    LABELS_TOKENIZER,
    Checkpoint,
    plain_name,
    to_json,
)
from spacy_ner_plus.models.zero_shot.label_embeddings import LabelEmbeddings
from spacy_ner_plus.models.zero_shot.piece_limit import piece_limit, tokenizer_files, word_sizes
from spacy_ner_plus.models.zero_shot.precision import in_precision, with_module
from spacy_ner_plus.models.zero_shot.prompts import Prompts
from spacy_ner_plus.models.zero_shot.snapshot import cant_load
from spacy_ner_plus.models.zero_shot.span_head import SpanHead
from spacy_ner_plus.models.zero_shot.span_model import Candidate, Window
from spacy_ner_plus.models.zero_shot.token_head import find_token_spans
from spacy_ner_plus.models.zero_shot.weights import fill
from spacy_ner_plus.models.zero_shot.windows import Word

# What becomes of hidden states: the kinds of gliner's models whose entities are found here.
_KINDS = ("UniEncoderSpanGLiNER", "UniEncoderTokenGLiNER", "BiEncoderSpanGLiNER", "BiEncoderTokenGLiNER")


def make_gliner(checkpoint: Checkpoint, name: str) -> "GLiNERModel":
    """Make a model of gliner.

    name (str): For messages.
    RAISES (UserError): Where gliner isn't installed or can't make it, or weights are missing.
    """
    with from_extra("zero-shot"):
        import gliner
    from transformers import AutoTokenizer

    with TemporaryDirectory() as scratch, quiet_gliner():
        folder = Path(scratch)
        for file, data in checkpoint.files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(data)
        config = checkpoint.json(GLINER_CONFIG)
        named = {key: config.get(key) for key in ("model_name", "labels_encoder")}
        tokenizers: dict[str, Any] = {}
        try:
            if config.get("labels_encoder"):
                labels = folder / LABELS_TOKENIZER
                config["labels_encoder"] = str(labels)
                tokenizers["labels_tokenizer"] = AutoTokenizer.from_pretrained(labels, local_files_only=True)
            made = gliner.GLiNER.from_config(
                {**config, "model_name": scratch},
                backbone_from_pretrained=False,
                local_files_only=True,
                **tokenizers,
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, AttributeError) as error:
            raise cant_load(name, f"gliner can't make it ({type(error).__name__}: {error})") from error
    kind = type(made).__name__
    if kind not in _KINDS or made.config.represent_spans or made.config.precomputed_prompts_mode:
        raise cant_load(name, f"it is a {kind} of a kind whose entities can't be read here")
    for key, value in named.items():
        if value:
            setattr(made.config, key, value)
    fill(made.model, checkpoint.weights, name)
    return GLiNERModel(made.eval())


@contextmanager
def quiet_gliner():
    """Keep gliner from warning of what is done on purpose, as it is made or reads."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module=r"gliner\b")
        warnings.filterwarnings(
            "ignore", message="Resizing embeddings is not supported", category=UserWarning
        )
        yield


class GLiNERModel:
    """A model of gliner, as `SpanModel` says.

    gliner (BaseGLiNER): With its processor and weights.
    """

    def __init__(self, gliner: Any):
        self._gliner = gliner
        self._processor = gliner.data_processor
        config = gliner.config
        self.longest: int = config.max_len
        self.reads_prompts = not config.labels_encoder
        self._scores_tokens = config.span_mode == "token_level"
        self.widest: int | None = None if self._scores_tokens else config.max_width
        tokenizer = self._processor.transformer_tokenizer
        self.limit = piece_limit(tokenizer, self.encoder)
        self._labels = None if self.reads_prompts else LabelEmbeddings()
        self._head: SpanHead | None = None
        self._computing: torch.nn.Module = gliner.model

    @property
    def network(self) -> torch.nn.Module:
        """RETURNS (Module): All that has weights."""
        return self._gliner.model

    @property
    def encoder(self) -> torch.nn.Module:
        """RETURNS (Module): The base model that reads texts."""
        return self.network.token_rep_layer.bert_layer.model

    @property
    def encoders(self) -> list[torch.nn.Module]:
        """RETURNS (list[Module]): What is pretrained: the encoder of texts, and that of labels where there is one."""
        if self.reads_prompts:
            return [self.encoder]
        return [self.encoder, self.network.token_rep_layer.labels_encoder.model]

    def compute_in(self, dtype: torch.dtype) -> None:
        """Let the encoder of texts compute in other floats than those of its weights, which stay."""
        if self._labels is not None:
            # Weights may have changed since.
            self._labels = LabelEmbeddings()
        path = "token_rep_layer.bert_layer.model"
        self._computing = with_module(self.network, path, in_precision(self.encoder, dtype))

    def words(self, text: str) -> list[Word]:
        """RETURNS (list[Word]): A text as the model's splitter cuts it."""
        return [Word(*word) for word in self._processor.words_splitter(text)]

    def sizes(self, words: Sequence[Word]) -> list[int]:
        """RETURNS (list[int]): How many wordpieces each word has."""
        return word_sizes(self._processor.transformer_tokenizer, [word.text for word in words])

    def prompt_sizes(self, prompts: Prompts) -> tuple[int, list[int]]:
        """RETURNS (tuple[int, list[int]]): How many wordpieces come beside a text whatever is asked, and with each
        prompt."""
        tokenizer = self._processor.transformer_tokenizer
        special = tokenizer.num_special_tokens_to_add()
        if not self.reads_prompts:
            return special, [0] * len(prompts)
        marks = [self._processor.ent_token, self._processor.sep_token]
        entity, separator, *texts = word_sizes(tokenizer, [*marks, *map(_read_as, prompts)])
        return special + separator, [entity + size for size in texts]

    def score(
        self, windows: Sequence[Window], prompts: Prompts, least: Sequence[float]
    ) -> list[list[Candidate]]:
        """RETURNS (list[list[Candidate]]): For each window, by start, width and prompt."""
        texts = [[word.text for word in window.words] for window in windows]
        lengths = [len(words) for words in texts]
        labels = [_read_as(prompt) for prompt in prompts]
        device = next(self.network.parameters()).device
        with torch.inference_mode(), quiet_gliner():
            words, embedded = self._embed(texts, labels, device)
            bounds = torch.tensor(least, dtype=torch.float32, device=device)
            if self._scores_tokens:
                return find_token_spans(self.network.scorer(words, embedded).float(), lengths, bounds)
            return self._span_head.find(words, self.network.prompt_rep_layer(embedded), lengths, bounds)

    def logits(self, windows: Sequence[Window], prompts: Prompts) -> list[torch.Tensor]:
        """Score all spans or words of some windows by the network itself, in its own floats and with a gradient.

        RETURNS (list[Tensor]): For each width of spans, from one word on, logits of shape (windows, starts, prompts);
            of a model that scores words, one tensor of shape (windows, words, prompts, 3): start, end, inside.
        """
        texts = [[word.text for word in window.words] for window in windows]
        device = next(self.network.parameters()).device
        words, embedded = self._embed(texts, [_read_as(prompt) for prompt in prompts], device, learns=True)
        if self._scores_tokens:
            return [self.network.scorer(words, embedded)]
        return self._span_head.logits(
            words, self.network.prompt_rep_layer(embedded), [len(words) for words in texts]
        )

    @property
    def _span_head(self) -> SpanHead:
        if self._head is None:
            self._head = SpanHead(self.network.span_rep_layer, self._gliner.config.max_width)
        return self._head

    def _embed(
        self, texts: list[list[str]], labels: list[str], device: torch.device, *, learns: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """RETURNS (tuple[Tensor, Tensor]): Embeddings of words, of shape (texts, words, hidden), and of labels, of
        shape (texts, labels, hidden)."""
        tokenize: Callable[..., Any] = self._processor.tokenize_inputs
        classes = {label: i for i, label in enumerate(labels, 1)} if self.reads_prompts else None
        inputs = {key: value.to(device) for key, value in tokenize(texts, classes).items()}
        inputs = {key: inputs[key] for key in ("input_ids", "attention_mask", "words_mask")}
        lengths = torch.tensor([[len(words)] for words in texts], device=device)
        if self._labels is not None:
            inputs["labels_embeds"] = (
                self._encode_labels(labels)
                if learns
                else self._labels.of(labels, self.network, self._encode_labels)
            )
        network = self.network if learns else self._computing
        found = network.get_representations(text_lengths=lengths, **inputs)
        # A word of a text that looks like the mark of a label would be another one.
        return found.words_embedding.float(), found.prompts_embedding[:, : len(labels)].float()

    def _encode_labels(self, labels: list[str]) -> torch.Tensor:
        device = next(self.network.parameters()).device
        inputs = self._processor.labels_tokenizer(
            labels, return_tensors="pt", truncation=True, padding="longest"
        )
        encoder = self.network.token_rep_layer
        return encoder.encode_labels(inputs["input_ids"].to(device), inputs["attention_mask"].to(device))

    def files(self) -> dict[str, bytes]:
        """RETURNS (dict[str, bytes]): Configuration and tokenizers, without a path of this machine."""
        config = self._gliner.config.to_dict()
        for key in ("model_name", "labels_encoder"):
            if config.get(key):
                config[key] = plain_name(config[key])
        files = {GLINER_CONFIG: to_json(config), **tokenizer_files(self._processor.transformer_tokenizer)}
        if not self.reads_prompts:
            labels = tokenizer_files(self._processor.labels_tokenizer)
            files |= {f"{LABELS_TOKENIZER}/{file}": data for file, data in labels.items()}
        return files


def _read_as(prompt: Any) -> str:
    """What gliner reads of a prompt: a description in place of the name, as it does with its own mappings."""
    return prompt.description or prompt.name
