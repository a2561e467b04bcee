# SPDX-License-Identifier: GPL-2.0-or-later
"""
The JSON that programs read: what every verb prints is what its schema says, with no member and no
word beyond it, and the schemas are worth something: they refuse what is changed.
"""
import copy
import glob
import json
import os
import re
import subprocess

import jsonschema
import pytest

from igd import Firewall, Igd, fault
from lab import HOST6_A, HOST_A, HOST_B, Lab, Output, STAGE, TOP, WAN_GW, wait_for
from traffic import TcpEcho, TcpFlow, udp_ask

PROGRAM = os.path.join(STAGE, "bin", "portreeve")
INSTALLED = os.path.join(STAGE, "share", "portreeve", "schema")
FIRST = ("share = yes\nfirewall = own\non_reload = revoke\n"
         'forward "camera" {\n protocol = tcp\n external_port = 8080\n to = "%s:8000"\n}\n' % HOST_A)
RULE = 'rule "not %s" {\n action = deny\n client = {%s}\n reason = "a test"\n}\n'
OPTIONAL = {"connections", "flows", "trail"}  # of "show"
WORDS = {"action", "address_kind", "code", "dhcp", "event", "nat", "on_reload", "origin", "outcome",
         "protocol", "result", "severity", "state"}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def table():
    """The table of doc/json.md: command and name of its schema."""
    rows = re.findall(r"^\| (.+?) \| `([a-z-]+)\.json`.*\|$", read(TOP, "doc", "json.md"), re.M)
    return [(re.findall(r"`([^`]+)`", commands), schema) for commands, schema in rows]


# ---- schemas ----

def closed(schema):
    """The same, with no room for members and words that it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(part) for name, part in schema.items()}
    if "properties" in schema and isinstance(schema["properties"], dict):
        made["additionalProperties"] = False
    if isinstance(schema.get("examples"), list):
        made["enum"] = schema["examples"]
    return made


class Schemas:
    def __init__(self, change=lambda schema: schema):
        self.files = {os.path.basename(path)[:-len(".json")]: change(json.loads(read(path)))
                      for path in glob.glob(os.path.join(INSTALLED, "*.json"))}
        for schema in self.files.values():
            jsonschema.Draft202012Validator.check_schema(schema)
        base = "file://%s/" % INSTALLED
        store = {base + name + ".json": schema for name, schema in self.files.items()}
        self.validators = {
            name: jsonschema.Draft202012Validator(
                schema, resolver=jsonschema.RefResolver(base + name + ".json", schema, store))
            for name, schema in self.files.items()}

    def faults(self, name, value):
        return ["%s: %s" % (list(error.absolute_path), error.message)
                for error in self.validators[name].iter_errors(value)]

    def is_valid(self, name, value):
        return self.validators[name].is_valid(value)


@pytest.fixture(scope="module")
def schemas():
    return Schemas()


# ---- what the verbs say ----

class Said:
    """Objects that were printed, by the name of their schema."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.by = {}

    def note(self, name, *objects):
        self.by.setdefault(name, []).extend(objects)

    def ask(self, name, *words, daemon=None):
        daemon = daemon or self.daemon
        with daemon.ns:
            done = subprocess.run([PROGRAM, *map(str, words), "--json", "--run-dir",
                                   daemon.run_dir], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, timeout=60, check=False)
        line, rest = done.stdout.decode("utf-8").split("\n", 1)
        assert rest == ""
        self.note(name, json.loads(line))
        return self.by[name][-1]


