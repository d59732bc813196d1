package localstack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// root is this repository: the tests of a package run in its folder.
func root() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/offloadhq/offload").Output() //nolint:noctx // it ends at once
	if err != nil {
		return "", fmt.Errorf("repository: go list: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// findSAM returns the path of SAM CLI.
func findSAM() (string, error) {
	if named := os.Getenv("SAM_CLI"); named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("SAM_CLI: %w", err)
		}
		return filepath.Abs(path)
	}
	if path, err := exec.LookPath("sam"); err == nil {
		return path, nil
	}
	if top, err := root(); err == nil {
		if path, err := exec.LookPath(filepath.Join(top, ".tools", "sam", "bin", "sam")); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("SAM CLI is %w: install it, or set SAM_CLI to the program (pip install aws-sam-cli)", errUnavailable)
}

// sam runs SAM CLI in an empty directory, so that no samconfig.toml has a say, against i, and gives its output in the error.
func (i *Instance) sam(ctx context.Context, dir string, args ...string) error {
	program, err := findSAM()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append(args, "--region", Region)...)
	cmd.Dir = dir
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(),
		"AWS_ENDPOINT_URL="+i.Endpoint, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION="+Region,
		"SAM_CLI_TELEMETRY=0", "SAM_CLI_POLL_DELAY=0.5",
		// As make build does.
		"CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false -tags=lambda.norpc '-ldflags=-s -w -buildid='",
	)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sam %s: %w\n%s", args[0], err, out)
	}
	return nil
}
