import os

from iban_check.resources import messages
from iban_check.validate import InvalidIban, grouped, validate

MESSAGES = messages()
DEFAULT_LANGUAGE = os.environ.get("DEFAULT_LANGUAGE", "en")


def lambda_handler(event, context):
    """`{"iban": "...", "language": "de"}` -> whether it is valid, and if not, why."""
    texts = MESSAGES.get(event.get("language"), MESSAGES[DEFAULT_LANGUAGE])
    try:
        iban = validate(str(event.get("iban", "")))
    except InvalidIban as error:
        message = texts[error.reason].format(**error.details)
        return {"valid": False, "reason": error.reason, "message": message}
    return {"valid": True, "iban": iban, "printed": grouped(iban)}
