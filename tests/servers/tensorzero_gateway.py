"""TensorZero's gateway, in this process, in front of another server.

The package `tensorzero` carries the whole gateway. What it starts here is its own HTTP server on the
loopback address, with the OpenAI-compatible endpoint of a deployed gateway but without the rest of its
routes, and without a database: nothing is observed, and its usage analytics are switched off. The
function is the package's own, though not a public one: it is what `tensorzero.patch_openai_client`,
which is public and deprecated, calls. `TensorZeroGateway.build_embedded` speaks no HTTP.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.tiny_llama import NAME

# What requests name as their model: the model itself, or a function that chooses among variants.
MODEL = f"tensorzero::model_name::{NAME}"
FUNCTION = "tensorzero::function_name::ner"
CONFIG = """\
[gateway]
disable_pseudonymous_usage_analytics = true
observability.enabled = false

[models.{model}]
routing = ["server"]

[models.{model}.providers.server]
type = "openai"
model_name = "{model}"
api_base = {base_url}
api_key_location = "none"

[functions.ner]
type = "json"

[functions.ner.variants.baseline]
type = "chat_completion"
model = "{model}"
json_mode = "strict"
"""


@contextmanager
def tensorzero_gateway(base_url: str) -> Iterator[str]:
    """Serve TensorZero's gateway on the loopback address.

    base_url (str): The OpenAI-compatible server behind it, which has the tests' model.
    YIELDS (str): The URL that a config names as `base_url`; its model is `MODEL` or `FUNCTION`.
    """
    # It logs each failed request to standard output. The level is read when the package is imported.
    os.environ.setdefault("RUST_LOG", "off")
    from tensorzero import _start_http_gateway

    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "tensorzero.toml"
        config.write_text(CONFIG.format(model=NAME, base_url=json.dumps(base_url)), encoding="utf8")
        gateway = _start_http_gateway(
            config_file=str(config),
            clickhouse_url=None,
            postgres_url=None,
            valkey_url=None,
            async_setup=False,
        )
        try:
            yield gateway.base_url
        finally:
            gateway.close()
