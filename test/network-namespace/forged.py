"""forged.py PORT: what a job with raw sockets could send, in its network namespace, as root; then it connects to PORT, which ends the job."""
import socket, struct, sys

def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

def four(source, destination, protocol, payload):
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0, *map(socket.inet_aton, (source, destination)))
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + payload

def six(source, destination, protocol, payload):
    both = b''.join(socket.inet_pton(socket.AF_INET6, each) for each in (source, destination))
    return struct.pack('!IHBB', 6 << 28, len(payload), protocol, 64) + both + payload

def syn(source, destination, port, family=socket.AF_INET):
    pack = lambda sum_: struct.pack('!HHIIBBHHH', 4000, port, 1, 0, 0x50, 2, 1000, sum_, 0)[:20]
    both = b''.join(socket.inet_pton(family, each) for each in (source, destination))
    return pack(checksum(both + struct.pack('!HH', 6, 20) + pack(0)))

def udp(port):
    return struct.pack('!HHHH', 4000, port, 8, 0)

OWN6 = 'fd67:6c6f:7665::c612:1'
wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
def send(packet, protocol):
    wire.sendto(packet, ('eth0', protocol, 0, 0, b'\x02glov\x00'))
for source in '203.0.113.9', '198.18.0.0', '198.18.0.53', '127.0.0.1', '0.0.0.0':
    send(four(source, '192.0.2.1', 6, syn(source, '192.0.2.1', 443)), 0x800)
    send(four(source, '192.0.2.2', 17, udp(443)), 0x800)
send(six('2001:db8::9', '2001:db8::1', 6, syn('2001:db8::9', '2001:db8::1', 443, socket.AF_INET6)), 0x86dd)
send(six('fe80::1', '2001:db8::2', 17, udp(443)), 0x86dd)
send(four('198.18.0.1', '192.0.2.3', 1, b'\x08\0\xf7\xff' + bytes(4)), 0x800) # a ping
send(four('198.18.0.1', '192.0.2.4', 132, bytes(12)), 0x800) # SCTP
send(six(OWN6, '2001:db8::5', 0, b'\x06\0\x01\x04\0\0\0\0' + syn(OWN6, '2001:db8::5', 443, socket.AF_INET6)), 0x86dd) # hop by hop
send(four('198.18.0.1', '224.1.2.3', 17, udp(5353)), 0x800)
send(six(OWN6, 'ff05::fb', 17, udp(5353)), 0x86dd)
send(six(OWN6, '2001:db8::6', 17, udp(443)), 0x86dd)
send(four('198.18.0.1', '192.0.2.7', 6, syn('198.18.0.1', '192.0.2.7', 443)), 0x800) # its own: this one counts
socket.create_connection(('198.18.0.1', int(sys.argv[1]))).close()
