"""How a chat model is fine-tuned."""

from typing import Literal

from spacy_ner_plus.errors import Errors
from spacy_ner_plus.settings import check_settings, setting, settings

METHODS = ("lora", "full", "qlora")


@settings
class FinetuneSettings:
    """How a chat model is fine-tuned."""

    method: Literal["lora", "full", "qlora"] = setting(
        "What is trained: 'lora' an adapter of a few weights, 'full' all weights, 'qlora' an adapter on a base of "
        "4 bits, which needs a GPU and bitsandbytes.",
        "lora",
    )
    epochs: int = setting("How often all examples are seen at most.", 4, at_least=1)
    batch_size: int = setting("How many examples make a step.", 4, at_least=1)
    accumulate: int = setting(
        "In how many parts a step's examples are worked on, where memory is short.", 1, at_least=1
    )
    learning_rate: float | None = setting(
        "The highest learning rate; by default 1e-3 for an adapter and 1e-4 for all weights.", None, above=0
    )
    warmup: float = setting(
        "In what part of all steps the rate rises to it; then it falls to 0.", 0.1, at_least=0, at_most=1
    )
    weight_decay: float = setting("How much AdamW takes from weights.", 0.0, at_least=0)
    max_grad_norm: float = setting("To what norm gradients are clipped.", 1.0, above=0)
    rank: int = setting("The rank of an adapter.", 16, at_least=1)
    alpha: float = setting("An adapter is scaled by this over its rank.", 32.0, above=0)
    dropout: float = setting("Of what an adapter reads, in training.", 0.0, at_least=0, at_most=0.9)
    targets: list[str] | None = setting(
        "The names of the layers that get an adapter, such as ['q_proj', 'v_proj']. Default: all linear ones but the "
        "output.",
        None,
    )
    layer_share: float = setting(
        "In what part of the layers, from the top, an adapter is put; below it nothing is computed backwards.",
        0.67,
        above=0,
        at_most=1,
    )
    max_length: int | None = setting(
        "Longest chat in tokens; longer ones are left out and counted. Default: the base's context, 4096 at most.",
        None,
        at_least=8,
    )
    max_new_tokens: int | None = setting(
        "Longest reply, in tokens, where dev replies are decoded. Default: a quarter longer than the longest answer "
        "that is learnt.",
        None,
        at_least=1,
    )
    precision: Literal["auto", "fp32", "bf16"] = setting(
        "Of products: 'auto' takes bf16 where it is measured to be faster here.", "auto"
    )
    gradient_checkpointing: bool = setting(
        "Whether less memory is taken at the price of about a third more time.", False
    )
    evaluate_every: int = setting("After how many epochs dev replies are decoded.", 1, at_least=1)
    patience: int = setting(
        "After how many evaluations without a better dev score training ends; 0 for never.", 3, at_least=0
    )
    checkpoint_seconds: float = setting(
        "Seconds between checkpoints, which a run that was cut goes on from; also after each epoch.",
        300.0,
        above=0,
    )
    seed: int = setting(
        "Of the order of examples, of an adapter's first weights, and of dropout.", 0, at_least=0
    )

    def __post_init__(self):
        check_settings(self, Errors.E900)

    @property
    def rate(self) -> float:
        """RETURNS (float): The highest learning rate."""
        return self.learning_rate or (1e-4 if self.method == "full" else 1e-3)
