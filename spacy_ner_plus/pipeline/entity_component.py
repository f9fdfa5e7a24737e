"""What every component that puts entities on Docs shares: settings, threshold, writing, errors, saving.

A component predicts in its own way; the entities and scores it writes, what it does with those that
are there, how a Doc on which it fails is treated, and what is saved with it are the same for all.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from math import isclose
from pathlib import Path
from typing import Any, ClassVar, Self

import srsly
from spacy import util
from spacy.pipeline import Pipe
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_ner_plus.annotated_labels import only_annotated
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.pipeline.scored_ents import register_failure, register_score, write_ents
from spacy_ner_plus.pipeline.uncertainty import borderline_share
from spacy_ner_plus.settings import check_settings, setting, settings

_GIVEN_THRESHOLD = "given_threshold"


@settings
class EntitySettings:
    """Settings that all components share."""

    overwrite_ents: bool = setting(
        "Whether entities that are on a Doc already give way to those that overlap them; else they stay, "
        "and what overlaps them isn't set.",
        False,
    )
    spans_key: str | None = setting(
        "Key in doc.spans for the entities with their scores; '' for none, None for the component's name.",
        None,
    )
    threshold: float | None = setting(
        "The least score of an entity, from 0 to 1; those below aren't set. None for what was saved with "
        "the component, else the component's own.",
        None,
        at_least=0,
        at_most=1,
        message=Errors.E220,
    )

    # What is said of a value that doesn't fit, where its setting has no error of its own.
    refusal = Errors.E233

    def __post_init__(self):
        check_settings(self, self.refusal)


class EntityComponent(Pipe):
    """Base of the components that put entities on Docs.

    A component offers `pipe`, which hands each Doc that fails to `handle_error` and the others to
    `set_ents`, and `_state_to_dict` and `_state_from_dict`, for what is saved with it beside the
    threshold. Trainable ones inherit from spaCy's TrainablePipe, too, after this class.

    settings (EntitySettings): Those that all components share.
    default_threshold (float): The threshold where none is given or was saved. Default 0.
    scorer (Callable): The scoring method, as spaCy's components take it.
    """

    # Attributes that are made of the others when they are first needed, and None before: no copy has them.
    derived: ClassVar[frozenset[str]] = frozenset()

    def __init__(
        self,
        vocab: Vocab,
        name: str,
        settings: EntitySettings,
        *,
        default_threshold: float = 0.0,
        scorer: Callable | None = None,
    ):
        self.vocab = vocab
        self.name = name
        self.scorer = scorer
        self.overwrite_ents = settings.overwrite_ents
        self._given_spans_key = settings.spans_key
        self._given_threshold = settings.threshold
        threshold = default_threshold if settings.threshold is None else settings.threshold
        # `spacy find-threshold` sets the threshold here.
        self.cfg: dict[str, Any] = {"threshold": threshold}
        self._register_extensions()

    @property
    def spans_key(self) -> str:
        """RETURNS (str): Key in doc.spans for the entities with their scores; '' for none."""
        # The current name: spaCy gives a component that it takes from another pipeline a new one.
        return self.name if self._given_spans_key is None else self._given_spans_key

    @property
    def threshold(self) -> float:
        """RETURNS (float): The least score of an entity."""
        return self.cfg["threshold"]

    def __reduce__(self) -> tuple[Any, ...]:
        # For copies and pickles. That of spaCy's classes, which Cython writes, asks for no __getstate__.
        make, arguments, (*fields, attributes) = super().__reduce__()
        kept = {name: None if name in self.derived else value for name, value in attributes.items()}
        return make, arguments, (*fields, kept)

    def __call__(self, doc: Doc) -> Doc:
        """RETURNS (Doc): The same Doc; without new entities where the error handler let an error pass."""
        return next(self.pipe([doc]), doc)

    def set_ents(
        self,
        doc: Doc,
        ents: Sequence[Span],
        scores: Sequence[float],
        *,
        others: Sequence[tuple[Span, float]] = (),
        unknown: Sequence[Span] = (),
        failure: str = "",
        uncertainty: float | None = None,
        candidate_scores: Sequence[float] | None = None,
        replaced: Collection[tuple[int, int, int]] = (),
        kept_missing: Collection[int] | None = None,
    ) -> None:
        """Write entities and their scores to a Doc, as the settings say.

        ents (Sequence[Span]): Entities in order, none of them overlapping another.
        scores (Sequence[float]): The score of each, from 0 to 1.
        others (Sequence[tuple[Span, float]]): Spans with scores that are no entities, as they overlap some: for the
            group alone.
        unknown (Sequence[Span]): Stretches about which nothing was found out: missing annotation.
        failure (str): Why, for Doc._.ner_failure.
        uncertainty (float | None): How unsure the component is of the Doc, from 0 to 1. None for the share of
            borderline scores, and for 1 where there is a failure.
        candidate_scores (Sequence[float] | None): Of all spans that were found, those below the threshold among
            them. None for those of `ents` and `others`.
        replaced (Collection[tuple[int, int, int]]): Entities that give way whatever the settings say: start, end and
            label's number.
        kept_missing (Collection[int] | None): Tokens that other components left missing, and that stay so where no
            entity is. None for all that there are.
        """
        if uncertainty is None:
            found = candidate_scores
            if found is None:
                found = [*scores, *(score for _, score in others)]
            uncertainty = 1.0 if failure else borderline_share(found, self.threshold)
        # Here too: the process may be one in which the component was only unpickled.
        self._register_extensions()
        write_ents(
            doc,
            ents,
            scores,
            spans_key=self.spans_key,
            overwrite=self.overwrite_ents,
            others=others,
            unknown=unknown,
            failure=failure,
            uncertainty=uncertainty,
            replaced=replaced,
            kept_missing=kept_missing,
        )

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score predictions with the component's scorer.

        A prediction whose label wasn't annotated on its Doc (user_data["annotated_labels"]) is neither right nor
        wrong.
        """
        return super().score([only_annotated(eg) for eg in examples], **kwargs)

    @staticmethod
    def _register_extensions() -> None:
        register_score()
        register_failure()

    def handle_error(self, docs: list[Doc], error: Exception) -> None:
        """Hand Docs that can't be annotated to the error handler, which raises by default."""
        self.get_error_handler()(self.name, self, docs, error)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the component to a folder.

        exclude (Iterable[str]): Names of parts to leave out: 'cfg', 'vocab', 'model'.
        """
        util.to_disk(path, self._disk_writers(exclude), exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Load the component from a folder; no network is asked and no key is needed.

        exclude (Iterable[str]): Names of parts to leave out.
        RETURNS (EntityComponent): Itself.
        RAISES (UserError): Where a file is missing or broken, or files don't belong together.
        """
        util.from_disk(path, self._disk_readers(exclude), exclude)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """RETURNS (bytes): What `to_disk` writes, but for the parts that `exclude` names."""
        return util.to_bytes(self._bytes_writers(exclude), exclude)

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> Self:
        """RETURNS (EntityComponent): Itself, with what `to_bytes` gave, but for what `exclude` names."""
        util.from_bytes(bytes_data, self._bytes_readers(exclude), exclude)
        return self

    # The parts that are saved, in the order in which they are loaded. A component with more than these
    # adds them in its own methods of the same names.

    def _disk_writers(self, exclude: Iterable[str]) -> dict[str, Callable[[Path], Any]]:
        # First, so that nothing is written where it can't be had.
        cfg = self._pack()
        return {
            "cfg": lambda p: p.write_text(cfg, encoding="utf8"),
            "vocab": lambda p: self.vocab.to_disk(p, exclude=exclude),
        }

    def _disk_readers(self, exclude: Iterable[str]) -> dict[str, Callable[[Path], Any]]:
        def read_cfg(path: Path) -> None:
            self._unpack(path.read_text(encoding="utf8", errors="replace") if path.exists() else "", path)

        return {"cfg": read_cfg, "vocab": lambda p: self.vocab.from_disk(p, exclude=exclude)}

    def _bytes_writers(self, exclude: Iterable[str]) -> dict[str, Callable[[], Any]]:
        return {"cfg": self._pack, "vocab": lambda: self.vocab.to_bytes(exclude=exclude)}

    def _bytes_readers(self, exclude: Iterable[str]) -> dict[str, Callable[[Any], Any]]:
        return {
            "cfg": lambda text: self._unpack(text, self.name),
            "vocab": lambda b: self.vocab.from_bytes(b, exclude=exclude),
        }

    def _state_to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): What is saved with the component beside the threshold, for JSON."""
        raise NotImplementedError

    def _state_from_dict(self, state: dict[str, Any]) -> None:
        """Take over what `_state_to_dict` gave.

        RAISES (ValueError, KeyError, TypeError): Where something is missing or of another kind.
        """
        raise NotImplementedError

    # The threshold may stand both in what is saved and in the config. What is given when a pipeline is
    # loaded must win over what was saved, and what was set later (by `spacy find-threshold`, say) over the
    # config that was saved with it. So a note is kept of the threshold that the config had.

    def _pack(self) -> str:
        threshold = {"threshold": self.threshold, _GIVEN_THRESHOLD: self._given_threshold}
        return srsly.json_dumps({**self._state_to_dict(), **threshold})

    def _unpack(self, text: str, where: Path | str) -> None:
        try:
            state = srsly.json_loads(text)
        except ValueError as error:
            reason = f"it is no JSON ({error})"
            raise UserError(Errors.E241.format(name=self.name, path=where, reason=reason)) from error
        try:
            threshold, before = state.pop("threshold", None), state.pop(_GIVEN_THRESHOLD, None)
            self._state_from_dict(state)
            if threshold is not None and self._takes_saved_threshold(before):
                self.cfg["threshold"] = float(threshold)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            reason = f"its settings are incomplete or broken ({type(error).__name__}: {error})"
            raise UserError(Errors.E241.format(name=self.name, path=where, reason=reason)) from error

    def _takes_saved_threshold(self, given_before: float | None) -> bool:
        if self._given_threshold is None:
            return True
        # JSON may change a number's last digit.
        return given_before is not None and isclose(given_before, self._given_threshold)
