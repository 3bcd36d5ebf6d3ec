package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/sandbox/basetensim"
)

// The incident that docs/operate.md reads line by line, with the columns that its jq
// command picks. Times and the request's ID differ from run to run.
func TestIncidentOfTheManual(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), map[string]string{"LOG_LEVEL": "info"})
	s.Baseten.Inject(basetensim.Fault{Method: http.MethodPatch, Kind: basetensim.ServerError, Times: 1})
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=12")
	s.sees("Lea", "Waits for one of @lea, @leo")
	s.click("Lea", "Approve Change")
	s.sees("Ana", "In force after")
	if err := s.Baseten.ChangeEnvironmentAs(basetensim.Terraform, basetensim.DemoLlama, "production", basetensim.Changes{"max_replica": 4}); err != nil {
		t.Fatal(err)
	}
	s.sees("Ana", "Max replicas is 4")

	text, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(text), "## An incident in the log")
	_, block, _ := strings.Cut(chapter, "```\n")
	block, _, _ = strings.Cut(block, "```")
	want := regexp.MustCompile(`(?m)^\S+  `).ReplaceAllString(block, "")

	var got strings.Builder
	for line := range strings.Lines(s.log.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if entry["request"] == nil {
			continue
		}
		columns := []string{"to", "code", "actor", "settings", "sends", "status", "error"}
		if entry["to"] == nil {
			columns[0] = "msg"
		}
		var parts []string
		for _, name := range columns {
			if value := entry[name]; value != nil && value != "" {
				parts = append(parts, fmt.Sprint(value))
			}
		}
		got.WriteString(strings.Join(parts, "  ") + "\n")
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("the log (-docs/operate.md +the bot's):\n%s", diff)
	}
}
