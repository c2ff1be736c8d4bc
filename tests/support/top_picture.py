#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""top_picture.py - the picture of parley top in docs/, from a real run.

    PARLEYD=... PARLEY=... top_picture.py docs/top.svg
"""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/integration/chat'))
from stage import PARLEY, PARLEYD, Stage, await_port, free_port  # noqa: E402
from terminal import Terminal, svg  # noqa: E402

CHANNELS = {'room:lobby': (40, 300), 'room:kitchen': (25, 120),
            'news:sports': (30, 60), 'news:weather': (12, 20),
            'game:17': (4, 50), 'game:18': (4, 40), 'room:music': (3, 5)}


class Busy(Stage):
    """A broker with subscribers and publishers."""

    def run(self):
        self.broker = subprocess.Popen(
            [PARLEYD, '--insecure', '--set', f'listen=[127.0.0.1:{self.port}]',
             '--set', f'admin.socket={self.folder}/sock', '--set', 'loops=2'],
            stderr=subprocess.DEVNULL)
        await_port(self.port)
        for channel, (subscribers, rate) in CHANNELS.items():
            for _ in range(subscribers):
                self.start('sub', channel, stdout=subprocess.DEVNULL)
            self.start('pub', '--lines', '--rate', str(rate), channel,
                       stdin=self.lines(), stdout=subprocess.DEVNULL)

    def start(self, command, *arguments, **popen):
        self.people.append(subprocess.Popen(
            [PARLEY, command, '--url', self.url(), *arguments],
            stderr=subprocess.DEVNULL, **popen))

    def lines(self):
        return subprocess.Popen(['yes', json.dumps({'text': 'hello'})],
                                stdout=subprocess.PIPE).stdout


stage = Busy()
try:
    top = Terminal([PARLEY, 'top', '--socket', f'{stage.folder}/sock'],
                   rows=20, columns=112)
    top.matches(r'(?s)room:lobby.*room:music')
    for _ in range(3):
        top.matches(r'40 +\d+ .*room:lobby')
        top.until(lambda s, seen=top.screen.text(): s.text() != seen, 'a look')
    pathlib.Path(sys.argv[1]).write_text(svg(top.screen, 'parley top'))
    top.send('q')
finally:
    stage.close()
