import subprocess
import sys

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.review.alone import alone

OTHER = """
import sys
from pathlib import Path
from spacy_ner_plus.workflows.review.alone import alone
with alone(Path(sys.argv[1]), "work", "--work"):
    print("there", flush=True)
    sys.stdin.read()
"""


def test_alone_keeps_other_runs_out_until_they_end(tmp_path):
    folder = tmp_path / "new" / "work"
    command = [sys.executable, "-c", OTHER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline().strip() == b"there"
        with pytest.raises(UserError, match=r"E834.*work.*--work"), alone(folder, "work", "--work"):
            pass
        other.kill()
    with alone(folder, "work", "--work"):
        assert not list(folder.iterdir())


def test_alone_says_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="E303"), alone(tmp_path / "file" / "work", "work", "--work"):
        pass
