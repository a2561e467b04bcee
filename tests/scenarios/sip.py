# SPDX-License-Identifier: GPL-2.0-or-later
"""
As much of SIP over TCP as presence and calls need: messages, connections that carry requests both
ways, and a server that registers users and passes their requests on.
"""
import contextlib
import itertools
import queue
import re
import socket
import threading

from lab import PATIENCE

ANSWER_S = 5.0   # how long a request may take

# How long a connection may take to come about. An ICMP error that is back before connect() sleeps
# is not taken for final by Linux; that for the second SYN, a second later, is.
CONNECT_S = 3.0
_numbers = itertools.count(1)


class Message:
    """A request or a response: start line, headers, body."""

    def __init__(self, start, headers, body=""):
        self.start = start
        self.headers = dict(headers)
        self.body = body

    @classmethod
    def request(cls, method, uri, sender, to, body="", **headers):
        """Headers of Python names: Record_Route is Record-Route."""
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        call = extra.pop("Call-ID", None) or "%d@%s" % (next(_numbers), sender)
        return cls("%s %s SIP/2.0" % (method, uri), {
            "From": "<sip:%s>" % sender, "To": "<sip:%s>" % to, "Call-ID": call,
            "CSeq": "%d %s" % (next(_numbers), method), **extra}, body)

    def response(self, status, reason, body="", **headers):
        """The answer to this request."""
        copied = {name: self.headers[name] for name in ("From", "To", "Call-ID", "CSeq")}
        if "Record-Route" in self.headers:
            copied["Record-Route"] = self.headers["Record-Route"]
        return Message("SIP/2.0 %d %s" % (status, reason), {**copied, **headers}, body)

    @property
    def is_response(self):
        return self.start.startswith("SIP/")

    @property
    def method(self):
        return self.start.split()[0]

    @property
    def status(self):
        return int(self.start.split()[1])

    def user(self, header):
        return re.search(r"sip:([^@>]+)", self[header]).group(1)

    @property
    def contact(self):
        """(address, port) of the Contact, or None."""
        found = re.search(r"@([\d.]+):(\d+)", self.headers.get("Contact", ""))
        return (found.group(1), int(found.group(2))) if found else None

    @property
    def transaction(self):
        return self["Call-ID"], self["CSeq"]

    def __getitem__(self, name):
        return self.headers[name]

    def encode(self):
        body = self.body.encode()
        lines = [self.start, *("%s: %s" % pair for pair in self.headers.items()
                               if pair[0] != "Content-Length"), "Content-Length: %d" % len(body)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

    @classmethod
    def take(cls, data):
        """(the first whole message of @data or None, what is left)."""
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            return None, data
        start, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        length = int(headers["Content-Length"])
        if len(rest) < length:
            return None, data
        return cls(start, headers, rest[:length].decode()), rest[length:]


def connect(ns, to, seconds=CONNECT_S):
    """A TCP connection; OSError says why there is none."""
    sock = ns.socket()
    sock.settimeout(seconds * PATIENCE)
    try:
        sock.connect(to)
    except OSError:
        sock.close()
        raise
    return sock


class Link:
    """A connection: either end may ask. @on_request(message, link) gives the answer, or None."""

    def __init__(self, sock, on_request):
        self.sock = sock
        self.sock.settimeout(None)
        self.peer = sock.getpeername()
        self._on_request = on_request
        self._waiting = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        data = b""
        with contextlib.suppress(OSError):
            while piece := self.sock.recv(65536):
                data += piece
                message, data = Message.take(data)
                while message:
                    self._arrived(message)
                    message, data = Message.take(data)
        for answers in list(self._waiting.values()):
            answers.put(None)

    def _arrived(self, message):
        if not message.is_response:
            threading.Thread(target=self._serve, args=(message,), daemon=True).start()
        elif message.transaction in self._waiting:
            self._waiting[message.transaction].put(message)

    def _serve(self, message):
        answer = self._on_request(message, self)
        if answer:
            with contextlib.suppress(OSError):  # who asked has gone
                self._send(answer)

    def _send(self, message):
        with self._lock:
            self.sock.sendall(message.encode())

    def ask(self, message, seconds=ANSWER_S):
        """The answer. ConnectionError, or TimeoutError: there was none. None for an ACK."""
        if message.method == "ACK":
            return self._send(message)
        answers = self._waiting[message.transaction] = queue.SimpleQueue()
        try:
            self._send(message)
            answer = answers.get(timeout=seconds * PATIENCE)
        except queue.Empty:
            raise TimeoutError("no answer to " + message.start) from None
        finally:
            del self._waiting[message.transaction]
        if not answer:
            raise ConnectionError("closed before the answer to " + message.start)
        return answer

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


class Listener:
    """Takes connections and serves each as a Link."""

    def __init__(self, ns, port, on_request):
        self.sock = ns.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("", port))
        self.sock.listen(16)
        self.callers = []  # addresses of all who connected
        self._links = []
        self._on_request = on_request
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, peer = self.sock.accept()
            except OSError:
                return
            self.callers.append(peer[0])
            self._links.append(Link(sock, self._on_request))

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        for link in self._links:
            link.close()


class Server:
    """
    Registers users and passes their requests on. A request for a user goes to his Contact, on a
    connection that the server opens; if nobody is there, and until he registers again, on the one
    by which he registered.

    @stays: it stays on the way of the messages within a dialog (Record-Route). A proxy that does
    not leaves the ends to reach each other's Contact.
    """

    def __init__(self, ns, port, stays=True):
        self.ns = ns
        self.stays = stays
        self.users = {}      # name -> [Contact or None, the connection he registered by]
        self.delivered = []  # (method, user, "contact" or "relay")
        self.listener = Listener(ns, port, self._on_request)

    def _on_request(self, message, link):
        if message.method == "REGISTER":
            self.users[message.user("To")] = [message.contact, link]
            return message.response(200, "OK")
        if message.user("To") not in self.users:
            return message.response(404, "Not Found")
        if self.stays and message.method == "INVITE":
            message.headers["Record-Route"] = "<sip:server;lr>"
        return self._pass_on(message)

    def _pass_on(self, message):
        user = message.user("To")
        contact, registered_by = self.users[user]
        if not contact:
            return self._forward(message, user, "relay", registered_by)
        try:
            link = Link(connect(self.ns, contact), self._on_request)
        except OSError:
            self.users[user][0] = None
            return self._forward(message, user, "relay", registered_by)
        try:
            return self._forward(message, user, "contact", link)
        finally:
            link.close()

    def _forward(self, message, user, how, link):
        self.delivered.append((message.method, user, how))
        try:
            return link.ask(message)
        except OSError:
            return message.response(480, "Temporarily Unavailable")

    def close(self):
        self.listener.close()
