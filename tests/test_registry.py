"""Every public name can be fetched and is what it says; the list of names is frozen here."""

import subprocess
import sys
from configparser import ConfigParser
from importlib import import_module

import pytest

from tests.conftest import ROOT

# A name that goes, or changes its meaning, breaks pipelines that people have saved.
NAMES = {
    "console_scripts": ["spacy-ner-plus"],
    "spacy_factories": ["entity_vote", "structured_llm_ner", "transformer_ner", "zero_shot_ner"],
    "spacy_architectures": [
        "spacy_ner_plus.Tok2VecTagger.v1",
        "spacy_ner_plus.TransformerTagger.v1",
        "spacy_ner_plus.TransformerTagger.v2",
    ],
    "spacy_ner_plus_formats": [
        "argilla",
        "bio-json",
        "brat",
        "conll",
        "conllu",
        "dataturks",
        "doccano",
        "excel",
        "gliner",
        "hub",
        "iob",
        "jsonl",
        "label-studio",
        "lighttag",
        "ontonotes",
        "prodigy",
        "rasa",
        "spacy",
        "spacy-json",
        "spacy-train",
        "spacy-v2",
        "strings",
        "table",
        "tagtog",
        "tensorzero-ner",
        "tokens",
        "uima-cas",
        "universal-ner",
        "webanno-tsv",
    ],
    "spacy_ner_plus_review_tools": ["argilla", "doccano", "label-studio", "prodigy", "uima-cas"],
    "spacy_ner_plus_generators": ["llm", "presidio", "templates"],
    "spacy_callbacks": [
        "spacy_ner_plus.add_labels.v1",
        "spacy_ner_plus.interpolate_training.v1",
        "spacy_ner_plus.resolve_training.v1",
    ],
    "spacy_misc": [
        "spacy_ner_plus.bio_lines.v1",
        "spacy_ner_plus.encoder_path.v1",
        "spacy_ner_plus.entity_list.v1",
        "spacy_ner_plus.epochs.v1",
        "spacy_ner_plus.eval_frequency.v1",
        "spacy_ner_plus.gradual_unfreezing.v1",
        "spacy_ner_plus.guidelines.v1",
        "spacy_ner_plus.inline_tags.v1",
        "spacy_ner_plus.intersection.v1",
        "spacy_ner_plus.label_lists.v1",
        "spacy_ner_plus.label_mask.v1",
        "spacy_ner_plus.layer_rate_decay.v1",
        "spacy_ner_plus.majority.v1",
        "spacy_ner_plus.numbered_mask.v1",
        "spacy_ner_plus.per_type.v1",
        "spacy_ner_plus.union.v1",
        "spacy_ner_plus.weighted.v1",
    ],
    "spacy_tokenizers": ["spacy_ner_plus.language_tokenizer.v1"],
    "spacy_scorers": [
        "spacy_ner_plus.llm_ner_scorer.v1",
        "spacy_ner_plus.ner_scorer.v1",
        "spacy_ner_plus.ner_scorer.v2",
    ],
    "thinc_llm_tasks": ["spacy_ner_plus.NER.v1"],
    "thinc_llm_models": ["spacy_ner_plus.ChatModel.v1"],
    "spacy_loggers": ["spacy_ner_plus.TrainingLog.v1"],
    "thinc_losses": [
        "spacy_ner_plus.focal_loss.v1",
        "spacy_ner_plus.smoothed_cross_entropy.v1",
        "spacy_ner_plus.weighted_cross_entropy.v1",
    ],
    "thinc_schedules": ["spacy_ner_plus.warmup_linear_by_epochs.v1"],
    "spacy_displacy_colors": ["spacy_ner_plus"],
}


def entry_points() -> dict[str, dict[str, str]]:
    # Strict: a name that is given twice is an error.
    parser = ConfigParser(strict=True, delimiters=("=",))
    parser.read(ROOT / "setup.cfg")
    groups = {}
    for group, text in parser["options.entry_points"].items():
        rows = [line.split("=", 1) for line in text.strip().splitlines()]
        names = [name.strip() for name, _ in rows]
        assert len(names) == len(set(names)), f"a name twice in {group}"
        groups[group] = {name.strip(): target.strip() for name, target in rows}
    return groups


def test_registry_names_are_the_frozen_ones():
    assert {group: sorted(names) for group, names in entry_points().items()} == NAMES


@pytest.mark.parametrize("group", NAMES)
def test_registry_targets_exist(group):
    for target in entry_points()[group].values():
        module, _, name = target.partition(":")
        assert getattr(import_module(module), name) is not None


@pytest.mark.parametrize(
    ("registry_name", "group"),
    [
        ("architectures", "spacy_architectures"),
        ("callbacks", "spacy_callbacks"),
        ("misc", "spacy_misc"),
        ("loggers", "spacy_loggers"),
        ("scorers", "spacy_scorers"),
        ("tokenizers", "spacy_tokenizers"),
        ("losses", "thinc_losses"),
        ("schedules", "thinc_schedules"),
    ],
)
def test_registry_is_found_by_spacy(registry_name, group):
    from spacy import registry

    for name in NAMES[group]:
        assert callable(registry.get(registry_name, name))


def test_registry_entry_points_import_nothing_heavy():
    targets = [t.partition(":")[0] for group in entry_points().values() for t in group.values()]
    code = (
        f"import sys, spacy, importlib; before = set(sys.modules)\n"
        f"for target in {targets!r}: importlib.import_module(target)\n"
        "heavy = {'transformers', 'datasets', 'seqeval', 'sklearn', 'tokenizers', 'spacy_llm', 'pandas', 'faker', "
        "'httpx', 'openvino', 'rapidfuzz', 'jsonschema'}\n"
        "print(sorted(heavy & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
