import pytest
import torch

from spacy_ner_plus.causal.chats import Tokens, encode_chats
from spacy_ner_plus.causal.passes import loss_of, reply_ids
from spacy_ner_plus.issues import IssueLog
from tests.causal.test_finetune import CHATS
from tests.tiny_causal import tiny_model, tiny_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


@pytest.mark.parametrize("kind", ["smollm", "qwen2"])
def test_passes_share_a_beginning_without_a_difference(tokenizer, kind):
    model = tiny_model(kind, tokenizer)
    chats = encode_chats(tokenizer, CHATS, max_length=500, left_out=IssueLog())
    found = []
    for share in (True, False):
        model.zero_grad()
        loss = loss_of(model, chats, share=share)
        loss.backward()
        found.append((loss.item(), [weight.grad.clone() for weight in model.parameters()]))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_passes_learn_the_answers_alone(tokenizer):
    """The same as the model's own loss of each chat, where all but the answer is left out."""
    model = tiny_model("smollm", tokenizer)
    chats = encode_chats(tokenizer, CHATS, max_length=500, left_out=IssueLog())
    total, count = 0.0, 0
    for chat in chats:
        ids = torch.tensor([[*chat.prompt, *chat.answer]])
        labels = ids.clone()
        labels[:, : len(chat.prompt)] = -100
        total += model(input_ids=ids, labels=labels).loss.item() * len(chat.answer)
        count += len(chat.answer)
    assert loss_of(model, chats).item() == pytest.approx(total / count, rel=1e-5)


def test_passes_reply_as_transformers_does(tokenizer):
    model = tiny_model("smollm", tokenizer)
    chats = encode_chats(tokenizer, CHATS, max_length=500, left_out=IssueLog())
    end = tokenizer.eos_token_id
    # One that ends early, too.
    prompts = [Tokens(chat.prompt) for chat in chats[:4]]
    found = reply_ids(model, prompts, max_new_tokens=12, end=end)
    for prompt, reply in zip(prompts, found, strict=True):
        ids = torch.tensor([prompt.prompt])
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False, eos_token_id=end
        )[0, ids.shape[1] :].tolist()
        assert reply == (out[: out.index(end)] if end in out else out)
