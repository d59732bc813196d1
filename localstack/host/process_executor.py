"""A Lambda executor for LocalStack that runs provided.* functions as processes of the machine that LocalStack runs on.

LocalStack's own executor starts a container for each execution environment. This one starts the function's bootstrap and
serves it the Lambda Runtime API, so it needs no Docker. It keeps the function's timeout. It does not isolate, it does not
freeze a function between invocations, and it keeps no limit of memory.

LocalStack finds it by the entry point "process" of the group localstack.lambda.runtime_executor, which
localstack/host/install writes, and uses it with LAMBDA_RUNTIME_EXECUTOR=process.
"""

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin

# How long a process may take to end by itself once it was asked to.
GRACE_SECONDS = 2
# How often a wait for a process looks whether it still lives.
LOOK_SECONDS = 0.01
# Logs of one invocation beyond this are cut.
MAX_LOG_BYTES = 1 << 20


class RuntimeAPI(BaseHTTPRequestHandler):
    """The Lambda Runtime API (AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes").

    The server's attribute process is the FunctionProcess that this is the API of.
    """

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # an answer leaves in one piece: no wait for the acknowledgement of its head

    def log_message(self, *args):
        """Be silent: requests are no news."""

    def do_GET(self):
        """GET /2018-06-01/runtime/invocation/next blocks until there is an invocation."""
        event = self.server.process.next_event()
        if event is None:  # the process is being stopped
            self._answer(410)
            return
        self._answer(
            200,
            event["payload"].encode(),
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": event["invoke-id"],
                "Lambda-Runtime-Deadline-Ms": str(event["deadline-ms"]),
                "Lambda-Runtime-Invoked-Function-Arn": event["invoked-function-arn"],
                "Lambda-Runtime-Trace-Id": event.get("trace-id") or "",
            },
        )

    def do_POST(self):
        """POST …/invocation/ID/response, …/invocation/ID/error or …/init/error is the answer of the function."""
        body = self._body()
        before, last = self.path.split("/")[-2:]
        if (before, last) == ("init", "error"):
            self.server.process.failed_to_start(body)
        else:
            self.server.process.answered(before, last == "error", body)
        self._answer(202, b'{"status":"OK"}', {"Content-Type": "application/json"})

    def _answer(self, status, body=b"", headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return body


class FunctionProcess:
    """One process of a function, with a Runtime API of its own: a request that a dead process has left behind cannot take
    the next one's event."""

    def __init__(self, directory, env):
        self._events = queue.Queue()
        self._answers = queue.Queue()
        self._idle = threading.Event()  # it has asked for an event, or said that it cannot start
        self._init_error = None
        self._reaping = threading.RLock()  # held while the group is signalled, and while its leader is reaped
        self._log = tempfile.TemporaryFile("w+b")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), RuntimeAPI)
        self._server.daemon_threads = True
        self._server.process = self
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        bootstrap = os.path.join(directory, "bootstrap")
        os.chmod(bootstrap, 0o755)
        self._process = subprocess.Popen(
            [bootstrap],
            env=env | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}"},
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # what it has started ends with it; a Ctrl-C is LocalStack's alone
        )

    # Called by the Runtime API, on its threads.

    def next_event(self):
        self._idle.set()
        return self._events.get()

    def answered(self, request_id, is_error, body):
        self._answers.put((request_id, is_error, body))

    def failed_to_start(self, body):
        self._init_error = body
        self._idle.set()

    # Called by the executor. LocalStack gives an execution environment one event at a time.

    def alive(self):
        """Look without reaping. The number of a process is its own, and its group's, until it is reaped: kill does that, once
        it has signalled the group. After that the number may be a stranger's."""
        try:
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:  # kill was here
            return False

    def wait_until_idle(self):
        """Wait for the first request for an event. LocalStack bounds that wait: it calls stop."""
        while not self._idle.wait(LOOK_SECONDS) and self.alive():
            pass
        if self._init_error is not None:
            raise RuntimeError(f"the function failed to start: {self._init_error.decode(errors='replace')}")
        if not self._idle.is_set():
            raise RuntimeError(f"the function ended before it asked for an event: {self._how_it_ended()}: {self.logs(0)}")

    def run(self, event, timeout):
        """Return whether the invocation failed, and its answer."""
        request_id = event["invoke-id"]
        deadline = time.time() + timeout
        self._events.put(event | {"deadline-ms": int(deadline * 1000)})
        while True:
            alive = self.alive()  # before the look at the answers: one may be there although the process is gone
            try:
                answer_to, is_error, body = self._answers.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                if not alive:
                    return True, _error("Runtime.ExitError", request_id, f"Runtime exited with error: {self._how_it_ended()}")
                if time.time() > deadline:
                    self.kill()
                    return True, _error("Sandbox.Timedout", request_id, f"Task timed out after {timeout:.2f} seconds")
                continue
            if answer_to == request_id:
                return is_error, body

    def log_size(self):
        return os.fstat(self._log.fileno()).st_size

    def logs(self, since):
        return os.pread(self._log.fileno(), MAX_LOG_BYTES, since).decode(errors="replace")

    def stop(self):
        self._events.put(None)
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while self.alive() and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        self.kill()
        self._server.shutdown()
        self._server.server_close()

    def kill(self):
        """End the whole group, also after its leader has ended, and reap the leader. A second call does nothing."""
        with self._reaping:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _signal(self, number):
        with self._reaping:
            if self._process.returncode is not None:  # reaped
                return
            try:
                os.killpg(self._process.pid, number)
            except (ProcessLookupError, PermissionError):  # macOS says that where all of the group have ended
                pass

    def _how_it_ended(self):
        self.kill()
        status = self._process.returncode
        return f"exit status {status}" if status >= 0 else f"signal: {signal.Signals(-status).name}"


