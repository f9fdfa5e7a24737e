"""Words a second on a GPU: raw text to entities, of encoders of two sizes, beside Hugging Face's pipeline.

    python benchmarks/gpu.py corpus/conll --encoder all-MiniLM-L6-v2 --output benchmarks/results/gpu.json

Two encoders: the one that is named, and one of RoBERTa-base's size (12 layers, 768 wide) with random weights
and the tokenizer of the first, since speed doesn't hang on what weights hold. The network isn't trained: its
head is set so that no entity is found, as entities of chance would cost time that a trained network's don't;
each pipeline is told so in the same way. All take turns for a few rounds on the same texts. Beside them the
bare forward pass over our own windows (limit.py), which is the limit.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import spacy
import torch
from corpus_parts import count_words, describe, messages, read_split
from figures import median_ratio, words_per_second
from limit import make_limit
from processes import machine
from results import save
from spacy.language import Language
from spacy.training import Example
from transformers import AutoModel, AutoModelForTokenClassification, AutoTokenizer, BertConfig, BertModel

from spacy_ner_plus.models.encoders.packaged import encoder_path_v1

# As configs/transformer_ner_gpu.cfg.
MODEL = {
    "@architectures": "spacy_ner_plus.TransformerTagger.v2",
    "window": 384,
    "overlap": 96,
    "batch_wordpieces": 16000,
}
BATCH_SIZES = (128, 512)
PEER_BATCH_SIZES = (32, 128)
STRIDE = 128
LABELS = ("LOC", "MISC", "ORG", "PER")
# A bias of O that no other tag reaches.
NOTHING = 100.0
Predict = Callable[[list[str], int], Any]


def main(options: argparse.Namespace) -> int:
    parts = {
        "documents": [doc for split in ("train", "dev", "test") for doc in read_split(options.corpus, split)]
    }
    parts["messages"] = messages(parts["documents"], 10_000)
    texts = {name: [doc.text for doc in docs] for name, docs in parts.items()}
    words = {name: count_words(docs) for name, docs in parts.items()}
    results: dict[str, Any] = {
        "corpus": options.corpus.name,
        "machine": {**machine(torch.get_num_threads()), "device": options.device},
        "rounds": options.rounds,
        "sets": {name: describe(docs) for name, docs in parts.items()},
        "encoders": [],
    }
    if options.device == "cuda":
        results["machine"]["gpu"] = torch.cuda.get_device_name()
    with tempfile.TemporaryDirectory() as folder:
        named = encoder_path_v1(options.encoder)
        encoders = {
            Path(options.encoder).name: named,
            "an encoder of RoBERTa-base's size": base_size(named, Path(folder) / "base"),
        }
        for name, path in encoders.items():
            row = measure(path, Path(folder), texts, words, options)
            results["encoders"].append({"encoder": name, **row})
            save(options.output, results)
            for kind, figures in row["speed"].items():
                print(f"{name}, {kind}: {figures}")
    return 0


def measure(
    encoder: str,
    folder: Path,
    texts: dict[str, list[str]],
    words: dict[str, int],
    options: argparse.Namespace,
) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Parameters of an encoder, and words a second by set of texts."""
    nlp = our_pipeline(encoder, options.device)
    ways: dict[str, tuple[Predict, tuple[int, ...]]] = {
        "ours": (lambda some, size: list(nlp.pipe(some, batch_size=size)), BATCH_SIZES),
        "hugging_face": (hugging_face(encoder, folder / "peer", options.device), PEER_BATCH_SIZES),
    }
    limit = make_limit(nlp, texts)
    speed = {}
    for name, some in texts.items():
        sizes = {
            way: best_size(predict, some[: len(some) // 8], sizes) for way, (predict, sizes) in ways.items()
        }
        limit(name, False)
        seconds: dict[str, list[float]] = {way: [] for way in (*ways, "limit")}
        for _ in range(options.rounds):
            for way, (predict, _) in ways.items():
                seconds[way].append(clock(predict, some, sizes[way]))
            seconds["limit"].append(limit(name, False))
        speed[name] = {
            **{way: words_per_second(words[name], values) for way, values in seconds.items()},
            "times_hugging_face": median_ratio(seconds["hugging_face"], seconds["ours"]),
            "share_of_limit": median_ratio(seconds["limit"], seconds["ours"]),
            "batch_sizes": sizes,
        }
    parameters = sum(p.numel() for p in AutoModel.from_pretrained(encoder).parameters())
    peak = torch.cuda.max_memory_allocated() // 2**20 if options.device == "cuda" else None
    return {"parameters": parameters, "speed": speed, "peak_gpu_memory_mib": peak}


def our_pipeline(encoder: str, device: str) -> Language:
    """RETURNS (Language): A pipeline that finds nothing."""
    nlp = spacy.blank("en")
    nlp.add_pipe("transformer_ner", config={"device": device, "model": {**MODEL, "encoder": encoder}})
    doc = nlp.make_doc("Anna Berg")
    component = nlp.get_pipe("transformer_ner")
    component.initialize(lambda: [Example(doc, doc)], nlp=nlp, labels=LABELS)
    network = component.token_scorer.tagger.network
    with torch.no_grad():
        network.head.bias[0] = NOTHING
    return nlp


def hugging_face(encoder: str, folder: Path, device: str) -> Predict:
    """RETURNS (Predict): The pipeline of transformers, in bf16 on a GPU, whole texts with its stride."""
    from transformers import pipeline

    tags = ["O", *(f"{prefix}-{label}" for label in LABELS for prefix in "BI")]
    model = AutoModelForTokenClassification.from_pretrained(encoder, num_labels=len(tags))
    model.config.id2label = dict(enumerate(tags))
    with torch.no_grad():
        model.classifier.bias[0] = NOTHING
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(folder)
    found = pipeline(
        "token-classification",
        model=str(folder),
        aggregation_strategy="first",
        stride=STRIDE,
        device=device,
        **({"dtype": torch.bfloat16} if device == "cuda" else {}),
    )
    return lambda texts, size: found(list(texts), batch_size=size)


def base_size(tokenizer: str, folder: Path) -> str:
    """RETURNS (str): The folder of an encoder of RoBERTa-base's size, with random weights."""
    names = AutoTokenizer.from_pretrained(tokenizer)
    names.save_pretrained(folder)
    BertModel(BertConfig(vocab_size=len(names))).save_pretrained(folder)
    return str(folder)


def best_size(predict: Predict, texts: list[str], sizes: tuple[int, ...]) -> int:
    """RETURNS (int): The fastest of some batch sizes, each after a run that isn't timed."""
    seconds = {}
    for size in sizes:
        predict(texts, size)
        seconds[size] = clock(predict, texts, size)
    return min(seconds, key=seconds.get)


def clock(predict: Predict, texts: list[str], size: int) -> float:
    """RETURNS (float): Seconds."""
    began = time.perf_counter()
    predict(texts, size)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path, help="folder with train.spacy, dev.spacy and test.spacy")
    parser.add_argument("--encoder", default="all-MiniLM-L6-v2", help="packaged name, hub name or folder")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/gpu.json"))
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main(arguments()))
