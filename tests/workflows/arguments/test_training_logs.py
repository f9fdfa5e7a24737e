import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.arguments.training_logs import parse_logs


def test_training_logs_are_named():
    assert {name: path.name for name, path in parse_logs(["a=x/log.jsonl"]).items()} == {"a": "log.jsonl"}


@pytest.mark.parametrize("log", ["log.jsonl", "=log.jsonl", "a="])
def test_training_logs_without_name_or_file_are_refused(log):
    with pytest.raises(UserError, match="E502"):
        parse_logs([log])
