"""One tree in a process of its own: jobs come in as JSON lines, answers go out so. Started by two_trees.py alone.

Both trees run this very file, so that it uses nothing of the package but what its users do: spaCy's calls, the
command line, and names of configs.
"""

import gc
import json
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

LABELS = ["PER", "ORG", "LOC", "MISC"]
BATCH_WORDS = 600


def read_docs(path: str, vocab) -> list:
    from spacy.tokens import DocBin

    return list(DocBin().from_disk(path).get_docs(vocab))


def texts_of(path: str, limit: int) -> list[str]:
    import spacy

    docs = read_docs(path, spacy.blank("en").vocab)
    return [doc.text for doc in docs[: limit or len(docs)]]


def bare_pipeline(encoder: str, precision: str):
    import spacy

    nlp = spacy.blank("en")
    # As in configs/transformer_ner.cfg.
    model = {
        "@architectures": "spacy_ner_plus.TransformerTagger.v1",
        "encoder": encoder,
        "window": 200,
        "overlap": 50,
        "lead": 24,
        "head_rate_factor": 10.0,
        "attention_dropout": 0.1,
    }
    nlp.add_pipe("transformer_ner", config={"device": "cpu", "precision": precision, "model": model})
    return nlp


def batches_of(nlp, corpus: str) -> Iterator[list]:
    """Batches of a fixed number of words, over and over."""
    from spacy.training import Example

    examples = [Example(nlp.make_doc(gold.text), gold) for gold in read_docs(corpus, nlp.vocab)]
    nlp.initialize(lambda: examples)
    while True:
        batch, words = [], 0
        for example in examples:
            batch.append(example)
            words += len(example.reference)
            if words >= BATCH_WORDS:
                yield batch
                batch, words = [], 0


def optimizer_of(rate: float):
    from thinc.api import Adam

    return Adam(rate, L2=0.01, L2_is_weight_decay=True, grad_clip=1.0, use_averages=False)


def found(docs) -> list[list[list]]:
    """Entities by character, with their scores."""
    key = "transformer_ner"
    return [
        [
            [span.start_char, span.end_char, span.label_, float(score)]
            for span, score in zip(doc.spans[key], doc.spans[key].attrs["scores"], strict=True)
        ]
        for doc in docs
    ]


