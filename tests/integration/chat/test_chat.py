# SPDX-License-Identifier: Apache-2.0
"""test_chat.py - people chat by `parley chat` at terminals."""
import json
import os
import pathlib
import re
import select
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from stage import DEADLINE, NODE, Line, Stage, Terminal  # noqa: E402
from terminal import BOLD, REVERSE  # noqa: E402

ENTER, ESC = '\r', '\033'
PAGE_UP, PAGE_DOWN, UP = ESC + '[5~', ESC + '[6~', ESC + '[A'
STRANGER = {'nick': 'eve\033[31m\u202e\x9b', 'text': 'hi \033[2J\033]0;pwned'
            '\007\x9b2J\x90q\u202eabc\u2028x\x00y\rz'}


class Chat(unittest.TestCase):
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.stage = Stage(**cls.settings)
        cls.addClassCleanup(cls.stage.close)

    def tearDown(self):
        for one in self.stage.people:
            if isinstance(one, Terminal):
                self.assertEqual(one.screen.strange, [])
        self.stage.clear()


class People(Chat):
    def test_two_people_talk_in_a_room(self):
        ada = self.stage.chat('ada', 'talk')
        bob = self.stage.chat('bob', 'talk')
        ada.send('Is anybody here?' + ENTER)
        bob.matches(r'\d\d:\d\d ada: Is anybody here\?')
        bob.send('I am' + ENTER)
        ada.matches('bob: I am')
        bob.matches('bob: I am')
        # Once, however it came.
        self.assertEqual(ada.screen.text().count('Is anybody here?'), 1)
        self.assertEqual(bob.screen.text().count('bob: I am'), 1)

    def test_members_see_who_is_here_and_who_comes_and_leaves(self):
        ada = self.stage.chat('ada', 'here')
        ada.sees('here (1)')
        bob = self.stage.chat('bob', 'here')
        bob.sees('here (2)', '│ ada')
        ada.sees('here (2)', '│ bob', '-- bob came in')
        bob.send('/quit' + ENTER)
        self.assertEqual(bob.wait(), 0)
        ada.sees('here (1)', 'bob came in and left')
        ada.sees_no('│ bob')

    def test_a_member_is_seen_typing_until_the_message_comes(self):
        ada = self.stage.chat('ada', 'typing')
        bob = self.stage.chat('bob', 'typing')
        ada.sees('│ bob')
        bob.send('well')
        ada.sees('bob is typing', '│ bob ...')
        bob.send(ENTER)
        ada.sees('bob: well')
        ada.sees_no('bob is typing')
        # A command is not for others.
        bob.sees('│ ada')
        bob.send('/who')
        bob.sees('] /who')
        bob.send(ENTER)
        bob.sees('Here (2): bob, ada')
        self.assertNotIn('is typing', ada.screen.text())

    def test_a_sign_of_typing_ends_by_itself(self):
        ada = self.stage.chat('ada', 'pause')
        bob = self.stage.chat('bob', 'pause')
        ada.sees('│ bob')
        bob.send('hm')
        ada.sees('bob is typing')
        ada.sees_no('bob is typing')

    def test_what_was_written_before_is_there_at_entering(self):
        for n in range(5):
            self.stage.write('past', f'number {n}')
        ada = self.stage.chat('ada', 'past')
        ada.sees(*(f'carol: number {n}' for n in range(5)))

    def test_two_of_one_name_are_told_apart(self):
        ada = self.stage.chat('ada', 'same')
        self.stage.chat('Bob', 'same')
        self.stage.chat('b ob', 'same')
        ada.matches(r'│ b ob \(\S+\)')
        ada.matches(r'│ Bob \(\S+\)')

    def test_a_new_name_is_told(self):
        ada = self.stage.chat('ada', 'names')
        bob = self.stage.chat('bob', 'names')
        ada.sees('│ bob')
        bob.send('/nick Rob the 2nd' + ENTER)
        ada.sees('-- bob is now Rob the 2nd', '│ Rob the 2nd')
        bob.sees('│ Rob the 2nd')
        bob.send('hello' + ENTER)
        ada.sees('Rob the 2nd: hello')

    def test_a_direct_message_reaches_one_person_only(self):
        ada = self.stage.chat('ada', 'direct')
        bob = self.stage.chat('bob b', 'direct')
        eve = self.stage.chat('eve', 'direct')
        ada.sees('│ bob b', '│ eve')
        bob.sees('│ ada')  # else a tag stands behind the name
        ada.send('/msg bob b a secret' + ENTER)
        bob.sees('ada (to you): a secret')
        ada.sees('-> bob b: a secret')
        self.assertGreater(bob.screen.bells, 0)
        ada.send('/msg zoe x' + ENTER)
        ada.sees('No such person is here')
        ada.send('a word for all' + ENTER)
        eve.sees('ada: a word for all')
        self.assertNotIn('secret', eve.screen.text())

    def test_a_line_of_several_lines_is_one_message(self):
        ada = self.stage.chat('ada', 'lines')
        bob = self.stage.chat('bob', 'lines')
        ada.send(ESC + '[200~one\ntwo' + ESC + '[201~')
        ada.sees('] one↵two')
        self.assertNotIn('ada: one', ada.screen.text())
        ada.send(ESC + ENTER + 'three' + ENTER)
        bob.matches(r'ada: one\s.*\n {6}two\s.*\n {6}three')

    def test_a_message_is_bounded(self):
        ada = self.stage.chat('ada', 'long')
        bob = self.stage.chat('bob', 'long')
        ada.send('x' * 950)
        ada.sees('50 characters left')
        ada.send('y' * 60)
        ada.sees('at most 1000 characters')
        ada.send(ENTER)
        bob.sees('yyyy')
        self.assertEqual(len(re.findall('x|yy', bob.screen.text())), 975)


