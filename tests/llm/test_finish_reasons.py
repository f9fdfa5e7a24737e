import pytest

from spacy_ner_plus.llm.finish_reasons import read_finish_reason


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("FINISH_REASON_MAX_TOKENS", "length"),
        ("FinishReason.MAX_TOKENS", "length"),
        ("max-tokens", "length"),
        ("SAFETY", "content_filter"),
        ("recitation", "content_filter"),
        ("USER_CANCEL", "error"),
        ("end_turn", "stop"),
        ("STOP", "stop"),
        ("tool_calls", "tool_calls"),
        ("refusal", "refusal"),
        (0, "0"),
        ("", ""),
        (None, ""),
    ],
)
def test_finish_reasons_are_read_whatever_the_server_calls_them(said, reason):
    assert read_finish_reason(said) == reason
