# SPDX-License-Identifier: GPL-2.0-or-later
"""
Each system that starts daemons: what "make install" puts there, and that it does its work. The
scripts run for real, in a mount namespace where the installed tree has its own etc and var; of
OpenRC and OpenWrt there is as much as the scripts ask of them.
"""
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

from lab import LAN0_GW, PATIENCE, STAGE, TOP, gone, wait_for

OBJ = os.environ.get("PORTREEVE_OBJ", os.path.join(os.path.dirname(STAGE), "obj"))
SYSTEMS = {
    "systemd": ["lib/systemd/system/portreeve.service", "lib/sysusers.d/portreeve.conf",
                "etc/default/portreeve"],
    "sysv": ["etc/init.d/portreeve", "etc/default/portreeve"],
    "openrc": ["etc/init.d/portreeve", "etc/conf.d/portreeve"],
    "openwrt": ["etc/init.d/portreeve", "etc/config/portreeve", "share/portreeve/uci.sh"],
}


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=program + " is not installed")


def make(target, root):
    done = subprocess.run(["make", "-s", "-C", OBJ, target, "DESTDIR=" + str(root)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return str(root) + STAGE


def files_in(root):
    return sorted(os.path.relpath(os.path.join(folder, name), root)
                  for folder, _, names in os.walk(root) for name in names)


# ---- installing ----

@pytest.mark.parametrize("system", SYSTEMS)
def test_each_system_has_its_files_and_they_go_again(tmp_path, system):
    at = make("install-" + system, tmp_path)
    assert files_in(at) == sorted(SYSTEMS[system])
    for name in files_in(at):
        with open(os.path.join(at, name), encoding="utf-8") as f:
            assert not re.search(r"@\w+@", f.read()), name
        assert os.access(os.path.join(at, name), os.X_OK) == ("init.d" in name)
    make("uninstall-" + system, tmp_path)
    assert files_in(tmp_path) == []


def test_an_administrators_own_file_is_neither_replaced_nor_removed(tmp_path):
    at = make("install-sysv", tmp_path)
    with open(at + "/etc/default/portreeve", "w", encoding="utf-8") as f:
        f.write("PORTREEVED_ARGS=--log-level=debug\n")
    make("install-sysv", tmp_path)
    make("uninstall-sysv", tmp_path)
    assert files_in(at) == ["etc/default/portreeve"]
    with open(at + "/etc/default/portreeve", encoding="utf-8") as f:
        assert "debug" in f.read()


@needs("shellcheck")
def test_the_scripts_are_clean_for_shellcheck(tmp_path):
    scripts = []
    for system in ("sysv", "openrc", "openwrt"):
        at = make("install-" + system, tmp_path / system)
        scripts += [os.path.join(at, name) for name in SYSTEMS[system]
                    if "init.d" in name or name.endswith(".sh")]
    done = subprocess.run(["shellcheck", "-s", "sh", *scripts], stdout=subprocess.PIPE, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout


# ---- systemd ----

@needs("systemd-analyze")
def test_the_unit_is_what_systemd_takes_and_leaves_little_to_attack(tmp_path):
    unit = make("install-systemd", tmp_path) + "/lib/systemd/system/portreeve.service"
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0 and "portreeve" not in done.stdout, done.stdout
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=40", unit],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_unit_is_told_when_the_daemon_is_ready_and_when_it_stops(lab, tmp_path):
    """Type=notify."""
    path = str(tmp_path / "notify")
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with heard:
        heard.bind(path)
        heard.settimeout(5 * PATIENCE)
        daemon = lab.daemon("-o", "share=yes", wrap=["env", "NOTIFY_SOCKET=" + path])
        daemon.start(wait=False)
        assert heard.recv(100) == b"READY=1"
        assert daemon.cli("status").returncode == 0
        assert daemon.stop() == 0
        assert heard.recv(100) == b"STOPPING=1"


# ---- SysV, OpenRC, OpenWrt: started for real ----

class Machine:
    """The installed tree with @system's files, and with var and /dev/log of its own."""

    def __init__(self, lab, tmp_path, system):
        self.lab, self.system = lab, system
        self.etc = make("install-" + system, tmp_path) + "/etc"
        self.var = str(tmp_path / "var")
        self.tmp = str(tmp_path)
        self.script = os.path.join(STAGE, "etc/init.d/portreeve")
        os.mkdir(self.var)
        self._made = []
        self._place("var", os.mkdir)
        self._bind_uci = ""
        if system == "openwrt":
            self._bind_uci = "mount --bind %s/share/portreeve/uci.sh %s\n" % (
                os.path.dirname(self.etc), self._place("share/portreeve/uci.sh", os.mknod))
        self._hold()
        self.syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.syslog.bind(self.tmp + "/log")
        self.logged = ""
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _place(self, name, how):
        """Something to mount over, which goes with us."""
        path = os.path.join(STAGE, name)
        if not os.path.exists(path):
            how(path)
            self._made.insert(0, path)
        return path

    def _listen(self):
        while True:
            try:
                data = self.syslog.recv(4096)
            except OSError:
                return
            if not data:
                return
            self.logged += data.decode(errors="replace") + "\n"

    def write(self, name, text):
        path = os.path.join(self.etc, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def _hold(self):
        """The mount namespace: one that stays, so that programs in it know each other's files."""
        setup = (
            "set -e\n"
            "mount --bind %s %s/etc\nmount --bind %s %s/var\n%s"
            "mount -t tmpfs dev /dev\nln -s %s/log /dev/log\nln -s /proc/self/fd /dev/fd\n"
            "mknod -m 666 /dev/null c 1 3\nmknod -m 666 /dev/urandom c 1 9\n"
            "echo ready\nexec sleep infinity\n" % (
                self.etc, STAGE, self.var, STAGE, self._bind_uci, self.tmp))
        self.holder = self.lab.gw.popen("unshare", "-m", "sh", "-c", setup, stdout=subprocess.PIPE,
                                        text=True)
        assert self.holder.stdout.readline() == "ready\n"

    def run(self, *command, check=True):
        return self.lab.gw.run("nsenter", "-m", "-r", "-w/", "-t", self.holder.pid, *command,
                               check=check, timeout=30)

    def service(self, action, check=True):
        return self.run(self.script, action, check=check)

    def cli(self, *words, check=True):
        return self.run(os.path.join(STAGE, "bin/portreeve"), *words, check=check)

    def pid(self):
        try:
            with open(self.var + "/run/portreeve/portreeved.pid", encoding="ascii") as f:
                return int(f.read())
        except (FileNotFoundError, ValueError):
            return None

    def close(self):
        pid = self.pid()
        if pid and not gone(pid):
            os.kill(pid, 15)
            wait_for(lambda: gone(pid), 5, "its end")
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
        self.syslog.shutdown(socket.SHUT_RDWR)
        self.syslog.close()
        for path in self._made:
            (os.rmdir if os.path.isdir(path) else os.unlink)(path)


ARGS = 'PORTREEVED_ARGS="--wan wan0 --lan lan0 -o share=yes"\n'


@pytest.fixture
def sysv(lab, tmp_path, keep):
    if not os.path.exists("/lib/lsb/init-functions"):
        pytest.skip("no LSB functions here")
    machine = keep(Machine(lab, tmp_path, "sysv"))
    machine.write("default/portreeve", ARGS)
    return machine


def test_the_sysv_script_starts_tells_reloads_and_stops(sysv):
    assert sysv.service("status", check=False).returncode == 3
    assert sysv.service("start").returncode == 0
    first = sysv.pid()
    # whoever comes after us in the boot can rely on it
    assert LAN0_GW in sysv.cli("status").stdout
    assert sysv.service("status").returncode == 0
    assert sysv.service("start").returncode == 0 and sysv.pid() == first

    sysv.write("portreeve/portreeve.conf", "max_mappings = 77\n")
    assert sysv.service("reload").returncode == 0
    assert "77" in sysv.cli("status").stdout and sysv.pid() == first

    assert sysv.service("restart").returncode == 0
    assert sysv.pid() != first and gone(first)
    assert sysv.service("try-restart").returncode == 0
    last = sysv.pid()
    assert sysv.service("stop").returncode == 0
    assert gone(last)
    assert sysv.service("status", check=False).returncode == 3
    assert sysv.service("stop").returncode == 0
    assert sysv.service("try-restart").returncode == 0 and sysv.pid() is None
    assert sysv.service("reload", check=False).returncode == 7
    assert sysv.service("frobnicate", check=False).returncode == 2


def test_the_sysv_script_logs_to_syslog_with_priorities(sysv):
    sysv.service("start")
    wait_for(lambda: "portreeved ends" in sysv.logged or sysv.service("stop"), 10, "its end")
    wait_for(lambda: "portreeved ends" in sysv.logged, 5, "its last line in the log")
    assert re.search(r"<30>.* portreeved(\[\d+\])?: portreeved: portreeved [\d.]+ starts", sysv.logged)
    assert "<6>" not in sysv.logged


def test_the_sysv_script_says_what_is_wrong_with_the_file_and_leaves_the_old_one_at_work(sysv):
    sysv.service("start")
    first = sysv.pid()
    sysv.write("portreeve/portreeve.conf", "min_port = 70000\n")
    for action, status in (("restart", 6), ("reload", 1)):
        done = sysv.service(action, check=False)
        assert done.returncode == status, action
        assert "portreeve.conf:1" in done.stdout and "1 to 65535" in done.stdout
        assert sysv.pid() == first and not gone(first)
    sysv.service("stop")
    done = sysv.service("start", check=False)
    assert done.returncode == 6 and "portreeve.conf:1" in done.stdout and sysv.pid() is None


def test_the_sysv_script_does_not_call_started_what_ended(sysv):
    sysv.write("default/portreeve", 'PORTREEVED_ARGS="--state-dir /proc/nonsense"\n')
    begun = time.monotonic()
    assert sysv.service("start", check=False).returncode == 1
    assert time.monotonic() - begun < 5 * PATIENCE
    wait_for(lambda: "/proc/nonsense" in sysv.logged, 5, "the reason in the log")


# As much of openrc-run as a script needs that leaves starting to supervise-daemon.
OPENRC_RUN = r"""
script=$1 action=$2
RC_SVCNAME=portreeve RC_CMD=$2
ebegin() { echo "$* ..."; }
eend() { [ "$1" = 0 ] && echo ok || echo failed; return "$1"; }
eerror() { echo "$*" >&2; }
need() { echo "need $*"; }
after() { echo "after $*"; }
use() { echo "use $*"; }
stop_pre() { :; }
. %(etc)s/conf.d/portreeve
. "$script"
do_stop() { kill "$(cat %(var)s/run/portreeve/portreeved.pid)"; }
do_start()
{
	test "$supervisor" = supervise-daemon || exit 99
	start_pre || exit 1
	{ setsid $command $command_args </dev/null 2>&1 | $error_logger; } >/dev/null 2>&1 &
	start_post
}
case $action in
start) do_start ;;
stop) do_stop ;;
restart) stop_pre && do_stop && sleep 1 && do_start ;;
*) "$action" ;;
esac
"""


@pytest.fixture
def openrc(lab, tmp_path, keep):
    machine = keep(Machine(lab, tmp_path, "openrc"))
    machine.write("conf.d/portreeve", ARGS)
    text = OPENRC_RUN % {"etc": machine.etc, "var": machine.var}

    def service(action, check=True):
        return machine.run("sh", "-c", text, "openrc-run", machine.script, action, check=check)
    machine.service = service
    return machine


def test_the_openrc_script_starts_when_it_answers_and_reloads(openrc):
    assert "need net" in openrc.service("depend").stdout
    openrc.service("start")
    first = openrc.pid()
    assert LAN0_GW in openrc.cli("status").stdout
    openrc.write("portreeve/portreeve.conf", "max_mappings = 77\n")
    assert "ok" in openrc.service("reload").stdout
    assert "77" in openrc.cli("status").stdout and openrc.pid() == first
    wait_for(lambda: "portreeved" in openrc.logged, 5, "its words in the log")


def test_the_openrc_script_does_not_stop_for_a_restart_that_cannot_be(openrc):
    openrc.service("start")
    first = openrc.pid()
    openrc.write("portreeve/portreeve.conf", "min_port = 70000\n")
    for action in ("reload", "restart"):
        done = openrc.service(action, check=False)
        assert done.returncode and "portreeve.conf:1" in done.stdout
        assert openrc.pid() == first and not gone(first)
    openrc.service("stop")
    wait_for(lambda: gone(first), 5, "its end")
    assert openrc.service("start", check=False).returncode


# As much of /lib/functions.sh as reads a configuration: "uci export" is a program for the shell.
UCI = r"""
config() { uci_at=$2; KIND_SECTIONS="$KIND_SECTIONS $1:$2"; }
config_foreach()
{
	for section in $KIND_SECTIONS; do
		[ "${section%%:*}" != "$2" ] || "$1" "${section#*:}"
	done
}
option() { eval "CONFIG_${uci_at}_$1=\$2"; }
list() { eval "n=\${LENGTH_${uci_at}_$1:-0}"; n=$((n + 1)); eval "LENGTH_${uci_at}_$1=$n ITEM_${uci_at}_$1_$n=\$2"; }
config_load() { . %(etc)s/config/"$1"; }
config_get() { eval "$1=\${CONFIG_$2_$3:-\$4}"; }
config_get_bool()
{
	config_get "$1" "$2" "$3" "$4"
	eval "case \$$1 in 1 | on | true | yes | enabled) $1=1 ;; 0 | off | false | no | disabled) $1=0 ;; *) $1=\$4 ;; esac"
}
config_list_foreach()
{
	eval "n=\${LENGTH_$1_$2:-0}"
	i=0
	while [ $i -lt "$n" ]; do
		i=$((i + 1))
		eval "$3 \"\$ITEM_$1_$2_$i\""
	done
}
network_get_device()
{
	case $2 in
	wan) eval "$1=wan0" ;;
	lan) eval "$1=lan0" ;;
	*) return 1 ;;
	esac
}
"""

# As much of /etc/rc.common and procd as the script uses; procd is our process table.
PROCD = UCI + r"""
script=$1 action=$2
procd_open_instance() { :; }
procd_close_instance() { :; }
procd_set_param() { [ "$1" != command ] || { shift; setsid "$@" </dev/null >>%(var)s/procd.log 2>&1 & }; }
procd_add_reload_trigger() { echo "reload when $1 changes"; }
running() { [ -s %(var)s/run/portreeve/portreeved.pid ]; }
start() { start_service; }
stop() { ! running || kill "$(cat %(var)s/run/portreeve/portreeved.pid)"; }
. "$script"
case $action in
start) start_service ;;
reload) reload_service ;;
stop) stop ;;
*) "$action" ;;
esac
"""


@pytest.fixture
def openwrt(lab, tmp_path, keep):
    machine = keep(Machine(lab, tmp_path, "openwrt"))
    text = PROCD % {"etc": machine.etc, "var": machine.var}

    def service(action, check=True):
        return machine.run("sh", "-c", text, "rc.common", machine.script, action, check=check)
    machine.service = service
    return machine


def uci(*lines):
    return "config portreeve 'gateway'\n" + "".join("\t%s\n" % line for line in lines)


def test_the_openwrt_script_serves_what_uci_says_once_it_is_on(openwrt):
    done = openwrt.service("start")
    assert "enabled=1" in done.stdout and openwrt.pid() is None  # as installed
    openwrt.write("config/portreeve", uci(
        "option enabled '1'", "option wan 'wan'", "list lan 'lan'", "option share '1'"))
    openwrt.service("start")
    wait_for(lambda: openwrt.cli("status", check=False).returncode == 0, 10, "answers")
    status = openwrt.cli("status").stdout
    assert "wan0" in status and LAN0_GW in status
    first = openwrt.pid()

    openwrt.write("config/portreeve", uci(
        "option enabled '1'", "option wan 'wan'", "list lan 'lan'", "option share '1'",
        "option max_mappings '77'"))
    openwrt.service("reload")
    assert "77" in openwrt.cli("status").stdout and openwrt.pid() == first
    assert "reload when portreeve changes" in openwrt.service("service_triggers").stdout

    openwrt.write("config/portreeve", uci("option enabled '1'", "option max_mappings 'many'"))
    done = openwrt.service("reload", check=False)
    assert done.returncode and "max_mappings" in done.stdout and "1 to 131072" in done.stdout
    assert "77" in openwrt.cli("status").stdout

    openwrt.write("config/portreeve", uci("option enabled '0'"))
    openwrt.service("reload")
    wait_for(lambda: gone(first), 5, "its end")


def translated(tmp_path, *lines):
    """The text of the file that uci.sh makes."""
    at = make("install-openwrt", tmp_path)
    with open(at + "/etc/config/portreeve", "w", encoding="utf-8") as f:
        f.write(uci(*lines))
    text = (UCI % {"etc": at + "/etc"}) + ". %s\nconfig_load portreeve\nuci_to_conf %s\n" % (
        at + "/share/portreeve/uci.sh", os.path.join(STAGE, "sbin/portreeved"))
    done = subprocess.run(["sh", "-c", text], stdout=subprocess.PIPE, text=True, check=True)
    return [line for line in done.stdout.splitlines() if not line.startswith("#")]


def test_uci_is_translated_key_by_key(tmp_path):
    assert translated(tmp_path, "option enabled '1'") == []
    assert translated(
        tmp_path, "option wan 'wan'", "list lan 'lan'", "list lan 'br7'", "option share 'enabled'",
        "option secure '0'", "option table_owner 'off'", "option min_port '1'",
        "option on_connect '/sbin/ifup wan'", "option worker_user 'a\"b$c\\d'") == [
            'wan = "wan0"', 'lan = {"lan0", "br7"}', 'share = "yes"', 'secure = "no"',
            'min_port = "1"', 'on_connect = "/sbin/ifup wan"', 'table_owner = "off"',
            'worker_user = "a\\"b\\$c\\\\d"']


def test_rules_of_uci_keep_their_order_and_their_keys(tmp_path):
    text = translated(
        tmp_path, "option share '1'", "config rule 'printer'", "option name 'no games'",
        "option action 'deny'", "list client '192.168.1.20'", "list client '52:54:00:12:34:56'",
        "option reason 'printers \"need\" no port'", "config rule 'cfg01'", "option action 'allow'",
        "option permanent '0'", "list external_port '7100-7103'", "list lan 'lan'")
    assert text == [
        'share = "yes"', 'rule "no games" {', '\taction = "deny"',
        '\tclient = {"192.168.1.20", "52:54:00:12:34:56"}',
        '\treason = "printers \\"need\\" no port"', '}', 'rule "cfg01" {', '\taction = "allow"',
        '\tlan = {"lan0"}', '\texternal_port = {"7100-7103"}', '\tpermanent = "no"', '}']
    takes(tmp_path, text)


def takes(tmp_path, text):
    """The daemon finds no mistake in these lines."""
    path = tmp_path / "made.conf"
    path.write_text("\n".join(text) + "\n")
    done = subprocess.run([os.path.join(STAGE, "sbin/portreeved"), "-c", str(path), "--check-config"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_key_can_be_given_by_uci_and_the_daemon_takes_the_file(tmp_path):
    program = os.path.join(STAGE, "sbin/portreeved")
    printed = subprocess.run([program, "-c", "/dev/null", "--print-config"], stdout=subprocess.PIPE,
                             text=True, check=True).stdout
    defaults = dict(re.findall(r"^(\w+) = (.*)$", printed, re.M))
    assert len(defaults) > 15
    lists = [key for key, value in defaults.items() if value.startswith("{")]
    lines = ["list lan 'eth%d'" % n for n in range(2)]
    lines += ["option %s '%s'" % (key, value.strip('"')) for key, value in defaults.items()
              if key not in lists]
    text = translated(tmp_path, *lines)
    given = [key for key, value in defaults.items() if value.strip('"') and key not in lists]
    assert [line.split(" = ")[0] for line in text if not line.startswith("lan ")] == given
    takes(tmp_path, text)


def test_no_key_of_a_section_is_missing(tmp_path):
    at = make("install-openwrt", tmp_path)
    done = subprocess.run(["sh", "-c", '. "$1"; "$2" -c /dev/null --print-config | uci_list_keys', "sh",
                           at + "/share/portreeve/uci.sh", os.path.join(STAGE, "sbin/portreeved")],
                          stdout=subprocess.PIPE, text=True, check=True)
    with open(os.path.join(TOP, "doc/portreeve.conf.5"), encoding="utf-8") as f:
        told = set(re.findall(r"^\.It Va (\w+)\.(\w+) =", f.read(), re.M))
    assert len(told) > 8
    assert set(re.findall(r"^(\w+) (\w+) ", done.stdout, re.M)) == told
