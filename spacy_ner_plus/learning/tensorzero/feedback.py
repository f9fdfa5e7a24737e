"""Feedback to TensorZero's gateway, about inferences and episodes that it minted."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.batch.files_api import CallFailed, FilesAPI, told
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.formats import ReplyFormat
from spacy_ner_plus.spans import CharSpan

# What the address of its OpenAI-compatible endpoint ends with.
_OPENAI = "/openai/v1"
_SOURCE = "spacy_ner_plus::source"
_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)


def feedback_body(
    metric: str,
    value: Any,
    *,
    inference_id: str = "",
    episode_id: str = "",
    source: str = "",
) -> dict[str, Any]:
    """Write what is posted.

    metric (str): One of the configuration's, or 'comment' or 'demonstration'.
    value (bool | float | str | dict): As its kind wants it; of a demonstration, an answer in the form of the function's
        output schema, as `as_output` makes it.
    inference_id, episode_id (str): What it is about: one of both.
    source (str): Who or what gave it, kept as a tag.
    RETURNS (dict[str, Any]): JSON.
    """
    target = {"inference_id": inference_id} if inference_id else {"episode_id": episode_id}
    body = {"metric_name": metric, "value": value, **target}
    return {**body, "tags": {_SOURCE: source}} if source else body


def as_output(
    form: ReplyFormat, labels: Sequence[str], text: str, spans: Sequence[CharSpan]
) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): The right answer, as the function's output schema has it.

    form (ReplyFormat): One of JSON, as a JSON function has it.
    """
    return json.loads(form.render([tuple(span) for span in sorted(spans)], labels, text))


class FeedbackRefused(UserError):
    """The gateway doesn't take a feedback: it doesn't know the id or the metric, or the value is of another kind.

    reason (str): What it says.
    """

    def __init__(self, url: str, metric: str, reason: str):
        super().__init__(Errors.E864.format(url=url, metric=metric, reason=reason.rstrip(".")))
        self.reason = reason


class GatewayFeedback(FilesAPI):
    """Posts feedback to a gateway. An attempt whose answer is lost is repeated: of two alike the last one counts.

    settings (ChatSettings): With the `base_url` of its OpenAI-compatible endpoint, and the key where it wants one.
    """

    needs = "feedback"

    def __init__(self, settings: ChatSettings):
        super().__init__(settings)
        parts = urlsplit(self.url)
        self.url = parts._replace(path=parts.path.removesuffix(_OPENAI)).geturl()

    def give(self, body: Mapping[str, Any]) -> str:
        """Post one.

        RETURNS (str): The gateway's id of it.
        RAISES (FeedbackRefused): Where the gateway doesn't take it.
        RAISES (UserError): Where it can't be reached, or lets nobody in.
        """
        with told():
            try:
                said = self.repeated(
                    lambda: self.post_json("feedback", "the feedback", body, key="feedback_id")
                )
            except CallFailed as failure:
                if failure.status not in _REFUSED:
                    raise
                raise FeedbackRefused(self.url, body["metric_name"], str(failure)) from None
        return said["feedback_id"]
