import json
import os
import random
import re
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from time import process_time

import pytest
import spacy

from spacy_ner_plus.annotation.generate.records import records_to_json, surfaces_of
from spacy_ner_plus.annotation.generate.templates import requests
from spacy_ner_plus.annotation.generate.templates.requests import (
    FAKER_VERSION,
    SLOT,
    _read_grammars,
    _read_resource,
    generate_corpus,
)
from spacy_ner_plus.data.formats.bio_json import bio_json_to_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog

ASSETS = Path(__file__).parents[4] / "assets" / "synthetic"
LABELS = {"NAME", "EMAIL", "TIME", "DATE", "PHONE", "LOCATION"}
# Those with templates and lists of their own.
PARTS = ("train", "dev")
BUNDLED = (*PARTS, "test")


def bundled(part):
    return (ASSETS / f"{part}.json").read_text(encoding="utf-8")


def read(text):
    issues = IssueLog()
    nlp = spacy.blank("en")
    return list(bio_json_to_docs(text.split("\n"), nlp, issues=issues, where="")), issues


@pytest.fixture(scope="module")
def small():
    return generate_corpus(30, 12, seed=3)


def test_generate_makes_the_bundled_files_again():
    if version("Faker") != FAKER_VERSION:
        pytest.skip(f"made with Faker {FAKER_VERSION}, and this is {version('Faker')}")
    for part, records in zip(BUNDLED, generate_corpus(test=50), strict=True):
        assert records_to_json(records) == bundled(part)


@pytest.mark.parametrize(("part", "count"), [("train", 200), ("dev", 50), ("test", 50)])
def test_generate_bundled_files_read_without_a_loss(part, count):
    docs, issues = read(bundled(part))
    assert dict(issues) == {}
    assert len(docs) == count
    assert {ent.label_ for doc in docs for ent in doc.ents} == LABELS
    assert len({doc.text.lower() for doc in docs}) == count


def test_generate_bundled_labels_are_tokens_of_the_blank_tokenizer():
    nlp = spacy.blank("en")
    for part in BUNDLED:
        for record in json.loads(bundled(part)):
            words = {token.text for token in nlp.make_doc(record["text"])}
            assert {token for token, _ in record["labels"]} <= words


def test_generate_bundled_parts_share_no_entity():
    train, dev, test = (
        {ent.text.lower() for doc in read(bundled(part))[0] for ent in doc.ents} for part in BUNDLED
    )
    assert train & dev == train & test == dev & test == set()


def test_generate_bundled_words_are_ambiguous():
    tags = {part: defaultdict(set) for part in PARTS}
    for part in PARTS:
        for doc in read(bundled(part))[0]:
            for token in doc:
                tags[part][token.lower_].add(token.ent_type_ or "O")
    for word in ("may", "friday", "jordan", "7"):
        assert "O" in tags["train"][word]
        assert len(tags["train"][word] - {"O"}) > 1
    both = [word for word, kinds in tags["dev"].items() if len(kinds | tags["train"][word]) > 1]
    assert len(both) > 20


def test_generate_templates_are_many_and_of_one_part():
    resource = _read_resource("en")
    train, dev = ({line.lower() for line in resource[part]["templates"]} for part in PARTS)
    assert len(train) >= 100
    assert len(dev) >= 40
    assert train & dev == set()


def test_generate_lists_are_of_one_part():
    resource = _read_resource("en")
    train, dev = (resource[part]["values"] for part in PARTS)
    assert train.keys() == dev.keys()
    for kind in train:
        assert not {value.lower() for value in train[kind]} & {value.lower() for value in dev[kind]}, kind


def test_generate_slots_have_values_or_makers():
    from spacy_ner_plus.annotation.generate.templates.values import Values

    resource = _read_resource("en")
    for part in PARTS:
        values = Values(resource, part, seed=0)
        kinds = {match[0][1:-1] for line in resource[part]["templates"] for match in SLOT.finditer(line)}
        assert kinds <= values.lists.keys() | values.makers.keys()


