import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.gguf_files import read_metadata
from tests.servers.tiny_llama import write_tiny_llama


def test_metadata_is_what_llama_cpp_reads(tmp_path):
    found = read_metadata(write_tiny_llama(tmp_path / "tiny.gguf"))
    assert found["general.architecture"] == "llama"
    assert found["tokenizer.ggml.tokens"][:3] == ["<unk>", "<s>", "</s>"]
    assert found["llama.attention.layer_norm_rms_epsilon"] == pytest.approx(1e-5)


@pytest.mark.parametrize("content", [b"", b"GGUF", b"GGUF\x03\0\0\0" + b"\xff" * 16, b"PK\x03\x04"])
def test_metadata_of_no_gguf_file(tmp_path, content):
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(UserError, match="E890"):
        read_metadata(path)


def test_metadata_of_no_file(tmp_path):
    with pytest.raises(UserError, match="E101"):
        read_metadata(tmp_path / "model.gguf")
