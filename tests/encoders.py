"""Tiny encoders with random weights: each of the real class, with its real tokenizer class."""

from pathlib import Path

from tests.conftest import ALPHABET, TEXTS

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
ANGLES = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}
BRACKETS = {"bos": "[CLS]", "pad": "[PAD]", "eos": "[SEP]", "unk": "[UNK]", "mask": "[MASK]"}
FAMILIES = ("bert", "distilbert", "electra", "roberta", "xlm-roberta", "deberta-v3", "modernbert")


def save_family(kind: str, folder: Path) -> str:
    """Save an encoder of a family as a hub model lies on disk, and give the folder's name."""
    import torch
    import transformers as hf

    torch.manual_seed(0)
    if kind in ("bert", "distilbert", "electra"):
        classes = {
            "bert": hf.BertTokenizerFast,
            "distilbert": hf.DistilBertTokenizerFast,
            "electra": hf.ElectraTokenizerFast,
        }
        tokenizer = classes[kind](tokenizer_object=_wordpiece())
    elif kind in ("roberta", "modernbert"):
        special = ANGLES if kind == "roberta" else BRACKETS
        cls = hf.RobertaTokenizerFast if kind == "roberta" else hf.PreTrainedTokenizerFast
        tokenizer = cls(tokenizer_object=_bpe(special), **_names(special))
    else:
        special = ANGLES if kind == "xlm-roberta" else BRACKETS
        cls = hf.XLMRobertaTokenizerFast if kind == "xlm-roberta" else hf.DebertaV2TokenizerFast
        tokenizer = cls(tokenizer_object=_unigram(special), **_names(special))
    model = _model(kind, len(tokenizer), tokenizer.pad_token_id or 0)
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return str(folder)


# Chinese as SentencePiece has it: pieces of several characters, and all characters by themselves.
CHINESE = ("北京", "上海", "张伟", "李娜", "喜欢", "住在", *"北京上海张伟李娜喜欢住在去了和。")


def chinese_tokenizer():
    import transformers as hf
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    pieces = dict.fromkeys([*ANGLES.values(), "▁", *CHINESE])
    scores = [(piece, -1.0 if piece in CHINESE and len(piece) > 1 else -3.0) for piece in pieces]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=list(pieces).index("<unk>")))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return hf.XLMRobertaTokenizerFast(tokenizer_object=_between(tokenizer, ANGLES), **_names(ANGLES))


def save_chinese(folder: Path) -> str:
    """Save an encoder whose wordpieces are words, for tokens that are characters, and give the folder's name."""
    import torch

    torch.manual_seed(0)
    tokenizer = chinese_tokenizer()
    _model("xlm-roberta", len(tokenizer), tokenizer.pad_token_id).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def gluing_tokenizer():
    """A byte-level BPE that merges over the borders of words, as some of those without a pattern do."""
    import transformers as hf
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=list(ANGLES.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    glued = ["I don't, we can't, you cannot", "they cannot, the U.S.-based U.S. team"]
    tokenizer.train_from_iterator([*TEXTS, *glued * 5], trainer)
    return hf.PreTrainedTokenizerFast(tokenizer_object=_between(tokenizer, ANGLES), **_names(ANGLES))


def _model(kind: str, vocab_size: int, pad_id: int):
    import transformers as hf

    common = {"vocab_size": vocab_size, "pad_token_id": pad_id}
    if kind == "bert":
        return hf.BertModel(hf.BertConfig(max_position_embeddings=64, **common, **SIZES))
    if kind == "electra":
        # As published: embeddings of another width than the layers.
        return hf.ElectraModel(
            hf.ElectraConfig(max_position_embeddings=64, embedding_size=16, **common, **SIZES)
        )
    if kind == "distilbert":
        config = hf.DistilBertConfig(
            max_position_embeddings=64, dim=32, n_layers=2, n_heads=2, hidden_dim=64, **common
        )
        return hf.DistilBertModel(config)
    if kind == "roberta":
        return hf.RobertaModel(hf.RobertaConfig(max_position_embeddings=66, **common, **SIZES))
    if kind == "xlm-roberta":
        return hf.XLMRobertaModel(hf.XLMRobertaConfig(max_position_embeddings=66, **common, **SIZES))
    if kind == "deberta-v3":
        config = hf.DebertaV2Config(
            max_position_embeddings=64,
            relative_attention=True,
            position_buckets=16,
            norm_rel_ebd="layer_norm",
            share_att_key=True,
            pos_att_type=["p2c", "c2p"],
            position_biased_input=False,
            type_vocab_size=0,
            **common,
            **SIZES,
        )
        return hf.DebertaV2Model(config)
    config = hf.ModernBertConfig(
        max_position_embeddings=64,
        local_attention=16,
        global_attn_every_n_layers=2,
        cls_token_id=0,
        sep_token_id=2,
        bos_token_id=0,
        eos_token_id=2,
        **common,
        **SIZES,
    )
    return hf.ModernBertModel(config)


def _names(special: dict[str, str]) -> dict[str, str]:
    return {
        "bos_token": special["bos"],
        "cls_token": special["bos"],
        "eos_token": special["eos"],
        "sep_token": special["eos"],
        "pad_token": special["pad"],
        "unk_token": special["unk"],
        "mask_token": special["mask"],
    }


def _wordpiece():
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    words = sorted({word.lower() for text in TEXTS for word in text.split()})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *ALPHABET, *(f"##{c}" for c in ALPHABET)]
    table = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(table, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", table["[SEP]"]), ("[CLS]", table["[CLS]"]))
    return tokenizer


def _bpe(special: dict[str, str]):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(special.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return _between(tokenizer, special)


def _unigram(special: dict[str, str]):
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=200,
        special_tokens=list(special.values()),
        unk_token=special["unk"],
        initial_alphabet=ALPHABET,
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return _between(tokenizer, special)


def _between(tokenizer, special: dict[str, str]):
    from tokenizers import processors

    first, last = special["bos"], special["eos"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in (first, last)],
    )
    return tokenizer
