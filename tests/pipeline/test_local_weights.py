"""What is saved of a model on this machine, and found again."""

import shutil
from pathlib import Path

import pytest
import spacy

from spacy_ner_plus.errors import UserError

NAME = "structured_llm_ner"


@pytest.fixture
def gguf(tiny_gguf, tmp_path, monkeypatch):
    """A file that can be taken away, and a user's folder with nothing in it."""
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "cache"))
    return shutil.copy(tiny_gguf, tmp_path / "tiny.gguf")


def make_nlp(gguf, **model):
    nlp = spacy.blank("en")
    nlp.add_pipe(NAME, config={"labels": ["PER"], "model": {"local": str(gguf), "max_tokens": 60, **model}})
    return nlp


def ents(nlp):
    """RETURNS (Any): What the model said: entities, or the reason why what it named are none."""
    doc = nlp("Anna met Robert.")
    assert doc.ents or "not one of the mentions is in the text" in doc._.ner_failure
    return [(ent.text, ent.label_) for ent in doc.ents], doc._.ner_failure


def test_local_weights_are_copied_with_the_pipeline(gguf, tiny_adapters, tmp_path):
    adapters = {"a": str(shutil.copy(tiny_adapters["a"], tmp_path / "a.gguf"))}
    nlp = make_nlp(gguf, adapters=adapters, name="a", threads=1)
    assert nlp.meta["requirements"][0].startswith("spacy-ner-plus[llm,local-llm]")
    expected = ents(nlp)
    nlp.to_disk(tmp_path / "saved")
    Path(gguf).unlink()
    Path(adapters["a"]).unlink()
    shutil.move(tmp_path / "saved", tmp_path / "moved")
    loaded = spacy.load(tmp_path / "moved")
    assert ents(loaded) == expected
    # Saved in its own place, and elsewhere.
    loaded.to_disk(tmp_path / "moved")
    loaded.to_disk(tmp_path / "again")
    files = sorted(path.name for path in (tmp_path / "again").rglob("*.gguf"))
    assert files == ["a.gguf", "tiny.gguf"]
    assert ents(spacy.load(tmp_path / "again")) == expected


def test_local_weights_are_in_bytes(gguf, tmp_path):
    nlp = make_nlp(gguf, threads=1)
    expected, data = ents(nlp), nlp.to_bytes()
    loaded = spacy.blank("en")
    given = {"local": str(gguf), "max_tokens": 60, "threads": 1}
    loaded.add_pipe(NAME, config={"labels": ["PER"], "model": given})
    Path(gguf).unlink()
    loaded.from_bytes(data)
    assert ents(loaded) == expected
    assert len(list((tmp_path / "cache" / "models").glob("tiny-*.gguf"))) == 1


def test_local_weights_may_be_a_reference_which_says_where_they_are_absent(gguf, tmp_path):
    nlp = make_nlp(gguf, threads=1, local_weights="reference")
    expected = ents(nlp)
    nlp.to_disk(tmp_path / "saved")
    assert not list((tmp_path / "saved").rglob("*.gguf"))
    kept = tmp_path / "cache" / "models" / "any-name.gguf"
    kept.parent.mkdir(parents=True)
    shutil.move(gguf, kept)
    # Found by its hash; another file of its name isn't taken.
    Path(gguf).write_bytes(b"GGUF of another model")
    assert ents(spacy.load(tmp_path / "saved")) == expected
    kept.unlink()
    loaded = spacy.load(tmp_path / "saved")
    with pytest.raises(
        UserError, match=r"E882.*tiny\.gguf.*SHA-256 [0-9a-f]{64}.*structured_llm_ner\.model\.local"
    ):
        loaded("Anna met Robert.")


def test_local_weights_of_a_known_model_are_referred_to_without_them(tmp_path, monkeypatch):
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("spacy_ner_plus.llm.local.find.find_spec", lambda name: None)
    make_nlp("smollm2", local_weights="reference").to_disk(tmp_path / "saved")
    with pytest.raises(UserError, match=r"E882.*spacy-ner-plus llm install smollm2"):
        spacy.load(tmp_path / "saved")("Anna")
    with pytest.raises(UserError, match=r"E873"):
        make_nlp("smollm2").to_disk(tmp_path / "copied")
