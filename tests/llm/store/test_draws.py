import threading

from spacy_ner_plus.llm.store.draws import Draw
from spacy_ner_plus.llm.store.store import Store


def test_draws_are_made_once_for_an_episode_and_a_text(store_place):
    with Store(store_place) as store, Store(store_place) as other:
        first = store.draws.first("e", "h", lambda: Draw("a", 0.5))
        assert other.draws.first("e", "h", lambda: Draw("b", 0.25)) == first == Draw("a", 0.5)
        assert other.draws.first("e", "other", lambda: Draw("b", 0.25)) == Draw("b", 0.25)
        assert other.draws.first("f", "h", lambda: Draw("c", 1)) == Draw("c", 1.0)


def test_draws_are_made_by_each_component_among_its_variants(store_place):
    asked = {"component": "one", "variants": ["a", "b"]}
    with Store(store_place) as store:
        first = store.draws.first("e", "h", lambda: Draw("a", 0.75), **asked)
        assert store.draws.first("e", "h", lambda: Draw("b", 0.25), component="one", variants="ba") == first
        for other in ({"component": "two"}, {"variants": ["a", "b", "c"]}):
            assert store.draws.first("e", "h", lambda: Draw("b", 0.5), **asked | other) == Draw("b", 0.5)


def test_draws_have_one_winner_among_threads(store_place):
    with Store(store_place) as one, Store(store_place) as other:
        barrier = threading.Barrier(8)
        found = []

        def draw(number):
            for text in range(10):
                barrier.wait()
                store = (one, other)[number % 2]
                found.append((text, store.draws.first("e", str(text), lambda: Draw(f"v{number}", 0.5))))

        threads = [threading.Thread(target=draw, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 80
    assert len(set(found)) == 10


def test_draws_may_read_the_store_while_they_are_made(store_place):
    with Store(store_place) as store:
        drawn = store.draws.first("e", "h", lambda: Draw("a", float(len(store.dry_texts.all()) + 1)))
    assert drawn == Draw("a", 1.0)
