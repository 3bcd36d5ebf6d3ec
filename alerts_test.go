package autoscalebot_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// Each alert has a row in the manual, a case in which it fires and one in which it does
// not; .ci/deploy runs the cases. What else the manual and the cases name is an alert too.
func TestAlertsAreExplainedAndTried(t *testing.T) {
	var tried struct {
		Tests []struct {
			Rules []struct {
				Alert  string `yaml:"alertname"`
				Firing []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "deploy/alerts_test.yaml")), &tried); err != nil {
		t.Fatal(err)
	}
	fires, silent := make(map[string]bool), make(map[string]bool)
	for _, test := range tried.Tests {
		for _, rule := range test.Rules {
			if len(rule.Firing) > 0 {
				fires[rule.Alert] = true
			} else {
				silent[rule.Alert] = true
			}
		}
	}
	manual := read(t, "docs/operate.md")
	alerts := make(map[string]bool)
	for _, m := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(read(t, "deploy/alerts.yaml"), -1) {
		name := m[1]
		alerts[name] = true
		if !fires[name] || !silent[name] {
			t.Errorf("%s: a case in which it fires: %t, in which it does not: %t", name, fires[name], silent[name])
		}
		if !strings.Contains(manual, "\n| "+name+" | ") {
			t.Errorf("docs/operate.md does not say what %s means", name)
		}
	}
	for _, m := range regexp.MustCompile(`\| (Autoscalebot\w+) \|`).FindAllStringSubmatch(manual, -1) {
		if !alerts[m[1]] {
			t.Errorf("docs/operate.md explains %s, which is no alert", m[1])
		}
	}
	for name := range fires {
		if !alerts[name] {
			t.Errorf("deploy/alerts_test.yaml tries %s, which is no alert", name)
		}
	}
}
