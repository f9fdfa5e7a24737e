import numpy as np

from spacy_ner_plus.models.embeddings.text_parts import Part, cut, pool
from spacy_ner_plus.models.encoders.tokenization import Wordpieces


def make_pieces(texts: list[list[int]]) -> Wordpieces:
    """Wordpieces of texts, each given by the number of wordpieces of its words, of a character each."""
    starts, at = [], 0
    for words in texts:
        for count in words:
            starts += range(at, at + count)
            at += count + 1
    starts = np.array(starts, dtype=np.int64)
    counts = [sum(words) for words in texts]
    return Wordpieces(np.arange(len(starts)), starts, starts + 1, counts)


def test_text_parts_leave_texts_whole_that_fit():
    assert cut(make_pieces([[1] * 10, [], [3, 7]]), 10) == [Part(0, 0, 10), Part(1, 10, 10), Part(2, 10, 20)]


def test_text_parts_hold_all_of_a_long_text_and_begin_with_words():
    pieces = make_pieces([[2], [3] * 40])
    first, *parts = cut(pieces, 50)
    assert first == Part(0, 0, 2)
    assert [part.text for part in parts] == [1] * 3
    assert [part.begin for part in parts[1:]] == [part.end for part in parts[:-1]]
    assert (parts[0].begin, parts[-1].end) == (2, 122)
    assert all((part.begin - 2) % 3 == 0 and part.end - part.begin <= 50 for part in parts)


def test_text_parts_cut_within_a_word_that_is_too_long():
    parts = cut(make_pieces([[200]]), 30)
    assert parts[-1].end == 200
    assert max(part.end - part.begin for part in parts) <= 30


def test_text_parts_are_pooled_by_their_length():
    parts = [Part(0, 0, 3), Part(0, 3, 4), Part(1, 4, 9)]
    vectors = np.array([[2.0, 0.0], [0.0, 5.0], [0.0, -1.0]])
    pooled = pool(vectors, parts, 2)
    assert np.allclose(pooled, [[3 / 10**0.5, 1 / 10**0.5], [0, -1]])
    assert pooled.dtype == np.float32
