package baseten

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The audit log tells who gave a target the values that stand there: the newest entry
// about it that sets just these. What cannot be read of it is left out.
func TestChangedBy(t *testing.T) {
	since := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	production := Target{ModelID: "m1", Environment: "production", DeploymentID: "d1", Serves: "production"}
	idle := Target{ModelID: "m1", DeploymentID: "d2"}
	entry := func(data, actor, more string) string {
		return fmt.Sprintf(`{"id":"a","created":"2026-03-01T09:05:00Z","event_data":%s,"actor":%s%s}`, data, actor, more)
	}
	const (
		env7  = `{"environment_name":"production","min_replica":1,"max_replica":7}`
		env4  = `{"environment_name":"production","min_replica":1,"max_replica":4}`
		dep4  = `{"deployment_id":"d1","min_replica":1,"max_replica":"4"}`
		other = `{"environment_name":"staging","min_replica":1,"max_replica":4}`
		grace = `{"type":"USER","email":"grace@example.com"}`
		terra = `{"type":"API_KEY","api_key_prefix":"tf8K","api_key_name":"terraform"}`
		ours  = `{"type":"API_KEY","api_key_prefix":"prefix"}`
	)
	for _, tt := range []struct {
		name   string
		target Target
		items  []string
		want   Changer
		found  bool
	}{
		{"a person", production, []string{entry(env4, grace, `,"source":"UI"`)}, Changer{Name: "grace@example.com", Source: "UI"}, true},
		{"a key", production, []string{entry(env4, terra, `,"source":"API","client_name":"tf"`)}, Changer{Name: "terraform", Key: true, Source: "API", Client: "tf"}, true},
		{"the deployment that serves", production, []string{entry(dep4, grace, "")}, Changer{Name: "grace@example.com"}, true},
		{"our own key", production, []string{entry(env4, ours, "")}, Changer{Name: "prefix", Key: true, Own: true}, true},
		{"the newest that sets it", production, []string{entry(env7, terra, ""), entry(env4, grace, "")}, Changer{Name: "grace@example.com"}, true},
		{"Baseten itself", production, []string{entry(env4, `{"type":"BASETEN_SYSTEM"}`, `,"source":"SYSTEM"`)}, Changer{Source: "SYSTEM"}, true},
		{"another environment", production, []string{entry(other, grace, "")}, Changer{}, false},
		{"another deployment", idle, []string{entry(dep4, grace, ""), entry(env4, grace, "")}, Changer{}, false},
		{"odd entries", production, []string{`7`, `{"event_data":[]}`, `{"actor":{"type":3}}`, entry(env4, grace, `,"source":{"x":1}`)}, Changer{Name: "grace@example.com"}, true},
		{"nothing", production, nil, Changer{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				if r.URL.Path != "/v1/models/m1/audit_logs" || q.Get("start_epoch_millis") != fmt.Sprint(since.Add(-time.Minute).UnixMilli()) ||
					strings.Join(q["event_type_groups"], ",") != "AUTOSCALING_SETTINGS,ENVIRONMENT_SETTINGS" {
					t.Errorf("asked for %s", r.URL)
				}
				fmt.Fprintf(w, `{"items":[%s],"pagination":{"has_more":false}}`, strings.Join(tt.items, ","))
			})
			client, _ := dial(t, s, func(c *Config) { c.Key = func() string { return "prefix.secret" } })
			got, found, err := client.ChangedBy(t.Context(), tt.target, Settings{MaxReplica: 4}, since)
			if err != nil || found != tt.found || got != tt.want {
				t.Errorf("%+v, %t, %v, want %+v, %t", got, found, err, tt.want, tt.found)
			}
		})
	}
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusServiceUnavailable} {
		calls := 0
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { calls++; w.WriteHeader(status) })
		client, _ := dial(t, s)
		if _, found, err := client.ChangedBy(t.Context(), production, Settings{MaxReplica: 4}, since); err == nil || found || calls != 1 {
			t.Errorf("HTTP %d: found %t, %v, after %d calls, want an error after one", status, found, err, calls)
		}
	}
}
