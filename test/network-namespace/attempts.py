"""attempts.py ATTEMPT…: what a job may try on its network. One line each: attempt, result (ok or the error's name), detail."""
import errno, os, socket, struct, sys

def family(address):
    return socket.AF_INET6 if ':' in address else socket.AF_INET

def tcp(address, port):
    with socket.socket(family(address), socket.SOCK_STREAM) as s:
        s.settimeout(20)
        s.connect(socket.getaddrinfo(address, int(port), type=socket.SOCK_STREAM)[0][4])
        return s.recv(200).decode().strip()

def udp(address, port):
    with socket.socket(family(address), socket.SOCK_DGRAM) as s:
        s.settimeout(20)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.sendto(b'question', (address, int(port)))
        return s.recv(200).decode()

def udp_heard(address, port):
    """as a program that looks at nothing but what comes back"""
    with socket.socket(family(address), socket.SOCK_DGRAM) as s:
        s.settimeout(20)
        s.connect((address, int(port)))
        try: s.send(b'question')
        except OSError: pass
        return s.recv(200).decode()

def flood(count):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for i in range(int(count)):
            try: s.sendto(b'x', ('203.0.113.%d' % (i % 200), 1000 + i % 5000))
            except PermissionError: pass

def steal(address, port, *options):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for option in options: s.setsockopt(socket.SOL_SOCKET, getattr(socket, option), 1)
        s.bind((address, int(port)))

def own_server(host, port, address):
    """listens, and connects to that port of an address; the gateway answers by itself, this server says 'own'"""
    server = socket.socket(family(host), socket.SOCK_STREAM)
    server.bind((host, int(port)))
    server.listen()
    if os.fork() == 0:
        connection, _ = server.accept()
        connection.sendall(b'own')
        os._exit(0)
    return tcp(address, server.getsockname()[1])

def own_datagrams(address):
    with socket.socket(family(address), socket.SOCK_DGRAM) as s, socket.socket(family(address), socket.SOCK_DGRAM) as c:
        s.bind((address, 0)); c.settimeout(20); s.settimeout(20)
        c.sendto(b'?', s.getsockname())
        _, who = s.recvfrom(10)
        s.sendto(b'own', who)
        return c.recv(10).decode()

def at_once():
    """two sockets that connect to each other at the same time need no listener"""
    a, b = socket.socket(), socket.socket()
    for s, place in (a, ('203.0.113.5', 5000)), (b, ('203.0.113.6', 6000)):
        s.setblocking(False); s.bind(place)
    a.connect_ex(('203.0.113.6', 6000)); b.connect_ex(('203.0.113.5', 5000))
    for s in a, b: s.setblocking(True); s.settimeout(1)
    a.sendall(b'hello')
    return 'each other' if b.recv(5) == b'hello' else 'something else'

def made(*numbers):
    socket.socket(*map(int, numbers)).close()

def option(level, number):
    with socket.socket(socket.AF_INET6 if level == '41' else socket.AF_INET) as s: s.setsockopt(int(level), int(number), 1)

def multicast():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton('224.1.2.3') + bytes(4))
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton('127.0.0.1'))
        s.sendto(b'x', ('224.1.2.3', 5353))

def options_header():
    """record route: an IPv4 header of more than 20 bytes, to the one place that datagrams may go to"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b'\x07\x07\x04\0\0\0\0\0')
        s.sendto(b'x', ('198.18.0.53', 53))

def link_down():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        s.settimeout(20)
        s.send(struct.pack('=IHHII', 32, 16, 5, 1, 0) + struct.pack('=BxHiII', 0, 0, 1, 0, 1))
        answer = -struct.unpack('=i', s.recv(200)[16:20])[0]
        if answer: raise OSError(answer, '')

def abstract(name):
    address = ('\0' + name).encode()
    for each in address, address.ljust(108, b'\0'): # libuv once took the whole field for the name
        with socket.socket(socket.AF_UNIX) as s: code = s.connect_ex(each)
        if code == 0: return
    raise OSError(code, '')

def names(host):
    try: socket.getaddrinfo(host, 80, flags=socket.AI_ADDRCONFIG)
    except socket.gaierror: pass

def capabilities():
    return ' '.join(line.split()[1] for line in open('/proc/self/status') if line.startswith('Cap'))

for attempt in sys.argv[1:]:
    what, *arguments = attempt.split(',')
    result, detail = 'ok', ''
    try: detail = globals()[what](*arguments) or ''
    except socket.timeout: result = 'silence'
    except OSError as error: result = errno.errorcode.get(error.errno, str(error))
    print(attempt, result, detail, sep='\t', flush=True)
