"""What a server may do wrong, and how often."""

from dataclasses import dataclass
from string import ascii_uppercase as LETTERS

STATUS_FAULTS = ("408", "409", "429", "429-date", "500", "502", "503")
# What upstreams leave in a body with status 200: nothing, nothing with finish_reason 'error', an error.
UPSTREAM_FAULTS = ("empty", "upstream", "error-in-200")
BODY_FAULTS = ("drop", "drop-midway", "hang", "html", "cut-body")
# Reply texts that a client can read all the same, ones that it can't, and ones that are wrong.
READABLE_FAULTS = ("fence", "think")
INVALID_FAULTS = ("cut-json", "length", "prose")
WRONG_FAULTS = ("invent", "case")
FAULTS = STATUS_FAULTS + BODY_FAULTS + UPSTREAM_FAULTS + READABLE_FAULTS + INVALID_FAULTS + WRONG_FAULTS


@dataclass
class Behaviour:
    """How a server behaves.

    delay (float): Seconds until an answer.
    jitter (float): As many seconds more at most, so that answers come out of order.
    fault_rate (float): Share of the requests that go wrong.
    faults (tuple[str, ...]): In which ways.
    first (tuple[str, ...]): What becomes of the first requests, whatever the rate: a fault, or '' for none.
    seed (int): Of the choice.
    retry_after (float): Seconds that 429 asks to wait.
    limit (int): Requests that it answers in a window of time, the others with 429; 0 for no limit.
    window (float): Seconds of such a window.
    limit_header (str): How it says when the window ends: 'retry-after', 'retry-after-date', 'retry-after-ms',
        'x-ratelimit-reset-requests', 'words' or not at all.
    slots (int): Requests that it works at together, the others wait; 0 for all of them.
    hang (float): Seconds that a hanging request takes.
    refuse (tuple[str, ...]): Fields that it answers with 400: 'json_schema', 'json_object', 'tools', ...; 'system' is
        the role.
    refuse_param (bool): Whether it says in `param` which field that is, and not in the message alone.
    refuse_texts (tuple[str, ...]): Words; a text with one of them is refused, whatever the form.
    refuse_status (int): With which status.
    refuse_message (str): With which message.
    ignore (tuple[str, ...]): Of 'json_schema', 'json_object' and 'tools', those that it takes and ignores.
    api_key (str): The key it wants; none if empty.
    model (str): The only model it has; any if empty.
    usage (bool): Whether it counts tokens.
    reads (int): How many tokens of a prompt it reads at most; 0 for all.
    ramble (str): What it writes again and again in place of answers; of 'abc' the names in the order of the alphabet.
    finish_reason (str): Why it says that replies ended; '' for the truth.
    cuts (bool): Whether a reply ends at the limit of tokens that the request names, of four characters each.
    """

    delay: float = 0.0
    jitter: float = 0.0
    fault_rate: float = 0.0
    faults: tuple[str, ...] = FAULTS
    first: tuple[str, ...] = ()
    seed: int = 0
    retry_after: float = 0.05
    limit: int = 0
    window: float = 1.0
    limit_header: str = ""
    slots: int = 0
    hang: float = 30.0
    refuse: tuple[str, ...] = ()
    refuse_param: bool = True
    refuse_texts: tuple[str, ...] = ()
    refuse_status: int = 400
    refuse_message: str = "This content is restricted."
    ignore: tuple[str, ...] = ()
    api_key: str = ""
    model: str = ""
    usage: bool = True
    reads: int = 0
    ramble: str = ""
    cuts: bool = False
    finish_reason: str = ""


def spoil(content: str, fault: str) -> str:
    """RETURNS (str): The text of a reply as it is with a fault."""
    if fault == "fence":
        return f"```json\n{content}\n```"
    if fault == "think":
        return f'<think>\nThere may be {{"PER": ["names"]}} in it.\n</think>\n\n{content}'
    if fault in ("cut-json", "length"):
        return content[: len(content) // 2]
    if fault in ("empty", "upstream"):
        return ""
    if fault == "prose":
        return "There are some names in this text."
    if fault == "invent":
        return content.replace("[]", '["Xylophonia"]', 1)
    return content.lower() if fault == "case" else content


def ramble(words: str) -> str:
    """RETURNS (str): What a model writes that doesn't come to an end."""
    if words != "abc":
        return '{"PER": [' + words * 2000
    names = (f"{a}{b.lower()}{c.lower()}" for a in LETTERS for b in LETTERS for c in LETTERS)
    return '{"PER": [' + "".join(f'"{name}", ' for name in names)