class Rooms(Chat):
    def test_unread_messages_are_counted_by_room(self):
        ada = self.stage.chat('ada', 'one', 'two')
        self.stage.write('two', 'unseen')
        ada.sees('#two 1')
        self.stage.write('two', 'for Ada, this')
        ada.sees('#two 2*')
        self.assertGreater(ada.screen.bells, 0)
        self.assertNotIn('unseen', ada.screen.text())
        ada.send(ESC + '2')
        ada.sees('[#two]', 'carol: unseen', 'for Ada, this')
        ada.sees_no('#two 2*')
        ada.send(ESC + '[1;3A')
        ada.sees('[#one]')

    def test_rooms_are_joined_and_left(self):
        ada = self.stage.chat('ada', 'first')
        bob = self.stage.chat('bob', 'second')
        ada.send('/join #Second' + ENTER)
        ada.sees('[#second]', '│ bob')
        bob.sees('-- ada came in')
        ada.send('hello' + ENTER)
        bob.sees('ada: hello')
        ada.send('/leave' + ENTER)
        ada.sees('[#first]')
        ada.sees_no('#second')
        bob.sees('ada left', 'here (1)')
        ada.send('/leave' + ENTER)
        ada.sees('This is your only room')
        # Again, with its history.
        ada.send('/join second' + ENTER)
        ada.sees('ada: hello')
        bob.sees('here (2)')

    def test_help_and_unknown_commands(self):
        ada = self.stage.chat('ada', 'help')
        ada.send('/help' + ENTER)
        ada.sees('/join ROOM', '/leave [ROOM]', '/msg NICK TEXT', '/nick NAME',
                 '/who', '/quit')
        ada.send('/nonsense' + ENTER)
        ada.sees('There is no /nonsense')
        ada.send(ESC + 'OP')
        ada.sees('Shift-Tab goes back')
        ada.send('//help is a word' + ENTER)
        ada.sees('ada: /help is a word')

    def test_tab_completes_commands_rooms_and_names(self):
        ada = self.stage.chat('ada', 'tab', 'kitchen-sink')
        bob = self.stage.chat('Bob', 'tab')
        self.stage.chat('bobby', 'tab')
        ada.sees('│ Bob', '│ bobby')
        ada.send('/le\tKIT\t')
        ada.sees('] /leave kitchen-sink')
        ada.send('\t')
        ada.sees('[kitchen]')
        ada.sees_no('] /leave kitchen-sink')
        ada.send('\025bo\t')
        ada.sees('] Bob:', '[Bob]', 'bobby')
        ada.send('\t')
        ada.sees('] bobby:')
        ada.send(ESC + '[Z')
        ada.sees('] Bob:')
        ada.send('hi' + ENTER)
        bob.sees('ada: Bob: hi')
        self.assertGreater(bob.screen.bells, 0)
        ada.send('ask bobb\t')
        ada.sees('] ask bobby')
        ada.send('\025/msg bobb\tyou' + ENTER)
        ada.sees('-> bobby: you')


