"""One peer in a process of its own: jobs come in as JSON lines, answers go out so.

Started by processes.py alone. What the tools print goes to the log.
"""

import json
import os
import re
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

BEGAN = time.time()


def peak_mib() -> int | None:
    """RETURNS (int | None): The most memory this process ever held; None where the system doesn't say.

    Not getrusage, whose peak a process takes over from the one that started it.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf8"))[1]) // 1024


class Jobs:
    """The jobs; the methods are their names.

    State between jobs of one process: the loaded peer and the texts.
    """

    def __init__(self):
        self.predict: Callable | None = None
        self.texts: dict[str, list[str]] = {}
        self.limit: Callable[[str, bool], float] | None = None

    def train(
        self,
        peer: str,
        corpus: str,
        part: float,
        folder: str,
        seed: int,
        limits: dict,
        few: int,
        min_steps: int = 0,
    ):
        from corpus_parts import read_split, take_part
        from peers import PEERS, import_peer

        module = import_peer(peer)
        train_docs = take_part(read_split(Path(corpus), "train"), part)
        dev_docs = read_split(Path(corpus), "dev")
        if few:
            train_docs, dev_docs = train_docs[:few], dev_docs[:few]
        Path(folder).mkdir(parents=True)
        options = {"min_steps": min_steps, **PEERS[peer].options}
        return module.train(train_docs, dev_docs, Path(folder), seed, limits, **options)

    def score(self, peer: str, corpus: str, folder: str, few: int):
        from corpus_parts import read_split
        from peers import import_peer
        from scoring import score

        predict = import_peer(peer).load_for_tokens(Path(folder))
        scores = {}
        for split in ("dev", "test"):
            docs = read_split(Path(corpus), split, few)
            scores[split] = score(docs, predict(docs))
        return scores

    def load(self, peer: str, folder: str, text: str):
        from peers import import_peer

        self.predict = import_peer(peer).load(Path(folder))
        self.predict([text])
        return {"seconds": round(time.time() - BEGAN, 2)}

    def prepare(self, peer: str, texts: dict[str, list[str]], sample: int, with_limit: bool):
        """Take the texts, and choose the fastest of the peer's batch sizes on a few of them."""
        from peers import import_peer

        self.texts = texts
        sizes = {}
        seconds: dict[Any, float] = {}
        for name, some in texts.items():
            few = some[:sample]
            self.predict(few)
            for size in import_peer(peer).BATCH_SIZES:
                began = time.perf_counter()
                self.predict(few, size)
                seconds[size] = time.perf_counter() - began
            sizes[name] = min(seconds, key=seconds.get)
        self.sizes = sizes
        if with_limit:
            from limit import make_limit

            self.limit = make_limit(self.predict.nlp, texts)
            tagger = self.predict.nlp.get_pipe("transformer_ner").token_scorer.tagger
            return {"batch_sizes": sizes, "chosen": tagger.chosen()}
        return {"batch_sizes": sizes}

    def run(self, name: str, keep: bool):
        texts = self.texts[name]
        began = time.perf_counter()
        entities = self.predict(texts, self.sizes[name])
        seconds = time.perf_counter() - began
        return {"seconds": round(seconds, 4), "entities": entities if keep else None}

    def bare(self, name: str, by_ours: bool):
        return {"seconds": round(self.limit(name, by_ours), 4)}

    def single(self, name: str, count: int):
        milliseconds = []
        for text in self.texts[name][:count]:
            began = time.perf_counter()
            self.predict([text])
            milliseconds.append(round((time.perf_counter() - began) * 1000, 2))
        return {"milliseconds": milliseconds}


def main() -> None:
    # The tools print as they like; answers keep the real standard output for themselves.
    answers = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)
    jobs = Jobs()
    for line in sys.stdin:
        job = json.loads(line)
        if "torch" not in sys.modules:
            import torch

            torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        try:
            answer = {"answer": getattr(jobs, job.pop("do"))(**job)}
        except Exception as error:  # noqa: BLE001 - told to the parent, which goes on with the other peers
            traceback.print_exc()
            first = str(error).splitlines()
            answer = {"error": f"{type(error).__name__}: {first[0] if first else ''}"}
        answers.write(json.dumps({**answer, "peak_mib": peak_mib()}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
