// Package lambda is AWS Lambda on one machine: it runs the real binaries of functions as child processes. For development and tests.
//
// A function is a directory with an executable named bootstrap. Each concurrent invocation has a process of its own, which
// talks to a Runtime API listener of its own, on loopback. A process is started when an invocation finds none idle, is
// reused (the most recently used first), and is frozen between invocations as on AWS: SIGSTOP to its process group when
// it asks for the next event, SIGCONT when there is one.
//
// # Fidelity
//
//   - A process gets the variables that Lambda sets, the function's own, and those of [Options.Env]. From the
//     emulator's own environment it gets PATH, so that programs are found, and TMPDIR, which stands for /tmp; nothing
//     else, HOME included, because Lambda sets none. Its working directory is the function's directory.
//   - The timeout kills the process, and so does its memory limit: on Linux the resident size is read every 100 ms while
//     it runs and at the end of each invocation. On other systems memory is neither measured nor limited. GOMEMLIMIT is
//     not set, because Lambda does not set it: a binary that would be killed there is killed here.
//   - A process whose extension is registered gets SIGTERM, and SIGKILL 500 ms later. Any other gets SIGKILL.
//     Signals that end a process go to its group: what it has started ends with it, unless it left the group.
//   - Init may take 10 s. A function that dies in init fails the invocation that started it, and its starts are held
//     back, up to 5 s, until one succeeds: AWS has no such wait, but pays for the machine.
//   - Concurrency is 10 for a function without a reserved number, where an AWS account has 1,000. Synchronous invocations
//     beyond it are throttled. Asynchronous events of such a function wait for a free process instead, since on AWS they
//     would have run; those of a function with reserved concurrency are throttled and tried again as on AWS.
//
// # No process is left behind
//
// [Service.Close] ends every process. If the emulator itself is killed, Linux kills the children (PR_SET_PDEATHSIG). On
// macOS a frozen child is sent SIGHUP by the kernel, as the orphan that it becomes, and a running one ends when it
// finds its Runtime API gone; a child that ignores both stays.
//
// Sources: AWS Lambda Developer Guide, "Lambda runtime API", "Lambda Extensions API", "Lambda execution environment lifecycle",
// "Using Lambda environment variables", "Asynchronous invocation" and its pages on errors and records; AWS Lambda API
// Reference, "Invoke".
package lambda