def test_generate_grammar_has_lines_of_one_part_with_known_slots():
    from spacy_ner_plus.annotation.generate.templates.values import Values

    grammars, resource = _read_grammars("en"), _read_resource("en")
    lines = {}
    for part in PARTS:
        values, grammar, rng = Values(resource, part, seed=0), grammars[part], random.Random(0)
        lines[part] = {grammar.expand(line, rng) for line in grammar.templates for _ in range(40)}
        slots = {match[0][1:-1] for line in lines[part] for match in SLOT.finditer(line)}
        assert slots <= values.lists.keys() | values.makers.keys()
        assert not [line for line in lines[part] if re.search(r"  | [.,?:]|^ | $", line)]
    own = {part: {line.lower() for line in resource[part]["templates"] + [*lines[part]]} for part in PARTS}
    assert not own["train"] & own["dev"]


def test_generate_goes_on_with_the_grammar_where_templates_are_used_up(monkeypatch):
    monkeypatch.setattr(requests, "MOST_USES", (1, 1, 1))
    few, _ = generate_corpus(100, 5, seed=2)
    many, _ = generate_corpus(300, 5, seed=2)
    assert many[:100] == few
    assert len({record.text.lower() for record in many}) == 300
    grammar = _read_grammars("en")["train"]
    assert {record.origin for record in many[:100]} <= {*_read_resource("en")["train"]["templates"]}
    assert not {record.origin for record in many[-50:]} & {*_read_resource("en")["train"]["templates"]}
    assert grammar.templates.keys().isdisjoint(_read_resource("en")["train"]["templates"])
    with pytest.raises(UserError, match=r"At most 1\d\d distinct"):
        generate_corpus(300, 5, seed=2, grammar="off")


def test_generate_takes_the_grammar_alone_where_that_is_asked_for():
    train, dev = generate_corpus(60, 20, seed=2, grammar="only")
    own = _read_resource("en")
    for part, records in (("train", train), ("dev", dev)):
        # A line of the grammar may well stand for a template, among others.
        assert len({record.origin for record in records} & {*own[part]["templates"]}) < len(records) / 20
    assert surfaces_of(train).isdisjoint(surfaces_of(dev))


@pytest.mark.slow
def test_generate_makes_ten_thousand_in_seconds_and_in_every_process():
    begin = process_time()
    train, _ = generate_corpus(10_000, 50)
    assert process_time() - begin < 20
    assert len({record.text.lower() for record in train}) == 10_000
    code = (
        "import hashlib; from spacy_ner_plus.annotation.generate.templates.requests import generate_corpus; "
        "print(hashlib.sha256(repr(generate_corpus(300, 50, grammar='only')).encode()).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    ]
    assert runs[0] == runs[1]


def test_generate_is_decided_by_its_seed(small):
    assert generate_corpus(30, 12, seed=3) == small
    assert generate_corpus(30, 12, seed=4) != small


def test_generate_keeps_articles_and_titles_out_of_entities(small):
    entities = [text for part in generate_corpus(200, 50, seed=5) for text in surfaces_of(part)]
    assert not [text for text in entities if text.startswith(("the ", "dr. ", "mr ", "ms ", "uncle "))]


def test_generate_parts_share_no_entity_for_other_seeds_and_sizes():
    train, dev = (surfaces_of(part) for part in generate_corpus(600, 150, seed=11))
    assert train & dev == set()


def test_generate_varies_case(small):
    texts = [record.text for record in generate_corpus(200, 50, seed=5)[0]]
    lower = sum(text == text.lower() for text in texts)
    assert 0.2 < lower / len(texts) < 0.6


@pytest.mark.parametrize(
    ("sizes", "message"),
    [((100_000, 1), "At most .* for train, not 100000"), ((1, 50_000), "for dev"), ((0, 1), "at least one")],
)
def test_generate_refuses_sizes_that_cannot_be(sizes, message):
    with pytest.raises(UserError, match=message):
        generate_corpus(*sizes)


def test_generate_names_the_languages_it_has():
    with pytest.raises(UserError, match=r"'xx'.*: en"):
        generate_corpus(1, 1, lang="xx")


def test_generate_names_the_extra_without_faker(monkeypatch):
    monkeypatch.setitem(sys.modules, "faker", None)
    with pytest.raises(UserError, match=r"\[generate\]"):
        generate_corpus(1, 1)
