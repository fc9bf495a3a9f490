"""Hashes the text it is given, so that one call shows which code is live."""

import hashlib
import logging
import os
from pathlib import Path

logger = logging.getLogger()
logger.setLevel(os.environ.get("LOG_LEVEL", "INFO"))

CODE_SHA256 = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def lambda_handler(event, context):
    """`{"text": "..."}` -> its length and digests, and the digest of this file."""
    text = event.get("text") if isinstance(event, dict) else None
    if not isinstance(text, str):
        raise TypeError('expected an event like {"text": "..."}')
    data = text.encode()
    logger.info("hashing %d bytes", len(data))
    return {
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "blake2b": hashlib.blake2b(data).hexdigest(),
        "code_sha256": CODE_SHA256,
    }
