# SPDX-License-Identifier: Apache-2.0
"""stage.py - a broker with the configuration of the chat page, people who chat
by terminals, by pipes and by the page's code, and a line that can be cut.
"""
import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / 'tests/support'))

from terminal import DEADLINE, Terminal  # noqa: E402

PARLEYD, PARLEY = os.environ['PARLEYD'], os.environ['PARLEY']
NODE = os.environ.get('NODE', '')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def await_port(port):
    end = time.monotonic() + DEADLINE
    while True:
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            return
        except OSError:
            assert time.monotonic() < end, 'the broker does not listen'
            time.sleep(0.02)


class Stage:
    def __init__(self, **settings):
        self.folder = tempfile.mkdtemp(prefix='parley-chat-')
        self.port = free_port()
        self.settings = settings
        self.people = []
        self.broker = None
        self.run()

    def run(self):
        settings = {'listen': f'[127.0.0.1:{self.port}]',
                    'admin.socket': f'{self.folder}/sock', **self.settings}
        with open(f'{self.folder}/log', 'ab') as log:
            self.broker = subprocess.Popen(
                [PARLEYD, '-c', ROOT / 'tools/demo/parley.yaml',
                 *(part for key, value in settings.items()
                   for part in ('--set', f'{key}={value}'))], stderr=log)
        await_port(self.port)

    def kill(self):
        self.broker.kill()
        self.broker.wait()

    def url(self, port=None):
        return f'ws://127.0.0.1:{port or self.port}/connection/websocket'

    def argv(self, nick, *rooms, port=None):
        return [PARLEY, 'chat', '--url', self.url(port), '--nick', nick, *rooms]

    def chat(self, nick, *rooms, port=None, env=None, **size):
        """Somebody at a terminal, who is connected."""
        one = Terminal(self.argv(nick, *rooms, port=port),
                       env={'PARLEY_CHAT_HISTORY': '', 'HOME': self.folder,
                            **(env or {})}, **size)
        self.people.append(one)
        one.sees(' connected', 'here (' if one.screen.columns >= 60 else '[#')
        return one

    def pipe(self, nick, *rooms, url=None, **popen):
        argv = self.argv(nick, *rooms)
        if url:
            argv[3] = url
        one = subprocess.Popen(argv, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               encoding='utf-8',
                               env={**os.environ, 'LC_ALL': 'C.UTF-8'}, **popen)
        self.people.append(one)
        return one

    def page(self, nick, room='lobby'):
        one = Page(self.url(), room, nick)
        self.people.append(one)
        one.until('entered')
        return one

    def publish(self, room, data, channel='room'):
        """What anybody may publish, as the operator.  No `parley pub` is started
        for it: some tests publish 150 times."""
        body = json.dumps({'channel': f'{channel}.{room}', 'data': data})
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f'{self.folder}/sock')
            s.sendall(('POST /api/publish HTTP/1.1\r\nHost: localhost\r\n'
                       'Connection: close\r\nContent-Type: application/json'
                       f'\r\nContent-Length: {len(body)}\r\n\r\n{body}'
                       ).encode())
            answer = b''.join(iter(lambda: s.recv(65536), b''))
        assert b'"result"' in answer, answer

    def write(self, room, text, nick='carol', **more):
        self.publish(room, {'id': f'{room} {text}', 'nick': nick, 'text': text,
                            'at': int(time.time() * 1000), **more})

    def clear(self):
        for one in self.people:
            if isinstance(one, subprocess.Popen):
                one.kill()
                one.communicate()
            else:
                one.close()
        self.people = []

    def close(self):
        self.clear()
        self.broker.send_signal(signal.SIGCONT)
        self.broker.kill()
        self.broker.wait()
        shutil.rmtree(self.folder)


class Page:
    """A member by the page's own code (page.mjs)."""

    def __init__(self, url, room, nick):
        here = pathlib.Path(__file__).with_name('page.mjs')
        self.process = subprocess.Popen([NODE, here, url, room, nick],
                                        stdin=subprocess.PIPE, bufsize=1,
                                        stdout=subprocess.PIPE,
                                        encoding='utf-8')
        self.lines = queue.Queue()
        self.seen = []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def call(self, *what):
        self.process.stdin.write(json.dumps(what) + '\n')

    def until(self, *what):
        """Wait until something happens that begins so; return it."""
        end = time.monotonic() + DEADLINE
        while True:
            for one in self.seen:
                if one[:len(what)] == list(what):
                    self.seen.remove(one)
                    return one
            try:
                self.seen.append(self.lines.get(
                    timeout=end - time.monotonic()))
            except (queue.Empty, ValueError):
                raise AssertionError(f'in vain: {what} in {self.seen}') \
                    from None

    def leave(self):
        self.process.stdin.close()
        self.process.wait()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Line:
    """A line to the broker that can be cut and mended."""

    def __init__(self, port):
        self.target = port
        self.sockets = []
        self.is_whole = True
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if not self.is_whole:
                client.close()
                continue
            server = socket.create_connection(('127.0.0.1', self.target))
            self.sockets += [client, server]
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self.carry, args=(one, other),
                                 daemon=True).start()

    @staticmethod
    def carry(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.is_whole = False
        for one in self.sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.sockets = []

    def mend(self):
        self.is_whole = True

    def close(self):
        self.cut()
        self.listener.close()
