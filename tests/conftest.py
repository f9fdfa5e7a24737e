"""Fixtures: tiny encoders of the real classes with random weights, and small corpora."""

import os
import shutil
import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import spacy
from hypothesis import settings
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from tests.servers.fixtures import (  # noqa: F401
    label_studio_running,
    label_studio_server,
    llama_url,
    llama_url_with_key,
    postgresql_address,
    postgresql_server,
    store_place,
    tensorzero_url,
    tiny_adapters,
    tiny_gguf,
)

ROOT = Path(__file__).parent.parent
if "SPACY_NER_PLUS_CACHE" not in os.environ:
    # What is measured of tiny networks is kept for this run, and by all of its processes.
    _CACHE = TemporaryDirectory(prefix="spacy-ner-plus-")
    os.environ["SPACY_NER_PLUS_CACHE"] = _CACHE.name
# No deadlines: a machine that is busy would fail a test that is right.
settings.register_profile("default", deadline=None)
# The same examples in every run there, so that a landing doesn't hang on chance; people's own runs search on.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "default")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs the tests in the background takes Ctrl-C from them, and from what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
TEXTS = [
    "Anna Berg lives in Oslo and works for Acme Corp .",
    "In Paris , John Smith met Maria Lopez .",
    "Acme Corp opened an office in Berlin on Monday .",
    "Nobody from Globex was there .",
    "Maria Lopez flew from Oslo to Paris .",
    "The weather in Berlin is fine .",
]
TAGS = [
    "B-PER I-PER O O B-LOC O O O B-ORG I-ORG O",
    "O B-LOC O B-PER I-PER O B-PER I-PER O",
    "B-ORG I-ORG O O O O B-LOC O O O",
    "O O B-ORG O O O",
    "B-PER I-PER O O B-LOC O B-LOC O",
    "O O O B-LOC O O O",
]
ALPHABET = [chr(c) for c in range(33, 127)]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of public corpora, where this machine has it."""
    path = Path(os.environ.get("SPACY_NER_PLUS_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip("no folder of corpora: set SPACY_NER_PLUS_DATA")
    return path


@pytest.fixture
def nlp():
    return spacy.blank("en")


def wordpiece_tokenizer(lowercase: bool = True):
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = sorted({word.lower() if lowercase else word for text in TEXTS for word in text.split()})
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words, *ALPHABET, *(f"##{c}" for c in ALPHABET)]
    table = {piece: i for i, piece in enumerate(dict.fromkeys(vocab))}
    tokenizer = Tokenizer(models.WordPiece(table, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", table["[SEP]"]), ("[CLS]", table["[CLS]"]))
    # As the published tokenizers of sentence-transformers do, which would cut texts.
    tokenizer.enable_truncation(max_length=16)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


def bpe_tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", tokenizer.token_to_id("</s>")), ("<s>", tokenizer.token_to_id("<s>")), add_prefix_space=False
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )


def sentencepiece_tokenizer():
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=200,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        initial_alphabet=ALPHABET,
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        special_tokens=[(t, tokenizer.token_to_id(t)) for t in ("<s>", "</s>")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )


def save_encoder(kind: str, folder: Path) -> str:
    """Save a tiny encoder with random weights, as a hub model lies on disk."""
    import torch
    from transformers import (
        BertConfig,
        BertModel,
        DistilBertConfig,
        DistilBertModel,
        RobertaConfig,
        RobertaModel,
    )

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    if kind == "bpe":
        tokenizer = bpe_tokenizer()
        config = RobertaConfig(
            vocab_size=len(tokenizer),
            max_position_embeddings=66,
            pad_token_id=tokenizer.pad_token_id,
            **sizes,
        )
        model = RobertaModel(config)
    elif kind == "sentencepiece":
        tokenizer = sentencepiece_tokenizer()
        config = DistilBertConfig(
            vocab_size=len(tokenizer),
            max_position_embeddings=64,
            pad_token_id=tokenizer.pad_token_id,
            dim=32,
            n_layers=2,
            n_heads=2,
            hidden_dim=64,
        )
        model = DistilBertModel(config)
    else:
        tokenizer = wordpiece_tokenizer(lowercase=kind == "wordpiece")
        model = BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **sizes))
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return str(folder)


ENCODERS = ("wordpiece", "cased-wordpiece", "bpe", "sentencepiece")


@pytest.fixture(scope="session")
def encoder_folders(tmp_path_factory) -> dict[str, str]:
    return {kind: save_encoder(kind, tmp_path_factory.mktemp(kind)) for kind in ENCODERS}


@pytest.fixture(scope="session")
def zero_shot_folders(tmp_path_factory) -> dict[str, str]:
    """Tiny zero-shot models by kind; none where their libraries aren't installed."""
    from tests.zero_shot_models import save_all

    return save_all(tmp_path_factory.mktemp("zero-shot"))


