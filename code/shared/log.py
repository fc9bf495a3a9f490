"""Log lines as JSON, for CloudWatch Logs Insights."""

import json
import logging
import os

logger = logging.getLogger()
logger.setLevel(os.environ.get("LOG_LEVEL", "INFO"))


def log(message: str, **fields: object) -> None:
    logger.info(json.dumps({"message": message, **fields}, default=str))
