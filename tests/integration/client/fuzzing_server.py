#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fuzzing_server.py - a fuzzing server as that of the Autobahn test suite, with
cases of our own: it breaks and bends RFC 6455, and looks at what comes back.

    fuzzing_server.py COMMAND...

It starts COMMAND with its URL behind it, as `COMMAND ws://127.0.0.1:PORT`, and
ends with 0 if that has ended well and has passed every case.
"""
import base64
import hashlib
import os
import socket
import struct
import subprocess
import sys
import threading

GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
DEADLINE_S = 60


def frame(opcode, data=b'', fin=True, rsv=0, masked=False):
    """The frame, as a server sends it unless it is masked."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    mask = 0x80 if masked else 0
    n = len(data)
    if n < 126:
        head = struct.pack('!BB', first, mask | n)
    elif n < 65536:
        head = struct.pack('!BBH', first, mask | 126, n)
    else:
        head = struct.pack('!BBQ', first, mask | 127, n)
    return head + (b'\0\0\0\0' if masked else b'') + data


def bye(code=1000, reason=b''):
    return frame(CLOSE, struct.pack('!H', code) + reason)


class Peer:
    """A connection whose client has shaken hands."""

    def __init__(self, sock):
        self.sock = sock
        self.have = b''

    def take(self, n):
        while len(self.have) < n:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError
            self.have += more
        out, self.have = self.have[:n], self.have[n:]
        return out

    def head(self):
        while b'\r\n\r\n' not in self.have:
            self.have += self.sock.recv(65536)
        head, self.have = self.have.split(b'\r\n\r\n', 1)
        return head.decode()

    def read(self):
        """(opcode, data) of the next frame, which must be masked."""
        first, second = self.take(2)
        if not second & 0x80 or first & 0x70:
            raise ValueError('a frame that no client may send')
        n = second & 0x7f
        if n == 126:
            n = struct.unpack('!H', self.take(2))[0]
        elif n == 127:
            n = struct.unpack('!Q', self.take(8))[0]
        key = self.take(4)
        data = self.take(n)
        if n:
            pad = (key * (n // 4 + 1))[:n]
            data = (int.from_bytes(data, 'big') ^
                    int.from_bytes(pad, 'big')).to_bytes(n, 'big')
        return first & 15, data

    def all(self):
        """What comes until the Close, as a list, and the code of that."""
        out = []
        while True:
            opcode, data = self.read()
            if opcode == CLOSE:
                return out, int.from_bytes(data[:2], 'big')
            out.append((opcode, data))


# What is sent, what must come back, and the code of the client's Close.  A
# case without an error ends with a Close of ours, after all that must come.
def good(name, sent, back):
    return name, sent, back, 1000


def bad(name, sent, code):
    return name, sent, [], code


BIG = bytes(range(256)) * 256
EURO = '€'.encode()
CASES = [
    good('an empty text', frame(TEXT), [(TEXT, b'')]),
    good('a text', frame(TEXT, b'hello'), [(TEXT, b'hello')]),
    good('a text of 125 bytes', frame(TEXT, b'*' * 125), [(TEXT, b'*' * 125)]),
    good('a text of 126 bytes', frame(TEXT, b'*' * 126), [(TEXT, b'*' * 126)]),
    good('bytes of 65,535', frame(BINARY, BIG[:65535]), [(BINARY, BIG[:65535])]),
    good('bytes of 65,536', frame(BINARY, BIG), [(BINARY, BIG)]),
    good('a megabyte', frame(BINARY, BIG * 16), [(BINARY, BIG * 16)]),
    good('a ping', frame(PING, b'x'), [(PONG, b'x')]),
    good('a ping of 125 bytes', frame(PING, b'p' * 125), [(PONG, b'p' * 125)]),
    ('an unsolicited pong', frame(PONG, b'x') + bye(), [], 1000),
    good('fragments', frame(TEXT, b'a', False) + frame(0, b'', False) +
         frame(0, b'b'), [(TEXT, b'ab')]),
    good('a ping between fragments', frame(TEXT, b'a', False) +
         frame(PING, b'p') + frame(0, b'b'), [(PONG, b'p'), (TEXT, b'ab')]),
    good('a character across fragments', frame(TEXT, EURO[:1], False) +
         frame(0, EURO[1:]), [(TEXT, EURO)]),
    good('a message behind another', frame(TEXT, b'1') + frame(BINARY, b'2'),
         [(TEXT, b'1'), (BINARY, b'2')]),
    bad('a masked frame', frame(TEXT, b'a', masked=True), 1002),
    bad('a reserved bit', frame(TEXT, b'a', rsv=1), 1002),
    bad('a reserved opcode', frame(3, b'a'), 1002),
    bad('a reserved control opcode', frame(11), 1002),
    bad('a fragmented ping', frame(PING, b'a', False), 1002),
    bad('a ping of 126 bytes', frame(PING, b'p' * 126), 1002),
    bad('a continuation without a start', frame(0, b'a'), 1002),
    bad('a message inside another', frame(TEXT, b'a', False) +
        frame(TEXT, b'b'), 1002),
    bad('text that is not UTF-8', frame(TEXT, b'\xff'), 1007),
    bad('a surrogate', frame(TEXT, b'\xed\xa0\x80'), 1007),
    bad('half a character at the end', frame(TEXT, EURO[:2]), 1007),
    bad('a length of 2^63', b'\x82\x7f\x80' + bytes(7), 1002),
    bad('a length that is not the shortest', b'\x81\x7e\x00\x01a', 1002),
    bad('a message over the limit', b'\x82\x7f' + struct.pack('!Q', 1 << 40),
        1009),
    bad('a Close of one byte', b'\x88\x01\x03', 1002),
    bad('a Close with 1005', bye(1005), 1002),
    bad('a Close with 999', bye(999), 1002),
    bad('a reason that is not UTF-8', bye(1000, b'\xff'), 1007),
    ('a Close with a code of its own', bye(4321, b'why'), [], 4321),
    ('a Close without a code', frame(CLOSE), [], 0),
    ('a message behind the Close', bye() + frame(TEXT, b'late'), [], 1000),
]


def shake_hands(peer):
    head = peer.head()
    key = next(line.split(': ', 1)[1] for line in head.split('\r\n')
               if line.lower().startswith('sec-websocket-key:'))
    accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest())
    peer.sock.sendall(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket'
                      b'\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ' +
                      accept + b'\r\n\r\n')
    return head.split(' ')[1]


def run_case(peer, number, whole):
    """None, or what was wrong."""
    name, sent, back, code = CASES[number - 1]
    pieces = [sent] if whole else [bytes([b]) for b in sent]
    try:
        for piece in pieces:
            peer.sock.sendall(piece)
        first = [peer.read() for _ in back]
        if back:
            peer.sock.sendall(bye())
        rest, closed = peer.all()
        got = first + rest, closed
    except (OSError, EOFError, ValueError) as e:
        return f'{name}: {e!r}'
    return None if got == (back, code) else f'{name}: {str(got)[:200]}'


def serve(listener, results):
    while True:
        sock, _ = listener.accept()
        sock.settimeout(DEADLINE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = Peer(sock)
        path = shake_hands(peer)
        if path.startswith('/runCase'):
            number = int(path.split('case=')[1].split('&')[0])
            # Odd rounds in one piece, even ones byte by byte (if short).
            half = len(CASES)
            whole = number <= half or len(CASES[number - half - 1][1]) > 300
            wrong = run_case(peer, number if number <= half else number - half,
                             whole)
            results[number] = wrong
        elif path.startswith('/getCaseCount'):
            sock.sendall(frame(TEXT, str(2 * len(CASES)).encode()) + bye())
        else:
            sock.sendall(bye())
        sock.close()
        if path.startswith('/updateReports'):
            return


def main():
    results = {}
    listener = socket.create_server(('127.0.0.1', 0))
    port = listener.getsockname()[1]
    server = threading.Thread(target=serve, args=(listener, results),
                              daemon=True)
    server.start()
    status = subprocess.call(sys.argv[1:] + [f'ws://127.0.0.1:{port}'])
    server.join(DEADLINE_S if status == 0 else 0)
    wrong = [w for w in results.values() if w is not None]
    for w in wrong:
        print(w)
    print(f'{len(results) - len(wrong)} passed, {len(wrong)} failed')
    sys.stdout.flush()
    os._exit(0 if status == 0 and not wrong and
             len(results) == 2 * len(CASES) else 1)


main()
