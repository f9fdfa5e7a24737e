import pytest
import torch
from torch import nn

from spacy_ner_plus.models.network.dropout import draw_keep, drop

DTYPES = [torch.bfloat16, torch.float32]


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 0.9])
def test_dropout_drops_the_share_it_is_told(rate):
    torch.manual_seed(0)
    kept = draw_keep(torch.Size((400, 999)), rate)
    assert set(kept.unique().tolist()) == {-1, 0}
    assert (kept == 0).float().mean().item() == pytest.approx(rate, abs=0.003)


def test_dropout_draws_each_number_by_itself():
    torch.manual_seed(0)
    kept = draw_keep(torch.Size((100_000, 4)), 0.5).float()
    correlation = torch.corrcoef(kept.T) - torch.eye(4)
    assert correlation.abs().max() < 0.02


@pytest.mark.parametrize("dtype", DTYPES)
def test_dropout_scales_what_stays(dtype):
    dropped = drop(torch.ones(1000, dtype=dtype), nn.Dropout(0.2))
    assert set(dropped.float().unique().tolist()) == {0.0, 1.25}


@pytest.mark.parametrize("dtype", DTYPES)
def test_dropout_gradient_goes_where_numbers_went(dtype):
    numbers = torch.ones(1000, dtype=dtype, requires_grad=True)
    dropped = drop(numbers, nn.Dropout(0.2))
    dropped.sum().backward()
    assert torch.equal(numbers.grad, dropped.detach())


@pytest.mark.parametrize("dtype", DTYPES)
def test_dropout_of_everything_leaves_zeros(dtype):
    numbers = torch.ones(1000, dtype=dtype, requires_grad=True)
    dropped = drop(numbers, nn.Dropout(1.0))
    dropped.sum().backward()
    assert not dropped.any()
    assert not numbers.grad.any()


@pytest.mark.parametrize("layer", [nn.Dropout(0.0), nn.Dropout(0.5).eval()])
@pytest.mark.parametrize("dtype", DTYPES)
def test_dropout_that_is_off_changes_nothing(layer, dtype):
    numbers = torch.randn(100).to(dtype)
    assert torch.equal(drop(numbers, layer), numbers)


def test_dropout_is_the_same_for_the_same_seed():
    numbers = torch.ones(100, dtype=torch.bfloat16)
    first, second = ((torch.manual_seed(3), drop(numbers, nn.Dropout(0.5)))[1] for _ in range(2))
    assert torch.equal(first, second)
