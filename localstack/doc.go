// Package localstack is the harness that runs the integration suites against LocalStack.
//
// [Require] gives a test a LocalStack: the one that LOCALSTACK_ENDPOINT names, or a container that testcontainers-go starts
// and ends. Where there is neither, the test is skipped, and the reason is printed at the end of the run; with
// REQUIRE_LOCALSTACK=1 it fails. [Deploy] builds a SAM template and deploys it with SAM CLI, as one deploys it on AWS, and
// [Project] does so with template.yaml of this repository, once for all tests of a run.
//
// A package that uses it ends through [Main]:
//
//	func TestMain(m *testing.M) { localstack.Main(m) }
//
//	func TestMine(t *testing.T) {
//		stack := localstack.Project(t)
//		queue := sqs.NewFromConfig(stack.Config)
//		…
//	}
//
// The package reads these variables:
//
//	LOCALSTACK_ENDPOINT  URL of a LocalStack that runs: http://127.0.0.1:4566
//	LOCALSTACK_IMAGE     image of the container; default localstack/localstack in the version of the file versions
//	LOCALSTACK_AUTH_TOKEN, LAMBDA_RUNTIME_EXECUTOR
//	                     given to the container, if they are set
//	REQUIRE_LOCALSTACK   1: a test that would be skipped fails
//	SAM_CLI              the program sam; default sam of the PATH, or the one that this repository's .ci has installed
//
// and testcontainers-go its own (TESTCONTAINERS_HOST_OVERRIDE, TESTCONTAINERS_RYUK_DISABLED, DOCKER_HOST).
package localstack
