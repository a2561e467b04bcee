# SPDX-License-Identifier: GPL-2.0-or-later
"""Port mappings: asked for by SOAP, true in the kernel, and every refusal by its proper number."""
import time

import pytest

from igd import WANIP, envelope, fault, soap_answer, soap_post, table_of, upnpc
from lab import HOST_A, HOST_B, LAN0_GW, WAN_GW, WAN_HOST, WAN_HOST2, wait_for
from traffic import ECHO, TcpEcho, UdpEcho, ask, tcp_ask, udp_ask, wait_ask, wait_silent

BOTH = pytest.mark.parametrize("protocol", ["TCP", "UDP"])
NASTY = "Skype → ünïcødé & <tag> \"double\" 'single' \U0001F600"


@pytest.fixture(scope="module")
def echo(lab):
    """Each LAN host answers on TCP and UDP 7000 and 7001; who answered is in the answer."""
    servers = [make(ns, port) for ns in (lab.a, lab.b) for port in (7000, 7001)
               for make in ECHO.values()]
    yield servers
    for server in servers:
        server.close()


# ---- what a mapping does ----

@BOTH
def test_a_mapping_by_upnpc_passes_packets_and_replies(lab, igd, echo, protocol):
    url = igd.location
    text = upnpc(lab.a, "-e", "by upnpc", "-a", HOST_A, 7000, 8080, protocol, 3600, url=url)
    assert "is redirected to internal %s:7000" % HOST_A in text
    assert ask(protocol, lab.wan, WAN_GW, 8080)[:2] == ["a", WAN_HOST]
    assert table_of(upnpc(lab.a, "-l", url=url)) == [(protocol, "8080", HOST_A, "7000", "by upnpc")]
    assert "UPNP_DeletePortMapping() returned : 0" in upnpc(lab.a, "-d", 8080, protocol, url=url)
    wait_silent(protocol, lab.wan, WAN_GW, 8080)
    assert table_of(upnpc(lab.a, "-l", url=url)) == []


@BOTH
def test_packets_pass_as_soon_as_the_answer_is_there(lab, igd, echo, protocol):
    for port in range(8100, 8110):
        igd.add(protocol, port, HOST_A, 7000)
        assert ask(protocol, lab.wan, WAN_GW, port, timeout=0.5)[0] == "a"


@BOTH
def test_delete_stops_new_flows_at_once(lab, igd, echo, protocol):
    for port in range(8100, 8105):
        igd.add(protocol, port, HOST_A, 7000)
        igd.delete(protocol, port)
        assert ask(protocol, lab.wan, WAN_GW, port, timeout=0.15) is None


def test_protocols_do_not_mix(lab, igd, echo):
    igd.add("TCP", 8080, HOST_A, 7000)
    assert tcp_ask(lab.wan, WAN_GW, 8080)
    assert udp_ask(lab.wan, WAN_GW, 8080, timeout=0.2) is None
    igd.add("UDP", 8080, HOST_A, 7001)
    assert udp_ask(lab.wan, WAN_GW, 8080)
    assert fault(igd.delete, "TCP", 8080) == 0
    assert udp_ask(lab.wan, WAN_GW, 8080)


@BOTH
def test_a_port_that_nobody_mapped_stays_shut(lab, igd, echo, protocol):
    assert ask(protocol, lab.wan, WAN_GW, 7000, timeout=0.2) is None


@BOTH
def test_a_remote_host_gets_through_and_nobody_else(lab, igd, echo, protocol):
    igd.add(protocol, 5000, HOST_A, 7000, remote=WAN_HOST2)
    assert ask(protocol, lab.wan2, WAN_GW, 5000)[:2] == ["a", WAN_HOST2]
    assert ask(protocol, lab.wan, WAN_GW, 5000, timeout=0.2) is None
    assert igd.entries()[0]["NewRemoteHost"] == WAN_HOST2


