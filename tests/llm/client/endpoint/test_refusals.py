import pytest

from spacy_ner_plus.llm.client.completions import ServerError
from spacy_ner_plus.llm.client.endpoint.refusals import is_moderation, is_no_access, is_too_long, names_field

FIELDS = ("response_format", "json_schema", "schema", "strict")


def said(message: str, *, param: str = "", code: str = "") -> ServerError:
    return ServerError(message, param, code)


@pytest.mark.parametrize(
    "error",
    [
        said("", param="response_format"),
        said("", param="response_format.json_schema.strict"),
        said("'response_format' of type 'json_schema' is not supported with this model."),
        said(
            "[{'type': 'extra_forbidden', 'loc': ('body', 'response_format'), 'msg': 'Extra inputs are not permitted'}]"
        ),
        said("Failed to deserialize the JSON body: response_format.type: unknown variant `json_schema`"),
        said("This response_format type is unavailable now"),
    ],
)
def test_refusals_name_a_field(error):
    assert names_field(error, FIELDS)


@pytest.mark.parametrize(
    "error",
    [
        said("This content is restricted."),
        said("The prompt was refused: 'we discussed the schema of the response_format'"),
        said("not supported", param="messages"),
        said("response_formats are unknown"),
        said(""),
    ],
)
def test_refusals_of_a_document_name_no_field(error):
    assert not names_field(error, FIELDS)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (
            400,
            said("The prompt triggered Azure OpenAI's content management policy."),
        ),
        (400, said("", code="content_filter")),
        (400, said("Input data may contain inappropriate content.", code="data_inspection_failed")),
        (403, said("Your input was flagged")),
        (403, said("This content is restricted.")),
    ],
)
def test_refusals_by_a_filter_are_known(status, error):
    assert is_moderation(status, error)


@pytest.mark.parametrize("status", [401, 429, 500])
def test_refusals_by_a_filter_have_its_status(status):
    assert not is_moderation(status, said("flagged"))


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens",
        "max_tokens is too large: 4096. This model supports at most 2048",
        "the request exceeds the available context size, try increasing it",
        "Input tokens exceed the configured limit",
        "prompt is too long: 210000 tokens > 200000 maximum",
    ],
)
def test_refusals_of_a_length_are_known(message):
    assert is_too_long(said(message))


@pytest.mark.parametrize(
    "message", ["Incorrect API key provided", "403 Forbidden", "Country, region, or territory not supported"]
)
def test_refusals_of_everybody_are_known(message):
    assert is_no_access(said(message))
