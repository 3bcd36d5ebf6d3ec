package app

import (
	"errors"
	"fmt"
	"io"
	"os"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/authz/policyfile"
	"autoscalebot/internal/slackbot/view"
)

// ErrPolicyTests means that a policy loads and does not do what its tests expect.
var ErrPolicyTests = errors.New("the policy fails its own tests")

// PolicyTest loads a policy file as strictly as the bot does, runs the tests in it,
// and writes one line for each to out. It needs no configuration. The error is
// ErrPolicyTests, or every mistake in the file with its place, as *policyfile.LoadError.
func PolicyTest(out io.Writer, file string) error {
	policy, err := readPolicy(file)
	if err != nil {
		return err
	}
	w := &lines{out: out}
	results, failed := policyfile.RunTests(policy, ParsePolicyCommand), 0
	for _, t := range results {
		verdict := "ok  "
		if !t.Passed() {
			verdict = "FAIL"
			failed++
		}
		w.add("%s  %s", verdict, t.Text(view.CauseText))
	}
	rules := count(len(policy.Rules()), "rule", "rules")
	switch {
	case len(results) == 0:
		w.add("%s loads, with %s. It has no tests: say under tests: what it has to allow and to deny.", file, rules)
	case failed == 0:
		w.add("%s, all passed.", count(len(results), "test", "tests"))
	default:
		w.add("%s, %d failed.", count(len(results), "test", "tests"), failed)
	}
	if policy.UsesBreakGlass() {
		w.add("Rules here use break_glass: the bot takes this file only where ANNOUNCE_CHANNEL is set.")
	}
	if w.err == nil && failed > 0 {
		return ErrPolicyTests
	}
	return w.err
}

// ErrPolicyLint means that something was found in a policy. The output says what.
var ErrPolicyLint = errors.New("the policy says things that have no effect")

// PolicyLint loads a policy file and writes one line to out for each thing in it that
// has no effect, with what to do about it. It needs no configuration.
func PolicyLint(out io.Writer, file string) error {
	policy, err := readPolicy(file)
	if err != nil {
		return err
	}
	w := &lines{out: out}
	findings := policy.Lint()
	if len(policyfile.RunTests(policy, ParsePolicyCommand)) == 0 {
		findings = append(findings, authz.Finding{
			What: "it has no tests, so the bot takes whatever it has become",
			Do:   "Say under tests: what it has to allow and to deny.",
		})
	}
	for _, f := range findings {
		w.add("%s", findingText(file, f))
	}
	switch {
	case len(findings) == 0:
		w.add("ok    %s: %s, nothing found", file, count(len(policy.Rules()), "rule", "rules"))
	case w.err == nil:
		return ErrPolicyLint
	}
	return w.err
}

// findingText is a finding with its place.
func findingText(file string, f authz.Finding) string {
	at := file
	if f.Line > 0 {
		at = fmt.Sprintf("%s:%d", file, f.Line)
	}
	if f.Rule != "" {
		at += fmt.Sprintf(": rule %q", f.Rule)
	}
	return fmt.Sprintf("%s: %s. %s", at, f.What, f.Do)
}

func readPolicy(file string) (*authz.Policy, error) {
	data, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("%s: the file cannot be read (%s)", file, reason(err))
	}
	return policyfile.Load(file, data)
}

// lines writes lines until one cannot be written.
type lines struct {
	out io.Writer
	err error
}

func (l *lines) add(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.out, format+"\n", args...)
	}
}
