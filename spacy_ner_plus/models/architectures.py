"""The architectures that configs name."""

from collections.abc import Callable
from typing import Literal

from spacy.tokens import Doc
from spacy.util import replace_model_node
from thinc.api import Linear, Model, chain, with_array, zero_init
from thinc.layers.chain import init as init_chain
from thinc.types import Floats2d

from spacy_ner_plus.errors import Errors, UserError

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
    """Build a tagger on a Hugging Face encoder that reads Docs in overlapping windows.

    encoder (str): Local folder or hub name of the pretrained encoder. It is read
        when the component is initialized, never when it is loaded.
    window (int): Longest window, in wordpieces without special tokens. Default 200.
    overlap (int): How many wordpieces neighbouring windows share. Default 50.
    lead (int): How many of the document's first wordpieces stand before each later window, as a
        context that tells what is spoken of: its title. Default 24.
    batch_wordpieces (int): Most wordpieces computed at once, padding included;
        small batches stay in a CPU's cache. Default 1000.
    case_features (str): Whether the case pattern of written words is added to the
        word embeddings: 'auto' (where the tokenizer lowercases), 'always' or 'never'.
    line_features (bool): Whether it is marked in the word embeddings where a line of the
        text begins: titles, lists and tables. Default True.
    head_layers (int): How many of the encoder's last layers the head reads, side by side (Devlin et
        al., 2019, table 7); all where it has fewer. Default 4.
    head_rate_factor (float): Learning rate of head and these features, as a multiple
        of the encoder's. Default 10.
    frozen_layers (int): How many of the lowest layers, with the embeddings, are not
        trained. Default 0.
    attention_dropout (float): Share of attention weights that is dropped in training.
        Above 0 it bars torch's fused attention on a CPU, where training then takes a
        quarter longer. Default 0.
    RETURNS (Model): Logits of shape (tokens, 2 * labels + 1) for each Doc.
    RAISES (UserError): Where overlap doesn't fit window, lead is negative, or no layer is to be read.
    """
    from spacy_ner_plus.models.inputs.windows import Windowing
    from spacy_ner_plus.models.tagger_model import TaggerShim

    if not 0 <= overlap < window or lead < 0:
        raise UserError(Errors.E211.format(window=window, overlap=overlap, lead=lead))
    if head_layers < 1:
        raise UserError(Errors.E230.format(head_layers=head_layers))
    shim = TaggerShim(
        encoder,
        Windowing(window, overlap, lead),
        batch_wordpieces=batch_wordpieces,
        case_features=case_features,
        line_features=line_features,
        head_layers=head_layers,
        head_rate_factor=head_rate_factor,
        frozen_layers=frozen_layers,
        attention_dropout=attention_dropout,
    )
    return Model(
        "transformer_tagger",
        forward,
        init=init,
        dims={"nO": None},
        attrs={"dropout_rate": 0.1},
        shims=[shim],
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
    shim = model.shims[0]
    if is_train:
        shim.set_dropout(model.attrs["dropout_rate"])
    return shim(docs, is_train)


def init(model: Model[TaggerInput, TaggerOutput], X=None, Y=None) -> None:
    # Always anew, as spaCy's components do: what was trained before has other labels or other data.
    model.shims[0].create(model.get_dim("nO"))
