"""The spaCy project: made by `init`, run twice, and on one corpus after another."""

import csv
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import pytest
import spacy
import srsly
import weasel.cli.run
from weasel.cli.run import project_run

from spacy_ner_plus.corpus import read_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.llm.store.text_hash import text_hash
from spacy_ner_plus.workflows.project.init import init
from spacy_ner_plus.workflows.training.origin import hash_path
from tests.conftest import ROOT, wordpiece_tokenizer
from tests.servers.gold_server import GoldServer, Mistakes
from tests.tiny_causal import save_tiny_causal

PROJECT = srsly.read_yaml(ROOT / "project.yml")
COMMANDS = {command["name"]: command for command in PROJECT["commands"]}


def run(*arguments, cwd=None):
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_project_uses_nothing_of_tests_or_benchmarks():
    for command in PROJECT["commands"]:
        for line in command["script"]:
            assert "tests" not in line, command["name"]
            assert "benchmarks" not in line, command["name"]


def outputs(command):
    return [*command.get("outputs", ()), *command.get("outputs_no_cache", ())]


def is_inside(path, folder):
    return Path(path).is_relative_to(folder)


def test_project_writes_nothing_into_what_another_command_made():
    """Its hash would be another one then, and the command would run again."""
    for name, command in COMMANDS.items():
        for other in COMMANDS.values():
            for one in outputs(command):
                for two in outputs(other):
                    assert (command is other and one == two) or not is_inside(one, two), name


def test_project_reads_only_what_is_there_or_what_earlier_commands_made():
    made = {path: name for name, command in COMMANDS.items() for path in outputs(command)}
    for workflow, steps in PROJECT["workflows"].items():
        for number, step in enumerate(steps):
            for dep in COMMANDS[step].get("deps", ()):
                if not dep.startswith(
                    ("configs/", "${vars.files}", "${vars.pii_table}", "${vars.slm_files}")
                ):
                    assert made[dep] in steps[:number], f"{workflow}: {step} needs {dep}"


@pytest.mark.parametrize("workflow", PROJECT["workflows"])
def test_project_checks_what_a_workflow_needs_before_it_runs(workflow):
    (line,) = COMMANDS[PROJECT["workflows"][workflow][0]]["script"]
    assert f"check-project {workflow} " in line


def test_project_results_of_a_corpus_have_its_name():
    for name, command in COMMANDS.items():
        for path in outputs(command):
            kind = name.split("-")[0]
            ours = f"${{vars.{kind if kind in ('bootstrap', 'pii', 'slm') else 'corpus'}}}"
            assert ours in path.split("/")[1], name


def test_project_conll_hands_all_variables_on():
    line = COMMANDS["conll"]["script"][-1]
    # It has a batch size of its own.
    others = {"corpus", "files", "batch_words", "teacher", "label_map", "reviewer"}
    ours = {
        name
        for name in PROJECT["vars"]
        if not name.startswith(("llm_", "loop_", "bootstrap", "pii", "gliner", "slm"))
    } - others
    assert all(f"${{vars.{name}}}" in line for name in ours)


