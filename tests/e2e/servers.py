"""The local AWS (moto), a proxy in front of it, and the two clients that the
scenario looks at AWS with."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Iterator, NamedTuple

# Loading moto takes 2 s on an idle machine.
MOTO_START_SECONDS = 60
# Headers that belong to one connection and are not passed on (RFC 9110, 7.6.1).
HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
# No request of a test takes that long; it turns a deadlock into a failure.
REQUEST_SECONDS = 120


@contextlib.contextmanager
def moto(binary: Path, log: Path) -> Iterator[int]:
    """Runs moto_server while the block runs; gives its port."""
    port = free_port()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(binary), "-p", str(port)], stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + MOTO_START_SECONDS
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"moto did not start:\n{log.read_text()}")
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/data.json", timeout=5).close()
    except OSError:
        return False
    return True


class Request(NamedTuple):
    method: str
    path: str  # without the query, decoded

    def writes_below(self, prefix: str) -> bool:
        return self.method not in ("GET", "HEAD") and self.path.startswith(prefix)


class Proxy(http.server.ThreadingHTTPServer):
    """Passes everything on to moto; writes down each request, and can refuse
    those that write below a path."""

    daemon_threads = True
    request_queue_size = 128  # 1,000 functions are uploaded at once

    def __init__(self, upstream_port: int) -> None:
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.upstream_port = upstream_port
        self.requests: list[Request] = []
        self.refused_prefix: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @contextlib.contextmanager
    def running(self) -> Iterator[Proxy]:
        thread = threading.Thread(target=self.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            thread.join()
            self.server_close()

    @contextlib.contextmanager
    def refusing_writes_below(self, prefix: str) -> Iterator[None]:
        """While the block runs, writes below the path get a 403."""
        self.refused_prefix = prefix
        try:
            yield
        finally:
            self.refused_prefix = None

    @contextlib.contextmanager
    def recording(self) -> Iterator[list[Request]]:
        """Gives the list that, after the block, holds the requests made in it."""
        before = len(self.requests)
        recorded: list[Request] = []
        yield recorded
        recorded += self.requests[before:]


class ProxyHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are sent apart; together with delayed acknowledgements
    # Nagle's algorithm makes that 40 ms a response.
    disable_nagle_algorithm = True
    server: Proxy

    def relay(self) -> None:
        body = self.read_body()
        request = Request(self.command, urllib.parse.unquote(urllib.parse.urlsplit(self.path).path))
        self.server.requests.append(request)
        refused = self.server.refused_prefix
        if refused is not None and request.writes_below(refused):
            self.refuse()
            return
        upstream = http.client.HTTPConnection(
            "127.0.0.1", self.server.upstream_port, timeout=REQUEST_SECONDS
        )
        with contextlib.closing(upstream):
            upstream.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() not in HOP_BY_HOP | {"expect", "content-length"}:
                    upstream.putheader(name, value)
            if body or "content-length" in self.headers:
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            response = upstream.getresponse()
            self.send(response.status, response.getheaders(), response.read())

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = relay  # noqa: N815

    def refuse(self) -> None:
        error = b"<Error><Code>AccessDenied</Code><Message>Refused by the test</Message></Error>"
        self.send(403, [("Content-Type", "application/xml")], error)

    def send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        lengths = []
        for name, value in headers:
            if name.lower() == "content-length":
                lengths.append(value)
            elif name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        # The answer to HEAD has the length of a body that isn't sent.
        length = lengths[0] if self.command == "HEAD" and lengths else str(len(body))
        if status not in (204, 304):
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return body

    def log_message(self, format: str, *args: object) -> None:
        pass  # the scenario reads Proxy.requests


class Aws:
    """Looks at what is in AWS, past the proxy and without an SDK."""

    def __init__(self, port: int, region: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.region = region

    def call(
        self,
        service: str,
        method: str,
        path: str,
        query: str = "",
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> bytes:
        # moto finds the service by the scope of the signature, which it doesn't check.
        scope = f"test/20200101/{self.region}/{service}/aws4_request"
        request = urllib.request.Request(
            self.url + urllib.parse.quote(path) + query,
            data=body,
            method=method,
            headers={
                "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0",
                # Else urllib says that a body is a form, and moto reads it so.
                "Content-Type": "application/xml",
                **(headers or {}),
            },
        )
        with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as response:
            return response.read()

    def json_call(self, service: str, target: str, parameters: dict) -> dict:
        """A call of a service whose protocol is JSON."""
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        return json.loads(self.call(service, "POST", "/", body=json.dumps(parameters).encode(), headers=headers))

    def role_policy(self, role: str, policy: str) -> dict:
        """An inline policy of a role."""
        query = urllib.parse.urlencode(
            {"Action": "GetRolePolicy", "RoleName": role, "PolicyName": policy, "Version": "2010-05-08"}
        )
        answer = ElementTree.fromstring(self.call("iam", "GET", "/", f"?{query}"))
        (document,) = [element.text for element in answer.iter() if element.tag.endswith("PolicyDocument")]
        return json.loads(urllib.parse.unquote(document or ""))

    def make_bucket(self, bucket: str) -> None:
        place = f"<LocationConstraint>{self.region}</LocationConstraint>"
        body = f"<CreateBucketConfiguration>{place}</CreateBucketConfiguration>"
        self.call("s3", "PUT", f"/{bucket}", body=body.encode())

    def keys(self, bucket: str) -> set[str]:
        """The keys of all objects in the bucket."""
        found: set[str] = set()
        token = ""
        while True:
            page = ElementTree.fromstring(
                self.call("s3", "GET", f"/{bucket}", f"?list-type=2{token}")
            )
            namespace = page.tag.partition("}")[0] + "}"
            found |= {key.text or "" for key in page.iter(f"{namespace}Key")}
            following = page.findtext(f"{namespace}NextContinuationToken")
            if following is None:
                return found
            token = "&continuation-token=" + urllib.parse.quote(following, safe="")

    def object(self, bucket: str, key: str) -> bytes:
        return self.call("s3", "GET", f"/{bucket}/{key}")

    def delete_object(self, bucket: str, key: str) -> None:
        self.call("s3", "DELETE", f"/{bucket}/{key}")

    def function(self, name: str) -> dict | None:
        """The configuration of a Lambda function; None if there is none."""
        try:
            answer = self.call("lambda", "GET", f"/2015-03-31/functions/{name}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        return json.loads(answer)["Configuration"]

    def alias_version(self, function: str, alias: str) -> str:
        """The version that an alias of a function leads to."""
        answer = self.call("lambda", "GET", f"/2015-03-31/functions/{function}/aliases/{alias}")
        return json.loads(answer)["FunctionVersion"]
