"""A store in PostgreSQL, which a team shares."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.llm.store.engines.engine import Engine, NoStore, Row, StoreError, T, Writer
from spacy_ner_plus.llm.store.engines.tables import REPLIES, TABLES, VERSION, statements

if TYPE_CHECKING:
    from psycopg import Connection

# The tables have a schema of their own, since a team's database has others.
_SCHEMA = "spacy_ner_plus"
# "snpl", by which all that write to a store wait for each other.
_LOCK = 0x736E706C
_CONNECT_SECONDS = 15
# A process that hangs while it writes lets the others go on.
_SETTINGS = f"""
SET search_path TO {_SCHEMA};
SET lock_timeout TO '60s';
SET idle_in_transaction_session_timeout TO '60s'
"""
_VERSIONS = f"""
CREATE SCHEMA IF NOT EXISTS {_SCHEMA};
CREATE TABLE IF NOT EXISTS store_version (version BIGINT NOT NULL);
INSERT INTO store_version (version) VALUES ({VERSION})
"""
_ROWID = "rowid BIGSERIAL UNIQUE,\n    "
# PostgreSQL's texts hold no NUL.
_ESCAPED = {"\x01": "\x01b", "\x00": "\x01a"}


class PostgreSQLEngine(Engine["Connection"]):
    """A connection to a database. One that died, as when the server was started anew, is opened once more.

    address (str): 'postgresql://user@host:port/name'.
    read_only (bool): Whether the tables have to be there, and are never written to.
    RAISES (UserError): Where it can't be opened, or was written by a newer version.
    """

    def __init__(self, address: str, *, read_only: bool = False):
        self._address = address
        self._read_only = read_only
        super().__init__(address)

    @classmethod
    def has_store(cls, address: str) -> bool:
        """RETURNS (bool): Whether the tables are there.

        RAISES (UserError): Where the database can't be asked.
        """
        try:
            cls(address, read_only=True).close()
        except NoStore:
            return False
        return True

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """RETURNS (list[Row]): All that a query finds.

        RAISES (StoreError): Where the database can't be read.
        """
        return self._do(lambda connection: _Transaction(connection).rows(statement, values))

    def write(self, work: Callable[[Writer], T]) -> T:
        """Do in one transaction what is committed as a whole or not at all.

        RETURNS (T): What `work` returns.
        RAISES (StoreError): Where the database can't be written to.
        """

        def write(connection: "Connection") -> T:
            with connection.transaction():
                _wait_for_others(connection)
                return work(_Transaction(connection))

        return self._do(write)

    def _do(self, do: "Callable[[Connection], T]") -> T:
        with from_extra("postgresql"):
            from psycopg import Error
        with self._lock:
            for is_last in (False, True):
                connection = self._connected()
                try:
                    return do(connection)
                except Error as error:
                    if not connection.closed:
                        raise self._error(error) from error
                    self._connection = None
                    if is_last:
                        raise self._error(error) from error
        raise AssertionError

    def _open(self) -> "Connection":
        with from_extra("postgresql"):
            import psycopg
        try:
            connection = psycopg.connect(
                self._address,
                autocommit=True,
                connect_timeout=_CONNECT_SECONDS,
                client_encoding="utf8",
                fallback_application_name="spacy-ner-plus",
            )
        except psycopg.Error as error:
            raise self._error(error) from error
        try:
            # Whatever the database's default: what is read has to be what was committed before the lock was had.
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            connection.read_only = self._read_only
            self._prepare(connection)
        except psycopg.Error as error:
            connection.close()
            raise self._error(error) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: "Connection") -> None:
        for statement in statements(_SETTINGS):
            connection.execute(statement)
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise self._error(f"its encoding is {encoding}, and texts need one that is UTF8")
        version = _version(connection)
        if not version and self._read_only:
            raise NoStore(Errors.E266.format(path=self.where))
        if not version:
            with connection.transaction():
                _wait_for_others(connection)
                version = _version(connection)
                if not version:
                    for statement in statements(_VERSIONS, REPLIES.format(rowid=_ROWID), TABLES):
                        connection.execute(statement)
                    version = VERSION
        if version > VERSION:
            raise UserError(Errors.E264.format(path=self.where, version=version, known=VERSION))

    def _close(self, connection: "Connection") -> None:
        connection.close()

    def _error(self, reason: object) -> StoreError:
        said = "; ".join(line.strip() for line in str(reason).splitlines() if line.strip())
        return StoreError(Errors.E800.format(where=self.where, reason=said), said)


class _Transaction:
    def __init__(self, connection: "Connection"):
        self._connection = connection

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        found = self._connection.execute(_with_places(statement), _escaped(values)).fetchall()
        return [_unescaped(row) for row in found]

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        return self._connection.execute(_with_places(statement), _escaped(values)).rowcount

    def run_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        with self._connection.cursor() as cursor:
            cursor.executemany(_with_places(statement), [_escaped(row) for row in rows])
            return cursor.rowcount


def _wait_for_others(connection: "Connection") -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


def _version(connection: "Connection") -> int:
    found = connection.execute("SELECT to_regclass(%s)", (f"{_SCHEMA}.store_version",)).fetchone()
    if found is None or found[0] is None:
        return 0
    row = connection.execute("SELECT max(version) FROM store_version").fetchone()
    return 0 if row is None else row[0] or 0


@lru_cache(maxsize=256)
def _with_places(statement: str) -> str:
    return statement.replace("?", "%s")


def _escaped(values: Sequence[Any]) -> Sequence[Any]:
    if not any(isinstance(value, str) and ("\x00" in value or "\x01" in value) for value in values):
        return values
    return [_escape(value) if isinstance(value, str) else value for value in values]


def _escape(text: str) -> str:
    for character, escape in _ESCAPED.items():
        text = text.replace(character, escape)
    return text


def _unescaped(row: Row) -> Row:
    if not any(isinstance(value, str) and "\x01" in value for value in row):
        return row
    return tuple(_unescape(value) if isinstance(value, str) else value for value in row)


def _unescape(text: str) -> str:
    for character, escape in reversed(_ESCAPED.items()):
        text = text.replace(escape, character)
    return text
