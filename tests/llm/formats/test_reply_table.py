"""A table of replies as models write them: each gives the right entities, or the true reason why it gives none.

What a reply leaves out of the text stands beside its entities; nothing is known of it.
"""

import re

import pytest
from spacy.lang.en import English

from spacy_ner_plus.alignment.align import align_mentions
from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.llm.formats import FORMATS, get_format
from spacy_ner_plus.llm.formats.reading import Reading
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.llm.requests import ChatReply, InvalidReply

NLP = English()
LABELS = ["PER", "LOC", "work-of-art"]
TEXT = "Ann Lee left Rome. Ann stayed."
GOLD = {("Ann Lee", 0, "PER"), ("Rome", 13, "LOC"), ("Ann", 19, "PER")}

LISTS = '{"PER": ["Ann Lee", "Ann"], "LOC": ["Rome"], "work-of-art": []}'
ENTITIES = (
    '{"entities": [{"text": "Ann Lee", "label": "PER", "occurrence": 1}, '
    '{"text": "Rome", "label": "LOC", "occurrence": 1}, {"text": "Ann", "label": "PER", "occurrence": 2}]}'
)
TAGGED = "<PER>Ann Lee</PER> left <LOC>Rome</LOC>. <PER>Ann</PER> stayed."
LINES = "Ann: B-PER\nLee: I-PER\nRome: B-LOC\nAnn: B-PER"
ALL_LINES = "Ann: B-PER\nLee: I-PER\nleft: O\nRome: B-LOC\n.: O\nAnn: B-PER\nstayed: O\n.: O"


def read(name, content, finish_reason="stop"):
    """What the format makes of a reply, laid on the text: entities, what is unread, kinds of repairs."""
    about = ["PER"] if hasattr(get_format(name), "turns") else None
    reader = Prompter(get_format(name), load_labels(LABELS)).reader(TEXT, about)
    reading = Reading.of(reader(ChatReply(content, finish_reason)))
    doc = NLP(TEXT)
    spans = align_mentions(doc, reading).spans
    found = {(doc[span.start : span.end].text, doc[span.start].idx, span.label) for span in spans}
    unread = [TEXT[start:end] for start, end in reading.unread]
    return found, unread, [kind.removeprefix("repaired reply: ") for kind, _ in reading.repairs]


def lists(**changes):
    parts = {"PER": '["Ann Lee", "Ann"]', "LOC": '["Rome"]', "work-of-art": "[]", **changes}
    return "{" + ", ".join(f'"{key}": {value}' for key, value in parts.items() if value) + "}"