@BOTH
def test_the_specific_remote_host_comes_before_the_wildcard(lab, igd, protocol, keep):
    servers = {port: keep(ECHO[protocol](lab.a, port)) for port in (7002, 7003)}
    igd.add(protocol, 5000, HOST_A, 7002)
    igd.add(protocol, 5000, HOST_A, 7003, remote=WAN_HOST2)
    assert ask(protocol, lab.wan, WAN_GW, 5000) and len(servers[7002].seen) == 1
    assert ask(protocol, lab.wan2, WAN_GW, 5000) and len(servers[7003].seen) == 1
    assert igd.get(protocol, 5000)["NewInternalPort"] == "7002"
    assert igd.get(protocol, 5000, WAN_HOST2)["NewInternalPort"] == "7003"
    igd.delete(protocol, 5000, WAN_HOST2)
    assert ask(protocol, lab.wan2, WAN_GW, 5000) and len(servers[7002].seen) == 2
    igd.delete(protocol, 5000)
    assert ask(protocol, lab.wan, WAN_GW, 5000, timeout=0.2) is None


@BOTH
def test_a_disabled_mapping_is_kept_and_passes_nothing(lab, igd, echo, protocol):
    igd.add(protocol, 5000, HOST_A, 7000, enabled=0)
    assert igd.get(protocol, 5000)["NewEnabled"] == "0"
    assert ask(protocol, lab.wan, WAN_GW, 5000, timeout=0.2) is None
    igd.add(protocol, 5000, HOST_A, 7000, enabled=1)
    assert igd.get(protocol, 5000)["NewEnabled"] == "1"
    assert ask(protocol, lab.wan, WAN_GW, 5000)
    igd.add(protocol, 5000, HOST_A, 7000, enabled=0)
    assert ask(protocol, lab.wan, WAN_GW, 5000, timeout=0.2) is None
    assert len(igd.entries()) == 1


def test_two_ports_may_lead_to_one(lab, igd, echo):
    igd.add("TCP", 5000, HOST_A, 7000)
    igd.add("TCP", 5001, HOST_A, 7000)
    assert tcp_ask(lab.wan, WAN_GW, 5000) and tcp_ask(lab.wan, WAN_GW, 5001)
    igd.delete("TCP", 5000)
    assert tcp_ask(lab.wan, WAN_GW, 5001)


# ---- leases ----

@BOTH
def test_a_lease_ends_on_time_and_packets_stop(lab, gateway, igd, echo, protocol):
    begun = time.monotonic()
    igd.add(protocol, 5000, HOST_A, 7000, lease=1)
    assert ask(protocol, lab.wan, WAN_GW, 5000)
    assert igd.get(protocol, 5000)["NewLeaseDuration"] == "1"
    wait_for(lambda: fault(igd.get, protocol, 5000) == 714, 2, "expiry")
    assert 0.9 < time.monotonic() - begun < 1.5
    assert ask(protocol, lab.wan, WAN_GW, 5000, timeout=0.2) is None
    assert gateway.mappings() == []


def test_the_remaining_time_is_read_back(igd):
    igd.add("TCP", 5000, HOST_A, lease=100)
    first = int(igd.get("TCP", 5000)["NewLeaseDuration"])
    assert 99 <= first <= 100
    wait_for(lambda: int(igd.get("TCP", 5000)["NewLeaseDuration"]) < first, 3, "time passing")


def test_a_permanent_lease_reads_zero(igd):
    igd.add("TCP", 5000, HOST_A, lease=0)
    assert igd.get("TCP", 5000)["NewLeaseDuration"] == "0"


@pytest.mark.parametrize("lease", [604800, 3600000, 538705920, 4294967295])
def test_long_leases_are_granted_and_told_truly(lab, igd, echo, lease):
    igd.add("TCP", 5000, HOST_A, 7000, lease=lease)
    assert lease - 2 <= int(igd.get("TCP", 5000)["NewLeaseDuration"]) <= lease
    assert tcp_ask(lab.wan, WAN_GW, 5000)


@BOTH
def test_a_refresh_sets_the_time_anew_and_disturbs_nothing(lab, igd, protocol, echo):
    igd.add(protocol, 5000, HOST_A, 7000, lease=1)
    igd.add(protocol, 5000, HOST_A, 7000, lease=50)
    assert ask(protocol, lab.wan, WAN_GW, 5000)
    wait_for(lambda: int(igd.get(protocol, 5000)["NewLeaseDuration"]) <= 48, 4, "time passing")
    assert ask(protocol, lab.wan, WAN_GW, 5000)
    assert len(igd.entries()) == 1


