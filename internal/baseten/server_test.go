package baseten

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const testKey = "pre12345.s3cr3ts3cr3ts3cr3t"

// request is what a test server saw.
type request struct {
	method, path, body string
	header             http.Header
}

// server is a real HTTP server that records what it is asked. What it answers is
// the handler's affair.
type server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []request
}

func serve(t *testing.T, handler http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.mu.Lock()
		s.seen = append(s.seen, request{r.Method, r.URL.EscapedPath(), string(body), r.Header.Clone()})
		s.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.seen...)
}

// paths lists what was asked, as "GET /v1/models".
func (s *server) paths() []string {
	var out []string
	for _, r := range s.requests() {
		out = append(out, r.method+" "+r.path)
	}
	return out
}

// step is one answer in a script.
type step func(w http.ResponseWriter, r *http.Request)

func say(status int, body string, headers ...string) step {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// hangUp drops the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cut promises a body of 1000 bytes and drops the connection after a few.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	w.WriteHeader(200)
	io.WriteString(w, `{"status":"ACC`)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// hang answers nothing until the client has gone.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// script serves the steps one after the other and the last for ever.
func script(t *testing.T, steps ...step) *server {
	t.Helper()
	var mu sync.Mutex
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now := steps[0]
		if len(steps) > 1 {
			steps = steps[1:]
		}
		mu.Unlock()
		now(w, r)
	})
}

// waits records what a client slept without sleeping.
type waits struct {
	mu   sync.Mutex
	list []time.Duration
}

func (w *waits) sleep(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, d)
	return ctx.Err()
}

func (w *waits) taken() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]time.Duration(nil), w.list...)
}

// dial returns a client of the server that never really sleeps.
func dial(t *testing.T, s *server, change ...func(*Config)) (*Client, *waits) {
	t.Helper()
	w := &waits{}
	cfg := Config{BaseURL: s.URL, Key: func() string { return testKey }, Sleep: w.sleep, Rand: func() float64 { return 0 }}
	for _, f := range change {
		f(&cfg)
	}
	c := New(cfg)
	t.Cleanup(c.Close)
	return c, w
}

// failure demands an *Error and returns it.
func failure(t *testing.T, err error) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %T %v, want an *Error", err, err)
	}
	return e
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// The wire forms below are complete, so that they hold against the contract.

func modelJSON(id, name, team string) string {
	return fmt.Sprintf(`{"id":%q,"created_at":"2026-08-01T00:00:00Z","name":%q,"deployments_count":2,`+
		`"production_deployment_id":"dprod1","development_deployment_id":null,"instance_type_name":"A10G","team_name":%q,"brand_new":1}`, id, name, team)
}

func modelsJSON(models ...string) string { return `{"models":[` + strings.Join(models, ",") + `]}` }

const settingsJSON = `{"min_replica":1,"max_replica":4,"autoscaling_window":60,"scale_down_delay":null,` +
	`"concurrency_target":8,"target_utilization_percentage":70,"target_in_flight_tokens":null,"max_scale_down_rate":50}`

var settingsRead = Settings{MinReplica: 1, MaxReplica: 4, AutoscalingWindow: 60, ConcurrencyTarget: 8, TargetUtilization: 70, MaxScaleDownRate: 50}

// deploymentJSON makes a deployment; env "" is null, settings "" is settingsJSON.
func deploymentJSON(id, name, env, settings string, flags ...string) string {
	environment := "null"
	if env != "" {
		environment = fmt.Sprintf("%q", env)
	}
	if settings == "" {
		settings = settingsJSON
	}
	has := strings.Join(flags, " ")
	return fmt.Sprintf(`{"id":%q,"created_at":"2026-08-01T00:00:00Z","name":%q,"model_id":"m1","is_production":%t,"is_development":%t,`+
		`"status":"ACTIVE","active_replica_count":2,"autoscaling_settings":%s,"instance_type_name":"A10G","environment":%s,`+
		`"labels":null,"request_backpressure_settings":{"policy":null}}`,
		id, name, strings.Contains(has, "production"), strings.Contains(has, "development"), settings, environment)
}

// environmentJSON makes an environment; more is further fields, each with a
// leading comma.
func environmentJSON(name, current, more string) string {
	if current == "" {
		current = "null"
	}
	return fmt.Sprintf(`{"name":%q,"created_at":"2026-08-01T00:00:00Z","model_id":"m1","current_deployment":%s,`+
		`"autoscaling_settings":%s,"promotion_settings":{},"instance_type":{"id":"A10Gx8x32","name":"A10G","memory_limit_mib":1,`+
		`"millicpu_limit":1,"gpu_count":1,"gpu_type":"A10G","gpu_memory_limit_mib":null},"request_backpressure_settings":{}%s}`,
		name, current, settingsJSON, more)
}

func deploymentsJSON(list ...string) string {
	return `{"deployments":[` + strings.Join(list, ",") + `]}`
}

func environmentsJSON(list ...string) string {
	return `{"environments":[` + strings.Join(list, ",") + `]}`
}
