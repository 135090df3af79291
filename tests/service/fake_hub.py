"""A hub as far as services see one: users by token, groups, and the OAuth dance, on a port of this machine."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ACCESS = "access:services!service=autograder"


@dataclass
class FakeHub:
    """`users` by token, as `/hub/api/user` describes them. `signed_in`: whose browser asks."""

    users: dict[str, dict] = field(default_factory=dict)
    signed_in: str | None = None
    asked: int = 0
    down: bool = False

    def __enter__(self):
        self.codes: dict[str, str] = {}
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                hub.get(self)

            def do_POST(self):
                hub.post(self)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def add(self, name: str, *groups: str, scopes: tuple[str, ...] = (ACCESS,), kind: str = "user") -> str:
        """A user with these groups. Returns: a token of theirs."""
        token = f"token-of-{name}-{secrets.token_hex(4)}"
        self.users[token] = {"name": name, "kind": kind, "groups": list(groups), "scopes": list(scopes)}
        return token

    def get(self, request):
        self.asked += 1
        url = urlsplit(request.path)
        if self.down:
            return self.answer(request, 503, {"message": "down"})
        if url.path == "/hub/api/user":
            token = request.headers.get("Authorization", "").removeprefix("token ")
            user = self.users.get(token)
            return self.answer(request, 200 if user else 403, user or {"message": "Forbidden"})
        if url.path.startswith("/hub/api/groups/"):
            group = url.path.rsplit("/", 1)[1]
            names = sorted({user["name"] for user in self.users.values() if group in user["groups"]})
            return self.answer(request, 200, {"name": group, "users": names})
        if url.path == "/hub/api/oauth2/authorize":
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            code = secrets.token_hex(8)
            self.codes[code] = query["code_challenge"]
            request.send_response(302)
            host = request.headers.get("X-Test-Host") or self.service
            request.send_header(
                "Location", f"{host}{query['redirect_uri']}?code={code}&state={query['state']}"
            )
            request.end_headers()
            return None
        return self.answer(request, 404, {})

    def post(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length", 0))).decode()
        code = parse_qs(body).get("code", [""])[0]
        if self.codes.pop(code, None) is None or self.signed_in is None:
            return self.answer(request, 400, {"error": "invalid_grant"})
        return self.answer(request, 200, {"access_token": self.signed_in, "token_type": "Bearer"})

    service: str = ""  # where browsers find the service

    @staticmethod
    def answer(request, status, body):
        content = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)
