"""What was asked about a Doc and what came, kept on the Doc for people to look at."""

from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.requests import Usage
from spacy_ner_plus.pipeline.structured_llm_ner.in_flight import DocInFlight

# spaCy's own place for it (spacy-llm, `save_io`), whose first two keys these are.
KEY = "llm_io"


def write_io(submitted: DocInFlight, name: str, model: ChatModel, *, variant: str = "") -> None:
    """Write what was asked about a Doc into its user_data, in types that a DocBin takes.

    `prompt` has the messages of each request, `response` the reply to each as the server sent it (the last, where it
    was asked again; None where there was none), `replies` all of them; `model` is the model's name, `usage` the
    tokens of all replies, `cost` their price in USD (None where that isn't known), `failure` why a request has no
    answer. No header and no key is in it.

    submitted (DocInFlight): A Doc whose requests are answered.
    name (str): The component's.
    variant (str): The one that answered, under `variant`. Default: '' for a component without variants.
    """
    samples = [future.result() for future in submitted.futures]
    asked = [one for sample in samples for one in sample.asked]
    replies = [[reply.content for reply in one.replies] for one in asked]
    paid = [reply.usage for one in asked for reply in one.replies if not reply.stored]
    usage = Usage(
        sum(one.prompt for one in paid), sum(one.completion for one in paid), sum(one.cached for one in paid)
    )
    failures = [failed.failure for sample in samples for failed in sample.failures]
    io = {
        "prompt": [[dict(message) for message in one.request.messages] for one in asked],
        "response": [contents[-1] if contents else None for contents in replies],
        "replies": replies,
        "model": model.settings.shown_name(),
        "usage": {"prompt": usage.prompt, "completion": usage.completion, "cached": usage.cached},
        "cost": model.cost(usage),
        "failure": "; ".join(dict.fromkeys(failures)),
    }
    if variant:
        io["variant"] = variant
    submitted.doc.user_data.setdefault(KEY, {})[name] = io
