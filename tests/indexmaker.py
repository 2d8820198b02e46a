"""Package indexes on this machine: a directory of wheels, served as PEP 503 has it, and one that never answers."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from hotswap.model import canonical


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


class Index:
    """An index that serves what lies in `wheels`; `asked` are the paths of all requests, in order."""

    def __init__(self, root: Path, address: str, asked: list[str]) -> None:
        self.root = root
        self.wheels = root / "files"
        self.wheels.mkdir()
        self.url = f"{address}/simple"
        self.asked = asked

    def publish(self) -> str:
        """Make the pages for all files that are there now; returns the address of the index."""
        pages: dict[str, list[str]] = {}
        for file in sorted(self.wheels.iterdir()):
            name = canonical(file.name.partition("-")[0])
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            pages.setdefault(name, []).append(f'<a href="/files/{file.name}#sha256={digest}">{file.name}</a><br>')
        for name, links in pages.items():
            page = self.root / "simple" / name / "index.html"
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>")
        return self.url


@contextmanager
def serving(root: Path) -> Iterator[Index]:
    """Serve an index for as long as the block lasts."""
    root.mkdir()
    asked: list[str] = []

    class Handler(_Quiet):
        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield Index(root, f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Silence:
    """An index that takes connections and never answers."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self.url = f"http://127.0.0.1:{server.getsockname()[1]}/simple"
        self.asked = threading.Event()
        """Set when somebody has asked."""
        self.left = threading.Event()
        """Set when the first who asked has gone."""

    def listen(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            while connection.recv(1 << 16):
                self.asked.set()
            self.left.set()


@contextmanager
def silent() -> Iterator[Silence]:
    """Have an index that never answers for as long as the block lasts; somebody has to ask it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        silence = Silence(server)
        thread = threading.Thread(target=silence.listen)
        thread.start()
        try:
            yield silence
        finally:
            thread.join()