def change_things(lab, conf, said, flow_of):
    """Something of every kind, by clients, by the administrator and by the configuration."""
    a = Igd.discover(lab.a)
    b = a.seen_from(lab.b)
    a.add("TCP", 5000, HOST_A, 7000, lease=3600, description="ünï")
    a.add("TCP", 5000, HOST_A, 7000, lease=7200)
    b.add("UDP", 5001, HOST_B, 7001)
    a.add("UDP", 5002, HOST_A, 7002, lease=1)
    assert fault(a.add, "TCP", 80, HOST_A, 7000) == 606
    hole = Firewall.discover(lab.a).open(HOST6_A, 7000)
    number = said.ask("add", "add", "udp", 6000, HOST_A, "--remote", "203.0.113.9")["id"]
    flow = flow_of(5000)
    shown = [m["id"] for m in said.ask("list", "list")["mappings"]]
    for ident in (*shown, "p%s" % hole):
        said.ask("show", "show", ident)
    flow.close()
    said.ask("explain", "explain", HOST_B, "udp", 6001)
    said.ask("explain", "explain", HOST_A, "tcp", 80)
    said.ask("explain-last", "explain", "--last", HOST_A)
    said.ask("explain-last", "explain", "--last", "192.168.1.99")
    conf(FIRST + RULE % ("b", HOST_B))
    said.ask("reload", "reload")
    said.ask("explain", "explain", HOST_B, "udp", 6001)
    assert fault(b.add, "UDP", 5001, HOST_B, 7001) == 606
    said.ask("explain-last", "explain", "--last", HOST_B)
    said.ask("delete", "delete", number)
    said.ask("delete", "delete", "p%s" % hole)


def ask_the_rest(lab, conf, said, path):
    for name in ("status", "doctor", "metrics", "audit"):
        said.ask(name, name)
    said.ask("audit-trail", "audit", "trail")
    said.ask("share", "share", "wan0", "lan0", "--config", path)
    said.ask("error", "show", 999999)
    said.ask("error", "add", "tcp", 5000, HOST_B)
    conf("min_port = none\n")
    said.ask("error", "reload")
    said.ask("error", "share", "wan0", "lan0", "--config", path)
    nobody = lab.daemon()  # never started
    said.ask("error", "list", daemon=nobody)
    said.ask("share", "share", "wan0", "lan0", "--config", path + ".new", daemon=nobody)


@pytest.fixture(scope="module")
def said():
    with Lab() as lab:
        path = os.path.join(lab.tmp, "portreeve.conf")

        def conf(text):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text + 'security_log = "%s/log/security.log"\n' % lab.tmp)
        conf(FIRST)
        lab.add_ipv6()
        lab.gw.sysctl("net.netfilter.nf_conntrack_acct", 1)
        daemon = lab.start("-c", path)
        said = Said(daemon)
        outputs = [(name, Output(daemon.ns, PROGRAM, *words, "--json", "--run-dir", daemon.run_dir))
                   for name, *words in (("watch", "watch"), ("list", "list", "--watch"),
                                         ("watch", "watch", "--drops"))]
        echo = TcpEcho(lab.a, 7000)
        try:
            wait_for(lambda: outputs[1][1].lines(), 5, "the live list")
            change_things(lab, conf, said, lambda port: TcpFlow(lab.wan, WAN_GW, port))
            outputs[0][1].wait('"expired"', '"reloaded"', '"refused"', '"pinhole"')
            udp_ask(lab.wan, WAN_GW, 4460, timeout=0.1)
            outputs[2][1].wait('"dropped"')
            ask_the_rest(lab, conf, said, path)
        finally:
            echo.close()
            for name, output in outputs:
                output.close()
                whole = output.text[:output.text.rfind("\n") + 1]
                said.note(name, *(json.loads(line) for line in whole.splitlines()))
            assert daemon.stop() == 0
    return said.by


# ---- the tests ----

SCHEMA_NAMES = sorted(schema for _, schema in table())


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_what_is_printed_is_what_the_schema_says(said, schemas, name):
    assert said[name]
    for value in said[name]:
        assert schemas.faults(name, value) == []


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_no_member_and_no_word_is_printed_that_the_schema_does_not_name(said, name):
    strict = Schemas(closed)
    for value in said[name]:
        assert strict.faults(name, value) == []


def test_each_kind_was_seen(said):
    events = {line["event"] for line in said["watch"]}
    assert {"added", "updated", "deleted", "expired", "refused", "reloaded", "dropped"} <= events
    assert any("pinhole" in line for line in said["watch"])
    assert {row["outcome"] for row in said["audit-trail"][0]["trail"]} == {
        "ok", "refused", "expired", "event"}
    assert any(shown.get("flows") and shown["trail"] for shown in said["show"])
    assert any("packets" in shown for shown in said["show"])
    granted = [answer["granted"] for told in said["explain"] for answer in told["answers"]]
    assert set(granted) == {True, False}
    assert {told["last"] is None for told in said["explain-last"]} == {True, False}
    assert {m["origin"] for m in said["list"][0]["mappings"]} == {"upnp", "static", "config"}
    assert said["reload"][0]["revoked"] and said["audit"][0]["findings"]
    assert {told["error"]["code"] for told in said["error"]} == {
        "not-found", "conflict", "bad-configuration", "unreachable"}
    assert [told["running"] for told in said["share"]] == [True, False]