def _error(kind, request_id, message):
    return json.dumps({"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {message}"}).encode()


def _executor_class():
    """Define the executor when LocalStack asks for it: its base class cannot be imported while plugins are being found."""
    from localstack.services.lambda_.invocation.lambda_models import InvocationResult
    from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

    class ProcessRuntimeExecutor(RuntimeExecutor):
        """An execution environment: a process, and another one after a crash or a timeout."""

        def __init__(self, id, function_version):
            super().__init__(id=id, function_version=function_version)
            self._process = None

        def start(self, env_vars):
            self._directory = str(self.function_version.config.code.get_unzipped_code_location())
            # What LocalStack sets for its own runtime inside the container means nothing here.
            env = {name: str(value) for name, value in env_vars.items() if not name.startswith("LOCALSTACK_RUNTIME")}
            self._env = env | {
                "LAMBDA_TASK_ROOT": self._directory,
                "LANG": "C.UTF-8",
                "PATH": os.environ.get("PATH", ""),
                "TMPDIR": tempfile.gettempdir(),
            }
            self._begin()

        def _begin(self):
            self._process = FunctionProcess(self._directory, self._env)
            self._process.wait_until_idle()

        def stop(self):
            if self._process:
                self._process.stop()

        def invoke(self, payload):
            if not self._process.alive():
                self._process.stop()
                self._begin()
            process, config = self._process, self.function_version.config
            written, began = process.log_size(), time.time()
            is_error, answer = process.run(payload, config.timeout)
            ms = (time.time() - began) * 1000
            request_id = payload["invoke-id"]
            logs = (
                f"START RequestId: {request_id} Version: {self.function_version.id.qualifier}\n"
                f"{process.logs(written)}"
                f"END RequestId: {request_id}\n"
                f"REPORT RequestId: {request_id}\tDuration: {ms:.2f} ms\tBilled Duration: {int(ms) + 1} ms\t"
                f"Memory Size: {config.memory_size} MB\n"
            )
            return InvocationResult(request_id, answer, is_error=is_error, logs=logs)

        def get_logs(self):
            return self._process.logs(0) if self._process else ""

        # Addresses, as LocalStack and the function see each other: they share a machine.

        def get_address(self):
            return "127.0.0.1"

        def get_endpoint_from_executor(self):
            return "127.0.0.1"

        def get_runtime_endpoint(self):
            return ""  # only LocalStack's own runtime would call back there

        @classmethod
        def prepare_version(cls, function_version):
            if function_version.config.code:
                function_version.config.code.prepare_for_execution()

        @classmethod
        def cleanup_version(cls, function_version):
            pass

    return ProcessRuntimeExecutor


class ProcessRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    name = "process"
    _executor = None

    def load(self, *args, **kwargs):
        cls = ProcessRuntimeExecutorPlugin
        if cls._executor is None:
            cls._executor = _executor_class()
        return cls._executor
