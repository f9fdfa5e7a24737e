"""The encoder's forward pass under torch (by transformers' layers and by ours), OpenVINO and ONNX Runtime,
over the windows of a corpus.

    pip install openvino onnxruntime onnx
    python benchmarks/runtimes.py PIPELINE corpus/conll/test.spacy --output benchmarks/results/runtimes.json

All of them read the very micro-batches that `transformer_ner` reads, take turns for a few rounds,
and are compared with torch in float32 for how far their hidden states lie from it. A runtime
that can't be imported or fails is named with the reason.
"""

import argparse
import copy
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import spacy
import torch
from figures import median_ratio, words_per_second
from processes import machine
from results import save
from spacy.util import minibatch

from spacy_ner_plus.corpus import load_docs

COMPONENT = "transformer_ner"
ROUNDS = 5
Forward = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Hidden(torch.nn.Module):
    """An encoder that gives its last hidden state alone, so that it can be traced."""

    def __init__(self, encoder: torch.nn.Module):
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state


def torch_forward(tagger: torch.nn.Module, precision: str, by_ours: bool) -> Forward:
    """The way of `transformer_ner` itself, or the encoder as transformers runs it."""
    from spacy_ner_plus.models.runtime.placement import Placement

    network = Placement.resolve("cpu", precision).inference_network(tagger)
    hidden = Hidden(network.encoder)

    def run(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        ids, mask = torch.from_numpy(ids), torch.from_numpy(mask)
        with torch.inference_mode():
            states = network.layers(mask, 1, input_ids=ids)[0] if by_ours else hidden(ids, mask)
            return states.float().numpy()

    return run


def openvino_forward(encoder: torch.nn.Module, precision: str, threads: int) -> Forward:
    import openvino

    example = (torch.ones(2, 16, dtype=torch.int64), torch.ones(2, 16, dtype=torch.int64))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = openvino.convert_model(Hidden(copy.deepcopy(encoder)).eval(), example_input=example)
    compiled = openvino.Core().compile_model(
        model,
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        },
    )
    return lambda ids, mask: compiled([ids, mask])[0]


def onnx_forward(encoder: torch.nn.Module, precision: str, threads: int, folder: Path) -> Forward:
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    path = folder / "encoder.onnx"
    if not path.exists():
        example = (torch.ones(2, 16, dtype=torch.int64), torch.ones(2, 16, dtype=torch.int64))
        axes = {name: {0: "windows", 1: "length"} for name in ("ids", "mask", "hidden")}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Hidden(copy.deepcopy(encoder)).eval(),
                example,
                str(path),
                input_names=["ids", "mask"],
                output_names=["hidden"],
                dynamic_axes=axes,
                dynamo=False,
            )
    if precision == "int8":
        quantized = folder / "encoder-int8.onnx"
        quantize_dynamic(str(path), str(quantized), weight_type=QuantType.QInt8, per_channel=True)
        path = quantized
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda ids, mask: session.run(None, {"ids": ids, "mask": mask})[0]


def main(options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    nlp = spacy.load(options.pipeline, config={f"components.{COMPONENT}.precision": "fp32"})
    docs = load_docs(options.corpus, nlp.vocab)
    tagger = nlp.get_pipe(COMPONENT).token_scorer.tagger
    encoder = tagger.network.encoder.eval()
    batches = [
        (np.ascontiguousarray(batch.ids), np.ascontiguousarray(batch.mask))
        for group in minibatch(map(nlp.make_doc, (doc.text for doc in docs)), size=nlp.batch_size)
        for batch in tagger.micro_batches(group)
    ]
    words = sum(map(len, docs))
    folder = tempfile.TemporaryDirectory()
    makers: dict[str, Callable[[], Forward]] = {
        **{
            f"torch {p}{name}": (lambda p=p, by_ours=bool(name): torch_forward(tagger.network, p, by_ours))
            for p in ("fp32", "bf16", "int8")
            for name in ("", ", our layers")
        },
        **{
            f"OpenVINO {p}": (lambda p=p: openvino_forward(encoder, p, options.threads))
            for p in ("f32", "bf16")
        },
        **{
            f"ONNX Runtime {p}": (lambda p=p: onnx_forward(encoder, p, options.threads, Path(folder.name)))
            for p in ("fp32", "int8")
        },
    }
    forwards, not_run = {}, []
    for name, make in makers.items():
        try:
            forward = make()
            forward(*batches[0])
        except Exception as error:  # noqa: BLE001 - named with its reason
            not_run.append({"runtime": name, "reason": f"{type(error).__name__}: {str(error)[:200]}"})
        else:
            forwards[name] = forward
    reference = [forwards["torch fp32"](*batch) for batch in batches]
    rows = {}
    for name, forward in forwards.items():
        # Its second reading, as some compile code for each shape in the first.
        far = [
            _distance(forward(*batch), other, batch[1])
            for batch, other in zip(batches, reference, strict=True)
        ]
        rows[name] = {"runtime": name, "mean_difference": round(statistics.fmean(far), 5)}
    seconds: dict[str, list[float]] = {name: [] for name in forwards}
    for _ in range(options.rounds):
        for name, forward in forwards.items():
            began = time.perf_counter()
            for batch in batches:
                forward(*batch)
            seconds[name].append(time.perf_counter() - began)
    for name, row in rows.items():
        row["words_per_second"] = words_per_second(words, seconds[name])
        row["of_torch_bf16"] = median_ratio(seconds["torch bf16"], seconds[name])
        print(row)
    save(
        options.output,
        {
            "corpus": {"name": options.corpus.name, "documents": len(docs), "tokens": words},
            "micro_batches": len(batches),
            "rounds": options.rounds,
            "machine": machine(options.threads),
            "versions": _versions(),
            "runs": list(rows.values()),
            "not_run": not_run,
        },
    )
    folder.cleanup()


def _distance(one: np.ndarray, other: np.ndarray, mask: np.ndarray) -> float:
    inside = mask.astype(bool)
    return float(np.abs(one[inside] - other[inside]).mean())


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in ("torch", "transformers", "openvino", "onnxruntime"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipeline", help="a trained pipeline with a transformer_ner")
    parser.add_argument("corpus", type=Path, help="a .spacy file")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
