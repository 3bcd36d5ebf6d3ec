package basetensim_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"autoscalebot/internal/sandbox/basetensim"
)

// client speaks to the server as a program of another house would.
type client struct {
	t    *testing.T
	http *http.Client
	base string
	key  string
}

// demo starts the demonstration world on a loopback port.
func demo(t *testing.T, opts basetensim.Options) (*basetensim.Server, client) {
	t.Helper()
	s := basetensim.New(opts)
	s.Demo()
	url := s.Start()
	t.Cleanup(s.Close)
	return s, client{t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, url, s.APIKey()}
}

// bubbled is demo without a network, for tests inside a synctest bubble.
func bubbled(t *testing.T, opts basetensim.Options) (*basetensim.Server, client) {
	t.Helper()
	s := basetensim.New(opts)
	s.Demo()
	t.Cleanup(s.Close)
	return s, client{t, &http.Client{Transport: s.Transport()}, "http://baseten.test", s.APIKey()}
}

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(r.body), &out); err != nil {
		t.Fatalf("answer %d is not a JSON object: %v\n%s", r.status, err, r.body)
	}
	return out
}

func (c client) request(method, path, body string) *http.Request {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Api-Key "+c.key)
	req.Header.Set("User-Agent", "basetensim-test/1")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

func (c client) send(req *http.Request) (reply, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(body)}, err
}

func (c client) do(method, path, body string) reply {
	c.t.Helper()
	r, err := c.send(c.request(method, path, body))
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (c client) get(path string) map[string]any {
	c.t.Helper()
	r := c.do("GET", path, "")
	if r.status != http.StatusOK {
		c.t.Fatalf("GET %s: status %d: %s", path, r.status, r.body)
	}
	return r.json(c.t)
}

// patch sends a PATCH that must be taken, and returns the status word.
func (c client) patch(path, body string) string {
	c.t.Helper()
	r := c.do("PATCH", path, body)
	if r.status != http.StatusOK {
		c.t.Fatalf("PATCH %s: status %d: %s", path, r.status, r.body)
	}
	word, _ := r.json(c.t)["status"].(string)
	return word
}

// pass lets time pass in a synctest bubble, and what falls due in it happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// waitFor waits until the state is as wanted.
func waitFor(t *testing.T, s *basetensim.Server, what string, ok func(*basetensim.Snapshot) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Wait(ctx, ok); err != nil {
		t.Fatalf("wait until %s: %v", what, err)
	}
}

const (
	llama          = "/v1/models/" + basetensim.DemoLlama
	llamaEnv       = llama + "/environments/production"
	llamaServing   = llama + "/deployments/" + basetensim.DemoLlamaProduction
	llamaPatch     = llamaServing + "/autoscaling_settings"
	canaryPatch    = llama + "/deployments/" + basetensim.DemoLlamaCanary + "/autoscaling_settings"
	developedPatch = llama + "/deployments/" + basetensim.DemoLlamaDevelopment + "/autoscaling_settings"
)

// envMax and servingMax read max_replica of the llama's production environment
// and of the deployment that serves it, through the API.
func (c client) envMax() float64 {
	c.t.Helper()
	return c.get(llamaEnv)["autoscaling_settings"].(map[string]any)["max_replica"].(float64)
}

func (c client) servingMax() float64 {
	c.t.Helper()
	return c.get(llamaServing)["autoscaling_settings"].(map[string]any)["max_replica"].(float64)
}
