"""Texts whose tokenizer doesn't fit them."""

import json

import pytest

from spacy_ner_plus.data.records.tokenizer_fit import ENOUGH
from spacy_ner_plus.workflows.convert import convert

CHINESE = "罗莎去年从隆德搬到了哥本哈根的一家医院工作"
JAPANESE = "ローザは去年ルンドからコペンハーゲンに引っ越しました"


def notes_of(tmp_path, lang, *records):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return convert(path, lang=lang).notes


@pytest.mark.parametrize(
    ("text", "remedy"), [(CHINESE, r"lang` zh (nothing more to install)"), (JAPANESE, "spacy[ja]")]
)
def test_tokenizer_that_fuses_sentences_is_told_with_the_language_to_take(tmp_path, text, remedy):
    notes = notes_of(tmp_path, "xx", {"text": text, "spans": [{"start": 0, "end": 2, "label": "PER"}]})
    (note,) = (note for note in notes if "makes one token of whole sentences" in note)
    assert remedy in note


def test_tokenizer_that_fits_is_not_told(tmp_path):
    spans = [{"start": 0, "end": 2, "label": "PER"}, {"start": 5, "end": 7, "label": "LOC"}]
    assert not any("--lang" in note for note in notes_of(tmp_path, "zh", {"text": CHINESE, "spans": spans}))


def test_tokenizer_within_whose_tokens_most_spans_lie_is_told(tmp_path):
    records = [{"text": "uusimaalainen tuli", "spans": [{"start": 0, "end": 7, "label": "LOC"}]}] * ENOUGH
    notes = notes_of(tmp_path, "fi", *records)
    assert any("5 of 5 spans begin or end within a token of 'fi'" in note for note in notes)
