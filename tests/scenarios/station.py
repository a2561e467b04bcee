# SPDX-License-Identifier: GPL-2.0-or-later
"""
A messenger: finds its gateway, maps the ports it listens on, tells others the address and port that
the gateway gave it, and signs in, talks, invites and is invited by way of a server.
"""
import collections
import queue
import re

from igd import IGD, Igd, UpnpError, msearch
from lab import PATIENCE, wait_for
from sip import Link, Listener, Message, connect

SIP_PORT = 5060
OTHER_PORTS = 100  # where another program has the external port: so much higher, and again

CONFLICT = 718

# Where to be reached: what the gateway gave, and what is behind it.
Offer = collections.namedtuple("Offer", "address port internal_address internal_port")


class Refused(Exception):
    """The other side, or the server, answered with this status."""

    def __init__(self, status):
        super().__init__("status %d" % status)
        self.status = status


class Station:
    """One user at one machine."""

    def __init__(self, ns, user):
        self.ns = ns
        self.user = user
        self.igd = None
        self.external_address = ns.address
        self.direct = True        # use the internal address of who shares our external one
        self.open = {}            # (protocol, internal port) -> Offer
        self.inbox = queue.Queue()
        self.dialogs = {}         # Call-ID -> Dialog
        self.answer = None        # SDP of an INVITE -> SDP of the answer
        self.link = self.listener = None

    # ---- the gateway ----

    def find_gateway(self):
        """By SSDP, as any control point; without one the machine is reached at its own address."""
        found = msearch(self.ns, IGD, wait=1.5)
        if found:
            self.igd = Igd(self.ns, found[0]["LOCATION"])
            self.external_address = self.igd.call("GetExternalIPAddress")["NewExternalIPAddress"]
        return self

    def open_port(self, protocol, port):
        """Maps a port that we listen on, from the same outside or, if that is taken, another."""
        return self._open([(protocol, port)])

    def open_pair(self, port):
        """The same for two UDP ports in a row, as RTP and RTCP need them."""
        return self._open([("UDP", port), ("UDP", port + 1)])

    def _open(self, wanted):
        port = wanted[0][1]
        shift = 0
        while self.igd and not self._map(wanted, shift):
            shift += OTHER_PORTS
            assert shift < 20 * OTHER_PORTS, "every external port is taken"
        for i, key in enumerate(wanted):
            self.open[key] = Offer(
                self.external_address, port + shift + i, self.ns.address, port + i)
        return self.open[wanted[0]]

    def _map(self, wanted, shift):
        """All of @wanted, or none: False when another program has one of the external ports."""
        done = []
        for protocol, port in wanted:
            try:
                self.igd.add(protocol, port + shift, self.ns.address, port,
                             description="%s (%s)" % (self.user, protocol))
            except UpnpError as error:
                for other, external in done:
                    self.igd.delete(other, external)
                if error.code != CONFLICT:
                    raise
                return False
            done.append((protocol, port + shift))
        return True

    def close_port(self, protocol, port):
        offer = self.open.pop((protocol, port), None)
        if offer and self.igd:
            self.igd.delete(protocol, offer.port)

    def close_pair(self, port):
        self.close_port("UDP", port)
        self.close_port("UDP", port + 1)

    def way_to(self, offer):
        """(address, port) to use: who has our external address is next to us."""
        if self.direct and offer.address == self.external_address:
            return offer.internal_address, offer.internal_port
        return offer.address, offer.port

    # ---- the server ----

    def sign_in(self, address, port=SIP_PORT):
        """Contact is a port that we listen on; the server has to connect to it."""
        self.listener = Listener(self.ns, SIP_PORT, self._on_request)
        self.open_port("TCP", SIP_PORT)
        self.link = Link(connect(self.ns, (address, port)), self._on_request)
        self._ok(self.link.ask(self._message("REGISTER", self.user)))
        return self

    @property
    def contact(self):
        return self.open["TCP", SIP_PORT]

    def _message(self, method, to, body="", **headers):
        own = "%s:%d" % (self.contact.address, self.contact.port)
        return Message.request(
            method, "sip:" + to, self.user, to, body, Via="SIP/2.0/TCP " + own,
            Contact="<sip:%s@%s;transport=tcp>" % (self.user, own), **headers)

    @staticmethod
    def _ok(answer):
        if answer and answer.status != 200:
            raise Refused(answer.status)
        return answer

    def send(self, to, text):
        """An instant message, by way of the server."""
        self._ok(self.link.ask(self._message("MESSAGE", to, text)))

    def receive(self, seconds=5.0):
        """The next message that came in."""
        return self.inbox.get(timeout=seconds * PATIENCE)

    def invite(self, to, sdp):
        """Opens a dialog: (Dialog, the SDP of the answer)."""
        answer = self._ok(self.link.ask(self._message("INVITE", to, sdp)))
        dialog = self._keep_dialog(answer, to)
        dialog.ask("ACK")
        return dialog, answer.body

    def _keep_dialog(self, message, peer):
        dialog = Dialog(self, message["Call-ID"], peer, message.contact,
                        "Record-Route" in message.headers)
        self.dialogs[dialog.call] = dialog
        return dialog

    def _on_request(self, message, link):
        if message.method == "INVITE":
            self._keep_dialog(message, message.user("From"))
            accepted = self._message("200", self.user)  # for its Contact
            return message.response(200, "OK", self.answer(message.body),
                                    Contact=accepted["Contact"])
        if message.method in ("ACK", "BYE") and message["Call-ID"] in self.dialogs:
            self.dialogs[message["Call-ID"]].seen.append(message.method)
        elif message.method in ("MESSAGE", "INFO"):
            self.inbox.put(message.body)
        else:
            return message.response(481, "Call/Transaction Does Not Exist")
        return message.response(200, "OK") if message.method != "ACK" else None

    def close(self):
        if self.link:
            self.link.close()
        if self.listener:
            self.listener.close()


