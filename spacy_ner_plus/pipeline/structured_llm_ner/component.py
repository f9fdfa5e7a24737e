"""The component `structured_llm_ner`: any chat model as named entity recognition."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.pipeline.entity_component import EntityComponent, EntitySettings
from spacy_ner_plus.pipeline.structured_llm_ner.running import run

if TYPE_CHECKING:
    from spacy_ner_plus.llm.client.chat_model import ChatModel
    from spacy_ner_plus.pipeline.structured_llm_ner.extractor import Extractor


@Language.factory(
    "structured_llm_ner",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type", "span._.score", "doc._.ner_failure"],
    default_config={
        "labels": None,
        "model": None,
        "format": "label_lists",
        "template": None,
        "examples": None,
        "n_examples": 5,
        "choose_examples": "similar",
        "embedding_model": "all-MiniLM-L6-v2",
        "occurrences": "all",
        "fuzzy_threshold": 0.85,
        "samples": 1,
        "chunk_tokens": None,
        "chunk_overlap": 50,
        "overwrite_ents": False,
        "spans_key": None,
        "threshold": None,
        "progress": False,
        "scorer": {"@scorers": "spacy_ner_plus.llm_ner_scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_structured_llm_ner(
    nlp: Language,
    name: str,
    labels: str | list[str] | dict[str, Any] | None,
    model: Any,
    format: Any,
    template: str | None,
    examples: str | list[dict[str, Any]] | None,
    n_examples: int,
    choose_examples: Literal["similar", "embeddings", "fixed"],
    embedding_model: str,
    occurrences: Literal["listed", "all", "first"],
    fuzzy_threshold: float,
    samples: int,
    chunk_tokens: int | None,
    chunk_overlap: int,
    overwrite_ents: bool,
    spans_key: str | None,
    threshold: float | None,
    progress: bool,
    scorer: Callable | None,
) -> "StructuredLLMNER":
    """Make the component `structured_llm_ner`. No server is asked and no file read until it is used.

    labels (str | list[str] | dict): Labels; a mapping from label to definition; a JSON or YAML
        file of one; or the name of a shipped set: 'conll', 'synthetic', 'pii'.
    model (dict | ChatModel): Settings of `spacy_ner_plus.ChatModel.v1`: at least `base_url` and `name`.
    format (str | ReplyFormat): 'label_lists', 'entity_list', 'inline_tags', 'bio_lines', or an
        object of one's own. Default: 'label_lists'.
    template (str): File of a Jinja template for the instructions. Default: the format's own.
    examples (str | list[dict]): Examples for the prompt: a .jsonl or .spacy file, or records
        with `text` and `spans`. Default: none.
    n_examples (int): Most examples in a prompt. Default: 5.
    choose_examples (str): 'similar' takes those that are like the text by TF-IDF, 'embeddings' by sentence
        embeddings (extra [select]), 'fixed' the first. Never the text itself. Default: 'similar'.
    embedding_model (str): For 'embeddings'. Default: 'all-MiniLM-L6-v2', the packaged one.
    occurrences (str): Which occurrences a mention means where the reply doesn't say: 'all', 'listed'
        (one for each time it is listed), or 'first'. Default: 'all', as models list most
        mentions once.
    fuzzy_threshold (float): How like the text a mention must be that stands nowhere
        in it, from 0 to 1. Default: 0.85.
    samples (int): How often each text is asked; the score is the share of votes. Default: 1.
    chunk_tokens (int): Most tokens of text in a request; longer ones are cut between sentences.
        Default: what the model's context_length leaves, or no limit.
    chunk_overlap (int): How many tokens such chunks share. Default: 50.
    overwrite_ents (bool): Whether entities that are on a Doc already give way.
        Default False: they stay, and what overlaps them is not set.
    spans_key (str): Key in doc.spans for the entities with their scores, '' for none. Default:
        the component's name. All mentions with their alignment are under it with '_mentions' added.
    threshold (float): The least score of an entity, from 0 to 1. Default: what was saved with the
        component, else 0.5 with several samples, else 0.
    progress (bool): Whether to show a progress bar. Default: False.
    scorer (Callable): The scoring method. Default: spacy.ner_scorer.v1 and the share of
        Docs without a valid reply.
    """
    return StructuredLLMNER(
        nlp.vocab,
        name,
        labels=labels,
        model=model,
        format=format,
        template=template,
        examples=examples,
        n_examples=n_examples,
        choose_examples=choose_examples,
        embedding_model=embedding_model,
        occurrences=occurrences,
        fuzzy_threshold=fuzzy_threshold,
        samples=samples,
        chunk_tokens=chunk_tokens,
        chunk_overlap=chunk_overlap,
        overwrite_ents=overwrite_ents,
        spans_key=spans_key,
        threshold=threshold,
        progress=progress,
        scorer=scorer,
    )


class StructuredLLMNER(EntityComponent):
    """Put entities on Docs that a chat model names, many requests at a time.

    vocab (Vocab): The shared vocabulary.
    name (str): The component's name.
    overwrite_ents (bool), spans_key (str), threshold (float), progress (bool), scorer (Callable):
        As in the factory.
    settings: The factory's other settings.
    RAISES (UserError): For a setting that can't be.
    """

    def __init__(
        self,
        vocab: Vocab,
        name: str,
        *,
        overwrite_ents: bool,
        spans_key: str | None,
        threshold: float | None,
        progress: bool,
        scorer: Callable | None,
        **settings: Any,
    ):
        if settings["samples"] < 1 or settings["n_examples"] < 0:
            least = f"samples {settings['samples']}, n_examples {settings['n_examples']}"
            raise UserError(Errors.E240.format(settings=least))
        shared = EntitySettings(overwrite_ents=overwrite_ents, spans_key=spans_key, threshold=threshold)
        default = 0.5 if settings["samples"] > 1 else 0.0
        super().__init__(vocab, name, shared, default_threshold=default, scorer=scorer)
        self.progress = progress
        self.settings = settings
        # What was read from files that the settings name: kept when the component is saved.
        self.resolved: dict[str, Any] = {}
        self.issues = IssueLog()
        self._extractor: Extractor | None = None

    @property
    def extractor(self) -> "Extractor":
        """RETURNS (Extractor): What asks and reads; made when it is first needed.

        RAISES (UserError): Where labels or the model aren't given or can't be read.
        """
        if self._extractor is None:
            from spacy_ner_plus.pipeline.structured_llm_ner.settings import make_extractor

            self._extractor = make_extractor(self.settings, self.resolved, self.vocab, self.name)
        return self._extractor

    @property
    def client(self) -> "ChatModel":
        """RETURNS (ChatModel): The client of the server. Not named `model`, which spaCy looks for in networks."""
        return self.extractor.model

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str]): The labels that are asked for; none as long as their file isn't read."""
        if self._extractor is not None:
            return self._extractor.labels
        # spaCy asks for them before what was saved is loaded, when the file may be nowhere.
        kept = self.resolved.get("labels", {"setting": None})
        given = self.settings["labels"]
        if given is not None and (kept["setting"] == given or not isinstance(given, str)):
            return self.extractor.labels
        return ()

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate a stream of Docs, in order, with as many requests in flight as the model allows.

        stream (Iterable[Doc]): The Docs.
        batch_size (int): Not used: the requests go on over the whole stream.
        YIELDS (Doc): The Docs. One without a valid answer has missing entities and the reason
            in Doc._.ner_failure; one on which our code fails goes to the error handler alone.
        RAISES (UserError): Where no request can succeed, such as with a wrong key.
        """
        # Again, for a process in which the component was unpickled.
        self._register_extensions()
        yield from run(self, stream)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | Mapping[str, str] | None = None,
    ) -> None:
        """Read the labels and examples that the settings name; nothing is sent.

        get_examples (Callable): Not used.
        nlp (Language): Not used.
        labels (Sequence[str] | Mapping[str, str]): Labels in place of the settings'.
        RAISES (UserError): Where labels, model or examples aren't given or can't be read.
        """
        if labels is not None:
            self.settings["labels"] = labels if isinstance(labels, Mapping) else list(labels)
        self.resolved.clear()
        self.forget()
        for label in self.extractor.labels:
            self.vocab.strings.add(label)

    def forget(self) -> None:
        """Make everything again from the settings, and count from zero; what was read from files is kept."""
        self._extractor = None
        self.issues = IssueLog()

    def usage_report(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): Requests, tokens, seconds and cost so far, and what was lost."""
        return {**self.client.usage.to_dict(), "issues": {kind: issue.count for kind, issue in self.issues}}

    # What the settings name as files is saved with the component, so that a packaged pipeline needs none of
    # them. A setting that is given again when the pipeline is loaded wins: each part is kept under the
    # setting it was read by. No server, key or reply is saved.

    def _state_to_dict(self) -> dict[str, Any]:
        # A component that was never used or initialized may not have read its files yet.
        if self.settings["labels"] is not None:
            self.extractor.labels  # noqa: B018 - reads them
        return {"resolved": self.resolved}

    def _state_from_dict(self, state: dict[str, Any]) -> None:
        self.resolved = dict(state["resolved"])
        self.forget()
