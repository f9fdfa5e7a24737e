"""`review suggest` on a corpus some of whose entities are broken by known rules: how many of the first 200 are these.

    python benchmarks/label_errors.py --corpus corpus/conll --config configs/transformer_ner.cfg \\
        --work training/label_errors --output benchmarks/results/label_errors.json

CoNLL++ dev, of whose entities 5 % are broken, as many by each rule: another label; one side moved by a token; not
marked; and an entity where there is none, on a word that begins with a capital. Its own errors, which nobody has
listed, count as wrong suggestions. Out-of-fold scores come from pipelines that are trained on the other folds of the
broken corpus, as `review suggest --config` does, or from --pipeline: such as were trained on another corpus.

Beside it the same entities in random order, and the tokens that cleanlab ranks, whose probabilities come from the same
pipelines: `find_label_issues` of its token_classification, by its default score, and by the margin. A token is right if
it lies in a broken place, the same rule as for suggestions. cleanlab flags each token of an entity; so it is counted
once more with the tokens that lie side by side taken as one, by the highest of them.

Where cleanlab isn't installed, its rows are left out.
"""

import argparse
import importlib.util
import random
import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import spacy
from corpus_parts import describe, read_split
from processes import machine
from results import save
from spacy.tokens import Doc, Span

from spacy_ner_plus.corpus import bare_copy, save_docs
from spacy_ner_plus.workflows.review.suggest import review_suggest

RULES = ("label", "boundary", "missing", "spurious")
FIRST = (50, 100, 200, 300)
COMPONENT = "transformer_ner"


class Place(NamedTuple):
    """Tokens whose annotation was broken.

    document (int): Number of the document.
    start (int): The first token.
    end (int): After the last, of what was there and what is there now.
    rule (str): One of RULES.
    """

    document: int
    start: int
    end: int
    rule: str


