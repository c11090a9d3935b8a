"""A job gives up what it no longer needs: docs/lock.md. Copy this function; it needs nothing but the standard library.

    glovebox run --policy examples/lock/policy.yaml --read examples:/in -- python3 /in/lock/lock.py /in/photo.jpg
"""
import os
import sys


def lock(profile="sealed"):
    """Locks every thread and process of this job, for good. Raises OSError when it is not locked."""
    fd = int(os.environ["GLOVEBOX_LOCK_FD"])
    os.write(fd, f"lock {profile}\n".encode())
    answer = b""
    while not answer.endswith(b"\n"):
        byte = os.read(fd, 1)
        if not byte:
            raise BrokenPipeError("nobody answered: not locked")
        answer += byte
    if answer != b"locked\n":
        raise PermissionError(f"the policy does not offer the lock {profile!r}")


def attempt(what, action):
    try:
        action()
        print(f"{what}: worked")
    except OSError as error:
        print(f"{what}: {error.strerror}")


if __name__ == "__main__":
    import hashlib  # imports are opens: all of them come before the lock
    import socket

    picture = open(sys.argv[1], "rb")
    lock()
    attempt("open", lambda: open("/etc/passwd"))
    attempt("execute", lambda: os.execv("/bin/true", ["true"]))
    attempt("socket", lambda: socket.socket(socket.AF_UNIX))
    attempt("remove", lambda: os.unlink("/tmp/x"))
    print("still reads:", hashlib.sha256(picture.read()).hexdigest()[:8])
