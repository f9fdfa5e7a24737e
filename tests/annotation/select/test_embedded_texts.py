from pathlib import Path

import numpy as np
import pytest
import spacy

from spacy_ner_plus.annotation.select.embedded_texts import LONG, WITHOUT_TEXT, EmbeddedTexts
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.models.embeddings.embedder import Embedder
from spacy_ner_plus.models.embeddings.kept_embedder import KeptEmbedder
from tests.conftest import TEXTS

NLP = spacy.blank("en")


@pytest.fixture
def texts(encoder_folder, tmp_path: Path) -> EmbeddedTexts:
    embedder = KeptEmbedder(Embedder(encoder_folder, device="cpu", precision="fp32"), None)
    return EmbeddedTexts(NLP.vocab, embedder, tmp_path, IssueLog(), lambda items, *_: items)


def records(*texts: str) -> list[Record]:
    return [Record(NLP(text), f"line {number}") for number, text in enumerate(texts, start=1)]


def test_embedded_texts_are_there_once_whatever_their_case_and_spaces(texts):
    texts.add(
        records(TEXTS[0], TEXTS[1], f"  {TEXTS[0].upper()}", "It\u2019s", "it's", " ", TEXTS[2]),
        [TEXTS[2].lower()],
    )
    assert [doc.text for doc in texts.docs(range(len(texts)))] == [TEXTS[0], TEXTS[1], "It\u2019s"]
    assert (texts.count, texts.duplicates, texts.labelled) == (6, 2, 1)
    assert texts._issues.kinds[WITHOUT_TEXT].where == "line 6"


def test_embedded_texts_have_the_vectors_of_their_docs(texts):
    texts.add(records(*TEXTS, " ".join(TEXTS * 5)))
    made = texts._embedder.embed(TEXTS).vectors
    assert np.allclose(texts.vectors.take([4, 1]), made[[4, 1]], atol=1e-6)
    assert texts.long == 0
    ((_, tile),) = texts.vectors.tiles()
    assert np.allclose(tile[:-1], made, atol=1e-6)
    assert texts.long == texts._issues[LONG] == 1
