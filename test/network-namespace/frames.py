"""frames.py ATTEMPT…: a virtual machine's side of the interface `job`, in the sandbox that has it: every byte of every frame is ours.

One line an attempt: NAME, result, detail, with tabs between. An attack is a frame or some; what comes back is what came before the answer to
an honest SYN that is sent right behind it, as frames are taken in their order. So nothing here waits for something not to come."""
import fcntl, os, select, socket, struct, subprocess, sys

TUNSETIFF, TAP, NO_PI, VNET_HDR = 0x400454ca, 2, 0x1000, 0x4000
ROUTER, JOB, OTHER = bytes.fromhex('0267 6c6f 7600'), bytes.fromhex('0267 6c6f 7601'), bytes.fromhex('0267 6c6f 7609')
ALL = b'\xff' * 6
OWN4, OWN6 = '198.18.0.1', 'fd67:6c6f:7665::c612:1'
ROUTER4, ROUTER6 = '198.18.0.0', 'fd67:6c6f:7665::c612:0'
IP, ARP, IP6 = 0x800, 0x806, 0x86dd
SYN, RST, ACK, FIN = 2, 4, 16, 1
HEADER = 10 # of what is left to do, see linux/virtio_net.h: nothing
LONGEST = 20 # seconds that an answer may take on a busy machine

def take(name):
    handle = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(handle, TUNSETIFF, struct.pack('16sH22x', name.encode(), TAP | NO_PI | VNET_HDR))
    return handle

def family(address): return socket.AF_INET6 if ':' in address else socket.AF_INET
def bytes_of(address): return socket.inet_pton(family(address), address)

def checksum(data):
    data += b'\0' * (len(data) % 2)
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

def four(source, target, protocol, payload, options=b'', fragment=0):
    words = 5 + len(options) // 4
    head = struct.pack('!BBHHHBBH4s4s', 0x40 | words, 0, 4 * words + len(payload), 1, fragment, 64, protocol, 0, bytes_of(source), bytes_of(target)) + options
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + payload

def six(source, target, protocol, payload, hops=64):
    return struct.pack('!IHBB', 6 << 28, len(payload), protocol, hops) + bytes_of(source) + bytes_of(target) + payload

def packet(source, target, protocol, payload, **how):
    return (six if ':' in target else four)(source, target, protocol, payload, **how)

def summed(source, target, protocol, data, at):
    pseudo = bytes_of(source) + bytes_of(target) + struct.pack('!IHBB', len(data), 0, 0, protocol) # as IPv6's; the sum is the same
    return data[:at] + struct.pack('!H', checksum(pseudo + data)) + data[at + 2:]

def tcp(source, target, port, own_port, flags=SYN, seq=1, ack=0):
    return summed(source, target, 6, struct.pack('!HHIIBBHHH', own_port, port, seq, ack, 0x50, flags, 60000, 0, 0), 16)

def udp(source, target, port, own_port, data=b''):
    return summed(source, target, 17, struct.pack('!HHHH', own_port, port, 8 + len(data), 0) + data, 6)

def icmp6(source, target, data): return six(source, target, 58, summed(source, target, 58, data, 2), hops=255)

def frame(payload, kind=None, source=JOB, target=ROUTER, tags=b''):
    kind = kind or (IP6 if payload[0] >> 4 == 6 else IP)
    return target + source + tags + struct.pack('!H', kind) + payload

class Wire:
    def __init__(self):
        self.handle, self.next_port = take('job'), 20000
        # the kernel opens the way to us a moment after the interface was taken; no segment of nobody's connection but is answered by a reset
        while not select.select([self.handle], [], [], 0.1)[0]:
            self.send(frame(four(OWN4, '192.0.2.201', 6, tcp(OWN4, '192.0.2.201', 443, self.port(), ACK, 5, 5))))

    def send(self, each): os.write(self.handle, bytes(HEADER) + each)
    def port(self):
        self.next_port += 1
        return self.next_port

    def heard(self):
        """One packet for us: what it is, and how; None: nothing came in a long time."""
        while select.select([self.handle], [], [], LONGEST)[0]:
            each = os.read(self.handle, 70000)[HEADER:]
            kind, = struct.unpack('!H', each[12:14])
            seen = {'to': each[:6], 'from': each[6:12], 'kind': kind, 'protocol': None}
            body = each[14:]
            if kind == IP: seen.update(protocol=body[9], source=socket.inet_ntoa(body[12:16]), body=body[4 * (body[0] & 15):struct.unpack('!H', body[2:4])[0]])
            if kind == IP6: seen.update(protocol=body[6], source=socket.inet_ntop(socket.AF_INET6, body[8:24]), body=body[40:])
            if kind == IP6 and each[:2] == b'\x33\x33': continue # which groups the router listens to
            if seen['protocol'] in (6, 17): seen['ports'] = struct.unpack('!HH', seen['body'][:4])
            return seen

    def honest(self, target='192.0.2.200'):
        """What came before the answer to it."""
        own, before = self.port(), []
        source = OWN6 if ':' in target else OWN4
        self.send(frame(packet(source, target, 6, tcp(source, target, 443, own))))
        while True:
            seen = self.heard()
            if seen is None: raise TimeoutError(f'no answer to an honest SYN, but {before}')
            if seen['protocol'] == 6 and seen['ports'] == (443, own):
                if seen['to'] != JOB or seen['from'] != ROUTER: raise ValueError(f'answered to {seen["to"].hex()}')
                flags, = struct.unpack('!B', seen['body'][13:14])
                if flags & 0x17 == SYN | ACK:
                    ack, = struct.unpack('!I', seen['body'][4:8])
                    self.send(frame(packet(source, target, 6, tcp(source, target, 443, own, RST, 2, ack + 1)))) # it is not asked for again
                    return before
            else: before.append(seen)

