"""Formats of rows, a token each: how they are written, mutated and, by splitting alone, read."""

import copy
import csv
import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.data.formats.fuzz.gold import Text

Row = list[str]
Sentences = list[tuple[list[str], ...]]


def spans_of_tags(tags: Iterable[str]) -> list[tuple[int, int, str]]:
    """As conlleval counts them: an entity begins at B-, and at I- after another label."""
    spans: list[tuple[int, int, str]] = []
    before = "O"
    for i, tag in enumerate(tags):
        if tag != "O":
            prefix, label = tag.split("-", 1)
            if prefix == "I" and before != "O" and before.split("-", 1)[1] == label:
                spans[-1] = (spans[-1][0], i + 1, label)
            else:
                spans.append((i, i + 1, label))
        before = tag
    return spans


def by_character(sentences: Sentences) -> list[tuple[str, list[tuple[int, int, str]]]]:
    """RETURNS (list[tuple[str, list]]): Each sentence's text and spans."""
    found = []
    for words, *layers in sentences:
        spans = []
        for first, last, label in [span for tags in layers for span in spans_of_tags(tags)]:
            start = len(" ".join(words[:first])) + bool(first)
            spans.append((start, len(" ".join(words[:last])), label))
        found.append((" ".join(words), spans))
    return found


@dataclass(frozen=True)
class RowShape:
    """How the rows of a format look.

    format (str): Its name.
    row (Callable[[Text, int], Row]): The columns of a token.
    dump (Callable[[list[list[Row]]], str]): Writes sentences.
    read (Callable[[str], Sentences]): Reads words and tags, independently.
    tag (int): The column of the tags.
    other (int | None): Another column of tags, with which it may be swapped in a whole file.
    ending (str): Of the file.
    """

    format: str
    row: Callable[[Text, int], Row]
    write: Callable[[list[list[Row]]], str]
    parse: Callable[[str], Sentences]
    tag: int
    other: int | None = None
    ending: str = ".conll"
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.format

    def build(self, gold: list[Text]) -> list[list[Row]]:
        return [[self.row(text, i) for i in range(len(text.words))] for text in gold]

    def dump(self, sentences: list[list[Row]]) -> bytes:
        return self.write(sentences).encode()

    def read(self, data: bytes) -> list[tuple[str, list[tuple[int, int, str]]]]:
        return by_character(self.parse(data.decode()))

    def mutate(self, kind: str, sentences: list[list[Row]], random: Random) -> bytes | None:
        sentences = copy.deepcopy(sentences)
        done = getattr(self, f"_{kind}", lambda *_: False)(sentences, random)
        return self.dump(sentences) if done else None

    def _column(self, sentences: list[list[Row]], random: Random) -> bool:
        row = random.choice(random.choice(sentences))
        if self.tag not in (len(row) - 1, -1) and self.format == "conllu":
            return False
        row.pop(self.tag)
        return True

    def _tag(self, sentences: list[list[Row]], random: Random) -> bool:
        row = random.choice(random.choice(sentences))
        tag = row[self.tag]
        plain = tag.rpartition("=")
        new = random.choice(["B-", "-PER", "X-PER", "?", "B PER", "PER-", "Q", "-B-", "17"])
        row[self.tag] = "".join([*plain[:2], new])
        return " " not in new or self.format in ("table", "conllu")

    def _gone(self, sentences: list[list[Row]], random: Random) -> bool:
        sentences.pop(random.randrange(len(sentences)))
        return True

    def _shift(self, sentences: list[list[Row]], random: Random) -> bool:
        """A row is gone, which nobody can see."""
        if self.format in ("conllu", "ontonotes"):
            return False
        sentence = random.choice(sentences)
        sentence.pop(random.randrange(1, len(sentence)))
        return True

    def _swap(self, sentences: list[list[Row]], random: Random) -> bool:
        if self.other is not None and random.random() < 0.5:
            for sentence in sentences:
                for row in sentence:
                    row[self.tag], row[self.other] = row[self.other], row[self.tag]
            return True
        labels = ["PER", "LOC", "ORG"]
        one, other = random.sample(labels, 2)
        sentence = random.choice(sentences)
        for row in sentence:
            row[self.tag] = re.sub(
                f"{one}|{other}", lambda found: other if found[0] == one else one, row[self.tag]
            )
        return True


def _chunk(text: Text, i: int) -> str:
    return "B-NP" if i % 3 == 0 else "I-NP" if i % 3 == 1 else "B-VP"


