"""The settings of structured_llm_ner."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Literal, Self

from spacy_ner_plus.alignment.align import MENTION_SIMILARITY
from spacy_ner_plus.errors import Errors
from spacy_ner_plus.llm.local.addresses import located
from spacy_ner_plus.llm.prompting.store_demonstrations import StoreExamples
from spacy_ner_plus.llm.variants.settings import Variant, VariantSampling, read_variants
from spacy_ner_plus.models.encoders.packaged import is_packaged
from spacy_ner_plus.pipeline.entity_component import EntitySettings
from spacy_ner_plus.pipeline.structured_llm_ner.cascade import CascadeSettings
from spacy_ner_plus.settings import setting, settings

# A chunk of fewer tokens holds too little context for an entity.
FEWEST_CHUNK_TOKENS = 20


@settings
class StructuredLLMSettings(EntitySettings):
    """What structured_llm_ner looks for, whom it asks and how, and what it makes of the replies."""

    labels: str | list[str] | dict[str, Any] | None = setting(
        "Labels; a mapping from label to definition; a JSON or YAML file of one; or the name of a shipped "
        "set: 'conll', 'synthetic', 'pii'.",
        None,
    )
    model: Any = setting(
        "Settings of the chat model, at least `base_url` and `name`, or `local`; or a ChatModel itself.", None
    )
    format: Any = setting(
        "How replies are written: 'label_lists', 'entity_list', 'inline_tags', 'bio_lines', 'guidelines', "
        "'per_type', the name of a function in spaCy's registry `misc` that makes a format, or a format itself.",
        "label_lists",
    )
    task: str | None = setting(
        "What the texts are and what is looked for, in your own words. It stands in front of the instructions, or "
        "where a template has `task`.",
        None,
    )
    template: str | None = setting(
        "File of a Jinja template for the instructions; None for the format's own.", None
    )
    examples: str | dict[str, Any] | list[dict[str, Any]] | None = setting(
        "Examples for the prompt: a .jsonl or .spacy file; records with `text` and `spans`; or 'store' for the good "
        "answers and the corrected ones in the model's `store`. {'store': {'metric': 'jaccard', 'least': 0.9}} says "
        "which are good; else those with exact_match.",
        None,
    )
    exclude: list[str] | None = setting(
        "Corpora whose texts never are examples, such as those to evaluate on: .spacy files, folders of them, or "
        ".jsonl files.",
        None,
    )
    n_examples: int = setting("Examples in a prompt at most.", 5, at_least=0)
    choose_examples: Literal["similar", "embeddings", "fixed"] = setting(
        "'similar' takes the examples that are most like the text by TF-IDF, 'embeddings' by sentence "
        "embeddings (extra [encoder], or [select] for other models), 'fixed' the first. Never the text itself.",
        "similar",
    )
    embedding_model: str = setting(
        "For 'embeddings': a packaged model, or the folder or hub name of a sentence-transformers model.",
        "all-MiniLM-L6-v2",
    )
    # 'all', as models list most mentions once.
    occurrences: Literal["listed", "all", "first"] = setting(
        "Which occurrences a mention means where the reply doesn't say: 'all', 'listed' (one for each time "
        "it is listed), or 'first'.",
        "all",
    )
    similarity_threshold: float = setting(
        "The least similarity, up to 1, of a mention to a part of the text, where the text doesn't have it as spelled.",
        MENTION_SIMILARITY,
        above=0,
        at_most=1,
    )
    alignment_mode: Literal["strict", "contract", "expand"] = setting(
        "What becomes of a mention that begins or ends inside a token, as in `Doc.char_span`: 'strict' drops it, "
        "'contract' narrows it to whole tokens, 'expand' widens it. What is changed is counted.",
        "expand",
    )
    samples: int = setting(
        "How often each text is asked about; with several, an entity's score is its share of votes.",
        1,
        at_least=1,
    )
    passes: int = setting(
        "How often at most a text is read for recall: after each reply the model is asked for what it has missed, "
        "until nothing new comes, and all that it named counts.",
        1,
        at_least=1,
    )
    chunk_tokens: int | None = setting(
        "Tokens of text in a request at most; longer texts are cut between sentences. None for what the "
        "model's `context_length` leaves, and what a reply of `max_tokens` can answer.",
        None,
        at_least=FEWEST_CHUNK_TOKENS,
    )
    chunk_overlap: int = setting("Tokens that such chunks share.", 50)
    chunk_context: int = setting(
        "How many of the Doc's tokens before and after a chunk are shown to the model, to understand it by; entities "
        "are those of the chunk alone.",
        0,
        at_least=0,
    )
    progress: bool = setting("Whether to show a progress bar.", False)
    variants: list[dict[str, Any]] | None = setting(
        "Ways of asking that compete: mappings with `name`, `weight` and what each has otherwise, of `model`, "
        "`format`, `task`, `template`, `examples`, `n_examples`, `choose_examples`, `samples`, `passes`, "
        "`chunk_tokens`, `chunk_overlap` and `chunk_context`. Where one fails, the others step in, in order.",
        None,
    )
    variant_sampling: dict[str, Any] | None = setting(
        "How a variant is chosen: `strategy`, 'weights', 'adaptive' (by `metric`, with `floor` for each) or 'pinned' "
        "(`variant`); and `seed`.",
        None,
    )
    dryrun: bool = setting(
        "Whether nothing is learnt from what is asked: replies are kept, and no inference, so that their texts become "
        "no examples and no training data.",
        False,
    )
    cascade: dict[str, Any] | None = setting(
        "To ask only about Docs of which an earlier component is unsure: `uncertainty`, the least from 0 to 1; "
        "maybe `component`, its `spans_key`; `share` and `most`, of the Docs that are asked about. Their "
        "entities give way to the reply's.",
        None,
    )
    save_io: bool = setting(
        "Whether to keep what was sent and what came in `doc.user_data['llm_io'][NAME]`, as spacy-llm does.",
        False,
    )

    refusal = Errors.E240

    def __post_init__(self) -> None:
        if isinstance(self.model, Mapping):
            object.__setattr__(self, "model", located(self.model))
        super().__post_init__()
        if self.cascade is not None:
            CascadeSettings.of(self.cascade)
        StoreExamples.of(self.examples)
        for variant in self.variant_values:
            self.of_variant(variant)

    @property
    def variant_values(self) -> tuple[Variant, ...]:
        """RETURNS (tuple[Variant, ...]): The variants; none where they aren't given.

        RAISES (UserError): Where one can't be, or none can be chosen.
        """
        return read_variants(self.variants, self.sampling)

    @property
    def sampling(self) -> VariantSampling:
        """RETURNS (VariantSampling): How a variant is chosen."""
        return VariantSampling.of(self.variant_sampling)

    def of_variant(self, variant: Variant) -> Self:
        """RETURNS (StructuredLLMSettings): What a component would have that asks as a variant does."""
        changes = variant.changes()
        if "model" in changes:
            changes["model"] = {**_model_settings(self.model), **changes["model"]}
        return replace(self, variants=None, variant_sampling=None, **changes)

    @property
    def extras(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): The extras of this package that these settings need."""
        all_of_them = [self, *(self.of_variant(variant) for variant in self.variant_values)]
        found = ["llm"]
        if any(each.choose_examples == "embeddings" for each in all_of_them):
            found.append("encoder" if is_packaged(self.embedding_model) else "select")
        if any(_model_settings(each.model).get("local") for each in all_of_them):
            found.append("local-llm")
        return tuple(found)


def _model_settings(model: Any) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Those of a chat model, of which a variant may have some otherwise."""
    if model is None or isinstance(model, Mapping):
        return dict(model or {})
    given = getattr(model, "settings", None)
    return {field.name: getattr(given, field.name) for field in fields(given)} if given is not None else {}
