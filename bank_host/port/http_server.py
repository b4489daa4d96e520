"""An HTTP address of the host, served in a thread of its own: the admin's pages on one, the web bank on another."""

from __future__ import annotations

import socket
import ssl
import threading

import uvicorn
from starlette.applications import Starlette

_STOP_S = 2.0
_AT_ONCE = 64


class HttpServer:
    """The address is taken when this is made, so that a taken one is told at the start."""

    def __init__(
        self, name: str, host: str, port: int, application: Starlette, tls: ssl.SSLContext | None = None
    ) -> None:
        """Over TLS with that context, else plain."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            limit_concurrency=_AT_ONCE,
            proxy_headers=False,  # who calls is who is connected: headers that say otherwise are the caller's own
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        config.load()
        config.ssl = tls
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name=name, daemon=True
        )

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._socket.getsockname()[:2]
        return host, port

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(_STOP_S)
        self._socket.close()
