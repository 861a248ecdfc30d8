#!/usr/bin/env python3
"""sandbox.py - runs a program under what examnode.service takes away from it, without systemd: its
filter of system calls, its address families, its limits, no capability, nothing to gain, no memory
that is written and executed, and (as root) a file system that is read-only but for one folder.
For tests: it reads the very unit, asks systemd-analyze what its groups of calls are, and has the
kernel refuse the same by libseccomp, which systemd brings along.

    sandbox.py UNIT WRITABLE_FOLDER PROGRAM ARGUMENT...
"""
import ctypes
import errno
import os
import resource
import subprocess
import sys

ALLOW, ERRNO_EPERM = 0x7FFF0000, 0x00050000 | errno.EPERM
CMP_EQ, CMP_MASKED_EQ = 4, 7
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 38, 24
CLONE_NEWNS, MS_REC, MS_PRIVATE, MS_BIND = 0x20000, 0x4000, 1 << 18, 0x1000
AT_RECURSIVE, AT_FDCWD, MOUNT_ATTR_RDONLY, SYS_MOUNT_SETATTR = 0x8000, -100, 1, 442
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16, "AF_PACKET": 17}

libc = ctypes.CDLL(None, use_errno=True)


def die(what):
    sys.exit(f"sandbox: {what}")


def must(rc, what):
    if rc < 0:
        die(f"{what}: {os.strerror(ctypes.get_errno() or -rc)}")


def read_unit(path):
    settings = {}
    for line in open(path, encoding="utf-8"):
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            settings.setdefault(key, []).append(value)
    return settings


def read_groups():
    """What systemd's groups of system calls consist of: calls, and other groups."""
    out = subprocess.run(["systemd-analyze", "syscall-filter"], check=True, stdout=subprocess.PIPE,
                         text=True).stdout
    groups, members = {}, []
    for line in out.splitlines():
        if line.startswith("@"):
            members = groups.setdefault(line.strip(), [])
        elif line.startswith("    ") and not line.strip().startswith("#"):
            members.append(line.strip())
    return groups


def calls_of(groups, name):
    if not name.startswith("@"):
        return {name}
    return set().union(*(calls_of(groups, n) for n in groups[name]))


def allowed_calls(settings):
    groups = read_groups()
    allowed = calls_of(groups, "@default")  # as systemd has it
    for value in settings["SystemCallFilter"]:
        for name in value.lstrip("~").split():
            calls = calls_of(groups, name)
            allowed = allowed - calls if value.startswith("~") else allowed | calls
    return allowed


class Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]


class Filter:
    def __init__(self):
        self.lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self.lib.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.lib.seccomp_init(ERRNO_EPERM))

    def number(self, name):
        return self.lib.seccomp_syscall_resolve_name(name.encode())

    def rule(self, action, name, *comparisons):
        number = self.number(name)
        if number < 0:
            return  # not of this architecture
        array = (Comparison * len(comparisons))(*comparisons)
        must(self.lib.seccomp_rule_add_array(self.context, ctypes.c_uint32(action), number,
                                             len(comparisons), array), f"rule of {name}")

    def load(self):
        must(self.lib.seccomp_load(self.context), "loading the filter")


def load_filter(settings):
    f = Filter()
    special = {"socket", "mmap", "mprotect", "pkey_mprotect"}
    # execve of the program itself comes after the filter; systemd allows it likewise.
    for name in sorted((allowed_calls(settings) | {"execve"}) - special):
        f.rule(ALLOW, name)
    for family in " ".join(settings["RestrictAddressFamilies"]).split():
        f.rule(ALLOW, "socket", Comparison(0, CMP_EQ, FAMILIES[family], 0))
    # MemoryDenyWriteExecute: no mapping with both rights, no right to execute given later.
    assert settings["MemoryDenyWriteExecute"] == ["yes"]
    for rights in (0, 2, 4):
        f.rule(ALLOW, "mmap", Comparison(2, CMP_MASKED_EQ, 6, rights))
    f.rule(ALLOW, "mprotect", Comparison(2, CMP_MASKED_EQ, 4, 0))
    f.load()


def protect_system(folder):
    class MountAttr(ctypes.Structure):
        _fields_ = [("set", ctypes.c_uint64), ("clr", ctypes.c_uint64),
                    ("propagation", ctypes.c_uint64), ("userns_fd", ctypes.c_uint64)]

    def set_attr(path, flags, attr):
        must(libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, path.encode(), flags, ctypes.byref(attr),
                          ctypes.sizeof(attr)), f"mount_setattr of {path}")

    must(libc.unshare(CLONE_NEWNS), "unshare")
    must(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "private mounts")
    here = folder.encode()
    must(libc.mount(here, here, None, MS_BIND, None), "bind mount")
    set_attr("/", AT_RECURSIVE, MountAttr(set=MOUNT_ATTR_RDONLY))
    set_attr(folder, 0, MountAttr(clr=MOUNT_ATTR_RDONLY))


def limit(settings):
    for key, what in (("LimitNOFILE", resource.RLIMIT_NOFILE), ("LimitCORE", resource.RLIMIT_CORE),
                      ("LimitMEMLOCK", resource.RLIMIT_MEMLOCK)):
        value = settings[key][0]
        n = int(value[:-1]) << 20 if value.endswith("M") else int(value)
        hard = resource.getrlimit(what)[1]
        n = n if hard == resource.RLIM_INFINITY else min(n, hard)
        resource.setrlimit(what, (n, n))
    os.umask(int(settings["UMask"][0], 8))


def drop_privileges():
    if os.geteuid() == 0:
        capability = 0
        while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
            capability += 1
        if capability == 0:
            die("the capabilities cannot be dropped")
    must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")


def main():
    if len(sys.argv) < 4:
        die("usage: sandbox.py UNIT WRITABLE_FOLDER PROGRAM ARGUMENT...")
    settings = read_unit(sys.argv[1])
    limit(settings)
    if os.geteuid() == 0:
        protect_system(os.path.realpath(sys.argv[2]))
    drop_privileges()
    load_filter(settings)
    os.execv(sys.argv[3], sys.argv[3:])


main()
