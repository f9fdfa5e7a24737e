"""Reply formats: what is asked for is what can be read, and what can't be read says why."""

import json

import httpx
import pytest
import spacy
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import validate

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.llm.formats import FORMATS, ReplyFormat, get_format
from spacy_ner_plus.llm.formats.reading import EXTRA_KEY, OTHER_SEPARATOR, Reading
from spacy_ner_plus.llm.requests import InvalidReply

LABELS = ("PER", "LOC", "work-of-art")
TEXT = "Ann Lee left Rome. Ann stayed (Rome is U.S.-based)."
GOLD = [(0, 7, "PER"), (13, 17, "LOC"), (19, 22, "PER"), (31, 35, "LOC")]
MANY = settings(max_examples=200, deadline=None)
NAMES = sorted(FORMATS)
JSON_NAMES = ["entity_list", "label_lists", "per_type"]
# Formats that ask about one label at a time.
ONE_BY_ONE = {name for name in FORMATS if hasattr(get_format(name), "turns")}
# What replies of the right sort are made of, broken in all ways.
SCRAPS = st.lists(
    st.sampled_from('{}[]",:<>/&\n')
    | st.sampled_from(['"PER"', '"entities"', '"text"', '"label"', '"occurrence"', "1", "-1", "null"])
    | st.sampled_from(["<PER>", "</PER>", "<X>", "</X>", "B-PER", "O", ": ", "Ann", "Rome", "NONE"])
    | st.sampled_from(["result", "=", "PER(", "span=", "'", ")", "[", "#", "\\", "f", '"Ann"'])
    | st.sampled_from(["```", "<think>", "</think>"]),
    max_size=30,
).map("".join)
PIECES = st.text(min_size=1, max_size=6)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["PER", "LOC", "entities", "text", "label", "occurrence", "x"]), inner
        )
    ),
    max_leaves=12,
).map(json.dumps)


@st.composite
def texts_with_gold(draw, alphabet=PIECES):
    """A text with stretches that don't overlap and have no white space at their ends."""
    pieces = draw(st.lists(alphabet, max_size=10))
    text, gold = "", []
    for piece in pieces:
        if piece == piece.strip() and piece and draw(st.booleans()):
            gold.append((len(text), len(text) + len(piece), draw(st.sampled_from(LABELS))))
        text += piece + draw(st.sampled_from(["", " ", "\n"]))
    return text, gold


def parse(name, content, text=TEXT, labels=LABELS):
    return get_format(name).parse(content, labels[:1] if name in ONE_BY_ONE else labels, text)


def ideal(name, gold, labels=LABELS, text=TEXT):
    """Labels and ideal reply of each question."""
    groups = [[label] for label in labels] if name in ONE_BY_ONE else [labels]
    some = [(group, [span for span in gold if span[2] in group]) for group in groups]
    return [(group, get_format(name).render(spans, group, text)) for group, spans in some]


def read_ideal(name, gold, labels=LABELS, text=TEXT, around="{}"):
    """Mentions with the replies that they were read from."""
    return [
        (mention, around.replace("{}", reply))
        for group, reply in ideal(name, gold, labels, text)
        for mention in get_format(name).parse(around.replace("{}", reply), group, text)
    ]


def pairs(mentions):
    return [(mention.text, mention.label) for mention in mentions]


@pytest.mark.parametrize("name", NAMES)
def test_formats_have_all_members(name):
    reply_format = get_format(name)
    assert isinstance(reply_format, ReplyFormat)
    assert reply_format.name == name
    shown = (
        reply_format.turns("", LABELS[:1])[-1]["content"]
        if name in ONE_BY_ONE
        else reply_format.skeleton(LABELS[:2])
    )
    assert LABELS[0] in shown
    schema, grammar = reply_format.schema(LABELS), reply_format.grammar(LABELS)
    assert (schema is None) == (grammar is not None)


@pytest.mark.parametrize("name", JSON_NAMES)
def test_formats_ideal_replies_follow_the_schema(name):
    for gold in (GOLD, []):
        for labels, reply in ideal(name, gold):
            validate(json.loads(reply), get_format(name).schema(labels))


@pytest.mark.parametrize("name", JSON_NAMES)
def test_formats_schemas_are_strict(name):
    def walk(schema):
        if schema["type"] == "object":
            assert schema["additionalProperties"] is False
            assert schema["required"] == list(schema["properties"])
            for inner in schema["properties"].values():
                walk(inner)
        elif schema["type"] == "array":
            walk(schema["items"])

    walk(get_format(name).schema(LABELS))


