"""Whether annotating more would pay: a learning curve within so many minutes, which a further run goes on with."""

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.defaults import RESAMPLES
from spacy_ner_plus.files import write_whole
from spacy_ner_plus.workflows.arguments.corpora import check_annotation, corpus_docs
from spacy_ner_plus.workflows.arguments.numbers import at_least
from spacy_ner_plus.workflows.arguments.pipelines import import_code, load_pipeline, parse_overrides
from spacy_ner_plus.workflows.arguments.sources import blank_pipeline
from spacy_ner_plus.workflows.arguments.targets import check_overlap
from spacy_ner_plus.workflows.progress import Progress, no_progress
from spacy_ner_plus.workflows.review.alone import alone

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_ner_plus.annotation.review.learning_curve import Point

SIZES, SEEDS, MINUTES = 4, 2, 15.0
# Of each training, where the minutes allow it; and fewer than this teach nothing.
STEPS, LEAST_STEPS = 300, 20
# A part of the corpus that is held out to test on, where no other is given.
HELD_OUT = 5
# Steps of the two short trainings by which it is measured how long one takes.
SHORT, LONG = 2, 12
# Documents that a training is evaluated on, once, for its log.
DEV = 5
KEPT = "points.json"


@dataclass
class LearningCurve:
    """What a curve says.

    report (dict[str, Any]): As `describe_curve` gives it, and `steps` of each training, `test_documents`, and
        `trainings`: how many there are of how many.
    path (Path | None): Where the report was written.
    kept_at (Path | None): Where trainings' results are kept for a further run.
    notes (list[str]): What was found out on the way.
    """

    report: dict[str, Any]
    path: Path | None = None
    kept_at: Path | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """RETURNS (bool): Whether all trainings were done."""
        done, wanted = self.report["trainings"]
        return done == wanted


def learning_curve(
    corpus: str | Path,
    config: str | Path,
    target: str | Path | None = None,
    *,
    dev: str | Path | None = None,
    sizes: int = SIZES,
    seeds: int = SEEDS,
    steps: int | None = None,
    minutes: float = MINUTES,
    ahead: Sequence[int] | None = None,
    work: str | Path | None = None,
    overrides: Iterable[str] = (),
    resamples: int = RESAMPLES,
    lang: str = "en",
    code: str | Path | None = None,
    notes: list[str] | None = None,
    progress: Progress = no_progress,
) -> LearningCurve:
    """Train on more and more of a corpus, fit a power law, and say what more annotation would bring.

    The documents of a smaller size are among those of a larger one, of the same seed; each seed has its own. All
    trainings have as many steps, so that sizes are compared and not efforts.

    corpus (str | Path): Reviewed documents, a .spacy file or a folder; those without annotation are passed over.
    config (str | Path): A training config.
    target (str | Path): File for the report, JSON. Default: it isn't written.
    dev (str | Path): A corpus to test on. Default: a fifth of the documents, which no training learns from.
    sizes (int): How many sizes: all documents, half of them, and so on. Default: 4.
    seeds (int): How many trainings of each. Default: 2.
    steps (int): Of each training. Default: as many as the minutes allow, 300 at most, which two short trainings tell.
    minutes (float): How long it may take at most; what is left is done by a further run. Default: 15.
    ahead (Sequence[int]): For how many documents to foretell F1. Default: twice and four times as many.
    work (str | Path): Folder where the results of trainings are kept. Default: beside the target, as NAME.curve.
    overrides (Iterable[str]): Settings of the config as key=value.
    resamples (int): For the interval. Default: 1000.
    lang (str): Language of the corpus.
    code (str | Path): A Python file to run before. Default: none.
    notes (list[str]): Where is written what was found out; it outlives a failure.
    progress (Progress): Wraps the trainings. Default: none.
    RAISES (UserError): What the user can mend; trainings that were done stay.
    """
    from spacy_ner_plus.annotation.review.label_errors.folds import split_folds
    from spacy_ner_plus.annotation.review.learning_curve import Point, curve_sizes, describe_curve
    from spacy_ner_plus.evaluation.statistics.resampling import LEAST_DOCUMENTS

    began = time.monotonic()
    for name, value, least in (
        ("sizes", sizes, 1),
        ("seeds", seeds, 1),
        ("steps", steps, 2),
        ("minutes", minutes, 0),
    ):
        at_least(name, value, least)
    notes = [] if notes is None else notes
    target = None if target is None else Path(target)
    if target is not None:
        check_overlap(
            {"the report": target}, [("the corpus", corpus), ("the config", config), ("the dev corpus", dev)]
        )
        work = target.with_name(f"{target.name}.curve") if work is None else work
    if code is not None:
        import_code(Path(code))
    vocab = blank_pipeline(lang).vocab
    docs = _annotated(corpus, vocab)
    if dev is None:
        held_out = set(split_folds(docs, HELD_OUT)[0])
        test, docs = _split(docs, held_out)
    else:
        test = _annotated(dev, vocab)
    if len(test) < LEAST_DOCUMENTS:
        raise UserError(Errors.E765.format(documents=len(test), least=LEAST_DOCUMENTS))
    wanted = [(size, seed) for seed in range(seeds) for size in curve_sizes(len(docs), sizes)]
    with _folder(work) as folder:
        trainer = _Trainer(Path(config), folder, docs, test, parse_overrides(overrides), code)
        kept = _Kept(folder / KEPT, trainer.key(corpus, dev), notes)
        if steps is None:
            steps = kept.steps or _measured_steps(
                trainer, wanted, minutes * 60 - (time.monotonic() - began), minutes
            )
        kept.begin(steps)
        left = [pair for pair in wanted if pair not in kept.points]
        longest = 0.0
        for size, seed in progress(left, "Training on parts of the corpus", len(left)):
            # One is done in any case, so that no run is in vain.
            if longest and time.monotonic() - began + longest > minutes * 60:
                break
            started = time.monotonic()
            counts = trainer.train(size, seed, steps)
            seconds = time.monotonic() - started
            kept.add(Point(size, seed, counts, seconds))
            longest = max(longest, seconds)
        points = [kept.points[pair] for pair in wanted if pair in kept.points]
    report = describe_curve(points, len(docs), ahead=ahead, resamples=resamples)
    report |= {"steps": steps, "test_documents": len(test), "trainings": [len(points), len(wanted)]}
    if len(points) < len(wanted):
        notes.append(
            f"{len(points)} of {len(wanted)} trainings fitted into {minutes:g} minutes: run again to go on"
        )
    if target is not None:
        write_whole(target, f"{json.dumps(report, indent=2, ensure_ascii=False)}\n".encode())
    return LearningCurve(report, target, None if work is None else Path(work), notes)


