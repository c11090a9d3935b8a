"""probe.py ATTEMPT…: what a job does on its network. One line each: attempt, result (ok or the error's name), detail."""
import errno, socket, ssl, sys, threading, time

LIMIT = 20 # nothing here may be answered by silence: whoever waits so long says so

def connected(host, port):
    return socket.create_connection((host, int(port)), timeout=LIMIT)

def tcp(host, port, *said):
    """what the other side says first, or in answer to `said`"""
    with connected(host, port) as s:
        if said: s.sendall(said[0].encode())
        return s.recv(200).decode('latin1').strip()

def name(host):
    return ' '.join(sorted({each[4][0] for each in socket.getaddrinfo(host, 80)}))

def http(host, port, path='/'):
    """status and body, or how it broke"""
    with connected(host, port) as s:
        s.sendall(b'GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n' % (path.encode(), host.encode(), port.encode()))
        got = everything(s)
    return got[9:12].decode() + ' ' + got.partition(b'\r\n\r\n')[2][:100].decode('latin1')

def everything(s):
    got = b''
    while more := s.recv(65536): got += more
    return got

def download(host, port):
    """reads until it ends, however that is"""
    got = 0
    with connected(host, port) as s:
        try:
            while more := s.recv(65536):
                if got == 0: print('downloading', flush=True)
                got += len(more)
        except ConnectionResetError: return 'reset after %d' % got
    return 'end after %d' % got

def upload(host, port, count):
    """sends so many bytes, then its end, and hears how many the other side has"""
    with connected(host, port) as s:
        s.sendall(b'x' * int(count))
        s.shutdown(socket.SHUT_WR)
        return everything(s).decode()

def echo(s):
    try:
        s.sendall(b'?')
        return s.recv(1) == b'?'
    except ConnectionResetError: return False

def hold(host, port, count):
    """so many connections at once; how many of them are answered"""
    held = []
    for _ in range(int(count)):
        try: held.append(connected(host, port))
        except ConnectionResetError: pass
    answered = sum([echo(s) for s in held])
    for s in held: s.close()
    return '%d' % answered

def again(host, port):
    """until it is answered: whoever was closed may be counted for another moment"""
    while True:
        try:
            with connected(host, port) as s:
                if echo(s): return
        except ConnectionResetError: pass

def down(host, port, count):
    """asks for so many bytes, and counts what comes"""
    with connected(host, port) as s:
        s.sendall(count.encode())
        return counted(s)

def drain(host, port, path):
    with connected(host, port) as s:
        s.sendall(b'GET %s HTTP/1.1\r\nHost: %s:%s\r\n\r\n' % (path.encode(), host.encode(), port.encode()))
        return counted(s)

def counted(s):
    got = 0
    try:
        while more := s.recv(65536): got += len(more)
    except ConnectionResetError: return 'reset after %d' % got
    return 'end after %d' % got

def chunked(host, port, count):
    """a body of so many chunks, or one without end"""
    with connected(host, port) as s:
        s.sendall(b'POST / HTTP/1.1\r\nHost: %s:%s\r\nTransfer-Encoding: chunked\r\n\r\n' % (host.encode(), port.encode()))
        left = int(count)
        while left != 0:
            s.sendall(b'1000\r\n' + b'x' * 4096 + b'\r\n')
            left -= 1
        s.sendall(b'0\r\n\r\n')
        return s.recv(65536).decode('latin1')[9:12]

def flood(host, port):
    """one connection after another, until one is refused"""
    for _ in range(100000):
        try:
            with connected(host, port) as s:
                if not echo(s): return 'refused'
        except ConnectionResetError: return 'refused'

def trickle(host, port, count):
    with connected(host, port) as s:
        for _ in range(int(count)):
            if not echo(s): return 'reset'
            time.sleep(0.1)

def quiet(host, port):
    with connected(host, port) as s:
        echo(s)
        return counted(s)

