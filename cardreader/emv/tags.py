"""The tags that cards and terminals speak in: name, and whether and how a value is shown (EMV Book 3, annex A).

A value is shown only if its tag is here with a form to show it in: whatever is unknown may hold a card number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Form = Literal["hex", "bits", "number", "text", "date", "list", "hidden", "pan", "track"]
"""How a value is shown. `hidden`: only its length; `pan`, `track`: a card number, masked; `bits`: hexadecimal in which
no card number can be, `hex`: in which a row of digits is masked all the same."""


class Tag(NamedTuple):
    """One tag in words."""

    name: str
    form: Form = "hex"


TAGS: Final[Mapping[str, Tag]] = {
    "42": Tag("Issuer identification number"),
    "4F": Tag("Application identifier (AID)"),
    "50": Tag("Label", "text"),
    "56": Tag("Track 1 data", "hidden"),
    "57": Tag("Track 2 equivalent data", "track"),
    "5A": Tag("Card number (PAN)", "pan"),
    "5F20": Tag("Cardholder's name", "hidden"),
    "5F24": Tag("Expiry date", "hidden"),
    "5F25": Tag("Effective date", "date"),
    "5F28": Tag("Issuer's country", "number"),
    "5F2A": Tag("Currency of the transaction", "number"),
    "5F2D": Tag("Languages", "text"),
    "5F30": Tag("Service code", "number"),
    "5F34": Tag("Card sequence number (PSN)", "number"),
    "61": Tag("Directory entry"),
    "6F": Tag("File control information"),
    "70": Tag("Record"),
    "71": Tag("Issuer script before the second cryptogram", "hidden"),
    "72": Tag("Issuer script after the second cryptogram", "hidden"),
    "73": Tag("Directory's discretionary data"),
    "77": Tag("Answer"),
    "80": Tag("Answer, packed", "hidden"),
    "82": Tag("Application interchange profile (AIP)"),
    "84": Tag("Name of the file"),
    "87": Tag("Priority"),
    "88": Tag("File of the directory", "number"),
    "8A": Tag("Response code", "text"),
    "8C": Tag("Values for the first cryptogram (CDOL1)", "list"),
    "8D": Tag("Values for the second cryptogram (CDOL2)", "list"),
    "8E": Tag("Cardholder verification methods"),
    "8F": Tag("Index of the certification authority's key", "number"),
    "90": Tag("Issuer's certificate", "hidden"),
    "91": Tag("Issuer's authentication data", "hidden"),
    "92": Tag("Rest of the issuer's public key", "hidden"),
    "93": Tag("Signed static data", "hidden"),
    "94": Tag("Files to read (AFL)"),
    "95": Tag("Terminal verification results (TVR)"),
    "97": Tag("Values for the certificate (TDOL)", "list"),
    "9A": Tag("Date of the transaction", "date"),
    "9C": Tag("Type of transaction", "number"),
    "9D": Tag("Name of a directory"),
    "9F02": Tag("Amount", "number"),
    "9F03": Tag("Other amount", "number"),
    "9F05": Tag("Application's discretionary data", "hidden"),
    "9F07": Tag("Where the card may be used"),
    "9F08": Tag("Version of the card's application", "number"),
    "9F09": Tag("Version of the terminal's application", "number"),
    "9F0B": Tag("Cardholder's name, continued", "hidden"),
    "9F0D": Tag("Issuer's action code: default"),
    "9F0E": Tag("Issuer's action code: decline"),
    "9F0F": Tag("Issuer's action code: go online"),
    "9F10": Tag("Issuer's application data", "bits"),
    "9F11": Tag("Code table of the preferred name", "number"),
    "9F12": Tag("Preferred name", "text"),
    "9F13": Tag("Counter at the last online transaction", "number"),
    "9F14": Tag("Lower limit of offline transactions", "number"),
    "9F17": Tag("PIN tries left", "number"),
    "9F1A": Tag("Country of the terminal", "number"),
    "9F1F": Tag("Track 1 discretionary data", "hidden"),
    "9F20": Tag("Track 2 discretionary data", "hidden"),
    "9F23": Tag("Upper limit of offline transactions", "number"),
    "9F26": Tag("Cryptogram", "bits"),
    "9F27": Tag("Kind of cryptogram"),
    "9F32": Tag("Exponent of the issuer's public key"),
    "9F33": Tag("What the terminal can do"),
    "9F34": Tag("How the cardholder was verified"),
    "9F35": Tag("Kind of terminal", "number"),
    "9F36": Tag("Transaction counter (ATC)", "number"),
    "9F37": Tag("Unpredictable number"),
    "9F38": Tag("Values for opening (PDOL)", "list"),
    "9F40": Tag("What the terminal can do, further"),
    "9F42": Tag("Currency of the application", "number"),
    "9F44": Tag("Decimals of the currency", "number"),
    "9F45": Tag("Data authentication code", "hidden"),
    "9F46": Tag("Card's certificate", "hidden"),
    "9F47": Tag("Exponent of the card's public key"),
    "9F48": Tag("Rest of the card's public key", "hidden"),
    "9F49": Tag("Values for authentication (DDOL)", "list"),
    "9F4A": Tag("Static data that are signed"),
    "9F4B": Tag("Signed dynamic data", "hidden"),
    "9F4D": Tag("File of the log"),
    "9F4F": Tag("Layout of the log", "list"),
    "9F66": Tag("What the terminal can do, contactless"),
    "9F6B": Tag("Track 2 data, contactless", "hidden"),
    "A5": Tag("Of the issuer"),
    "BF0C": Tag("Of the issuer, discretionary"),
}

UNKNOWN: Final = Tag("Unknown", "hidden")
NUMERIC_IN_BINARY: Final = frozenset({"87", "88", "9F08", "9F13", "9F14", "9F17", "9F23", "9F36"})
"""Numbers that are written in binary; the others are digits."""


def tag_named(tag: str) -> Tag:
    return TAGS.get(tag, UNKNOWN)