@pytest.mark.parametrize("name", NAMES)
def test_formats_read_their_ideal_reply(name):
    mentions = [mention for mention, _ in read_ideal(name, GOLD)]
    assert sorted(pairs(mentions)) == sorted((TEXT[start:end], label) for start, end, label in GOLD)


def is_label(name):
    try:
        return bool(LabelSet((name,)))
    except UserError:
        return False


ANY_LABELS = st.lists(
    st.sampled_from(
        ["work of art", "B-PER: I-PER", "PER", "O", "NONE", "a: b", "-", "C++", "lt;", "3 D", "b-per"]
    )
    | st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=6).filter(is_label),
    unique=True,
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(ANY_LABELS, st.data())
def test_formats_read_their_ideal_reply_with_any_labels(name, labels, data):
    gold = [(start, end, data.draw(st.sampled_from(labels))) for start, end, _ in GOLD]
    mentions = [mention for mention, _ in read_ideal(name, gold, labels)]
    assert sorted(pairs(mentions)) == sorted((TEXT[start:end], label) for start, end, label in gold)
    for group, reply in ideal(name, gold, labels):
        reading = Reading.of(get_format(name).parse(reply, group, TEXT))
        assert reading.repairs.kinds == {}
        assert not reading.unread


@pytest.mark.parametrize("name", NAMES)
def test_formats_read_a_reply_without_entities(name):
    assert read_ideal(name, []) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrapping", ["```json\n{}\n```", "<think>\nIs <PER> one?\n</think>\n\n{}", "\n{}\n"])
def test_formats_read_what_is_wrapped(name, wrapping):
    wrapped = read_ideal(name, GOLD, around=wrapping)
    assert pairs(mention for mention, _ in wrapped) == pairs(mention for mention, _ in read_ideal(name, GOLD))
    for mention, reply in wrapped:
        assert mention.text.split()[0] in reply[mention.reply_start : mention.reply_end]


@pytest.mark.parametrize("name", sorted({*NAMES} - {"bio_lines"}))
@MANY
@given(texts_with_gold())
def test_formats_know_where_mentions_stand_in_the_reply(name, case):
    text, gold = case
    try:
        read = read_ideal(name, gold, text=text)
    except InvalidReply:
        # A text that looks like reasoning or a fence is stripped from its own copy.
        assert name == "inline_tags"
        return
    for mention, reply in read:
        written = reply[mention.reply_start : mention.reply_end]
        assert (written if name == "inline_tags" else json.loads(f'"{written}"')) == mention.text


@pytest.mark.parametrize("name", NAMES)
@MANY
@given(st.one_of(st.text(), SCRAPS, ANY_JSON), st.text(max_size=20))
@example('{"PER": [1]}', "")
@example('{"entities": [{"text": "a", "label": "PER", "occurrence": true}]}', "a")
@example("<PER></PER>", "")
@example("&lt;PER>&amp;amp;lt;/PER>", "<PER>")
def test_formats_fail_on_nothing_but_invalid_replies(name, content, text):
    try:
        mentions = parse(name, content, text)
    except InvalidReply:
        return
    assert all(isinstance(mention, Mention) and mention.label in LABELS for mention in mentions)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("label_lists", "{}", "'PER', 'LOC', 'work-of-art' are missing"),
        ("label_lists", '{"GPE": ["Rome"]}', "'PER', 'LOC', 'work-of-art' are missing"),
        ("label_lists", '{"PER": ["Ann"], "LOC": []}', "'work-of-art' is missing"),
        ("label_lists", '{"PER": "Ann, Rome"}', "'PER' should hold a list of strings"),
        ("label_lists", '{"PER": [{"name": "Ann"}]}', "'PER' should hold a list of strings"),
        ("label_lists", '["Ann"]', "the reply should be an object with 'PER'"),
        ("entity_list", '{"PER": ["Ann"]}', "'entities' is missing"),
        ("entity_list", '{"entities": ["Ann"]}', "each item of 'entities' should be an object"),
        ("entity_list", '{"entities": [{"text": "Ann"}]}', "'label', 'occurrence' are missing"),
        (
            "entity_list",
            '{"entities": [{"text": "Ann", "label": "X", "occurrence": 1}]}',
            "'X' is none of the labels",
        ),
        (
            "entity_list",
            '{"entities": [{"text": "Ann", "label": "PER", "occurrence": "2nd"}]}',
            "'occurrence' should be an integer",
        ),
        ("inline_tags", "<PER>Ann Lee left Rome.", "<PER> is never closed"),
        ("inline_tags", "Ann Lee</PER> left Rome.", "</PER> closes nothing"),
        ("inline_tags", TEXT.replace("Rome", "<GPE>Rome</GPE>", 1), "'<GPE>' is no tag of the labels"),
        ("inline_tags", "I found <PER>Ann Lee</PER>.", "of the text; copy the whole text"),
        ("bio_lines", "Ann is a person", "is no line such as 'word: B-PER'"),
        ("bio_lines", "Ann: B-GPE", "'GPE' is none of the labels"),
        ("bio_lines", "", "write NONE"),
    ],
)
def test_formats_say_why_a_reply_is_invalid(name, content, reason):
    with pytest.raises(InvalidReply) as error:
        parse(name, content)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("label_lists", '{"per": ["Ann Lee"], "Loc": [], "Work of Art": []}'),
        ("entity_list", '{"entities": [{"text": "Ann Lee", "label": "Per", "occurrence": 1}]}'),
        ("entity_list", '[{"text": "Ann Lee", "label": "PER", "occurrence": 1}]'),
        ("inline_tags", TEXT.replace("Ann Lee", "<per>Ann Lee</per>")),
        ("bio_lines", "Ann: B-per\nLee: I-per"),
        ("bio_lines", "Ann Lee: B-PER"),
        ("bio_lines", "Ann:B-PER\nLee : I-PER\nleft: O"),
        ("bio_lines", "Ann: I-PER\nLee: I-PER"),
    ],
)
def test_formats_forgive_what_has_one_meaning(name, content):
    assert pairs(parse(name, content)) == [("Ann Lee", "PER")]


