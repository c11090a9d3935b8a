"""A terminal and who sits at it: runs ARGV on a pty of its own, and does what it is told in lines of JSON.

In:  {"type": text}  {"resize": [columns, rows]}  {"signal": number}  {"answer": seconds, "modern": bool}  {"modes": true}  {"left": true}
Out: {"pid": n}  {"shown": text}  {"modes": text}  {"ended": wait status}  {"left": text}
`answer`: from now on it answers what a terminal is asked (who it is, where the cursor is; `modern`: how a mode is), after that
many seconds.
`left`: what a shell would now read as if it had been typed. Text is latin-1, one character a byte.
"""
import fcntl, json, os, re, select, signal, struct, sys, termios, time

columns, rows, *argv = sys.argv[1:]
QUESTIONS = re.compile(rb"\x1b\[([56]?[nc])|\x1b\[\?(\d+)\$p|\x05")
ANSWERS = {b"c": b"\x1b[?62;22c", b"5n": b"\x1b[0n", b"6n": b"\x1b[7;9R"}


def resize(columns, rows):
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))


def say(**what):
    print(json.dumps(what), flush=True)


def modes():
    return repr(termios.tcgetattr(slave))


def left():
    raw = termios.tcgetattr(slave)
    raw[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(slave, termios.TCSANOW, raw)
    os.set_blocking(slave, False)
    try:
        return os.read(slave, 65536).decode("latin-1")
    except BlockingIOError:
        return ""


def do(told):
    global typed, delay, modern
    if "type" in told:
        typed += told["type"].encode("latin-1")
    if "resize" in told:
        resize(*told["resize"])
    if "signal" in told:
        os.kill(pid, told["signal"])
    if "answer" in told:
        delay, modern = told["answer"], told["modern"]
    if "modes" in told:
        say(modes=modes())
    if "left" in told:
        say(left=left())


master, slave = os.openpty()
resize(columns, rows)
os.chmod(os.ttyname(slave), 0o666)
first = modes()
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.closerange(3, 256)
    os.execvp(argv[0], argv)

say(pid=pid, modes=first)
os.set_blocking(master, False)
delay, modern, due, typed, ended, heard = None, True, [], b"", False, b""
sources = [master, 0]
while sources:
    now = time.monotonic()
    while due and due[0][0] <= now:
        typed += due.pop(0)[1]
    wait = max(0, due[0][0] - now) if due else 0.05
    ready, writable, _ = select.select(sources, [master] if typed else [], [], wait)
    if writable:
        typed = typed[os.write(master, typed):]
    if master in ready:
        shown = os.read(master, 65536)
        if delay is not None:
            for question in QUESTIONS.finditer(shown):
                short, mode = question.groups()
                answer = ANSWERS.get(short, b"answerback\r")
                if mode is not None:
                    answer = b"\x1b[?" + mode + b";0$y" if modern else b""
                due.append((time.monotonic() + delay, answer))
        say(shown=shown.decode("latin-1"))
    if not ended:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done == pid:
            ended = True
            say(ended=status, modes=modes())
    if 0 not in ready:
        continue
    came = os.read(0, 65536)
    if came == b"":
        break
    *lines, heard = (heard + came).split(b"\n")
    for line in lines:
        do(json.loads(line))
if not ended:
    os.kill(pid, signal.SIGKILL)
