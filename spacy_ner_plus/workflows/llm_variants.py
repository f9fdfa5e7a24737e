"""How the variants in a store compare, as a table and a page."""

import json
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.workflows.arguments.targets import check_targets


def llm_variants(
    store: str | Path,
    *,
    metric: str = "exact_match",
    alpha: float = 0.05,
    component: str | None = None,
    target: str | Path | None = None,
    page: str | Path | None = None,
) -> dict[str, Any]:
    """Compare the variants that answered, by the feedback on their answers.

    store (str | Path): The store of the chat model.
    metric (str): By which the best one is looked for. Default: 'exact_match'.
    alpha (float): How probable a wrong verdict is at most. Default: 0.05.
    component (str | None): Whose variants are compared. Default: those of all components.
    target (str | Path): Where the results are written as JSON. Default: nowhere.
    page (str | Path): Where the page is written, as HTML. Default: nowhere.
    RETURNS (dict[str, Any]): The results, as `variant_results` gives them.
    RAISES (UserError): Where there is no store, it has no inferences, or there is no such metric.
    """
    from spacy_ner_plus.files import write_whole
    from spacy_ner_plus.learning.variant_results import variant_results
    from spacy_ner_plus.learning.variants_page import render_variants
    from spacy_ner_plus.llm.store.store import Store

    if not 0 < alpha < 1:
        raise UserError(Errors.E832.format(alpha=alpha))
    outputs = {
        name: None if path is None else Path(path)
        for name, path in (("the results", target), ("the page", page))
    }
    is_file = "://" not in str(store)
    check_targets(outputs, [("the store", store if is_file else None)])
    with Store(store, read_only=True) as opened:
        results = variant_results(opened, metric=metric, alpha=alpha, component=component)
        where = opened.where
    html = None if page is None else render_variants(results, title=f"Variants of {Path(where).name}")
    if target is not None:
        write_whole(Path(target), (json.dumps(results, indent=2) + "\n").encode("utf8"))
    if page is not None and html is not None:
        write_whole(Path(page), html.encode("utf8"))
    return results
