#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A configuration of Centrifugo means the same read directly and imported.

    centrifugo.py PARLEYD PARLEY

Both brokers are asked the same, and answer what Centrifugo does.
"""
import base64
import hashlib
import hmac
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PARLEYD, PARLEY = map(os.path.abspath, sys.argv[1:3])
SECRET = 'a "secret" # of 32 bytes: or more, \U0001f600'
KEY = '0123456789abcdef'
ENV = {name: value for name, value in os.environ.items()
       if not name.startswith(('PARLEY_', 'CENTRIFUGO_'))}
DEADLINE_S = 60


def config(port):
    return {
        'http_server': {'address': '127.0.0.1', 'port': port},
        'client': {'token': {'hmac_secret_key': SECRET},
                   'allowed_origins': ['https://*.example.org'],
                   'ping_interval': '1m', 'channel_limit': 10},
        'channel': {
            'without_namespace': {'allow_publish_for_client': True},
            'namespaces': [
                {'name': 'chat', 'history_size': 5, 'history_ttl': '1h',
                 'presence': True, 'force_recovery': True,
                 'allow_subscribe_for_client': True,
                 'allow_publish_for_subscriber': True,
                 'allow_presence_for_subscriber': True},
                {'name': 'news', 'allow_subscribe_for_client': True,
                 'allow_subscribe_for_anonymous': True},
                {'name': 'dialog', 'allow_user_limited_channels': True},
            ]},
        'http_api': {'key': KEY},
        'health': {'enabled': True, 'handler_prefix': '/up'},
        'prometheus': {'enabled': True},
        'usage_stats': {'disabled': True},
    }


# What else files have; each is taken without a word.
OTHERS = {
    'tokens': {
        'client': {
            'token': {'jwks_public_endpoint': 'https://id.example.org/keys',
                      'audience_regex': '^chat-', 'issuer': 'id'},
            'subscription_token': {'enabled': True,
                                   'hmac_secret_key': SECRET},
            'allow_anonymous_connect_without_token': True,
            'proxy': {'connect': {'enabled': False, 'endpoint': 'http://a'}}},
        'channel': {'namespaces': [
            {'name': 'chat', 'allow_subscribe_for_client': True},
            {'name': 'my-news.1', 'history_size': 1, 'history_ttl': '1s',
             'allow_recovery': True, 'publication_data_format': 'json'},
            {'name': 'x_', 'join_leave': True,
             'force_push_join_leave': True}]},
        'engine': {'type': 'memory'},
    },
    'names': {
        'http_server': {'internal_port': '9001',
                        'internal_address': '127.0.0.1'},
        'log': {'level': 'debug'},
        'client': {'token': {'hmac_secret_key': SECRET},
                   'connection_limit': 100, 'user_connection_limit': 10,
                   'queue_max_size': 2097152, 'stale_close_delay': '5s',
                   'concurrency': 8, 'allowed_origins': ['*']},
        'channel': {'namespace_boundary': '/', 'private_prefix': '',
                    'max_length': 100, 'history_meta_ttl': '1000h',
                    'without_namespace': {'history_size': 10,
                                          'history_ttl': '1m',
                                          'force_recovery': True}},
        'http_api': {'key': KEY, 'external': True, 'handler_prefix': '/b',
                     'error_mode': 'transport'},
        'websocket': {'handler_prefix': '/ws', 'compression': True,
                      'message_size_limit': 131072},
        'prometheus': {'enabled': True, 'handler_prefix': '/m'},
        'health': {'enabled': True},
        'shutdown': {'timeout': '10s'},
    },
    'open': {'client': {'insecure': True}},
}


def part(value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b'=')


def token(**claims):
    text = part({'alg': 'HS256', 'typ': 'JWT'}) + b'.' + part(claims)
    sign = hmac.new(SECRET.encode(), text, hashlib.sha256).digest()
    return (text + b'.' + part(sign)).decode()


class Client:
    """A WebSocket connection that sends one command at a time."""

    def __init__(self, port, origin=None):
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.socket.settimeout(DEADLINE_S)
        self.id = 0
        head = (f'GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n'
                f'Upgrade: websocket\r\nConnection: Upgrade\r\n'
                f'Sec-WebSocket-Version: 13\r\n'
                f'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
                (f'Origin: {origin}\r\n' if origin else '') + '\r\n')
        self.socket.sendall(head.encode())
        answer = b''
        while b'\r\n\r\n' not in answer:
            answer += self.read(1)
        self.status = int(answer.split()[1])

    def read(self, count):
        got = b''
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            assert more, 'the connection has ended'
            got += more
        return got

    def ask(self, method, **request):
        """'ok', the number of an error, or that of a Close."""
        self.id += 1
        text = json.dumps({'id': self.id, method: request}).encode()
        assert len(text) < 65536
        size = (bytes([0x80 | len(text)]) if len(text) < 126 else
                b'\xfe' + len(text).to_bytes(2, 'big'))
        self.socket.sendall(b'\x81' + size + bytes(4) + text)
        while True:
            first, length = self.read(2)
            if length == 126:
                length = int.from_bytes(self.read(2), 'big')
            payload = self.read(length)
            if first & 15 == 8:
                return f'close {int.from_bytes(payload[:2], "big")}'
            for line in payload.splitlines():
                reply = json.loads(line)
                if reply.get('id') == self.id:
                    return reply.get('error', {}).get('code', 'ok')


def call(port, method, request, key=KEY):
    """The status, and what an error or the result says."""
    ask = urllib.request.Request(
        f'http://127.0.0.1:{port}/api/{method}', json.dumps(request).encode(),
        {'X-API-Key': key})
    try:
        with urllib.request.urlopen(ask, timeout=DEADLINE_S) as answer:
            body = json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code
    result = body.get('result', {})
    if 'publications' in result:
        return [p['data'] for p in result['publications']]
    return body.get('error', {}).get('code', 'ok')


def get(port, path):
    """The status and the text of a page that needs no key."""
    try:
        with urllib.request.urlopen(f'http://127.0.0.1:{port}{path}',
                                    timeout=DEADLINE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ''


def answers(port):
    yield 'health', get(port, '/up'), (200, '{}\n')
    yield 'no health', get(port, '/health')[0], 426
    yield 'metrics', 'centrifugo_node_num_clients' in get(port, '/metrics')[1], True
    yield 'a page of ours', Client(port, 'https://a.example.org').status, 101
    yield 'another page', Client(port, 'https://example.net').status, 403
    yield 'no page', Client(port).status, 101
    yield 'no token', Client(port).ask('connect'), 101
    yield 'a bad token', Client(port).ask('connect', token='a.b.c'), 'close 3500'
    ann, unnamed = Client(port), Client(port)
    yield 'a token', ann.ask('connect', token=token(sub='ann')), 'ok'
    yield 'unnamed', unnamed.ask('connect', token=token()), 'ok'
    for who, client, channel, wanted in [
            ('ann', ann, 'chat:1', 'ok'), ('ann', ann, 'news:1', 'ok'),
            ('ann', ann, 'dialog:x#bob,ann', 'ok'),
            ('ann', ann, 'dialog:x#bob', 103), ('ann', ann, 'dialog:x', 103),
            ('ann', ann, 'none:1', 102), ('ann', ann, 'plain', 103),
            ('ann', ann, '$chat:1', 103), ('ann', ann, 'chat:\u00e4', 107),
            ('unnamed', unnamed, 'chat:1', 103),
            ('unnamed', unnamed, 'news:1', 'ok')]:
        got = client.ask('subscribe', channel=channel)
        yield f'{who} subscribes to {channel}', got, wanted
    for channel, wanted in [('$chat:1', 'ok'), ('$chat:2', 'ok'),
                            ('$none:1', 102)]:
        got = ann.ask('subscribe', channel=channel,
                      token=token(sub='ann', channel=channel, iss='x'))
        yield f'ann subscribes to {channel} with a token', got, wanted
    for channel, data, wanted in [
            ('chat:1', {'n': 1}, 'ok'), ('chat:2', {'n': 1}, 103),
            ('news:1', {'n': 1}, 103), ('plain', {'n': 1}, 'ok'),
            ('none:1', {'n': 1}, 102)]:
        got = ann.ask('publish', channel=channel, data=data)
        yield f'ann publishes in {channel}', got, wanted
    yield 'presence', ann.ask('presence', channel='chat:1'), 'ok'
    yield 'presence outside', ann.ask('presence', channel='chat:2'), 103
    yield 'no presence', ann.ask('presence', channel='news:1'), 108
    yield 'history', ann.ask('history', channel='chat:1', limit=1), 103
    yield 'no key', call(port, 'info', {}, ''), 401
    yield 'a wrong key', call(port, 'info', {}, 'fedcba9876543210'), 401
    for n in range(2, 9):
        got = call(port, 'publish', {'channel': 'chat:1', 'data': {'n': n}})
        yield f'publish {n}', got, 'ok'
    yield ('the last five', call(port, 'history', {'channel': 'chat:1',
                                                   'limit': -1}),
           [{'n': n} for n in range(4, 9)])
    yield ('an unknown namespace',
           call(port, 'publish', {'channel': 'none:1', 'data': {}}), 102)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def start(port, *arguments):
    """A broker that listens."""
    broker = subprocess.Popen(
        [PARLEYD, *arguments, '--set', 'admin.listen=off', '--set',
         'admin.socket=off', '--set', 'limits.loop_lag=0', '--set', 'loops=2'],
        env=ENV, stderr=subprocess.PIPE)
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        assert broker.poll() is None, broker.stderr.read().decode()
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            return broker
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise AssertionError('the broker does not listen')


def stop(broker):
    broker.send_signal(signal.SIGTERM)
    log = broker.communicate(timeout=DEADLINE_S)[1].decode()
    assert broker.returncode == 0, log
    assert SECRET not in log and KEY not in log


def compare(port, how):
    failures = 0
    for what, got, wanted in answers(port):
        if got != wanted:
            print(f'{how}: {what}: {got}, not {wanted}')
            failures += 1
    assert failures == 0


def reload_it(broker, port, file, changed):
    """Everything that can change does: its key, its secret, its origins, its
    paths, its level and its namespaces."""
    changed['http_api']['key'] = 'fedcba9876543210'
    changed['client']['token'] = {'hmac_secret_key': SECRET[::-1],
                                  'hmac_previous_secret_key': SECRET}
    changed['client']['allowed_origins'] = ['https://example.net']
    changed['client']['channel_limit'] = 11  # a restart alone changes it
    changed['health']['handler_prefix'] = '/health'
    changed['channel']['namespaces'].pop()
    changed['log'] = {'level': 'debug'}
    file.write_text(json.dumps(changed))
    broker.send_signal(signal.SIGHUP)
    until = time.monotonic() + DEADLINE_S
    while call(port, 'info', {}, 'fedcba9876543210') != 'ok':
        assert time.monotonic() < until, 'the new key is not taken'

    # each loop takes each by a mail of its own
    def await_(what, is_so):
        while not is_so():
            assert time.monotonic() < until, what
    await_('the page of before may connect still',
           lambda: Client(port, 'https://a.example.org').status == 403)
    await_('the other page may not connect',
           lambda: Client(port, 'https://example.net').status == 101)
    await_('health has not moved',
           lambda: get(port, '/health')[0] == 200 and
           get(port, '/up')[0] == 426)
    ann = Client(port)
    assert ann.ask('connect', token=token(sub='ann')) == 'ok'
    while ann.ask('subscribe', channel='dialog:x#ann') != 102:
        ann.ask('unsubscribe', channel='dialog:x#ann')
        assert time.monotonic() < until, 'the namespace is still there'


def refuse_to_reload(broker, port, file, changed):
    """A file that is bad in one place changes nothing at all."""
    changed['http_api']['key'] = 'another-key-of-the-backend'
    changed['client']['insecure_skip_token_signature_verify'] = True
    file.write_text(json.dumps(changed))
    broker.send_signal(signal.SIGHUP)
    lines = []
    for line in broker.stderr:
        lines.append(line.decode())
        if 'configuration not reloaded' in lines[-1]:
            break
    said = ''.join(lines)
    for what in ('event="a changed key needs a restart" '
                 'key=limits.connection_channels', 'level=debug',
                 'client.insecure_skip_token_signature_verify: not supported'):
        assert what in said, said
    assert SECRET not in said and SECRET[::-1] not in said
    assert call(port, 'info', {}, 'another-key-of-the-backend') == 401
    assert call(port, 'info', {}, 'fedcba9876543210') == 'ok'
    bob = Client(port)
    assert bob.ask('connect', token=token(sub='bob')) == 'ok'


def go_round(folder, name, text):
    """Imported, a file starts without a warning and means the same."""
    file = pathlib.Path(folder, f'{name}.json')
    own = pathlib.Path(folder, f'{name}.yaml')
    file.write_text(json.dumps(text, indent=2))
    done = subprocess.run([PARLEY, 'import-config', file], env=ENV,
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ''), done.stderr
    own.write_text(done.stdout)
    for arguments in (['--centrifugo', file], ['-c', own]):
        check = subprocess.run([PARLEYD, *arguments, '--check'], env=ENV,
                               capture_output=True, text=True, check=False)
        assert (check.returncode, check.stderr, check.stdout) == (
            0, '', 'configuration is good\n'), (name, arguments, check)
    return file, own


def make_certificate(folder, name):
    """The texts of a certificate and its key."""
    files = [pathlib.Path(folder, f'{name}.{end}') for end in ('pem', 'key')]
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
         'ec_paramgen_curve:P-256', '-nodes', '-days', '100', '-subj',
         f'/CN={name}', '-out', files[0], '-keyout', files[1]],
        check=True, capture_output=True)
    return [file.read_text() for file in files]


def shown(port):
    """The certificate that a client gets, as a text."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(('127.0.0.1', port)) as plain:
        plain.settimeout(DEADLINE_S)
        with context.wrap_socket(plain) as tls:
            tls.sendall(b'GET /up HTTP/1.0\r\n\r\n')
            assert tls.recv(100).startswith(b'HTTP/1.1 200')
            return ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))


