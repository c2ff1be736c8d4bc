# SPDX-License-Identifier: Apache-2.0
"""A client of the protocol for tests, in JSON or protobuf.

The messages come from proto/client.proto itself, so a new field needs nothing
here.  A command and a reply are the dicts that JSON has; bytes are JSON.
"""
import json
import pathlib
import re
import socket

PROTO = pathlib.Path(__file__).parents[2] / 'proto/client.proto'
DEADLINE_S = 60
SCALARS = ('bool', 'int32', 'int64', 'uint32', 'uint64', 'string', 'bytes')


def read_messages():
    """{message: {field: (number, type, 'one', 'repeated' or 'map')}}"""
    text = re.sub(r'//.*', '', PROTO.read_text())
    messages = {}
    for name, body in re.findall(r'message (\w+) \{(.*?)\}', text, re.S):
        messages[name] = fields = {}
        for repeated, of_map, kind, field, number in re.findall(
                r'(repeated )?(map<string, )?(\w+)>? (\w+) = (\d+);', body):
            fields[field] = (int(number), kind, 'repeated' if repeated else
                             'map' if of_map else 'one')
    return messages


MESSAGES = read_messages()


def varint(value):
    value &= 2**64 - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def take_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def part(number, kind, value):
    if kind not in SCALARS:
        value = encode(kind, value)
    elif kind == 'string':
        value = value.encode()
    elif kind == 'bytes':
        value = json.dumps(value).encode()
    else:
        return varint(number << 3) + varint(int(value))
    return varint(number << 3 | 2) + varint(len(value)) + value


def encode(message, values):
    out = b''
    for name, value in values.items():
        number, kind, count = MESSAGES[message][name]
        if count == 'map':
            for key, entry in value.items():
                pair = part(1, 'string', key) + part(2, kind, entry)
                out += varint(number << 3 | 2) + varint(len(pair)) + pair
        else:
            for entry in value if count == 'repeated' else [value]:
                out += part(number, kind, entry)
    return out


def raw_fields(data):
    at = 0
    while at < len(data):
        tag, at = take_varint(data, at)
        value, at = take_varint(data, at)
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
        yield tag >> 3, value


def plain(kind, value):
    if kind not in SCALARS:
        return decode(kind, value)
    if kind == 'string':
        return value.decode()
    if kind == 'bytes':
        return json.loads(value)
    return bool(value) if kind == 'bool' else value


def decode(message, data):
    by_number = {field[0]: (name, *field[1:])
                 for name, field in MESSAGES[message].items()}
    out = {}
    for number, value in raw_fields(data):
        name, kind, count = by_number[number]
        if count == 'repeated':
            out.setdefault(name, []).append(plain(kind, value))
        elif count == 'map':
            pair = dict(raw_fields(value))
            out.setdefault(name, {})[pair[1].decode()] = \
                plain(kind, pair.get(2, b''))
        else:
            out[name] = plain(kind, value)
    return out


class Peer:
    """One connection.  What came besides the reply is kept in `pushes`."""

    def __init__(self, port, is_protobuf=False):
        self.is_protobuf = is_protobuf
        self.id = 0
        self.pushes = []
        self.closed, self.reason = None, ''  # of a Close
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.socket.settimeout(DEADLINE_S)
        self.file = self.socket.makefile('rb')
        self.socket.sendall(
            b'GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n'
            b'Upgrade: websocket\r\nConnection: Upgrade\r\n'
            b'Sec-WebSocket-Version: 13\r\n'
            b'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
            (b'Sec-WebSocket-Protocol: centrifuge-protobuf\r\n'
             if is_protobuf else b'') + b'\r\n')
        self.status = int(self.file.readline().split()[1])
        while self.file.readline() != b'\r\n':
            pass

    def send(self, command):
        if self.is_protobuf:
            data = encode('Command', command)
            self.send_raw(varint(len(data)) + data)
        else:
            self.send_raw(json.dumps(command).encode())

    def send_raw(self, data):
        first = b'\x82' if self.is_protobuf else b'\x81'
        size = (bytes([0x80 | len(data)]) if len(data) < 126 else
                b'\xfe' + len(data).to_bytes(2, 'big') if len(data) < 65536
                else b'\xff' + len(data).to_bytes(8, 'big'))
        self.socket.sendall(first + size + bytes(4) + data)

    def read(self, count):
        data = self.file.read(count)
        assert len(data) == count, 'the connection ended without a Close'
        return data

    def messages(self):
        """The replies of the next frame; none: it was a Close."""
        first, length = self.read(2)
        if length == 126:
            length = int.from_bytes(self.read(2), 'big')
        elif length == 127:
            length = int.from_bytes(self.read(8), 'big')
        data = self.read(length)
        if first & 15 == 8:
            self.closed = int.from_bytes(data[:2], 'big')
            self.reason = data[2:].decode()
            return []
        if not self.is_protobuf:
            return [json.loads(line) for line in data.splitlines()]
        replies, at = [], 0
        while at < len(data):
            size, at = take_varint(data, at)
            replies.append(decode('Reply', data[at:at + size]))
            at += size
        return replies

    def wait(self, test):
        """The first message that fits; None: the connection was closed."""
        while self.closed is None:
            found = None
            for message in self.messages():
                if found is None and test(message):
                    found = message
                elif 'push' in message:
                    self.pushes.append(message['push'])
            if found is not None:
                return found
        return None

    def ask(self, method, request):
        """The reply of a command; None: the connection was closed."""
        self.id += 1
        mine = self.id
        self.send({'id': mine, method: request})
        return self.wait(lambda message: message.get('id') == mine)

    def push(self, test):
        """The first push that fits, of those kept or that come."""
        for at, push in enumerate(self.pushes):
            if test(push):
                return self.pushes.pop(at)
        found = self.wait(lambda m: 'push' in m and test(m['push']))
        return None if found is None else found['push']

    def close(self):
        self.file.close()
        self.socket.close()
