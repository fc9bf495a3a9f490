from shared.money import total


def handler(event, context):
    return {"total": total(event["lines"])}
