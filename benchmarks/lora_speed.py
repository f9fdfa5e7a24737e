"""What an adapter costs where it predicts: merged into weights of a component's own, or beside those of several.

    python benchmarks/lora_speed.py --corpus corpus/conll --output benchmarks/results/lora_speed.json

all-MiniLM-L6-v2 with an adapter of random weights on each linear layer, and a head for nine tags, over documents of
the test set: the network alone, in CPU seconds of one thread, all in turn; the least of some rounds counts. And how
many megabytes of tensors several components hold, each counted once wherever it is held.
"""

import argparse
import copy
import sys
import time
from pathlib import Path
from typing import Any

import torch
from corpus_parts import read_split
from processes import machine
from results import save

from spacy_ner_plus.models.adapters.base import hash_weights
from spacy_ner_plus.models.adapters.injection import inject
from spacy_ner_plus.models.adapters.settings import LoraSettings
from spacy_ner_plus.models.encoders.pretrained import load_encoder
from spacy_ner_plus.models.inputs.layout import Windowing
from spacy_ner_plus.models.inputs.tensors import batcher, to_tensors
from spacy_ner_plus.models.inputs.word_shape import CASE_PATTERNS
from spacy_ner_plus.models.network.tagger import Tagger
from spacy_ner_plus.models.runtime.placement import Placement
from spacy_ner_plus.models.runtime.shared_base import SharedBase

N_TAGS, N_CASES, N_LINES, N_LAYERS = 9, len(CASE_PATTERNS), 2, 4


def main(options: argparse.Namespace) -> int:
    torch.set_num_threads(1)
    encoder, tokenizer = load_encoder(options.encoder)
    weights = {name: weight.clone() for name, weight in encoder.state_dict().items()}
    base = SharedBase.of(hash_weights(weights), weights)
    inject(encoder, LoraSettings(r=options.r))
    network = Tagger(encoder, N_TAGS, N_CASES, N_LINES, N_LAYERS).eval()
    with torch.no_grad():
        for part in network.adapter.values():
            part.up.normal_(std=0.02)
    network.adapt()
    base.lend(network.encoder)
    docs = read_split(options.corpus, "test", options.documents)
    device = torch.device("cpu")
    batches = [
        to_tensors(batch, device)
        for batch in batcher(docs, tokenizer, Windowing(200, 24, 24, None), network)(options.batch_wordpieces)
    ]
    rows = []
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        placement = Placement(device, dtype)
        networks = {
            "plain": placement.inference_network(without_adapter(network)),
            "merged": placement.inference_network(network),
            "beside": placement.inference_network(network, base),
        }
        scores = {name: run(one, batches) for name, one in networks.items()}
        seconds = {name: [] for name in networks}
        for _ in range(options.rounds):
            for name, one in networks.items():
                began = time.process_time()
                run(one, batches)
                seconds[name].append(time.process_time() - began)
        best = {name: round(min(times), 3) for name, times in seconds.items()}
        rows.append(
            {
                "precision": precision,
                "cpu_seconds": best,
                "beside_by_merged": round(best["beside"] / best["merged"], 3),
                "largest_difference": round(float((scores["beside"] - scores["merged"]).abs().max()), 5),
                "megabytes": {
                    name: [held(network, placement, shared, count) for count in (1, 2, 4)]
                    for name, shared in (("merged", None), ("beside", base))
                },
            }
        )
        print(rows[-1], flush=True)
    words = sum(not token.is_space for doc in docs for token in doc)
    settings = {"r": options.r, "documents": len(docs), "words": words, "rounds": options.rounds}
    save(options.output, {**settings, "components": [1, 2, 4], "machine": machine(1), "rows": rows})
    return 0


def run(network: torch.nn.Module, batches: list[tuple[torch.Tensor, ...]]) -> torch.Tensor:
    with torch.inference_mode():
        return torch.cat([network(*batch).float() for batch in batches])


def without_adapter(network: Tagger) -> Tagger:
    plain = copy.deepcopy(network)
    for part in plain.adapter.values():
        part.up.data.zero_()
    return plain


def held(network: Tagger, placement: Placement, base: SharedBase | None, count: int) -> float:
    """RETURNS (float): Megabytes of all tensors of so many components: the networks that are saved, and those that
    predict."""
    sizes: dict[int, int] = {}
    kept: list[torch.Tensor] = []
    for _ in range(count):
        one = copy.deepcopy(network)
        if base is not None:
            base.lend(one.encoder)
        for part in (one, placement.inference_network(one, base)):
            for tensor in tensors_of(part, set()):
                # Those that oneDNN has packed have no address.
                strided = tensor.layout == torch.strided
                key = tensor.untyped_storage().data_ptr() if strided else id(tensor)
                size = tensor.numel() * tensor.element_size()
                sizes[key] = tensor.untyped_storage().nbytes() if strided else size
                # No address is to be used twice while they are counted.
                kept.append(tensor)
    return round(sum(sizes.values()) / 1e6, 1)


def tensors_of(thing: Any, seen: set[int]) -> list[torch.Tensor]:
    """RETURNS (list[torch.Tensor]): All that are reached by attributes, lists and dictionaries."""
    if id(thing) in seen:
        return []
    seen.add(id(thing))
    if isinstance(thing, torch.Tensor):
        return [thing]
    if isinstance(thing, dict):
        inner = list(thing.values())
    elif isinstance(thing, list | tuple):
        inner = list(thing)
    elif type(thing).__module__.startswith(("spacy_ner_plus", "torch.nn", "transformers.models", "peft")):
        inner = list(getattr(thing, "__dict__", {}).values())
    else:
        return []
    return [tensor for one in inner for tensor in tensors_of(one, seen)]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True, help="folder with test.spacy")
    parser.add_argument("--encoder", default="all-MiniLM-L6-v2", help="(all-MiniLM-L6-v2)")
    parser.add_argument("--r", type=int, default=8, help="the adapter's rank (8)")
    parser.add_argument("--documents", type=int, default=20, help="of the test set (20)")
    parser.add_argument("--batch-wordpieces", type=int, default=1000, help="(1000)")
    parser.add_argument("--rounds", type=int, default=7, help="(7)")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
