package sandbox

import (
	"bytes"
	"io"
	"os"
	"strings"
)

// PolicyTest runs the tests in a policy file and writes their results, as the bot's own
// command does. The error says why the file does not do.
type PolicyTest func(out io.Writer, file string) error

// What became of the policy file as it is now.
const (
	policyWaiting = "waiting" // the bot has not looked yet
	policyTaken   = "taken"
	policyRefused = "refused"
)

// policyState is the policy as the page shows it.
type policyState struct {
	Text   string `json:"text"` // of the file
	Status string `json:"status"`
	// Words are the bot's, why it refused the file.
	Words string `json:"words,omitempty"`
	// Tests are the results of the tests in the file, one a line; empty: not known.
	Tests string `json:"tests,omitempty"`
}

// PolicyRead is told by the bot of each version of the policy file that it took, with
// nil, or refused.
func (w *World) PolicyRead(text []byte, refused error) {
	var tests bytes.Buffer
	if w.policyTest != nil && refused == nil {
		// The bot has taken it, so that it cannot fail.
		_ = w.policyTest(&tests, w.policyFile())
	}
	w.mu.Lock()
	report := policyState{Text: string(text), Status: policyTaken, Tests: w.withoutDir(tests.String())}
	if refused != nil {
		report.Status, report.Words = policyRefused, w.withoutDir(refused.Error())
		w.refusedPolicy = report
	} else {
		w.takenPolicy, w.refusedPolicy = report, policyState{}
	}
	w.mu.Unlock()
	w.moved.send()
}

// withoutDir leaves out the temporary directory, which says nothing to anybody.
func (w *World) withoutDir(text string) string {
	return strings.ReplaceAll(text, w.dir+string(os.PathSeparator), "")
}

// policyState is what is known of the file as it is now. The bot tells of a version
// once, so that one that comes back is known already.
func (w *World) policyState() policyState {
	text, err := os.ReadFile(w.policyFile())
	if err != nil {
		return policyState{Status: policyWaiting, Words: err.Error()}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, report := range []policyState{w.refusedPolicy, w.takenPolicy} {
		if report.Status != "" && report.Text == string(text) {
			return report
		}
	}
	return policyState{Text: string(text), Status: policyWaiting}
}
