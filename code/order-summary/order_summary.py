from collections import defaultdict
from decimal import Decimal

from shared.log import log
from shared.orders import InvalidOrder, parse_order


def lambda_handler(event, context):
    """An SQS batch of orders -> the messages to try again (ReportBatchItemFailures)."""
    totals = defaultdict(Decimal)
    failures = []
    for record in event["Records"]:
        try:
            order = parse_order(record["body"])
        except InvalidOrder as error:
            log("order refused", message_id=record["messageId"], reason=str(error))
            failures.append({"itemIdentifier": record["messageId"]})
        else:
            totals[order.currency] += order.total
    log("batch summed up", orders=len(event["Records"]) - len(failures), totals=totals)
    return {"batchItemFailures": failures}
