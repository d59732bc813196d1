package localstack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// Deployment says what to deploy.
type Deployment struct {
	Name       string            // of the stack
	Template   string            // path of a SAM template
	Parameters map[string]string // of the template
}

// Stack is a stack that was deployed.
type Stack struct {
	Name string
	// ID is its ARN. LocalStack finds by name also what was deleted.
	ID string
	// Outputs of the template, by their names.
	Outputs map[string]string
	// Config is that of the LocalStack where it is.
	Config aws.Config
	// Instance is the LocalStack where it is.
	Instance *Instance
	// Took is how long sam build and sam deploy took.
	Took time.Duration
}

// Output returns an output, and fails the test if the template has none of that name.
func (s *Stack) Output(tb testing.TB, name string) string {
	tb.Helper()
	value, ok := s.Outputs[name]
	if !ok {
		tb.Fatalf("stack %q has no output %q, only %v", s.Name, name, slices.Sorted(maps.Keys(s.Outputs)))
	}
	return value
}

// Deploy builds the template and deploys it as a new stack, which is deleted when the test ends. It takes half a minute.
func Deploy(tb testing.TB, d Deployment) *Stack {
	tb.Helper()
	s, _ := DeployUntil(tb, d)
	return s
}

// DeployUntil is Deploy for tests that look at what a deletion leaves: remove deletes the stack, and does nothing the second
// time.
func DeployUntil(tb testing.TB, d Deployment) (s *Stack, remove func(testing.TB)) {
	tb.Helper()
	i := Require(tb)
	s, err := i.deploy(tb.Context(), d)
	if err != nil {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		unavailable(tb, err)
	}
	var once sync.Once
	remove = func(tb testing.TB) {
		tb.Helper()
		once.Do(func() {
			if err := s.delete(context.WithoutCancel(tb.Context())); err != nil {
				tb.Error(err)
			}
		})
	}
	tb.Cleanup(func() { remove(tb) })
	return s, remove
}

// Project returns template.yaml of this repository, deployed. The first call deploys it; all tests of a run share the
// stack, and [Main] deletes it. Its name is new in each run: the stack "offload" may be one that somebody works with. Tests
// change nothing in it, but send to its queues and invoke its functions.
func Project(tb testing.TB) *Stack {
	tb.Helper()
	i := Require(tb)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.project == nil {
		d, err := ProjectDeployment(UniqueName("suite"))
		if err == nil {
			shared.project, err = i.deploy(context.WithoutCancel(tb.Context()), d)
		}
		if err != nil {
			unavailable(tb, err)
		}
	}
	return shared.project
}

// UniqueName is the name of a stack of a test: no other run has it, and no user.
func UniqueName(what string) string { return fmt.Sprintf("offload-%s-%08x", what, rand.Uint32()) }

// ProjectDeployment is template.yaml of this repository for this machine's processor, as a stack of the given name.
func ProjectDeployment(name string) (Deployment, error) {
	top, err := root()
	return Deployment{Name: name, Template: filepath.Join(top, "template.yaml"), Parameters: map[string]string{"Architecture": Architecture()}}, err
}

// Architecture is this machine's processor, as Lambda names it.
func Architecture() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

func (i *Instance) deploy(ctx context.Context, d Deployment) (_ *Stack, err error) {
	began := time.Now()
	template, err := filepath.Abs(d.Template)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "offload-sam-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var overrides []string // for both: the architecture, say, is wanted when the functions are built
	for _, name := range slices.Sorted(maps.Keys(d.Parameters)) {
		overrides = append(overrides, fmt.Sprintf("ParameterKey=%s,ParameterValue=%s", name, d.Parameters[name]))
	}
	if len(overrides) > 0 {
		overrides = append([]string{"--parameter-overrides"}, overrides...)
	}
	args := append([]string{"build", "--build-in-source", "--template", template, "--build-dir", filepath.Join(dir, "build")}, overrides...)
	if err := i.sam(ctx, dir, args...); err != nil {
		return nil, fmt.Errorf("template %q: %w", d.Template, err)
	}
	args = append([]string{
		"deploy", "--template-file", filepath.Join(dir, "build", "template.yaml"), "--stack-name", d.Name, "--resolve-s3",
		"--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar",
	}, overrides...)
	if err := i.sam(ctx, dir, args...); err != nil {
		return nil, fmt.Errorf("stack %q: %w", d.Name, err)
	}
	s := &Stack{Name: d.Name, Instance: i}
	if s.Config, err = i.Config(ctx); err != nil {
		return nil, err
	}
	if err := s.describe(ctx); err != nil {
		return nil, err
	}
	s.Took = time.Since(began)
	return s, nil
}

func (s *Stack) describe(ctx context.Context) error {
	got, err := cloudformation.NewFromConfig(s.Config).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.Name})
	if err != nil {
		return fmt.Errorf("stack %q: %w", s.Name, err)
	}
	s.Outputs = map[string]string{}
	for _, stack := range got.Stacks {
		s.ID = aws.ToString(stack.StackId)
		for _, o := range stack.Outputs {
			s.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
		}
	}
	return nil
}

// delete deletes the stack, and what sam deploy has uploaded for it, by sam delete. make teardown does that too, after it has
// looked at what stays.
func (s *Stack) delete(ctx context.Context) error {
	if err := s.Instance.sam(ctx, os.TempDir(), "delete", "--stack-name", s.Name, "--no-prompts"); err != nil {
		return fmt.Errorf("stack %q: %w", s.Name, err)
	}
	return nil
}