# Whatever stands around, within or in place of the parts of an answer. The words after it begin its repairs.
JSON_RIGHT = [
    ("{}", ""),
    ("  {}\n\n", ""),
    ("\ufeff{}", ""),
    ("```json\n{}\n```", ""),
    ("```\n{}\n```", ""),
    ("~~~json\n{}\n~~~", ""),
    ("```json\n{}", ""),
    ('<think>Ann may be {"PER": []}.</think>{}', ""),
    ("<think>\n\n</think>\n\n```json\n{}\n```", ""),
    ("Ann is a person, I think.\n</think>\n{}", ""),
    ("Here are the entities:\n{}", "text around"),
    ("{}\nI hope that helps!", "text around"),
    ("The answer:\n```json\n{}\n```\nThat is all.", "text around"),
    ("[1] lists these: {}", "text around"),
    ('{"entities": {}}', "answer within"),
    ('{"result": {}}', "answer within"),
    ('{"name": "entities", "arguments": {}}', "answer within"),
    ("[{}]", "answer within"),
    ('{"reasoning": "Ann is a name", "answer": {}}', "answer within"),
]
LISTS_RIGHT = [
    (LISTS.replace('"Ann"]', '"Ann",]'), "trailing comma"),
    (LISTS.replace("[]}", "[],}"), "trailing comma"),
    (LISTS.replace('"', "'"), "Python's quotes"),
    (LISTS.replace("[]", "[null]").replace('"', "'").replace("null", "None"), "Python's quotes"),
    (lists(PER='["Ann Lee", null, "Ann"]'), "null among strings"),
    (lists(LOC='"Rome"'), "string in place of a list"),
    (lists(LOC='[{"text": "Rome"}]'), "object with `text`"),
    (lists(LOC='[{"text": "Rome", "label": "loc"}]'), "object with `text`"),
    (lists(LOC='[{"text": "Rome", "score": 0.9}]'), "key that wasn't asked for"),
    (lists(LOC='"[\\"Rome\\"]"'), "JSON within a string"),
    (lists(GPE='["Rome"]'), "key that wasn't asked for"),
    (lists(note='"two people"'), "key that wasn't asked for"),
    (LISTS.replace("PER", "per"), "label or key in another spelling"),
    (LISTS.replace("work-of-art", "Work of Art"), "label or key in another spelling"),
    (LISTS.replace("work-of-art", "WORK_OF_ART"), "label or key in another spelling"),
    (LISTS.replace("Ann Lee", "Ann\nLee"), "line break or tab"),
    ('"' + LISTS.replace('"', '\\"') + '"', "JSON within a string"),
    ('{"answer": "' + LISTS.replace('"', '\\"') + '"}', "answer within"),
    (lists(LOC=None).replace("{", '{"LOC": ["Rome"], '), ""),
    (LISTS.replace(" ", "").replace("AnnLee", "Ann Lee"), ""),
    (LISTS.replace("Ann", "\\u0041nn"), ""),
]
ENTITIES_RIGHT = [
    (ENTITIES.replace("}]}", "},]}"), "trailing comma"),
    (ENTITIES.replace('"', "'"), "Python's quotes"),
    (ENTITIES.replace('"occurrence": 1', '"occurrence": "1"'), "number within a string"),
    (ENTITIES.replace('"occurrence": 1', '"occurrence": 1.0'), ""),
    (ENTITIES.replace('"PER"', '"per"'), "label or key in another spelling"),
    (ENTITIES.replace('"text"', '"Text"'), "label or key in another spelling"),
    (ENTITIES.replace('"label": "LOC"', '"label": "LOC", "start": 13'), "key that wasn't asked for"),
    (ENTITIES.removeprefix('{"entities": ').removesuffix("}"), "answer within"),
    ('{"entities": "' + ENTITIES[13:-1].replace('"', '\\"') + '"}', "JSON within a string"),
]
JSON_WRONG = [
    ("", "the reply is empty"),
    ("<think>Ann is a person", "the reply is empty"),
    ("{}{}", "several JSON values"),
    ("Draft: {}\nFinal: {}", "several JSON values"),
    ("```json\n{}\n```\n```json\n{}\n```", "several JSON values"),
    ('{} ["Ann"]', "several JSON values"),
    ("{}}", "goes on after its JSON"),
    ('{}, "more": 1}', "goes on after its JSON"),
    ("I can't help with personal data. {}", "the model refuses: 'I can't help"),
    ("I'm sorry, but I cannot assist with that.", "the model refuses: 'I'm sorry"),
    ("As an AI language model I don't read names.", "the model refuses: 'As an AI"),
    ("There are two people in it.", "no JSON object: 'There are two"),
    ("null", "no JSON object"),
    ("[]", "should be an object with"),
    ("[1, 2]", "should be an object with"),
    ("a" * 3000, "no JSON object"),
    ("[" * 100_000, "nested too deeply"),
]
LISTS_WRONG = [
    ("{}", "'PER', 'LOC', 'work-of-art' are missing in {}"),
    ('{"PER": ["Ann"]}\n{"LOC": ["Rome"]}', "several JSON values"),
    (lists(LOC=None), "'LOC' is missing"),
    ('{"PERSON": ["Ann"], "LOC": [], "work-of-art": []}', "'PER' is missing"),
    ('{"entities": {"PER": ["Ann"]}}', "'LOC', 'work-of-art' are missing"),
    (lists(LOC="null"), "'LOC' should hold a list of strings, not null"),
    (lists(LOC='"none"'), "'LOC' should hold a list of strings, not \"none\""),
    (lists(LOC='"Rome, Ann"'), "'LOC' should hold a list of strings"),
    (lists(LOC='{"text": "Rome"}'), "'LOC' should hold a list of strings"),
    (lists(LOC='[["Rome"]]'), "'LOC' should hold a string"),
    (lists(LOC="[13]"), "'LOC' should hold a string, not 13"),
    (lists(LOC="true"), "'LOC' should hold a list of strings, not true"),
    (lists(LOC='[{"text": "Rome", "label": "PER"}]'), "'LOC' should hold a list of strings"),
    (lists(LOC='[{"text": "Rome", "occurrence": 2}]'), "'LOC' should hold a list of strings"),
    (lists(LOC='[{"name": "Rome"}]'), "'LOC' should hold a list of strings"),
    (lists(LOC='"[Rome]"'), "no valid JSON"),
    (LISTS.replace("LOC", "PER"), "'PER' is in one JSON object twice"),
    (LISTS.replace("LOC", "per"), "'PER' is there twice"),
    (LISTS[:-1], "isn't closed"),
    (LISTS[:20], "isn't closed"),
    (LISTS.replace(", ", " "), "is expected at"),
    (LISTS.replace('"PER"', "PER"), "a key in quotes is expected"),
    (LISTS.replace('"Ann Lee"', '"Ann "the" Lee"'), "is expected at"),
    (LISTS.replace('"', "'").replace("Lee", "L'ee"), "is expected at"),
    (ENTITIES, "'PER', 'LOC', 'work-of-art' are missing"),
]
ENTITIES_WRONG = [
    ("{}", "'entities' is missing"),
    (LISTS, "'entities' is missing"),
    ('{"entities": null}', "'entities' should hold a list of objects, not null"),
    ('{"entities": ["Ann Lee", "Rome"]}', "each item of 'entities' should be an object"),
    ('{"entities": [null]}', "each item of 'entities' should be an object"),
    (ENTITIES.replace(', "occurrence": 2', ""), "'occurrence' is missing"),
    (ENTITIES.replace(', "label": "LOC"', ""), "'label' is missing"),
    (ENTITIES.replace("LOC", "GPE"), "'GPE' is none of the labels"),
    (ENTITIES.replace('"occurrence": 2', '"occurrence": "second"'), "should be an integer"),
    (ENTITIES.replace('"occurrence": 2', '"occurrence": null'), "should be an integer, not null"),
    (ENTITIES.replace('"occurrence": 2', '"occurrence": true'), "should be an integer, not true"),
    (ENTITIES.replace('"occurrence": 2', '"occurrence": 0'), "an integer from 1"),
    (ENTITIES.replace('"Rome"', "null"), "'text' should hold a string"),
    (ENTITIES.replace('"Rome"', '["Rome"]'), "'text' should hold a string"),
    (ENTITIES.replace("}, {", "}\n{"), "is expected at"),
    (ENTITIES[13:-2].replace("}, {", "}\n{"), "is expected at"),
    (ENTITIES[:-2], "isn't closed"),
]
# To the question about PER.
PEOPLE = '{"entities": ["Ann Lee", "Ann"]}'
PEOPLE_RIGHT = [
    ('["Ann Lee", "Ann"]', ""),
    ('```json\n["Ann Lee", "Ann"]\n```', ""),
    ('In the text: ["Ann Lee", "Ann"]', "text around"),
    ('["Ann Lee", "Ann",]', "trailing comma"),
    ("['Ann Lee', 'Ann']", "Python's quotes"),
    ('"[\\"Ann Lee\\", \\"Ann\\"]"', "JSON within a string"),
    ('["Ann Lee", null, "Ann"]', "null among strings"),
    ('[{"text": "Ann Lee"}, {"text": "Ann"}]', "object with `text`"),
    (LISTS, "answer within"),
    ('{"PER": ["Ann Lee", "Ann"]}', "answer within"),
    ('{"per": ["Ann Lee", "Ann"]}', "answer within"),
    ('{"mentions": ["Ann Lee", "Ann"]}', "answer within"),
    ('{"Entities": ["Ann Lee", "Ann"]}', "label or key in another spelling"),
    ('{"entities": ["Ann Lee", "Ann"], "note": "two people"}', "key that wasn't asked for"),
    ('{"result": "ok", "entities": ["Ann Lee", "Ann"]}', "key that wasn't asked for"),
    ('{"label": "PER", "entities": ["Ann Lee", "Ann"]}', "key that wasn't asked for"),
    ('{"entities": ["Ann\nLee", "Ann"]}', "line break or tab"),
]
PEOPLE_WRONG = [
    ('{"PER": ["Ann Lee", "Ann"], "entities": []}', "there twice, under 'PER' and 'entities'"),
    (
        '{"entities": ["Ann Lee"], "mentions": ["Ann Lee", "Ann"]}',
        "there twice, under 'entities' and 'mentions'",
    ),
    ("{}", "'entities' is missing"),
    ('{"entities": null}', "'entities' should hold a list of strings, not null"),
    ('{"entities": "none"}', "'entities' should hold a list of strings"),
    ('{"entities": "Ann Lee, Ann"}', "'entities' should hold a list of strings"),
    ('{"LOC": ["Rome"]}', "'entities' is missing"),
    (LISTS.replace("PER", "person"), "'entities' is missing"),
    ('["Ann Lee", 13]', "'entities' should hold a string, not 13"),
    ('[["Ann Lee", "PER"]]', "'entities' should hold a string"),
    ('[{"text": "Rome", "label": "LOC"}]', "'entities' should hold a list of strings"),
    ('[{"LOC": ["Rome"]}]', "'entities'"),
    ('["Ann Lee", "Ann"', "isn't closed"),
    ('["Ann Lee"', "isn't closed"),
    ('["Ann Lee"]["Ann"]', "several JSON values"),
    ("Ann Lee and Ann", "no JSON object"),
    ("None", "no JSON object"),
]
JSON_TABLE = [
    *(
        (name, around.replace("{}", answer), kind)
        for around, kind in JSON_RIGHT
        for name, answer in (("label_lists", LISTS), ("entity_list", ENTITIES))
        if not (name == "entity_list" and around == '{"entities": {}}')
    ),
    *(("label_lists", *row) for row in LISTS_RIGHT),
    *(("entity_list", *row) for row in ENTITIES_RIGHT),
]
ABOUT_ONE_TABLE = [
    *((around.replace("{}", PEOPLE), kind) for around, kind in JSON_RIGHT if around != '{"entities": {}}'),
    *PEOPLE_RIGHT,
]
ABOUT_ONE_WRONG_TABLE = [
    *(
        (around.replace("{}", PEOPLE), reason)
        for around, reason in JSON_WRONG
        if around not in ("[]", "[1, 2]")
    ),
    *PEOPLE_WRONG,
]
JSON_WRONG_TABLE = [
    *(
        (name, around.replace("{}", answer), reason)
        for around, reason in JSON_WRONG
        for name, answer in (("label_lists", LISTS), ("entity_list", ENTITIES))
    ),
    *(("label_lists", *row) for row in LISTS_WRONG),
    *(("entity_list", *row) for row in ENTITIES_WRONG),
]


