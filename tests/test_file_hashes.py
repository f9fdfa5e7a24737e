import os

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.file_hashes import file_sha256, files_sha256


def test_file_hashes_follow_the_content(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"1")
    first = file_sha256(path)
    path.write_bytes(b"2")
    os.utime(path, ns=(1, 1))
    assert file_sha256(path) != first
    assert files_sha256([path]) != files_sha256([])
    with pytest.raises(UserError, match="E101"):
        file_sha256(tmp_path / "none")
