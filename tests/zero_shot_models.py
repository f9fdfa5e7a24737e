"""Tiny zero-shot models of the real classes, with random weights."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.conftest import TEXTS, sentencepiece_tokenizer, wordpiece_tokenizer

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def save_all(folder: Path) -> dict[str, str]:
    """RETURNS (dict[str, str]): Folders of models by kind; none where their libraries aren't installed."""
    if find_spec("gliner") is None or find_spec("gliner2") is None:
        return {}
    bert, deberta = (save_text_encoder(kind, folder / kind) for kind in ("bert", "deberta"))
    return {
        "uni-bert": save_gliner(folder / "uni-bert", bert),
        "uni-deberta": save_gliner(folder / "uni-deberta", deberta),
        "bi-deberta": save_gliner(folder / "bi-deberta", deberta, labels_encoder=bert),
        "token-bert": save_gliner(folder / "token-bert", bert, level="token_level"),
        "gliner2": save_gliner2(folder / "gliner2", bert),
        "gliner2-boundary": save_gliner2(folder / "gliner2-boundary", deberta, "boundary"),
    }


def save_text_encoder(kind: str, folder: Path) -> str:
    """Save an encoder of a kind that published models have: 'bert' or 'deberta'."""
    import torch
    from transformers import BertConfig, BertModel, DebertaV2Config, DebertaV2Model

    torch.manual_seed(0)
    if kind == "bert":
        tokenizer = wordpiece_tokenizer()
        model = BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=96, **SIZES))
        tokenizer.model_max_length = 96
    else:
        tokenizer = sentencepiece_tokenizer()
        config = DebertaV2Config(
            vocab_size=len(tokenizer),
            relative_attention=True,
            position_biased_input=False,
            pos_att_type=["p2c", "c2p"],
            pad_token_id=tokenizer.pad_token_id,
            **SIZES,
        )
        model = DebertaV2Model(config)
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return str(folder)


def save_gliner(
    folder: Path,
    encoder: str,
    *,
    labels_encoder: str | None = None,
    level: str = "markerV0",
    max_len: int = 24,
) -> str:
    """Save a model of gliner whose scores are spread around a half."""
    import torch
    from gliner import GLiNER, GLiNERConfig

    torch.manual_seed(1)
    config = GLiNERConfig(
        model_name=encoder,
        labels_encoder=labels_encoder,
        hidden_size=32,
        span_mode=level,
        max_width=4,
        max_len=max_len,
        num_rnn_layers=1 if labels_encoder is None else 0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = GLiNER.from_config(config, backbone_from_pretrained=True, local_files_only=True)
    tokens = level == "token_level"
    if tokens or level == "markerV0":
        head = model.model.scorer.out_mlp if tokens else model.model.span_rep_layer.span_rep_layer.out_project
        with centred(head[-1], 40):
            model.inference(TEXTS, ["person", "city"])
    model.save_pretrained(folder, safe_serialization=True)
    return str(folder)


def save_gliner2(folder: Path, encoder: str, architecture: str = "span") -> str:
    """Save a model of gliner2 that finds some entities in most texts."""
    import torch
    from gliner2 import AutoExtractor
    from gliner2.configuration import ExtractorConfig

    torch.manual_seed(2)
    widths = {"max_width": 4} if architecture == "span" else {}
    model = AutoExtractor.from_config(
        ExtractorConfig(model_name=encoder, architecture=architecture, **widths)
    )
    if architecture == "span":
        # At least one entity is expected.
        model.count_pred[-1].bias.data[0] = -10
        model.span_rep.span_rep_layer.out_project[-1].weight.data *= 60
    model.save_pretrained(folder)
    return str(folder)


@contextmanager
def centred(last: Any, scale: float) -> Iterator[None]:
    """Make what a layer gives as often positive as negative in what runs inside, and larger: with small random
    weights all scores are alike."""
    import torch

    given: list[Any] = []
    with torch.no_grad():
        last.weight *= scale
        handle = last.register_forward_hook(lambda layer, inputs, output: given.append(output.flatten(0, -2)))
        yield
        handle.remove()
        last.bias -= torch.cat(given).mean(0)