def take_texts_for_files(folder, port):
    """A certificate and its key are in the configuration, the key in base64;
    a reload takes others, but no pair that does not fit."""
    (one, one_key), (two, two_key) = (make_certificate(folder, name)
                                      for name in ('one', 'two'))
    text = config(port)
    tls = text['http_server']['tls'] = {
        'enabled': True, 'cert_pem': one + two,
        'key_pem': base64.b64encode(one_key.encode()).decode()}
    file, own = go_round(folder, 'tls', text)
    bad = pathlib.Path(folder, 'bad.yaml')
    bad.write_text(own.read_text().replace(one_key.split('\n')[1][:20],
                                           'ossifrage'))
    check = subprocess.run([PARLEYD, '-c', bad, '--check'], env=ENV,
                           capture_output=True, text=True, check=False)
    assert check.returncode == 2 and 'ossifrage' not in check.stderr, check
    assert 'tls.key: the text in PEM: ' in check.stderr, check.stderr
    broker = start(port, '-c', own)
    assert shown(port) == one
    stop(broker)
    broker = start(port, '--centrifugo', file)
    assert shown(port) == one
    tls['cert_pem'] = two
    file.write_text(json.dumps(text))
    broker.send_signal(signal.SIGHUP)
    lines = []
    for line in broker.stderr:
        lines.append(line.decode())
        if 'configuration not reloaded' in lines[-1]:
            break
    said = ''.join(lines)
    assert 'file="the text in PEM"' in said, said
    assert 'BEGIN' not in said and one_key.split()[3][:20] not in said
    assert shown(port) == one
    tls['key_pem'] = two_key
    file.write_text(json.dumps(text))
    broker.send_signal(signal.SIGHUP)
    until = time.monotonic() + DEADLINE_S
    while shown(port) != two:
        assert time.monotonic() < until, 'the new certificate is not taken'
    stop(broker)


def main():
    os.umask(0o077)
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        for name, text in OTHERS.items():
            go_round(folder, name, text)
        file, own = go_round(folder, 'config', config(port))
        broker = start(port, '-c', own)
        compare(port, 'imported')
        stop(broker)
        broker = start(port, '--centrifugo', file)
        compare(port, 'read directly')
        changed = config(port)
        reload_it(broker, port, file, changed)
        refuse_to_reload(broker, port, file, changed)
        stop(broker)
        take_texts_for_files(folder, port)


main()