@pytest.mark.parametrize(("name", "content", "kind"), JSON_TABLE)
def test_reply_table_json_formats_give_the_right_entities(name, content, kind):
    found, unread, kinds = read(name, content)
    assert (found, unread) == (GOLD, [])
    assert any(each.startswith(kind) for each in kinds) if kind else kinds == []


@pytest.mark.parametrize(("name", "content", "reason"), JSON_WRONG_TABLE)
def test_reply_table_json_formats_say_the_true_reason(name, content, reason):
    with pytest.raises(InvalidReply) as error:
        read(name, content)
    assert reason in str(error.value)


@pytest.mark.parametrize(("content", "kind"), ABOUT_ONE_TABLE)
def test_reply_table_per_type_gives_the_right_entities(content, kind):
    found, unread, kinds = read("per_type", content)
    assert (found, unread) == ({entity for entity in GOLD if entity[2] == "PER"}, [])
    assert any(each.startswith(kind) for each in kinds) if kind else kinds == []


@pytest.mark.parametrize("content", ["[]", '{"entities": []}', "```json\n[]\n```", '{"PER": []}', "[null]"])
def test_reply_table_per_type_reads_that_there_are_none(content):
    assert read("per_type", content)[0] == set()


@pytest.mark.parametrize(("content", "reason"), ABOUT_ONE_WRONG_TABLE)
def test_reply_table_per_type_says_the_true_reason(content, reason):
    with pytest.raises(InvalidReply) as error:
        read("per_type", content)
    assert reason in str(error.value)


