"""A real PostgreSQL server, on the loopback address and in a temporary folder."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Where Debian puts them, which aren't on the path of users.
_DEBIAN = Path("/usr/lib/postgresql")
# PostgreSQL refuses to run as root.
_OTHER_USERS = ("postgres", "nobody")


class PostgreSQL:
    """A server that runs.

    folder (Path): Of its data; it listens on the loopback address.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def empty_database(self) -> str:
        """RETURNS (str): The address of a database without a store."""
        import psycopg

        address = self.address("postgres")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS spacy_ner_plus CASCADE")
        return address

    def address(self, name: str) -> str:
        """RETURNS (str): Of a database."""
        return f"postgresql://tests@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        # Nothing here has to outlive the machine.
        given = f"-c listen_addresses=127.0.0.1 -p {self.port} -k '' -c fsync=off -c shared_buffers=16MB"
        log = self._folder / "log"
        _run(
            "pg_ctl",
            "-D",
            str(self._folder / "data"),
            "-l",
            str(log),
            "-w",
            "-t",
            "120",
            "-o",
            given,
            "start",
        )

    def stop(self) -> None:
        """Stop it, without waiting for those who are connected."""
        _run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")


def find_program(name: str) -> str | None:
    """RETURNS (str | None): Where a program of PostgreSQL is; None where it isn't installed."""
    found = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return shutil.which(name) or (str(found[-1]) if found else None)


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Run a server.

    YIELDS (PostgreSQL): It.
    """
    with tempfile.TemporaryDirectory(prefix="postgresql-", dir="/tmp") as name:
        folder = Path(name)
        if (user := _other_user()) is not None:
            shutil.chown(folder, user)
        data = ("-D", str(folder / "data"), "-E", "UTF8", "--no-locale", "--no-sync")
        _run("initdb", *data, "-U", "tests", "-A", "trust")
        server = PostgreSQL(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _other_user() -> str | None:
    if os.getuid():
        return None
    known = {user.pw_name for user in pwd.getpwall()}
    return next(user for user in _OTHER_USERS if user in known)


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [find_program(program), *arguments],
        user=_other_user(),
        cwd="/",
        # Not pipes, which the server that stays would hold open.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, f"{program} {' '.join(arguments)}"