def break_entities(docs: Sequence[Doc], share: float, seed: int) -> tuple[list[Doc], list[Place]]:
    """Break some entities of a corpus, as many by each rule.

    docs (Sequence[Doc]): The corpus, which stays.
    share (float): Of all entities.
    seed (int): Of the choice.
    RETURNS (tuple[list[Doc], list[Place]]): Copies, and where they are broken; no two places touch.
    """
    rng = random.Random(seed)
    labels = sorted({ent.label_ for doc in docs for ent in doc.ents})
    ents = {i: {(ent.start, ent.end, ent.label_) for ent in doc.ents} for i, doc in enumerate(docs)}
    wanted = round(share * sum(map(len, ents.values())))
    quotas = {rule: (wanted + k) // len(RULES) for k, rule in enumerate(RULES)}
    places: list[Place] = []
    touched: dict[int, set[int]] = {i: set() for i in ents}
    order = [(i, ent) for i, some in ents.items() for ent in sorted(some)]
    rng.shuffle(order)
    capitals = [
        (i, (token.i, token.i + 1, ""))
        for i, doc in enumerate(docs)
        for token in doc
        if token.is_title and token.is_alpha and len(token) > 2 and not token.ent_type
    ]
    rng.shuffle(capitals)
    queues = {rule: iter(capitals if rule == "spurious" else order) for rule in RULES}
    for rule, quota in quotas.items():
        left = quota
        for i, (start, end, label) in queues[rule]:
            if not left:
                break
            if touched[i] & set(range(start - 1, end + 1)):
                continue
            new = _broken(rule, docs[i], ents[i], (start, end, label), labels, rng)
            if new is None:
                continue
            ents[i].discard((start, end, label))
            ents[i].update(new)
            first = min([start, *(span[0] for span in new)])
            last = max([end, *(span[1] for span in new)])
            places.append(Place(i, first, last, rule))
            touched[i].update(range(first - 1, last + 1))
            left -= 1
    broken = []
    for i, doc in enumerate(docs):
        copy = doc.copy()
        spans = [Span(copy, start, end, label=label) for start, end, label in sorted(ents[i])]
        copy.set_ents(spans, default="outside")
        broken.append(copy)
    return broken, places


def _broken(
    rule: str,
    doc: Doc,
    ents: set[tuple[int, int, str]],
    ent: tuple[int, int, str],
    labels: Sequence[str],
    rng: random.Random,
) -> list[tuple[int, int, str]] | None:
    """What stands in the place of an entity; None where it can't be broken so."""
    start, end, label = ent
    if rule == "missing":
        return []
    if rule in ("label", "spurious"):
        return [(start, end, rng.choice([other for other in labels if other != label]))]
    taken = {i for one, other, _ in ents - {ent} for i in range(one, other)}
    sides = [(start + 1, end), (start, end - 1)] if end - start > 1 else []
    sides += [
        bounds
        for i, bounds in ((start - 1, (start - 1, end)), (end, (start, end + 1)))
        if 0 <= i < len(doc) and i not in taken and not doc[i].is_space
    ]
    return [(*rng.choice(sides), label)] if sides else None


def precisions(found: Sequence[tuple[int, int, int]], places: Iterable[Place]) -> dict[str, Any]:
    """Score a ranking.

    found (Sequence[tuple[int, int, int]]): Document, first token and the one after the last, the most suspicious first.
    RETURNS (dict): Precision among the first of FIRST, and how many there are by each rule among the first 200.
    """
    rules = {(place.document, i): place.rule for place in places for i in range(place.start, place.end)}
    hits = [
        next((rules[document, i] for i in range(start, end) if (document, i) in rules), None)
        for document, start, end in found
    ]
    row: dict[str, Any] = {
        f"first_{n}": round(sum(hit is not None for hit in hits[:n]) / n, 4) for n in FIRST if len(hits) >= n
    }
    counted = Counter(hits[:200])
    return {**row, "suggested": len(found), "by_rule": {rule: counted[rule] for rule in RULES}}


def merge_tokens(found: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Take ranked tokens that lie side by side as one place, by the highest of them."""
    ranked = {(document, start): rank for rank, (document, start, _) in enumerate(found)}
    runs: list[list[tuple[int, int]]] = []
    for document, token in sorted(ranked):
        if runs and runs[-1][-1] == (document, token - 1):
            runs[-1].append((document, token))
        else:
            runs.append([(document, token)])
    runs.sort(key=lambda run: min(ranked[token] for token in run))
    return [(run[0][0], run[0][1], run[-1][1] + 1) for run in runs]


def suggested(docs: Sequence[Doc], folder: Path, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Run `review suggest`.

    RETURNS (dict): Its ranking, and how many pipelines read each document.
    """
    corpus = folder / "broken.spacy"
    save_docs(docs, corpus)
    how: dict[str, Any] = {"pipelines": options.pipeline}
    if options.config:
        how = {
            "config": options.config,
            "work": options.work / f"seed-{seed}",
            "folds": options.folds,
            "steps": options.steps,
            "overrides": options.override,
        }
    rows = review_suggest(corpus, number=10**6, **how).rows
    found = []
    for row in rows:
        doc = docs[row["document"] - 1]
        span = doc.char_span(row["start"], row["end"])
        found.append((row["document"] - 1, span.start, span.end))
    return {"found": found, "kinds": Counter(row["kind"] for row in rows[:200])}


def cleanlab_rankings(docs: Sequence[Doc], scores: Sequence[Any], labels: Sequence[str]) -> dict[str, Any]:
    """RETURNS (dict): The tokens that cleanlab ranks, by its method."""
    from cleanlab.token_classification.filter import find_label_issues

    numbers = {tag: i for i, tag in enumerate(tags_of(labels))}
    given = [
        [numbers[f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else "O"] for token in doc]
        for doc in docs
    ]
    found = {}
    for method in ("self_confidence", "normalized_margin"):
        ranked = find_label_issues(given, list(scores), return_indices_ranked_by=method, n_jobs=1)
        found[method] = [(int(i), int(j), int(j) + 1) for i, j in ranked]
    return found


def tags_of(labels: Sequence[str]) -> list[str]:
    return ["O", *(f"{prefix}-{label}" for prefix in "BI" for label in labels)]


def token_scores(docs: Sequence[Doc], options: argparse.Namespace, seed: int) -> tuple[list[Any], list[str]]:
    """RETURNS (tuple): Of each document the probability of each token's tags, by the mean of all pipelines that read
    it, and the labels; of out-of-fold pipelines where these were trained."""
    import numpy as np

    from spacy_ner_plus.annotation.review.label_errors.folds import split_folds

    if options.config:
        dealt = split_folds(docs, options.folds, 0)
        folder = options.work / f"seed-{seed}"
        groups = [(folder / f"fold-{k}" / "model-last", fold) for k, fold in enumerate(dealt, start=1)]
    else:
        groups = [(Path(path), list(range(len(docs)))) for path in options.pipeline]
    sums: list[Any] = [0.0] * len(docs)
    labels: list[str] = []
    for path, numbers in groups:
        nlp = spacy.load(path)
        tagger = nlp.get_pipe(COMPONENT)
        labels = list(tagger.labels)
        for begin in range(0, len(numbers), 32):
            some = numbers[begin : begin + 32]
            logits = tagger.score_tags([bare_copy(docs[i], nlp.vocab) for i in some])
            for i, part in zip(some, logits.split(), strict=True):
                exps = np.exp(part - part.max(axis=1, keepdims=True)) if len(part) else part
                probs = exps / exps.sum(axis=1, keepdims=True)
                # White space isn't scored: it is O.
                probs[~part.any(axis=1)] = np.eye(part.shape[1])[0]
                sums[i] = sums[i] + probs
    return [total / total.sum(axis=1, keepdims=True) for total in sums], labels


def main(options: argparse.Namespace) -> int:
    docs = read_split(options.corpus, "dev")[: options.few or None]
    result: dict[str, Any] = {
        "machine": machine(1),
        "corpus": {"name": options.corpus.name, "split": "dev", **describe(docs)},
        "share": options.share,
        "out_of_fold": f"{options.folds} folds of the broken corpus, {options.steps} steps each"
        if options.config
        else f"{len(options.pipeline)} pipeline(s) trained on another corpus",
        "goal": 0.5,
        "not_run": [],
        "runs": [],
    }
    has_cleanlab = importlib.util.find_spec("cleanlab") is not None
    if not has_cleanlab:
        result["not_run"].append({"peer": "cleanlab", "reason": "it isn't installed"})
    for seed in range(options.seeds):
        broken, places = break_entities(docs, options.share, seed)
        with TemporaryDirectory() as scratch:
            ours = suggested(broken, Path(scratch), options, seed)
        rankings = {"ours": ours["found"]}
        entities = [(i, ent.start, ent.end) for i, doc in enumerate(broken) for ent in doc.ents]
        random.Random(seed).shuffle(entities)
        rankings["random"] = entities
        if has_cleanlab:
            scores, labels = token_scores(broken, options, seed)
            for method, found in cleanlab_rankings(broken, scores, labels).items():
                rankings[f"cleanlab_{method}"] = found
                rankings[f"cleanlab_{method}_merged"] = merge_tokens(found)
        for peer, found in rankings.items():
            row = {"peer": peer, "seed": seed, "broken": len(places), **precisions(found, places)}
            result["runs"].append(row)
            print(row, flush=True)
        save(options.output, result)
    peers = dict.fromkeys(run["peer"] for run in result["runs"])
    result["precision_of_first_200"] = {
        peer: round(
            statistics.mean(run.get("first_200", 0.0) for run in result["runs"] if run["peer"] == peer), 4
        )
        for peer in peers
    }
    save(options.output, result)
    print(result["precision_of_first_200"])
    return 0


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True, help="folder with dev.spacy")
    parser.add_argument(
        "--pipeline", action="append", default=[], help="trained on another corpus; repeatable"
    )
    parser.add_argument("--config", type=Path, help="trains a pipeline for each fold instead")
    parser.add_argument("--work", type=Path, help="where those are kept")
    parser.add_argument("--folds", type=int, default=4, help="(4)")
    parser.add_argument("--steps", type=int, default=300, help="of each of them (300)")
    parser.add_argument("--override", action="append", default=[], help="setting of the config as key=value")
    parser.add_argument("--share", type=float, default=0.05, help="of the entities that is broken (0.05)")
    parser.add_argument("--seeds", type=int, default=3, help="how many times others are broken (3)")
    parser.add_argument("--few", type=int, default=0, help="only the first documents, for a try")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    options = parser.parse_args(arguments)
    if bool(options.pipeline) == bool(options.config) or bool(options.config) != bool(options.work):
        parser.error("give --pipeline, or --config and --work")
    return options


if __name__ == "__main__":
    sys.exit(main(parse()))
