#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The exchanges of exchanges.txt, with one broker; then no secret is seen.

    exchanges.py PARLEYD PARLEY
"""
import base64
import hashlib
import hmac
import itertools
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from protocol_peer import DEADLINE_S, MESSAGES, Peer

PARLEYD, PARLEY = map(os.path.abspath, sys.argv[1:3])
TABLE = pathlib.Path(__file__).with_name('exchanges.txt')
KEYS = {'connection': 'the-secret-of-connections-0123456789abcdef',
        'previous': 'the-secret-that-was-there-before-012345678',
        'subscription': 'the-secret-of-subscriptions-0123456789abcd',
        'other': 'a-secret-that-nobody-configured-0123456789'}
PASSWORD = 'the-password-of-the-server-of-keys'
API_KEY = 'the-key-of-backends-0123456789abcdef'
MESSAGES['SubscribeRequest']['delta'] = 12, 'string', 'one'  # not parley's
ENV = {name: value for name, value in os.environ.items()
       if not name.startswith(('PARLEY_', 'CENTRIFUGO_'))}


def namespaces():
    """Each permission alone, and what a subscription is granted."""
    def allow(*who, of=('subscribe', 'publish', 'presence', 'history')):
        return {f'allow_{what}_for_{name}': True for what in of
                for name in who
                if name != 'subscriber' or what != 'subscribe'}
    kept = {'history_size': 10, 'history_ttl': '10m'}
    seen = {'presence': True}
    open_ = {'allow_subscribe_for_client': True}
    yield {'name': 'plain'}
    yield {'name': 'client', **kept, **seen, **allow('client')}
    yield {'name': 'all', **kept, **seen, **allow('client', 'anonymous')}
    yield {'name': 'anonymous', **kept, **seen, **allow('anonymous')}
    yield {'name': 'subscriber', **kept, **seen, **open_,
           **allow('subscriber')}
    yield {'name': 'users', 'allow_user_limited_channels': True}
    yield {'name': 'both', 'allow_user_limited_channels': True, **open_,
           'allow_publish_for_client': True}
    yield {'name': 'rec', **kept, **open_, 'force_recovery': True,
           'allow_publish_for_client': True}
    yield {'name': 'pos', **kept, **open_, 'force_positioning': True}
    yield {'name': 'ask', **kept, **open_, 'allow_recovery': True,
           'allow_positioning': True}
    yield {'name': 'kept', **kept, **open_}
    yield {'name': 'seen', **seen, **open_}
    yield {'name': 'joins', **seen, **open_, 'join_leave': True,
           'force_push_join_leave': True}
    yield {'name': 'asked', **seen, **open_, 'join_leave': True,
           'allow_presence_for_client': True}
    yield {'name': 'words', 'channel_regex': '^[a-z]+$', **open_,
           'allow_publish_for_client': True}
    yield {'name': 'texts', 'channel_regex': '^.+$', **open_}
    yield {'name': 'own', 'allow_user_limited_channels': True,
           'allow_publish_for_subscriber': True}
    yield {'name': 'json_object', 'publication_data_format': 'json_object',
           'allow_publish_for_client': True}


def config(port, public):
    return {
        'http_server': {'address': '127.0.0.1', 'port': port},
        'log': {'level': 'debug'},
        'client': {
            'channel_limit': 5,  # with the own one
            'allow_anonymous_connect_without_token': True,
            'subscribe_to_user_personal_channel': {
                'enabled': True, 'personal_channel_namespace': 'own'},
            'token': {
                'hmac_secret_key': KEYS['connection'],
                'hmac_previous_secret_key': KEYS['previous'],
                'rsa_public_key': public['RS'],
                'ecdsa_public_key': public['ES'],
                'audience': 'site', 'issuer': 'id'},
            'subscription_token': {'enabled': True,
                                   'hmac_secret_key': KEYS['subscription']},
        },
        'channel': {'namespaces': list(namespaces())},
        'http_api': {'key': API_KEY},
    }


# --- Tokens ---

def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def openssl(*args, data=None):
    return subprocess.run(('openssl', *args), input=data, check=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


class Pair:
    """A key pair of openssl in a file."""

    def __init__(self, folder, name, *terms):
        self.file = str(pathlib.Path(folder, name + '.pem'))
        openssl('genpkey', *terms, '-out', self.file)
        self.public = openssl('pkey', '-in', self.file, '-pubout').decode()

    def sign(self, digest, text):
        made = openssl('dgst', '-' + digest, '-sign', self.file, data=text)
        return made if 'EC' not in self.terms() else raw_of(made)

    def terms(self):
        return pathlib.Path(self.file).name.split('.')[0]


def raw_of(der):
    """r and s, 32 bytes each, of an ECDSA signature."""
    def number(at):
        length = der[at + 1]
        return der[at + 2:at + 2 + length], at + 2 + length
    r, at = number(2)
    s, _ = number(at)
    return b''.join(n.lstrip(b'\0').rjust(32, b'\0') for n in (r, s))


class Signer:
    def __init__(self, folder):
        rsa = ('-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048')
        self.pairs = {
            'RS': Pair(folder, 'RS', *rsa),
            'ES': Pair(folder, 'EC', '-algorithm', 'EC', '-pkeyopt',
                       'ec_paramgen_curve:P-256')}
        self.other = Pair(folder, 'other', *rsa)
        self.public = {name: p.public for name, p in self.pairs.items()}
        self.made = set()

    def signature(self, alg, key, text):
        digest = 'sha' + alg[2:]
        if alg[:2] in ('RS', 'ES'):
            pair = self.other if key == 'other' else self.pairs[alg[:2]]
            return pair.sign(digest, text)
        if alg.startswith('HS') and hasattr(hashlib, digest):
            secret = KEYS.get(key, self.public['RS'])
            return hmac.new(secret.encode(), text, digest).digest()
        return b'' if alg.lower() == 'none' else b'x' * 256

    def token(self, claims, is_subscription):
        claims = dict(claims)
        head = {'kid': claims.pop('@kid')} if '@kid' in claims else {}
        alg = claims.pop('@alg', 'HS256')
        key = claims.pop('@key', 'subscription' if is_subscription else
                         'connection')
        if not is_subscription:
            claims = {'aud': 'site', 'iss': 'id', **claims}
        for name in ('exp', 'nbf', 'iat', 'expire_at'):
            if claims.get(name) is not None:
                claims[name] += int(time.time())
        for name in [n for n in claims if n.startswith('@')]:
            claims[name[1:]] = claims.pop(name)
        claims = {n: v for n, v in claims.items() if v is not None}
        text = '.'.join(b64(json.dumps(p).encode()) for p in (
            {'alg': alg, 'typ': 'JWT', **head}, claims))
        made = f'{text}.{b64(self.signature(alg, key, text.encode()))}'
        self.made.add(made)
        return made


# --- One row ---

def fits(got, wanted):
    """All members of `wanted` are in `got`; null, false and 0: they may be
    absent."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(
            fits(got.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(got or [], list) and \
            len(got or []) == len(wanted) and \
            all(map(fits, got or [], wanted))
    return got == wanted or not got and not wanted


class Row:
    numbers = itertools.count(1)

    def __init__(self, broker, is_protobuf):
        self.broker = broker
        self.is_protobuf = is_protobuf
        self.peers = {}
        self.peer = None
        self.number = next(Row.numbers)

    def become(self, user):
        if user not in self.peers:
            peer = self.peers[user] = Peer(self.broker.port, self.is_protobuf)
            peer.name = ''
            if user != '?':
                claims = {} if user == '-' else {
                    'token': self.broker.signer.token({'sub': user}, False)}
                peer.name = peer.ask('connect', claims)['connect']['client']
        self.peer = self.peers[user]

    def fill(self, text):
        client = self.peer.name if self.peer else ''
        return text.replace('%client', client).replace(
            '%long', 'x' * 255).replace('%n', f'-{self.number}')

    def api(self, words):
        key = API_KEY
        method, _, body = words.partition(' ')
        if method.startswith('@key='):
            key = method[5:]
            method, _, body = body.partition(' ')
        status, answer = self.broker.call(method, body, key)
        if status != 200:
            self.broker.errors.append(answer)
            return f'status {status}', None
        answer = json.loads(answer)
        if 'error' in answer:
            self.broker.errors.append(answer['error']['message'])
            return str(answer['error']['code']), None
        return 'ok', answer.get('result', answer)

    def command(self, method, words):
        channel, brace, members = words.partition('{')
        request = json.loads(brace + members) if brace else {}
        if channel.strip():
            request['channel'] = channel.strip()
        if method == 'publish':
            request.setdefault('data', {'n': 1})
        if isinstance(request.get('token'), dict):
            request['token'] = self.broker.signer.token(
                request['token'], 'channel' in request)
        reply = self.peer.ask(method, request)
        if reply is None:
            self.broker.errors.append(self.peer.reason)
            return f'close {self.peer.closed}', None
        if 'error' in reply:
            self.broker.errors.append(reply['error']['message'])
            return str(reply['error']['code']), None
        result = reply[method]
        if method == 'connect':
            self.peer.name = result['client']
        return 'ok', result

    def step(self, text):
        """What comes of it, and the result."""
        verb, _, words = self.fill(text).partition(' ')
        if verb == 'as':
            self.become(words)
            return 'ok', None
        return self.api(words) if verb == 'api' else self.command(verb, words)

    def check(self, text):
        """None, or what is wrong."""
        user, _, rest = text.partition(': ')
        steps, _, wanted = rest.rpartition(' -> ')
        wanted = re.split(r' not (?=\w+$|close )', wanted)[0]
        self.become(user)
        *before, last = steps.split('; ')
        for step in before:
            got, _ = self.step(step)
            if got != 'ok':
                return f'{step}: {got}'
        got, result = self.step(last)
        kind, _, members = self.fill(wanted).partition(' {')
        members = json.loads('{' + members) if members else {}
        if got == 'ok' and kind == 'push':
            push = self.peer.push(lambda push: fits(push, members))
            return None if push else f'close {self.peer.closed}'
        if got == 'ok' and kind.startswith('close'):
            self.peer.wait(lambda message: False)
            got = f'close {self.peer.closed}'
        if got != kind or kind == 'ok' and not fits(result, members):
            return f'{got} {result}'
        return None

    def close(self):
        for peer in self.peers.values():
            peer.close()


# --- The broker ---

def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Broker:
    def __init__(self, folder, signer, config_of):
        self.signer = signer
        self.errors = []
        self.port = free_port()
        self.admin = str(pathlib.Path(folder, 'admin.sock'))
        file = pathlib.Path(folder, 'config.json')
        file.write_text(json.dumps(config_of(self.port)))
        self.log = pathlib.Path(folder, 'log')
        with self.log.open('wb') as log:
            self.process = subprocess.Popen(
                [PARLEYD, '--centrifugo', file, '--set', 'admin.listen=off',
                 '--set', 'admin.socket=' + self.admin, '--set',
                 'limits.loop_lag=0', '--set', 'loops=2'],
                env=ENV, stdout=log, stderr=log)
        until = time.monotonic() + DEADLINE_S
        while True:
            assert self.process.poll() is None, self.log.read_text()
            try:
                socket.create_connection(('127.0.0.1', self.port)).close()
                return
            except ConnectionRefusedError:
                assert time.monotonic() < until, 'it does not listen'
                time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()

    def call(self, method, body, key=API_KEY):
        ask = urllib.request.Request(
            f'http://127.0.0.1:{self.port}/api/{method}', body.encode(),
            {'X-API-Key': key})
        try:
            with urllib.request.urlopen(ask, timeout=DEADLINE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def get(self, path):
        """A page of the admin server."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.admin)
            s.sendall(f'GET {path} HTTP/1.1\r\nHost: x\r\n'
                      'Connection: close\r\n\r\n'.encode())
            with s.makefile('rb') as answer:
                return answer.read().decode()

    def tool(self, *words):
        return subprocess.Popen([PARLEY, *words, '--socket', self.admin],
                                env=ENV, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE_S)
        assert self.process.returncode == 0, self.log.read_text()


# --- Both ---

def check_table(broker):
    failures = 0
    rows = [line for line in TABLE.read_text().splitlines()
            if line and not line.startswith(('#', '=='))]
    for is_protobuf, text in itertools.product((False, True), rows):
        row = Row(broker, is_protobuf)
        try:
            found = row.check(text)
        except (AssertionError, OSError, KeyError, ValueError) as error:
            found = repr(error)
        row.close()
        if found is not None:
            failures += 1
            print(f'{"protobuf" if is_protobuf else "JSON"}: {text}\n'
                  f'    got {found}')
    print(f'{len(rows)} rows, twice; {failures} failed')
    return failures


def secrets(signer):
    yield from (API_KEY, PASSWORD, *KEYS.values())
    for token in signer.made:
        yield token.split('.')[2] or token
    for pair in [*signer.pairs.values(), signer.other]:
        yield from pathlib.Path(pair.file).read_text().splitlines()[1:-1]
        yield from pair.public.splitlines()[1:-1]


def look(broker):
    """What an operator, a neighbour of the process and clients see of it."""
    for path in ('/status', '/metrics'):
        page = broker.get(path)
        assert page.startswith('HTTP/1.1 200'), page
        yield path, page
    for name in ('conns', 'users', 'channels', 'status'):
        for form in ('--quiet', '--json'):
            tool = broker.tool(name, form)
            yield f'{name} {form}', tool.communicate()[0].decode()
            assert tool.returncode == 0
    for name in ('cmdline', 'comm', 'status'):
        yield name, pathlib.Path('/proc', str(broker.process.pid),
                                 name).read_text()
    broker.stop()
    yield 'errors', '\n'.join(broker.errors)
    yield 'log', broker.log.read_text()


def check_secrets(broker):
    for where, text in look(broker):
        for secret in secrets(broker.signer):
            assert secret not in text, f'{secret} is in {where}'


def check_exchanges(folder, signer):
    with Broker(folder, signer, lambda port: config(port, signer.public)) \
            as broker:
        trace = broker.tool('trace', 'user:42', '--payload')
        failures = check_table(broker)
        row = Row(broker, False)
        row.become('42')  # so that there is something to see
        row.step('subscribe plain:a {"token": {"sub": "42", '
                 '"channel": "plain:a"}}')
        check_secrets(broker)
        row.close()
        assert 'token rejected' in broker.log.read_text()
        traced = trace.communicate()[0].decode()
        assert 'plain:a' in traced
        assert not any(secret in traced for secret in secrets(signer))
    return failures


def check_unreachable_keys(folder, signer):
    """An address of keys with a password, and nobody there."""
    def with_keys(port):
        file = config(port, signer.public)
        file['client']['token'] = {'jwks_public_endpoint':
            f'https://keys:{PASSWORD}@127.0.0.1:1/{PASSWORD}?{PASSWORD}'}
        return file

    with Broker(folder, signer, with_keys) as broker:
        row = Row(broker, False)
        row.become('?')
        got, _ = row.command('connect', '{"token": {"@alg": "RS256", '
                             '"@kid": "one"}}')
        assert got == '100', got
        row.close()
        check_secrets(broker)
        assert 'cannot be fetched' in broker.log.read_text()


def main():
    os.umask(0o077)
    with tempfile.TemporaryDirectory() as folder:
        signer = Signer(folder)
        failures = check_exchanges(folder, signer)
        check_unreachable_keys(folder, signer)
    sys.exit(1 if failures else 0)


main()