class Screens(Chat):
    def test_what_was_written_before_is_scrolled_to(self):
        for n in range(150):
            self.stage.write('scroll', f'number {n};')
        ada = self.stage.chat('ada', 'scroll')
        ada.sees('number 149;')
        for _ in range(12):
            ada.send(PAGE_UP)
            ada.pump(0.2)
        ada.until(lambda s: ada.send(PAGE_UP) or 'number 0;' in s.text(),
                  'the first')
        ada.sees('more lines below')
        self.assertNotIn('number 149;', ada.screen.text())
        ada.send('all keys')
        ada.sees('] all keys')
        # What comes meanwhile moves nothing.
        before = ada.screen.text().splitlines()[1:20]
        self.stage.write('scroll', 'the newest')
        ada.sees('more lines below')
        self.stage.write('scroll', 'another')
        ada.pump(0.5)
        self.assertEqual(ada.screen.text().splitlines()[1:20], before)
        ada.send(PAGE_DOWN)
        ada.sees_no('number 0;')
        ada.send(ESC)
        ada.sees('carol: another', 'number 149;')

    def test_the_terminal_may_be_resized(self):
        ada = self.stage.chat('ada', 'size')
        self.stage.write('size', 'words ' * 20)
        ada.sees('words words')
        for rows, columns in ((50, 200), (8, 40), (24, 60), (9, 41)):
            ada.resize(rows, columns)
            ada.sees('words words', '[#size]')
            lines = ada.screen.text().splitlines()
            self.assertIn('#size', lines[0])
            self.assertTrue(lines[rows - 1].startswith('[#size]'))
        for rows, columns in ((7, 40), (8, 39), (1, 10), (2, 1)):
            ada.resize(rows, columns)
            ada.sees('parley chat needs 40 x 8'[:columns])
        ada.send('still here')
        ada.resize(24, 80)
        ada.sees('] still here', 'here (1)')
        ada.send(ENTER)
        ada.sees('ada: still here')

    def test_texts_and_names_cannot_steer_the_terminal(self):
        ada = self.stage.chat('ada', 'evil')
        self.stage.publish('evil', {'id': 'x', **STRANGER})
        ada.sees('eve<U+001B>[31m<U+202E><U+009B>: hi ',
                 '<U+001B>[2J<U+001B>]0;pwned<U+0007><U+009B>2J<U+0090>',
                 'q<U+202E>abc<U+2028>xy<U+000D>z')
        for data in (7, 'text', [], None, {}, {'text': {}}, {'text': ' '},
                     {'text': 'x', 'nick': 5, 'at': 1e300, 'id': []},
                     {'from': {'client': 'x'}, 'type': 'hello',
                      'body': {'ask': True, 'was': '\033c', **STRANGER}},
                     {'from': {'client': 'y' * 500}, 'type': 'typing',
                      'body': STRANGER}):
            for channel in ('room', 'signs'):
                if data is not None:
                    self.stage.publish('evil', data, channel)
        ada.sees('is typing', 'somebody: x', '<U+001B>c is now eve')
        ada.send('eve\t')
        ada.send('\025fine' + ENTER)
        ada.sees('ada: fine')
        self.assertEqual(ada.screen.strange, [])

    def test_colours_are_left_out_on_demand(self):
        for env, has_color in (({'NO_COLOR': None}, True),
                               ({'NO_COLOR': '1'}, False),
                               ({'NO_COLOR': ''}, True)):
            ada = self.stage.chat('ada', 'colour', env=env)
            self.stage.write('colour', 'hello')
            ada.sees('carol: hello')
            self.assertEqual(ada.screen.has_color(), has_color)
            self.assertTrue(ada.screen.marks_of(' ada@') & REVERSE)
            self.stage.clear()

    def test_without_unicode_it_is_drawn_in_ascii(self):
        ada = self.stage.chat('ada', 'ascii', env={'LC_ALL': 'C'})
        self.stage.write('ascii', 'Grüße')
        ada.sees('carol: Gr??e', '| here (1)')
        ada.until(lambda s: s.text().isascii(), 'ASCII')

    def test_wide_and_combining_characters_stay_in_their_columns(self):
        ada = self.stage.chat('ada', 'wide')
        self.stage.write('wide', '世界' * 40 + ' e\u0301 end')
        ada.matches(r'(?m)^ {6}界?(世界)+ e\u0301 end +│')
        ada.send('世界' * 30 + ESC + 'b' + 'x')
        ada.matches(r'\[#wide\] .*x')

    def test_entered_lines_are_kept_in_a_file(self):
        path = f'{self.stage.folder}/lines'
        env = {'PARLEY_CHAT_HISTORY': path}
        ada = self.stage.chat('ada', 'file', env=env)
        ada.send('remember me' + ENTER + '/quit' + ENTER)
        self.assertEqual(ada.wait(), 0)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        ada = self.stage.chat('ada', 'file', env=env)
        ada.send(UP + UP)
        ada.sees('] remember me')


