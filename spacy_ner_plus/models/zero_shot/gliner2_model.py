"""Models of the library gliner2, both of its kinds."""

from collections.abc import Sequence
from math import exp, inf, log
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.models.zero_shot.checkpoint import ENCODER_CONFIG, GLINER2_CONFIG, Checkpoint, to_json
from spacy_ner_plus.models.zero_shot.piece_limit import piece_limit, tokenizer_files
from spacy_ner_plus.models.zero_shot.precision import in_precision, with_module
from spacy_ner_plus.models.zero_shot.prompts import Prompt, Prompts
from spacy_ner_plus.models.zero_shot.snapshot import cant_load
from spacy_ner_plus.models.zero_shot.span_model import Candidate, Window
from spacy_ner_plus.models.zero_shot.weights import read_weights
from spacy_ner_plus.models.zero_shot.windows import Word

# Most words of a window where the configuration names no number: what gliner2's own long texts are cut to.
_LONGEST = 384


def make_gliner2(checkpoint: Checkpoint, name: str) -> "GLiNER2Model":
    """Make a model of gliner2.

    name (str): For messages.
    RAISES (UserError): Where gliner2 isn't installed or can't make it, or weights are missing.
    """
    with from_extra("zero-shot"):
        from gliner2 import AutoExtractor
        from gliner2.configuration import ExtractorConfig
        from gliner2.models.loading import reconcile_encoder_embeddings
    from transformers import AutoConfig, AutoTokenizer

    weights = read_weights(checkpoint.weights, name)
    with TemporaryDirectory() as scratch:
        for file, data in checkpoint.files.items():
            path = Path(scratch) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        try:
            config = ExtractorConfig.from_pretrained(scratch)
            made = AutoExtractor.from_config(
                config,
                encoder_config=AutoConfig.from_pretrained(Path(scratch, ENCODER_CONFIG)),
                tokenizer=AutoTokenizer.from_pretrained(scratch, local_files_only=True),
                use_flashdeberta=False,
            )
            reconcile_encoder_embeddings(made, weights)
            made.load_state_dict(weights)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, AttributeError) as error:
            reason = str(error).strip().splitlines()[-1]
            raise cant_load(name, f"gliner2 can't make it ({type(error).__name__}: {reason})") from error
    made.processor.change_mode(is_training=False)
    return GLiNER2Model(made.eval())


class GLiNER2Model:
    """A model of gliner2, as `SpanModel` says.

    extractor (SpanExtractor | BoundaryExtractor): With its processor and weights.
    """

    reads_prompts = True

    def __init__(self, extractor: Any):
        self.network = extractor
        self._computing = extractor
        self._processor = extractor.processor
        config = extractor.config
        self.longest: int = config.max_len or _LONGEST
        self.widest: int | None = config.max_width if extractor.architecture == "span" else None
        self.limit = piece_limit(self._processor.tokenizer, extractor.encoder)

    @property
    def encoder(self) -> torch.nn.Module:
        """RETURNS (Module): The base model that reads texts."""
        return self.network.encoder

    def compute_in(self, dtype: torch.dtype) -> None:
        """Let the encoder of texts compute in other floats than those of its weights, which stay."""
        self._computing = with_module(self.network, "encoder", in_precision(self.encoder, dtype))

    def words(self, text: str) -> list[Word]:
        """RETURNS (list[Word]): A text as the model's splitter cuts it."""
        return [Word(*word) for word in self._processor.word_splitter(text, lower=True)]

    def sizes(self, words: Sequence[Word]) -> list[int]:
        """RETURNS (list[int]): How many wordpieces each word has."""
        return [len(self._processor._tokenize_cached(word.text)) for word in words]

    def prompt_sizes(self, prompts: Prompts) -> tuple[int, list[int]]:
        """RETURNS (tuple[int, list[int]]): How many wordpieces come beside a text whatever is asked, and with each
        prompt."""

        def size(*some: Prompt) -> int:
            # With the full stop, which is set behind a text that ends without one.
            return len(self._processor.transform_record(".", _schema(some)).input_ids)

        other = Prompt("\0")
        alone = size(other)
        sizes = [size(other, prompt) - alone for prompt in prompts]
        return size(*prompts) - sum(sizes), sizes

    def score(
        self, windows: Sequence[Window], prompts: Prompts, least: Sequence[float]
    ) -> list[list[Candidate]]:
        """RETURNS (list[list[Candidate]]): For each window, by start, width and prompt."""
        lowest = min(least)
        schema = _schema(prompts)
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            batch = self._processor.collate_fn_inference(
                [(window.text, schema) for window in windows],
                error_policy="raise",
                architecture=self.network.architecture,
            )
            _, metadata = self.network._build_schema_dicts_and_metadata([schema] * len(windows))
            for row in metadata:
                row["_overlap_policy"] = "allow"
            found = self._computing._extract_from_batch(
                batch.to(device), 0.0 if lowest == -inf else 1 / (1 + exp(-lowest)), metadata, True, True
            )
        return [
            _candidates(window, result, prompts, least) for window, result in zip(windows, found, strict=True)
        ]

    def files(self) -> dict[str, bytes]:
        """RETURNS (dict[str, bytes]): Configurations and tokenizer, without a path of this machine."""
        config = self.network.config.to_dict()
        return {
            GLINER2_CONFIG: to_json(config),
            ENCODER_CONFIG: to_json(self.network.encoder.config.to_dict()),
            **tokenizer_files(self._processor.tokenizer),
        }


def _schema(prompts: Prompts) -> dict[str, Any]:
    described = {prompt.name: prompt.description for prompt in prompts if prompt.description}
    return {"entities": {prompt.name: "" for prompt in prompts}, "entity_descriptions": described}


def _candidates(
    window: Window, result: dict[str, Any], prompts: Prompts, least: Sequence[float]
) -> list[Candidate]:
    offset = window.words[0].start
    starts = {word.start - offset: i for i, word in enumerate(window.words)}
    ends = {word.end - offset: i + 1 for i, word in enumerate(window.words)}
    found: dict[tuple[int, int, int], float] = {}
    entities = (result.get("entities") or [{}])[0]
    for number, prompt in enumerate(prompts):
        for span in entities.get(prompt.name) or ():
            start = starts.get(span["start"])
            # gliner2 sets a full stop behind a text that ends without one, which is no part of the text.
            end = ends.get(min(span["end"], len(window.text)))
            logit = _logit(span["confidence"])
            if start is None or end is None or end <= start or logit < least[number]:
                continue
            key = (start, end, number)
            found[key] = max(logit, found.get(key, -inf))
    return [Candidate(*key, logit) for key, logit in sorted(found.items())]


def _logit(probability: float) -> float:
    if probability in (0.0, 1.0):
        return -inf if probability == 0.0 else inf
    return log(probability / (1 - probability))
