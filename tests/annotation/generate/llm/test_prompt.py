import spacy

from spacy_ner_plus.annotation.generate.llm.plan import PlannedRecord
from spacy_ner_plus.annotation.generate.llm.prompt import RecordPrompts
from spacy_ner_plus.annotation.generate.llm.settings import LLMSettings
from spacy_ner_plus.annotation.generate.records import RecordCheck
from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.spans import CharSpan

LABELS = load_labels({"PER": {"definition": "Names of people.", "examples": ["Ann Lee"]}, "LOC": "Places."})


def test_prompt_says_what_is_asked_for():
    settings = LLMSettings(domain="letters to a newspaper", style="angry")
    prompts = RecordPrompts(LABELS, settings, "English")
    planned = [
        PlannedRecord(7, "train", (5, 15), ("PER", "LOC"), "LOC", "a name in brackets.", "KR"),
        PlannedRecord(8, "dev", (16, 40), ()),
    ]
    request = prompts.request(planned, 1, {8: 'like "this"'})
    system, user = (turn["content"] for turn in request.messages)
    for words in (
        "letters to a newspaper",
        "angry",
        "English",
        "- PER: Names of people. For example: Ann Lee.",
    ):
        assert words in system
    first, second = user.splitlines()[1:]
    assert first.startswith(
        "1. 5 to 15 words. At least one entity of each of: PER, LOC. Some names begin with K or R."
    )
    assert "One LOC is a word that elsewhere" in first
    assert first.endswith("It shows this: a name in brackets.")
    assert second.startswith("2. 16 to 40 words. No entity of any label at all")
    assert second.endswith(r'It is very different from: "like \"this\"".')
    assert request.sample == 1
    entity = request.schema["properties"]["records"]["items"]["properties"]["entities"]["items"]
    assert entity["properties"]["label"]["enum"] == ["PER", "LOC"]


def test_prompt_asks_again_for_what_cannot_be_used():
    prompts = RecordPrompts(LABELS, LLMSettings(), "")
    request = prompts.request([PlannedRecord(0, "train", (5, 15), ("PER",))], 0)
    again = prompts.again(request, "{}", {1: "it has 3 words, and not 5 to 15"})
    assert [turn["role"] for turn in again.messages] == ["system", "user", "assistant", "user"]
    assert "1. it has 3 words, and not 5 to 15." in again.messages[-1]["content"]
    assert again.schema == request.schema


def test_prompt_shows_the_first_examples():
    check = RecordCheck(spacy.blank("en"))
    examples = [check(f"Ann{number} left.", [CharSpan(0, 4, "PER")]) for number in range(9)]
    request = RecordPrompts(LABELS, LLMSettings(), "", examples).request([], 0)
    system = request.messages[0]["content"]
    shown = (
        '{"number": 5, "text": "Ann4 left.", "entities": [{"text": "Ann4", "label": "PER", "occurrence": 1}]}'
    )
    assert shown in system
    assert "Ann5" not in system
