"""ops/nginx in a real nginx, in front of a server that echoes requests; and its use in docker-compose.yml."""

import http.client
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from leadswitch.env import REPOSITORY
from leadswitch.web import config
from tests.support import machine
from tests.support.ports import free_port
from tests.support.waiting import wait_until

# The template has 100.
CONNECTIONS: Final = 5
TEMPLATE: Final = REPOSITORY / "ops" / "nginx" / "leadswitch.conf.template"
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that it received, and counts requests."""

    requests = 0

    def do_POST(self) -> None:
        Echo.requests += 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Strict-Transport-Security", "max-age=1")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nginx")


@pytest.fixture(scope="module")
def port(directory: Path) -> Iterator[int]:
    """The TLS port of nginx."""
    program = machine.nginx()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tls = ("-newkey", "rsa:2048", "-keyout", "privkey.pem", "-out", "fullchain.pem")
    subprocess.run(
        [machine.openssl(), "req", "-x509", "-nodes", "-subj", "/CN=localhost", *tls],
        cwd=directory,
        check=True,
        capture_output=True,
    )
    plain, secure = free_port(), free_port()
    (directory / "nginx.conf").write_text(
        f"daemon off; pid {directory}/pid; error_log {directory}/error.log; events {{}}\n"
        f"http {{ access_log {directory}/access.log; {paths(directory)}\n"
        f"{site(directory, server.server_port, plain, secure)} }}"
    )
    with subprocess.Popen([program, "-c", str(directory / "nginx.conf"), "-e", "stderr"]) as process:
        try:
            wait_until_open(secure, process)
            yield secure
        finally:
            process.terminate()
            server.shutdown()
            server.server_close()


def paths(directory: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {directory}/{kind};" for kind in kinds)


def site(directory: Path, upstream: int, plain: int, secure: int) -> str:
    text = TEMPLATE.read_text()
    for variable in ("${UPSTREAM}", "${STREAMS}"):
        text = text.replace(variable, f"127.0.0.1:{upstream}")
    text = text.replace("connections_of_address 100;", f"connections_of_address {CONNECTIONS};")
    text = text.replace("listen 80 ", f"listen 127.0.0.1:{plain} ")
    text = text.replace("listen 443 ", f"listen 127.0.0.1:{secure} ")
    return text.replace("/etc/nginx/tls", str(directory))


def wait_until_open(port: int, process: "subprocess.Popen[bytes]") -> None:
    while True:
        assert process.poll() is None, "nginx ended"
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            continue


def context() -> ssl.SSLContext:
    accepting = ssl.create_default_context()
    accepting.check_hostname, accepting.verify_mode = False, ssl.CERT_NONE
    return accepting


def ask(port: int, path: str = "/", *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Any:
    with closing(http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context())) as connection:
        connection.request("POST", path, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def test_headers_of_the_client_are_overwritten(port: int) -> None:
    sent = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil",
        "Forwarded": "for=6",
    }
    status, headers, body = ask(port, headers=sent)
    got = {name.lower(): value for name, value in json.loads(body).items()}
    assert (status, headers.get_all("Strict-Transport-Security")) == (200, ["max-age=1"])
    assert (got["x-forwarded-for"], got["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert not {"x-forwarded-host", "forwarded"} & set(got)


def test_sign_in_links_are_passed_on_with_the_same_headers_and_not_logged(port: int, directory: Path) -> None:
    status, _, body = ask(port, "/portal/enter/a-token/", headers={"X-Forwarded-Proto": "http"})
    got = {name.lower(): value for name, value in json.loads(body).items()}
    assert (status, got["x-forwarded-proto"]) == (200, "https")
    ask(port, "/portal/after/")
    log = directory / "access.log"
    wait_until(lambda: "/portal/after/" in log.read_text(), what="the later request is logged")
    assert "a-token" not in log.read_text()


def test_metrics_are_not_published(port: int) -> None:
    assert ask(port, "/metrics")[0] == 404


def test_too_large_a_body_is_refused(port: int) -> None:
    assert ask(port, headers={"Content-Length": str(11 * 1024 * 1024)})[0] == 413


def test_half_a_body_is_not_forwarded_and_an_address_has_a_limit(port: int) -> None:
    before = Echo.requests
    half = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhal"
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            secure = stack.enter_context(context().wrap_socket(client))
            secure.sendall(half)
        # nginx counts a connection when it has read its header. Once it refuses one, it has read all of them.
        refused = ask(port)[0]
        while refused == 200:
            refused = ask(port)[0]
        assert refused == 429
        served = Echo.requests - before
    assert served < CONNECTIONS


def test_compose_publishes_only_the_proxy() -> None:
    parts = COMPOSE["services"]
    published = {name: part["ports"] for name, part in parts.items() if "ports" in part}
    beyond_this_machine = [
        name for name, ports in published.items() if not all(port.startswith("127.0.0.1:") for port in ports)
    ]
    assert beyond_this_machine == ["proxy"]
    assert set(published) == {"proxy", "prometheus", "alertmanager", "grafana"}
    assert parts["web"]["environment"]["LEADSWITCH_TRUST_PROXY"] == "true"
    assert parts["proxy"]["environment"]["UPSTREAM"] == "web:8000"
    mounted = [volume.split(":")[0] for volume in parts["proxy"]["volumes"]]
    assert "./ops/nginx/leadswitch.conf.template" in mounted


def test_connections_outlive_those_of_the_proxy() -> None:
    kept = [line for line in TEMPLATE.read_text().splitlines() if "keepalive_timeout" in line]
    assert [int(line.split()[1].rstrip("s;")) for line in kept] == [60, 65]
    assert config.keepalive > 75
