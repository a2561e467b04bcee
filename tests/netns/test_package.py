# SPDX-License-Identifier: GPL-2.0-or-later
"""
The Debian package: built from the tarball's content, installed for real, at work, upgraded, removed.
It is installed over a copy of this machine's file system that nobody else sees (an overlay in a mount
namespace), so the machine stays as it is.
"""
import contextlib
import glob
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from igd import upnpc
from lab import HOST_A, PATIENCE, STAGE, WAN_GW, gone, wait_for
from traffic import TcpEcho, tcp_ask

OBJ = os.environ.get("PORTREEVE_OBJ", os.path.join(os.path.dirname(STAGE), "obj"))

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("dpkg-buildpackage", "dh", "lintian", "adduser", "dnsmasq"))),
    reason="debhelper, lintian, adduser or dnsmasq is not installed")


def run(*command, **kwargs):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, timeout=300 * PATIENCE, **kwargs)
    assert done.returncode == 0, "%s\n%s" % (" ".join(command), done.stdout[-6000:])
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """What "make dist" would pack, and nothing else."""
    run("make", "-s", "-C", OBJ, "distdir")
    made, = glob.glob(os.path.join(OBJ, "portreeve-*.*.*/"))
    return shutil.move(made, tmp_path_factory.mktemp("package") / "portreeve")


@pytest.fixture(scope="module")
def package(source):
    """The .deb. The unit tests of that same source have their own place in the suite."""
    options = "nocheck noautodbgsym parallel=%d" % (os.cpu_count() or 1)
    run("dpkg-buildpackage", "-us", "-uc", "-b", cwd=source,
        env={**os.environ, "DEB_BUILD_OPTIONS": options})
    deb, = glob.glob(os.path.join(os.path.dirname(source), "*.deb"))
    return deb


