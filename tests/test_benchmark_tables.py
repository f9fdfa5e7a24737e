"""README's tables of the comparison, and the form of the result files that they are made from."""

import json
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


def test_readme_tables_are_empty_without_results(tmp_path):
    from readme_tables import make_tables

    assert make_tables(tmp_path) == []


def test_readme_tables_put_the_best_first(tmp_path):
    from readme_tables import make_tables

    runs = [
        make_run("stock", f1=0.8, stopped_after="60 minutes"),
        make_run(f1=0.9),
        make_run(seed=1, f1=0.92),
    ]
    (tmp_path / "quality-quarter.json").write_text(json.dumps(make_quality(*runs)), encoding="utf8")
    rows = [line for line in make_tables(tmp_path) if line.startswith("| ") and "---" not in line][1:]
    assert rows[0].startswith("| Ours | 0.910 | 0.900 to 0.920 | 2 |")
    assert "1.0 min (cut)" in rows[1]
    assert rows[0].endswith("| 0.5 min |  |")


def test_readme_tables_show_speeds_and_the_limit(tmp_path):
    from readme_tables import make_tables

    (tmp_path / "speed.json").write_text(json.dumps(make_speed()), encoding="utf8")
    lines = make_tables(tmp_path)
    rows = [line for line in lines if line.startswith("| ")]
    assert len({line.count("|") for line in rows}) == 1
    assert rows[2].startswith("| Ours | 0.900 | 10,500 | 1.00 |")
    assert "of which ours reaches 0.90 and 0.90" in rows[-1]
    assert lines[-1] == "Flair was not run: flair is not installed."


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
            "mini (22 M parameters) 90,000 over documents (4.5 times as fast as the pipeline of transformers in "
            "bf16, 13% of the bare encoder)",
        ),
    ],
)
def test_readme_tables_say_what_was_measured_beside(tmp_path, name, result, said):
    from readme_tables import make_tables

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
