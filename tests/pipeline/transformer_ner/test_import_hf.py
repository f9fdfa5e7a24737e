import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.pipeline.transformer_ner.import_hf import import_token_classifier
from tests.conftest import TEXTS, wordpiece_tokenizer

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def save_classifier(folder, tags, kind="bert", **kwargs) -> str:
    from transformers import BertConfig, BertForTokenClassification

    torch.manual_seed(1)
    tokenizer = wordpiece_tokenizer()
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        id2label=dict(enumerate(tags)),
        label2id={tag: i for i, tag in enumerate(tags)},
    )
    model = BertForTokenClassification(config)
    # Large weights, so that the tags of random scores vary.
    torch.nn.init.normal_(model.classifier.weight, std=1.0)
    torch.nn.init.normal_(model.classifier.bias, std=0.1)
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return str(folder)


def hf_logits(folder: str, words: list[str]) -> np.ndarray:
    """Logits of each word's first wordpiece, the Hugging Face way."""
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    model = AutoModelForTokenClassification.from_pretrained(folder).eval()
    encoded = AutoTokenizer.from_pretrained(folder)(
        words, is_split_into_words=True, return_tensors="pt", truncation=False
    )
    word_ids = encoded.word_ids()
    firsts = [word_ids.index(i) for i in range(len(words))]
    with torch.no_grad():
        logits = model(input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"]).logits
    return logits[0, firsts].numpy()


def test_import_hf_gives_the_scores_of_the_model(tmp_path):
    folder = save_classifier(tmp_path / "hf", TAGS)
    nlp = import_token_classifier(folder)
    pipe = nlp.get_pipe("transformer_ner")
    pipe.token_scorer.configure("cpu", "fp32")
    assert pipe.labels == ("LOC", "PER")
    order = [TAGS.index(tag) for tag in ("O", "B-LOC", "B-PER", "I-LOC", "I-PER")]
    for text in TEXTS:
        ours = pipe.model.predict([Doc(nlp.vocab, words=text.split())])[0]
        np.testing.assert_allclose(ours, hf_logits(folder, text.split())[:, order], atol=1e-4)


def test_import_hf_leaves_each_word_to_itself(tmp_path):
    nlp = import_token_classifier(save_classifier(tmp_path / "hf", TAGS))
    assert nlp.get_pipe("transformer_ner").consistency == 0.0


def test_import_hf_pipeline_is_saved_and_loaded(tmp_path):
    nlp = import_token_classifier(save_classifier(tmp_path / "hf", TAGS))
    nlp.to_disk(tmp_path / "out")
    again = spacy.load(tmp_path / "out")
    text = " ".join(TEXTS)
    assert [(e.start, e.end, e.label_) for e in again(text).ents] == [
        (e.start, e.end, e.label_) for e in nlp(text).ents
    ]
    assert nlp(text).ents


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [(["O", "I-PER"], "iob2"), (["O", "B-PER", "I-PER"], "iob1"), (["O", "B-PER"], "iob2")],
)
def test_import_hf_reads_schemes_without_a_begin_of_their_own(tmp_path, tags, scheme):
    folder = save_classifier(tmp_path / "hf", tags)
    nlp = import_token_classifier(folder, scheme=scheme)
    pipe = nlp.get_pipe("transformer_ner")
    pipe.token_scorer.configure("cpu", "fp32")
    words = " ".join(TEXTS).split()[:30]
    logits = hf_logits(folder, words)
    inside = tags.index("I-PER") if "I-PER" in tags else tags.index("B-PER")
    # An entity is every token that is likelier inside than outside; margins of a tie aside.
    expected = logits[:, inside] > logits[:, 0]
    doc = Doc(nlp.vocab, words=words)
    found = np.array([bool(token.ent_type_) for token in pipe(doc)])
    assert (found == expected)[np.abs(logits[:, inside] - logits[:, 0]) > 0.1].all()
    if "I-PER" not in tags:
        assert all(len(ent) == 1 for ent in doc.ents)


@pytest.mark.parametrize(
    "tags", [["LABEL_0", "LABEL_1"], ["O", "S-PER", "E-PER"], ["B-PER", "I-PER"], ["O", "O"]]
)
def test_import_hf_refuses_labels_that_are_no_iob_tags(tmp_path, tags):
    with pytest.raises(UserError, match=r"E218.*id2label"):
        import_token_classifier(save_classifier(tmp_path / "hf", tags))


def test_import_hf_refuses_a_model_without_a_trained_head(encoder_folder):
    with pytest.raises(UserError, match=r"E217.*classifier"):
        import_token_classifier(encoder_folder)


def test_import_hf_refuses_a_model_with_more_between_encoder_and_head(tmp_path):
    from transformers import ModernBertConfig, ModernBertForTokenClassification

    tokenizer = wordpiece_tokenizer()
    config = ModernBertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        pad_token_id=0,
        id2label=dict(enumerate(TAGS)),
        label2id={tag: i for i, tag in enumerate(TAGS)},
    )
    ModernBertForTokenClassification(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"E217.*head\.dense"):
        import_token_classifier(str(tmp_path))


def test_import_hf_says_that_there_is_no_model(tmp_path):
    with pytest.raises(UserError, match=r"E217.*nowhere"):
        import_token_classifier(str(tmp_path / "nowhere"))
