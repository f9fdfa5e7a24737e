from spacy_ner_plus.annotation.review.shortcuts import shortcuts


def test_shortcuts_are_letters_of_the_names_and_never_twice():
    found = shortcuts(["PER", "PRODUCT", "ER", "P", "日本"])
    assert found == {"PER": "p", "PRODUCT": "r", "ER": "e", "P": "1", "日本": "2"}


def test_shortcuts_end_somewhere():
    names = [f"ß{i}" for i in range(15)]
    assert list(shortcuts(names).values())[9:12] == ["0", "", ""]
