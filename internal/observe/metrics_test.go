package observe_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/observe"
)

func healthy() error { return nil }

// get asks a real server for a page.
func get(t *testing.T, h http.Handler, method, path string) (int, string) {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// scrape returns our own series as Prometheus reads them, without the buckets.
func scrape(t *testing.T, m *observe.Metrics) map[string]string {
	t.Helper()
	code, body := get(t, observe.Handler(m, healthy, healthy), http.MethodGet, "/metrics")
	if code != http.StatusOK {
		t.Fatalf("GET /metrics: %d %s", code, body)
	}
	series := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(body)); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if ok && strings.HasPrefix(name, "autoscalebot_") && !strings.Contains(name, "_bucket{") {
			series[name] = value
		}
	}
	return series
}

func TestMetrics(t *testing.T) {
	m := observe.NewMetrics()
	if err := m.Build("v1.2.3"); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan int, 4)
	waiting <- 1
	if err := m.Queue("envelopes", func() int { return len(waiting) }); err != nil {
		t.Fatal(err)
	}
	m.Command("set", "recorded")
	m.Command("set", "recorded")
	m.Refused("policy")
	m.RequestEnded("applied")
	m.BreakGlass()
	m.OpenReviews(3)
	m.OverdueEnds(1)
	m.PolicyStale(true)
	m.Acked(500 * time.Millisecond)
	m.Acked(observe.AckDeadline)
	m.Acked(4 * time.Second)
	m.PatchSent(250 * time.Millisecond)
	m.SlackCalled("chat.postMessage", "ok", 125*time.Millisecond)
	m.SlackCalled("chat.postMessage", "channel_not_found", 125*time.Millisecond)
	m.BasetenCalled("patch", "500", 2*time.Second)
	m.PostRetried("chat.update")
	m.SocketOpened()
	m.SocketOpened()
	m.SocketClosed()
	m.EnvelopeDropped()
	m.Unrecorded()
	m.GaveUp()
	m.Panicked()
	m.StoreUp(true)
	m.AuditHead(4213)
	m.Outcome("reached")
	m.Requests("pending", 2, 90*time.Second)
	m.PolicyTaken("0abc", time.UnixMilli(5000))
	m.PolicyTaken("1def", time.UnixMilli(6500))
	m.AckUnsent()
	m.SocketsWanted(2)
	m.StoreFailed()
	m.KeyRefused(true)

	want := map[string]string{
		`autoscalebot_build_info{version="v1.2.3"}`:                                            "1",
		`autoscalebot_queue_depth{queue="envelopes"}`:                                          "1",
		`autoscalebot_commands_total{command="set",outcome="recorded"}`:                        "2",
		`autoscalebot_refusals_total{reason="policy"}`:                                         "1",
		`autoscalebot_requests_ended_total{state="applied"}`:                                   "1",
		`autoscalebot_break_glass_total`:                                                       "1",
		`autoscalebot_open_reviews`:                                                            "3",
		`autoscalebot_overdue_ends`:                                                            "1",
		`autoscalebot_policy_stale`:                                                            "1",
		`autoscalebot_ack_seconds_count`:                                                       "3",
		`autoscalebot_ack_seconds_sum`:                                                         "7.5",
		`autoscalebot_acks_late_total`:                                                         "1",
		`autoscalebot_patch_seconds_count`:                                                     "1",
		`autoscalebot_patch_seconds_sum`:                                                       "0.25",
		`autoscalebot_slack_calls_total{method="chat.postMessage",result="ok"}`:                "1",
		`autoscalebot_slack_calls_total{method="chat.postMessage",result="channel_not_found"}`: "1",
		`autoscalebot_slack_call_seconds_count{method="chat.postMessage"}`:                     "2",
		`autoscalebot_slack_call_seconds_sum{method="chat.postMessage"}`:                       "0.25",
		`autoscalebot_baseten_calls_total{op="patch",result="500"}`:                            "1",
		`autoscalebot_baseten_call_seconds_count{op="patch"}`:                                  "1",
		`autoscalebot_baseten_call_seconds_sum{op="patch"}`:                                    "2",
		`autoscalebot_post_retries_total{method="chat.update"}`:                                "1",
		`autoscalebot_sockets_connected`:                                                       "1",
		`autoscalebot_socket_opens_total`:                                                      "2",
		`autoscalebot_envelopes_dropped_total`:                                                 "1",
		`autoscalebot_commands_unrecorded_total`:                                               "1",
		`autoscalebot_messages_given_up_total`:                                                 "1",
		`autoscalebot_request_panics_total`:                                                    "1",
		`autoscalebot_store_up`:                                                                "1",
		`autoscalebot_audit_head_seq`:                                                          "4213",
		`autoscalebot_outcomes_total{outcome="reached"}`:                                       "1",
		`autoscalebot_requests{state="pending"}`:                                               "2",
		`autoscalebot_oldest_request_seconds{state="pending"}`:                                 "90",
		`autoscalebot_policy_info{sha256="1def"}`:                                              "1",
		`autoscalebot_policy_loaded_timestamp_seconds`:                                         "6.5",
		`autoscalebot_acks_unsent_total`:                                                       "1",
		`autoscalebot_sockets_wanted`:                                                          "2",
		`autoscalebot_store_errors_total`:                                                      "1",
		`autoscalebot_baseten_key_refused`:                                                     "1",
	}
	if diff := cmp.Diff(want, scrape(t, m)); diff != "" {
		t.Errorf("scrape (-want +got):\n%s", diff)
	}

	m.PolicyStale(false)
	m.KeyRefused(false)
	m.StoreUp(false)
	m.OpenReviews(0)
	m.OverdueEnds(0)
	<-waiting
	got := scrape(t, m)
	for _, name := range []string{"autoscalebot_policy_stale", "autoscalebot_open_reviews", "autoscalebot_overdue_ends", "autoscalebot_store_up", "autoscalebot_baseten_key_refused", `autoscalebot_queue_depth{queue="envelopes"}`} {
		if got[name] != "0" {
			t.Errorf("%s is %s, want 0", name, got[name])
		}
	}
}

