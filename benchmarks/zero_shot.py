"""Words a second of zero_shot_ner's models with few and many labels, beside bare gliner with the same windows.

    python benchmarks/zero_shot.py corpus/conll/test.spacy --output benchmarks/results/zero_shot.json
    python benchmarks/zero_shot.py corpus/conll/test.spacy --model models/gliner --output conll_gliner.json \\
        --gold '{"person": "PER", "location": "LOC", "miscellaneous": "MISC"}'

Without --model both are made on the packaged MiniLM with random heads, a uni- and a bi-encoder: how fast they are
doesn't hang on the weights. Both get the very windows that ours lays, from sentences and from whole documents; words of
overlaps count. gliner takes them in the corpus's order, 8 at once, in fp32. Rounds take turns. Labels are words of the
tokenizer's vocabulary; where they leave an encoder of 512 wordpieces less room, windows are shorter for both. With
--gold F1 of both is counted, too, on sentences.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import spacy
import torch
from figures import median_ratio, words_per_second
from processes import machine
from results import save
from scoring import score
from spacy.tokens import Doc

from spacy_ner_plus.corpus import bare_copy, load_docs
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.models.encoders.packaged import encoder_path_v1
from spacy_ner_plus.models.zero_shot.checkpoint import read_checkpoint
from spacy_ner_plus.models.zero_shot.gliner_model import make_gliner
from spacy_ner_plus.models.zero_shot.prompts import Prompt
from spacy_ner_plus.models.zero_shot.reading import Layout, Question
from spacy_ner_plus.models.zero_shot.windows import Windowing, lay_windows
from spacy_ner_plus.models.zero_shot.zero_shot_model import ZeroShotModel

OVERLAP, BATCH, BATCH_WORDS = 64, 8, 2048
THRESHOLD = 0.5


def make_model(folder: Path, bi: bool) -> Path:
    """Make a model on the packaged encoder whose heads are random."""
    from gliner import GLiNER, GLiNERConfig

    torch.manual_seed(0)
    encoder = encoder_path_v1()
    config = GLiNERConfig(
        model_name=encoder,
        labels_encoder=encoder if bi else None,
        hidden_size=384,
        span_mode="markerV0",
        max_width=12,
        max_len=384,
        num_rnn_layers=0,
    )
    model = GLiNER.from_config(config, backbone_from_pretrained=True, local_files_only=True)
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def some_labels(tokenizer: Any, count: int) -> list[str]:
    words = sorted(
        word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha() and len(word) > 4
    )
    return words[:: max(len(words) // count, 1)][:count]


def windows_of(model: Any, texts: Sequence[str], prompts: tuple[Prompt, ...]) -> tuple[list[str], int]:
    """RETURNS (tuple[list[str], int]): The windows of some texts, with the labels beside them, and their words."""
    fixed, sizes = model.prompt_sizes(prompts)
    room = max(model.limit - fixed - sum(sizes), 16)
    found, words = [], 0
    for text in texts:
        cut = model.words(text)
        for part in lay_windows(text, cut, Windowing(model.longest, OVERLAP, pieces=room), model.sizes(cut)):
            for window in part:
                found.append(text[cut[window.start].start : cut[window.end - 1].end])
                words += window.end - window.start
    return found, words


def timed(run: Any) -> tuple[float, Any]:
    before = time.perf_counter()
    found = run()
    return time.perf_counter() - before, found


def compare(folder: Path, texts: Sequence[str], labels: Sequence[str], rounds: int) -> dict[str, Any]:
    """RETURNS (dict): Words a second of each, and how many of the spans of both are the same."""
    from gliner import GLiNER

    prompts = tuple(Prompt(label) for label in labels)
    model = make_gliner(read_checkpoint(str(folder)), str(folder))
    windows, words = windows_of(model, texts, prompts)
    theirs = GLiNER.from_pretrained(str(folder), local_files_only=True)
    holders = {f"ours, {p}": ZeroShotModel(str(folder), "cpu", p) for p in ("fp32", "auto")}
    layout = Layout(Windowing(model.longest, OVERLAP), BATCH_WORDS)
    questions = [Question(window, prompts, (0.0,) * len(prompts)) for window in windows]
    runs = {
        "gliner": lambda: theirs.inference(windows, list(labels), threshold=THRESHOLD, batch_size=BATCH),
        **{
            name: (lambda holder=holder: holder.read(questions, layout, IssueLog()))
            for name, holder in holders.items()
        },
    }
    for holder in holders.values():
        holder.read(questions[:2], layout)
    theirs.inference(windows[:2], list(labels), batch_size=BATCH)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    found: dict[str, Any] = {}
    for _ in range(rounds):
        for name, run in runs.items():
            took, found[name] = timed(run)
            seconds[name].append(took)
    expected = {(i, e["start"], e["end"], e["label"]) for i, some in enumerate(found["gliner"]) for e in some}
    exact = {
        (i, span.start, span.end, labels[span.prompt])
        for i, some in enumerate(found["ours, fp32"])
        for span in some
    }
    return {
        "windows": len(windows),
        "words": words,
        "words_per_second": {name: words_per_second(words, times) for name, times in seconds.items()},
        "times_gliner": {
            name: median_ratio(seconds["gliner"], times)
            for name, times in seconds.items()
            if name != "gliner"
        },
        # gliner's flat search takes some of all spans that ours gives here.
        "gliner_spans": len(expected),
        "gliner_spans_in_ours": len(expected & exact),
    }


def count_f1(folder: Path, docs: Sequence[Doc], prompts: dict[str, str]) -> dict[str, float]:
    """Score both on sentences, of which each is a window.

    prompts (dict[str, str]): What is asked for, and the corpus's label of each.
    RETURNS (dict[str, float]): Strict F1 of bare gliner, and of the component in fp32 and as it is by default.
    """
    from gliner import GLiNER

    sentences = [
        sent.as_doc()
        for doc in docs
        for sent in (doc.sents if doc.has_annotation("SENT_START") else [doc[:]])
        if sent.text.strip()
    ]
    texts = [doc.text for doc in sentences]
    theirs = GLiNER.from_pretrained(str(folder), local_files_only=True)
    found = theirs.inference(texts, list(prompts), threshold=THRESHOLD, batch_size=BATCH)
    scores = {
        "gliner": score(
            sentences, [[(e["start"], e["end"], prompts[e["label"]]) for e in some] for some in found]
        )
    }
    for precision in ("fp32", "auto"):
        nlp = spacy.blank("en")
        config = {"model": str(folder), "label_map": prompts, "device": "cpu", "precision": precision}
        nlp.add_pipe("zero_shot_ner", config=config)
        predicted = [
            [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
            for doc in nlp.pipe(bare_copy(doc, nlp.vocab) for doc in sentences)
        ]
        scores[precision] = score(sentences, predicted)
    return {name: row["f1"] for name, row in scores.items()}


def main(options: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    nlp = spacy.blank("en")
    docs = load_docs(options.corpus, nlp.vocab)[: options.docs]
    texts = {
        "sentences": [
            sent.text.strip()
            for doc in docs
            for sent in (doc.sents if doc.has_annotation("SENT_START") else [doc[:]])
            if sent.text.strip()
        ],
        "documents": [doc.text for doc in docs],
    }
    results: dict[str, Any] = {
        "corpus": options.corpus.name,
        "docs": len(docs),
        "run": machine(1),
        "rounds": options.rounds,
        "versions": {"torch": torch.__version__},
        "rows": [],
    }
    with tempfile.TemporaryDirectory() as scratch:
        if options.model:
            models = {options.model.name: options.model}
        else:
            models = {name: make_model(Path(scratch, name), name == "bi") for name in ("uni", "bi")}
        for name, folder in models.items():
            tokenizer = make_gliner(
                read_checkpoint(str(folder)), str(folder)
            )._processor.transformer_tokenizer
            for kind, some in texts.items():
                for count in options.labels:
                    row = compare(folder, some, some_labels(tokenizer, count), options.rounds)
                    results["rows"].append({"model": name, "texts": kind, "labels": count, **row})
                    save(options.output, results)
                    print(name, kind, count, row["words_per_second"], row["times_gliner"], flush=True)
            if options.gold:
                results["f1"] = count_f1(folder, docs, json.loads(options.gold))
                save(options.output, results)
                print(results["f1"], flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "zero_shot.json")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--labels", type=int, nargs="+", default=[4, 16, 64, 200])
    parser.add_argument("--docs", type=int, default=60, help="how many of the corpus's documents")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--gold", help="count F1, too: what is asked for, and the corpus's label of each, as JSON"
    )
    main(parser.parse_args())
