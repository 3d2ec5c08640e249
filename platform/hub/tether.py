"""Run a program that cannot outlive its parent: `python tether.py PARENT SIGNAL MODE COMMAND...`.

The kernel sends SIGNAL to the program when process PARENT ends, however it ends (Linux; elsewhere the program merely runs).
MODE is "same", or "plain": inside a user namespace of its own, where root's files belong to an ordinary user, because
PostgreSQL refuses to run as root. No user is made and no folder's mode is changed.

Stands alone and imports nothing of ours: it starts with `python -I -S`, in a fresh process with one thread, which is what
unshare(2) asks for, and the program takes its place, so that its process id is the one the parent knows.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
PLAIN_ID = 1000
NO_NAMESPACE = 77
"""Exit status when the kernel or a container forbids user namespaces."""


def become_plain_user() -> None:
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{PLAIN_ID} {uid} 1"), ("gid_map", f"{PLAIN_ID} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def main() -> None:
    parent, signal_name, mode, *command = sys.argv[1:]
    if mode == "plain":
        try:
            become_plain_user()
        except OSError:
            sys.exit(NO_NAMESPACE)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.Signals[signal_name].value)
        if os.getppid() != int(parent):  # it ended before the kernel knew our wish
            sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
