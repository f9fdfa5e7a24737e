"""The settings of our own tagger: type, default, check and text of each."""

from dataclasses import dataclass
from typing import Literal

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.inputs.windows import Windowing


@dataclass(frozen=True, kw_only=True)
class TaggerSettings:
    """Settings of `spacy_ner_plus.TransformerTagger.v1`.

    encoder (str): Local folder or hub name of the pretrained encoder. It is read
        when the component is initialized, never when it is loaded.
    window (int): Longest window, in wordpieces without special tokens. Default 200.
    overlap (int): How many wordpieces neighbouring windows share. Default 50.
    lead (int): How many of the document's first wordpieces stand before each later window, as a
        context that tells what the text is about: its title. Default 24.
    batch_wordpieces (int): Most wordpieces computed at once, padding included;
        small batches stay in a CPU's cache. Default 1000.
    case_features (str): Whether the case pattern of written words is added to the
        word embeddings: 'auto' (where the tokenizer lowercases), 'always' or 'never'. Default 'auto'.
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
    RAISES (UserError): Where overlap doesn't fit window, lead is negative, or no layer is to be read.
    """

    encoder: str = ""
    window: int = 200
    overlap: int = 50
    lead: int = 24
    batch_wordpieces: int = 1000
    case_features: Literal["auto", "always", "never"] = "auto"
    line_features: bool = True
    head_layers: int = 4
    head_rate_factor: float = 10.0
    frozen_layers: int = 0
    attention_dropout: float = 0.0

    def __post_init__(self):
        if not 0 <= self.overlap < self.window or self.lead < 0:
            raise UserError(Errors.E211.format(window=self.window, overlap=self.overlap, lead=self.lead))
        if self.head_layers < 1:
            raise UserError(Errors.E230.format(head_layers=self.head_layers))

    @property
    def windowing(self) -> Windowing:
        """RETURNS (Windowing): How documents are cut."""
        return Windowing(self.window, self.overlap, self.lead)
