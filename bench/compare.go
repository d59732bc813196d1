package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/offloadhq/offload/bench/internal/plan"
	"github.com/offloadhq/offload/bench/internal/report"
)

// options are what the command line says.
type options struct {
	quick, requirePeers bool
	page                string
	results             string // of an earlier run; "": measure
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.BoolVar(&o.quick, "quick", false, "see that everything runs, in a third of the time; ratios may miss their targets by half as much again, counts and allocations may not")
	flags.BoolVar(&o.requirePeers, "require-peers", false, "fail if Redis or PostgreSQL is not installed")
	flags.StringVar(&o.page, "page", "benchmarks.md", "the page to write; its plots go to the folder beside it of the same name")
	flags.StringVar(&o.results, "results", "", "write the page from the results of an earlier run: PAGE's folder has them in results.json")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("arguments %q: there are none, only flags", flags.Args())
	}
	return o, nil
}

// compare measures, or reads what was measured, and writes the page. A gate that is missed, or a case that failed, is an
// error after everything is written.
func compare(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	var run *report.Run
	if o.results != "" {
		run, err = readRun(o.results)
	} else {
		run, err = measureAll(ctx, o)
	}
	if err != nil {
		return err
	}
	if err := write(run, o.page); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "\nwritten: %s\n\n%s", o.page, report.TargetTable(run))
	return judge(run)
}

func judge(run *report.Run) error {
	var problems []error
	if failed := run.Results.Problems(); len(failed) > 0 {
		problems = append(problems, fmt.Errorf("%d cases failed:\n  %s", len(failed), strings.Join(failed, "\n  ")))
	}
	if missed := report.MissedGates(run.Results, run.Quick); len(missed) > 0 {
		problems = append(problems, fmt.Errorf("%d targets were missed:\n  %s", len(missed), strings.Join(missed, "\n  ")))
	}
	return errors.Join(problems...)
}

func measureAll(ctx context.Context, o options) (_ *report.Run, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "offload-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL runs as another user, inside
		return nil, err
	}
	s, err := startServers(ctx, program, dir)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := tellDown(s.Down, o.requirePeers); err != nil {
		return nil, err
	}
	run := describe(ctx, o.quick)
	run.Versions = append(run.Versions, s.Versions...)
	r := &plan.Runner{Program: program, Servers: s.Servers, Scale: plan.Full, Dir: dir, Progress: os.Stderr}
	if o.quick {
		r.Scale = plan.Quick
	}
	if run.Results, err = r.Run(ctx); err != nil {
		return nil, err
	}
	run.Took, run.LoadTo = time.Since(run.When), loadAverage()
	return run, nil
}

// tellDown says what will not run, and whether that is an error.
func tellDown(down map[string]string, require bool) error {
	var problems []error
	for name, why := range down {
		problems = append(problems, fmt.Errorf("%s: %s", name, why))
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	if require {
		return errors.Join(problems...)
	}
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, "NOT RUN:", p)
	}
	return nil
}

// write puts the page where it is asked for, and plots and results into a folder beside it.
func write(run *report.Run, page string) error {
	folder := strings.TrimSuffix(page, filepath.Ext(page))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	results, err := json.Marshal(run)
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	files := map[string]string{
		page:                                  report.Page(run, filepath.Base(folder)),
		filepath.Join(folder, "results.json"): string(results) + "\n",
	}
	for name, plot := range report.Plots(run.Results) {
		files[filepath.Join(folder, name)] = plot
	}
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func readRun(file string) (*report.Run, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var run report.Run
	if err := json.Unmarshal(text, &run); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if run.Results == nil {
		return nil, fmt.Errorf("%s: has no results", file)
	}
	return &run, nil
}
