#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""chat_picture.py - the picture of parley chat in the README, from a real run.

    PARLEYD=... PARLEY=... chat_picture.py docs/chat-terminal.svg
"""
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/integration/chat'))
from stage import Stage  # noqa: E402
from terminal import svg  # noqa: E402

os.environ['TZ'] = 'UTC'
stage = Stage()
try:
    ada = stage.chat('ada', 'lobby', 'kitchen', 'music', rows=14, columns=90)
    bob = stage.chat('bob', 'lobby')
    eve = stage.chat('Eve', 'lobby', 'kitchen')
    ada.sees('│ bob', '│ Eve', 'bob and Eve came in')

    def say(one, text):
        one.send(text + '\r')
        ada.sees(text[-20:])

    say(bob, 'has anybody tried the new build?')
    say(ada, 'yes, it runs since this morning')
    say(eve, 'Same here, on two machines. One of them was asleep over lunch '
             'and had every message when it came back.')
    say(bob, 'ada: then I take it too')
    eve.send('\0332')
    eve.sees('[#kitchen]')
    eve.send('the soup is ready\r')
    ada.sees('#kitchen 1')
    eve.send('who else, Ada?\r')
    ada.sees('#kitchen 2*')
    bob.send('and wh')
    ada.sees('bob is typing')
    ada.send('good, tell me how it')
    ada.sees('how it')
    pathlib.Path(sys.argv[1]).write_text(svg(ada.screen, 'parley chat'))
finally:
    stage.close()