@pytest.fixture
def encoder_folder(encoder_folders) -> str:
    return encoder_folders["wordpiece"]


def make_docs(vocab) -> list[Doc]:
    return [Doc(vocab, words=text.split(), ents=tags.split()) for text, tags in zip(TEXTS, TAGS, strict=True)]


def make_examples(nlp) -> list[Example]:
    return [Example(Doc(nlp.vocab, words=[token.text for token in doc]), doc) for doc in make_docs(nlp.vocab)]


def make_pipeline(
    encoder: str, *, window: int = 30, overlap: int = 10, lead: int = 6, seed: int = 0, **settings
):
    """An initialized, untrained pipeline on a tiny encoder."""
    import torch

    torch.manual_seed(seed)
    nlp = spacy.blank("en")
    model = settings.pop("model", {})
    config = {
        "device": "cpu",
        "precision": "fp32",
        **settings,
        "model": {
            "@architectures": "spacy_ner_plus.TransformerTagger.v2",
            "encoder": encoder,
            "window": window,
            "overlap": overlap,
            "lead": lead,
            **model,
        },
    }
    nlp.add_pipe("transformer_ner", config=config)
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


def train(nlp, steps: int = 60, rate: float = 3e-3) -> list[float]:
    from thinc.api import Adam

    optimizer = Adam(rate, use_averages=False)
    examples = make_examples(nlp)
    history = []
    for _ in range(steps):
        losses: dict[str, float] = {}
        nlp.update(examples, sgd=optimizer, losses=losses, drop=0.0)
        history.append(losses["transformer_ner"])
    return history


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory) -> Path:
    """The little corpus as a .spacy file."""
    path = tmp_path_factory.mktemp("corpus") / "train.spacy"
    DocBin(docs=make_docs(spacy.blank("en").vocab)).to_disk(path)
    return path


@pytest.fixture(scope="session")
def long_encoder_folder(tmp_path_factory) -> str:
    """A tiny encoder that takes as many wordpieces as published ones, for configs as they are."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("long-encoder")
    tokenizer = wordpiece_tokenizer()
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=512, **sizes)).save_pretrained(
        folder
    )
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def train_overrides(small_corpus, long_encoder_folder) -> dict[str, str | int]:
    """With these a config of ours trains two epochs on the little corpus."""
    paths = {"train": small_corpus, "dev": small_corpus, "encoder": long_encoder_folder}
    return {
        **{f"paths.{name}": str(path) for name, path in paths.items()},
        "vars.device": "cpu",
        "vars.epochs": 2,
        "vars.min_steps": 0,
    }


@pytest.fixture(scope="session")
def trained_by(tmp_path_factory, train_overrides) -> Callable[[Path], Path]:
    """Gives the folder of what `spacy train` makes by a config; each is trained once."""
    from spacy.cli.train import train as spacy_train

    @cache
    def train_by(config: Path) -> Path:
        folder = tmp_path_factory.mktemp(config.stem)
        log = {"paths.log": str(folder / "log.jsonl")}
        spacy_train(config, folder, overrides={**train_overrides, **log})
        return folder

    return train_by


@pytest.fixture(scope="session")
def trained_folder(encoder_folders, tmp_path_factory) -> Path:
    """A tiny pipeline that has learnt the little corpus by heart."""
    nlp = make_pipeline(encoder_folders["wordpiece"])
    train(nlp)
    path = tmp_path_factory.mktemp("trained") / "pipeline"
    nlp.to_disk(path)
    return path


@pytest.fixture
def trained(trained_folder):
    return spacy.load(trained_folder)


@pytest.fixture(scope="session")
def chromium() -> str:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium: install Debian's package chromium")
    return path
