"""Why replies ended, in one vocabulary for all servers.

'length' for a reply that was cut, 'content_filter' for one that a filter stopped, 'error' for one that broke off,
'stop' for a whole one. Gateways pass on what the servers behind them say: the names are those of OpenAI, Anthropic,
Gemini, Mistral, Cohere, Bedrock, watsonx, vLLM, SGLang, TGI, DeepSeek and LM Studio.
"""

import re

CUT, FILTERED, BROKEN, WHOLE = "length", "content_filter", "error", "stop"
_NAMES = {
    CUT: (
        "length max_tokens max_token max_length max_new_tokens max_output_tokens max_completion_tokens model_length "
        "token_limit error_limit limit context_length context_length_exceeded context_window_exceeded "
        "model_context_window_exceeded maxpredictedtokensreached contextlengthreached repetition incomplete"
    ),
    FILTERED: (
        "content_filter content_filtered filtered safety image_safety recitation blocklist prohibited_content spii "
        "guardrail_intervened guardrails error_toxic sensitive moderation blocked"
    ),
    BROKEN: (
        "error abort aborted cancel cancelled canceled user_cancel userstopped interrupted timeout timed_out "
        "time_limit failed failure network_error insufficient_system_resource language other malformed_function_call "
        "unexpected_tool_call"
    ),
    WHOLE: "stop eos eos_token eosfound end_turn stop_sequence complete completed",
}
_KINDS = {name: kind for kind, names in _NAMES.items() for name in names.split()}
# As enumerations are written, such as FINISH_REASON_MAX_TOKENS or FinishReason.MAX_TOKENS.
_PREFIX = re.compile(r"^(finish_?reason|stop_?reason)[._:]+")


def read_finish_reason(said: object) -> str:
    """Read why a reply ended.

    said (object): As a server says it.
    RETURNS (str): 'length', 'content_filter', 'error' or 'stop'; what it says, where that is none of them; '' where it
        says nothing.
    """
    text = "" if said is None else str(said).strip()
    name = _PREFIX.sub("", re.sub(r"[\s-]+", "_", text.lower()))
    return _KINDS.get(name, text)
