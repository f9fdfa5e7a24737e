"""Replies in which a model declines to answer. They are told as that, and never taken for 'no entities'."""

import re

# What models say who decline, not who report: "I can't find any names" is no refusal.
_APOSTROPHE = "['\u2019]"
_UNABLE = (
    rf"(?:can(?:not|{_APOSTROPHE}t| not)|won{_APOSTROPHE}t|will not|(?:am|{_APOSTROPHE}m|are|{_APOSTROPHE}re) "
    rf"(?:unable|not able|not allowed|not permitted)(?: to)?)"
)
_DECLINED = (
    r"(?:help|assist|comply|do (?:this|that|so)|fulfil+|process|engage|participate|continue|proceed|discuss|"
    r"provide|share|disclose|reveal|answer|respond|extract|identify (?:people|persons|individuals|real))"
)
_REFUSAL = re.compile(
    rf"\b(?:I|we)(?: {_UNABLE}|{_APOSTROPHE}(?:m|re) (?:unable|not able|not allowed)(?: to)?) {_DECLINED}\b"
    rf"|\b(?:I|we) (?:must|have to) decline\b"
    rf"|\bas an AI(?: language)? model\b"
    rf"|\b(?:violates?|against) (?:\w+ ){{0,3}}(?:polic(?:y|ies)|guidelines)\b",
    re.IGNORECASE,
)
# Where a refusal stands: at the beginning, or as all there is.
_LOOKED_AT = 600


def find_refusal(prose: str, text: str = "") -> str:
    """Find the sentence by which a model declines.

    prose (str): A reply that is no answer, or what stands around one. One in JSON refuses nothing.
    text (str): The text that was asked about; what it says itself is copied.
    RETURNS (str): The reason for people; '' where it declines nothing.
    """
    match = _REFUSAL.search(prose[:_LOOKED_AT])
    if not match or match[0] in text or prose.lstrip().startswith(("{", "[")):
        return ""
    start = max(prose.rfind(".", 0, match.start()), prose.rfind("\n", 0, match.start())) + 1
    said = " ".join(prose[start : start + 200].split())
    return f"the model refuses: '{said[:120]}'"
