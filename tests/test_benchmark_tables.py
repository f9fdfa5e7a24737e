"""The tables of README and docs/benchmarks.md, and the form of the result files that they are made from."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def make_run(peer="ours", seed=0, f1=0.9, **more):
    scores = {"precision": f1, "recall": f1, "f1": f1}
    return {
        "peer": peer,
        "title": peer.title(),
        "seed": seed,
        "seconds": 60.0,
        "stopped_after": None,
        "words_seen": 8000,
        "words_per_second": 1000,
        "seconds_to": {"0.90": 30.0, "0.93": None},
        "dev": scores,
        "test": scores,
        "machine": {"hardware": "A", "threads": 2, "python": "3.11"},
        **more,
    }


def make_quality(*runs):
    corpus = {"name": "conll", "part": 0.25, "train": {"words": 1000}}
    return {"corpus": corpus, "runs": list(runs), "not_run": []}


def make_speed():
    def row(peer, speed, times):
        sets = {
            kind: {"words_per_second": speed, "f1": 0.9, "ours_is_times_as_fast": times}
            for kind in ("documents", "messages")
        }
        more = {"latency_ms": 5.0, "load_seconds": 2.0, "peak_mib": 900, "size_mib": 87.0}
        return {"peer": peer, "title": peer.title(), **sets, **more}

    limit = {"words_per_second": 12000, "share_that_ours_reaches": 0.9}
    return {
        "corpus": "conll",
        "machine": {"hardware": "A", "threads": 2},
        "rounds": 3,
        "sets": {"documents": {"documents": 231}, "messages": {"documents": 1000}},
        "peers": [row("stock", 1500, 7.0), row("ours", 10500, 1.0)],
        "limit": {"documents": limit, "messages": limit},
        "not_run": [{"peer": "flair", "title": "Flair", "reason": "flair is not installed"}],
    }


def write(folder, **results):
    for name, result in results.items():
        (folder / f"{name.replace('_', '-', 1)}.json").write_text(json.dumps(result), encoding="utf8")


def rows_of(lines):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| ")]


def test_result_tables_are_empty_without_results(tmp_path):
    from readme_table import make_table
    from result_tables import make_tables

    assert make_tables(tmp_path) == []
    assert make_table(tmp_path) == []


def test_result_tables_put_the_best_first_and_name_each_machine(tmp_path):
    from result_tables import make_tables

    other = {"hardware": "B", "threads": 1, "python": "3.11"}
    runs = [make_run("stock", f1=0.8, machine=other), make_run(f1=0.9), make_run(seed=1, f1=0.92)]
    write(tmp_path, quality_quarter=make_quality(*runs))
    head, _, *rows = rows_of(make_tables(tmp_path))
    assert [dict(zip(head, row, strict=True))["measured on"] for row in rows] == [
        "A, 2 threads",
        "B, 1 thread",
    ]
    assert rows[0][:6] == ["Ours", "0.910", "0.900 to 0.920", "2", "0.910", "8"]
    assert rows[0][head.index("to 0.93")] == ""


def test_result_tables_give_no_score_of_a_recipe_that_was_cut(tmp_path):
    from result_tables import make_tables

    cut = make_run("stock", f1=0.0, stopped_after="60 minutes", words_seen=500, words_per_second=18)
    write(tmp_path, quality_quarter=make_quality(make_run(), cut))
    lines = make_tables(tmp_path)
    assert [row[0] for row in rows_of(lines)[2:]] == ["Ours"]
    said = "Not run whole, so without a score: Stock (cut after 60 minutes at 18 words a second, 0.5 epochs)."
    assert said in lines


def test_result_tables_show_speeds_and_the_limit(tmp_path):
    from result_tables import make_tables

    write(tmp_path, speed=make_speed())
    lines = make_tables(tmp_path)
    rows = [line for line in lines if line.startswith("| ")]
    assert len({line.count("|") for line in rows}) == 1
    assert rows[2].startswith("| Ours | 0.900 | 10,500 | 1.00 |")
    assert "of which ours reaches 0.90 and 0.90" in rows[-1]
    assert lines[-1] == "Flair was not run: flair is not installed."


def test_readme_table_has_scores_and_speeds_of_peers_side_by_side(tmp_path):
    from readme_table import make_table

    cut = make_run("stock", f1=0.0, stopped_after="60 minutes")
    write(
        tmp_path,
        quality_quarter=make_quality(cut, make_run("other", f1=0.7), make_run()),
        quality_conll=make_quality(make_run(f1=0.92)),
        speed=make_speed(),
    )
    lines = make_table(tmp_path)
    dash = "\N{EN DASH}"
    assert rows_of(lines)[2:] == [
        ["Ours", "0.900", "10,500", "10,500"],
        ["Other", "0.700", dash, dash],
        ["Stock", dash, "1,500", "1,500"],
    ]
    # One line of conditions, with a link to all else.
    assert "Trained on all of CoNLL++, spacy-ner-plus has 0.920 (mean of 1 seeds)." in lines[-1]
    assert lines[-1].endswith("[docs/benchmarks.md](docs/benchmarks.md).")


def test_readme_table_says_each_measurement_of_the_whole_corpus(tmp_path):
    from readme_table import make_table

    runs = [make_run("single", f1=0.91), make_run("single", f1=0.93), make_run("teacher", f1=0.94)]
    write(
        tmp_path,
        quality_quarter=make_quality(make_run()),
        quality_conll=make_quality(make_run(f1=0.93)),
        distil_conll={"runs": runs},
        speed=make_speed(),
    )
    assert (
        "has 0.930 and 0.920 (measured 2 times, each the mean of 1 and 2 seeds)." in make_table(tmp_path)[-1]
    )


@pytest.mark.parametrize("name", ["README.md", "docs/benchmarks.md"])
def test_tables_stand_as_the_result_files_have_them(name):
    import table

    text = (ROOT / name).read_text(encoding="utf8")
    assert table.fill(text, table.PAGES[name](table.RESULTS)) == text, "run: python benchmarks/table.py"


def test_tables_of_docs_link_to_files_that_are_there():
    targets = re.findall(
        r"\]\((\.\./benchmarks/[^)#]+)\)", (ROOT / "docs" / "benchmarks.md").read_text("utf8")
    )
    assert targets
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []


MACHINE = {"hardware": "A", "threads": 2}


@pytest.mark.parametrize(
    ("name", "result", "said"),
    [
        (
            "training",
            {
                "machine": MACHINE,
                "rounds": 2,
                "minutes": 2.0,
                "peers": [
                    {"peer": "ours", "title": "Ours", "words_per_second": 1700, "ours_is_times_as_fast": 1.0},
                    {"peer": "x", "title": "Stock", "words_per_second": 600, "ours_is_times_as_fast": 2.83},
                ],
            },
            "Ours 1,700; Stock 600 (ours is 2.8 times as fast)",
        ),
        (
            "variants_simulation",
            {
                "sentences": 2500,
                "floor": 0.05,
                "scenarios": {
                    **{
                        name: {
                            "exact_match": [0.2, 0.4, 0.7],
                            "seeds": 100,
                            "best_after_300": 99,
                            "share_of_that_regret": 0.25,
                            "stopped_within_1000": 88,
                            "wrong_stops": 0,
                        }
                        for name in ("apart", "close")
                    },
                    "equal": {"wrong_stops": 3, "runs": 1000},
                },
            },
            "| 0.20, 0.40, 0.70 | 100 | 99 | 25% | 88 | 0 |",
        ),
        (
            "calibration",
            {
                "corpus": "conll",
                "bins": "15",
                "mean_ece_on_test": {"before": 0.06, "after": 0.02},
                "runs": [1, 2],
            },
            "2 seeds): 0.060, after `calibrate` on dev 0.020",
        ),
        (
            "memory",
            {
                "machine": {"hardware": "A CPU, 2 cores", "threads": 1},
                "words": 1000,
                "growth": 0.041,
                "readings": [{"words": 100, "mib": 800}, {"words": 1000, "mib": 833}],
                "tokenizer_alone": {"readings": [{"mib": 500}, {"mib": 520}]},
            },
            "800 MiB after 100, 833 MiB at the end (+4.1%); of spaCy's tokenizer alone 500 and 520 MiB",
        ),
        (
            "gpu",
            {
                "machine": MACHINE,
                "rounds": 3,
                "encoders": [
                    {
                        "encoder": "mini",
                        "parameters": 22_000_000,
                        "speed": {
                            "documents": {"ours": 90_000, "times_hugging_face": 4.51, "share_of_limit": 0.126}
                        },
                    }
                ],
            },
            "| mini (22 M parameters) | documents | 90,000 | 4.5 | 13% |",
        ),
    ],
)
def test_result_tables_say_what_was_measured_beside(tmp_path, name, result, said):
    from result_tables import make_tables

    (tmp_path / f"{name}.json").write_text(json.dumps(result), encoding="utf8")
    assert said in "\n".join(make_tables(tmp_path))


@pytest.mark.parametrize(
    "path", sorted((ROOT / "benchmarks" / "results").glob("quality*.json")), ids=lambda p: p.stem
)
def test_result_files_of_quality_have_the_expected_form(path):
    result = json.loads(path.read_text(encoding="utf8"))
    assert result["limits"]["max_steps"] is None
    assert len({(run["peer"], run["seed"]) for run in result["runs"]}) == len(result["runs"])
    for run in result["runs"]:
        # Of 100 sentences some recipes learn nothing at all.
        assert 0 <= run["test"]["f1"] <= 1
        assert run["recipe"]
        assert run["source"]
        assert run["seconds"] > 0
        assert set(run["seconds_to"]) == {"0.90", "0.93"}
