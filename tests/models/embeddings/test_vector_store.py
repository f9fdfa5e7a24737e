import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.embeddings.model_folder import ModelFolder
from spacy_ner_plus.models.embeddings.vector_store import Stored, VectorStore, text_key

KEYS = [text_key(text) for text in ("Anna", "Oslo", "Paris")]


@pytest.fixture
def model(encoder_folder) -> ModelFolder:
    return ModelFolder.find(encoder_folder)


def make(seed: int, count: int = 3) -> list[Stored]:
    vectors = np.random.default_rng(seed).standard_normal((count, 8)).astype(np.float32)
    return [Stored(vector, 1 + i) for i, vector in enumerate(vectors)]


def test_vector_store_gives_back_what_was_kept(model, tmp_path):
    made = make(0)
    VectorStore(tmp_path / "new" / "folder", model).put(dict(zip(KEYS, made, strict=True)), "fp32")
    found = VectorStore(tmp_path / "new" / "folder", model).get([KEYS[2], KEYS[0], b"other"], None)
    assert found.keys() == {KEYS[0], KEYS[2]}
    assert np.array_equal(found[KEYS[2]].vector, made[2].vector)
    assert found[KEYS[2]].parts == 3


def test_vector_store_tells_precisions_apart_and_prefers_the_most_exact(model, tmp_path):
    store, exact, rough = VectorStore(tmp_path, model), make(1), make(2)
    store.put(dict(zip(KEYS, rough, strict=True)), "bf16")
    assert store.get(KEYS, "fp32") == {}
    store.put({KEYS[0]: exact[0]}, "fp32")
    assert store.get(KEYS, "fp32").keys() == {KEYS[0]}
    found = store.get(KEYS, None)
    assert np.array_equal(found[KEYS[0]].vector, exact[0].vector)
    assert np.array_equal(found[KEYS[1]].vector, rough[1].vector)


def test_vector_store_has_a_file_for_each_model(model, tmp_path):
    VectorStore(tmp_path, model).put({KEYS[0]: make(0)[0]}, "fp32")
    other = ModelFolder("a/strange name", model.path)
    assert len(VectorStore(tmp_path, other)) == 0
    assert {path.name.rpartition("-")[0] for path in tmp_path.glob("*.sqlite")} == {
        model.name,
        "a-strange-name",
    }


def test_vector_store_makes_a_damaged_file_anew(model, tmp_path):
    store = VectorStore(tmp_path, model)
    store.close()
    store.path.write_bytes(b"no database" * 1000)
    with pytest.warns(UserWarning, match="W335"):
        assert len(VectorStore(tmp_path, model)) == 0
    assert len(list(tmp_path.glob("*.damaged-*"))) == 1


def test_vector_store_leaves_other_files_alone(model, tmp_path):
    import sqlite3

    store = VectorStore(tmp_path, model)
    store.close()
    store.path.unlink()
    with sqlite3.connect(store.path) as connection:
        connection.execute("CREATE TABLE mine (x)")
    with pytest.raises(UserError, match="E671"):
        VectorStore(tmp_path, model)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="E672"):
        VectorStore(tmp_path / "file" / "below", model)


WRITER = """
import sys
from pathlib import Path
from spacy_ner_plus.models.embeddings.model_folder import ModelFolder
from spacy_ner_plus.models.embeddings.vector_store import Stored, VectorStore, text_key
import numpy as np
store = VectorStore(Path(sys.argv[1]), ModelFolder.find(sys.argv[2]))
for chunk in range(int(sys.argv[4])):
    texts = [f"{sys.argv[3]} {chunk} {i}" for i in range(50)]
    store.put({text_key(text): Stored(np.full(8, chunk), 1) for text in texts}, "fp32")
    print(chunk, flush=True)
"""


def start(folder: Path, model: ModelFolder, name: str, chunks: int) -> subprocess.Popen:
    command = [sys.executable, "-c", WRITER, str(folder), str(model.path), name, str(chunks)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_vector_store_is_shared_by_processes_and_whole_after_a_kill(model, tmp_path):
    killed, other = start(tmp_path, model, "killed", 100_000), start(tmp_path, model, "other", 20)
    for line in killed.stdout:
        if line.strip() == "30":
            break
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert len(other.communicate()[0].split()) == 20
    store = VectorStore(tmp_path, model)
    assert len(store) % 50 == 0
    assert len(store) >= 50 * (31 + 20)