WIRE = None
def wire():
    global WIRE
    WIRE = WIRE or Wire()
    return WIRE

def said(seen): return f"{seen['kind']:#x}/{seen['protocol']} from {seen.get('source', seen['from'].hex())}"

def sent(*frames):
    """Of what is sent: silent, or what answered. The honest ones before and after are the control."""
    wire().honest()
    for each in frames: wire().send(each)
    answers = wire().honest()
    wire().honest('2001:db8::200')
    return ('answered', ', '.join(map(said, answers))) if answers else ('silent', '')

# what a machine's own stack does

def connect(target, port):
    source = OWN6 if ':' in target else OWN4
    if target.startswith('::ffff:'): source, target = OWN4, target[7:]
    own, seq, ack, text = wire().port(), 1, 0, b''
    put = lambda flags: wire().send(frame(packet(source, target, 6, tcp(source, target, int(port), own, flags, seq, ack))))
    put(SYN)
    while True:
        seen = wire().heard()
        if seen is None: return 'nothing', ''
        if seen['protocol'] != 6 or seen['ports'] != (int(port), own):
            if seen['protocol'] in (1, 58) and seen['body'][0] in (1, 3): return 'ECONNREFUSED', 'icmp'
            continue
        body = seen['body']
        theirs, = struct.unpack('!I', body[4:8])
        flags, data = body[13], body[4 * (body[12] >> 4):]
        if flags & RST: return 'ECONNREFUSED', ''
        if flags & SYN: seq, ack = 2, theirs + 1; put(ACK); continue
        if theirs != ack: continue
        text += data
        ack += len(data) + (flags & FIN)
        if flags & FIN: put(ACK | FIN); seq += 1; return 'ok', text.decode()
        if data: put(ACK)

def ask(target, port):
    source, own = OWN6 if ':' in target else OWN4, wire().port()
    wire().send(frame(packet(source, target, 17, udp(source, target, int(port), own, b'question'))))
    while True:
        seen = wire().heard()
        if seen is None: return 'nothing', ''
        if seen['protocol'] in (1, 58) and seen['body'][0] in (1, 3): return 'ECONNREFUSED', ''
        if seen['protocol'] == 17 and seen['ports'] == (int(port), own): return 'ok', seen['body'][8:].decode()

# attacks

def honest_four(target='192.0.2.1'): return four(OWN4, target, 6, tcp(OWN4, target, 443, wire().port()))
def honest_six(target='2001:db8::1'): return six(OWN6, target, 6, tcp(OWN6, target, 443, wire().port()))

def other_mac(): return sent(frame(honest_four(), source=OTHER), frame(honest_six(), source=OTHER), frame(honest_four(), source=ROUTER), frame(honest_four(), source=ALL))
def to_another(): return sent(frame(honest_four(), target=OTHER), frame(honest_six(), target=OTHER), frame(honest_four(), target=bytes(6)))
def to_all():
    group4, group6 = bytes.fromhex('01005e000001'), bytes.fromhex('333300000001')
    return sent(*(frame(each, target=target) for target in (ALL, group4, group6) for each in (honest_four(), honest_six())))
def broadcasts(): return sent(*(frame(four(OWN4, target, 17, udp(OWN4, target, 53, wire().port(), b'question')), target=ALL) for target in ('255.255.255.255', '198.18.0.255')))

def source_four(source):
    return sent(frame(four(source, '192.0.2.1', 6, tcp(source, '192.0.2.1', 443, wire().port()))), frame(four(source, '192.0.2.2', 17, udp(source, '192.0.2.2', 443, wire().port()))))
def source_six(source):
    return sent(frame(six(source, '2001:db8::1', 6, tcp(source, '2001:db8::1', 443, wire().port()))), frame(six(source, '2001:db8::2', 17, udp(source, '2001:db8::2', 443, wire().port()))))

def arp_packet(operation, hardware, address, target): return struct.pack('!HHBBH6s4s6s4s', 1, IP, 6, 4, operation, hardware, bytes_of(address), bytes(6), bytes_of(target))
def arp():
    return sent(*(frame(arp_packet(operation, hardware, address, target), ARP, source=source, target=to)
        for operation in (1, 2) for hardware in (JOB, OTHER) for source in (JOB, OTHER) for to in (ALL, ROUTER)
        for address, target in ((OWN4, ROUTER4), (OWN4, OWN4), ('192.0.2.1', ROUTER4), (ROUTER4, ROUTER4))))

