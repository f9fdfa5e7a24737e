"""The settings of a LoRA adapter: type, default, check and text of each."""

from typing import Literal

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.settings import check_settings, setting, settings

ALL_LINEAR = "all-linear"


@settings
class LoraSettings:
    """How an encoder is trained by a low-rank adapter (LoRA, Hu et al., 2022), its own weights left as they are."""

    r: int = setting(
        "Rank of what is added to each weight. 0 trains the encoder itself, as without this block.",
        8,
        at_least=0,
    )
    alpha: float = setting("What is added is multiplied by alpha / r.", 16.0, above=0)
    dropout: float = setting(
        "Share of what the adapter is given that is dropped in training.", 0.0, at_least=0, at_most=0.9
    )
    targets: str | list = setting(
        "Which linear layers of the encoder's layers get one: 'all-linear', or a list of the ends of their names, "
        'such as ["query", "value"] of BERT and RoBERTa, or ["q_lin", "v_lin"] of DistilBERT. Those of '
        "`frozen_layers` get none.",
        ALL_LINEAR,
    )
    rate_factor: float = setting(
        "Learning rate of the adapter, as a multiple of the encoder's in full training: one config serves both.",
        10.0,
        above=0,
    )
    save: Literal["merged", "adapter"] | None = setting(
        "What a saved pipeline holds: 'merged' (all weights, the adapter's merged: it loads wherever it is taken), "
        "'adapter' (some megabytes; it needs the same encoder where it is loaded), or null for 'adapter' with "
        "`share_base` and else 'merged'.",
        None,
    )
    share_base: bool = setting(
        "Whether components of a process that stand on the same encoder keep its weights once. Each computes its "
        "adapter beside them, on a CPU in fp32 or bf16, which takes longer than merged weights of its own.",
        False,
    )

    def __post_init__(self):
        check_settings(self, Errors.E911)
        names = [self.targets] if isinstance(self.targets, str) else self.targets
        whole = isinstance(self.targets, str) and self.targets != ALL_LINEAR
        if whole or not names or not all(isinstance(name, str) and name for name in names):
            remedy = f"'{ALL_LINEAR}' or a list of names of layers"
            raise UserError(Errors.E911.format(setting="targets", value=repr(self.targets), remedy=remedy))
        if self.share_base and self.save == "merged":
            raise UserError(Errors.E912)

    @property
    def saves_adapter(self) -> bool:
        """Whether what is saved is the adapter alone."""
        return self.save == "adapter" or (self.save is None and self.share_base)
