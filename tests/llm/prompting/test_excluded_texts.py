import pytest
import spacy
from spacy.tokens import DocBin

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.prompting.excluded_texts import read_excluded
from spacy_ner_plus.llm.store.text_hash import text_hash

NLP = spacy.blank("en")


def test_excluded_texts_are_those_of_all_corpora(tmp_path):
    DocBin(docs=[NLP("Ann left.")]).to_disk(tmp_path / "dev.spacy")
    (tmp_path / "test.jsonl").write_text('{"text": "Bo left."}\n\n{"text": "Cy left.", "spans": []}\n')
    corpora = [str(tmp_path / "dev.spacy"), str(tmp_path / "test.jsonl")]
    assert read_excluded(corpora, NLP.vocab) == {text_hash(f"{name} left.") for name in ("Ann", "Bo", "Cy")}
    assert read_excluded([str(tmp_path)], NLP.vocab) == {text_hash("Ann left.")}
    assert read_excluded([], NLP.vocab) == frozenset()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("no.jsonl", None, r"E819.*no\.jsonl"),
        ("bad.jsonl", '{"text": "a"}\n{', r"E819.*bad\.jsonl:2"),
        ("other.jsonl", '{"words": []}', r"E819.*other\.jsonl:1.*no `text`"),
    ],
)
def test_excluded_texts_that_can_not_be_read_are_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=message):
        read_excluded([str(tmp_path / name)], NLP.vocab)
