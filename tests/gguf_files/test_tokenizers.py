import json

import httpx
import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.gguf_files import folder_to_gguf, models, read_checkpoint, read_metadata
from spacy_ner_plus.gguf_files.tokenizers import to_metadata
from tests.servers.llama_server import llama_server
from tests.tiny_causal import TEMPLATE, save_tiny_causal

TEXTS = ["<s>[INST] Ann met Bob. [/INST]", "<s>Ann met</s> Bob", "<s> Ann <s>Bob"]


def change(path, **values):
    found = json.loads(path.read_text(encoding="utf8"))
    path.write_text(json.dumps({**found, **values}), encoding="utf8")


def without(path, *keys):
    found = json.loads(path.read_text(encoding="utf8"))
    path.write_text(
        json.dumps({key: value for key, value in found.items() if key not in keys}), encoding="utf8"
    )


def with_spaces(folder, scheme, template="{{ bos_token }}"):
    """A tokenizer as Mistral's newer ones."""
    save_tiny_causal(folder, "llama", tokens="sentencepiece")
    spaces = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": False}
    change(folder / "tokenizer.json", normalizer=None, pre_tokenizer=spaces)
    (folder / "chat_template.jinja").write_text(template + TEMPLATE, encoding="utf8")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["first", "never"])
def test_tokenizers_put_spaces_where_transformers_does(tmp_path, scheme):
    from transformers import AutoTokenizer

    folder = with_spaces(tmp_path / "model", scheme)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with llama_server(
        model=folder_to_gguf(folder, tmp_path / "model.gguf"), slots=1, context_length=512
    ) as url:
        for text in TEXTS:
            body = {"content": text, "add_special": False, "parse_special": True}
            found = httpx.post(f"{url.removesuffix('/v1')}/tokenize", json=body, timeout=60).json()["tokens"]
            assert found == tokenizer(text, add_special_tokens=False).input_ids, text


@pytest.mark.parametrize(("scheme", "template"), [("always", "{{ bos_token }}"), ("first", "")])
def test_tokenizers_whose_spaces_llama_cpp_doesnt_put_are_refused(tmp_path, scheme, template):
    with pytest.raises(UserError, match=rf"E893.*puts a space.*{scheme}"):
        folder_to_gguf(with_spaces(tmp_path / "model", scheme, template), tmp_path / "model.gguf")


def test_tokenizers_whose_tokens_take_white_space_away_are_refused(tmp_path):
    folder = save_tiny_causal(tmp_path / "model")
    path = folder / "tokenizer_config.json"
    tokens = json.loads(path.read_text(encoding="utf8"))["added_tokens_decoder"]
    tokens["2"]["rstrip"] = True
    change(path, added_tokens_decoder=tokens)
    with pytest.raises(UserError, match=r"E893.*<\\|im_end\\|>.*white space"):
        folder_to_gguf(folder, tmp_path / "model.gguf")


def end_of(folder):
    found = read_metadata(folder_to_gguf(folder, folder.with_suffix(".gguf")))
    return found["tokenizer.ggml.tokens"][found["tokenizer.ggml.eos_token_id"]]


def test_tokenizers_end_a_reply_as_whichever_file_says(tmp_path):
    """Where none does, llama.cpp ends it by a token of its own choice."""
    folder = save_tiny_causal(tmp_path / "model")
    without(folder / "tokenizer_config.json", "eos_token")
    assert end_of(folder) == "<|im_end|>"
    without(folder / "special_tokens_map.json", "eos_token")
    assert end_of(folder) == "<|im_end|>"  # by config.json
    change(folder / "config.json", eos_token_id=[0, 2])
    assert end_of(folder) == "<|endoftext|>"
    without(folder / "config.json", "eos_token_id")
    with pytest.raises(UserError, match=r"E892.*eos_token"):
        end_of(folder)


def test_tokenizers_have_tokens_that_only_their_config_names(tmp_path):
    folder = save_tiny_causal(tmp_path / "model")
    path = folder / "tokenizer_config.json"
    tokens = json.loads(path.read_text(encoding="utf8"))["added_tokens_decoder"]
    more = {"content": "<|more|>", "special": True, "lstrip": False, "rstrip": False, "single_word": False}
    number = json.loads((folder / "config.json").read_text(encoding="utf8"))["vocab_size"]
    change(path, added_tokens_decoder={**tokens, str(number): more})
    with pytest.raises(UserError, match=r"E893.*tokens, and the model"):
        folder_to_gguf(folder, tmp_path / "model.gguf")


def test_tokenizers_of_files_that_dont_say_how_text_is_cut_are_refused(tmp_path, monkeypatch):
    """llama.cpp cuts it by rules of its own then, which aren't GPT-2's."""

    def unnamed(*given):
        found = to_metadata(*given)
        del found["tokenizer.ggml.pre"]
        return found

    monkeypatch.setattr(models, "to_metadata", unnamed)
    file = folder_to_gguf(save_tiny_causal(tmp_path / "model"), tmp_path / "model.gguf")
    with pytest.raises(UserError, match=r"E894.*gpt2, default"):
        read_checkpoint(file)


def test_tokenizers_put_first_what_llama_cpp_puts_first(tmp_path):
    from tokenizers import Tokenizer

    folder = save_tiny_causal(tmp_path / "model")
    first = {"SpecialToken": {"id": "<|im_start|>", "type_id": 0}}
    change(folder / "tokenizer.json", post_processor={
        "type": "TemplateProcessing", "single": [first, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
        "special_tokens": {"<|im_start|>": {"id": "<|im_start|>", "ids": [1], "tokens": ["<|im_start|>"]}},
    })  # fmt: skip
    file = folder_to_gguf(folder, tmp_path / "model.gguf")
    assert read_metadata(file)["tokenizer.ggml.add_bos_token"]
    found = Tokenizer.from_str(json.dumps(read_checkpoint(file).tokenizer.tokenizer))
    assert found.encode("Ann").ids[0] == 1
    # And as a folder again.
    path = tmp_path / "model" / "tokenizer.json"
    path.write_text(json.dumps(read_checkpoint(file).tokenizer.tokenizer), encoding="utf8")
    assert read_metadata(folder_to_gguf(folder, tmp_path / "again.gguf"))["tokenizer.ggml.add_bos_token"]