def test_formats_keep_empty_mentions_to_be_counted():
    assert pairs(parse("label_lists", '{"PER": [""], "LOC": [], "work-of-art": []}')) == [("", "PER")]


def test_formats_label_lists_leave_out_keys_that_were_not_asked_for_and_count_them():
    reading = parse("label_lists", '{"GPE": ["Rome"], "PER": [], "LOC": ["Rome"], "work-of-art": []}')
    assert reading == [Mention("Rome", "LOC", reply_start=38, reply_end=42)]
    assert reading.repairs[EXTRA_KEY] == 1


def test_formats_label_lists_are_in_the_order_of_the_text():
    reply = get_format("label_lists").render(GOLD[::-1], LABELS, TEXT)
    assert json.loads(reply) == {"PER": ["Ann Lee", "Ann"], "LOC": ["Rome", "Rome"], "work-of-art": []}


def test_formats_entity_list_states_occurrences():
    reply = get_format("entity_list").render(GOLD, LABELS, TEXT)
    entities = json.loads(reply)["entities"]
    # 'Ann' stands alone within 'Ann Lee', too.
    assert [entity["occurrence"] for entity in entities] == [1, 1, 2, 2]


def test_formats_entity_list_counts_words_before_parts_of_words():
    text = "Iranian oil from Iran"
    reply = get_format("entity_list").render([(17, 21, "LOC")], LABELS, text)
    assert json.loads(reply)["entities"][0]["occurrence"] == 1


@MANY
@given(
    texts_with_gold(
        st.sampled_from(["<PER>", "</PER>", "<LOC>", "<per>", "&lt;PER>", "&LT;PER>", "&amp;", "&amp;lt;"])
    )
)
@example(("<PER>a</PER>", [(5, 6, "PER")]))
@example(("&lt;PER>", [(0, 8, "LOC")]))
def test_formats_inline_tags_tell_tags_of_the_text_from_their_own(case):
    text, gold = case
    reply_format = get_format("inline_tags")
    mentions = reply_format.parse(reply_format.render(gold, LABELS, text), LABELS, text)
    found = [(m.position, m.position + len(m.text), m.label) for m in mentions]
    assert found == gold
    assert [mention.text for mention in mentions] == [text[start:end] for start, end, _ in gold]


def test_formats_inline_tags_escape_nothing_else():
    text = "if a < b && c: <b>bold</b> &lt; <PERSON>"
    assert get_format("inline_tags").render([], LABELS, text) == text


def test_formats_inline_tags_take_copied_tags_for_text():
    text = "Write <PER> before Ann Lee, please."
    reply = "Write <PER> before <PER>Ann Lee</PER>, please."
    (mention,) = parse("inline_tags", reply, text)
    assert (mention.text, mention.position) == ("Ann Lee", 19)


