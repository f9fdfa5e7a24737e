"""Which variant is asked about a text: drawn once for an episode and text, whichever process asks."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.store.draws import Draw
from spacy_ner_plus.llm.variants.sampling import check_metric, number_of, probabilities, sample
from spacy_ner_plus.llm.variants.settings import Variant, VariantSampling

if TYPE_CHECKING:
    from spacy_ner_plus.llm.store.store import Store

# How old what is known of a metric may be, in seconds.
_FRESH_SECONDS = 1.0


class VariantChoice:
    """Draws variants.

    name (str): The component, which has draws and totals of its own.
    is_dry (bool): Whether what is drawn is written nowhere.
    """

    def __init__(self, name: str, variants: Sequence[Variant], sampling: VariantSampling, *, is_dry: bool):
        self._name = name
        self._sampling = sampling
        self._weights = {variant.name: variant.weight for variant in variants}
        self._is_dry = is_dry
        self._lock = threading.Lock()
        self._found: Mapping[str, float] | None = None
        self._found_at = float("-inf")

    def draw(self, store: "Store | None", episode: str, text_hash: str) -> Draw:
        """Draw a variant.

        store (Store | None): Where draws are kept, and what adaptive sampling goes by; None for nowhere.
        RETURNS (Draw): That of whoever drew first for this episode and text.
        RAISES (UserError): Where the store can't be used, or adaptive sampling has none.
        """
        found = self._probabilities(store)
        certain = next((name for name, probability in found.items() if probability == 1), None)
        if certain is not None:
            return Draw(certain, 1.0)

        def draw() -> Draw:
            drawn = sample(found, number_of(self._sampling.seed, episode, text_hash))
            return Draw(drawn, found[drawn])

        if store is None or store.read_only or self._is_dry:
            return draw()
        # An episode that goes on with other variants is drawn for anew.
        return store.draws.first(
            episode, text_hash, draw, component=self._name, variants=self._weights.keys()
        )

    def _probabilities(self, store: "Store | None") -> Mapping[str, float]:
        is_adaptive = self._sampling.strategy == "adaptive"
        with self._lock:
            is_old = is_adaptive and time.monotonic() - self._found_at >= _FRESH_SECONDS
            if self._found is None or is_old:
                totals, metric = {}, None
                if is_adaptive:
                    if store is None:
                        raise UserError(Errors.E822.format(name=self._name))
                    metric = store.feedback.metrics().get(self._sampling.metric)
                    check_metric(self._sampling.metric, metric)
                    totals = store.feedback.totals(metric.name, self._name)
                self._found = probabilities(self._sampling, self._weights, totals, metric)
                self._found_at = time.monotonic()
            return self._found
