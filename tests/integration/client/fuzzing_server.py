#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fuzzing_server.py - a fuzzing server as that of the Autobahn test suite, with
cases of our own: it breaks and bends RFC 6455, and looks at what comes back.

    fuzzing_server.py COMMAND...

The groups are numbered as there: 1 framing, 2 pings, 3 reserved bits, 4
opcodes, 5 fragments, 6 UTF-8, 7 closing, 9 sizes, 10 many fragments, 12 and 13
compression.

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
import zlib

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


def pressed(data, bits=15):
    """The data as permessage-deflate has it, without a context before it."""
    z = zlib.compressobj(9, zlib.DEFLATED, -bits)
    return (z.compress(data) + z.flush(zlib.Z_SYNC_FLUSH))[:-4]


def bye(code=1000, reason=b''):
    return frame(CLOSE, struct.pack('!H', code) + reason)


class Peer:
    """A connection whose client has shaken hands."""

    def __init__(self, sock):
        self.sock = sock
        self.have = b''
        self.deflates = False
        self.bits = 15

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
        is_pressed = first & 0x40 and self.deflates and first & 15 < 8
        if not second & 0x80 or first & (0x30 if is_pressed else 0x70):
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
        if is_pressed:
            z = zlib.decompressobj(-self.bits)
            data = z.decompress(data + b'\0\0\xff\xff')
        return first & 15, data

    def all(self):
        """What comes until the Close, as a list, and the code of that."""
        out = []
        while True:
            opcode, data = self.read()
            if opcode == CLOSE:
                return out, int.from_bytes(data[:2], 'big')
            out.append((opcode, data))


# (name, what is sent, what must come back, what is sent then, the code of the
# client's Close, the client's window in bits if compression is agreed on).
def good(name, sent, back, bits=None):
    return name, sent, back, bye(), 1000, bits


def bad(name, sent, code, back=(), bits=None):
    """With `back`, HELLO goes before what is bad, and must have come back."""
    first = HELLO if list(back) == SAID else b''
    return name, first, list(back), sent[len(first):], code, bits


def echoed(name, opcode, *messages):
    """Messages that come back as they are."""
    return good(name, b''.join(frame(opcode, m) for m in messages),
                [(opcode, m) for m in messages])


def pieces(opcode, data, size, rsv=0):
    """One message in fragments of `size` bytes."""
    parts = [data[i:i + size] for i in range(0, len(data), size)] or [b'']
    return b''.join(
        frame(0 if i else opcode, part, i == len(parts) - 1, 0 if i else rsv)
        for i, part in enumerate(parts))


BIG = bytes(range(256)) * 256
EURO = '€'.encode()
HELLO = frame(TEXT, b'hello')
SAID = [(TEXT, b'hello')]