@pytest.mark.parametrize(
    "reply",
    [
        "ann lee left ROME. <PER>Ann</PER> stayed (rome is u.s.-based).",
        "Ann Lee left Rome.\n\n<PER>Ann</PER> stayed (Rome is U.S. based)",
        "Anna Lee has left Rome. <PER>Ann</PER> stayed (Rome is U.S.-based).",
        "Ann left Rome. <PER>Ann</PER> stayed (Rome is U.S.-based).",
    ],
)
def test_formats_inline_tags_are_not_shifted_by_slips(reply):
    (mention,) = parse("inline_tags", reply)
    assert mention.position == 19


def test_formats_inline_tags_of_signs_alone_are_no_other_signs():
    text = "a <> b <-> c"
    reply = get_format("inline_tags").render([(0, 1, "-")], ["-"], text)
    assert reply == "<->a</-> <> b &lt;-> c"
    assert pairs(parse("inline_tags", reply, text, ["-"])) == [("a", "-")]


@pytest.mark.parametrize(
    ("line", "is_other"),
    [
        ("Rome: B-work of art", False),
        ("Rome:B-work of art", False),
        ("Rome\tB-work of art", True),
        ("Rome B-work of art", True),
        ("Rome : b-Work-of-Art", False),
        ("Rome: B-work  of_art", False),
    ],
)
def test_formats_bio_lines_have_tags_of_several_words(line, is_other):
    reading = parse("bio_lines", line, labels=["PER", "work of art"])
    assert pairs(reading) == [("Rome", "work of art")]
    assert (OTHER_SEPARATOR in dict(reading.repairs)) == is_other


def test_formats_inline_tags_may_be_nested():
    reply = TEXT.replace("Ann Lee", "<PER>Ann <LOC>Lee</LOC></PER>")
    assert pairs(parse("inline_tags", reply)) == [("Ann Lee", "PER"), ("Lee", "LOC")]


def test_formats_bio_lines_look_on_from_where_they_are():
    text = "Rome, Ann and Rome"
    mentions = parse("bio_lines", "Ann: B-PER\nRome: B-LOC", text)
    assert [mention.position for mention in mentions] == [6, 14]


def test_formats_bio_lines_are_led_by_other_words():
    text = "Rome and Rome"
    (mention,) = parse("bio_lines", "Rome: O\nand: O\nRome: B-LOC", text)
    assert mention.position == 9


def test_formats_bio_lines_leave_out_of_the_order_what_breaks_it():
    text = "Ann, Bo, Cy and Di"
    mentions = parse("bio_lines", "Di: B-PER\nAnn: B-PER\nBo: B-PER\nXi: B-PER\nCy: B-PER", text)
    assert [mention.position for mention in mentions] == [-1, 0, 5, -1, 9]


def test_formats_bio_lines_read_words_with_colons():
    text = "See a:b at 10:30: now"
    reply = get_format("bio_lines").render([(4, 7, "PER"), (11, 17, "LOC")], LABELS, text)
    assert pairs(parse("bio_lines", reply, text)) == [("a:b", "PER"), ("10:30:", "LOC")]


def test_formats_unknown_name_is_refused():
    with pytest.raises(UserError, match=r"E286.*label_lists"):
        get_format("csv")


def test_formats_what_lacks_members_is_refused():
    half = type("Half", (), dict.fromkeys(("name", "instructions", "skeleton", "schema", "render")))
    with pytest.raises(UserError, match=r"E287.*grammar, parse"):
        get_format(half())


def test_formats_of_users_are_found_in_the_registry():
    @spacy.registry.misc("own_format.v1")
    def own_format():
        return get_format("label_lists")

    assert get_format("own_format.v1").name == "label_lists"
    own = get_format("bio_lines")
    assert get_format(own) is own


@pytest.mark.parametrize("name", ["bio_lines", "guidelines", "inline_tags"])
def test_formats_grammars_bind_a_real_server(name, llama_url):
    reply_format = get_format(name)
    body = {
        "model": "tiny",
        "messages": [{"role": "user", "content": TEXT}],
        "max_tokens": 60,
        "grammar": reply_format.grammar(["PER", 'a"b\\c]^-']),
    }
    response = httpx.post(f"{llama_url}/chat/completions", json=body, timeout=60)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("end", ["<", "<L", "<LO", "<LOC", "<loc"])