class Ends(Chat):
    def check_end(self, ada, status):
        self.assertEqual(ada.wait(), status)
        self.assertTrue(ada.is_restored())

    def test_ctrl_c_twice_quits(self):
        ada = self.stage.chat('ada')
        ada.send('half a line\003')
        ada.sees('Ctrl-C again quits', '] half a line')
        ada.send(' more')
        ada.sees_no('Ctrl-C again quits')
        ada.send('\003')
        ada.sees('Ctrl-C again quits')
        ada.send('\003')
        self.check_end(ada, 0)

    def test_quit_and_the_end_of_input_end_it(self):
        for keys in ('/quit' + ENTER, '\004'):
            ada = self.stage.chat('ada')
            ada.send(keys)
            self.check_end(ada, 0)

    def test_signals_end_it_and_restore_the_terminal(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            ada = self.stage.chat('ada')
            ada.signal(number)
            self.check_end(ada, -number)

    def test_a_fault_restores_the_terminal(self):
        ada = self.stage.chat('ada')
        ada.signal(signal.SIGABRT)
        self.check_end(ada, -signal.SIGABRT)

    def test_a_terminal_that_takes_nothing_keeps_no_signal_away(self):
        ada = self.stage.chat('ada', 'stuck', rows=60, columns=200)
        for n in range(60):
            self.stage.write('stuck', f'{n} ' + 'word ' * 150)
        # It waits in a write, with nothing read.
        wchan = pathlib.Path(f'/proc/{ada.pid}/stat')
        end = time.monotonic() + DEADLINE
        still = 0
        while still < 20 and time.monotonic() < end:
            cpu = wchan.read_text().split()[13:15]
            time.sleep(0.05)
            still = still + 1 if cpu == wchan.read_text().split()[13:15] else 0
        ended = os.pidfd_open(ada.pid)
        self.addCleanup(os.close, ended)
        ada.signal(signal.SIGTERM)
        self.assertTrue(select.select([ended], [], [], DEADLINE)[0])
        status = os.waitpid(ada.pid, 0)[1]
        ada.status = os.waitstatus_to_exitcode(status)
        self.assertEqual(ada.status, -signal.SIGTERM)
        self.assertTrue(ada.has_old_settings())

    def test_it_is_stopped_and_goes_on_as_a_job_of_a_shell(self):
        shell = Terminal(['/bin/bash', '--norc', '--noprofile', '-i'],
                         env={'PS1': 'prompt> ', 'HISTFILE': '',
                              'PARLEY_CHAT_HISTORY': ''}, columns=120)
        self.stage.people.append(shell)
        shell.sees('prompt>')
        shell.send(' '.join(self.stage.argv('ada', 'jobs')) + ENTER)
        shell.sees('here (1)')
        pid = None
        shell.screen.strange = []
        for how in ('\032', signal.SIGTSTP):
            shell.send('half')
            shell.sees('] half')
            if how == '\032':
                shell.send(how)
            else:
                os.kill(pid, how)
            shell.sees('Stopped')
            self.assertEqual(shell.screen.modes & {'?1049', '?1'}, set())
            # bash sets its own paste mode at its prompt.
            shell.send('stty -a; jobs -p\r')
            shell.matches(r'(?m)^isig icanon .* echo ')
            shell.matches(r'(?m)^\d+$')
            pid = int(re.search(r'(?m)^(\d+)$', shell.screen.text())[1])
            shell.send('clear; fg' + ENTER)
            shell.sees('here (1)', '] half')
            shell.send('\025')
            shell.sees_no('] half')  # else a shell might read what comes next
        shell.send('/quit' + ENTER)
        shell.sees('prompt>')
        shell.send('exit' + ENTER)
        self.assertEqual(shell.wait(), 0)

    def test_a_terminal_that_can_do_nothing_gets_lines(self):
        ada = Terminal(self.stage.argv('ada', 'dumb'), env={'TERM': 'dumb'})
        self.stage.people.append(ada)
        ada.sees('-- connected to')
        ada.send('hello\n')
        ada.sees('ada: hello')
        self.assertEqual(ada.screen.modes, set())
        ada.send('\004')
        self.assertEqual(ada.wait(), 0)


class Outages(Chat):
    settings = {'ping.interval': '1s'}

    def setUp(self):
        self.line = Line(self.stage.port)
        self.addCleanup(self.line.close)

    def test_what_was_missed_comes_after_an_outage(self):
        ada = self.stage.chat('ada', 'missed', 'other', port=self.line.port)
        bob = self.stage.chat('bob', 'missed')
        ada.sees('│ bob')
        bob.sees('│ ada')
        self.line.cut()
        ada.matches(r'reconnecting, \d+ s \.\.\.')
        ada.sees('What you write now is sent later')
        bob.sees('ada left')
        bob.send('one' + ENTER + 'two' + ENTER)
        bob.sees('bob: two')
        self.stage.write('other', 'elsewhere')
        ada.send('meanwhile' + ENTER)
        ada.sees('ada: meanwhile')
        self.line.mend()
        ada.sees(' connected', '-- 2 messages came while you were away',
                 'bob: one', 'bob: two', '#other 1', '│ bob')
        bob.sees('ada: meanwhile', '-- ada is back')
        for one in (ada, bob):
            self.assertEqual(one.screen.text().count(': meanwhile'), 1)

    def test_a_broker_that_hangs_and_goes_on_is_noticed(self):
        ada = self.stage.chat('ada', 'hang')
        self.stage.broker.send_signal(signal.SIGSTOP)
        ada.sees('reconnecting,')
        ada.send('are you there?' + ENTER)
        self.stage.broker.send_signal(signal.SIGCONT)
        ada.sees(' connected', 'ada: are you there?')
        bob = self.stage.chat('bob', 'hang')
        bob.sees('ada: are you there?')
        self.assertEqual(bob.screen.text().count('are you there?'), 1)

    def test_a_broker_that_was_killed_and_returns_begins_a_new_history(self):
        ada = self.stage.chat('ada', 'killed')
        ada.send('before' + ENTER)
        ada.sees('ada: before')
        self.stage.kill()
        ada.sees('reconnecting,')
        ada.send('said into the void' + ENTER)
        ada.sees('ada: said into the void')
        self.stage.run()
        ada.sees(' connected', 'it begins a new history', 'ada: before',
                 'here (1)')
        bob = self.stage.chat('bob', 'killed')
        bob.sees('ada: said into the void')
        self.assertEqual(bob.screen.text().count('said into the void'), 1)
        self.assertEqual(ada.screen.text().count('said into the void'), 1)

    def test_a_terminal_may_come_before_the_broker(self):
        self.stage.kill()
        ada = Terminal(self.stage.argv('ada', 'early'))
        self.stage.people.append(ada)
        ada.sees('connecting,', 'No connection')
        self.stage.run()
        ada.sees(' connected', 'here (1)')


class Rights(Chat):
    settings = {'channels.allow_publish': 'none', 'actors.allow_send': 'none',
                'channels.allow_presence': 'none'}

    def test_what_the_broker_does_not_permit_is_explained(self):
        ada = self.stage.chat('ada', 'rights', columns=120)
        ada.sees('You may not see who is here', 'channels.allow_presence')
        ada.send('hello' + ENTER)
        ada.sees('not sent: you may not write here',
                 'You may not write here: the broker does not permit it')


@unittest.skipUnless(NODE, 'no Node')
class Page(Chat):
    settings = {'ping.interval': '1s'}

    def test_the_page_and_the_terminal_meet(self):
        page = self.stage.page('Pia', 'meet')
        ada = self.stage.chat('ada', 'meet')
        ada.sees('│ Pia')
        page.until('people', ['Pia', 'ada'])
        page.until('move', 'ada', 'came in')
        page.call('say', 'hello from the page')
        ada.sees('Pia: hello from the page')
        ada.send('hello from')
        page.until('people', ['Pia', 'ada'], ['ada'])
        ada.send(' the terminal' + ENTER)
        page.until('message', 'ada', 'hello from the terminal', False)
        page.call('typed')
        ada.sees('Pia is typing')
        page.call('rename', 'Pia Page')
        ada.sees('Pia is now Pia Page', '│ Pia Page')
        ada.send('/nick Ada L' + ENTER)
        page.until('note', 'ada is now Ada L')
        ada.send('/msg pia page a secret' + ENTER)
        ada.sees('-> Pia Page: a secret')
        page.until('note', 'Ada L, to you only: a secret')
        page.leave()
        ada.sees('Pia Page left', 'here (1)')

    def test_each_reads_what_the_other_wrote_before(self):
        page = self.stage.page('Pia', 'before')
        page.call('say', 'one\ntwo')
        page.until('sent')
        page.leave()
        ada = self.stage.chat('ada', 'before')
        ada.matches(r'Pia: one\s.*\n {6}two')
        ada.send('three' + ENTER)
        ada.sees('ada: three')
        ada.send('/quit' + ENTER)
        self.assertEqual(ada.wait(), 0)
        page = self.stage.page('Pia', 'before')
        page.until('message', 'ada', 'three')

    def test_both_come_back_after_a_restart(self):
        page = self.stage.page('Pia', 'again')
        ada = self.stage.chat('ada', 'again')
        ada.sees('│ Pia')
        self.stage.kill()
        ada.sees('reconnecting,')
        ada.send('into the void' + ENTER)
        page.call('say', 'also into the void')
        self.stage.run()
        ada.sees(' connected', 'Pia: also into the void', '│ Pia')
        page.until('message', 'ada', 'into the void')
        page.until('people', ['Pia', 'ada'])


class Lines(Chat):
    """Without a terminal."""

    def test_lines_are_read_and_printed(self):
        ada = self.stage.pipe('ada', 'pipe')
        ada.stdin.write('from a pipe: \033[1m\n')
        ada.stdin.flush()
        first = ada.stdout.readline()
        bob = self.stage.chat('bob', 'pipe')
        bob.sees('│ ada')
        bob.sees('ada: from a pipe: <U+001B>[1m')
        bob.send('to a pipe' + ENTER)
        first += ada.stdout.readline()
        out, err = self.finish(ada, 0)
        self.assertRegex(first + out, r'^\d\d:\d\d ada: from a pipe: <U\+001B>\[1m\n'
                              r'\d\d:\d\d bob: to a pipe\n$')
        self.assertIn('-- bob came in\n', err)
        self.assertNotIn('\033', out + err)

    def finish(self, one, status):
        out, err = one.communicate(timeout=DEADLINE)
        self.assertEqual(one.returncode, status, err)
        return out, err

    def test_the_end_of_input_waits_until_all_is_sent(self):
        ada = self.stage.pipe('ada', 'eof')
        out, _ = ada.communicate('one\ntwo\nthree', timeout=DEADLINE)
        self.assertEqual(ada.returncode, 0)
        self.assertEqual(re.findall('ada: (.*)', out), ['one', 'two', 'three'])
        bob = self.stage.chat('bob', 'eof')
        bob.sees('ada: one', 'ada: two', 'ada: three')

    def test_several_rooms_are_named(self):
        ada = self.stage.pipe('ada', 'left', 'right')
        bob = self.stage.chat('bob', 'left', 'right')
        bob.sees('│ ada')
        self.stage.write('right', 'over here')
        bob.sees('#right 1')
        ada.stdin.write('/join right\nthanks\n')
        ada.stdin.flush()
        bob.sees('#right 2')
        out, _ = self.finish(ada, 0)
        self.assertRegex(out, '#right carol: over here\n.*#right ada: thanks')

    def test_no_broker_is_an_exit_status(self):
        self.stage.people.append(None)
        self.stage.people.pop()
        one = self.stage.pipe('ada', '--timeout', '500ms',
                              url='ws://127.0.0.1:1/')
        _, err = one.communicate('hello\n', timeout=DEADLINE)
        self.assertEqual(one.returncode, 3)
        self.assertIn('no connection to 127.0.0.1:1', err)

    def test_a_wrong_option_is_an_exit_status(self):
        one = self.stage.pipe('ada', url='nonsense')
        _, err = one.communicate('', timeout=DEADLINE)
        self.assertEqual(one.returncode, 2)
        one = self.stage.pipe(' ')
        _, err = one.communicate('', timeout=DEADLINE)
        self.assertEqual(one.returncode, 2)
        self.assertIn('the nick is empty', err)

    def test_a_reader_that_has_gone_ends_it(self):
        ada = self.stage.pipe('ada', 'head')
        bob = self.stage.chat('bob', 'head')
        bob.sees('│ ada')
        ada.stdout.close()
        self.assertEqual(ada.wait(DEADLINE), 0)
        bob.sees('here (1)')

    def test_signals_end_it(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            ada = self.stage.pipe('ada', 'signal')
            self.assertIn('connected', ada.stderr.readline())
            ada.send_signal(number)
            ada.wait(DEADLINE)
            self.assertEqual(ada.returncode, 128 + number)


if __name__ == '__main__':
    unittest.main(verbosity=2)