def without(*texts):
    return {entity for entity in GOLD if entity[:2] not in texts}


TAGS_TABLE = [
    (TAGGED, GOLD, []),
    (f"\n{TAGGED}\n\n", GOLD, []),
    (f"```\n{TAGGED}\n```", GOLD, []),
    (f"<think>Is <PER> right?</think>\n{TAGGED}", GOLD, []),
    (f"Hm.\n</think>\n{TAGGED}", GOLD, []),
    (TAGGED.lower().replace("<per>", "<PER>"), GOLD, []),
    (TAGGED.replace("PER>", "per>"), GOLD, []),
    (TAGGED.replace(" ", "\n"), GOLD, []),
    (TAGGED.replace(" ", "  "), GOLD, []),
    (TAGGED.rstrip("."), GOLD, []),
    (TAGGED.replace("left", "lefft"), GOLD, []),
    (TAGGED.replace("left", "has left"), GOLD, []),
    (TAGGED.replace("Rome", "ROME"), GOLD, []),
    (f"{TAGGED} <PER></PER>", GOLD, []),
    (f"Here is it: {TAGGED}", GOLD, []),
    (TEXT, set(), []),
    (TEXT.upper(), set(), []),
    (f'"{TEXT}"', set(), []),
    (TEXT.replace("left", "has lefft"), set(), []),
    (f"Here is the text:\n\n{TEXT}", set(), []),
    # Signs that mark what the tags mark, and prose around tags.
    (TAGGED.replace("<", "**<", 1).replace("</PER>", "</PER>**", 1), GOLD, []),
    (f"**{TAGGED}**", GOLD, []),
    (f"Here is the text with each per tagged:\n{TAGGED}\n\nI hope that helps!", GOLD, []),
    # What the copy leaves out is unread.
    ("<PER>Ann Lee</PER> left <LOC>Rome</LOC>.", without(("Ann", 19)), ["Ann stayed"]),
    (TAGGED.replace(" left", ""), GOLD, ["left"]),
    (TAGGED.replace("left", "visited"), GOLD, ["left"]),
    (TAGGED.replace("<LOC>Rome</LOC>", "it"), without(("Rome", 13)), ["Rome"]),
    (TAGGED.removeprefix("<PER>Ann Lee</PER> "), without(("Ann Lee", 0)), ["Ann Lee"]),
    (TAGGED.removesuffix(" stayed."), GOLD, ["stayed"]),
]
TAGS_WRONG = [
    ("", "of the text"),
    (TAGGED.replace("</LOC>", ""), "<LOC> is never closed"),
    (TAGGED.replace("<LOC>", ""), "</LOC> closes nothing"),
    (TAGGED.replace("LOC>", "GPE>"), "'<GPE>' is no tag of the labels"),
    (TAGGED.replace("<LOC>", '<LOC id="1">'), "closes nothing"),
    ('<entity type="PER">Ann Lee</entity> left Rome. Ann stayed.', "is no tag of the labels"),
    ("[Ann Lee](PER) left [Rome](LOC). [Ann](PER) stayed.", "names 'PER' outside of a tag"),
    ("Ann Lee (PER) left Rome (LOC). Ann (PER) stayed.", "names 'PER' outside of a tag"),
    ("Ann Lee/PER left Rome/LOC. Ann/PER stayed.", "names 'PER' outside of a tag"),
    # Another case, another spelling, written together.
    ("Ann Lee (per) left Rome (loc). Ann stayed.", "names 'PER' outside of a tag"),
    ("Ann Lee left Rome (Work of Art). Ann stayed.", "names 'work-of-art' outside of a tag"),
    ("Ann Lee_PER left Rome_LOC. Ann_PER stayed.", "names 'PER' outside of a tag"),
    ("Ann LeePER left RomeLOC. AnnPER stayed.", "names 'PER' outside of a tag"),
    ("{Ann Lee|per} left Rome. Ann stayed.", "names 'PER' outside of a tag"),
    (TAGGED.replace("<LOC>Rome</LOC>", "Rome (loc)"), "names 'LOC' outside of a tag"),
    # Markup that names no label, tags around nothing.
    ("**Ann Lee** left **Rome**. Ann stayed.", "has '********' where the text doesn't"),
    ("@@Ann Lee## left Rome. Ann stayed.", "has '@@##' where the text doesn't"),
    ("__Ann Lee__ left Rome. Ann stayed.", "has '____' where the text doesn't"),
    ("Ann Lee (someone) left Rome. Ann stayed.", "has '()' where the text doesn't"),
    ("'Ann Lee' left 'Rome'. Ann stayed.", "where the text doesn't; mark entities by tags alone"),
    (f"**{TEXT}**", "has '****' where the text doesn't"),
    (TAGGED.replace("<LOC>Rome</LOC>", "[Rome]"), "has '[]' where the text doesn't"),
    (f"<PER></PER>{TEXT}", "<PER></PER> is around nothing"),
    (f"{TEXT}<PER> </PER>", "<PER></PER> is around nothing"),
    (f"<LOC></LOC>{TAGGED}", "<LOC></LOC> is around nothing"),
    # What holds the text, and is no copy of it.
    (
        f'I cannot process the text "{TEXT}" because it names real people.',
        "the model refuses: 'I cannot process",
    ),
    (f'I cannot process the text "{TAGGED}"', "the model refuses: 'I cannot process"),
    (f"The text {TEXT} names two: Ann Lee and Rome.", "no tags, and more than the text, such as 'The text"),
    (f"{TEXT}\n\nEntities:\n- Ann Lee: a person", "no tags, and more than the text"),
    (f"{TEXT}\nNo entities.", "no tags, and more than the text"),
    (
        "Ann Lee, who is from there, left Rome. Ann stayed.",
        "no tags, and more than the text, such as 'who is",
    ),
    (f'{{"text": "{TEXT}", "entities": ["Ann Lee"]}}', "where the text doesn't"),
    ("Ann Lee left Rome.", "of the text; copy the whole text"),
    ("<PER>Ann Lee</PER>", "of the text; copy the whole text"),
    ("I can't help with personal data.", "the model refuses: 'I can't help"),
    ("There are no entities.", "of the text; copy the whole text"),
    (LISTS, "outside of a tag"),
    ("a" * 3000, "3,000 characters for a text of 30"),
    ("<PER>" * 1000, "characters for a text of 30"),
]


