import base64
import json

from shared.log import log
from shared.orders import InvalidOrder, parse_order


def lambda_handler(event, context):
    """An HTTP request with an order (payload format 2.0) -> its total, or what is wrong."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body)
    try:
        order = parse_order(body)
    except InvalidOrder as error:
        log("order refused", reason=str(error))
        return respond(400, {"error": str(error)})
    log("order accepted", order_id=order.order_id, total=order.total)
    return respond(
        200,
        {
            "order_id": order.order_id,
            "currency": order.currency,
            "total": str(order.total),
        },
    )


def respond(status: int, body: dict) -> dict:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body),
    }
