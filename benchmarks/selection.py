"""`select`: texts a second of our embeddings beside sentence-transformers', and what selecting takes.

Both run the packaged all-MiniLM-L6-v2 on the same texts, one thread each, turn about after a round that doesn't
count: sentences of CoNLL++, and the first words of its documents, those left out of which sentence-transformers would
cut more. It has its own batches of 32, in its own order of length. How far apart the vectors are is said, too.

Selecting is timed on random vectors, each choice in a process of its own: exact comparison by numpy beside FAISS's
inverted lists, farthest first, and the memory that each takes at most.

    python benchmarks/selection.py [CONLL_FILE] [--texts 2000] [--vectors 50000 200000]

The file is CoNLL++'s test.txt in the folder that SPACY_NER_PLUS_DATA names if none is given. Writes
benchmarks/results/selection.json. (Not select.py: Python would take it for its own module.)
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from processes import machine

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("SPACY_NER_PLUS_DATA", ROOT.parent / "shared" / "data"))
RESULT = Path(__file__).parent / "results" / "selection.json"
MODEL = "all-MiniLM-L6-v2"
ROUNDS = 5
# So many words of nearly all documents have no more than the 254 wordpieces that the model reads.
WORDS = 120
CHUNK = 512
QUERIES, SELECTED, PROBED = 1000, 1000, 1 / 16
CHOICES = ("imports_alone", "numpy", "inverted_lists", "farthest_first")


def read_sets(path: Path, count: int) -> dict[str, list[str]]:
    from spacy_ner_plus.workflows.convert import convert

    sentences = [doc.text for doc in convert(path, options={"group": "sentence"}).docs]
    documents = [" ".join(doc.text.split()[:WORDS]) for doc in convert(path).docs]
    return {"sentences": sentences[:count], "documents": documents[: count // 8]}


def embed_texts(texts: list[str]) -> dict[str, Any]:
    """Let sentence-transformers and ours take turns.

    RETURNS (dict): Texts a second of each by round, medians, ratios, and the largest distance from theirs.
    """
    import numpy as np
    from sentence_transformers import SentenceTransformer

    from spacy_ner_plus.models.embeddings.embedder import Embedder

    embedders = {name: Embedder(MODEL, device="cpu", precision=name) for name in ("fp32", "auto")}
    theirs = SentenceTransformer(str(embedders["fp32"].folder.path), device="cpu")

    # sentence-transformers would cut the others.
    parts = embedders["fp32"].embed(texts).parts
    texts = [text for text, count in zip(texts, parts, strict=True) if count == 1]

    def ours(name: str):
        embed = embedders[name].embed
        return np.concatenate([embed(texts[at : at + CHUNK]).vectors for at in range(0, len(texts), CHUNK)])

    runs = {
        "sentence_transformers": lambda: theirs.encode(
            texts, normalize_embeddings=True, show_progress_bar=False
        ),
        "ours_fp32": lambda: ours("fp32"),
        "ours_auto": lambda: ours("auto"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    vectors = {}
    for number in range(ROUNDS + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            vectors[name] = run()
            if number:
                seconds[name].append(time.perf_counter() - began)
    expected = vectors.pop("sentence_transformers")
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        "texts": len(texts),
        "words": sum(len(text.split()) for text in texts),
        "precision_of_auto": embedders["auto"].precision,
        "left_out": int((parts > 1).sum()),
        "texts_a_second": {
            name: [round(len(texts) / s, 1) for s in times] for name, times in seconds.items()
        },
        "median": {name: round(len(texts) / s, 1) for name, s in medians.items()},
        "times_as_fast": {
            name: round(medians["sentence_transformers"] / medians[name], 2) for name in vectors
        },
        "cosine_distance_at_most": {
            name: float(f"{max(0.0, 1 - float((found * expected).sum(axis=1).min())):.1e}")
            for name, found in vectors.items()
        },
    }


def choose(choice: str, count: int) -> dict[str, Any]:
    """Select from random vectors in a process of its own.

    RETURNS (dict): Seconds, and MiB at most.
    """
    command = [sys.executable, __file__, "--choice", choice, "--vectors", str(count)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run_choice(choice: str, count: int) -> None:
    import numpy as np
    import spacy  # noqa: F401 - what every run imports

    from spacy_ner_plus.annotation.select.farthest_first import farthest_first
    from spacy_ner_plus.annotation.select.inverted_lists import InvertedLists
    from spacy_ner_plus.annotation.select.ranking import best, similarities
    from spacy_ner_plus.annotation.select.vectors import Vectors

    rng, vectors = np.random.default_rng(0), Vectors(384)
    if choice != "imports_alone":
        for begin in range(0, count, 1000):
            some = rng.standard_normal((min(1000, count - begin), 384), dtype=np.float32)
            vectors.append(some / np.linalg.norm(some, axis=1, keepdims=True))
    began = time.perf_counter()
    if choice == "numpy":
        best(vectors, similarities(vectors, vectors.take(range(QUERIES))), SELECTED, below=0.95)
    elif choice == "inverted_lists":
        lists = InvertedLists(vectors, PROBED)
        best(vectors, lists.similarities(vectors.take(range(QUERIES)), SELECTED), SELECTED, below=0.95)
    elif choice == "farthest_first":
        farthest_first(vectors, SELECTED, first=0, below=0.95)
    seconds = time.perf_counter() - began
    # Not getrusage, whose peak a process takes over from the one that started it.
    status = Path("/proc/self/status").read_text(encoding="utf8")
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024
    print(json.dumps({"seconds": round(seconds, 2), "peak_mib": peak}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("path", nargs="?", type=Path, default=DATA / "conllpp" / "test.txt")
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--vectors", type=int, nargs="+", default=[50_000, 200_000])
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--choice", choices=CHOICES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    import torch

    torch.set_num_threads(1)
    if options.choice:
        run_choice(options.choice, options.vectors[0])
        return
    import sentence_transformers

    result = {
        "machine": machine(1),
        "versions": {"torch": torch.__version__, "sentence-transformers": sentence_transformers.__version__},
        "model": MODEL,
        "embedding": {
            name: embed_texts(texts) for name, texts in read_sets(options.path, options.texts).items()
        },
        "selecting": {
            "selected": SELECTED,
            "queries": QUERIES,
            "probed": PROBED,
            "by_vectors": {
                str(count): {choice: choose(choice, count) for choice in CHOICES} for count in options.vectors
            },
        },
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf8")
    for name, found in result["embedding"].items():
        print(name, found["median"], found["times_as_fast"], found["cosine_distance_at_most"])
    print(json.dumps(result["selecting"]["by_vectors"]))


if __name__ == "__main__":
    main()