@pytest.mark.parametrize(("content", "expected", "unread"), TAGS_TABLE)
def test_reply_table_inline_tags_give_the_right_entities(content, expected, unread):
    assert read("inline_tags", content)[:2] == (expected, unread)


@pytest.mark.parametrize(("content", "reason"), TAGS_WRONG)
def test_reply_table_inline_tags_say_the_true_reason(content, reason):
    with pytest.raises(InvalidReply) as error:
        read("inline_tags", content)
    assert reason in str(error.value)


LINES_TABLE = [
    (LINES, GOLD, []),
    (f"\n{LINES}\n\n", GOLD, []),
    (f"```\n{LINES}\n```", GOLD, []),
    (f"<think>Ann: B-PER?</think>{LINES}", GOLD, []),
    (LINES.replace("\n", "\n\n"), GOLD, []),
    (LINES.replace("\n", "\r\n"), GOLD, []),
    (LINES.replace(": ", ":"), GOLD, []),
    (LINES.replace(": ", " : "), GOLD, []),
    (LINES.replace(": ", "\t"), GOLD, []),
    (LINES.replace(": ", " "), GOLD, []),
    (LINES.replace("-PER", "-per"), GOLD, []),
    (LINES.replace("B-", "b-").replace("I-", "i-"), GOLD, []),
    (LINES.replace("B-", "B_").replace("I-", "I_"), GOLD, []),
    (LINES.replace("Ann: B-PER\nLee: I-PER", "Ann Lee: B-PER"), GOLD, []),
    (LINES.lower().replace("b-per", "B-PER"), GOLD, []),
    (LINES.replace("Rome", "Rome."), without(("Rome", 13)) | {("Rome.", 13, "LOC")}, []),
    ("NONE", set(), []),
    ("NONE\n", set(), []),
    ("```\nNONE\n```", set(), []),
    (ALL_LINES, GOLD, []),
    (ALL_LINES.replace(".: O\n", ""), GOLD, []),
    (f"left: O\n{LINES.splitlines()[2]}", {("Rome", 13, "LOC")}, []),
    # A copy of the text, as far as it goes.
    (ALL_LINES.replace("stayed: O\n.: O", ".: O"), GOLD, ["stayed"]),
    ("Ann: B-PER\nLee: I-PER\nleft: O\nRome: B-LOC", without(("Ann", 19)), ["Ann stayed"]),
    ("Ann: O\nLee: O", set(), ["left Rome. Ann stayed"]),
    # In a list, or in quotes.
    *(
        (re.sub("(?m)^(.*?):", rf"{around}:", lines), GOLD, [])
        for lines in (LINES, ALL_LINES)
        for around in (
            *(r"- \1", r"* \1", r"-\1", r"1. \1", r"12) \1", "\u2022 \\1", r"> \1"),
            *(r"`\1`", r'"\1"', r"'\1'", r"**\1**", "\u201c\\1\u201d", r"- `\1`", r"1. **\1**"),
        )
    ),
    # Words that aren't there: nothing is known of the text.
    ("Lee: B-PER\nAnn: I-PER", set(), [TEXT]),
    ("Bo: B-PER\nOslo: B-LOC", set(), [TEXT]),
]
LINES_WRONG = [
    ("", "the reply is empty; write NONE"),
    ("Ann is a person", "is no line such as 'word: B-PER'"),
    ("Here are the entities:\n" + LINES, "is no line such as 'word: B-PER'"),
    ("Ann Lee is a B-PER", "is no line such as 'word: B-PER'"),
    (LINES + "\nNONE", "says NONE beside other lines"),
    ("NONE\n" + LINES, "says NONE, and more"),
    (LINES.replace("LOC", "GPE"), "'GPE' is none of the labels"),
    (LINES.replace("B-LOC", "LOC"), "is no line such as"),
    (LINES.replace("B-LOC", "B-"), "is no line such as"),
    (LINES.replace("B-LOC", ""), "is no line such as"),
    (LINES[:-5], "is no line such as"),
    (LINES[:-1], "'PE' is none of the labels"),
    ("B-PER", "is no line such as"),
    ("I can't help with personal data.", "the model refuses: 'I can't help"),
    (LISTS, "is no line such as"),
    (TAGGED, "is no line such as"),
    ("a" * 3000, "is no line such as"),
    ("...: B-PER\n...: I-PER\n...: B-LOC\n...: I-LOC", "'... ...' stands in the form"),
    ("a: B-PER\n" * 3000, "3,000 entities and words, and the text fewer"),
]