def test_formats_inline_tags_that_break_off_in_a_tag_say_nothing_of_what_follows(end):
    text = "left Cy left Bo today."
    reading = get_format("inline_tags").parse(f"left <PER>Cy</PER> left {end}", ["PER", "LOC"], text)
    assert [text[start:stop] for start, stop in reading.unread] == ["Bo today"]


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("Ann", "An error has occurred. Please try again later."),
        ("Ann", "I cannot answer that."),
        ("Ann", "Here is the person: Ann"),
        ("No", "No entities found."),
        ("No", "None"),
        ("Rome", "I can't label Rome, sorry."),
        ("Rome", "**Rome**"),
        ("Turin", "Turning on the model, please wait."),
        ("Answer: Ann", "Sure, here is the answer: Ann is a name"),
    ],
)
def test_formats_inline_tags_take_nothing_that_holds_a_short_text_for_its_copy(text, reply):
    with pytest.raises(InvalidReply):
        parse("inline_tags", reply, text)


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("No", "No."),
        ("a < b & c > d, all of them", "a &lt; b &amp; c &gt; d, all of them"),
        ("\u2022 one of them\n\u2022 two \u2013 \u201cthree\u201d", '* one of them\n* two - "three"'),
        ("**Bold** (and) [not] a per", "**Bold** (and) [not] a per."),
        ("Text: none of it", "Text: none of it"),
        ("I cannot process it.", "I cannot  process it"),
        ("\u99ac\u62c9\u6c83\u65af\u3002", "\u99ac\u62c9\u6c83\u65af"),
    ],
)
def test_formats_inline_tags_take_a_copy_with_slips_for_one_without_entities(text, reply):
    assert parse("inline_tags", reply, text) == []


@pytest.mark.parametrize("around", ["{}", "<think>Is it?</think>\n{}", "Hm.\n</think>\n{}"])
@pytest.mark.parametrize(
    "text",
    [
        "Ann Lee wrote. </think>\nShe went to Rome.",
        "</think> Ann Lee went to Rome.",
        "<think> is a tag. Ann Lee said so in Rome.",
        "```\nAnn Lee went to Rome\n```",
        "<think>Ann Lee</think>\n\n```\nRome\n```",
    ],
)
def test_formats_inline_tags_keep_reasoning_and_fences_that_are_the_text_s_own(text, around):
    reply = around.replace(
        "{}", text.replace("Ann Lee", "<PER>Ann Lee</PER>").replace("Rome", "<LOC>Rome</LOC>")
    )
    reading = parse("inline_tags", reply, text)
    found = [(text[m.position : m.position + len(m.text)], m.label) for m in reading]
    assert found == [("Ann Lee", "PER"), ("Rome", "LOC")]
    assert [reply[m.reply_start : m.reply_end] for m in reading] == ["Ann Lee", "Rome"]
    assert reading.unread == []


def test_formats_bio_lines_keep_a_mark_that_the_text_has():
    text = "1. FC Bonn met 'Ann', she said."
    parse = get_format("bio_lines").parse
    read = parse("1. FC Bonn: B-ORG\n'Ann': B-PER", ["ORG", "PER"], text)
    assert [mention.text for mention in read] == ["1. FC Bonn", "'Ann'"]
    read = parse("1. FC: B-ORG\nBonn: I-ORG\n2. Ann: B-PER", ["ORG", "PER"], text)
    assert [mention.text for mention in read] == ["1. FC Bonn", "Ann"]
    # A bullet that stands apart is none of the text's.
    (mention,) = parse("- Ann: B-PER", ["PER"], "It was - Ann said so.")
    assert (mention.text, mention.reply_start, mention.reply_end, mention.position) == ("Ann", 2, 5, 9)


@pytest.mark.parametrize(
    "reply",
    [
        "Ann: B-PER\nLee: I-PER\n</think>\nRome: B-LOC",
        "<think>: O\nAnn: B-PER\nLee: I-PER\n</think>\nRome: B-LOC",
        "<think>: O\nAnn: B-PER\nLee: I-PER\n",
    ],
)
def test_formats_bio_lines_say_that_tags_of_reasoning_may_be_the_texts(reply):
    text = "<think> Ann Lee said </think> in Rome."
    with pytest.raises(InvalidReply, match="without reasoning"):
        get_format("bio_lines").parse(reply, ["PER", "LOC"], text)
    read = get_format("bio_lines").parse("<think>Hm.</think>\nRome: B-LOC", ["PER", "LOC"], text)
    assert [mention.text for mention in read] == ["Rome"]