class Jobs:
    """The jobs; the methods are their names. What `prepare_…` leaves behind is what `round` runs, again and again."""

    def __init__(self):
        self.work: Callable[[], int] | None = None
        # What a part isn't about: seconds of a round, and CPU seconds of every round.
        self.beside, self.cpu_beside = 0.0, 0.0

    def where(self) -> dict[str, Any]:
        import spacy_ner_plus

        return {"file": spacy_ner_plus.__file__}

    def convert(self, source: str, target: str) -> None:
        from typer.testing import CliRunner

        from spacy_ner_plus.cli.app import app

        options = ["--format", "conll", "--sentence-lines", "--lang", "en"]
        result = CliRunner().invoke(app, ["convert", source, target, *options])
        if result.exit_code:
            raise RuntimeError(result.output)

    def prepare_predict(self, pipeline: str, corpus: str, precision: str, documents: int) -> None:
        import spacy

        nlp = spacy.load(pipeline, config={"components": {"transformer_ner": {"precision": precision}}})
        texts = texts_of(corpus, documents)
        self.work = lambda: sum(len(doc) for doc in nlp.pipe(texts))

    def prepare_train(self, encoder: str, corpus: str, precision: str, steps: int) -> None:
        from spacy.util import fix_random_seed

        fix_random_seed(0)
        nlp = bare_pipeline(encoder, precision)
        batches, optimizer = batches_of(nlp, corpus), optimizer_of(1e-4)

        def work() -> int:
            words = 0
            for _ in range(steps):
                batch = next(batches)
                nlp.update(batch, sgd=optimizer, drop=0.1)
                words += sum(len(example.reference) for example in batch)
            return words

        self.work = work

    def prepare_llm(self, url: str, documents: int, in_flight: int, folder: str) -> None:
        import spacy

        names = ("Anna", "Robert", "Maria", "Oslo", "Paris", "Berlin")
        texts = [
            f"On day {i} {names[i % 6]} met {names[i % 5]} in {names[(i + 3) % 6]}." for i in range(documents)
        ]
        rounds = iter(range(1_000_000))

        def work() -> int:
            # A store that holds nothing yet, since a reply that is kept isn't asked for.
            model = {
                "base_url": url,
                "name": "m",
                "max_concurrency": in_flight,
                "structured": "json_schema",
                "store": str(Path(folder) / f"{os.getpid()}-{next(rounds)}.sqlite"),
            }
            nlp = spacy.blank("en")
            pipe = nlp.add_pipe("structured_llm_ner", config={"labels": LABELS, "model": model})
            count = sum(1 for doc in nlp.pipe(texts) if doc.ents)
            if pipe.usage_report()["requests"] != documents or count != documents:
                raise RuntimeError(f"{count} of {documents} documents have entities: {pipe.usage_report()}")
            return count

        self.work = work

    def prepare_evaluate(self, corpus: str, patterns_from: str, folder: str) -> None:
        """All scores of a pipeline that costs next to nothing itself; its own seconds are taken off in `round`."""
        import spacy
        from typer.testing import CliRunner

        from spacy_ner_plus.cli.app import app

        nlp = spacy.blank("en")
        golds = read_docs(patterns_from, nlp.vocab)
        names = {(ent.text, ent.label_) for gold in golds for ent in gold.ents if "\n" not in ent.text}
        rows = [{"label": label, "pattern": text} for text, label in sorted(names)]
        nlp.add_pipe("entity_ruler").add_patterns(rows)
        nlp.to_disk(Path(folder) / "ruler")
        output = Path(folder) / f"{os.getpid()}.json"
        runner = CliRunner()
        texts = texts_of(corpus, 0)
        cpu = time.process_time()
        list(spacy.load(Path(folder) / "ruler").pipe(texts))
        self.cpu_beside = time.process_time() - cpu

        def work() -> int:
            result = runner.invoke(app, ["evaluate", f"{folder}/ruler", corpus, "--output", str(output)])
            if result.exit_code:
                raise RuntimeError(result.output)
            took = json.loads(output.read_text(encoding="utf8"))["performance"]
            self.beside = took["seconds"] + took["load_seconds"]
            return took["words"]

        self.work = work

    def round(self) -> dict[str, float]:
        gc.collect()
        self.beside = 0.0
        cpu, began = time.process_time(), time.perf_counter()
        done = self.work()
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
        return {"done": done, "seconds": seconds - self.beside, "cpu_seconds": cpu_seconds - self.cpu_beside}

    def make_pipeline(self, encoder: str, corpus: str, steps: int, folder: str) -> None:
        """Train so long that the network finds most entities, and save it."""
        from spacy.util import fix_random_seed

        fix_random_seed(0)
        nlp = bare_pipeline(encoder, "auto")
        batches, optimizer = batches_of(nlp, corpus), optimizer_of(2e-4)
        for _ in range(steps):
            nlp.update(next(batches), sgd=optimizer, drop=0.1)
        nlp.to_disk(folder)

    def entities(self, pipeline: str, corpus: str, precision: str, documents: int) -> list:
        import spacy

        nlp = spacy.load(pipeline, config={"components": {"transformer_ner": {"precision": precision}}})
        return found(nlp.pipe(texts_of(corpus, documents)))

    def fifty_steps(self, script: str, encoder: str, output: str) -> None:
        """Run the script that tests/compatibility keeps the weights of."""
        from runpy import run_path

        from safetensors.numpy import save_file

        save_file(run_path(script)["train"](encoder), output)


def main() -> None:
    warnings.simplefilter("ignore")
    # What is printed goes to the log; answers keep the real standard output for themselves.
    answers = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    jobs = Jobs()
    for line in sys.stdin:
        job = json.loads(line)
        try:
            with redirect_stdout(sys.stderr), redirect_stderr(sys.stderr):
                answer = {"answer": getattr(jobs, job.pop("do"))(**job)}
        except Exception as error:  # noqa: BLE001 - told to the parent, which ends with it
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
