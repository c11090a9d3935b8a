"""knock.py PORT HOST…: connects to each as a program would, asks as a browser would, and says whether anything answered."""
import socket
import sys

port = int(sys.argv[1])
for host in sys.argv[2:]:
    try:
        with socket.create_connection((host, port), timeout=4) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\nHost: " + host.rstrip(".").encode("idna") + b"\r\n\r\n")
            said = connection.recv(1000)
        word = "answered" if b"decoy" in said else "refused"
    except (OSError, UnicodeError) as error:
        word = "failed: " + type(error).__name__
    print(host, word, flush=True)
