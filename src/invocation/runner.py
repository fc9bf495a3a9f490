"""Calls a Lambda handler once, as Lambda's runtime for Python does; lambda-pack speaks the other end of the Runtime API."""

import importlib
import json
import os
import sys
import time
import traceback
import urllib.request

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


def post(path, body):
    request = urllib.request.Request(API + path, body.encode(), {"Content-Type": "application/json"})
    OPENER.open(request).close()


def failed(path, error):
    # Frames of this file say nothing to who wrote the handler.
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    frames = [frame for frame in frames if not frame.filename.startswith("<frozen importlib")]
    if isinstance(error, SyntaxError):
        trace = traceback.format_exception_only(type(error), error)
    else:
        trace = traceback.format_list(frames)
    sys.stdout.flush()
    post(path, json.dumps({"errorType": type(error).__name__, "errorMessage": str(error), "stackTrace": trace}))


def main():
    try:
        module, _, name = os.environ["_HANDLER"].rpartition(".")
        handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    except BaseException as error:
        return failed("init/error", error)
    with OPENER.open(API + "invocation/next") as response:
        headers, event = response.headers, response.read()
    invocation = f"invocation/{headers['Lambda-Runtime-Aws-Request-Id']}"
    try:
        answer = json.dumps(handler(json.loads(event), Context(headers)))
    except BaseException as error:
        return failed(f"{invocation}/error", error)
    sys.stdout.flush()
    post(f"{invocation}/response", answer)


main()
