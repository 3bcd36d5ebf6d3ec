package app_test

import (
	"encoding/csv"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/app"
	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/store"
)

// table reads an exported table: the header, and each row by the names in it, without
// what is empty.
func table(t *testing.T, text string) (header []string, rows []map[string]string) {
	t.Helper()
	if strings.Count(text, "\n") != strings.Count(text, "\r\n") {
		t.Error("not every line ends as RFC 4180 has it")
	}
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, cells := range all[1:] {
		row := make(map[string]string)
		for i, cell := range cells {
			if cell != "" {
				row[all[0][i]] = cell
			}
		}
		rows = append(rows, row)
	}
	return all[0], rows
}

// Everything that a request's events know has a column of its own.
func TestAuditExportCSV(t *testing.T) {
	onDatabases(t, func(t *testing.T, db *store.Store, env map[string]string) {
		detail, err := json.Marshal(change.EventDetail{
			Command:   "llama production max=7 delay=60 break-glass",
			Settings:  baseten.Settings{baseten.MaxReplica: 7, baseten.ScaleDownDelay: 60, baseten.MaxScaleDownRate: 10},
			Before:    baseten.Settings{baseten.MinReplica: 1, baseten.MaxReplica: 4, baseten.ScaleDownDelay: 0},
			Reason:    "the queue, \"again\"",
			Requester: authz.Person{ID: "U0ANA", Name: "Ana", Membership: authz.Member},
			Target: baseten.Target{
				ModelID: "m1", Model: "llama", Team: "ads", Environment: "production", DeploymentID: "d1", Deployment: "v7", Serves: "production",
			},
			BreakGlass: true, Sends: 2,
			ForSeconds: 7200, Until: auditStart.Add(3 * time.Hour),
			Term:    change.Term{EndsAt: auditStart.Add(2 * time.Hour), OverAt: auditStart.Add(time.Hour), By: "9ABCD", How: change.OriginEndNow},
			Origin:  change.Origin{ID: "3XYZW", Kind: change.OriginExtends},
			Answer:  change.Answer{Status: "ACCEPTED", Message: "Applied."},
			Outcome: change.Outcome{Kind: change.InForce},
			Channel: "ops", Message: change.MessageRef{Channel: "C0OPS", TS: "1700000000.000100"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Record(t.Context(), change.Delivery{},
			change.Event{
				At: auditStart, Kind: change.EventMoved, Request: "7K2M9", From: change.Applying, To: change.Applied,
				Actor: authz.Person{ID: "U0LEA", Name: "Lea"}, Verb: change.VerbApprove,
				Reason: change.Reason{Code: change.PolicyDenied, Text: "some text", Cause: authz.Cause{Code: authz.CauseNoRule}},
				Rule:   "needs a lead", Policy: "f00d", Channel: "C0OPS", ModelID: "m1", Model: "llama", Detail: detail,
			},
			change.Event{At: auditStart.Add(time.Millisecond), Kind: change.EventPolicy, Reason: change.Reason{Code: change.PolicyTaken, Text: "U0ANA,U0LEA"}, Policy: "beef"},
			change.Event{At: auditStart, Kind: change.EventMoved, Request: "7K2M9", To: change.Requested, Detail: []byte(`{"command":"lama production min=2","settings":{"min_replica":2}}`)},
			change.Event{At: auditStart, Kind: change.EventMoved, Request: "7K2M9", To: change.Requested, Detail: []byte(`{"command":7}`)},
		); err != nil {
			t.Fatal(err)
		}
		header, rows := table(t, exportAudit(t, env, app.Audit{Format: "csv"}))
		if d := cmp.Diff([]string{
			"seq", "at", "kind", "request", "from", "to", "actor_id", "actor_name", "verb", "code", "cause", "text", "rule", "policy_sha256",
			"channel_id", "channel_name", "requester_id", "requester_name", "model_id", "model_name", "team",
			"target_kind", "target_name", "deployment_id", "deployment_name",
			"before_min", "after_min", "before_max", "after_max", "before_window", "after_window", "before_delay", "after_delay",
			"before_concurrency", "after_concurrency", "before_utilization", "after_utilization", "before_tokens", "after_tokens",
			"before_down_rate", "after_down_rate",
			"command", "for_seconds", "until", "ends_at", "over_at", "over_by", "origin", "origin_kind", "reason_given", "break_glass", "sends", "baseten_status", "baseten_message", "outcome", "message_ts",
		}, header); d != "" {
			t.Errorf("header (-want +got)\n%s", d)
		}
		if d := cmp.Diff([]map[string]string{
			{
				"seq": "1", "at": "2026-03-01T09:00:00Z", "kind": "moved", "request": "7K2M9", "from": "applying", "to": "applied",
				"actor_id": "U0LEA", "actor_name": "Lea", "verb": "approve", "code": "policy_denied", "cause": "no_rule", "text": "some text",
				"rule": "needs a lead", "policy_sha256": "f00d", "channel_id": "C0OPS", "channel_name": "ops",
				"requester_id": "U0ANA", "requester_name": "Ana", "model_id": "m1", "model_name": "llama", "team": "ads",
				"target_kind": "environment", "target_name": "production", "deployment_id": "d1", "deployment_name": "v7",
				// min is not touched, down-rate was not set.
				"before_max": "4", "after_max": "7", "before_delay": "0", "after_delay": "60", "after_down_rate": "10",
				"for_seconds": "7200", "until": "2026-03-01T12:00:00Z", "ends_at": "2026-03-01T11:00:00Z", "over_at": "2026-03-01T10:00:00Z", "over_by": "9ABCD",
				"origin": "3XYZW", "origin_kind": "extends",
				"command": "llama production max=7 delay=60 break-glass", "reason_given": "the queue, \"again\"", "break_glass": "yes", "sends": "2",
				"baseten_status": "ACCEPTED", "baseten_message": "Applied.", "outcome": "in_force", "message_ts": "1700000000.000100",
			},
			{"seq": "2", "at": "2026-03-01T09:00:00.001Z", "kind": "policy", "code": "policy_taken", "text": "U0ANA,U0LEA", "policy_sha256": "beef"},
			{
				"seq": "3", "at": "2026-03-01T09:00:00Z", "kind": "moved", "request": "7K2M9", "to": "requested",
				"command": "lama production min=2", "after_min": "2", "sends": "0",
			},
			{"seq": "4", "at": "2026-03-01T09:00:00Z", "kind": "moved", "request": "7K2M9", "to": "requested", "sends": "0"},
		}, rows); d != "" {
			t.Errorf("rows (-want +got)\n%s", d)
		}
		if header, rows := table(t, exportAudit(t, env, app.Audit{Format: "csv", Since: "2026-03-02"})); len(header) == 0 || len(rows) > 0 {
			t.Errorf("without events: %d columns, %d rows; want the header alone", len(header), len(rows))
		}
	})
}

// What a spreadsheet would take for a formula is text, wherever somebody could have
// put it. The other format has it as it is.
func TestAuditExportFormulas(t *testing.T) {
	onDatabases(t, func(t *testing.T, db *store.Store, env map[string]string) {
		for _, evil := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＠x"} {
			detail, err := json.Marshal(change.EventDetail{
				Command: evil, Reason: evil, Requester: authz.Person{ID: evil, Name: evil}, Channel: evil,
				Target: baseten.Target{ModelID: evil, Model: evil, Team: evil, DeploymentID: evil, Deployment: evil},
				Answer: change.Answer{Status: evil, Message: evil},
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Record(t.Context(), change.Delivery{}, change.Event{
				Kind: change.EventRefused, Actor: authz.Person{ID: evil, Name: evil}, Reason: change.Reason{Text: evil},
				Rule: evil, Channel: evil, ModelID: evil, Model: evil, Detail: detail,
			}); err != nil {
				t.Fatal(err)
			}
		}
		_, rows := table(t, exportAudit(t, env, app.Audit{Format: "csv"}))
		for _, row := range rows {
			escaped := 0
			for column, cell := range maps.All(row) {
				if strings.ContainsAny(string([]rune(cell)[:1]), "=+-@\t\r\n＝＋－＠") {
					t.Errorf("%s is %q", column, cell)
				}
				if strings.HasPrefix(cell, "'") {
					escaped++
				}
			}
			if escaped != 18 {
				t.Errorf("%d cells with an apostrophe, want 18: %v", escaped, row)
			}
		}
		if got := exportAudit(t, env, app.Audit{Format: "jsonl"}); strings.Contains(got, "'") || !strings.Contains(got, `"text":"=1+1"`) {
			t.Errorf("jsonl is not as it was written:\n%s", got)
		}
	})
}
