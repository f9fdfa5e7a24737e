import shutil

import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from spacy_ner_plus.corpus import save_docs
from spacy_ner_plus.spans import CharSpan, align
from spacy_ner_plus.workflows.llm_feedback import llm_feedback
from spacy_ner_plus.workflows.llm_variants import llm_variants
from tests.conftest import ROOT
from tests.pipeline.structured_llm_ner.pipelines import GOLD, TEXTS, gold_server, make_pipeline, named


@pytest.fixture
def gold(tmp_path, nlp):
    docs = []
    for text, mentions in GOLD.items():
        doc = nlp.make_doc(text)
        spans = [
            CharSpan(text.index(mention), text.index(mention) + len(mention), label)
            for mention, label in mentions
        ]
        doc.set_ents(align(doc, spans)[0], default="outside")
        docs.append(doc)
    save_docs(docs, tmp_path / "gold.spacy")
    return tmp_path / "gold.spacy"


def test_variants_of_a_component_are_compared_by_gold(tmp_path, gold):
    store = tmp_path / "replies.sqlite"
    variants = [{"name": "errs", "model": {"name": "a"}}, {"name": "knows"}]
    with gold_server() as server:
        nlp = make_pipeline(server.url, store, variants=variants)
        docs = list(nlp.pipe(named(nlp)))
    given = llm_feedback(gold, store)
    assert (given.found, given.scored) == (len(TEXTS), len(TEXTS))
    assert llm_feedback(gold, store).added == 0
    results = llm_variants(store)
    found = {row["variant"]: row for row in results["variants"]}
    assert sum(row["answers"] for row in found.values()) == len(docs)
    assert found["knows"]["means"]["exact_match"]["value"] == 1.0
    assert found["knows"]["means"]["pooled_f1"]["value"] == 1.0
    assert found["errs"]["means"]["exact_match"]["value"] < 1.0
    assert found["errs"]["prompt_tokens"] > 0


def test_variants_of_a_store_of_an_earlier_version_are_none(tmp_path):
    old = tmp_path / "replies.sqlite"
    shutil.copy(ROOT / "tests" / "compatibility" / "made" / "replies.sqlite", old)
    before = old.read_bytes()
    done = CliRunner().invoke(app, ["llm", "variants", str(old)])
    assert done.exit_code == 1
    assert "Traceback" not in done.output
    assert "[E831]" in done.stderr
    assert old.read_bytes() == before
