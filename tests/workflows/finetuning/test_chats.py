import json

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.finetuning.chats import EARLIER, NO_UNICODE, TOOLS, WITHOUT_WEIGHT, read_chats

ASKED = {"role": "user", "content": "Ann left."}
ANSWER = {"role": "assistant", "content": "Ann"}


def write(path, *chats):
    lines = (json.dumps({"messages": messages}, ensure_ascii=False) for messages in chats)
    path.write_text("\n".join(lines), encoding="utf8")
    return path


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x1c"])
def test_chats_hold_signs_that_end_a_line_elsewhere(tmp_path, sign):
    chat = [{**ASKED, "content": f"Ann{sign}left."}, ANSWER]
    assert read_chats(write(tmp_path / "a.jsonl", chat), IssueLog()) == [chat]


def test_chats_begin_with_a_byte_order_mark(tmp_path):
    path = write(tmp_path / "a.jsonl", [ASKED, ANSWER])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_chats(path, IssueLog()) == [[ASKED, ANSWER]]


def test_chats_as_openai_has_them(tmp_path):
    system = {"role": "developer", "content": "Find names."}
    parts = [{"type": "text", "text": "Ann "}, {"type": "text", "text": "left."}]
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "find"}}]}
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "…"}}]}
    left_out = IssueLog()
    path = write(
        tmp_path / "a.jsonl",
        [system, {"role": "user", "content": parts, "name": "ann"}, {**ANSWER, "weight": 1}],
        [ASKED, {**ANSWER, "weight": 0}],
        [ASKED, {**ANSWER, "weight": 0}, ASKED, ANSWER],
        [ASKED, ANSWER, ASKED, ANSWER, ASKED, ANSWER],
        [ASKED, call, {"role": "tool", "content": "Ann", "tool_call_id": "1"}, ANSWER],
        [picture, ANSWER],
    )
    assert read_chats(path, left_out) == [
        [{"role": "system", "content": "Find names."}, ASKED, ANSWER],
        [ASKED, ANSWER, ASKED, ANSWER],
        [ASKED, ANSWER, ASKED, ANSWER, ASKED, ANSWER],
    ]
    assert {kind: issue.count for kind, issue in left_out} == {WITHOUT_WEIGHT: 1, EARLIER: 2, TOOLS: 2}
    assert left_out.kinds[TOOLS].where == "a.jsonl:5"


def test_chats_with_half_of_a_character(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"messages": [{"role": "user", "content": "\\ud83d"}]}', encoding="utf8")
    left_out = IssueLog()
    assert read_chats(path, left_out) == []
    assert {kind: issue.count for kind, issue in left_out} == {NO_UNICODE: 1}


def test_chats_are_read_up_to_a_limit(tmp_path):
    path = write(tmp_path / "a.jsonl", *[[ASKED, ANSWER]] * 3)
    assert len(read_chats(path, IssueLog(), limit=2)) == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("no JSON", "line 2 is no JSON"),
        ("[]", "line 2 has no list of 'messages', but list"),
        ("{}", "but nothing"),
        ('{"messages": "x"}', "but str under that name"),
        ('{"prompt": "a", "completion": "b"}', "but prompt, completion"),
        ('{"conversations": []}', "but conversations"),
        ('{"messages": [{"content": "a"}]}', "on line 2 has no 'role'"),
        ('{"messages": [{"role": "user", "content": 5}]}', "is no text"),
        ('{"messages": [5]}', "on line 2 has no 'role'"),
        ("[" * 100_000, "line 2 is no JSON"),
    ],
)
def test_chats_of_another_form_are_refused(tmp_path, line, reason):
    path = tmp_path / "train.jsonl"
    path.write_text(f'{{"messages": []}}\n{line}\n', encoding="utf8")
    with pytest.raises(UserError, match=f"E936.*{reason}"):
        read_chats(path, IssueLog())


def test_chats_that_arent_there(tmp_path):
    with pytest.raises(UserError, match="E101"):
        read_chats(tmp_path / "nothing.jsonl", IssueLog())
