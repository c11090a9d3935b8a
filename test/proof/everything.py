"""everything.py FAR…: a job that tries all there is. FAR is METHOD,PROTOCOL,HOST,PORT,PATH. Prints what it reached, as JSON, one object."""
import json, os, socket, ssl, stat, sys

def ask(method, protocol, host, port, path):
    """what any server would take for a request; whether the far side's word came back"""
    head = '%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: 0\r\n' % (method, path, host)
    if 'TOKEN' in os.environ: head += 'Authorization: Bearer %s\r\n' % os.environ['TOKEN']
    head += '\r\n'
    with socket.create_connection((host, port), timeout=5) as s:
        if protocol == 'tls':
            context = ssl._create_unverified_context()
            s = context.wrap_socket(s, server_hostname=host)
        s.sendall(head.encode())
        return b'far side' in s.recv(4000)

def reached(far):
    method, protocol, host, port, path = far.split(',')
    try: return ask(method, protocol, host, int(port), path)
    except (OSError, UnicodeError): return False

def datagram(host):
    """to a port on which the far side hears them; what came of it is seen there"""
    try:
        for family, kind, _, _, address in socket.getaddrinfo(host, 9000, type=socket.SOCK_DGRAM):
            with socket.socket(family, kind) as s: s.sendto(b'datagram', address)
    except (OSError, UnicodeError): pass

def files():
    """every file that can be read and holds a canary: which"""
    found = []
    for folder, folders, names in os.walk('/'):
        if folder in ('/proc', '/sys', '/usr/share', '/usr/lib'): folders.clear()
        for name in names:
            path = os.path.join(folder, name)
            try:
                if not os.path.isfile(path) or os.path.getsize(path) > 4096: continue
                with open(path, 'rb') as file: text = file.read(4096)
            except OSError: continue
            found += [word for word in text.decode('latin1').split() if word.startswith('canary-')]
    return sorted(set(found))

def writes(places):
    """leaves a file wherever it may"""
    done = []
    for place in places:
        try:
            with open(os.path.join(place, 'left-by-the-job'), 'w') as file: file.write('left')
            done.append(place)
        except OSError: pass
    return done

def unix():
    """every Unix socket that has a path, and answers"""
    found = []
    for folder, folders, names in os.walk('/'):
        if folder in ('/proc', '/sys', '/usr'): folders.clear()
        for path in (os.path.join(folder, name) for name in names):
            try:
                if not stat.S_ISSOCK(os.lstat(path).st_mode): continue
                with socket.socket(socket.AF_UNIX) as s: s.connect(path)
                found.append(path)
            except OSError: pass
    return found

def devices():
    found = set()
    for folder, _, names in os.walk('/dev'):
        for path in (os.path.join(folder, name) for name in names):
            mode = os.lstat(path).st_mode
            if stat.S_ISCHR(mode) or stat.S_ISBLK(mode): found.add(path.removeprefix('/dev/'))
    return sorted(found)

folders = {folder for folder, _, _ in os.walk('/') if not folder.startswith(('/proc/', '/sys/', '/usr/'))}
places = sorted(folders | {os.environ.get('ELSEWHERE', '/')})
for host in {far.split(',')[2] for far in sys.argv[1:]}: datagram(host)
print(json.dumps({
    'network': [far for far in sys.argv[1:] if reached(far)],
    'files': files(),
    'written': writes(places),
    'env': sorted(os.environ),
    'devices': devices(),
    'unix': unix(),
}))
