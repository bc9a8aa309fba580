"""Run in a build step: try to reach HOST:PORT past the firewall; prints what was possible.

Arguments: host and port.
"""

import socket
import sys

host, port = sys.argv[1], int(sys.argv[2])
ETH_P_ALL = 0x0300


def attempt(name, action):
    try:
        action()
    except OSError as error:
        print(name, "failed:", error.strerror or error)
    else:
        print(name, "POSSIBLE")


attempt("tcp", lambda: socket.create_connection((host, port), timeout=3))
attempt("udp", lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", (host, port)))
attempt("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, ETH_P_ALL))
attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW))
attempt("mapped", lambda: socket.create_connection((f"::ffff:{host}", port), timeout=3))
