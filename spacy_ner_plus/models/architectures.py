"""The architectures that configs name."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from spacy.tokens import Doc
from spacy.util import replace_model_node
from thinc.api import Linear, Model, chain, with_array, zero_init
from thinc.layers.chain import init as init_chain
from thinc.types import Floats2d

from spacy_ner_plus.models.tagger_settings import TaggerSettings

TaggerInput = list[Doc]
TaggerOutput = list[Floats2d]


def build_transformer_tagger_v1(
    encoder: str = "",
    window: int = 200,
    overlap: int = 50,
    lead: int = 24,
    batch_wordpieces: int = 1000,
    case_features: Literal["auto", "always", "never"] = "auto",
    line_features: bool = True,
    head_layers: int = 4,
    head_rate_factor: float = 10.0,
    frozen_layers: int = 0,
    attention_dropout: float = 0.0,
) -> Model[TaggerInput, TaggerOutput]:
    """Build the tagger of `TransformerTagger.v2` as it was: windows are laid evenly, wherever sentences end.

    RETURNS (Model): Logits of shape (tokens, 2 * labels + 1) for each Doc.
    RAISES (UserError): Where overlap doesn't fit window, lead is negative, or no layer is to be read.
    """
    return build_transformer_tagger_v2(
        encoder=encoder,
        window=window,
        overlap=overlap,
        sentence_overlap=None,
        lead=lead,
        batch_wordpieces=batch_wordpieces,
        case_features=case_features,
        line_features=line_features,
        head_layers=head_layers,
        head_rate_factor=head_rate_factor,
        frozen_layers=frozen_layers,
        attention_dropout=attention_dropout,
    )


def build_transformer_tagger_v2(
    encoder: str = "",
    window: int = 200,
    overlap: int = 50,
    sentence_overlap: int | None = None,
    lead: int = 24,
    batch_wordpieces: int = 1000,
    case_features: Literal["auto", "always", "never"] = "auto",
    line_features: bool = True,
    head_layers: int = 4,
    head_rate_factor: float = 10.0,
    head_seed: int | None = None,
    frozen_layers: int = 0,
    attention_dropout: float = 0.0,
    lora: dict[str, Any] | None = None,
    layer_rates: Callable | None = None,
) -> Model[TaggerInput, TaggerOutput]:
    """Build a tagger on a Hugging Face encoder that reads Docs in windows.

    Its settings and their defaults are those of `TaggerSettings`.

    RETURNS (Model): Logits of shape (tokens, 2 * labels + 1) for each Doc.
    RAISES (UserError): Where overlap doesn't fit window, lead is negative, or no layer is to be read.
    """
    from spacy_ner_plus.models.tagger_model import TaggerModel

    settings = TaggerSettings(
        encoder=encoder,
        window=window,
        overlap=overlap,
        sentence_overlap=sentence_overlap,
        lead=lead,
        batch_wordpieces=batch_wordpieces,
        case_features=case_features,
        line_features=line_features,
        head_layers=head_layers,
        head_rate_factor=head_rate_factor,
        head_seed=head_seed,
        frozen_layers=frozen_layers,
        attention_dropout=attention_dropout,
        lora=lora,
        layer_rates=layer_rates,
    )
    return Model(
        "transformer_tagger",
        forward,
        init=init,
        dims={"nO": None},
        attrs={"dropout_rate": 0.1},
        shims=[TaggerModel(settings)],
    )


def build_tok2vec_tagger_v1(tok2vec: Model[TaggerInput, TaggerOutput]) -> Model[TaggerInput, TaggerOutput]:
    """Build a tagger on any layer that gives a vector for each token.

    tok2vec (Model[list[Doc], list[Floats2d]]): Such as `spacy.HashEmbedCNN.v2`, or a listener to
        another component: `spacy-transformers.TransformerListener.v1`, `spacy.Tok2VecListener.v1`.
    RETURNS (Model): Logits of shape (tokens, 2 * labels + 1) for each Doc.
    """
    width = tok2vec.get_dim("nO") if tok2vec.has_dim("nO") else None
    output = Linear(nO=None, nI=width, init_W=zero_init)
    model = chain(tok2vec, with_array(output))
    model.init = init_tok2vec_tagger
    model.set_ref("tok2vec", tok2vec)
    model.set_ref("output_layer", output)
    return model


def init_tok2vec_tagger(
    model: Model[TaggerInput, TaggerOutput], X=None, Y=None
) -> Model[TaggerInput, TaggerOutput]:
    # The labels are counted by the component; thinc would look for them in Y.
    n_tags = model.get_dim("nO")
    output = model.get_ref("output_layer")
    if output.has_param("W"):
        # What was trained before has other labels or other data.
        fresh = Linear(nO=None, nI=output.get_dim("nI"), init_W=zero_init)
        replace_model_node(model, output, fresh)
        output = fresh
    for node in model.walk():
        if output in node.layers:
            node.set_dim("nO", n_tags, force=True)
    output.set_dim("nO", n_tags, force=True)
    return init_chain(model, X=X, Y=Y)


def forward(
    model: Model[TaggerInput, TaggerOutput], docs: TaggerInput, is_train: bool
) -> tuple[TaggerOutput, Callable]:
    tagger = model.shims[0]
    if not is_train:
        return tagger.begin_score(docs)().split(), lambda d_scores: []
    tagger.set_dropout(model.attrs["dropout_rate"])
    scores, backprop_rows = tagger.begin_update(docs)

    def backprop(d_scores: TaggerOutput) -> TaggerInput:
        if d_scores:
            backprop_rows(np.concatenate(d_scores))
        return []

    return scores.split(), backprop


def init(model: Model[TaggerInput, TaggerOutput], X=None, Y=None) -> None:
    # Always a new network, as spaCy's components do: what was trained before has other labels or data.
    model.shims[0].create(model.get_dim("nO"))
