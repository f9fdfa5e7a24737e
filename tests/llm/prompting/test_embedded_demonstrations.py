import copy

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.prompting.demonstrations import Demonstration
from spacy_ner_plus.llm.prompting.embedded_demonstrations import EmbeddedDemonstrations
from spacy_ner_plus.models.embeddings.embedder import Embedder
from spacy_ner_plus.models.encoders.packaged import encoder_path_v1

TEXTS = ["The cat sleeps on the sofa.", "Shares of the bank fell.", "She scored twice in the final match."]


@pytest.fixture(scope="module")
def chosen():
    if encoder_path_v1() == "all-MiniLM-L6-v2":
        pytest.skip("the packaged encoder isn't installed")
    embedder = Embedder("all-MiniLM-L6-v2", device="cpu", precision="fp32")
    return EmbeddedDemonstrations([Demonstration(text, ()) for text in TEXTS], 1, embedder=embedder)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("A kitten is dozing.", TEXTS[0]),
        ("Stocks of lenders dropped.", TEXTS[1]),
        ("He got two goals for his team.", TEXTS[2]),
    ],
)
def test_embedded_demonstrations_are_near_in_meaning(chosen, text, nearest):
    assert [example.text for example in chosen.select(text)] == [nearest]


def test_embedded_demonstrations_are_never_the_text_itself(chosen):
    assert TEXTS[0] not in [example.text for example in chosen.select(TEXTS[0].upper())]


def test_embedded_demonstrations_are_copied_without_their_model(chosen):
    chosen.select("x")
    copied = copy.deepcopy(chosen)
    assert "_index" not in vars(copied)
    assert "_runner" not in vars(copied.embedder)
    assert copied.select("A kitten is dozing.")[0].text == TEXTS[0]


def test_embedded_demonstrations_say_that_the_model_is_missing(tmp_path):
    broken = EmbeddedDemonstrations([Demonstration("a", ())], 1, embedder=Embedder(str(tmp_path)))
    with pytest.raises(UserError, match="E247"):
        broken.select("b")
