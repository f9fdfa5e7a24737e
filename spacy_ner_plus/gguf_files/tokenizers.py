"""Tokenizers between `tokenizer.json` and the metadata of a GGUF file.

llama.cpp knows how text is cut before pieces are merged by a name alone. Under a wrong one a model reads other tokens
than it learnt, and nothing says so: what isn't known to be the same is refused.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.gguf_files.safetensors_files import read_json

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
_WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_CLITICS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
_LLAMA_3 = _CLITICS + _WORDS + r"\p{N}{1,3}" + _REST
_QWEN_2 = _CLITICS + _WORDS + r"\p{N}" + _REST
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
_BYTES_ALONE = {**_BYTES, "use_regex": False}


def _split_by(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


# What llama.cpp calls each way of cutting a text.
PRE_TOKENIZERS: dict[str, list[dict[str, Any]]] = {
    "gpt-2": [_BYTES],
    "smollm": [{"type": "Digits", "individual_digits": True}, _BYTES],
    "llama-bpe": [_split_by(_LLAMA_3), _BYTES_ALONE],
    "qwen2": [_split_by(_QWEN_2), _BYTES_ALONE],
}
# Offsets aren't used.
_WITHOUT_MEANING = ("trim_offsets",)
# Tokenizers that end a reply by one of these, whatever the file calls the end.
_ENDS = ("<|im_end|>", "<|eot_id|>", "<|end|>")


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer as its files describe it.

    tokenizer (dict[str, Any]): tokenizer.json.
    special (dict[str, str]): 'bos', 'eos', 'unk' and 'pad', as far as there are some.
    chat_template (str | None): In Jinja.
    """

    tokenizer: dict[str, Any]
    special: dict[str, str] = field(default_factory=dict)
    chat_template: str | None = None
    add_bos: bool = False

    def to_config(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): tokenizer_config.json."""
        named = {f"{name}_token": text for name, text in self.special.items()}
        return {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "add_prefix_space": False,
            **named,
        }


def read_tokenizer(folder: Path) -> Tokenizer:
    """RETURNS (Tokenizer): That of a model's folder.
    RAISES (UserError): Where it has none."""
    if not (folder / "tokenizer.json").is_file():
        raise UserError(Errors.E892.format(folder=folder, file="tokenizer.json"))
    tokenizer = read_json(folder / "tokenizer.json")
    config = _read_optional(folder / "tokenizer_config.json")
    tokenizer["added_tokens"] = _added_tokens(tokenizer, config)
    # Older folders have it in a file of its own.
    named = {**_read_optional(folder / "special_tokens_map.json"), **_given(config)}
    special = {}
    for name in ("bos", "eos", "unk", "pad"):
        given = named.get(f"{name}_token")
        text = given.get("content") if isinstance(given, dict) else given
        if isinstance(text, str):
            special[name] = text
    if "eos" not in special:
        special["eos"] = _end_of(tokenizer, _read_optional(folder / "config.json"), folder)
    template = folder / "chat_template.jinja"
    chat = template.read_text(encoding="utf8") if template.is_file() else config.get("chat_template")
    if isinstance(chat, list):
        chat = next((each["template"] for each in chat if each.get("name") == "default"), None)
    return Tokenizer(tokenizer, special, chat, _adds_bos(tokenizer, config, special.get("bos")))


def _read_optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _given(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if value is not None}


def _added_tokens(tokenizer: dict[str, Any], config: dict[str, Any]) -> list[dict[str, Any]]:
    """RETURNS (list[dict[str, Any]]): As transformers has them: what tokenizer_config.json says of one comes first."""
    found = {token["id"]: token for token in tokenizer.get("added_tokens") or []}
    for number, token in (config.get("added_tokens_decoder") or {}).items():
        found[int(number)] = {**found.get(int(number), {}), **token, "id": int(number)}
    return list(found.values())


def _end_of(tokenizer: dict[str, Any], config: dict[str, Any], folder: Path) -> str:
    """RETURNS (str): What ends a reply, by its number in config.json. llama.cpp takes a token of its own choice where
    nothing says which it is."""
    ends = config.get("eos_token_id")
    wanted = ends[0] if isinstance(ends, list) and ends else ends
    texts = {number: text for text, number in tokenizer["model"]["vocab"].items()}
    texts |= {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    if wanted not in texts:
        raise UserError(Errors.E892.format(folder=folder, file="an eos_token, which ends a reply,"))
    return texts[wanted]


def _adds_bos(tokenizer: dict[str, Any], config: dict[str, Any], bos: str | None) -> bool:
    processor = tokenizer.get("post_processor") or {}
    for part in (processor, *processor.get("processors", ())):
        if part.get("type") == "TemplateProcessing":
            first = (part.get("single") or [{}])[0]
            return bos is not None and first.get("SpecialToken", {}).get("id") == bos
    return bool(config.get("add_bos_token", False)) and bos is not None


def to_metadata(given: Tokenizer, size: int, where: Path) -> dict[str, Any]:
    """Describe a tokenizer as llama.cpp reads it.

    size (int): How many tokens the model has; more than the tokenizer's where it was made wider.
    where (Path): Its folder, for messages.
    RETURNS (dict[str, Any]): By key.
    RAISES (UserError): Where it isn't known to mean the same there.
    """
    model = given.tokenizer.get("model") or {}
    if model.get("type") != "BPE":
        raise _unknown(where, f"its model is {model.get('type')}, not BPE")
    vocab: dict[str, int] = {**model["vocab"]}
    added = given.tokenizer.get("added_tokens") or []
    vocab |= {token["content"]: token["id"] for token in added}
    texts = {number: text for text, number in vocab.items()}
    if max(texts) >= size:
        raise _unknown(where, f"it has {max(texts) + 1:,} tokens, and the model {size:,}")
    for token in added:
        if token.get("lstrip") or token.get("rstrip") or token.get("single_word"):
            raise _unknown(where, f"its token '{token['content']}' takes white space around it away")
    kinds = dict.fromkeys(texts, NORMAL)
    kinds |= {token["id"]: CONTROL if token.get("special") else USER_DEFINED for token in added}
    merges = [
        tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]
    ]
    found: dict[str, Any] = {}
    if model.get("byte_fallback"):
        found |= _sentencepiece(given, merges, texts, kinds, size, where)
    else:
        name = _pre_tokenizer(given.tokenizer, where)
        if bool(model.get("ignore_merges")) != (name == "llama-bpe"):
            raise _unknown(where, "it takes whole words that are tokens without merging")
        found |= {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": name}
        found["tokenizer.ggml.merges"] = [" ".join(merge) for merge in merges]
        found["tokenizer.ggml.add_space_prefix"] = False
    found["tokenizer.ggml.tokens"] = [texts.get(i, f"[PAD{i}]") for i in range(size)]
    found["tokenizer.ggml.token_type"] = [kinds.get(i, UNUSED) for i in range(size)]
    found["tokenizer.ggml.add_bos_token"] = given.add_bos
    keys = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    for short, text in given.special.items():
        if text in vocab:
            found[f"tokenizer.ggml.{keys[short]}_token_id"] = vocab[text]
    if given.chat_template:
        found["tokenizer.chat_template"] = given.chat_template
    return found


def _unknown(where: Path, reason: str) -> UserError:
    return UserError(Errors.E893.format(folder=where, reason=reason))


def _pre_tokenizer(tokenizer: dict[str, Any], where: Path) -> str:
    normalizer = tokenizer.get("normalizer")
    # llama.cpp has none, and text that is typed is in this form already.
    if normalizer is not None and normalizer.get("type") != "NFC":
        raise _unknown(where, f"its normalizer is {normalizer.get('type')}")
    given = tokenizer.get("pre_tokenizer") or {}
    parts = given.get("pretokenizers", [given])
    for name, known in PRE_TOKENIZERS.items():
        if _plain(parts) == _plain(known):
            return name
    kinds = ", ".join(str(part.get("type")) for part in parts)
    raise _unknown(where, f"its pre-tokenizer ({kinds}) is none of {', '.join(PRE_TOKENIZERS)}")


def _plain(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in part.items() if key not in _WITHOUT_MEANING} for part in parts]


def _sentencepiece(
    given: Tokenizer,
    merges: list[tuple[str, ...]],
    texts: dict[int, str],
    kinds: dict[int, int],
    size: int,
    where: Path,
) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Of a tokenizer as Llama 2's, which llama.cpp merges by scores: the earlier a merge,
    the higher the score of what it makes."""
    normalizer = given.tokenizer.get("normalizer") or {}
    parts = normalizer.get("normalizers", [normalizer] if normalizer else [])
    shapes = [part.get("type") for part in parts]
    pre = given.tokenizer.get("pre_tokenizer")
    legacy = (
        shapes in (["Prepend", "Replace"], ["Replace"])
        and parts[-1].get("content") == "▁"
        and (shapes != ["Prepend", "Replace"] or parts[0].get("prepend") == "▁")
        and pre is None
    )
    metaspace = (
        not shapes and (pre or {}).get("type") == "Metaspace" and (pre or {}).get("replacement") == "▁"
    )
    if not legacy and not metaspace:
        raise _unknown(
            where, f"its normalizer ({', '.join(map(str, shapes)) or 'none'}) isn't that of Llama 2"
        )
    prefix = shapes == ["Prepend", "Replace"]
    if metaspace:
        # llama.cpp can put a space before every stretch of text, or before none. Here the first alone gets one, and
        # no prompt has such a one that begins with a token.
        scheme = (pre or {}).get("prepend_scheme", "always")
        if scheme != "never" and not (scheme == "first" and _begins_with_bos(given)):
            raise _unknown(where, f"it puts a space before some stretches of a text ({scheme})")
    scores = dict.fromkeys(texts, -1e6)
    numbers = {text: number for number, text in texts.items()}
    for rank, (left, right) in reversed(list(enumerate(merges))):
        scores[numbers[left + right]] = -float(rank)
    for number, text in texts.items():
        if len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
            kinds[number], scores[number] = BYTE, 0.0
        elif kinds[number] == CONTROL:
            scores[number] = 0.0
    unknown = (given.tokenizer.get("model") or {}).get("unk_token")
    if unknown in numbers:
        kinds[numbers[unknown]] = UNKNOWN
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.scores": [scores.get(i, -1e6) for i in range(size)],
        "tokenizer.ggml.add_space_prefix": prefix,
    }