FRAMING = [
    *(echoed(f'1.1 a text of {n} bytes', TEXT, b'*' * n)
      for n in (0, 125, 126, 127, 128, 65535, 65536)),
    *(echoed(f'1.2 bytes, {n} of them', BINARY, b'\xfe' * n)
      for n in (0, 125, 126, 127, 128, 65535, 65536)),
    echoed('1.3 two messages in a row', TEXT, b'1', b'2'),
    bad('1.4 a masked frame', frame(TEXT, b'a', masked=True), 1002),
    bad('1.5 a length of 2^63', b'\x82\x7f\x80' + bytes(7), 1002),
    bad('1.6 a length that is not the shortest', b'\x81\x7e\x00\x01a', 1002),
    bad('1.7 nor in eight bytes', b'\x81\x7f' + struct.pack('!Q', 200), 1002),
]
PINGS = [
    *(good(f'2.1 a ping of {n} bytes', frame(PING, b'p' * n),
           [(PONG, b'p' * n)]) for n in (0, 1, 125)),
    good('2.2 a ping of bytes', frame(PING, b'\0\xff\xfe'),
         [(PONG, b'\0\xff\xfe')]),
    bad('2.3 a ping of 126 bytes', frame(PING, b'p' * 126), 1002),
    bad('2.4 an unsolicited pong', frame(PONG, b'x') + bye(), 1000),
    good('2.5 pongs, then a ping', frame(PONG) + frame(PONG, b'x') +
         frame(PING, b'y'), [(PONG, b'y')]),
    good('2.6 ten pings in a row', b''.join(
        frame(PING, b'%d' % i) for i in range(10)),
         [(PONG, b'%d' % i) for i in range(10)]),
]
BITS = [
    *(bad(f'3.1 reserved bits {rsv}', HELLO + frame(TEXT, b'a', rsv=rsv), 1002,
          SAID) for rsv in range(1, 8)),
    *(bad(f'3.2 reserved bit in {name}', frame(opcode, b'', rsv=4), 1002)
      for name, opcode in (('a ping', PING), ('a pong', PONG),
                           ('a Close', CLOSE))),
]
OPCODES = [
    *(bad(f'4.1 opcode {n}', HELLO + frame(n, b'a'), 1002, SAID)
      for n in (3, 4, 5, 6, 7)),
    *(bad(f'4.2 control opcode {n}', HELLO + frame(n), 1002, SAID)
      for n in (11, 12, 13, 14, 15)),
]
FRAGMENTS = [
    bad('5.1 a ping in two', frame(PING, b'a', False) + frame(0, b'b'), 1002),
    bad('5.2 a pong in two', frame(PONG, b'a', False) + frame(0, b'b'), 1002),
    good('5.3 a text in two', pieces(TEXT, b'abcd', 2), [(TEXT, b'abcd')]),
    good('5.4 a text in bytes, one empty', frame(TEXT, b'a', False) +
         frame(0, b'', False) + frame(0, b'b'), [(TEXT, b'ab')]),
    good('5.5 a ping between fragments', frame(TEXT, b'a', False) +
         frame(PING, b'p') + frame(0, b'b'), [(PONG, b'p'), (TEXT, b'ab')]),
    good('5.6 two pings between three', frame(TEXT, b'a', False) +
         frame(PING, b'p') + frame(0, b'b', False) + frame(PING, b'q') +
         frame(0, b'c'), [(PONG, b'p'), (PONG, b'q'), (TEXT, b'abc')]),
    bad('5.7 a continuation without a start', frame(0, b'a'), 1002),
    ('5.8 one more after the last', pieces(TEXT, b'ab', 1), [(TEXT, b'ab')],
     frame(0, b'c'), 1002, None),
    bad('5.9 a message inside another', frame(TEXT, b'a', False) +
        frame(TEXT, b'b'), 1002),
    bad('5.10 bytes inside a text', frame(TEXT, b'a', False) +
        frame(BINARY, b'b', False), 1002),
]
TEXTS = [
    *(echoed(f'6.1 {text}', TEXT, text.encode()) for text in (
        'κόσμε', '\x00', '\x7f', '\x80', '\u07ff', '\u0800', '\uffff',
        '\U00010000', '\U0010ffff', '\ufffd', '\ufdd0', '\U0001fffe')),
    good('6.2 a character across fragments', frame(TEXT, EURO[:1], False) +
         frame(0, EURO[1:]), [(TEXT, EURO)]),
    *(bad(f'6.3 {text.hex()}', frame(TEXT, text), 1007) for text in (
        b'\xff', b'\xfe', b'\x80', b'\xbf', b'\xc0\xaf', b'\xc1\xbf',
        b'\xe0\x80\xaf', b'\xe0\x9f\xbf', b'\xf0\x8f\xbf\xbf',
        b'\xf4\x90\x80\x80', b'\xf5\x80\x80\x80', b'\xf8\x88\x80\x80\x80',
        b'\xfc\x84\x80\x80\x80\x80', b'\xed\xa0\x80', b'\xed\xbf\xbf',
        b'a\xcf', b'\xe2\x82', b'\xf0\x90\x80', b'\xe2\x28\xa1')),
    bad('6.4 wrong in the second fragment', frame(TEXT, b'a', False) +
        frame(0, b'\xff', False), 1007),
    bad('6.5 wrong in a message that never ends', frame(TEXT, b'ab\xff', False),
        1007),
    echoed('6.6 the same is well as bytes', BINARY, b'\xff\xc0\xaf'),
]
CLOSES = [
    bad('7.1 a message before', HELLO + bye(), 1000, SAID),
    bad('7.2 a message behind', bye() + HELLO, 1000),
    bad('7.3 a ping behind', bye() + frame(PING, b'p'), 1000),
    bad('7.4 two', bye() + bye(1001), 1000),
    bad('7.5 in the middle of a message', frame(TEXT, b'a', False) + bye(),
        1000),
    bad('7.6 without a code', frame(CLOSE), 0),
    bad('7.7 of one byte', b'\x88\x01\x03', 1002),
    bad('7.8 with a long reason', bye(1000, b'*' * 123), 1000),
    bad('7.9 with one too long', bye(1000, b'*' * 124), 1002),
    bad('7.10 with a reason that is not UTF-8', bye(1000, b'\xff'), 1007),
    *(bad(f'7.11 code {code}', bye(code, b'why'), code) for code in (
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000,
        4999)),
    *(bad(f'7.12 code {code}', bye(code), 1002) for code in (
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)),
]
SIZES = [
    echoed('9.1 a megabyte of text', TEXT, b'*' * (1 << 20)),
    echoed('9.2 a megabyte', BINARY, BIG * 16),
    good('9.3 a megabyte in fragments of 64 KiB', pieces(
        BINARY, BIG * 16, 1 << 16), [(BINARY, BIG * 16)]),
    good('9.4 64 KiB in fragments of 64 bytes', pieces(BINARY, BIG, 64),
         [(BINARY, BIG)]),
    bad('9.5 over the limit', b'\x82\x7f' + struct.pack('!Q', 1 << 40), 1009),
    bad('9.6 over the limit with its last fragment', frame(
        BINARY, BIG, False) + b'\x80\x7f' + struct.pack('!Q', 32 << 20), 1009),
    good('10.1 64 KiB in fragments of 1,300 bytes', pieces(TEXT, b'*' * 65536,
                                                          1300),
         [(TEXT, b'*' * 65536)]),
]


