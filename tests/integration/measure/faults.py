#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""faults.py - what parley bench says of a server with faults, and what it
writes.

    faults.py PARLEY PARLEYD

The faults come from a relay between parley bench and a parleyd: it passes on
whole frames, and does something to each fiftieth that is a publication."""
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

PARLEY, PARLEYD = sys.argv[1:3]
EVERY = 50
BODY = b'{"m":"'


def expect(holds, what):
    if not holds:
        sys.exit(f'faults.py: {what}')


# --- The relay ---


async def read_frame(reader):
    """A whole frame of a server: short, and never masked."""
    head = await reader.readexactly(2)
    size = head[1]
    more = b''
    if size == 126:
        more = await reader.readexactly(2)
        size = int.from_bytes(more, 'big')
    elif size == 127:
        more = await reader.readexactly(8)
        size = int.from_bytes(more, 'big')
    return head + more + await reader.readexactly(size)


class Fault:
    """What happens to a frame: bytes that are passed on instead of it."""

    def __init__(self, name):
        self.name, self.kept, self.count = name, b'', 0

    def take(self):
        """The frame that was kept, once."""
        kept, self.kept = self.kept, b''
        return kept

    def treat(self, frame):
        if self.kept:
            return frame + self.take()
        if BODY not in frame:
            return frame
        self.count += 1
        if self.count % EVERY != 0:
            return frame
        return getattr(self, self.name)(frame)

    def none(self, frame):
        return frame

    def lose(self, _):
        return b''

    def double(self, frame):
        return frame + frame

    def swap(self, frame):
        self.kept = frame
        return b''

    def damage(self, frame):
        at = frame.index(BODY) + len(BODY) + 50
        return frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1:]


async def pass_up(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def pass_down(reader, writer, fault):
    def pass_kept():
        """The frame that was kept is the last one: nothing overtakes it."""
        writer.write(fault.take())

    writer.write(await reader.readuntil(b'\r\n\r\n'))
    last = None
    while True:
        writer.write(fault.treat(await read_frame(reader)))
        await writer.drain()
        if last is not None:
            last.cancel()
        last = asyncio.get_running_loop().call_later(0.5, pass_kept)


async def relay(client, name, port):
    reader, writer = client
    up_reader, up_writer = await asyncio.open_connection('127.0.0.1', port)
    try:
        await asyncio.gather(pass_up(reader, up_writer),
                             pass_down(up_reader, writer, Fault(name)))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()
    up_writer.close()


async def bench_through(name, port, arguments):
    """Run parley bench through a relay; return its status and its stderr."""
    tasks = set()

    def on_client(reader, writer):
        task = asyncio.ensure_future(relay((reader, writer), name, port))
        tasks.add(task)

    server = await asyncio.start_server(on_client, '127.0.0.1', 0)
    relay_port = server.sockets[0].getsockname()[1]
    url = f'ws://127.0.0.1:{relay_port}/connection/websocket'
    process = await asyncio.create_subprocess_exec(
        PARLEY, 'bench', *arguments, '--url', url, '--size', '100',
        '--patience', '1.5', stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = await asyncio.wait_for(process.communicate(), 120)
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return process.returncode, out.decode(), err.decode()


# --- The broker ---


def start_parleyd():
    log = tempfile.TemporaryFile()
    process = subprocess.Popen(
        [PARLEYD, '--insecure', '--set', 'listen=[127.0.0.1:0]', '--set',
         'admin.listen=off', '--set', 'admin.socket=off', '--set', 'loops=1'],
        stderr=log)
    while True:
        text = os.pread(log.fileno(), 1 << 16, 0).decode()
        if 'event=running' in text:
            return process, int(re.search(r' port=(\d+)', text).group(1))
        expect(process.poll() is None, 'parleyd does not run: ' + text)


LOADS = {
    'fanout': ['fanout', '--clients', '4', '--seconds', '0.25', '--window', '8'],
    'rooms': ['rooms', '--clients', '8', '--share', '4', '--seconds', '0.25',
              '--rate', '1600'],
}
FAULTS = {
    'none': None,
    'lose': 'messages lost',
    'double': 'messages that came twice',
    'swap': 'messages out of order',
    'damage': 'messages damaged',
}


def check_faults(port):
    for fault, text in FAULTS.items():
        for load, arguments in LOADS.items():
            status, out, err = asyncio.run(
                bench_through(fault, port, arguments))
            found = re.findall(r'FAULT: (.*): \d+', err)
            where = f'{fault}, {load}: status {status}\n{err}{out}'
            if text is None:
                expect(status == 0 and not found, where)
            else:
                expect(status == 1, where)
                expect(any(f.startswith(text) for f in found), where)
            # a damaged message is not received, so it counts as lost too
            if fault in ('double', 'swap'):
                expect(len(found) == 1, where)


def run(*arguments, **more):
    return subprocess.run([PARLEY, 'bench', *arguments], timeout=120,
                          capture_output=True, text=True, **more)


def check_output():
    with tempfile.TemporaryDirectory() as folder:
        picture = os.path.join(folder, 'a.svg')
        ended = run('rooms', '--parleyd', PARLEYD, '--clients', '8', '--share',
                    '4', '--seconds', '0.2', '--sweep', '100,200,400',
                    '--kinds', 'plain,deflate', '--svg', picture, '--json')
        expect(ended.returncode == 0, ended.stderr)
        points = [json.loads(line) for line in ended.stdout.splitlines()]
        expect([p['rate'] for p in points] == [100, 200, 400] * 2, points)
        expect(all(p['p50_us'] <= p['p99_us'] <= p['max_us'] for p in points),
               points)
        root = xml.parse(picture).getroot()
        expect(root.tag.endswith('svg'), root.tag)
        lines = [e for e in root.iter() if e.tag.endswith('polyline')]
        expect(len(lines) == 6, len(lines))
        missing = os.path.join(folder, 'none', 'a.svg')
        ended = run('rooms', '--parleyd', PARLEYD, '--clients', '4', '--sweep',
                    '100', '--seconds', '0.1', '--svg', missing)
        expect(ended.returncode == 1 and missing in ended.stderr, ended)


def check_interrupt():
    """Ctrl-C goes to the process group, as in a terminal."""
    process = subprocess.Popen(
        [PARLEY, 'bench', 'fanout', '--parleyd', PARLEYD, '--clients', '4',
         '--seconds', '600', '--json', '--progress'], start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seen = ''
    while seen.count('p99') < 3:  # it measures
        seen += process.stderr.readline()
        expect(process.poll() is None, seen)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    expect(process.returncode == 0, (process.returncode, seen + err))
    names = [json.loads(line)['figure'] for line in out.splitlines()]
    expect('latency: p99 us' in names, names)


def check_usage():
    for arguments, text in (
            (['fanout'], '--parleyd or --url'),
            (['dance', '--parleyd', PARLEYD], 'no mode dance'),
            (['fanout', '--parleyd', PARLEYD, '--rate', '0'], '--rate'),
            (['fanout', '--parleyd', PARLEYD, '--sweep', '2,1'], '--sweep'),
            (['fanout', '--parleyd', PARLEYD, '--svg', 'a'], '--svg needs'),
            (['fanout', '--url', 'ws://a/', '--kinds', 'tls'], '--kinds'),
            (['idle', '--parleyd', PARLEYD, '--sweep', '1,2'], '--sweep')):
        ended = run(*arguments)
        expect(ended.returncode == 2 and text in ended.stderr, ended)


def main():
    check_usage()
    process, port = start_parleyd()
    try:
        check_faults(port)
    finally:
        process.terminate()
        process.wait(60)
    check_output()
    check_interrupt()


main()