def _begins_with_bos(given: Tokenizer) -> bool:
    bos = given.special.get("bos")
    template = given.chat_template or ""
    return bos is not None and (given.add_bos or "bos_token" in template or bos in template)


def from_metadata(metadata: dict[str, Any], where: Path) -> Tokenizer:
    """Make a tokenizer's files of what a GGUF file says.

    where (Path): The file, for messages.
    RETURNS (Tokenizer): With llama.cpp's end of a reply, its way of cutting text, and its decoder.
    RAISES (UserError): Where it is of another kind.
    """
    # Files from before there were names have none, and llama.cpp cuts their texts by rules of its own.
    kind, name = metadata.get("tokenizer.ggml.model"), metadata.get("tokenizer.ggml.pre", "default")
    if kind != "gpt2" or name not in PRE_TOKENIZERS:
        raise UserError(
            Errors.E894.format(path=where, found=f"{kind}, {name}", known=", ".join(PRE_TOKENIZERS))
        )
    tokens = metadata["tokenizer.ggml.tokens"]
    kinds = metadata.get("tokenizer.ggml.token_type") or [NORMAL] * len(tokens)
    vocab = {text: number for number, text in enumerate(tokens) if kinds[number] != UNUSED}
    added = [
        _added(number, text, kinds[number] != USER_DEFINED)
        for number, text in enumerate(tokens)
        if kinds[number] in (CONTROL, USER_DEFINED, UNKNOWN)
    ]
    keys = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    special = {}
    for short, long in keys.items():
        number = metadata.get(f"tokenizer.ggml.{long}_token_id")
        if number is not None and number < len(tokens):
            special[short] = tokens[number]
    # llama.cpp's own default for Llama 3.
    adds_bos = bool(metadata.get("tokenizer.ggml.add_bos_token", name == "llama-bpe")) and "bos" in special
    parts = PRE_TOKENIZERS[name]
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "NFC"} if name == "qwen2" else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": parts},
        "post_processor": _puts_first(special["bos"], vocab) if adds_bos else None,
        "decoder": {**_BYTES, "add_prefix_space": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": name == "llama-bpe",
            "vocab": vocab,
            "merges": [merge.split(" ") for merge in metadata.get("tokenizer.ggml.merges", [])],
        },
    }
    chat = metadata.get("tokenizer.chat_template")
    # A chat model's reply ends with the token that ends its turns, not with that of a text.
    end = next((text for text in _ENDS if chat and text in chat and text in vocab), None)
    if end:
        special["eos"] = end
    return Tokenizer(tokenizer, special, chat, adds_bos)


def _puts_first(bos: str, vocab: dict[str, int]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): What puts a token before every text."""
    first, text = {"SpecialToken": {"id": bos, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [first, text],
        "pair": [first, text, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {bos: {"id": bos, "ids": [vocab[bos]], "tokens": [bos]}},
    }


def _added(number: int, text: str, is_special: bool) -> dict[str, Any]:
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": text, **plain, "special": is_special}
