"""Where a store is: in a file, or in a database on a server."""

import hashlib
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from spacy_ner_plus.errors import Errors, UserError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://?")
_KNOWN = ("postgresql", "postgres")
# Also one with signs that should have been percent-encoded.
_PASSWORD = re.compile(r"(://[^@?:]*):.*@")
_SECRETS = ("password", "sslpassword")


def read_where(where: str | Path) -> Path | str:
    """Tell the file of a store from the address of a database.

    where (str | Path): 'postgresql://user@host:port/name', or a path.
    RETURNS (Path | str): The path, or the address as it was given.
    RAISES (UserError): Where it is the address of something else, or has a password in it.
    """
    scheme = _SCHEME.match(str(where))
    if scheme is None:
        return Path(where).expanduser()
    if isinstance(where, Path):  # which has lost a slash
        raise UserError(Errors.E801.format(where=_shown(str(where)), reason="it was made a path"))
    try:
        parts = urlsplit(where)
        fields = {name for name, _ in parse_qsl(parts.query)}
        has_secret = bool(_PASSWORD.search(where)) or not fields.isdisjoint(_SECRETS)
        is_known = parts.scheme in _KNOWN and where.startswith(f"{scheme[1]}://")
    except ValueError as error:
        raise UserError(Errors.E801.format(where=_shown(where), reason=error)) from None
    if has_secret:
        reason = "it holds a password, which belongs in PGPASSWORD, ~/.pgpass or a service"
        raise UserError(Errors.E801.format(where=_shown(where), reason=reason))
    if not is_known:
        reason = "it is neither a path nor begins with postgresql://"
        raise UserError(Errors.E801.format(where=_shown(where), reason=reason))
    return where


def path_beside(where: str | Path, name: str) -> Path:
    """Name a file beside a store; for a database, in the working directory.

    name (str): What the file holds, such as 'batches'.
    RETURNS (Path): The path of the store with the name behind; host, port and database take its place in an address.
    RAISES (UserError): As `read_where`.
    """
    found = read_where(where)
    if isinstance(found, Path):
        return found.with_name(f"{found.name}-{name}")
    parts = urlsplit(found)
    words = re.findall(r"[A-Za-z0-9.]+", f"{parts.netloc.rpartition('@')[2]}{parts.path}")
    digest = hashlib.sha256(found.encode()).hexdigest()[:8]
    return Path("-".join([*words, digest, name]))


def _shown(where: str) -> str:
    """RETURNS (str): An address without what may be a secret."""
    return _PASSWORD.sub(r"\1@", where).partition("?")[0]