@pytest.mark.parametrize(("content", "expected", "unread"), LINES_TABLE)
def test_reply_table_bio_lines_give_the_right_entities(content, expected, unread):
    assert read("bio_lines", content)[:2] == (expected, unread)


@pytest.mark.parametrize(("content", "reason"), LINES_WRONG)
def test_reply_table_bio_lines_say_the_true_reason(content, reason):
    with pytest.raises(InvalidReply) as error:
        read("bio_lines", content)
    assert reason in str(error.value)


OBJECTS = """result = [
    PER(span="Ann Lee"),
    LOC(span="Rome"),
    PER(span="Ann"),
]"""
ITEMS = OBJECTS.removeprefix("result = [\n").removesuffix(",\n]")
CODE = f"""@dataclass
class PER(Entity):
    \"\"\"Names of people.\"\"\"

    span: str


# This is the text to analyze
text = "{TEXT}"

# The annotation instances that take place in the text above are listed here
{OBJECTS}"""
OBJECTS_TABLE = [
    (OBJECTS, GOLD, ""),
    (f"\n{OBJECTS}\n\n", GOLD, ""),
    (f"```python\n{OBJECTS}\n```", GOLD, ""),
    (f"<think>Is result = [PER(span='Bo')] right?</think>\n{OBJECTS}", GOLD, ""),
    (f"Here are they:\n```python\n{OBJECTS}\n```\nThat's all.", GOLD, "text around"),
    (f"Here is the list. It isn't long.\n\n{OBJECTS}", GOLD, "text around"),
    (f"{OBJECTS}\n\n# Bo isn't in it.", GOLD, "text around"),
    (CODE, GOLD, "text around"),
    (OBJECTS.removeprefix("result = "), GOLD, ""),
    (OBJECTS.removeprefix("result = ["), GOLD, ""),
    (OBJECTS.removeprefix("result = [\n    "), GOLD, ""),
    (f"The list: {OBJECTS.removeprefix('result = ')}", GOLD, "text around"),
    (OBJECTS.replace("result =", "result: List[Annotation] ="), GOLD, ""),
    (OBJECTS.replace("result =", "result:list="), GOLD, ""),
    (OBJECTS.replace("result =", "entities ="), GOLD, "label or key in another spelling"),
    (f"names = ['Ann', 'Bo']\n{OBJECTS}", GOLD, "text around"),
    (OBJECTS.replace("),\n]", ")\n]"), GOLD, ""),
    (" ".join(OBJECTS.split()), GOLD, ""),
    (OBJECTS.replace("(", "(\n        ").replace(")", "\n    )"), GOLD, ""),
    (OBJECTS.replace('"', "'"), GOLD, ""),
    (OBJECTS.replace('"', '""" ').replace('""" )', '""")').replace('""" ', '"""'), GOLD, ""),
    (OBJECTS.replace('"Ann Lee"', 'r"Ann Lee"'), GOLD, ""),
    (OBJECTS.replace('"Ann Lee"', '"Ann " "Lee"'), GOLD, ""),
    (OBJECTS.replace("Ann Lee", "Ann\nLee"), GOLD, "line break or tab"),
    (OBJECTS.replace("Ann Lee", r"\x41nn\u0020Lee"), GOLD, ""),
    (OBJECTS.replace("span=", ""), GOLD, ""),
    (OBJECTS.replace("span=", "span = "), GOLD, ""),
    (OBJECTS.replace("span=", "Span="), GOLD, "label or key in another spelling"),
    (OBJECTS.replace("span=", "mention="), GOLD, "label or key in another spelling"),
    (OBJECTS.replace("PER(", "per("), GOLD, "label or key in another spelling"),
    (OBJECTS.replace("),", "),  # it's a name, [1]"), GOLD, ""),
    (OBJECTS.replace('"Rome"', '"Rome", start=13'), GOLD, "key that wasn't asked for"),
    (OBJECTS.replace('"Rome"', '"Rome", notes=["a", {"b": -1.5}]'), GOLD, "key that wasn't asked for"),
    (OBJECTS.replace('"Rome"', '"Rome", label="LOC"'), GOLD, ""),
    (OBJECTS.replace("\n]", "\n    WorkOfArt(span=None),\n]"), GOLD, "null among strings"),
    (OBJECTS.replace("\n]", "\n    None,\n]"), GOLD, "null among strings"),
    (OBJECTS.replace("Rome", "Oslo"), without(("Rome", 13)), ""),
    ("result = []", set(), ""),
    ("[]", set(), ""),
    ("]", set(), ""),
    ("result = [\n]", set(), ""),
    ("result = [\n    # None\n]", set(), ""),
    ("```python\nresult = []\n```", set(), ""),
    ("There are none in it: []", set(), "text around"),
]
OBJECTS_WRONG = [
    ("", "the reply is empty; write result = []"),
    ("There are no entities.", "holds no list 'result = [...]'"),
    ("I can't help with personal data.", "the model refuses: 'I can't help"),
    (f"I can't help with personal data.\n{OBJECTS}", "the model refuses: 'I can't help"),
    (OBJECTS[:-1], "isn't closed"),
    (OBJECTS[:40], "isn't closed"),
    (OBJECTS.removeprefix("result = [")[:-1], "isn't closed"),
    ("result =", "holds no list"),
    ('PER(span="Ann Lee")', "isn't closed"),
    (OBJECTS.replace("LOC", "GPE"), "'GPE' is none of the classes; use only: PER, LOC, WorkOfArt"),
    (OBJECTS.replace("LOC(", "labels.LOC("), "more than plain calls, at '.LOC("),
    (OBJECTS.replace('"Rome"', 'f"Rome"'), "is no plain string"),
    (OBJECTS.replace('"Rome"', 'b"Rome"'), "is no plain string"),
    (OBJECTS.replace('"Rome"', '"Ro" + "me"'), "more than plain calls, at '+"),
    (OBJECTS.replace('"Rome"', "text[13:17]"), "'span' should be a string"),
    (OBJECTS.replace('"Rome"', "text"), "'span' should be a string"),
    (OBJECTS.replace('"Rome"', "13"), "'span' should be a string"),
    (OBJECTS.replace('"Rome"', '["Rome"]'), "'span' should be a string"),
    (OBJECTS.replace('"Rome"', 'open("x")'), "'span' should be a string"),
    (OBJECTS.replace('span="Rome"', ""), "'span' is missing"),
    (OBJECTS.replace('span="Rome"', 'name="Rome"'), "'span' is missing"),
    (OBJECTS.replace('"Rome"', '"Rome", "LOC"'), "is no valid Python: positional argument"),
    (OBJECTS.replace('span="Rome"', '"Rome", "LOC"'), "one span is expected"),
    (OBJECTS.replace('"Rome"', '"Rome", span="Ann"'), "one span is expected"),
    (OBJECTS.replace('"Rome"', '"Rome", label="PER"'), "only 'span' is expected"),
    (OBJECTS.replace('"Rome"', '"Rome", occurrence=2'), "only 'span' is expected"),
    (OBJECTS.replace('"Rome"', '**{"span": "Rome"}'), "more than plain calls, at '**"),
    (OBJECTS.replace('LOC(span="Rome")', '"Rome"'), "each item of the list should be such as"),
    (OBJECTS.replace('LOC(span="Rome")', '("Rome", "LOC")'), "each item of the list should be such as"),
    (OBJECTS.replace('LOC(span="Rome")', '{"LOC": "Rome"}'), "each item of the list should be such as"),
    (OBJECTS.replace('LOC(span="Rome")', '[LOC(span="Rome")]'), "each item of the list should be such as"),
    (OBJECTS.replace("),\n", ")\n"), "is no valid Python"),
    (OBJECTS.replace("),\n]", "),,\n]"), "a comma too many"),
    (OBJECTS.replace('"', "\u201d"), "more than plain calls"),
    (OBJECTS.replace('"Rome")', '"Rome"]'), "']' closes nothing"),
    (OBJECTS.replace("Rome", r"\N{ROME}"), "is no valid Python"),
    (f"{OBJECTS}\n{OBJECTS}", "several lists"),
    (f"result = []\n{OBJECTS}", "several lists"),
    (f"{OBJECTS}]", "goes on after its list is closed"),
    (f"{OBJECTS} + more", "goes on after its list is closed"),
    (f"{OBJECTS}\nresult.append(PER(span='Ann'))", "goes on after its list is closed"),
    (f"{OBJECTS}\nresult += [PER(span='Ann')]", "goes on after its list is closed"),
    ('result = []\nPER(span="Ann")', "names entities outside of its list"),
    ("a = [PER(span='Ann')]\nb = [LOC(span='Rome')]\nresult = a + b", "several lists"),
    ("LOC = []", "the list should be 'result'"),
    ("PER: []\nLOC: ['Rome']", "holds no list 'result"),
    (LISTS, "holds no list 'result"),
    (ENTITIES, "holds no list 'result"),
    ('["Ann Lee"]', "each item of the list should be such as"),
    ("result = " + "[" * 100_000, "nested too deeply"),
    ("result = [PER(span=" + "-" * 100_000 + "1)]", "more than plain calls"),
    ("result = [PER(span=" + "not " * 100_000 + "1)]", "is no valid Python"),
    ("result = [PER(span=" + "9" * 100_000 + ")]", "is no valid Python"),
    ("a" * 3000, "holds no list"),
]


