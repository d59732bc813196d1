package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/offloadhq/offload/cmd/offload/internal/demo"
)

func newDemo() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Drive 1,000 requests through the example API and account for every task",
		Long: `Run the project's own template and its example API, drive 1,000 requests on both roads (events, webhooks to a receiver that
fails some of them on purpose, thumbnails, an export), wait until every task has ended, and print what became of them.
In the middle the queues go away for a second or two, and the web host is killed (SIGKILL) while it answers on: it keeps its
tasks in a journal, and sends them in its next life.
Exits 0 only if no task is lost and the dead letters are exactly the tasks that were made to fail for good.

It runs in a checkout of the project, which --dir names.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			template := filepath.Join(dir, "template.yaml")
			if _, err := os.Stat(template); err != nil {
				return fmt.Errorf("demo: %w: run it in a checkout of the project, or name one with --dir", err)
			}
			return demo.Run(cmd.Context(), demo.Options{
				Template: template,
				Dir:      dir,
				Stdout:   &lockedWriter{w: cmd.OutOrStdout()},
			})
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".", "the checkout")
	return cmd
}
