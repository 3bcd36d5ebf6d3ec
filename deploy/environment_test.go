package deploy_test

import (
	"regexp"
	"slices"
	"testing"
)

// Whatever sets a variable sets one that somebody reads: the bot, or Go's own packages
// for proxies and authorities.
func TestVariablesExist(t *testing.T) {
	known := []string{"HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"}
	for _, m := range regexp.MustCompile(`env:"([A-Z_]+)"`).FindAllStringSubmatch(read(t, "../internal/app/config.go"), -1) {
		known = append(known, m[1])
	}

	set := make(map[string][]string)
	for _, mode := range []string{"sqlite", "postgres"} {
		for _, v := range render(t, values(t, mode, nil)).container(t).Env {
			set["helm, "+mode] = append(set["helm, "+mode], v.Name)
		}
	}
	project, err := compose(t, map[string]string{"POSTGRES_PASSWORD": "0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	for name := range project.Services["bot"].Environment {
		set["compose.yaml"] = append(set["compose.yaml"], name)
	}
	for _, m := range regexp.MustCompile(`(?m)^Environment=(\w+)=`).FindAllStringSubmatch(read(t, "autoscalebot.service"), -1) {
		set["autoscalebot.service"] = append(set["autoscalebot.service"], m[1])
	}
	for where, names := range set {
		if len(names) < 2 {
			t.Errorf("%s sets %v only", where, names)
		}
		for _, name := range names {
			if !slices.Contains(known, name) {
				t.Errorf("%s sets %s, which nobody reads", where, name)
			}
		}
	}
	// What the chart sets itself, the schema does not take a second time.
	for _, name := range slices.Concat(set["helm, sqlite"], set["helm, postgres"]) {
		if slices.Contains([]string{"HTTPS_PROXY"}, name) {
			continue // helm/ci/postgres.yaml gives it as the operator would
		}
		given := values(t, "sqlite", map[string]any{"env": []any{map[string]any{"name": name, "value": "x"}}})
		if _, err := template(given); err == nil {
			t.Errorf("env takes %s a second time", name)
		}
	}
}
