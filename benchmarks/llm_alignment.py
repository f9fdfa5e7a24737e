"""How much is lost between an ideal reply of a language model and entities, for every reply format.

Gold is rendered as each format's ideal reply (a mention as often as it is an entity), parsed and
aligned again, and scored against gold: on whole documents and on their sentences. Then the
same with the mentions disturbed as models disturb them: their case, quotes, dashes and white space.
`listed_once` is what the policies make of a reply that lists each mention once, as many models do,
however often it occurs. No model is asked.

    python benchmarks/llm_alignment.py --corpus corpus/conll/test.spacy \\
        --output benchmarks/results/llm_alignment.json

Times are CPU time of parsing and aligning.
"""

import argparse
import json
import random
import re
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import spacy
from corpus_parts import describe
from processes import machine
from results import save
from scoring import score
from spacy.tokens import Doc

from spacy_ner_plus.alignment.align import POLICIES, AlignedMention, Alignment, align_mentions
from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.corpus import load_docs
from spacy_ner_plus.llm.formats import FORMATS, ReplyFormat, get_format
from spacy_ner_plus.spans import without_overlaps

SEED = 0
TIMED = 200
CURLY = {"'": "\u2019", '"': "\u201d", "-": "\u2013", "`": "\u2018"}
Span = tuple[int, int, str]


def main(options: argparse.Namespace) -> int:
    docs = load_docs(options.corpus, spacy.blank("en").vocab, options.few)
    labels = sorted({ent.label_ for doc in docs for ent in doc.ents})
    parts = {"documents": docs}
    if all(doc.has_annotation("SENT_START") for doc in docs):
        parts["sentences"] = [sent.as_doc() for doc in docs for sent in doc.sents]
    results: dict[str, Any] = {
        "corpus": {"name": f"{options.corpus.parent.name}/{options.corpus.stem}", **describe(docs)},
        "seed": SEED,
        "runs": [],
        "listed_once": {},
        "alignment_speed": {name: measure(part, labels) for name, part in parts.items()},
        "machine": machine(1),
    }
    for part, its_docs in parts.items():
        for name in FORMATS:
            for policy in POLICIES[:2]:
                run = {"texts": part, "format": name, "occurrences": policy}
                run["ideal"] = measure_format(its_docs, labels, name, policy, disturbed=False)
                run["disturbed"] = measure_format(its_docs, labels, name, policy, disturbed=True)
                results["runs"].append(run)
                f1 = run["ideal"]["f1"], run["disturbed"]["f1"]
                print(f"{part:10} {name:12} {policy:7} ideal {f1[0]:.4f}  disturbed {f1[1]:.4f}", flush=True)
        results["listed_once"][part] = {policy: measure_once(its_docs, policy) for policy in POLICIES[:2]}
    save(options.output, results)
    return 0


def measure_format(
    docs: Sequence[Doc], labels: Sequence[str], name: str, policy: str, *, disturbed: bool
) -> dict[str, Any]:
    """Render, parse, align and score a corpus in one format."""
    reply_format = get_format(name)
    chance = random.Random(SEED)
    found, unaligned, snapped, changed, seconds = [], 0, 0, 0, 0.0
    # `per_type` asks about each label by itself.
    asked = [[label] for label in labels] if hasattr(reply_format, "turns") else [labels]
    for doc in docs:
        replies = []
        for about in asked:
            gold = [span for span in gold_spans(doc) if span[2] in about]
            if disturbed:
                reply, count = disturbed_reply(reply_format, gold, about, doc.text, chance)
                changed += count
            else:
                reply = reply_format.render(gold, about, doc.text)
            replies.append((about, reply))
        began = time.process_time()
        mentions = [m for about, reply in replies for m in reply_format.parse(reply, about, doc.text)]
        alignment = align_mentions(doc, mentions, occurrences=policy)
        ents = choose(alignment)
        seconds += time.process_time() - began
        found.append(to_characters(doc, ents))
        unaligned += len(alignment.unaligned)
        snapped += alignment.snapped
    report = score(docs, found) | {"unaligned": unaligned, "snapped": snapped, "seconds": round(seconds, 2)}
    if disturbed:
        report["mentions_changed"] = changed
    return report


