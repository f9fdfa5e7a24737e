"""The settings of our own tagger: type, default, check and text of each."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.adapters.settings import LoraSettings
from spacy_ner_plus.models.encoders.packaged import is_packaged, portable_name
from spacy_ner_plus.models.inputs.layout import Windowing
from spacy_ner_plus.settings import check_settings, defaults, setting, settings


@settings
class TaggerSettings:
    """How `spacy_ner_plus.TransformerTagger.v2` reads Docs, what its head sees, and how it is trained."""

    encoder: str = setting(
        "Local folder or hub name of the pretrained encoder; read when the component is initialized, never "
        "when a trained pipeline is loaded.",
        "",
    )
    window: int = setting("Longest window, in wordpieces without special tokens.", 200)
    overlap: int = setting(
        "How many wordpieces neighbouring windows share where no sentence or line begins near.", 50
    )
    sentence_overlap: int | None = setting(
        "How many wordpieces a window shows before the sentence that it begins to read with, at most half of "
        "`overlap`; null for windows laid evenly, wherever sentences end, as TransformerTagger.v1 does. 0 "
        "computes a seventh less; give it in training, too.",
        None,
        at_least=0,
    )
    lead: int = setting(
        "How many of the document's first wordpieces stand before each later window, as a context that tells "
        "what the text is about: its title.",
        24,
    )
    batch_wordpieces: int = setting(
        "Most wordpieces computed at once, padding included: small batches stay in a CPU's cache, a GPU wants "
        "16,000.",
        1000,
    )
    case_features: Literal["auto", "always", "never"] = setting(
        "Whether the case pattern of written words is added to the word embeddings: 'auto' (where the "
        "tokenizer lowercases), 'always' or 'never'.",
        "auto",
    )
    line_features: bool = setting(
        "Whether it is marked in the word embeddings where a line of the text begins: titles, lists and tables.",
        True,
    )
    head_layers: int = setting(
        "How many of the encoder's last layers the head reads, side by side (Devlin et al., 2019, table 7); "
        "all where it has fewer.",
        4,
        at_least=1,
        message=Errors.E230,
    )
    head_rate_factor: float = setting(
        "Learning rate of the head and of what is added to the word embeddings, as a multiple of the "
        "encoder's.",
        10.0,
    )
    head_seed: int | None = setting(
        "Seed of the weights that the head starts with, so that trainings with other seeds can be averaged; null for "
        "`system.seed`.",
        None,
        at_least=0,
    )
    frozen_layers: int = setting("How many of the lowest layers, with the embeddings, are not trained.", 0)
    attention_dropout: float = setting(
        "Share of attention weights that is dropped in training; `training.dropout` is that of all others. "
        "Above 0 it bars torch's fused attention on a CPU, where training then takes a quarter longer.",
        0.0,
    )

    lora: dict[str, Any] | None = setting(
        "Settings of a LoRA adapter, which is trained in place of the encoder's own weights: a block with those of "
        "`LoraSettings`; null for full training.",
        None,
    )

    layer_rates: Callable | None = setting(
        "A registered function that gives each layer a learning rate of its own, such as "
        "spacy_ner_plus.layer_rate_decay.v1 or spacy_ner_plus.gradual_unfreezing.v1; null for the same rate for all.",
        None,
    )

    def __post_init__(self):
        check_settings(self, Errors.E234)
        if self.layer_rates is not None and not callable(self.layer_rates):
            remedy = (
                'a registered function, as @misc = "spacy_ner_plus.layer_rate_decay.v1" in a block of its own'
            )
            raise UserError(
                Errors.E234.format(setting="layer_rates", value=repr(self.layer_rates), remedy=remedy)
            )
        if self.lora is not None:
            unknown = [name for name in self.lora if name not in defaults(LoraSettings)]
            if unknown:
                known = f"no such setting; there are: {', '.join(defaults(LoraSettings))}"
                value = repr(self.lora[unknown[0]])
                raise UserError(Errors.E911.format(setting=unknown[0], value=value, remedy=known))
            LoraSettings(**self.lora)
        if not 0 <= self.overlap < self.window or self.lead < 0:
            raise UserError(Errors.E211.format(window=self.window, overlap=self.overlap, lead=self.lead))

    @property
    def adapter(self) -> LoraSettings | None:
        """RETURNS (LoraSettings | None): Those of the adapter that is trained; None for full training."""
        adapter = None if self.lora is None else LoraSettings(**self.lora)
        return adapter if adapter is not None and adapter.r else None

    @property
    def shares_base(self) -> bool:
        """Whether components keep one encoder together."""
        return self.adapter is not None and self.adapter.share_base

    @property
    def extras(self) -> Sequence[str]:
        """RETURNS (Sequence[str]): Extras without which what is saved can't be loaded: that of the packaged encoder,
        where an adapter stands on it."""
        saves_adapter = self.adapter is not None and self.adapter.saves_adapter
        return ("encoder",) if saves_adapter and is_packaged(portable_name(self.encoder)) else ()

    @property
    def windowing(self) -> Windowing:
        """RETURNS (Windowing): How documents are cut."""
        return Windowing(self.window, self.overlap, self.lead, self.sentence_overlap)