def test_project_page_is_up_to_date(tmp_path):
    page = (ROOT / "docs" / "project.md").read_text(encoding="utf8")
    shutil.copy(ROOT / "project.yml", tmp_path)
    (tmp_path / "project.md").write_text(page, encoding="utf8")
    done = run("spacy", "project", "document", tmp_path, "--output", tmp_path / "project.md")
    assert done.returncode == 0, done.stderr
    # The link leads out of docs/.
    made = (tmp_path / "project.md").read_text(encoding="utf8").replace("(project.yml)", "(../project.yml)")
    assert made == page, "run: python -m spacy project document . --output docs/project.md, and mend the link"


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A tiny encoder, long enough for the windows of configs/."""
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(0)
    tokenizer = wordpiece_tokenizer()
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=256, **sizes)
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def project(tmp_path):
    """A new project with two corpora of forty sentences."""
    init(tmp_path / "project")
    for name, first in (("one", 0), ("two", 60)):
        folder = tmp_path / "project" / "assets" / name
        folder.mkdir()
        for split, start, count in (("train", first, 40), ("dev", 0, 10), ("test", 10, 10)):
            source = "train" if split == "train" else "dev"
            records = json.loads((ROOT / "assets" / "synthetic" / f"{source}.json").read_text())
            (folder / f"{split}.json").write_text(json.dumps(records[start : start + count]))
    return tmp_path / "project"


@pytest.fixture
def workflow(project, encoder, monkeypatch):
    """Runs a workflow in this process, and gives the names of the programs that ran."""
    ran: Counter[str] = Counter()
    terminate = signal.getsignal(signal.SIGTERM)

    def run_command(command, **options):
        from spacy_ner_plus.cli.app import app

        if command[0] == "rm":
            shutil.rmtree(command[2], ignore_errors=True)
            return
        assert command[1:3] == ["-m", "spacy_ner_plus"], command
        ran[command[3]] += 1
        if command[3] in ("package", "test-package"):
            # These build and install, which other tests do.
            if command[3] == "package":
                Path(command[5]).mkdir(parents=True, exist_ok=True)
                (Path(command[5]) / "some.whl").write_bytes(b"")
            return
        # spaCy's own commands end their process.
        with pytest.raises(SystemExit, match=r"^0$") if command[3] == "spacy" else nullcontext():
            app(args=command[3:], standalone_mode=False)

    def run_workflow(name, corpus, **variables):
        ran.clear()
        tiny = {"encoder": str(encoder), "device": "cpu", "epochs": 1, "min_steps": 0}
        values = {"corpus": corpus, "llm_url": "", **tiny, **variables}
        project_run(project, name, overrides={f"vars.{key}": value for key, value in values.items()})
        return Counter(ran)

    monkeypatch.setattr(weasel.cli.run, "run_command", run_command)
    monkeypatch.setattr(sys, "argv", sys.argv)
    yield run_workflow
    signal.signal(signal.SIGTERM, terminate)


def contents(project):
    """Hashes of all that commands made."""
    # A store's files are as they stay when its connections are closed, which real commands do by ending.
    gc.collect()
    return {
        path.relative_to(project).as_posix(): hash_path(path)
        for folder in ("corpus", "training", "metrics", "packages")
        for path in (project / folder).rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
def test_project_run_again_leaves_all_as_it_is(project, workflow):
    assert workflow("all", "one")["train"] == 1
    before = contents(project)
    assert {path.split("/")[1] for path in before} == {"one"}
    assert workflow("all", "one") == {"check-project": 1, "test-package": 1}
    assert contents(project) == before
    # Other workflows find what is there.
    assert workflow("pipeline", "one") == {"check-project": 1}
    assert contents(project) == before


@pytest.mark.slow
def test_project_compares_twice(project, workflow):
    pytest.importorskip("spacy_transformers")
    assert workflow("compare", "one")["train"] == 2
    before = contents(project)
    assert "metrics/one/comparison/index.html" in before
    assert workflow("compare", "one") == {"check-project": 1}
    assert workflow("pipeline", "one") == {"check-project": 1, "render": 1, "package": 1}
    after = contents(project)
    assert {path: after[path] for path in before} == before


@pytest.mark.slow
def test_project_of_a_chat_model_twice(project, workflow, llama_url):
    server = {"llm_url": llama_url, "llm_model": "tiny", "llm_key": "NOBODYS_KEY"}
    workflow("llm", "one", **server)
    before = contents(project)
    assert "metrics/one/llm-comparison/index.html" in before
    assert workflow("llm", "one", **server) == {"check-project": 1}
    assert contents(project) == before


@pytest.mark.slow
def test_project_learns_from_a_chat_model_that_is_simulated(project, workflow):
    """The server knows gold, and errs at stated rates by the name of the model."""
    workflow("convert", "one")
    splits = {
        split: list(read_docs(project / "corpus" / "one" / f"{split}.spacy", spacy.blank("en").vocab))
        for split in ("train", "dev", "test")
    }
    gold = {
        doc.text: [(ent.text, ent.label_) for ent in doc.ents] for docs in splits.values() for doc in docs
    }
    labels = sorted({label for found in gold.values() for _, label in found})
    mistakes = {"good": Mistakes(missed=0.05), "poor": Mistakes(missed=0.6, wrong_label=0.3)}
    names = [f"{model} label_lists" for model in mistakes]
    with GoldServer(gold, labels, mistakes) as server:
        given = {
            "llm_url": server.url,
            "llm_model": "good",
            "llm_other_model": "poor",
            "loop_other_format": "label_lists",
            "loop_corrected": 10,
            "loop_steps": 8,
        }
        assert workflow("loop", "one", **given)["train"] == 1
        metrics, work = project / "metrics" / "one" / "loop", project / "training" / "one" / "loop"
        results = json.loads((metrics / "variants.json").read_text())
        assert [row["variant"] for row in results["variants"]] == names
        assert (results["answers"], results["rule"]["best"]) == (40, names[0])
        # Good answers and corrected ones, and nothing of what is evaluated on.
        known = {doc.text: doc for doc in splits["train"]}
        learnt = list(read_docs(work / "good.spacy", spacy.blank("en").vocab))
        assert {doc.text for doc in splits["train"][:10]} <= {doc.text for doc in learnt} <= set(known)
        assert 10 < len(learnt) < 40
        for doc in learnt:
            assert [(ent.text, ent.label_) for ent in doc.ents] == gold[doc.text]
        held_out = {doc.text for split in ("dev", "test") for doc in splits[split]}
        chats = [json.loads(line) for line in (work / "good.jsonl").read_text().splitlines()]
        assert not held_out & {doc.text for doc in learnt}
        assert not any(text in str(chat) for text in held_out for chat in chats)
        assert len(chats) == len(learnt)
        found = json.loads((metrics / "comparison" / "comparison.json").read_text())
        assert [one["name"] for one in found["pipelines"]] == [*names, "successor"]
        before, asked = contents(project), server.requests
        # A few more, to find out that this server ignores schemas.
        assert 0 <= asked - 40 - 2 * len(splits["test"]) < 20
        assert workflow("loop", "one", **given) == {"check-project": 1}
        assert (contents(project), server.requests) == (before, asked)
        # Killed before the end of a shard, the run goes on with the same draws, and learns nothing twice.
        (work / "annotated.spacy").unlink()
        shutil.rmtree(work / "annotated.spacy.answers")
        assert workflow("loop", "one", **given)["annotate"] == 1
        assert server.requests == asked
    with Store(work / "replies.sqlite", read_only=True) as store:
        assert len(list(store.inferences.all())) == 40
        assert store.dry_texts.all() == {text_hash(doc.text) for doc in splits["test"]}


@pytest.fixture
def teacher(tmp_path):
    """Rules that know what stands in most of the sentences."""
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(
        [
            {"label": "TIME", "pattern": [{"LOWER": {"IN": ["tonight", "noon", "morning"]}}]},
            {"label": "NAME", "pattern": [{"IS_TITLE": True, "LENGTH": {">": 4}}]},
        ]
    )
    nlp.to_disk(tmp_path / "teacher")
    return str(tmp_path / "teacher")


@pytest.mark.slow
def test_project_bootstraps_twice(project, workflow, teacher):
    numbers = {"bootstrap_documents": 30, "bootstrap_reviewed": 8, "bootstrap_steps": 8}
    given = {"teacher": teacher, "label_map": "none", "bootstrap_files": "assets/one", **numbers}
    ran = workflow("bootstrap", "one", **given)
    assert ran["train"] >= 2
    before = contents(project)
    assert "metrics/bootstrap/comparison/index.html" in before
    assert workflow("bootstrap", "one", **given) == {"check-project": 1, "bootstrap-corpus": 1}
    assert contents(project) == before


@pytest.mark.slow
def test_project_trains_a_zero_shot_model_on_what_was_reviewed(project, workflow, teacher, zero_shot_folders):
    if "uni-bert" not in zero_shot_folders:
        pytest.skip("gliner isn't installed")
    given = {
        "teacher": teacher,
        "label_map": "none",
        "bootstrap_files": "assets/one",
        "bootstrap_documents": 20,
        "bootstrap_reviewed": 8,
        "bootstrap_steps": 4,
        "gliner": zero_shot_folders["uni-bert"],
        "gliner_labels": r"{\"a name\": \"NAME\", \"time of day\": \"TIME\"}",
        "gliner_steps": 4,
    }
    assert workflow("bootstrap-gliner", "one", **given)["train"] == 4
    found = json.loads((project / "metrics" / "bootstrap" / "all" / "comparison.json").read_text())
    assert len(found["pipelines"]) == 6


@pytest.mark.slow
def test_project_finds_and_masks_personal_data_twice(project, workflow):
    pytest.importorskip("presidio_evaluator")
    numbers = {"pii_train": 40, "pii_test": 20, "pii_epochs": 1, "pii_steps": 8}
    assert workflow("pii", "one", **numbers)["train"] == 1
    before = contents(project)
    with (project / "metrics" / "pii" / "found.csv").open(encoding="utf8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert list(rows[0]) == ["id", "received", "letter", "ents", "masked", "error"]
    assert workflow("pii", "one", **numbers) == {"check-project": 1}
    assert contents(project) == before


@pytest.mark.slow
def test_project_sets_small_models_beside_each_other_twice(project, workflow, tmp_path, monkeypatch):
    """With a model of random weights: how good it is means nothing."""
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "cache"))
    small = {
        "slm_model": str(save_tiny_causal(tmp_path / "tiny")),
        "slm_files": "assets/one",
        "slm_test": 3,
        "slm_records": 20,
        "slm_epochs": 1,
        "slm_more_epochs": 1,
        "slm_asked": 8,
        "slm_corrected": 6,
        "slm_steps": 4,
        "slm_max_tokens": 24,
    }
    assert workflow("slm", "one", **small)["model-table"] == 1
    before = contents(project)
    rows = json.loads((project / "metrics" / "slm" / "table.json").read_text(encoding="utf8"))
    assert [row["trained"] is None for row in rows] == [True] * 4 + [False] * 7
    lora, full = rows[-2:]
    assert lora["trained"] < full["trained"]
    assert all(row["bytes"] and row["documents_per_second"] for row in rows)
    assert "metrics/slm/comparison/index.html" in before
    assert workflow("slm", "one", **small) == {"check-project": 1}
    assert contents(project) == before
    # As where it was cut after a fine-tuning.
    (project / "metrics" / "slm" / "learnt-held.json").unlink()
    weights = project / "training" / "slm" / "loop" / "adapter" / "adapter_model.safetensors"
    written = weights.stat().st_mtime_ns
    assert workflow("slm", "one", **small)["annotate"] == 1
    assert weights.stat().st_mtime_ns == written


def test_project_bootstraps_with_a_teacher_that_is_there(project, workflow):
    with pytest.raises(UserError, match=r"E789.*'nobody'"):
        workflow("bootstrap", "one", teacher="nobody", bootstrap_files="assets/one")
    # The short form takes the bundled corpus where there is no CoNLL++.
    with pytest.raises(UserError, match=r"^\[E789\][^\n]*$"):
        workflow("bootstrap-short", "one", teacher="nobody")
    with pytest.raises(UserError, match=r"E557.*assets/conllpp"):
        workflow("bootstrap", "one", teacher="nobody")
    assert contents(project) == {}


@pytest.mark.slow
def test_project_keeps_one_corpus_from_another(project, workflow):
    """project.lock knows the last corpus alone; the training itself finds its model."""
    steps = ("convert", "train")
    for step in steps:
        workflow(step, "one")
    before = contents(project)
    for step in steps:
        workflow(step, "two", files="assets/two")
    both = contents(project)
    assert {path: both[path] for path in before} == before
    assert (
        both["training/one/model-best/transformer_ner/model/model.safetensors"]
        != (both["training/two/model-best/transformer_ner/model/model.safetensors"])
    )
    for step in steps:
        assert workflow(step, "one")["train"] == (step == "train")
    assert contents(project) == both


def test_project_says_what_is_missing_before_anything_runs(project, workflow):
    with pytest.raises(UserError, match=r"E514.*--vars\.llm_url http"):
        workflow("llm", "one")
    with pytest.raises(UserError, match=r"E557.*assets/nowhere.*project assets"):
        workflow("all", "nowhere")
    with pytest.raises(UserError, match=r"E557.*assets/conllpp.*project assets"):
        workflow("conll", "synthetic")
    with pytest.raises(UserError, match=r"E564.*--vars\.corpus mine"):
        workflow("conll", "mine")
    assert contents(project) == {}


def test_project_says_so_without_a_traceback(project):
    done = run("spacy", "project", "run", "conll", project)
    assert done.returncode == 1
    assert "python -m spacy project assets" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_project_of_an_installed_package(tmp_path):
    """What is in the wheel is what is in the repository, and a project is made of it."""
    from spacy_ner_plus.workflows.project.own_wheel import build_own_wheel

    wheel = build_own_wheel(tmp_path)
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    command = [sys.executable, "-m", "spacy_ner_plus", "init", str(tmp_path / "project")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    init(tmp_path / "from_clone")
    assert hash_path(tmp_path / "project") == hash_path(tmp_path / "from_clone")
    assert (tmp_path / "project" / "project.yml").read_text() == (ROOT / "project.yml").read_text()
    assert hash_path(tmp_path / "project" / "configs") == hash_path(ROOT / "configs")
