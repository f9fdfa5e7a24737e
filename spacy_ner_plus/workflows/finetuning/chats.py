"""Files of chats to learn from: a line each, as `llm export` writes them and OpenAI's fine-tuning takes them.

{"messages": [{"role": "system", "content": "Find names."}, {"role": "user", "content": "Ann left."},
              {"role": "assistant", "content": "{\"PER\": [\"Ann\"]}"}]}
"""

import json
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

TOOLS = "chat with calls of tools, or with what is no text: left out"
WITHOUT_WEIGHT = "chat whose last answer has the weight 0: left out"
EARLIER = "earlier answer in a chat: read, and not learnt"
NO_UNICODE = "chat with half of a character, which is no text: left out"
# OpenAI's newer name of the first.
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_CALLS = ("tool_calls", "function_call", "tool_call_id")
_SHOWN = 60


def read_chats(path: Path, left_out: IssueLog, *, limit: int = 0) -> list[list[dict[str, str]]]:
    """Read chats, a line each.

    left_out (IssueLog): Where chats are counted that can't be learnt from, and answers that aren't.
    limit (int): Only the first lines, 0 for all.
    RETURNS (list[list[dict[str, str]]]): Messages with `role` and `content`.
    RAISES (UserError): Where the file can't be read, or a line is of another form.
    """
    from spacy_ner_plus.data.sources.lines import FileLines

    found: list[list[dict[str, str]]] = []
    read = 0
    for number, line in enumerate(FileLines(path), start=1):
        if not line.strip():
            continue
        if limit and read == limit:
            break
        read += 1
        chat = _chat(_messages(line, number, path), left_out, f"{path.name}:{number}")
        if chat is not None:
            found.append(chat)
    return found


def _messages(line: str, number: int, path: Path) -> list[dict[str, Any]]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise UserError(Errors.E936.format(path=path, reason=f"line {number} is no JSON")) from None
    messages = row.get("messages") if isinstance(row, dict) else None
    if not isinstance(messages, list):
        found = ", ".join(row) if isinstance(row, dict) else type(row).__name__
        if messages is not None:
            found = f"{type(messages).__name__} under that name"
        reason = f"line {number} has no list of 'messages', but {found or 'nothing'}"
        raise UserError(Errors.E936.format(path=path, reason=reason))
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            reason = f"a message on line {number} has no 'role'"
            raise UserError(Errors.E936.format(path=path, reason=reason))
        if not isinstance(message.get("content"), str | list | None):
            reason = f"the 'content' of a message on line {number} is no text"
            raise UserError(Errors.E936.format(path=path, reason=reason))
    return messages


def _chat(messages: list[dict[str, Any]], left_out: IssueLog, where: str) -> list[dict[str, str]] | None:
    """RETURNS (list[dict[str, str]] | None): Role and text of each; None where it can't be learnt from."""
    texts = [_text(message) for message in messages]
    shown = next((text for text in texts if text), "")[:_SHOWN]
    if None in texts or any(message["role"] not in _ROLES for message in messages):
        left_out.add(TOOLS, shown, where)
        return None
    chat = [
        {"role": _ROLES[message["role"]], "content": text or ""}
        for message, text in zip(messages, texts, strict=True)
    ]
    if any("\ud800" <= sign <= "\udfff" for message in chat for sign in message["content"]):
        left_out.add(NO_UNICODE, ascii(shown), where)
        return None
    if messages and messages[-1]["role"] == "assistant" and messages[-1].get("weight") == 0:
        left_out.add(WITHOUT_WEIGHT, shown, where)
        return None
    earlier = [message for message in messages[:-1] if message["role"] == "assistant"]
    if asked := [message for message in earlier if message.get("weight") != 0]:
        left_out.add(EARLIER, str(asked[0]["content"])[:_SHOWN], where, len(asked))
    return chat


def _text(message: dict[str, Any]) -> str | None:
    """RETURNS (str | None): What a message says; None where it does something else."""
    if any(message.get(key) for key in _CALLS):
        return None
    content = message.get("content")
    if content is None or isinstance(content, str):
        return content or ""
    parts = [part.get("text") if isinstance(part, dict) else None for part in content]
    return "".join(parts) if all(isinstance(part, str) for part in parts) else None
