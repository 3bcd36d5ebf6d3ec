package change

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The lists by which series of metrics begin at zero hold every constant there is.
func TestListsAreWhole(t *testing.T) {
	check := func(file, from, to, typeName string, listed func(value string) bool, not ...string) {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, part, _ := strings.Cut(string(text), from)
		part, _, _ = strings.Cut(part, to)
		found := regexp.MustCompile(typeName+` = "([a-z_]+)"`).FindAllStringSubmatch(part, -1)
		if len(found) < 4 {
			t.Errorf("%s, %q: %d constants: the test looks in the wrong place", file, from, len(found))
		}
		for _, m := range found {
			if !listed(m[1]) && !slices.Contains(not, m[1]) {
				t.Errorf("%s: %s is not in its list", file, m[1])
			}
		}
	}
	refusal := func(value string) bool { return slices.Contains(Refusals(), Code(value)) }
	check("approve.go", "// What people can do to a request.", "\n)", "Verb", func(value string) bool { return slices.Contains(Verbs(), Verb(value)) })
	check("follow.go", "// Outcomes.", "\n)", "OutcomeKind", func(value string) bool { return slices.Contains(Outcomes(), OutcomeKind(value)) },
		string(Following), string(Watching))
	check("reason.go", "// Denied.", "// Failed,", "Code", refusal)
	check("reason.go", "// Answers to an act", "\n)", "Code", refusal)
}