def measure_once(docs: Sequence[Doc], policy: str) -> dict[str, Any]:
    """Score replies that list each mention of a label once, by its first spelling."""
    found = []
    for doc in docs:
        mentions: dict[tuple[str, str], Mention] = {}
        for ent in sorted(doc.ents, key=lambda ent: ent.label_):
            mentions.setdefault((ent.text.casefold(), ent.label_), Mention(ent.text, ent.label_))
        alignment = align_mentions(doc, list(mentions.values()), occurrences=policy)
        found.append(to_characters(doc, choose(alignment)))
    return score(docs, found)


def choose(alignment: Alignment) -> list[AlignedMention]:
    """Of spans that overlap the longest, of equally long ones the better aligned."""
    return without_overlaps(alignment.spans, rank=lambda s: (s.start - s.end, -s.score, s.start))[0]


def to_characters(doc: Doc, spans: Sequence[AlignedMention]) -> list[Span]:
    return [(doc[s.start].idx, doc[s.end - 1].idx + len(doc[s.end - 1]), s.label) for s in spans]


def gold_spans(doc: Doc) -> list[Span]:
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def disturbed_reply(
    reply_format: ReplyFormat, gold: Sequence[Span], labels: Sequence[str], text: str, chance: random.Random
) -> tuple[str, int]:
    """Render gold with other spellings of its mentions.

    RETURNS (tuple[str, int]): The reply, and how many mentions are spelled otherwise in it.
    """
    spellings = [disturb(text[start:end], chance) for start, end, _ in gold]
    changed = sum(
        spelling != text[start:end] for spelling, (start, end, _) in zip(spellings, gold, strict=True)
    )
    if reply_format.name == "entity_list":
        # A model counts occurrences in the text, not in what it writes.
        value = json.loads(reply_format.render(gold, labels, text))
        for entity, spelling in zip(value["entities"], spellings, strict=True):
            entity["text"] = spelling
        return json.dumps(value, ensure_ascii=False), changed
    # The others copy the text, or stretches of it: so they are rendered from a text that is disturbed.
    pieces, spans, at, length = [], [], 0, 0
    for (start, end, label), spelling in zip(gold, spellings, strict=True):
        pieces += [text[at:start], spelling]
        length += start - at
        spans.append((length, length + len(spelling), label))
        length += len(spelling)
        at = end
    pieces.append(text[at:])
    return reply_format.render(spans, labels, "".join(pieces)), changed


def disturb(mention: str, chance: random.Random) -> str:
    """Change a mention's case, its quotes and dashes, and its white space, wherever it has such."""
    others = {mention.lower(), mention.upper(), mention.title()} - {mention}
    mention = chance.choice(sorted(others) or [mention])
    mention = "".join(CURLY.get(character, character) for character in mention)
    # Also none beside punctuation, as in 'U.S.Open', and one where there was none, as in 'U. S.'
    mention = re.sub(r"(?<=[.,&])(?=\w)", lambda _: chance.choice(["", " "]), mention)
    mention = re.sub(r"(?<=[.,&])\s", lambda _: chance.choice(["", " "]), mention)
    return re.sub(r"\s+", lambda _: chance.choice(["  ", "\n", "\u00a0"]), mention)


def measure(docs: Sequence[Doc], labels: Sequence[str]) -> dict[str, Any]:
    """Time the alignment of exact mentions alone, on texts with at least three of them."""
    texts = [doc for doc in docs if len(doc.ents) >= 3][:TIMED]
    milliseconds, rates = [], []
    for doc in texts:
        spans = gold_spans(doc)
        mentions = [Mention(doc.text[start:end], label) for start, end, label in spans[:3]]
        everything = [Mention(doc.text[start:end], label) for start, end, label in spans]
        milliseconds.append(best_of(doc, mentions))
        rates.append(len(doc.text) / best_of(doc, everything))
    if not texts:
        return {}
    return {
        "texts": len(texts),
        "median_characters": statistics.median(len(doc.text) for doc in texts),
        "three_mentions_median_ms": round(statistics.median(milliseconds), 4),
        "all_mentions_median_characters_per_ms": round(statistics.median(rates)),
    }


def best_of(doc: Doc, mentions: Sequence[Mention], rounds: int = 5) -> float:
    """RETURNS (float): Milliseconds of CPU time; the least of several rounds of ten."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(10):
            align_mentions(doc, mentions)
        times.append((time.process_time() - began) * 100)
    return min(times)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True, help="A .spacy file of documents with gold")
    parser.add_argument("--output", type=Path, required=True, help="The result file")
    parser.add_argument("--few", type=int, default=0, help="Only so many documents; 0 for all")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse(sys.argv[1:])))
