"""The rules of an IBAN: characters, country, length, and the check digits of ISO 7064."""

import re

from iban_check.resources import load

LENGTHS: dict[str, int] = load("lengths.json")

SHAPE = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]+")


class InvalidIban(Exception):
    """Carries the key of a message, and what the message needs."""

    def __init__(self, reason: str, **details: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.details = details


def validate(text: str) -> str:
    """Returns the IBAN in its electronic form, or raises InvalidIban."""
    iban = re.sub(r"[\s-]", "", text).upper()
    if not SHAPE.fullmatch(iban):
        raise InvalidIban("shape")
    country = iban[:2]
    if country not in LENGTHS:
        raise InvalidIban("country", country=country)
    if len(iban) != LENGTHS[country]:
        raise InvalidIban(
            "length", country=country, expected=LENGTHS[country], found=len(iban)
        )
    if remainder(iban) != 1:
        raise InvalidIban("check_digits")
    return iban


def remainder(iban: str) -> int:
    """ISO 7064 MOD 97-10: the first four characters last, and letters as 10 to 35."""
    rearranged = iban[4:] + iban[:4]
    return int("".join(str(int(char, 36)) for char in rearranged)) % 97


def grouped(iban: str) -> str:
    """The printed form: groups of four."""
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))
