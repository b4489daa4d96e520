"""A pcscd of the test's own, with vpcd's two readers, that nobody else sees and that ends with its parent.

The client side is `PCSCLITE_CSOCK_NAME`, which tests/conftest.py sets before anything asks for a reader. The daemon's
path is compiled in, but it takes a socket by activation: we listen, it inherits. It is ended by the pid that was
started here.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Thread

from cardreader.virtual import vpcd
from cardreader.virtual.in_process import Answering
from tests.cardreader.waiting import until

DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
CONTACT, CONTACTLESS = "Virtual PCD 00 00", "Virtual PCD 00 01"

_START = """
import ctypes, os, sys
listener, user, program, *arguments = sys.argv[1:]
if user != "-":
    os.setgroups([]); os.setgid(int(user)); os.setuid(int(user))
ctypes.CDLL(None).prctl(1, 15)  # SIGTERM when the parent dies; after the change of user, which forgets it
os.dup2(int(listener), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid()), "PCSCLITE_FILTER_IGNORE_READER_NAMES": "USB:CCID"}
os.execv(program, [program, *arguments])
"""
_NOBODY = 65534


def missing() -> str | None:
    """Why no private pcscd can be had here; None if it can."""
    if not sys.platform.startswith("linux"):
        return "a private pcscd is started on Linux only"
    if _pcscd() is None:
        return "pcscd is not installed: apt-get install pcscd"
    if not DRIVER.exists():
        return "vpcd is not installed: apt-get install vsmartcard-vpcd"
    if not Path("/run/pcscd").is_dir() and os.getuid() != 0:
        return "pcscd needs the folder /run/pcscd: sudo mkdir /run/pcscd"
    return None


def _pcscd() -> str | None:
    return shutil.which("pcscd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def free_ports() -> int:
    """A port that is free together with the next one: vpcd takes both. Below those that outgoing connections get."""
    begin = 20_000 + os.getpid() * 2 % 10_000
    return next(port for port in range(begin, 32_000, 2) if is_free(port) and is_free(port + 1))


class Pcscd:
    """The daemon, which can be stopped and started again, with readers that are empty at first."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pcscd-"))
        self._folder.chmod(0o755)  # the daemon is another user
        self._socket = Path(os.environ["PCSCLITE_CSOCK_NAME"])
        self._process: subprocess.Popen[bytes] | None = None
        self._log = self._folder / "log"
        self._inserted: list[InsertedCard] = []
        self.port = free_ports()

    def start(self) -> None:
        """Returns when vpcd listens for cards."""
        config = self._folder / "reader.conf.d"
        config.mkdir(exist_ok=True)
        (config / "vpcd").write_text(
            f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:0x{self.port:X}\n'
            f"LIBPATH {DRIVER}\nCHANNELID 0x{self.port:X}\n"
        )
        pcscd, as_root = _pcscd(), os.getuid() == 0
        assert pcscd is not None
        if as_root:
            Path("/run/pcscd").mkdir(exist_ok=True)
        self._socket.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener, self._log.open("ab") as log:
            listener.bind(str(self._socket))
            listener.listen()
            arguments = [pcscd, "--foreground", "-c", str(config)]
            if "--disable-polkit" in subprocess.run([pcscd, "--help"], capture_output=True, text=True).stdout:
                arguments.append("--disable-polkit")
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    _START,
                    str(listener.fileno()),
                    str(_NOBODY) if as_root else "-",
                    *arguments,
                ],
                pass_fds=[listener.fileno()],
                stdout=log,
                stderr=log,
            )
        until(self._listens, f"pcscd does not come up: {self._log}")

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"pcscd has ended: {self._log.read_text(errors='replace')}"
        return not any(is_free(port) for port in (self.port, self.port + 1))

    def ports_are_free(self) -> bool:
        return is_free(self.port) and is_free(self.port + 1)

    def stop(self) -> None:
        """Ends the process that was started here, and no other."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:  # it waits for a card that is silent
                self._process.kill()
                self._process.wait()
            self._process = None
        self._socket.unlink(missing_ok=True)

    def kill(self) -> None:
        """As a crash: nothing is tidied up, the socket's name stays."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def clean(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def insert(self, card: Answering, reader: str = CONTACT) -> InsertedCard:
        inserted = InsertedCard(self.port + (reader == CONTACTLESS), card)
        self._inserted.append(inserted)
        return inserted

    def pull_all(self) -> None:
        while self._inserted:
            self._inserted.pop().pull()


def is_free(port: int) -> bool:
    """Whether nobody listens there. Asked without connecting: vpcd would take that for a card."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


class InsertedCard:
    """A card in one of vpcd's readers, answered for in a thread."""

    def __init__(self, port: int, card: Answering) -> None:
        self.card = card
        self._connection = vpcd.insert(port)
        self._thread = Thread(target=vpcd.serve, args=(self._connection, card), daemon=True)
        self._thread.start()

    def pull(self) -> None:
        vpcd.pull(self._connection)
        self._thread.join(10)
        assert not self._thread.is_alive()
