"""A mail server that receives notices: one connection for as long as it works, one address a message (R103).

What the server says is told by its number alone: its text may quote what was sent.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from email.message import EmailMessage
from types import TracebackType
from typing import NamedTuple

from bank_host.address import Address
from bank_host.notices.message import SENDER
from bank_host.notices.relay import AddressRefused, NotDelivered
from bank_host.secrets import Secret

TIMEOUT_S = 30.0
"""For each answer of the server, well within the lease of an attempt (`bank_host.notices.plan.Pace`)."""

_PERMANENT = 500  # from here on the server says that another attempt ends the same way (RFC 5321, 4.2.1)


class Login(NamedTuple):
    """Who sends, to a server that asks."""

    user: str
    password: Secret


class SmtpServer:
    """A sink (`bank_host.notices.relay.Sink`). It connects when the first message comes, and anew after any trouble."""

    def __init__(
        self,
        address: Address,
        *,
        tls: ssl.SSLContext | None = None,
        login: Login | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """With `tls` nothing is sent before STARTTLS has shown the server's name; a password never goes without it."""
        if login is not None and tls is None:
            raise ValueError("a password is sent over TLS only")
        self._address = address
        self._tls = tls
        self._login = login
        self._timeout_s = timeout_s
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> SmtpServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):  # what was taken was answered before
                self._server.quit()
            self._drop()

    def __call__(self, message: EmailMessage) -> None:
        taken = False
        try:
            if self._server is None:
                self._server = self._connected()
            to = message["To"].addresses[0].addr_spec
            self._server.send_message(message, from_addr=SENDER.addr_spec, to_addrs=[to])
            taken = True
        except smtplib.SMTPRecipientsRefused as refused:
            (code, _), *_ = refused.recipients.values()
            raise _refusal(code, "the address") from None
        except smtplib.SMTPDataError as refused:
            raise _refusal(refused.smtp_code, "the message") from None
        except (
            smtplib.SMTPResponseException
        ) as refused:  # of this sender or this login: no fault of the address
            raise NotDelivered(f"the mail server answered {refused.smtp_code}") from None
        except smtplib.SMTPException as failed:
            raise NotDelivered(f"the mail server broke off ({type(failed).__name__})") from None
        finally:
            if not taken:
                self._drop()

    def _connected(self) -> smtplib.SMTP:
        server = smtplib.SMTP(self._address.host, self._address.port, timeout=self._timeout_s)
        try:
            if self._tls is not None:
                server.starttls(context=self._tls)
            if self._login is not None:
                server.login(self._login.user, self._login.password.reveal())
        except BaseException:
            server.close()
            raise
        return server

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


def _refusal(code: int, what: str) -> AddressRefused | NotDelivered:
    if code >= _PERMANENT:
        return AddressRefused(f"the mail server refuses {what} for good ({code})")
    return NotDelivered(f"the mail server does not take {what} now ({code})")
