"""A server that takes feedback as TensorZero's gateway defines it, for what the embedded gateway can't do without a
database: to know an inference.

Definitions: https://www.tensorzero.com/docs/gateway/api-reference/feedback. What it says to a wrong metric, id or body
is what the gateway said in a run (tests/learning/tensorzero/test_feedback.py).
"""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from jsonschema import ValidationError, validate

from tests.servers.batch_server import BatchServer


@dataclass
class FeedbackServer(BatchServer):
    """A server in threads of this process, which goes wrong as `BatchServer` does.

    metrics (dict): By name, type and level.
    inferences, episodes (set[str]): The ids that it knows.
    schema (dict): Of the function's output.
    """

    metrics: dict[str, tuple[str, str]] = field(default_factory=dict)
    inferences: set[str] = field(default_factory=set)
    episodes: set[str] = field(default_factory=set)
    schema: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.given: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"{super().url.removesuffix('/v1')}/openai/v1"

    def answer_others(self, call: tuple[str, ...], query: dict[str, list[str]], body: bytes) -> Any:
        if call[-1] != "feedback":
            return super().answer_others(call, query, body)
        given = json.loads(body)
        if problem := self._problem(given):
            return problem[0], {"error": problem[1]}
        self.given.append(given)
        return 200, {"feedback_id": str(uuid4())}

    def _problem(self, given: dict[str, Any]) -> tuple[int, str] | None:
        name, value = given["metric_name"], given["value"]
        kind, level = {
            "comment": ("comment", "both"),
            "demonstration": ("demonstration", "inference"),
            **self.metrics,
        }.get(name, ("", ""))
        if not kind:
            return 404, f"Unknown metric: {name}"
        targets = [key for key in ("inference_id", "episode_id") if given.get(key)]
        if len(targets) != 1 or level not in (targets[0].removesuffix("_id"), "both"):
            return 400, 'Correct ID was not provided for feedback level "inference".'
        known = self.inferences if targets[0] == "inference_id" else self.episodes
        if given[targets[0]] not in known:
            return 400, f"Inference ID: {given[targets[0]]} does not exist"
        fits = {
            "boolean": isinstance(value, bool),
            "float": isinstance(value, int | float) and not isinstance(value, bool),
            "comment": isinstance(value, str),
            "demonstration": True,
        }[kind]
        if not fits:
            return 400, f"Feedback value for metric `{name}` must be a {kind}"
        if kind == "demonstration":
            try:
                validate(value, self.schema)
            except ValidationError as error:
                return 400, f"Demonstration does not fit schema: {error.message}"
        return None
