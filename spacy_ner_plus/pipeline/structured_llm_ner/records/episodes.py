"""Episodes: to which run an answer belongs."""

import os
from typing import Any
from weakref import WeakKeyDictionary

from spacy_ner_plus.llm.store.ids import new_id


class Episodes:
    """Names a new episode for each call of `nlp.pipe`, which its workers share."""

    def __init__(self):
        self._of_calls: WeakKeyDictionary[object, str] = WeakKeyDictionary()
        # That of the workers which are being started, and the process that starts them.
        self._of_workers: tuple[str, int] = ("", 0)

    def begin(self) -> str:
        """RETURNS (str): The episode of a call of `pipe`: a new one, unless this is a worker of `nlp.pipe`."""
        episode, started_by = self._of_workers
        return episode if episode and started_by != os.getpid() else new_id()

    def prepare_for_workers(self, call: object) -> None:
        """Name the episode of workers that are about to be started.

        call (object): As `call_with_workers` gives it.
        """
        if call not in self._of_calls:
            self._of_calls[call] = new_id()
        self._of_workers = self._of_calls[call], os.getpid()

    def forget_workers(self) -> None:
        """Note that what is copied now is no worker of `nlp.pipe`."""
        self._of_workers = ("", 0)

    def __getstate__(self) -> dict[str, Any]:
        return {"of_workers": self._of_workers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()
        self._of_workers = state["of_workers"]
