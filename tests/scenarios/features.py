# SPDX-License-Identifier: GPL-2.0-or-later
"""
What messengers do with each other, each tried once from one station to another. A try returns an
Outcome whatever happens between the two, and leaves no port open; what it raises is a fault of ours.
"""
import collections
import contextlib
import errno
import threading

import media
from media import RTCP_PACKETS, RTP_PACKETS, Aside, Media, file_fetch, file_hash, file_send
from media import listen, talk, tpkt_host, tpkt_join
from station import invitation, read_invitation, sdp, sdp_offers

AUDIO, VIDEO = 5350, 5352
T120, ASSISTANCE = 1503, 3389
FILES = range(6891, 6901)

YES, ONE_WAY, NO = "yes", "one way", "no"

Outcome = collections.namedtuple("Outcome", "verdict detail")


def why(error):
    """A failed connection in words that are the same each time."""
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return "no way there"
    raise error


def at(to):
    return "%s:%d" % to


# ---- by way of the server ----

def delivery(server, since, user):
    """How the server reached @user since it had delivered @since requests."""
    ways = {how for _, name, how in server.delivered[since:] if name == user.user}
    assert ways, "nothing was delivered to " + user.user
    if ways == {"contact"}:
        return "connection back to " + at(user.contact[:2])
    return "relayed on the connection that %s opened" % user.user


def message(scene, x, y):
    """An instant message."""
    since = len(scene.server.delivered)
    text = "hello %s, this is %s" % (y.user, x.user)
    x.send(y.user, text)
    assert y.receive() == text
    return Outcome(YES, delivery(scene.server, since, y))


def dialog(scene, x, y):
    """INVITE, ACK, an INFO from the called one to the caller, BYE from the called one."""
    since = len(scene.server.delivered)
    y.answer = lambda offer: sdp(y)
    mine, _ = x.invite(y.user, sdp(x))
    theirs = y.dialogs[mine.call]
    theirs.expect("ACK")
    callers = len(x.listener.callers)
    theirs.ask("INFO", "typing")
    assert x.receive() == "typing"
    theirs.ask("BYE")
    mine.expect("BYE")
    if mine.by_server:
        return Outcome(YES, "to the caller: " + delivery(scene.server, since, x))
    assert len(x.listener.callers) == callers + 2
    return Outcome(YES, "to the caller: from end to end to " + at(x.contact[:2]))


# ---- media ----

def call(x, y, kinds, follow=False):
    """
    A call with media of @kinds {name: port}: {(name, "there" or "back"): (where to, the Media that
    was to hear it, the sender's Offer)}.
    @follow: who hears something answers to where it came from, instead of to what was announced.
    """
    ends = {x: {}, y: {}}
    offers = {}

    def take_up(station):
        for kind, port in kinds.items():
            ends[station][kind] = Media(station.ns, port)
        offers[station] = {kind: station.open_pair(port) for kind, port in kinds.items()}
        return sdp(station, **offers[station])

    y.answer = lambda offer: offers.update({"to y": sdp_offers(offer)}) or take_up(y)
    try:
        mine, answer = x.invite(y.user, take_up(x))
        ways = {}
        for kind in kinds:
            ways[kind, "there"] = (ends[x][kind], x.way_to(sdp_offers(answer)[kind]), ends[y][kind])
            ways[kind, "back"] = (ends[y][kind], y.way_to(offers["to y"][kind]), ends[x][kind])
        talk(*ways.values())
        if follow:
            _follow(ways)
        y.dialogs[mine.call].ask("BYE")
        mine.expect("BYE")
        return {key: (*way[1:], offers[x if key[1] == "there" else y][key[0]])
                for key, way in ways.items()}
    finally:
        for station in (x, y):
            for kind, port in kinds.items():
                if kind in ends[station]:
                    ends[station][kind].close()
                station.close_pair(port)


def _follow(ways):
    """A second round of the ways that failed, to where the others' packets came from."""
    again = {}
    for (kind, way), (sender, _, hearer) in ways.items():
        if not hearer.complete() and len(sender.sources()) == 1:
            again[kind, way] = (sender, *sender.sources(), hearer)
    talk(*again.values())
    ways.update(again)


def call_outcome(ways):
    """One Outcome of all the ways of a call."""
    details, good = [], 0
    for direction, word in (("there", "to"), ("back", "back to")):
        those = [way for (_, d), way in ways.items() if d == direction]
        good += all(hearer.complete() for _, hearer, _ in those)
        details.append("%s %s:%s RTP %d/%d RTCP %d/%d" % (
            word, those[0][0][0], "+".join(str(to[1]) for to, _, _ in those),
            sum(len(hearer.heard) for _, hearer, _ in those), RTP_PACKETS * len(those),
            sum(len(hearer.reports) for _, hearer, _ in those), RTCP_PACKETS * len(those)))
    heard = [way for way in ways.values() if way[1].complete()]
    if heard:
        details.append("seen from %s" % (
            "the announced ports" if all(map(as_announced, heard)) else "elsewhere than announced"))
    return Outcome((NO, ONE_WAY, YES)[good], ", ".join(details))


