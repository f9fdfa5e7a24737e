"""The settings of variants: ways of asking that compete, and how one of them is chosen for a text."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.settings import check_settings, setting, settings

# Those of a variant that aren't settings of what it asks.
_ITS_OWN = ("name", "weight")


@settings
class Variant:
    """One way of asking. What is None is as the component has it."""

    name: str = setting("What it is called in the store, in reports and where it is pinned.")
    weight: float = setting(
        "How often it is chosen, in relation to the others; 0 for one that only steps in for those that fail.",
        1.0,
        at_least=0,
    )
    model: dict[str, Any] | None = setting(
        "Settings of the chat model that differ from the component's, such as {'name': 'qwen3'}.", None
    )
    format: str | None = setting("How replies are written.", None)
    task: str | None = setting("What the texts are and what is looked for.", None)
    template: str | None = setting("File of a Jinja template for the instructions.", None)
    examples: str | dict[str, Any] | list[dict[str, Any]] | None = setting("Examples for the prompt.", None)
    n_examples: int | None = setting("Examples in a prompt at most.", None, at_least=0)
    choose_examples: Literal["similar", "embeddings", "fixed"] | None = setting(
        "How examples are chosen.", None
    )
    samples: int | None = setting("How often each text is asked about.", None, at_least=1)
    passes: int | None = setting("How often at most a text is read for recall.", None, at_least=1)
    chunk_tokens: int | None = setting("Tokens of text in a request at most.", None, at_least=1)
    chunk_overlap: int | None = setting("Tokens that chunks share.", None, at_least=0)
    chunk_context: int | None = setting("Tokens of the Doc shown before and after a chunk.", None, at_least=0)

    def __post_init__(self) -> None:
        check_settings(self, Errors.E240.replace("{setting}", "variants.{setting}"))
        if self.name != self.name.strip() or not self.name:
            space = f"a `name` with white space around it, '{self.name}'"
            found = f"has {space if self.name.strip() else 'an empty `name`'}"
            raise UserError(Errors.E810.format(found=found, known=", ".join(_names(type(self)))))

    @classmethod
    def of(cls, given: Any) -> "Variant":
        """RETURNS (Variant): The one of a mapping, as configs have it.

        RAISES (UserError): Where its name lacks, or a setting is unknown or can't be.
        """
        known = _names(cls)
        if not isinstance(given, Mapping):
            raise UserError(Errors.E810.format(found=f"is {given!r}", known=", ".join(known)))
        unknown = sorted(set(given) - set(known))
        if unknown or "name" not in given:
            found = f"has `{unknown[0]}`" if unknown else "lacks `name`"
            raise UserError(Errors.E810.format(found=found, known=", ".join(known)))
        return cls(**given)

    def changes(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The component's settings that it has otherwise, by name."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in given.items() if value is not None and name not in _ITS_OWN}


@settings
class VariantSampling:
    """How one of several variants is chosen for a text."""

    strategy: Literal["weights", "adaptive", "pinned"] = setting(
        "'weights' goes by the weights, 'adaptive' by how probable it is that a variant is the best one after what "
        "the store has of `metric` (Thompson sampling), 'pinned' takes one and no other.",
        "weights",
    )
    variant: str | None = setting("The one that is pinned.", None)
    metric: str = setting("What 'adaptive' goes by: a metric of the store's feedback.", "exact_match")
    floor: float = setting(
        "With 'adaptive' the least probability of each variant that has a weight.",
        0.05,
        at_least=0,
        at_most=1,
    )
    seed: int = setting("Of the choice.", 0)

    def __post_init__(self) -> None:
        check_settings(self, Errors.E240.replace("{setting}", "variant_sampling.{setting}"))

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> "VariantSampling":
        """RETURNS (VariantSampling): Those of a mapping, as configs have it; the defaults where there is none.

        RAISES (UserError): Where one is unknown or can't be.
        """
        known = _names(cls)
        unknown = sorted(set(given or {}) - set(known))
        if unknown:
            raise UserError(Errors.E811.format(setting=unknown[0], known=", ".join(known)))
        return cls(**(given or {}))


def read_variants(given: Sequence[Any] | None, sampling: VariantSampling) -> tuple[Variant, ...]:
    """Read the variants of a component, and check that one can be chosen.

    given (Sequence[Any] | None): Mappings, as configs have them; None for no variants.
    RAISES (UserError): Where a name is there twice, or the sampling doesn't fit them.
    """
    if given is None:
        if sampling.strategy != VariantSampling.strategy or sampling.variant is not None:
            raise UserError(Errors.E925.format(strategy=sampling.strategy, variant=sampling.variant))
        return ()
    variants = tuple(Variant.of(one) for one in given)
    names = [variant.name for variant in variants]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(Errors.E812.format(name=twice))
    if sampling.strategy == "pinned":
        if sampling.variant not in names:
            shown = "nothing" if sampling.variant is None else f"'{sampling.variant}'"
            raise UserError(Errors.E813.format(variant=shown, variants=", ".join(names) or "none"))
        return variants
    weighted = sum(variant.weight > 0 for variant in variants)
    if not weighted:
        raise UserError(Errors.E814)
    if sampling.strategy == "adaptive" and weighted * sampling.floor > 1 + 1e-9:
        raise UserError(Errors.E815.format(floor=sampling.floor, count=weighted, most=1 / weighted))
    return variants


def _names(cls: type) -> list[str]:
    return [field.name for field in fields(cls)]