// What is expected stands at zero before its first event, or nobody sees the first rise.
func TestMetricsBeginAtZero(t *testing.T) {
	m := observe.NewMetrics()
	m.Expect(observe.Series{
		Commands: []string{"change"}, CommandOutcomes: []string{"recorded", "refused"}, Refusals: []string{"policy_denied"},
		EndStates: []string{"failed"}, OtherStates: []string{"pending"}, Outcomes: []string{"reached"},
		SlackMethods: []string{"chat.update"}, SlackResults: []string{"ok"}, BasetenOps: []string{"model"}, BasetenResults: []string{"auth"},
	})
	got := scrape(t, m)
	for _, name := range []string{
		`commands_total{command="change",outcome="recorded"}`, `commands_total{command="change",outcome="refused"}`,
		`refusals_total{reason="policy_denied"}`, `requests_ended_total{state="failed"}`, `requests{state="pending"}`,
		`oldest_request_seconds{state="pending"}`, `outcomes_total{outcome="reached"}`,
		`slack_calls_total{method="chat.update",result="ok"}`, `slack_call_seconds_count{method="chat.update"}`,
		`baseten_calls_total{op="model",result="auth"}`, `baseten_call_seconds_count{op="model"}`,
	} {
		if got["autoscalebot_"+name] != "0" {
			t.Errorf("%s is %q, want 0", name, got["autoscalebot_"+name])
		}
	}
}

func TestMetricsTakeANameOnce(t *testing.T) {
	m := observe.NewMetrics()
	none := func() int { return 0 }
	if err := m.Queue("posts", none); err != nil {
		t.Fatal(err)
	}
	if err := m.Queue("posts", none); err == nil {
		t.Error("a second queue took the same name")
	}
	if err := m.Build("v1"); err != nil {
		t.Fatal(err)
	}
	if err := m.Build("v1"); err == nil {
		t.Error("the version was told twice")
	}
}

// Two bots in one process, as in tests, must not meet in a registry.
func TestMetricsAreApart(t *testing.T) {
	a, b := observe.NewMetrics(), observe.NewMetrics()
	a.BreakGlass()
	if got := scrape(t, b)["autoscalebot_break_glass_total"]; got != "0" {
		t.Errorf("the other bot counts %s", got)
	}
}

func TestMetricsOfTheRuntime(t *testing.T) {
	_, body := get(t, observe.Handler(observe.NewMetrics(), healthy, healthy), http.MethodGet, "/metrics")
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes"} {
		if !strings.Contains(body, "\n"+name+" ") {
			t.Errorf("no %s in the scrape", name)
		}
	}
}

func TestHandler(t *testing.T) {
	deaf := func() error { return errors.New("No socket to Slack is open.") } //nolint:revive // shown to people as it is
	for _, test := range []struct {
		name, method, path string
		live, ready        func() error
		code               int
		body               string
	}{
		{"live", "GET", "/healthz", healthy, deaf, 200, "ok\n"},
		{"not live", "GET", "/healthz", deaf, healthy, 503, "No socket to Slack is open.\n"},
		{"ready", "GET", "/readyz", deaf, healthy, 200, "ok\n"},
		{"not ready", "GET", "/readyz", healthy, deaf, 503, "No socket to Slack is open.\n"},
		{"head", "HEAD", "/readyz", healthy, healthy, 200, ""},
		{"post", "POST", "/healthz", healthy, healthy, 405, "Method Not Allowed\n"},
		{"elsewhere", "GET", "/", healthy, healthy, 404, "404 page not found\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, body := get(t, observe.Handler(observe.NewMetrics(), test.live, test.ready), test.method, test.path)
			if code != test.code || body != test.body {
				t.Errorf("%s %s: %d %q, want %d %q", test.method, test.path, code, body, test.code, test.body)
			}
		})
	}
}