def loris(host, port):
    """a head that never ends, a byte at a time"""
    with connected(host, port) as s:
        s.sendall(b'GET / HTTP/1.1\r\nHost: %s:%s\r\nX: ' % (host.encode(), port.encode()))
        while True:
            s.sendall(b'x')
            time.sleep(0.05)

def hello(host, port, size):
    """so much of a ClientHello; whatever is there echoes it"""
    context = ssl.create_default_context()
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(into, out, server_hostname=host)
    try: tls.do_handshake()
    except ssl.SSLWantReadError: pass
    whole = out.read()
    with connected(host, port) as s:
        s.sendall(whole[:int(size)])
        got = s.recv(65536)
        return 'echoed' if got and whole.startswith(got) else 'nothing'

def header(host, port, size):
    with connected(host, port) as s:
        s.sendall(b'GET / HTTP/1.1\r\nHost: %s:%s\r\nX: %s\r\n\r\n' % (host.encode(), port.encode(), b'x' * int(size)))
        return s.recv(65536).decode('latin1')[9:12]

def ask(host, name):
    """a resolver of one's own choice, by UDP"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(LIMIT)
        labels = b''.join(bytes([len(each)]) + each.encode() for each in name.split('.'))
        s.sendto(b'\x12\x34\1\0\0\1\0\0\0\0\0\0' + labels + b'\0\0\1\0\1', (host, 53))
        return '%d bytes' % len(s.recv(512))

def udp(host, port):
    """refused at once, whether or not anybody is there to answer"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((host, int(port)))
        s.send(b'\xc3\0\0\0\1' + bytes(1195))

def ping(host):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as s:
        s.sendto(b'\x08\0\0\0\0\0\0\0', (host, 0))

FIRST = {
    'h2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0',
    'connect': 'CONNECT other.test:80 HTTP/1.1\r\nHost: other.test:80\r\n\r\n',
    'second': 'GET / HTTP/1.1\r\nHost: {host}\r\n\r\nGET /second HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n',
    'upgrade': 'GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n',
    'absolute': 'GET http://other.test/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n',
}

def first(host, port, what):
    """opens with these words; the status codes of all answers"""
    with connected(host, port) as s:
        s.sendall(FIRST[what].format(host=host).encode())
        got = everything(s)
    return ' '.join(part[:3].decode('latin1') for part in got.split(b'HTTP/1.1 ')[1:])

def kept(host, port):
    """two requests on one connection, though the host has closed its own between them"""
    with connected(host, port) as s:
        codes = []
        for _ in range(2):
            s.sendall(b'GET / HTTP/1.1\r\nHost: %s\r\n\r\n' % host.encode())
            codes.append(s.recv(65536)[9:12].decode())
            time.sleep(0.5)
        return ' '.join(codes)

def wait(): print('ready', flush=True); sys.stdin.readline()

def serve(host, port):
    """in the background, for as long as the job lives"""
    s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, int(port)))
    s.listen()
    def answer():
        while True:
            with s.accept()[0] as each: each.sendall(b'served')
    threading.Thread(target=answer, daemon=True).start()

def abstract(name):
    address = ('\0' + name).encode()
    for each in address, address.ljust(108, b'\0'): # libuv once took the whole field for the name
        with socket.socket(socket.AF_UNIX) as s:
            code = s.connect_ex(each)
            if code == 0: return s.recv(200).decode()
    raise OSError(code, '')

def said(error):
    if isinstance(error, socket.timeout): return 'silence'
    if isinstance(error, socket.gaierror):
        return {socket.EAI_NONAME: 'EAI_NONAME', socket.EAI_AGAIN: 'EAI_AGAIN', socket.EAI_NODATA: 'EAI_NODATA'}.get(error.errno, str(error))
    return errno.errorcode.get(error.errno, error.strerror or str(error))

if __name__ == '__main__':
    for attempt in sys.argv[1:]:
        what, *arguments = attempt.split(',')
        result, detail = 'ok', ''
        try: detail = globals()[what](*arguments) or ''
        except OSError as error: result = said(error)
        print(attempt, result, detail, sep='\t', flush=True)
