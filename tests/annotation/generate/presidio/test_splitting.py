from spacy_ner_plus.annotation.generate.presidio.splitting import split_templates


def test_splitting_deals_each_template_once_and_labels_as_far_as_they_go():
    labels = {f"{name}{n}": [name] for name, count in (("A", 50), ("B", 3), ("C", 1)) for n in range(count)}
    labels |= {f"none{n}": [] for n in range(10)}
    dealt = split_templates(labels, {"train": 80, "dev": 10, "test": 10}, seed=0)
    everything = [template for templates in dealt.values() for template in templates]
    assert sorted(everything) == sorted(labels)
    assert 46 <= len(dealt["train"]) <= 56
    assert {template[0] for template in dealt["train"]} >= {"A", "B", "C"}
    assert dealt == split_templates(labels, {"train": 80, "dev": 10, "test": 10}, seed=0)


def test_splitting_gives_nothing_to_a_part_without_records():
    dealt = split_templates({"x": ["A"], "y": ["A"]}, {"train": 5, "dev": 0}, seed=0)
    assert dealt == {"train": ["x", "y"], "dev": []} or dealt == {"train": ["y", "x"], "dev": []}