def _annotated(corpus: str | Path, vocab: Any) -> "list[Doc]":
    docs = corpus_docs(corpus, vocab)
    check_annotation(docs, corpus)
    return [doc for doc in docs if len(doc) and doc.has_annotation("ENT_IOB")]


def _split(docs: "Sequence[Doc]", held_out: set[int]) -> "tuple[list[Doc], list[Doc]]":
    return [doc for i, doc in enumerate(docs) if i in held_out], [
        doc for i, doc in enumerate(docs) if i not in held_out
    ]


@contextmanager
def _folder(work: str | Path | None) -> Iterator[Path]:
    if work is not None:
        with alone(Path(work), "work", "--output, beside which it lies"):
            yield Path(work)
        return
    with TemporaryDirectory(prefix="spacy-ner-plus-") as scratch:
        yield Path(scratch)


class _Kept:
    """The results of trainings, in a file: a run that is broken off loses none that was done.

    path (Path): The file.
    key (dict[str, Any]): What they depend on: results of another key aren't used.
    notes (list[str]): Where is written that there were such.
    """

    def __init__(self, path: Path, key: dict[str, Any], notes: list[str]):
        from spacy_ner_plus.annotation.review.learning_curve import Point

        self._path, self._key, self._notes = path, key, notes
        self.steps: int | None = None
        self.points: dict[tuple[int, int], Point] = {}
        try:
            found = json.loads(path.read_text(encoding="utf8"))
            if found["key"] == json.loads(json.dumps(key)):
                self.steps = int(found["steps"])
                points = [Point(**point) for point in found["points"]]
                self.points = {(point.size, point.seed): point for point in points}
            else:
                notes.append(f"{path} is of another corpus or other settings, and is begun again")
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError):
            notes.append(f"{path} can't be read, and is begun again")

    def begin(self, steps: int) -> None:
        """Say how many steps trainings have; results of trainings of others go."""
        if self.steps not in (None, steps):
            self._notes.append(f"{self._path} is of {self.steps} steps, not {steps}, and is begun again")
            self.points.clear()
        self.steps = steps

    def add(self, point: "Point") -> None:
        """Keep a result, on the disk, too."""
        self.points[point.size, point.seed] = point
        points = [asdict(one) for one in self.points.values()]
        values = {"key": self._key, "steps": self.steps, "points": points}
        write_whole(self._path, json.dumps(values).encode())


