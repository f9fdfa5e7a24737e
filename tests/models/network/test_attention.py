import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.models.network.attention import KeyMask, attend

HEADS, SIZE = 2, 8
LENGTHS = st.lists(st.integers(1, 70), min_size=1, max_size=4)


def make_parts(lengths, dtype, seed=0):
    torch.manual_seed(seed)
    longest = max(lengths)
    parts = [torch.randn(len(lengths), HEADS, longest, SIZE) for _ in range(3)]
    parts[0] *= SIZE**-0.5
    parts = [part.to(dtype) for part in parts]
    mask = torch.tensor([[1] * length + [0] * (longest - length) for length in lengths])
    return parts, mask


def plain(query, key, value, mask):
    """Attention by the book, in float32."""
    scores = query.float() @ key.float().transpose(-1, -2)
    scores = scores.masked_fill(mask[:, None, None, :] == 0, -torch.inf)
    mixed = torch.softmax(scores, -1) @ value.float()
    return mixed.transpose(1, 2).flatten(2)


@given(LENGTHS, st.sampled_from([(torch.bfloat16, 0.05), (torch.float32, 1e-5)]))
def test_attention_is_that_of_the_book(lengths, precision):
    dtype, most = precision
    parts, mask = make_parts(lengths, dtype)
    with torch.no_grad():
        mixed = attend(*parts, KeyMask(mask))
    assert mixed.dtype == dtype
    assert (mixed.float() - plain(*parts, mask)).abs().max() < most


def test_attention_of_many_windows_is_that_of_each():
    """More than are computed at a time."""
    parts, mask = make_parts([200] * 40 + [150] * 41, torch.bfloat16)
    with torch.no_grad():
        together = attend(*parts, KeyMask(mask))
        alone = [attend(*(p[i : i + 1] for p in parts), KeyMask(mask[i : i + 1])) for i in range(81)]
    assert torch.allclose(together, torch.cat(alone))


@given(LENGTHS)
def test_attention_gradients_are_those_of_the_book(lengths):
    parts, mask = make_parts(lengths, torch.bfloat16)
    ours = [part.clone().requires_grad_() for part in parts]
    books = [part.float().requires_grad_() for part in parts]
    direction = torch.randn(len(lengths), max(lengths), HEADS * SIZE) * mask[..., None]
    (attend(*ours, KeyMask(mask)).float() * direction).sum().backward()
    (plain(*books, mask) * direction).sum().backward()
    for one, other in zip(ours, books, strict=True):
        assert (one.grad.float() - other.grad).abs().max() <= 0.03 * other.grad.abs().max() + 0.05


def test_attention_of_training_and_of_predicting_are_the_same():
    parts, mask = make_parts([50, 33], torch.bfloat16)
    padding = KeyMask(mask)
    trained = attend(*(part.requires_grad_() for part in parts), padding)
    with torch.no_grad():
        assert torch.allclose(trained, attend(*parts, padding), atol=0.02)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_attention_does_not_read_padding(dtype):
    parts, mask = make_parts([40, 21], dtype)
    with torch.no_grad():
        before = attend(*parts, KeyMask(mask))
        for part in parts[1:]:
            part[1, :, 21:] = 1e4
        after = attend(*parts, KeyMask(mask))
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[1, :21], after[1, :21])


def test_attention_drops_on_the_way_back_what_it_dropped_before():
    """What comes out is linear in the values, so its gradient by them gives it again."""
    (query, key, _), mask = make_parts([64], torch.bfloat16)
    value = torch.rand(1, HEADS, 64, SIZE).bfloat16().requires_grad_()
    mixed = attend(query, key, value, KeyMask(mask), 0.5)
    direction = torch.rand_like(mixed)
    mixed.backward(direction)
    forth = (mixed.detach().float() * direction.float()).sum()
    back = (value.detach().float() * value.grad.float()).sum()
    assert back.item() == pytest.approx(forth.item(), rel=0.01)


def test_attention_dropout_keeps_the_mean():
    torch.manual_seed(0)
    query = key = torch.zeros(40, HEADS, 64, SIZE, dtype=torch.bfloat16)
    value = torch.ones_like(query).requires_grad_()
    mixed = attend(query, key, value, KeyMask(torch.ones(40, 64)), 0.25)
    assert mixed.float().mean().item() == pytest.approx(1.0, abs=0.01)
    assert mixed.float().std().item() > 0.02


def test_attention_mask_is_none_without_padding():
    assert KeyMask(torch.ones(3, 64, dtype=torch.int64)).tail(torch.bfloat16) is None
    assert KeyMask(torch.ones(3, 7, dtype=torch.int64)).tail(torch.float32) is None