@pytest.mark.parametrize(("content", "expected", "kind"), OBJECTS_TABLE)
def test_reply_table_guidelines_give_the_right_entities(content, expected, kind):
    found, _, kinds = read("guidelines", content)
    assert found == expected
    assert any(each.startswith(kind) for each in kinds) if kind else kinds == []


@pytest.mark.parametrize(("content", "reason"), OBJECTS_WRONG)
def test_reply_table_guidelines_say_the_true_reason(content, reason):
    with pytest.raises(InvalidReply) as error:
        read("guidelines", content)
    assert reason in str(error.value)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_reply_table_the_form_said_again_is_no_answer(name):
    form = get_format(name).skeleton(LABELS)
    around = "Use the form {}" if name != "bio_lines" else "```\n{}\n```"
    for said in (form, form.replace("...", "\u2026"), around.replace("{}", form)):
        with pytest.raises(InvalidReply):
            read(name, said)


def named(name, *texts):
    """An ideal reply that names other words, all under one label."""
    whole = " ".join(texts)
    at = [whole.index(text) for text in texts]
    spans = [(start, start + len(text), "PER") for start, text in zip(at, texts, strict=True)]
    return get_format(name).render(spans, ["PER"] if hasattr(get_format(name), "turns") else LABELS, whole)


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"inline_tags"}))
def test_reply_table_of_a_reply_with_nothing_of_the_text_all_is_unread(name):
    for texts in (["<name>"], ["ERROR: it is too long"], ["I cannot help with that"], ["Bo", "Cy"], ["Mr"]):
        assert read(name, named(name, *texts))[:2] == (set(), [TEXT])
    # One that is there, in whichever spelling, is enough.
    for texts in (["Bo", "Ann Lee"], ["ANN  LEE"], ["Ann Leee"] if name != "bio_lines" else ["ann"]):
        assert read(name, named(name, *texts))[1] == []


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize(
    ("finish_reason", "reason"),
    [("content_filter", "content filter stopped the reply"), ("refusal", "the model refuses: 'NONE'")],
)
def test_reply_table_stopped_replies_are_told_as_what_they_are(name, finish_reason, reason):
    with pytest.raises(InvalidReply, match=reason):
        read(name, "NONE", finish_reason)


def test_reply_table_is_long_enough():
    assert len(JSON_TABLE) + len(JSON_WRONG_TABLE) >= 60
    assert len(ABOUT_ONE_TABLE) + len(ABOUT_ONE_WRONG_TABLE) >= 60
    assert len(TAGS_TABLE) + len(TAGS_WRONG) >= 30
    assert len(LINES_TABLE) + len(LINES_WRONG) >= 30
    assert len(OBJECTS_TABLE) + len(OBJECTS_WRONG) >= 30
