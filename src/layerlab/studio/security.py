"""Who may talk to the studio: its own page, through its own address, with the token where one is needed."""

from __future__ import annotations

import ipaddress
import re
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Access", "Guard", "is_loopback", "new_token"]

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?")


def new_token() -> str:
    """Return a token that nobody guesses."""
    return secrets.token_urlsafe(24)


def is_loopback(host: str) -> bool:
    """Tell whether a server at ``host`` is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


@dataclass(frozen=True)
class Access:
    """The rule, pure: what a request says of itself in, a reason to refuse it out.

    Args:
        hosts: names and addresses under which the studio may be asked for, beside those of loopback. A name that is
            none of them is refused, since a foreign page may have pointed its own name at this machine.
        any_address: also every numeric address: a name is what a foreign page could have pointed here.
        origins: further pages that may talk to it, as ``https://school.example``.
        token: what a visitor must bring, or None.
    """

    hosts: frozenset[str] = frozenset()
    any_address: bool = False
    origins: frozenset[str] = frozenset()
    token: str | None = field(default=None, repr=False)

    @classmethod
    def to(cls, host: str, *, token: str | None = None, origins: Iterable[str] = ()) -> Access:
        """Return the rule of a server that listens at ``host``."""
        wildcard = host in ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to
        own = {socket.gethostname(), socket.getfqdn(), f"{socket.gethostname()}.local"} if wildcard else {host}
        return cls(frozenset(name.casefold() for name in own), wildcard, frozenset(origins), token)

    def refuses_host(self, host: str | None) -> bool:
        """Tell whether the ``Host`` header names something other than this studio."""
        match = _HOST.fullmatch(host or "")
        if match is None:
            return True
        name = (match[1] or match[2]).casefold()
        if name in LOOPBACK_NAMES or name in self.hosts:
            return False
        return not (self.any_address and _is_address(name))

    def refuses_origin(self, origin: str | None, host: str) -> bool:
        """Tell whether a page of another origin asks; a program that is no browser sends none."""
        if origin is None or origin in self.origins:
            return False
        parts = urlsplit(origin)
        return parts.scheme not in ("http", "https") or parts.netloc.casefold() != host.casefold()

    def refuses_token(self, given: str | None) -> bool:
        """Tell whether the token is missing or another."""
        return self.token is not None and not secrets.compare_digest((given or "").encode(), self.token.encode())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """Asks :class:`Access` about each request and each socket, and adds the headers of a careful page.

    A token comes in the link (``/?token=...``) and goes on in a cookie that no script reads and no other site sends.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with the reason why not."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host")
        reason, status, cookie = self._judge(scope, headers, host)

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                added = MutableHeaders(scope=message)
                for name, value in _page_headers(host if reason is None else None).items():
                    added[name] = value
                if cookie is not None:
                    added.append("Set-Cookie", cookie)
            await send(message)

        if reason is None:
            await self.app(scope, receive, send_with_headers)
            return
        if scope["type"] == "websocket":
            await receive()  # the request to connect
        if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
            return
        await PlainTextResponse(f"{reason}\n", status)(scope, receive, send_with_headers)

    def _judge(self, scope: Scope, headers: Headers, host: str | None) -> tuple[str | None, int, str | None]:
        """Return why not (or None), the status of that answer, and a cookie to set."""
        if host is None or len(headers.getlist("host")) != 1 or self.access.refuses_host(host):
            return "This studio is not known by that name; use the address that it printed.", 421, None
        if any(self.access.refuses_origin(origin, host) for origin in headers.getlist("origin")):
            return "Only the studio's own page may talk to it.", 403, None
        port = _HOST.fullmatch(host)
        name = f"layerlab-token-{port[3] if port and port[3] else 80}"  # cookies are shared by all ports of a name
        in_link = parse_qs(scope["query_string"].decode("latin-1")).get("token", [None])[0]
        if not self.access.refuses_token(_cookie(headers, name)):
            return None, 200, None
        if self.access.refuses_token(in_link):
            return "This studio needs its token: open the whole link that it printed, with ?token=...", 403, None
        return None, 200, f"{name}={in_link}; Path=/; HttpOnly; SameSite=Strict"


def _cookie(headers: Headers, name: str) -> str | None:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load("; ".join(headers.getlist("cookie")))
    except CookieError:
        return None
    return jar[name].value if name in jar else None


def _page_headers(host: str | None) -> dict[str, str]:
    sockets = f" ws://{host} wss://{host}" if host else ""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
        f"connect-src 'self'{sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
