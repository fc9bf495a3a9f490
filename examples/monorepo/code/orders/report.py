from shared.money import total


def handler(event, context):
    return {"orders": len(event["orders"]), "total": sum(total(order["lines"]) for order in event["orders"])}
