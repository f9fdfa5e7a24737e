from spacy_ner_plus.pipeline.structured_llm_ner.repetition import repeats_itself
from tests.pipeline.structured_llm_ner.test_cut_replies import long_text


def test_repetition_is_told_from_a_text_that_repeats():
    loop = "".join(f'{{"text": "Ann", "label": "PER", "occurrence": {i}}}, ' for i in range(200))
    assert repeats_itself('{"entities": [' + loop, "Ann left. " * 3)
    assert not repeats_itself('{"LOC": [' + '"Rome", ' * 200, "Rome is Rome. " * 100)
    assert not repeats_itself(", ".join(f'"{name}"' for name in long_text(3000).split()), "")
    assert repeats_itself("a" * 3000, "")
