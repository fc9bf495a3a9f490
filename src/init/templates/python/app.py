"""Greets whoever the event names."""

import os


def handler(event, context):
    greeting = os.environ.get("GREETING", "Hello")
    return {"message": f"{greeting}, {event.get('name', 'world')}!"}