def test_a_refresh_may_make_finite_permanent_and_back(igd):
    for lease, low, high in ((60, 59, 60), (0, 0, 0), (30, 29, 30), (90, 89, 90)):
        igd.add("UDP", 5000, HOST_A, lease=lease)
        assert low <= int(igd.get("UDP", 5000)["NewLeaseDuration"]) <= high


@BOTH
def test_a_refresh_may_change_internal_port_and_description(lab, igd, echo, protocol, keep):
    server = keep(ECHO[protocol](lab.a, 7010))
    igd.add(protocol, 5000, HOST_A, 7000, description="old", lease=100)
    assert ask(protocol, lab.wan, WAN_GW, 5000)
    igd.add(protocol, 5000, HOST_A, 7010, description="new", lease=200)
    assert ask(protocol, lab.wan, WAN_GW, 5000) and len(server.seen) == 1
    entry = igd.get(protocol, 5000)
    assert entry["NewInternalPort"] == "7010"
    assert entry["NewPortMappingDescription"] == "new"
    assert 198 <= int(entry["NewLeaseDuration"]) <= 200
    assert len(igd.entries()) == 1


# ---- what is read back ----

def test_the_entry_reads_back_as_it_was_asked_for(igd):
    igd.add("UDP", 5000, HOST_A, 7001, description=NASTY, lease=0)
    expected = {"NewInternalPort": "7001", "NewInternalClient": HOST_A, "NewEnabled": "1",
                "NewPortMappingDescription": NASTY, "NewLeaseDuration": "0"}
    got = igd.get("UDP", 5000)
    assert got == expected and list(got) == list(expected)
    whole = {"NewRemoteHost": "", "NewExternalPort": "5000", "NewProtocol": "UDP", **expected}
    got = igd.call("GetGenericPortMappingEntry", NewPortMappingIndex=0)
    assert got == whole and list(got) == list(whole)


def test_text_is_the_same_for_the_administrator(gateway, igd):
    igd.add("UDP", 5000, HOST_A, description=NASTY)
    assert gateway.mappings()[0]["description"] == NASTY


@pytest.mark.parametrize("description", ["", " ", "   ", " padded  ", "x" * 200, "a->b;c{d}#$`\\",
                                         "libminiupnpc"],
                         ids=["empty", "blank", "blanks", "padded", "long", "punctuation", "plain"])
def test_descriptions_come_back_unchanged(igd, description):
    igd.add("TCP", 5000, HOST_A, description=description)
    assert igd.get("TCP", 5000)["NewPortMappingDescription"] == description