class Dialog:
    """A call as one of its ends sees it."""

    def __init__(self, station, call, peer, target, by_server):
        self.station = station
        self.call = call
        self.peer = peer
        self.target = target        # the other's Contact
        self.by_server = by_server  # the server stays on the way, else straight to the Contact
        self.seen = []              # ACK and BYE; one may overtake the other on its way

    def ask(self, method, body=""):
        message = self.station._message(method, self.peer, body, Call_ID=self.call)
        if self.by_server:
            return self.station._ok(self.station.link.ask(message))
        link = Link(connect(self.station.ns, self.target), self.station._on_request)
        try:
            return self.station._ok(link.ask(message))
        finally:
            link.close()

    def expect(self, method):
        wait_for(lambda: method in self.seen, 5, "%s for %s" % (method, self.station.user))


# ---- what is said about ports ----

def sdp(station, **media):
    """The session description of @media: kind=Offer."""
    lines = ["v=0", "o=%s 0 0 IN IP4 %s" % (station.user, station.external_address), "s=session",
             "c=IN IP4 " + station.external_address, "t=0 0"]
    for kind, offer in media.items():
        form = "TCP T120" if kind == "application" else "RTP/AVP 0"
        lines += ["m=%s %d %s" % (kind, offer.port, form),
                  "a=internal:%s %d" % (offer.internal_address, offer.internal_port)]
    return "\r\n".join(lines) + "\r\n"


def sdp_offers(text):
    """{kind: Offer} of a session description."""
    address = re.search(r"^c=IN IP4 (\S+)", text, re.M).group(1)
    return {kind: Offer(address, int(port), internal, int(internal_port))
            for kind, port, internal, internal_port in re.findall(
                r"^m=(\w+) (\d+) .*\r\na=internal:(\S+) (\d+)", text, re.M)}


def invitation(command, cookie, offer=None, **more):
    """The text of an invitation to something else than a call, or of what became of it."""
    fields = {"Invitation-Command": command, "Invitation-Cookie": cookie, **more}
    if offer:
        fields.update({"IP-Address": offer.address, "Port": offer.port,
                       "IP-Address-Internal": offer.internal_address,
                       "Port-Internal": offer.internal_port})
    return "".join("%s: %s\r\n" % pair for pair in fields.items())


def read_invitation(text):
    """Its fields, and its Offer or None."""
    fields = dict(re.findall(r"^([\w-]+): (.*)\r$", text, re.M))
    if "IP-Address" not in fields:
        return fields, None
    return fields, Offer(fields["IP-Address"], int(fields["Port"]),
                         fields["IP-Address-Internal"], int(fields["Port-Internal"]))
