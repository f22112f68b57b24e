"""Wheels of a few bytes, a bundle of them, and a package index on this machine that can be slow."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from addon.installation.devices import platform_tag
from addon.installation.offline import python_version

VERSIONS = {"tinyone": "1.0", "tinytwo": "2.0"}


def make_wheel(folder: Path, name: str, version: str, payload: int = 0) -> Path:
    """A pure Python wheel with one module and, on demand, `payload` bytes of data."""
    info = f"{name}-{version}.dist-info"
    files = {f"{name}.py": f"version = {version!r}\n".encode(), f"{name}_data.bin": bytes(payload),
             f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense-Expression: MIT\n".encode(),
             f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    rows = [f"{path},sha256={digest(content)},{len(content)}" for path, content in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return wheel


def digest(content: bytes) -> str:
    """As RECORD writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def make_bundle(target: Path, platform: str | None = None, python: str | None = None) -> Path:
    """An offline bundle of the two tiny packages."""
    wheels = [make_wheel(target.parent / "wheels", *item) for item in VERSIONS.items()]
    card = {"platform": platform or platform_tag(), "python": python or python_version(), "device": "cpu"}
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("photo_to_terrain/offline/bundle.json", json.dumps(card))
        for wheel in wheels:
            archive.write(wheel, f"photo_to_terrain/offline/{wheel.name}")
    return target


class Index:
    """A package index at `url`. `slow`: names whose files trickle.   `served`: names of the files sent to the end."""

    def __init__(self, folder: Path):
        self.folder, self.slow, self.served = folder, set[str](), list[str]()
        index = self

        class Handler(BaseHTTPRequestHandler):
            """Answers /simple/NAME/ and /files/FILE."""

            def do_GET(self) -> None:
                if self.path.startswith("/files/"):
                    index.send_file(self, self.path.rpartition("/")[2])
                    return
                name = self.path.strip("/").rpartition("/")[2]
                links = "".join(f'<a href="/files/{w.name}">{w.name}</a>' for w in sorted(index.folder.glob(f"{name}-*.whl")))
                content = f"<!DOCTYPE html><html><body>{links}</body></html>".encode()
                self.send_response(200 if links else 404)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Be silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def send_file(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        """All at once, or a piece every tenth of a second."""
        content = (self.folder / name).read_bytes()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/octet-stream")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        try:
            for start in range(0, len(content), 20_000):
                handler.wfile.write(content[start:start + 20_000])
                if name.partition("-")[0] in self.slow:
                    time.sleep(0.1)
        except OSError:
            return    # whoever asked is gone
        self.served.append(name.partition("-")[0])

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