class _Trainer:
    """Trains on parts of a corpus, and scores what comes of it.

    config (Path): The training config.
    folder (Path): Where what is trained lies until it is scored.
    docs (Sequence[Doc]): What may be learnt from.
    test (Sequence[Doc]): What is scored.
    overrides (dict[str, Any]): Settings by dotted key.
    code (str | Path | None): A Python file that trainings depend on.
    """

    def __init__(
        self,
        config: Path,
        folder: Path,
        docs: "Sequence[Doc]",
        test: "Sequence[Doc]",
        overrides: dict[str, Any],
        code: str | Path | None,
    ):
        self._config, self._folder = config, folder
        self._docs, self._test = docs, test
        self._overrides = overrides
        self._code = code

    def key(self, corpus: str | Path, dev: str | Path | None) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): What results depend on, beside size, seed and steps."""
        from spacy_ner_plus.workflows.training.origin import find_origin, hash_path
        from spacy_ner_plus.workflows.training.spacy_training import load_config

        config = load_config(self._config, self._overrides)
        origin = find_origin(config, calibrated=False, code=None if self._code is None else Path(self._code))
        corpora = [hash_path(Path(path)) for path in (corpus, dev) if path is not None]
        return {"settings": origin.settings, "files": origin.files, "corpora": corpora}

    def train(self, size: int, seed: int, steps: int) -> list[list[int]]:
        """RETURNS (list[list[int]]): Strict counts of each test document."""
        from spacy_ner_plus.annotation.review.learning_curve import curve_subset
        from spacy_ner_plus.corpus import bare_copy, save_docs
        from spacy_ner_plus.evaluation.counting.schemes import count_entities
        from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
        from spacy_ner_plus.workflows.predict import predict
        from spacy_ner_plus.workflows.train import train
        from spacy_ner_plus.workflows.training.bounded import write_bounded_config
        from spacy_ner_plus.workflows.training.spacy_training import LAST

        folder = self._folder / "training"
        shutil.rmtree(folder, ignore_errors=True)
        train_path, dev_path, config = (folder / name for name in ("train.spacy", "dev.spacy", "config.cfg"))
        chosen = curve_subset(len(self._docs), size, seed)
        save_docs([self._docs[number] for number in chosen], train_path)
        save_docs(list(self._test[:DEV]), dev_path)
        paths = {"paths.train": str(train_path), "paths.dev": str(dev_path)}
        write_bounded_config(self._config, config, steps, {**self._overrides, **paths}, seed=seed)
        nlp = load_pipeline(train(config, folder, code=self._code).model.with_name(LAST))
        inputs = [bare_copy(doc, nlp.vocab) if doc.has_unknown_spaces else doc.text for doc in self._test]
        predicted = list(predict(nlp, inputs))
        shutil.rmtree(folder, ignore_errors=True)
        return [list(count_entities(doc).as_tuple()) for doc in match_docs(self._test, predicted)]


def _measured_steps(
    trainer: _Trainer, wanted: Sequence[tuple[int, int]], seconds: float, minutes: float
) -> int:
    """Find how many steps all trainings may have to end in time.

    RAISES (UserError): Where they are too few.
    """
    size = max(size for size, _ in wanted)
    began = time.monotonic()
    # The longer one first, which loads what the other finds in memory: the estimate is rather too long than too short.
    taken = []
    for steps in (LONG, SHORT):
        started = time.monotonic()
        trainer.train(size, 0, steps)
        taken.append(time.monotonic() - started)
    step = max((taken[0] - taken[1]) / (LONG - SHORT), 1e-3)
    besides = max(taken[1] - SHORT * step, 0.0)
    each = (seconds - (time.monotonic() - began)) / len(wanted)
    steps = min(STEPS, int((each - besides) / step))
    if steps < LEAST_STEPS:
        values = {"trainings": len(wanted), "minutes": minutes, "steps": LEAST_STEPS}
        raise UserError(Errors.E766.format(**values, seconds=besides + LEAST_STEPS * step))
    return steps
