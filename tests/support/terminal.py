# SPDX-License-Identifier: Apache-2.0
"""terminal.py - a program on a pseudo-terminal, and what its user sees.

Screen obeys what ncurses sends to TERM=xterm-256color; an unknown sequence is an
error, so that nothing is overlooked.  svg() makes a picture of it.
"""
import fcntl
import html
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unicodedata

DEADLINE = int(os.environ.get("CHAT_DEADLINE", 60))  # seconds; for a machine that is busy
BOLD, DIM, REVERSE, UNDERLINE = 1, 2, 4, 8


def width_of(char):
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in 'WF' else 1


class Screen:
    """Rows of cells [char, marks, colour], and the modes of the terminal."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.cells = [self.blank_row() for _ in range(rows)]
        self.row = self.column = 0
        self.top, self.bottom = 0, rows
        self.marks, self.color = 0, None
        self.modes = set()
        self.strange = []  # sequences that a chat has no reason to send
        self.bells = 0
        self.rest = b''
        self.title = None

    def blank_row(self):
        return [[' ', 0, None] for _ in range(self.columns)]

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.cells = [self.blank_row() for _ in range(rows)]
        self.row = self.column = 0
        self.top, self.bottom = 0, rows

    # ---- what is seen

    def line(self, row):
        return ''.join(cell[0] for cell in self.cells[row]).rstrip()

    def text(self):
        return '\n'.join(self.line(row) for row in range(self.rows))

    def marks_of(self, text):
        """The marks of the first cell of `text`, None if it is not there."""
        for row in range(self.rows):
            at = ''.join(cell[0] or '\0' for cell in self.cells[row]).find(text)
            if at >= 0:
                return self.cells[row][at][1]
        return None

    def has_color(self):
        return any(cell[2] is not None for row in self.cells for cell in row)

    # ---- bytes

    SEQUENCE = re.compile(
        rb'\x1b\[([?>=]?)([0-9;]*)([@-~])|\x1b([()])(.)|\x1b([=>78MDEc])|'
        rb'\x1b\]([^\x07\x1b]*)(?:\x07|\x1b\\)')
    UNFINISHED = re.compile(rb'\x1b(\[[?>=]?[0-9;]*|[()]|\][^\x07\x1b]*)?$')

    def feed(self, data):
        data = self.rest + data
        self.rest = b''
        at = 0
        while at < len(data):
            byte = data[at]
            if byte == 0x1b:
                found = self.SEQUENCE.match(data, at)
                if not found:
                    if self.UNFINISHED.match(data[at:]):
                        self.rest = data[at:]
                        return
                    raise ValueError(f'what is this: {data[at:at + 20]!r}')
                self.obey(found)
                at = found.end()
            elif byte < 0x20 or byte == 0x7f:
                self.control(byte)
                at += 1
            else:
                size = 1 if byte < 0x80 else 2 if byte < 0xe0 else \
                    3 if byte < 0xf0 else 4
                if at + size > len(data):
                    self.rest = data[at:]
                    return
                self.put(data[at:at + size].decode())
                at += size

    def put(self, char):
        width = width_of(char)
        if 0x80 <= ord(char) < 0xa0:
            self.strange.append(repr(char))
            return
        if width == 0:
            before = self.cells[self.row][max(0, self.column - 1)]
            before[0] += char
            return
        if self.column + width > self.columns:
            self.column = 0
            self.line_feed()
        self.cells[self.row][self.column] = [char, self.marks, self.color]
        if width == 2:
            self.cells[self.row][self.column + 1] = ['', self.marks, self.color]
        self.column += width
        self.last = char

    def control(self, byte):
        if byte == 0x0d:
            self.column = 0
        elif byte == 0x0a:
            self.line_feed()
        elif byte == 0x08:
            self.column = max(0, self.column - 1)
        elif byte == 0x09:
            self.column = min(self.columns - 1, self.column // 8 * 8 + 8)
        elif byte == 0x07:
            self.bells += 1
        elif byte not in (0x0e, 0x0f, 0x00):
            self.strange.append(hex(byte))

    def line_feed(self):
        if self.row == self.bottom - 1:
            self.scroll(1)
        else:
            self.row = min(self.rows - 1, self.row + 1)

    def scroll(self, count, top=None):
        top = self.top if top is None else top
        for _ in range(min(abs(count), self.bottom - top)):
            if count > 0:
                del self.cells[top]
                self.cells.insert(self.bottom - 1, self.blank_row())
            else:
                del self.cells[self.bottom - 1]
                self.cells.insert(top, self.blank_row())

    def erase(self, row, start, end):
        for at in range(start, min(end, self.columns)):
            self.cells[row][at] = [' ', 0, None]

    def obey(self, found):
        private, numbers, final, _, _, short, system = found.groups()
        if system is not None:
            if system != b'104':  # ncurses resets the colours at its end
                self.strange.append(f'OSC {system!r}')
        elif short is not None:
            if short == b'M':
                if self.row == self.top:
                    self.scroll(-1)
                else:
                    self.row -= 1
            elif short in b'78=>':
                pass
            else:
                self.strange.append(f'ESC {short!r}')
        elif final is not None:
            values = [int(n) if n else 0 for n in numbers.split(b';')]
            if private:
                self.set_mode(private, values, final.decode())
            else:
                self.csi(values, final.decode())

    def set_mode(self, private, values, final):
        for value in values:
            name = f'{private.decode()}{value}'
            if final == 'h':
                self.modes.add(name)
            elif final == 'l':
                self.modes.discard(name)
            else:
                self.strange.append(f'{name}{final}')

    def csi(self, values, final):
        first = values[0]
        count = max(1, first)
        row = self.cells[self.row]
        if final in 'Hf':
            self.row = min(self.rows, max(1, first)) - 1
            second = values[1] if len(values) > 1 else 1
            self.column = min(self.columns, max(1, second)) - 1
        elif final == 'A':
            self.row = max(0, self.row - count)
        elif final == 'B':
            self.row = min(self.rows - 1, self.row + count)
        elif final == 'C':
            self.column = min(self.columns - 1, self.column + count)
        elif final == 'D':
            self.column = max(0, self.column - count)
        elif final == 'G':
            self.column = min(self.columns, count) - 1
        elif final == 'd':
            self.row = min(self.rows, count) - 1
        elif final == 'J':
            self.erase_screen(first)
        elif final == 'K':
            self.erase(self.row, 0 if first else self.column,
                       self.column + 1 if first == 1 else self.columns)
        elif final == 'X':
            self.erase(self.row, self.column, self.column + count)
        elif final == 'P':
            del row[self.column:self.column + count]
            row.extend(self.blank_row()[len(row):])
        elif final == '@':
            row[self.column:self.column] = \
                [[' ', 0, None] for _ in range(count)]
            del row[self.columns:]
        elif final in 'LM':
            self.scroll(count if final == 'M' else -count, self.row)
        elif final in 'ST':
            self.scroll(count if final == 'S' else -count)
        elif final == 'b':
            for _ in range(count):
                self.put(self.last)
        elif final == 'Z':
            self.column = max(0, (self.column - 1) // 8 * 8)
        elif final == 'r':
            self.top = max(1, first) - 1
            self.bottom = values[1] if len(values) > 1 and values[1] \
                else self.rows
            self.row = self.column = 0
        elif final == 'm':
            self.set_marks(values)
        elif final in 'hl':
            self.set_mode(b'', values, final)
        elif final != 't':
            self.strange.append(f'CSI {values} {final}')

    def erase_screen(self, how):
        rows = {0: range(self.row + 1, self.rows), 1: range(self.row),
                2: range(self.rows), 3: ()}[how]
        for row in rows:
            self.erase(row, 0, self.columns)
        if how == 0:
            self.erase(self.row, self.column, self.columns)
        elif how == 1:
            self.erase(self.row, 0, self.column + 1)

    def set_marks(self, values):
        for value in values:
            if value == 0:
                self.marks, self.color = 0, None
            elif value in (1, 2, 4, 7):
                self.marks |= {1: BOLD, 2: DIM, 4: UNDERLINE, 7: REVERSE}[value]
            elif value == 22:
                self.marks &= ~(BOLD | DIM)
            elif value == 24:
                self.marks &= ~UNDERLINE
            elif value == 27:
                self.marks &= ~REVERSE
            elif 30 <= value <= 37:
                self.color = value - 30
            elif value == 39:
                self.color = None
            elif value != 49:
                self.strange.append(f'SGR {value}')


class Terminal:
    """A program whose terminal this is."""

    def __init__(self, argv, rows=24, columns=80, env=None):
        self.screen = Screen(rows, columns)
        self.status = None
        self.master, slave = pty.openpty()
        self.slave = slave  # kept: settings can be read after the end
        self.set_size(rows, columns)
        self.before = termios.tcgetattr(slave)
        environment = {**os.environ, 'TERM': 'xterm-256color',
                       'LC_ALL': 'C.UTF-8', **(env or {})}
        environment = {k: v for k, v in environment.items() if v is not None}
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(slave, fd)
            os.closerange(3, 100)
            os.execve(argv[0], argv, environment)
        os.set_blocking(self.master, False)

    def set_size(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ,
                    struct.pack('HHHH', rows, columns, 0, 0))

    def resize(self, rows, columns):
        self.pump()
        self.screen.resize(rows, columns)
        self.set_size(rows, columns)

    def pump(self, wait=0.0):
        """Read what the program has written; wait for some of it."""
        if not select.select([self.master], [], [], wait)[0]:
            return
        try:
            while True:
                data = os.read(self.master, 65536)
                if not data:
                    return
                self.screen.feed(data)
        except (BlockingIOError, OSError):
            pass

    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        while data:
            try:
                data = data[os.write(self.master, data):]
            except BlockingIOError:
                self.pump(0.05)

    def until(self, test, what='', others=()):
        """Wait until `test(screen)` holds."""
        end = time.monotonic() + DEADLINE
        while True:
            self.pump(0.02)
            for other in others:
                other.pump()
            if test(self.screen):
                return
            if time.monotonic() > end:
                raise AssertionError(f'in vain: {what}\n{self.screen.text()}')

    def sees(self, *texts):
        for text in texts:
            self.until(lambda s, t=text: t in s.text(), text)

    def sees_no(self, text):
        self.until(lambda s: text not in s.text(), f'no more {text}')

    def matches(self, pattern):
        self.until(lambda s: re.search(pattern, s.text()), pattern)

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self):
        """The exit status, or minus the signal."""
        end = time.monotonic() + DEADLINE
        while self.status is None:
            self.pump(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                raise AssertionError(f'does not end\n{self.screen.text()}')
        self.pump()
        return self.status

    def has_old_settings(self):
        return termios.tcgetattr(self.slave) == self.before

    def is_restored(self):
        """The settings are those of before, and no mode is left on."""
        left = self.screen.modes & {'?1049', '?2004', '?1'}
        return self.has_old_settings() and not left

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.kill(self.pid, signal.SIGCONT)
            os.waitpid(self.pid, 0)
            self.status = -9
        for fd in (self.master, self.slave):
            os.close(fd)


# ---- a picture

PALETTE = ['#1e1e2e', '#e06c75', '#98c379', '#e5c07b', '#61afef', '#c678dd',
           '#56b6c2', '#dcdfe4']
CELL, LINE = 8.4, 19


def runs(row):
    """Neighbours with the same looks: (column, text, columns, marks, colour)."""
    found = []
    for at, (char, marks, color) in enumerate(row):
        if found and found[-1][3:] == [marks, color] and char != '' and \
                width_of(char[0]) == 1 and found[-1][2] == len(found[-1][1]):
            found[-1][1] += char
            found[-1][2] += 1
        elif char != '':
            found.append([at, char, width_of(char[0]), marks, color])
    return found


def svg(screen, title):
    width = round(screen.columns * CELL + 24)
    height = screen.rows * LINE + 52
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
           f'height="{height}" viewBox="0 0 {width} {height}" '
           'font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" '
           'font-size="14">',
           f'<title>{html.escape(title)}</title>',
           f'<rect width="{width}" height="{height}" rx="8" fill="#1e1e2e"/>']
    for at, color in enumerate(('#e06c75', '#e5c07b', '#98c379')):
        out.append(f'<circle cx="{18 + 18 * at}" cy="17" r="5.5" '
                   f'fill="{color}"/>')
    for row in range(screen.rows):
        for column, text, columns, marks, color in runs(screen.cells[row]):
            x, y = 12 + column * CELL, 36 + row * LINE
            fill = PALETTE[7 if color is None else color]
            if marks & REVERSE:
                out.append(f'<rect x="{x:.1f}" y="{y}" '
                           f'width="{columns * CELL:.1f}" height="{LINE}" '
                           'fill="#3b4261"/>')
            if not text.strip():
                continue
            looks = ' font-weight="bold"' if marks & BOLD else ''
            looks += ' opacity="0.6"' if marks & DIM else ''
            out.append(f'<text x="{x:.1f}" y="{y + 14}" fill="{fill}" '
                       f'xml:space="preserve" textLength="{columns * CELL:.1f}"'
                       f'{looks}>{html.escape(text)}</text>')
    if '?25' in screen.modes:
        out.append(f'<rect x="{12 + screen.column * CELL:.1f}" '
                   f'y="{36 + screen.row * LINE}" width="{CELL}" '
                   f'height="{LINE}" fill="#dcdfe4" opacity="0.7"/>')
    out.append('</svg>\n')
    return '\n'.join(out)
