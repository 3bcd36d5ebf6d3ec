package app_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// What is asked of Prometheus is what a running bot shows: metrics, labels, and, where
// the bot alone decides them, their values too.
func TestAlertsAndDashboardAskWhatThereIs(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	addr := <-s.listening
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=5")
	s.sees("Ana", "Baseten: ACCEPTED")
	shown := scrape(s, addr)

	asked := expressions(t)
	if len(asked) < 30 {
		t.Fatalf("only %d expressions were found", len(asked))
	}
	var (
		vector  = regexp.MustCompile(`\b((?:autoscalebot|process|go)_\w+)(?:\{([^}]*)\})?`)
		matcher = regexp.MustCompile(`(\w+)\s*(?:=~|!=|!~|=)\s*"([^"]*)"`)
		byList  = regexp.MustCompile(`\b(?:by|without|on|ignoring) \(([^)]*)\)`)
		mention = regexp.MustCompile(`\$labels\.(\w+)|\{\{ ?(\w+) ?\}\}`)
	)
	for _, a := range asked {
		// Prometheus adds these three to whatever it reads.
		known := map[string]bool{"namespace": true, "job": true, "instance": true}
		vectors := vector.FindAllStringSubmatch(a.expr, -1)
		if len(vectors) == 0 {
			t.Errorf("%s asks for nothing of the bot: %s", a.where, a.expr)
		}
		for _, v := range vectors {
			labels, ok := shown[v[1]]
			if !ok {
				t.Errorf("%s: a running bot has no metric %s", a.where, v[1])
			}
			for name := range labels {
				known[name] = true
			}
			for _, m := range matcher.FindAllStringSubmatch(v[2], -1) {
				if !known[m[1]] {
					t.Errorf("%s: %s has no label %s", a.where, v[1], m[1])
				}
				if strings.HasPrefix(m[2], "$") || v[1] == "autoscalebot_slack_calls_total" { // Slack's words are Slack's
					continue
				}
				for value := range strings.SplitSeq(m[2], "|") {
					if !labels[m[1]][value] {
						t.Errorf("%s: %s has no %s %q", a.where, v[1], m[1], value)
					}
				}
			}
		}
		used := mention.FindAllStringSubmatch(a.words, -1)
		for _, list := range byList.FindAllStringSubmatch(a.expr, -1) {
			for name := range strings.SplitSeq(list[1], ",") {
				used = append(used, []string{"", strings.TrimSpace(name), ""})
			}
		}
		for _, u := range used {
			if name := u[1] + u[2]; !known[name] {
				t.Errorf("%s: there is no label %s in %s", a.where, name, a.expr)
			}
		}
	}
}

// asked is one expression, where it stands, and the words that are made of its labels.
type asked struct{ where, expr, words string }

// expressions are those of the alerts and of the dashboard.
func expressions(t *testing.T) (out []asked) {
	t.Helper()
	var alerts struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(deployed(t, "alerts.yaml"), &alerts); err != nil {
		t.Fatal(err)
	}
	for _, group := range alerts.Groups {
		for _, r := range group.Rules {
			out = append(out, asked{r.Alert, r.Expr, strings.Join(slices.Collect(maps.Values(r.Annotations)), " ")})
		}
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(deployed(t, "dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			out = append(out, asked{"panel " + panel.Title, target.Expr, target.LegendFormat})
		}
	}
	return out
}

func deployed(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../deploy/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// scrape returns each metric's labels with their values, as Prometheus reads them. They
// have to be named and described as Prometheus wants it.
func scrape(s *story, addr string) map[string]map[string]map[string]bool {
	s.t.Helper()
	text := s.metrics(addr)
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range problems {
		s.t.Errorf("promtool check metrics would say: %s %s", p.Metric, p.Text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	out := make(map[string]map[string]map[string]bool)
	add := func(series, label, value string) {
		if out[series] == nil {
			out[series] = make(map[string]map[string]bool)
		}
		if label == "" {
			return
		}
		if out[series][label] == nil {
			out[series][label] = make(map[string]bool)
		}
		out[series][label][value] = true
	}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			series := []string{name}
			if m.GetHistogram() != nil {
				series = []string{name + "_bucket", name + "_sum", name + "_count"}
				add(series[0], "le", "+Inf")
			}
			for _, one := range series {
				add(one, "", "")
				for _, label := range m.GetLabel() {
					add(one, label.GetName(), label.GetValue())
				}
			}
		}
	}
	return out
}
