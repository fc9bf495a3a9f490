import os

from rules import accepted


def handler(event, context):
    # The secret's name; its value is read from Secrets Manager where it is needed.
    return {"accepted": accepted(event), "cookie_key": os.environ["COOKIE_KEY_SECRET"]}
