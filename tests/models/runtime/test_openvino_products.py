import pytest
import torch

pytest.importorskip("openvino")

from transformers import BertConfig, DistilBertConfig

from spacy_ner_plus.models.runtime.openvino_products import Products


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    "config", [BertConfig(hidden_size=32, intermediate_size=64), DistilBertConfig(dim=32)]
)
def test_openvino_products_run_on_any_number_of_wordpieces(config, dtype):
    products = Products(config, dtype)
    for count in (1, 32, 40):
        products(count)
