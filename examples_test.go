package autoscalebot_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"autoscalebot/internal/app"
	"autoscalebot/internal/authz/policyfile"
)

// The policies that people begin with pass their own tests, have nothing in them that
// has no effect, and each of their rules is what some test is decided by.
func TestExamplePolicies(t *testing.T) {
	files, err := filepath.Glob("examples/policies/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d policies, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var out bytes.Buffer
			if err := app.PolicyTest(&out, file); err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			if err := app.PolicyLint(&out, file); err != nil {
				t.Errorf("%v\n%s", err, &out)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			policy, err := app.CheckPolicy(file, text, true)
			if err != nil {
				t.Fatal(err)
			}
			decides := make(map[string]bool)
			for _, test := range policyfile.RunTests(policy, app.ParsePolicyCommand) {
				decides[test.Got.Rule] = true
			}
			for _, rule := range policy.Rules() {
				if !decides[rule] {
					t.Errorf("no test is decided by rule %q", rule)
				}
			}
		})
	}
}
