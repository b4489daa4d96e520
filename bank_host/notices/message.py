"""The e-mail of one notice to one address: the same bytes however often it is made (requirements R103-R108).

Nothing in it comes from a customer but the address itself, and that is refused unless it is one plain address.
"""

from __future__ import annotations

from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime
from hashlib import sha256

from bank_host.jst import civil
from bank_host.notices.texts import CLOSING, TEXTS
from bank_host.store.contract import MailRow

SENDER = Address("my m@il", "notice", "jnb.example")

# Through any mail server as 7 bits: what is not ASCII goes out encoded, and the text is UTF-8, because
# ISO-2022-JP has no half-width kana, ① or 髙.
WIRE = default.clone(cte_type="7bit")
# For people who look into a folder.
READABLE = default.clone(cte_type="8bit", utf8=True)


class BadAddress(Exception):
    """This is no address that mail can go to, now or ever. Never quotes it."""


def message_id(row: MailRow) -> str:
    """One per event and address, whatever happens on the way."""
    digest = sha256(f"{row.key}\n{row.address}".encode()).hexdigest()
    return f"<{digest[:32]}@{SENDER.domain}>"


def render(row: MailRow) -> EmailMessage:
    """The message; `as_bytes()` gives its 7-bit form. Raises BadAddress, KeyError for a kind without a text."""
    text = TEXTS[row.kind]
    message = EmailMessage(policy=WIRE)
    message["Message-ID"] = message_id(row)
    message["Date"] = format_datetime(civil(row.at_us))
    message["From"] = SENDER
    message["To"] = _address(row.address)
    message["Subject"] = f"【my m@il】{text.subject.ja} / {text.subject.en}"
    message["Auto-Submitted"] = "auto-generated"
    amount = f"¥{row.amount_jpy:,}"
    account = "•••" + row.account_id[-3:]
    at = f"{civil(row.at_us):%Y-%m-%d %H:%M:%S} JST"
    lines = [
        *(text.body.ja.format(amount=amount), f"日時: {at}", f"口座: {account}", CLOSING.ja, ""),
        *(text.body.en.format(amount=amount), f"Time: {at}", f"Account: {account}", CLOSING.en),
    ]
    message.set_content("\n".join(lines) + "\n", cte="8bit")
    return message


def _address(text: str) -> Address:
    try:
        return Address(addr_spec=text)
    except (ValueError, IndexError, MessageError):
        raise BadAddress("the registered address is not one that mail can go to") from None
