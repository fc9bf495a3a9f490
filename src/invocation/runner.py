"""Calls a Lambda handler once, as Lambda's runtime for Python does; lambda-pack speaks the other end of the Runtime API."""

import decimal
import importlib
import itertools
import json
import math
import os
import re
import sys
import time
import traceback
import urllib.request
import uuid

# Nothing of the function's is imported before this line: its modules may have any name.
sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Context:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    identity = None
    client_context = None

    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(time.time() * 1000))


# What stands for a number whose text must come out as it is: json would make a float of it.
MARK = uuid.uuid4().hex


class Fault(Exception):
    """What Lambda says of a function, rather than the function of itself."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind = f"Runtime.{kind}"
        self.trace = list(trace)


def number(value):
    if isinstance(value, decimal.Decimal):
        return math.nan if value.is_nan() else f"{MARK}{value}{MARK}"
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def marshal(answer):
    """As awslambdaric does: decimals are numbers; from Python 3.12 on characters aren't escaped, so that half ones are an error."""
    if isinstance(answer, bytes):
        return answer
    is_older = sys.version_info < (3, 12)
    try:
        text = json.dumps(answer, default=number, ensure_ascii=is_older)
    except Exception as error:
        raise Fault("MarshalError", f"Unable to marshal response: {error}") from error
    return re.sub(f'"{MARK}(.*?){MARK}"', r"\1", text)


def post(path, body):
    content = body if isinstance(body, bytes) else body.encode()
    request = urllib.request.Request(API + path, content, {"Content-Type": "application/json"})
    OPENER.open(request).close()


def failed(path, error, request_id=""):
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace
    else:
        kind = type(error).__name__
        # Of each frame what awslambdaric tells; frames of this file say nothing to who wrote the handler.
        frames = [(it.filename, it.lineno, it.name, it.line) for it in traceback.extract_tb(error.__traceback__)]
        trace = traceback.format_list(list(itertools.dropwhile(lambda frame: frame[0] == __file__, frames)))
    sys.stdout.flush()
    said = {"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": trace}
    post(path, json.dumps(said))


def find(handler):
    module, dot, name = handler.rpartition(".")
    if not dot:
        raise Fault("MalformedHandlerName", f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)")
    if module.split(".")[0] in sys.builtin_module_names:
        raise Fault("BuiltInModuleConflict", f"Cannot use built-in module {module} as a handler module")
    try:
        found = importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        raise Fault("ImportModuleError", f"Unable to import module '{module}': {error}") from error
    except SyntaxError as error:
        trace = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        raise Fault("UserCodeSyntaxError", f"Syntax error in module '{module}': {error}", [trace]) from error
    try:
        return getattr(found, name)
    except AttributeError:
        raise Fault("HandlerNotFound", f"Handler '{name}' missing on module '{module}'") from None


def main():
    try:
        handler = find(os.environ["_HANDLER"])
    except Exception as error:
        return failed("init/error", error)
    with OPENER.open(API + "invocation/next") as response:
        headers, event = response.headers, response.read()
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    try:
        answer = marshal(handler(json.loads(event), Context(headers)))
    except Exception as error:
        return failed(f"invocation/{request_id}/error", error, request_id)
    sys.stdout.flush()
    post(f"invocation/{request_id}/response", answer)


main()
