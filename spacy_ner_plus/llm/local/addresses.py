"""A local model as an address, `local:smollm2`: what projects and commands name in place of a server's URL."""

from collections.abc import Mapping
from typing import Any

SCHEME = "local:"
# What configs call the model of a server that has one: as servers of one model answer to any name.
_ANY = "default"


def local_name(url: str) -> str | None:
    """RETURNS (str | None): The local model that an address names; None for that of a server."""
    text = url.strip()
    return text.removeprefix(SCHEME) if text.startswith(SCHEME) else None


def located(model: Mapping[str, Any]) -> dict[str, Any]:
    """Read where a chat model is.

    model (Mapping[str, Any]): Its settings, of which `base_url` may be such an address.
    RETURNS (dict[str, Any]): The same, with `local` in place of it. As the name of a local model 'default', or what the
        address calls it, is the model itself, where no adapter has that name.
    """
    given = dict(model)
    url = given.get("base_url")
    found = local_name(url) if isinstance(url, str) else None
    if found is not None and given.get("local") in (None, found):
        given["local"] = found
        del given["base_url"]
    local, name = given.get("local"), given.get("name")
    if local is not None and name in (_ANY, local) and name not in (given.get("adapters") or {}):
        given["name"] = ""
    return given
