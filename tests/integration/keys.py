#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tokens whose keys an HTTPS server of the test publishes (auth.jwks_url).
   keys.py PARLEYD

The server is mute, good, gone, and without a certificate that is trusted; clients get in or hear in time that they cannot."""
import base64
import http.server
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

PARLEYD = os.path.abspath(sys.argv[1])
WAITING = 100  # clients that wait for one key
PATIENCE_S = 60  # of a machine that is busy
MUTE_S = 8  # of the broker with a mute server: all clients come before


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def run(*args, data=None):
    return subprocess.run(args, input=data, check=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def make_certificate(name):
    run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
        'ec_paramgen_curve:P-256', '-nodes', '-keyout', name + '.key', '-out',
        name + '.pem', '-days', '2', '-subj', '/CN=localhost', '-addext',
        'subjectAltName=DNS:localhost')


def make_pair():
    run('openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt',
        'ec_paramgen_curve:P-256', '-out', 'own.pem')
    point = run('openssl', 'pkey', '-in', 'own.pem', '-pubout', '-outform',
                'DER')[-64:]
    return {'kty': 'EC', 'crv': 'P-256', 'use': 'sig', 'kid': 'one',
            'x': b64(point[:32]), 'y': b64(point[32:])}


def raw_of(der):
    """r and s, 32 bytes each, of an ECDSA signature."""
    def number(at):
        length = der[at + 1]
        return der[at + 2:at + 2 + length], at + 2 + length
    r, at = number(2)
    s, _ = number(at)
    return b''.join(n.lstrip(b'\0').rjust(32, b'\0') for n in (r, s))


def sign(claims, kid='one'):
    text = '.'.join(b64(json.dumps(part).encode()) for part in (
        {'alg': 'ES256', 'kid': kid}, claims))
    der = run('openssl', 'dgst', '-sha256', '-sign', 'own.pem',
              data=text.encode())
    return text + '.' + b64(raw_of(der))


class Server:
    """Serves the set over TLS; `mode` says how."""

    def __init__(self, name, keys):
        self.mode = 'good'
        self.requests = 0
        self.may_answer = threading.Event()  # what a mute server never gets
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                outer.requests += 1
                if outer.mode == 'mute':
                    outer.may_answer.wait()
                    return
                body = json.dumps({'keys': keys}).encode()
                self.send_response(200)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.http.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(name + '.pem', name + '.key')
        self.http.socket = context.wrap_socket(self.http.socket,
                                               server_side=True)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self):
        self.may_answer.set()
        self.http.shutdown()
        self.http.server_close()


class Broker:
    def __init__(self, port, ca, timeout_s=PATIENCE_S):
        free = socket.socket()
        free.bind(('127.0.0.1', 0))
        self.port = free.getsockname()[1]
        free.close()
        with open('parley.yaml', 'w') as f:
            f.write('listen: ["127.0.0.1:%d"]\nadmin: {listen: off, socket: '
                    'off}\nloops: 2\nconnect: {timeout: %ds}\nauth:\n'
                    '  jwks_url: https://localhost:%d/keys\n'
                    % (self.port, timeout_s, port))
            if ca:
                f.write('  jwks_ca: %s.pem\n' % ca)
        self.process = subprocess.Popen([PARLEYD, '-c', 'parley.yaml'])
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(('127.0.0.1', self.port)).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        if self.process.wait(PATIENCE_S) != 0:
            sys.exit('parleyd ended with %d' % self.process.returncode)


class Client:
    def __init__(self, broker, token):
        self.socket = socket.create_connection(('127.0.0.1', broker.port))
        self.socket.settimeout(2 * PATIENCE_S)
        self.socket.sendall(
            b'GET /connection/websocket HTTP/1.1\r\nHost: localhost\r\n'
            b'Upgrade: websocket\r\nConnection: Upgrade\r\n'
            b'Sec-WebSocket-Version: 13\r\n'
            b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
        while not self.take(1, until=b'\r\n\r\n'):
            pass
        text = json.dumps({'id': 1, 'connect': {'token': token}}).encode()
        self.socket.sendall(b'\x81\xfe' + struct.pack('>H', len(text)) +
                            b'\0\0\0\0' + text)

    def take(self, count, until=None):
        data = b''
        while len(data) < count if until is None else not data.endswith(until):
            more = self.socket.recv(1)
            if not more:
                break
            data += more
        return data

    def answer(self):
        """What the broker says next: a reply, or the code of a Close."""
        first, length = self.take(2)
        if length == 126:
            length = struct.unpack('>H', self.take(2))[0]
        data = self.take(length)
        self.socket.close()
        if first & 15 == 8:
            return struct.unpack('>H', data[:2])[0]
        reply = json.loads(data)
        return reply['error']['code'] if 'error' in reply else reply['connect']


def expect(what, got, wanted):
    if not (wanted(got) if callable(wanted) else got == wanted):
        sys.exit('%s: got %r' % (what, got))
    print('ok:', what)


def is_in(got):
    return isinstance(got, dict) and 'client' in got


def main():
    os.chdir(tempfile.mkdtemp())
    make_certificate('server')
    make_certificate('other')
    server = Server('server', [make_pair()])
    token = sign({'sub': 'ann'})

    server.mode = 'mute'
    broker = Broker(server.port, 'server', MUTE_S)
    clients = [Client(broker, token) for _ in range(WAITING)]
    expect('a mute server: each client hears in time',
           {c.answer() for c in clients}, {100})
    expect('... and there were two requests', server.requests, 2)
    broker.stop()

    server.mode = 'good'
    broker = Broker(server.port, 'server')
    clients = [Client(broker, token) for _ in range(WAITING)]
    expect('a good server lets all in',
           all(is_in(c.answer()) for c in clients), True)
    expect('another kid', Client(broker, sign({}, 'two')).answer(), 3500)
    forged = token[:-8] + ('AAAAAAAA' if token[-8:] != 'AAAAAAAA' else 'B' * 8)
    expect('a forged token', Client(broker, forged).answer(), 3500)
    server.stop()
    expect('the keys are kept while the server is gone',
           Client(broker, token).answer(), is_in)
    broker.stop()

    broker = Broker(server.port, 'server')
    expect('a server that is gone', Client(broker, token).answer(), 100)
    broker.stop()

    server = Server('other', [])
    broker = Broker(server.port, 'server')
    expect('a certificate of somebody else', Client(broker, token).answer(),
           100)
    expect('... that saw no request', server.requests, 0)
    broker.stop()
    server.stop()


main()