def neighbours():
    target, near = bytes_of(ROUTER6), b'\x01\x01' + OTHER
    solicit = b'\x87\0\0\0' + bytes(4) + target + near
    tell = b'\x88\0\0\0' + b'\x60\0\0\0' + bytes_of(OWN6) + b'\x02\x01' + OTHER
    sources = OWN6, 'fe80::1'
    return sent(*(frame(icmp6(source, to, data), target=hardware) for source in sources for data in (solicit, tell)
        for to, hardware in ((ROUTER6, ROUTER), ('ff02::1', bytes.fromhex('333300000001')), ('ff02::1:ff12:0', bytes.fromhex('3333ff120000')))))

def router():
    prefix = struct.pack('!BBBBIII16s', 3, 4, 64, 0xc0, 3600, 3600, 0, bytes_of('2001:db8:bad::'))
    advert = b'\x86\0\0\0' + struct.pack('!BBHII', 64, 0, 1800, 0, 0) + b'\x01\x01' + OTHER + prefix
    elsewhere = b'\x89\0\0\0' + bytes(4) + bytes_of('fe80::1') + bytes_of('2001:db8::1')
    four_elsewhere = b'\x05\x01\0\0' + bytes_of(OWN4) + honest_four()[:28]
    four_elsewhere = four_elsewhere[:2] + struct.pack('!H', checksum(four_elsewhere)) + four_elsewhere[4:]
    frames = [frame(icmp6(source, to, data), target=hardware) for source in ('fe80::1', OWN6) for data in (advert, elsewhere)
        for to, hardware in (('ff02::1', bytes.fromhex('333300000001')), (ROUTER6, ROUTER))]
    return sent(*frames, frame(four('198.18.0.0', '198.18.0.0', 1, four_elsewhere)))

def state():
    return [subprocess.run(['/usr/sbin/ip', *words.split()], capture_output=True, text=True).stdout for words in
        ('-4 route show table all', '-6 route show table all', '-4 neigh', '-6 neigh', '-4 -o addr', '-6 -o addr')]
def learnt():
    """All of the above, and what the router knows of its network before and after."""
    known = lambda: '\n'.join(state()).replace(' linkdown', '').replace('STALE', '')
    wire().honest(); before = known()
    if 'lladdr 02:67:6c:6f:76:01 PERMANENT' not in before: return 'unknown', before
    for each in (arp, neighbours, router, other_mac, to_all): each()
    after = known()
    return ('nothing', '') if after == before else ('learnt', repr((before, after)))

def vlan():
    tag = lambda kind, number: struct.pack('!HH', kind, number)
    tags = [tag(0x8100, 0), tag(0x8100, 5), tag(0x88a8, 0), tag(0x8100, 0xe000), tag(0x8100, 0) * 2, tag(0x88a8, 0) + tag(0x8100, 0), tag(0x8100, 5) + tag(0x8100, 0)]
    return sent(*(frame(each, tags=each_tag) for each_tag in tags for each in (honest_four(), honest_six())))

def other_types():
    kinds = 0, 60, 0x88cc, 0x8847, 0x8863, 0x8864, 0x888e, 0x6558, 0x0842, 0x22f0
    return sent(*(frame(honest_four(), kind) for kind in kinds if kind), frame(b'\xaa\xaa\x03\0\0\0\x08\0' + honest_four(), 60), frame(b'', IP), frame(b'', IP6), frame(honest_four())[:20])

def extension(kind):
    segment = tcp(OWN6, '2001:db8::5', 443, wire().port())
    header = b'\x06\0' + (b'\0\0' + bytes(4) if kind == '44' else b'\x01\x04' + bytes(4))
    return sent(frame(six(OWN6, '2001:db8::5', int(kind), header + segment)))

def route_option():
    return sent(frame(four(OWN4, '192.0.2.6', 17, udp(OWN4, '192.0.2.6', 53, wire().port()), options=b'\x83\x07\x04' + bytes_of('192.0.2.9') + b'\0')))

def to_itself(): return sent(*(frame(four(OWN4, OWN4, kind, b'\x08\0\xf7\xff' + bytes(20))) for kind in (1, 6, 17)), frame(honest_six(OWN6)), frame(honest_four(OWN4)))

def other_interface(name):
    try: os.close(take(name))
    except OSError as error: return error.strerror, ''
    return 'taken', ''

def device():
    try: os.close(os.open('/dev/net/tun', os.O_RDWR))
    except OSError as error: return error.strerror, ''
    return 'opened', ''

NAMES = {'tcp': connect, 'udp': ask}
for attempt in sys.argv[1:]:
    name, *words = attempt.split(',')
    try: result, detail = (NAMES.get(name) or globals()[name])(*words)
    except Exception as error: result, detail = type(error).__name__, str(error)
    print(attempt, result, detail.replace('\t', ' ').replace('\n', ' '), sep='\t', flush=True)