def as_announced(way):
    """Did all packets come from the sender's announced address and port, inside or outside?"""
    _, hearer, offer = way
    return hearer.sources() in ({tuple(offer[:2])}, {tuple(offer[2:])})


def audio(scene, x, y):
    return call_outcome(call(x, y, {"audio": AUDIO}))


def video(scene, x, y):
    return call_outcome(call(x, y, {"audio": AUDIO, "video": VIDEO}))


def audio_following(scene, x, y):
    return call_outcome(call(x, y, {"audio": AUDIO}, follow=True))


# ---- T.120: the called one listens ----

def t120(scene, x, y):
    listener = listen(y.ns, T120)
    y.answer = lambda offer: sdp(y, application=y.open_port("TCP", T120))
    try:
        mine, answer = x.invite(y.user, sdp(x))
        outcome = _join(x, sdp_offers(answer)["application"], listener)
        mine.ask("BYE")
        y.dialogs[mine.call].expect("BYE")
        return outcome
    finally:
        listener.close()
        y.close_port("TCP", T120)


def _join(guest, offer, listener, cookie=b""):
    to = guest.way_to(offer)
    host = Aside(tpkt_host, listener)
    try:
        tpkt_join(guest.ns, to, cookie)
    except OSError as error:
        listener.shutdown(2)
        with contextlib.suppress(OSError):
            host.result()
        return Outcome(NO, "%s: %s" % (at(to), why(error)))
    host.result()
    return Outcome(YES, "%s: %d KiB each way" % (at(to), media.STREAM // 1024))


# ---- remote assistance: who needs help listens and invites ----

def assistance(scene, x, y):
    listener = listen(x.ns, ASSISTANCE)
    offer = x.open_port("TCP", ASSISTANCE)
    try:
        x.send(y.user, invitation("INVITE", "help", offer))
        _, ticket = read_invitation(y.receive())
        outcome = _join(y, ticket, listener, b"Cookie: mstshash=" + y.user.encode() + b"\r\n")
        y.send(x.user, invitation("ACCEPT" if outcome.verdict == YES else "CANCEL", "help"))
        x.receive()
        return outcome
    finally:
        listener.close()
        x.close_port("TCP", ASSISTANCE)


# ---- ten files at once ----

def files(scene, x, y):
    listeners = {n: listen(x.ns, port) for n, port in enumerate(FILES)}
    all_there = threading.Barrier(len(FILES))
    try:
        sending = []
        for n, port in enumerate(FILES):
            cookie = "file-%d" % n
            x.send(y.user, invitation("INVITE", cookie, x.open_port("TCP", port)))
            sending.append(Aside(file_send, listeners[n], n, cookie, all_there))
        fetching = {}
        for _ in FILES:
            fields, offer = read_invitation(y.receive())
            to, cookie = y.way_to(offer), fields["Invitation-Cookie"]
            fetching[cookie] = to, Aside(file_fetch, y.ns, to, y.user, cookie)
        return _fetched(x, y, fetching, sending, all_there, listeners)
    finally:
        for n, port in enumerate(FILES):
            listeners[n].close()
            x.close_port("TCP", port)


def _fetched(x, y, fetching, sending, all_there, listeners):
    ports = [to[1] for to, _ in fetching.values()]
    address, = {to[0] for to, _ in fetching.values()}
    where = "%s:%d-%d" % (address, min(ports), max(ports))
    failures = set()
    for n in range(len(FILES)):
        try:
            assert fetching["file-%d" % n][1].result() == file_hash(n)
        except OSError as error:
            failures.add(why(error))
    if not failures:
        for done in sending:
            done.result()
        return Outcome(YES, "%s: %d at once" % (where, len(FILES)))
    y.send(x.user, invitation("CANCEL", "all"))
    x.receive()
    all_there.abort()
    for n, done in enumerate(sending):
        with contextlib.suppress(OSError):
            listeners[n].shutdown(2)
        with contextlib.suppress(OSError, threading.BrokenBarrierError):
            done.result()
    return Outcome(NO, "%s: %s" % (where, ", ".join(sorted(failures))))


FEATURES = {
    "instant message": message,
    "invite and messages of a call": dialog,
    "audio": audio,
    "audio and video": video,
    "T.120": t120,
    "ten files": files,
    "remote assistance": assistance,
}