def test_the_status_tells_the_number_of_the_schema(said, schemas):
    told = said["status"][0]["schema"]
    assert schemas.files["status"]["properties"]["schema"] == {"const": told}
    assert "This is schema **%d**." % told in read(TOP, "doc", "json.md")
    assert "is the number of that description: %d." % told in read(TOP, "doc", "portreeve.1")


def test_every_verb_has_a_schema(lab):
    verbs = re.search(r"^Verbs:\n(.*?)\n\n", lab.gw.run(PROGRAM, "--help").stdout, re.M | re.S)
    verbs = set(re.findall(r"^  (\S+)", verbs.group(1), re.M))
    described = {command.split()[0] for commands, _ in table() for command in commands}
    assert len(verbs) >= 12 and verbs == described


def test_all_schemas_are_installed_and_described(schemas):
    assert sorted(os.listdir(INSTALLED)) == sorted(os.listdir(os.path.join(TOP, "doc", "schema")))
    text = read(TOP, "doc", "json.md")
    used = set(SCHEMA_NAMES)
    for name in schemas.files:
        source = read(INSTALLED, name + ".json")
        used |= set(re.findall(r'"\$ref": "([a-z-]+)\.json', source))
        for member in re.findall(r'^ *"([a-z_0-9]+)": ', source, re.M):
            assert member in JSON_SCHEMA_WORDS or "`%s`" % member in text or \
                name == "common", "%s of %s.json" % (member, name)
    assert used == set(schemas.files)


JSON_SCHEMA_WORDS = {"title", "type", "required", "properties", "items", "enum", "pattern",
                     "examples", "const", "not", "minimum", "maximum"}


# ---- can they fail? ----

OTHER_TYPE = {str: [], int: "x", bool: "x", type(None): [], list: "x", dict: "x", float: "x"}


def mutations(value, path=()):
    """Each with a member less, with a member of another type, or with a word that is none."""
    if isinstance(value, list):
        for i, part in enumerate(value[:3]):
            for where, made in mutations(part, path + (i,)):
                yield where, value[:i] + [made] + value[i + 1:]
        return
    if not isinstance(value, dict):
        return
    for name, part in value.items():
        here = path + (name,)
        if name not in OPTIONAL or len(value) < 3:
            yield (*here, "gone"), {k: v for k, v in value.items() if k != name}
        yield (*here, "another type"), {**value, name: OTHER_TYPE[type(part)]}
        if name in WORDS and isinstance(part, str):
            yield (*here, "no word"), {**value, name: "No Such Word"}
        for where, made in mutations(part, here):
            yield where, {**value, name: made}


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_the_schema_refuses_what_is_changed(said, schemas, name):
    seen = set()
    for value in said[name]:
        kind = (value.get("event"), frozenset(value))
        if kind in seen:
            continue
        seen.add(kind)
        before = copy.deepcopy(value)
        changed = list(mutations(value))
        assert changed and value == before
        for where, made in changed:
            assert not schemas.is_valid(name, made), where


def test_a_link_layer_address_may_have_eight_octets(said, schemas):
    """As of InfiniBand and FireWire."""
    row = said["audit-trail"][0]["trail"][-1]
    for mac, valid in (("02:00:00:00:00:07", True), ("02:00:00:00:00:07:08:09", True),
                       ("02:00:00:00:07", False), ("02:00:00:00:00:07:", False)):
        assert schemas.is_valid("trail-row", {**row, "mac": mac}) is valid, mac


def test_further_members_are_let_pass(said, schemas):
    for name in SCHEMA_NAMES:
        assert schemas.is_valid(name, {**said[name][0], "new": 1}), name
