# SPDX-License-Identifier: GPL-2.0-or-later
"""
The Debian package: built from the tarball's content, installed for real, at work, upgraded, removed.
It is installed over a copy of this machine's file system that nobody else sees (an overlay in a mount
namespace), so the machine stays as it is.
"""
import glob
import os
import shutil
import subprocess

import pytest

from igd import upnpc
from lab import HOST_A, PATIENCE, STAGE, WAN_GW, gone, wait_for
from traffic import TcpEcho, tcp_ask

OBJ = os.environ.get("PORTREEVE_OBJ", os.path.join(os.path.dirname(STAGE), "obj"))

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("dpkg-buildpackage", "dh", "lintian", "adduser"))),
    reason="debhelper, lintian or adduser is not installed")


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
for node in null:3 zero:5 full:7 random:8 urandom:9; do
	mknod -m 666 "dev/${node%:*}" c 1 "${node#*:}"
done
ln -s /proc/self/fd dev/fd
rm -f usr/sbin/policy-rc.d  # containers have one that lets no daemon start
rm -f sbin/runlevel         # a machine with SysV init, after its boot
printf '#!/bin/sh\necho N 2\n' >sbin/runlevel
chmod 755 sbin/runlevel
echo ready
exec sleep infinity
"""

    def __init__(self, lab):
        self.lab = lab
        self.base = os.path.join(lab.tmp, "root")
        os.mkdir(self.base)
        self.holder = lab.gw.popen("unshare", "-m", "sh", "-c", self.SETUP, "sh", self.base,
                                   stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "ready\n"

    def run(self, *command, check=True):
        return self.lab.gw.run(
            "nsenter", "-m", "-t", self.holder.pid, "chroot", self.base + "/root", "env", "-i",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", *command,
            check=check, timeout=60)

    def sh(self, script, check=True):
        return self.run("sh", "-c", script, check=check)

    def pid(self):
        done = self.run("cat", "/run/portreeve/portreeved.pid", check=False)
        return int(done.stdout) if done.returncode == 0 and done.stdout.strip() else None

    def changed(self):
        """Files that are here and not on the machine, or others than there."""
        return self.lab.gw.run("nsenter", "-m", "-t", self.holder.pid, "find", self.base + "/upper",
                               "!", "-type", "c", "-printf", "/%P\n").stdout.splitlines()

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
    lan0 = root.sh("ps -o user:20= -C portreeve-upnp").stdout.split()
    assert lan0 and set(lan0) == {"portreeve"}
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