def squeezed(name, data, opcode=TEXT, size=1 << 20, bits=15):
    return good(name, pieces(opcode, pressed(data), size, 4), [(opcode, data)],
                bits)


WORDS = b' '.join(b'word%d' % i for i in range(8000))
PRESSED = [
    *(squeezed(f'12.1 {n} bytes', WORDS[:n]) for n in (
        0, 1, 16, 64, 256, 1024, 4096, 32768, 65536)),
    squeezed('12.2 bytes that do not shrink', BIG[:1000], BINARY),
    squeezed('12.3 in fragments', WORDS, TEXT, 100),
    good('12.4 with a ping inside', frame(TEXT, pressed(b'abc')[:2], False, 4) +
         frame(PING, b'p') + frame(0, pressed(b'abc')[2:]),
         [(PONG, b'p'), (TEXT, b'abc')], 15),
    good('12.5 not compressed', HELLO, SAID, 15),
    good('12.6 one after another', frame(TEXT, pressed(b'a'), True, 4) + HELLO +
         frame(TEXT, pressed(b'b'), True, 4),
         [(TEXT, b'a'), *SAID, (TEXT, b'b')], 15),
    bad('12.7 a bad block', frame(TEXT, b'\xff\xff\xff', True, 4), 1007, (),
        15),
    bad('12.8 the bit in a continuation', frame(TEXT, pressed(b'abc')[:2], False,
                                                4) +
        frame(0, pressed(b'abc')[2:], True, 4), 1002, (), 15),
    bad('12.9 the bit in a ping', frame(PING, b'', True, 4), 1002, (), 15),
    bad('12.10 text that is not UTF-8', frame(TEXT, pressed(b'\xff'), True, 4),
        1007, (), 15),
    bad('12.11 more than the limit', frame(
        BINARY, pressed(bytes(33 << 20)), True, 4), 1009, (), 15),
    *(squeezed(f'13.{bits} a window of {bits} bits', WORDS, TEXT, 5000, bits)
      for bits in range(9, 15)),
]
CASES = (FRAMING + PINGS + BITS + OPCODES + FRAGMENTS + TEXTS + CLOSES + SIZES +
         PRESSED)
