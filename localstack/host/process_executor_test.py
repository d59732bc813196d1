"""Tests of the executor, with a shell script as the function: .localstack/host/venv/bin/python -B localstack/host/process_executor_test.py"""

import os
import signal
import tempfile
import time
import unittest
from unittest import mock

import process_executor

PATIENCE_SECONDS = 120


class FunctionProcessTest(unittest.TestCase):
    def begin(self, script):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        with open(os.path.join(directory, "bootstrap"), "w") as f:
            f.write("#!/bin/sh\n" + script)
        process = process_executor.FunctionProcess(directory, {"PATH": os.environ["PATH"]})
        self.addCleanup(process.stop)
        return process

    def eventually(self, what, condition):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(process_executor.LOOK_SECONDS)

    def test_a_number_that_was_freed_is_not_signalled(self):
        """The kernel may give the number of a reaped process to another one, and that is then the group's number too."""
        process = self.begin("exit 3")
        self.eventually("the script ends", lambda: not process.alive())
        pid, signalled = process._process.pid, []
        killpg = os.killpg

        def watch(group, number):
            self.assertEqual(group, pid)
            # Fails if the process was reaped: nothing holds the number then.
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            signalled.append(number)
            killpg(group, number)

        with mock.patch.object(os, "killpg", watch):
            with self.assertRaisesRegex(RuntimeError, "exit status 3"):
                process.wait_until_idle()
            process.stop()
            process.kill()
        self.assertEqual(signalled, [signal.SIGKILL])
        self.assertFalse(process.alive())

    def test_what_the_function_started_ends_with_it(self):
        process = self.begin("sleep 600 &\necho $!\nexit 0")
        self.eventually("the script ends", lambda: not process.alive())
        child = int(process.logs(0))
        os.kill(child, 0)
        process.stop()
        self.eventually("the child ends", lambda: not lives(child))

    def test_a_function_that_ignores_sigterm_ends(self):
        process = self.begin("trap '' TERM\necho set\nwhile :; do sleep 0.1; done")
        self.eventually("the trap is set", lambda: "set" in process.logs(0))
        with mock.patch.object(process_executor, "GRACE_SECONDS", 0.1):
            process.stop()
        self.assertFalse(process.alive())
        self.assertEqual(process._how_it_ended(), "signal: SIGKILL")


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


unittest.main()