def _part(text: Text, i: int) -> str:
    """A column of what is within entities."""
    return "B-PART" if any(last - first > 1 and i == first for first, last, _ in text.ents) else "O"


def _joined(mark: str, header: str = "") -> Callable[[list[list[Row]]], str]:
    def write(sentences: list[list[Row]]) -> str:
        return "".join(
            header + "".join(mark.join(row) + "\n" for row in sentence) + "\n" for sentence in sentences
        )

    return write


def _split(mark: str, *columns: int) -> Callable[[str], Sentences]:
    def read(text: str) -> Sentences:
        found = []
        for block in text.split("\n\n"):
            rows = [
                line.split(mark)
                for line in block.split("\n")
                if line and not line.startswith("#") and "-DOCSTART-" not in line
            ]
            if rows:
                found.append(tuple([row[column] for row in rows] for column in columns))
        return found

    return read


def _conllu(text: str) -> Sentences:
    return [
        (words, [tag.split("Tag=")[1].split("|")[0] for tag in tags])
        for words, tags in _split("\t", 1, 9)(text)
    ]


def _iob_line(sentences: list[list[Row]]) -> str:
    return "".join(" ".join("|".join(row) for row in sentence) + "\n" for sentence in sentences)


def _read_iob(text: str) -> Sentences:
    lines = [[part.split("|") for part in line.split(" ")] for line in text.splitlines()]
    return [([part[0] for part in line], [part[-1] for part in line]) for line in lines]


def _csv(sentences: list[list[Row]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["Sentence #", "Word", "POS", "Tag"])
    for number, sentence in enumerate(sentences, start=1):
        for i, row in enumerate(sentence):
            writer.writerow(["" if i else f"Sentence: {number}", *row])
    return file.getvalue()


def _read_csv(text: str) -> Sentences:
    found: Sentences = []
    for row in csv.DictReader(io.StringIO(text)):
        if row["Sentence #"]:
            found.append(([], []))
        found[-1][0].append(row["Word"])
        found[-1][1].append(row["Tag"])
    return found


def _token_records(sentences: list[list[Row]]) -> str:
    return "".join(
        json.dumps({"tokens": [row[0] for row in rows], "ner_tags": [tag for row in rows for tag in row[1:]]})
        + "\n"
        for rows in sentences
    )


def _read_token_records(text: str) -> Sentences:
    records: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    return [(record["tokens"], record["ner_tags"]) for record in records]


def _brackets(text: Text, i: int) -> str:
    before = "".join(f"({label}" for first, _, label in text.ents if first == i)
    return f"{before}*{')' if any(last - 1 == i for _, last, _ in text.ents) else ''}".replace(
        "*)", ")" if before else "*)"
    )


ROW_SHAPES = [
    RowShape(
        "conll",
        lambda text, i: [text.words[i], text.tags[i]],
        _joined("\t"),
        _split("\t", 0, 1),
        1,
        name="conll-2",
    ),
    RowShape(
        "conll",
        lambda text, i: [text.words[i], "NN", _chunk(text, i), text.tags[i]],
        _joined(" ", "-DOCSTART- -X- -X- O\n\n"),
        _split(" ", 0, 3),
        3,
        name="conll-4",
    ),
    RowShape(
        "conll",
        lambda text, i: [str(i + 1), text.words[i], text.tags[i], _part(text, i)],
        _joined("\t", "#\tsrc\n"),
        _split("\t", 1, 2, 3),
        2,
        3,
        ending=".tsv",
        name="germeval",
    ),
    RowShape(
        "conllu",
        lambda text, i: [
            str(i + 1),
            text.words[i],
            "_",
            "X",
            "_",
            "_",
            "0",
            "root",
            "_",
            f"Tag={text.tags[i]}",
        ],
        _joined("\t", "# newdoc\n"),
        _conllu,
        9,
        ending=".conllu",
    ),
    RowShape(
        "iob",
        lambda text, i: [text.words[i], text.tags[i]],
        _iob_line,
        _read_iob,
        1,
        ending=".iob",
        name="iob-2",
    ),
    RowShape(
        "iob",
        lambda text, i: [text.words[i], "NN", text.tags[i]],
        _iob_line,
        _read_iob,
        2,
        ending=".iob",
        name="iob-3",
    ),
    RowShape(
        "table",
        lambda text, i: [text.words[i], "NN", text.tags[i]],
        _csv,
        _read_csv,
        2,
        ending=".csv",
    ),
    RowShape(
        "tokens",
        lambda text, i: [text.words[i], text.tags[i]],
        _token_records,
        _read_token_records,
        1,
        ending=".jsonl",
    ),
]