class Root:
    """This machine once more, in the gateway's network: what is changed here is seen here only."""

    SETUP = r"""
set -e
mount --make-rprivate /
mount -t tmpfs overlay "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount --rbind /proc proc
mount --rbind /sys sys
mount -t tmpfs dev dev
mount -t tmpfs run run
mkdir -p run/lock
mkdir dev/shm dev/pts
for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0" "ptmx 5 2"; do
	set -- $node
	mknod -m 666 "dev/$1" c "$2" "$3"
done
ln -s /proc/self/fd dev/fd
rm -f usr/sbin/policy-rc.d  # containers have one that lets no daemon start
rm -f var/lib/man-db/auto-update  # no index of all manual pages, four times
rm -f sbin/runlevel         # a machine with SysV init, after its boot
printf '#!/bin/sh\necho N 2\n' >sbin/runlevel
chmod 755 sbin/runlevel
echo ready
exec sleep infinity
"""

    def __init__(self, lab):
        self.lab = lab
        self.base = tempfile.mkdtemp(dir=lab.tmp)
        self.holder = lab.gw.popen("unshare", "-m", "sh", "-c", self.SETUP, "sh", self.base,
                                   stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "ready\n"

    def beside(self, *command, **kwargs):
        """In its mount namespace, but not below its root."""
        return self.lab.gw.run("nsenter", "-m", "-r", "-w/", "-t", self.holder.pid, *command, **kwargs)

    def run(self, *command, check=True):
        return self.beside("chroot", self.base + "/root", "env", "-i",
                           "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
                           *command, check=check, timeout=60)

    def sh(self, script, check=True):
        return self.run("sh", "-c", script, check=check)

    def pid(self):
        """Of the daemon, if it runs beside us: the number in the file may be of another pid namespace."""
        done = self.run("cat", "/run/portreeve/portreeved.pid", check=False)
        with contextlib.suppress(FileNotFoundError, ValueError):
            with open("/proc/%d/comm" % int(done.stdout), encoding="utf-8") as f:
                return int(done.stdout) if f.read() == "portreeved\n" else None

    def changed(self):
        """Files that are here and not on the machine, or others than there."""
        return self.beside("find", self.base + "/upper", "!", "-type", "c", "-printf",
                           "/%P\n").stdout.splitlines()

    def close(self):
        pid = self.pid()
        if pid and not gone(pid):
            os.kill(pid, 15)
            wait_for(lambda: gone(pid), 5, "the daemon's end")
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


@pytest.fixture
def root(lab, keep):
    return keep(Root(lab))


class Systemd:
    """
    A systemd as process 1 of @root, for our unit alone: of the machine's units there is none, so that
    nothing else is started. Its process group of the kernel (cgroup) is one of ours.
    """

    BOOT = r"""
set -e
root=$1
mount --bind "$2/units" "$root/lib/systemd/system"
mount --bind "$2/empty" "$root/etc/systemd/system"
mount --make-rprivate "$root/proc" && umount -l "$root/proc" && mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"   # what systemd would tune there is the machine's
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,bind,rw "$root/proc/sys/net"   # and this the network namespace's
mount --make-rprivate "$root/sys" && umount -l "$root/sys" && mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=test \
	/lib/systemd/systemd --system --unit=basic.target --log-target=console
"""
    UNITS = {"basic.target": "", "sysinit.target": "", "network.target": "", "shutdown.target": "",
             # there is no journal
             "portreeve.service.d/log.conf": "[Service]\nStandardError=append:/run/portreeve.log\n"}

    def __init__(self, root):
        self.root = root
        self.group = self._make_group()
        folder = tempfile.mkdtemp(dir=root.lab.tmp)
        units = os.path.join(folder, "units")
        os.makedirs(units + "/portreeve.service.d")
        os.mkdir(os.path.join(folder, "empty"))
        unit = root.run("cat", "/lib/systemd/system/portreeve.service").stdout
        for name, text in {**self.UNITS, "portreeve.service": unit}.items():
            with open(os.path.join(units, name), "w", encoding="utf-8") as f:
                f.write(text or "[Unit]\nDefaultDependencies=no\n")
        self.log = open(os.path.join(folder, "log"), "w+", encoding="utf-8", errors="replace")
        self.proc = root.lab.gw.popen(
            "sh", "-c", 'echo $$ >"$1/cgroup.procs" && exec nsenter -m -r -w/ -t "$2" '
            'unshare -m -p -i -u -C --fork --kill-child sh -c "$3" sh "$4" "$5"', "sh", self.group,
            root.holder.pid, self.BOOT, root.base + "/root", folder, stdout=self.log, stderr=self.log)
        try:
            wait_for(lambda: self.proc.poll() is not None or root.run(
                "test", "-S", "/run/systemd/private", check=False).returncode == 0, 10, "systemd")
            assert self.proc.poll() is None
        except AssertionError:
            self.close()
            raise

    @staticmethod
    def _make_group():
        with open("/proc/mounts", encoding="utf-8") as f:
            tops = [line.split()[1] for line in f if line.split()[2] == "cgroup2"]
        if not tops or not os.access(tops[0], os.W_OK):
            pytest.skip("no cgroup2 that can be written to")
        path = os.path.join(tops[0], "portreeve-test-%d" % os.getpid())
        os.mkdir(path)
        return path

    def run(self, *command, check=True):
        """Beside it, as from a shell of that machine."""
        with open("/proc/%d/task/%d/children" % (self.proc.pid, self.proc.pid), encoding="ascii") as f:
            pid = f.read().split()[0]
        return self.root.lab.gw.run(
            "nsenter", "-m", "-p", "-i", "-u", "-r", "-w/", "-t", pid, "env", "-i",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command, check=check, timeout=60)

    def main_pid(self):
        return int(self.run("systemctl", "show", "-P", "MainPID", "portreeve").stdout)

    def close(self):
        self.proc.kill()
        self.proc.wait()
        self.log.seek(0)
        print(self.log.read(), self.root.run("cat", "/run/portreeve.log", check=False).stdout)
        self.log.close()
        self.root.run("rm", "-rf", "/run/portreeve")  # what it had no time to
        for folder, _, _ in os.walk(self.group, topdown=False):
            wait_for(lambda at=folder: self._removed(at), 5, "the end of all in " + folder)

    @staticmethod
    def _removed(folder):
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            pass
        except OSError:
            return False
        return True


def test_lintian_finds_no_errors(package):
    changes, = glob.glob(os.path.join(os.path.dirname(package), "*.changes"))
    run("lintian", "--allow-root", "--fail-on", "error", changes)


def test_building_leaves_nothing_that_clean_does_not_take_away(source, package):
    # "clean" on a tarball removes what autoreconf made anew, which the tarball had
    run("debian/rules", "clean", cwd=source)
    left = os.listdir(source / "debian")
    assert sorted(left) == ["changelog", "control", "copyright", "portreeve.postinst",
                            "portreeve.postrm", "rules", "source"]


def test_installed_it_serves_and_purged_it_leaves_nothing(lab, root, package, keep):
    keep(TcpEcho(lab.a, 7000))
    assert "portreeve" not in root.run("cat", "/etc/passwd").stdout
    print(root.run("dpkg", "-i", package).stdout)  # a failed test shows it

    # it runs, by the configuration that comes with it, its worker as the user made for that
    assert WAN_GW in root.run("portreeve", "status").stdout
    user = root.run("getent", "passwd", "portreeve").stdout
    assert user.rstrip().endswith("nologin")
    children = root.run("ps", "-o", "comm=,user:20=", "--ppid", root.pid()).stdout
    assert set(re.findall(r"^portreeve-upnp +(\S+)$", children, re.M)) == {"portreeve"}, children
    assert root.sh("dpkg -V portreeve; stat -c %a /var/lib/portreeve").stdout == "700\n"

    # it does its work
    assert "is redirected to internal" in upnpc(lab.a, "-e", "packaged", "-a", HOST_A, 7000, 5000,
                                                "TCP")
    assert tcp_ask(lab.wan, WAN_GW, 5000)[0] == "a"

    # an upgrade: another process, the same mapping
    first = root.pid()
    root.run("dpkg", "-i", package)
    assert gone(first) and not gone(root.pid())
    assert "packaged" in root.run("portreeve", "list").stdout
    assert tcp_ask(lab.wan, WAN_GW, 5000)[0] == "a"

    # removed: nothing runs, nothing is open, the configuration stays
    last = root.pid()
    root.run("dpkg", "--remove", "portreeve")
    assert gone(last)
    assert tcp_ask(lab.wan, WAN_GW, 5000, timeout=0.3) is None
    assert "portreeve" not in lab.gw.nft("list", "tables")
    assert root.run("ls", "/etc/portreeve").stdout == "portreeve.conf\n"

    # purged: no file, no user, no group
    root.run("dpkg", "--purge", "portreeve")
    assert [path for path in root.changed() if "portreeve" in path] == []
    assert root.sh("ls -d /run/portreeve /var/lib/portreeve /etc/*/*portreeve*", False).returncode
    assert "portreeve" not in root.run("cat", "/etc/passwd", "/etc/group", "/etc/shadow").stdout


def test_under_systemd_it_has_the_rights_it_needs_and_no_more(lab, root, package, keep):
    """The unit holds much back; a real systemd tells whether it is too much."""
    keep(TcpEcho(lab.a, 7000))
    root.run("dpkg", "-i", package)
    root.run("/etc/init.d/portreeve", "stop")
    systemd = keep(Systemd(root))
    lab.gw.sysctl("net.ipv4.ip_forward", 0)
    root.sh("printf 'share = yes\\ndhcp = yes\\nsecurity_log = /var/log/portreeve/security.log\\n' "
            ">/etc/portreeve/portreeve.conf")

    # "started" is when it answers
    systemd.run("systemctl", "start", "portreeve")
    assert WAN_GW in systemd.run("portreeve", "status").stdout
    users = systemd.run("ps", "-o", "user:20=", "-C", "portreeve-upnp").stdout.split()
    assert set(users) == {"portreeve"}
    wait_for(lambda: systemd.run("ps", "-o", "user:20=", "-C", "dnsmasq", check=False).stdout ==
             "dnsmasq\n", 5, "dnsmasq")
    wait_for(lambda: systemd.run("stat", "-c", "%U", "/var/log/portreeve/security.log",
                                 check=False).stdout == "portreeve\n", 5, "the security log")
    wait_for(lambda: "is redirected to internal" in upnpc(
        lab.a, "-e", "by systemd", "-a", HOST_A, 7000, 5000, "TCP"), 5, "a mapping")
    assert tcp_ask(lab.wan, WAN_GW, 5000)[0] == "a"

    # what it may write to, and what not even root may
    def writable(path):
        return systemd.run("nsenter", "-m", "-r", "-t", systemd.main_pid(), "test", "-w", path,
                           check=False).returncode == 0
    for path in ("/proc/sys/net/ipv4/ip_forward", "/run/portreeve", "/var/lib/portreeve"):
        assert writable(path), path
    for path in ("/etc/passwd", "/etc/portreeve", "/usr", "/proc/sysrq-trigger", "/sys", "/var"):
        assert not writable(path), path

    # a reload tells what is wrong, and changes nothing then
    root.sh("printf 'share = yes\\nmax_mappings = 77\\n' >/etc/portreeve/portreeve.conf")
    systemd.run("systemctl", "reload", "portreeve")
    assert "77" in systemd.run("portreeve", "status").stdout
    root.sh("echo 'max_mappings = many' >/etc/portreeve/portreeve.conf")
    assert systemd.run("systemctl", "reload", "portreeve", check=False).returncode
    assert "77" in systemd.run("portreeve", "status").stdout
    root.sh("echo 'share = yes' >/etc/portreeve/portreeve.conf")

    # who kills it does not end it
    first = systemd.main_pid()
    systemd.run("kill", "-9", first)
    wait_for(lambda: systemd.main_pid() not in (0, first), 10, "another one")
    wait_for(lambda: "by systemd" in systemd.run("portreeve", "list", check=False).stdout, 10,
             "the mapping")
    assert tcp_ask(lab.wan, WAN_GW, 5000)[0] == "a"

    systemd.run("systemctl", "stop", "portreeve")
    assert systemd.run("systemctl", "show", "-P", "Result", "portreeve").stdout == "success\n"
    assert systemd.run("ls", "-d", "/run/portreeve", check=False).returncode
    assert systemd.run("cat", "/proc/sys/net/ipv4/ip_forward").stdout == "0\n"  # as it was
    lab.gw.sysctl("net.ipv4.ip_forward", 1)