def test_a_description_beyond_all_measure_is_refused_or_cut_and_harms_nothing(igd):
    for length in (600, 5000, 60000):
        assert fault(igd.add, "TCP", 5000, HOST_A, description="é" * (length // 2)) in (0, 605)
        assert igd.call("GetExternalIPAddress")


def test_index_order_holds_while_walking(igd):
    ports = [str(p) for p in range(5000, 5030)]
    for port in ports:
        igd.add("TCP", port, HOST_A)
    first = [e["NewExternalPort"] for e in igd.entries()]
    assert sorted(first) == ports
    assert [e["NewExternalPort"] for e in igd.entries()] == first
    igd.delete("TCP", 5010)
    assert sorted(e["NewExternalPort"] for e in igd.entries()) == sorted(set(ports) - {"5010"})


# ---- refusals ----

def add_args(**changed):
    args = {"NewRemoteHost": "", "NewExternalPort": 5000, "NewProtocol": "TCP",
            "NewInternalPort": 7000, "NewInternalClient": HOST_A, "NewEnabled": 1,
            "NewPortMappingDescription": "x", "NewLeaseDuration": 0}
    args.update(changed)
    return {k: v for k, v in args.items() if v is not None}


@pytest.mark.parametrize("code,changed", [
    (402, {"NewExternalPort": None}),
    (402, {"NewProtocol": None}),
    (402, {"NewInternalPort": None}),
    (402, {"NewInternalClient": None}),
    (402, {"NewExternalPort": "many"}),
    (402, {"NewExternalPort": ""}),
    (402, {"NewInternalPort": "-1"}),
    (402, {"NewEnabled": "perhaps"}),
    (402, {"NewLeaseDuration": "soon"}),
    (402, {"NewRemoteHost": "not an address"}),
    (601, {"NewExternalPort": 65536}),
    (601, {"NewInternalPort": 70000}),
    (601, {"NewProtocol": "SCTP"}),
    (601, {"NewProtocol": ""}),
    (601, {"NewLeaseDuration": 4294967296}),
    (606, {"NewExternalPort": 80}),
    (606, {"NewExternalPort": 1023}),
    (606, {"NewInternalClient": HOST_B}),
    (606, {"NewInternalClient": LAN0_GW}),
    (606, {"NewInternalClient": WAN_HOST}),
    (715, {"NewInternalClient": ""}),
    (716, {"NewExternalPort": 0}),
], ids=str)
def test_a_faulty_request_gets_its_number_and_leaves_nothing(gateway, igd, code, changed):
    args = add_args(**changed)
    assert fault(igd.call, "AddPortMapping", **args) == code
    assert gateway.mappings() == []


@pytest.mark.parametrize("value", ["0", "00000"])
def test_internal_port_zero_is_refused(gateway, igd, value):
    assert fault(igd.call, "AddPortMapping", **add_args(NewInternalPort=value)) in (402, 601)
    assert gateway.mappings() == []


def test_unknown_actions_are_401(igd):
    for action in ("NoSuchAction", "AddAnyPortMapping", "DeletePortMappingRange",
                   "GetListOfPortMappings", "addportmapping"):
        assert fault(igd.call, action) == 401, action


def test_unknown_entries_are_714(igd):
    igd.add("TCP", 5000, HOST_A)
    assert fault(igd.get, "UDP", 5000) == 714
    assert fault(igd.get, "TCP", 5001) == 714
    assert fault(igd.get, "TCP", 5000, WAN_HOST) == 714
    assert fault(igd.delete, "UDP", 5000) == 714
    assert fault(igd.delete, "TCP", 5001) == 714
    assert fault(igd.delete, "TCP", 5000, WAN_HOST) == 714
    assert len(igd.entries()) == 1


def test_an_index_past_the_end_is_713(igd):
    def at(index):
        return fault(igd.call, "GetGenericPortMappingEntry", NewPortMappingIndex=index)
    assert at(0) == 713
    igd.add("TCP", 5000, HOST_A)
    assert at(0) == 0 and at(1) == 713 and at(65535) == 713
    assert at("x") == 402


def test_another_hosts_port_is_718(lab, igd, echo):
    other = igd.seen_from(lab.b)
    igd.add("TCP", 5000, HOST_A, 7000)
    assert fault(other.add, "TCP", 5000, HOST_B, 7000) == 718
    assert fault(other.add, "TCP", 5000, HOST_B, 7000, remote=WAN_HOST) == 718
    assert tcp_ask(lab.wan, WAN_GW, 5000)[0] == "a"
    assert fault(other.add, "UDP", 5000, HOST_B, 7000) == 0
    assert "718" in upnpc(lab.b, "-a", HOST_B, 7000, 5000, "TCP", url=igd.location,
                        check=False)


def test_another_hosts_disabled_mapping_still_holds_the_port(lab, igd):
    igd.add("TCP", 5000, HOST_A, enabled=0)
    assert fault(igd.seen_from(lab.b).add, "TCP", 5000, HOST_B) == 718


def test_another_hosts_mapping_cannot_be_deleted(lab, igd, echo):
    igd.add("TCP", 5000, HOST_A, 7000)
    assert fault(igd.seen_from(lab.b).delete, "TCP", 5000) == 606
    assert tcp_ask(lab.wan, WAN_GW, 5000)


def test_the_port_is_free_again_after_deletion_and_expiry(lab, igd, echo):
    other = igd.seen_from(lab.b)
    igd.add("TCP", 5000, HOST_A, 7000)
    igd.delete("TCP", 5000)
    other.add("TCP", 5000, HOST_B, 7000, lease=1)
    assert tcp_ask(lab.wan, WAN_GW, 5000)[0] == "b"
    wait_for(lambda: fault(igd.add, "TCP", 5000, HOST_A, 7000) == 0, 3, "the port being free")
    assert tcp_ask(lab.wan, WAN_GW, 5000)[0] == "a"


def test_the_fault_is_a_proper_soap_fault(igd):
    message = soap_post(igd.ns, igd.services[WANIP]["controlURL"], WANIP, "DeletePortMapping",
                        envelope(WANIP, "DeletePortMapping", {
                            "NewRemoteHost": "", "NewExternalPort": 5000, "NewProtocol": "TCP"}))
    assert message.status == 500
    assert message["CONTENT-TYPE"].startswith("text/xml")
    assert int(message["CONTENT-LENGTH"]) == len(message.body)
    for piece in (b"Client</faultcode>", b"<faultstring>UPnPError</faultstring>",
                  b"urn:schemas-upnp-org:control-1-0", b"<errorCode>714</errorCode>",
                  b"<errorDescription>NoSuchEntryInArray</errorDescription>"):
        assert piece in message.body


# ---- tolerances ----

@pytest.mark.parametrize("wildcard", ["", "0.0.0.0", "*", " ", "\n\t"])
def test_each_spelling_of_any_remote_host_is_the_wildcard(lab, igd, echo, wildcard):
    igd.add("TCP", 5000, HOST_A, 7000, remote=wildcard)
    assert igd.entries()[0]["NewRemoteHost"] == ""
    assert tcp_ask(lab.wan, WAN_GW, 5000)
    assert igd.get("TCP", 5000, wildcard)
    igd.delete("TCP", 5000, wildcard)


def test_the_protocol_may_be_written_small(igd):
    igd.add("tcp", 5000, HOST_A)
    assert igd.entries()[0]["NewProtocol"] == "TCP"
    assert igd.get("Tcp", 5000)
    igd.delete("tcp", 5000)


def test_missing_enabled_lease_description_and_remote_host_have_defaults(igd):
    igd.call("AddPortMapping", **add_args(NewEnabled=None, NewLeaseDuration=None,
                                          NewPortMappingDescription=None, NewRemoteHost=None))
    entry = igd.get("TCP", 5000)
    assert entry["NewEnabled"] == "1" and entry["NewLeaseDuration"] == "0"


def test_arguments_in_any_order_and_unknown_ones_are_taken(igd):
    args = add_args()
    igd.call("AddPortMapping", NewUnknown="?", **dict(reversed(list(args.items()))))
    assert len(igd.entries()) == 1


@pytest.mark.parametrize("enabled,read", [("true", "1"), ("yes", "1"), ("false", "0"), ("no", "0")])
def test_booleans_in_words(igd, enabled, read):
    igd.add("TCP", 5000, HOST_A, enabled=enabled)
    assert igd.get("TCP", 5000)["NewEnabled"] == read


def test_numbers_with_blanks_signs_and_zeros(igd):
    igd.call("AddPortMapping", **add_args(NewExternalPort=" 05000 ", NewInternalPort="+7000"))
    assert igd.get("TCP", 5000)["NewInternalPort"] == "7000"


@pytest.mark.parametrize("headers", [
    {"SOAPACTION": WANIP + "#GetExternalIPAddress", "Content-Type": "text/xml"},
    {"soapaction": '"%s#GetExternalIPAddress"' % WANIP,
     "content-type": 'text/xml ; charset="utf-8"'},
    {"SoapAction": ' "%s#GetExternalIPAddress" ' % WANIP, "CONTENT-TYPE": "text/xml; charset=utf-8",
     "Accept-Encoding": "gzip", "Pragma": "no-cache", "Expect": "100-continue"},
], ids=["unquoted", "small-letters", "blanks-and-more"])
def test_headers_as_clients_write_them(igd, headers):
    message = soap_post(igd.ns, igd.services[WANIP]["controlURL"], WANIP, "GetExternalIPAddress",
                        envelope(WANIP, "GetExternalIPAddress", {}), headers)
    if message.status == 100:
        return
    assert soap_answer(message) == {"NewExternalIPAddress": WAN_GW}
    assert "EXT" in message.headers
    assert "UPnP/1." in message["SERVER"]


@pytest.mark.parametrize("body", [
    '<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" '
    'SOAP-ENV:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><SOAP-ENV:Body>'
    '<m:GetExternalIPAddress xmlns:m="{t}"/></SOAP-ENV:Body></SOAP-ENV:Envelope>',
    '<?xml version="1.0" encoding="utf-8"?>\n<s:Envelope '
    'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">\n  <s:Body>\n    <GetExternalIPAddress '
    'xmlns="{t}">\n    </GetExternalIPAddress>\n  </s:Body>\n</s:Envelope>\n\n',
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
    '<s:Header><x:Trace xmlns:x="urn:example"><x:Id>7</x:Id></x:Trace></s:Header><s:Body>'
    '<u:GetExternalIPAddress xmlns:u="{t}"></u:GetExternalIPAddress></s:Body></s:Envelope>',
], ids=["other-prefix", "no-prefix-and-blanks", "header-before-body"])
def test_envelopes_as_clients_write_them(igd, body):
    message = soap_post(igd.ns, igd.services[WANIP]["controlURL"], WANIP, "GetExternalIPAddress",
                        body.format(t=WANIP).encode())
    assert soap_answer(message) == {"NewExternalIPAddress": WAN_GW}
    assert WANIP.encode() in message.body


@pytest.mark.parametrize("header,body", [("1", "2"), ("2", "1"), ("2", "2")])
def test_another_version_in_the_namespace_is_taken(igd, header, body):
    """In the header, in the body or in both, at the address that the first document names."""
    named = WANIP[:-1] + body
    message = soap_post(
        igd.ns, igd.services[WANIP]["controlURL"], WANIP, "GetExternalIPAddress",
        envelope(named, "GetExternalIPAddress", {}),
        {"SOAPACTION": '"%s%s#GetExternalIPAddress"' % (WANIP[:-1], header),
         "Content-Type": "text/xml"})
    assert soap_answer(message) == {"NewExternalIPAddress": WAN_GW}


def test_a_description_that_breaks_the_xml_is_refused_and_harms_nothing(lab, gateway, igd):
    worker = gateway.worker_pid()
    text = upnpc(lab.a, "-e", "a <b> & c", "-a", HOST_A, 7000, 8080, "TCP", url=igd.location,
                 check=False)
    assert "is redirected" not in text
    assert gateway.mappings() == []
    igd.add("TCP", 8080, HOST_A)
    assert gateway.worker_pid() == worker


def test_query_state_variable_is_answered(igd):
    control = "urn:schemas-upnp-org:control-1-0"
    for name in ("ConnectionStatus", "NoSuchVariable"):
        message = soap_post(igd.ns, igd.services[WANIP]["controlURL"], control,
                            "QueryStateVariable",
                            ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
                             '<s:Body><u:QueryStateVariable xmlns:u="%s"><u:varName>%s</u:varName>'
                             '</u:QueryStateVariable></s:Body></s:Envelope>' % (
                                 control, name)).encode())
        if message.status == 200:
            assert name == "ConnectionStatus" and b"Connected" in message.body
        else:
            assert b"404" in message.body or message.status == 404


def test_many_clients_at_once_get_each_their_own(lab, igd):
    """16 connections at a time from both hosts; every grant is in the table, none is mixed up."""
    import concurrent.futures
    seen = {"a": (igd, HOST_A), "b": (igd.seen_from(lab.b), HOST_B)}

    def one(number):
        view, address = seen["ab"[number % 2]]
        return fault(view.add, "TCP", 20000 + number, address, description=str(number), lease=60)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(100))) == {0}
    entries = igd.entries()
    assert len(entries) == 100
    for entry in entries:
        number = int(entry["NewPortMappingDescription"])
        assert entry["NewExternalPort"] == str(20000 + number)
        assert entry["NewInternalClient"] == (HOST_A, HOST_B)[number % 2]


def test_a_race_for_one_port_has_one_winner(lab, igd):
    import concurrent.futures
    views = [(igd, HOST_A), (igd.seen_from(lab.b), HOST_B)]
    for port in range(21000, 21010):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            codes = list(pool.map(lambda v, p=port: fault(v[0].add, "TCP", p, v[1]), views))
        assert sorted(codes) == [0, 718]
        winner = views[codes.index(0)][1]
        assert igd.get("TCP", port)["NewInternalClient"] == winner


def test_servers_see_the_true_address_of_the_peer(lab, igd, keep):
    tcp, udp = keep(TcpEcho(lab.a, 7005)), keep(UdpEcho(lab.a, 7005))
    igd.add("TCP", 5000, HOST_A, 7005)
    igd.add("UDP", 5000, HOST_A, 7005)
    wait_ask("TCP", lab.wan, WAN_GW, 5000, "a")
    wait_ask("UDP", lab.wan2, WAN_GW, 5000, "a")
    assert tcp.seen[0][0] == WAN_HOST and udp.seen[0][0] == WAN_HOST2