# One number for a case in one piece, then one for each that is short, byte by
# byte.
RUNS = [(case, True) for case in CASES] + [(case, False) for case in CASES
                                           if len(case[1] + case[3]) <= 300]


def run_of(path):
    """The case of a path and how it is sent; None: it is none."""
    if not path.startswith('/runCase'):
        return None
    return RUNS[int(path.split('case=')[1].split('&')[0]) - 1]


def shake_hands(peer):
    """The path; compression is agreed on if the case wants it."""
    head = peer.head()
    fields = dict(line.split(': ', 1) for line in head.split('\r\n')[1:])
    accept = base64.b64encode(
        hashlib.sha1(fields['Sec-WebSocket-Key'].encode() + GUID).digest())
    path = head.split(' ')[1]
    run = run_of(path)
    extension = b''
    if run is not None and run[0][5] is not None:
        peer.deflates, peer.bits = True, run[0][5]
        extension = (b'Sec-WebSocket-Extensions: permessage-deflate; '
                     b'server_no_context_takeover; client_no_context_takeover')
        if peer.bits < 15:
            extension += b'; client_max_window_bits=%d' % peer.bits
        extension += b'\r\n'
        if 'permessage-deflate' not in fields['Sec-WebSocket-Extensions']:
            raise ValueError('no compression was offered')
    peer.sock.sendall(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket'
                      b'\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ' +
                      accept + b'\r\n' + extension + b'\r\n')
    return path


def put(peer, data, whole):
    for piece in [data] if whole else [bytes([b]) for b in data]:
        peer.sock.sendall(piece)


def run_case(peer, case, whole):
    """None, or what was wrong."""
    name, sent, back, then, code, _ = case
    try:
        put(peer, sent, whole)
        first = [peer.read() for _ in back]
        put(peer, then, whole)
        rest, closed = peer.all()
        got = first + rest, closed
    except (OSError, EOFError, ValueError, zlib.error) as e:
        return f'{name}: {e!r}'
    return None if got == (back, code) else f'{name}: {str(got)[:200]}'


def serve(listener, results):
    while True:
        sock, _ = listener.accept()
        sock.settimeout(DEADLINE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = Peer(sock)
        path = shake_hands(peer)
        run = run_of(path)
        if run is not None:
            results.append(run_case(peer, *run))
        elif path.startswith('/getCaseCount'):
            sock.sendall(frame(TEXT, str(len(RUNS)).encode()) + bye())
        else:
            sock.sendall(bye())
        sock.close()
        if path.startswith('/updateReports'):
            return


def main():
    results = []
    listener = socket.create_server(('127.0.0.1', 0))
    port = listener.getsockname()[1]
    server = threading.Thread(target=serve, args=(listener, results),
                              daemon=True)
    server.start()
    status = subprocess.call(sys.argv[1:] + [f'ws://127.0.0.1:{port}'])
    server.join(DEADLINE_S if status == 0 else 0)
    wrong = [w for w in results if w is not None]
    for w in wrong:
        print(w)
    print(f'{len(results) - len(wrong)} passed, {len(wrong)} failed')
    sys.stdout.flush()
    os._exit(0 if status == 0 and not wrong and
             len(results) == len(RUNS) else 1)


main()
