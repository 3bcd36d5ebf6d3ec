package sandbox

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// get asks the page's handler for a path under a Host.
func get(h http.Handler, host, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = host
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPageAnswersLoopbackOnly(t *testing.T) {
	h := Handler(newWorld(t, WorldOptions{}))
	for host, want := range map[string]int{
		"127.0.0.1:8200":         http.StatusOK,
		"localhost:8200":         http.StatusOK,
		"[::1]:8200":             http.StatusOK,
		"127.0.0.1":              http.StatusOK,
		"evil.example":           http.StatusForbidden,
		"localhost.evil.example": http.StatusForbidden,
		"10.0.0.7:8200":          http.StatusForbidden,
		"":                       http.StatusForbidden,
	} {
		if got := get(h, host, "/state").Code; got != want {
			t.Errorf("Host %q: status %d, want %d", host, got, want)
		}
	}
}

func TestPageRefusesOtherSites(t *testing.T) {
	w := newWorld(t, WorldOptions{})
	h := Handler(w)
	for _, c := range []struct {
		name   string
		header map[string]string
		want   int
	}{
		{"the page itself", map[string]string{"Sec-Fetch-Site": "same-origin"}, http.StatusNoContent},
		{"the page in an old browser", map[string]string{"Origin": "http://127.0.0.1:8200"}, http.StatusNoContent},
		{"another site", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, http.StatusForbidden},
		{"another port", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:9999"}, http.StatusForbidden},
		{"another site in an old browser", map[string]string{"Origin": "https://evil.example"}, http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(w.Slack.Messages(channelRandom))
			r := httptest.NewRequest(http.MethodPost, "/do", strings.NewReader(`{"as":"U0ANA","action":"say","channel":"C0RANDOM","text":"hello"}`))
			r.Host = "127.0.0.1:8200"
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			got := httptest.NewRecorder()
			h.ServeHTTP(got, r)
			if got.Code != c.want {
				t.Errorf("status %d, want %d: %s", got.Code, c.want, got.Body)
			}
			if said := len(w.Slack.Messages(channelRandom)) > before; said != (c.want == http.StatusNoContent) {
				t.Errorf("message posted: %v", said)
			}
		})
	}
}

func TestPageFiles(t *testing.T) {
	h := Handler(newWorld(t, WorldOptions{}))
	for path, kind := range map[string]string{
		"/": "text/html", "/static/app.js": "text/javascript", "/static/style.css": "text/css",
		"/favicon.ico": "image/svg+xml", "/static/favicon.svg": "image/svg+xml",
	} {
		got := get(h, "localhost", path)
		if got.Code != http.StatusOK || !strings.HasPrefix(got.Header().Get("Content-Type"), kind) {
			t.Errorf("%s: status %d, type %q, want %s", path, got.Code, got.Header().Get("Content-Type"), kind)
		}
		policy := got.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: content policy %q", path, policy)
		}
	}
	if got := get(h, "localhost", "/nothing").Code; got != http.StatusNotFound {
		t.Errorf("unknown path: status %d", got)
	}
}

func readState(t *testing.T, h http.Handler, as string) state {
	t.Helper()
	var s state
	if err := json.Unmarshal(get(h, "localhost", "/state?as="+as).Body.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStateIsWhatThePersonSees(t *testing.T) {
	w := newWorld(t, WorldOptions{})
	h := Handler(w)
	w.As("Lea").Say("#secret", "", "between us")
	w.As("Ana").Slash("#ml-oncall", "/autoscale help") // no bot: Slackbot tells Ana so

	channels := func(s state) (names []string) {
		for _, c := range s.Channels {
			names = append(names, c.ID)
		}
		return names
	}
	for as, want := range map[string]string{
		"U0ANA":    "C0MLONCALL C0LLMPROD C0RANDOM C0SECRET C0PARTNER D0ANA",
		"U0BEN":    "C0MLONCALL C0LLMPROD C0RANDOM D0BEN",
		"U0EVE":    "C0PARTNER",
		"U0NOBODY": "C0MLONCALL C0LLMPROD C0RANDOM C0SECRET C0PARTNER D0ANA", // the first person's
	} {
		s := readState(t, h, as)
		if got := strings.Join(channels(s), " "); got != want {
			t.Errorf("%s sees %s, want %s", as, got, want)
		}
	}
	if got := readState(t, h, "U0ANA").Messages[channelMLOnCall]; len(got) != 1 || !strings.Contains(got[0].Text, "dispatch_failed") {
		t.Errorf("Ana sees %v, want Slackbot's word", got)
	}
	if got := readState(t, h, "U0BEN").Messages[channelMLOnCall]; len(got) != 0 {
		t.Errorf("Ben sees %v, want nothing", got)
	}
}

// do sends a deed and returns the problem, if any.
func do(t *testing.T, h http.Handler, body string) (status int, problem string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/do", strings.NewReader(body))
	r.Host = "localhost"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var answer struct{ Problem string }
	if w.Code != http.StatusNoContent {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("answer %q: %v", w.Body, err)
		}
	}
	return w.Code, answer.Problem
}

func TestDo(t *testing.T) {
	w := newWorld(t, WorldOptions{})
	h := Handler(w)
	root := w.As("Ana").Say("#ml-oncall", "", "hello")
	for _, c := range []struct {
		name, body, problem string
		status              int
	}{
		{"say", `{"as":"U0ANA","action":"say","channel":"C0RANDOM","text":"hi"}`, "", 204},
		{"say where one is not", `{"as":"U0EVE","action":"say","channel":"C0RANDOM","text":"hi"}`, "does not let", 200},
		{"slash", `{"as":"U0ANA","action":"slash","channel":"C0MLONCALL","text":"/autoscale help"}`, "", 204},
		{"slash in a thread", `{"as":"U0ANA","action":"slash","channel":"C0MLONCALL","thread":"` + root + `","text":"/autoscale help"}`, "Type @autoscale help instead", 200},
		{"slash of another company", `{"as":"U0EVE","action":"slash","channel":"C0PARTNER","text":"/autoscale help"}`, "organisation", 200},
		{"unknown command", `{"as":"U0ANA","action":"slash","channel":"C0MLONCALL","text":"/remind me"}`, "/remind is not a command here", 200},
		{"invite from outside", `{"as":"U0EVE","action":"slash","channel":"C0RANDOM","text":"/invite @autoscale"}`, "Only people in the channel", 200},
		{"invite", `{"as":"U0BEN","action":"slash","channel":"C0RANDOM","text":"/invite @autoscale"}`, "", 204},
		{"click on nothing", `{"as":"U0ANA","action":"click","channel":"C0MLONCALL","ts":"` + root + `","action_id":"approve"}`, "no button", 200},
		{"switch", `{"as":"U0ANA","action":"switch","side":"baseten","name":"server-error","on":true}`, "", 204},
		{"unknown switch", `{"as":"U0ANA","action":"switch","side":"baseten","name":"flood","on":true}`, "no switch flood", 200},
		{"a bot of somebody else", `{"as":"U0ANA","action":"bot","on":true}`, "not run by the sandbox", 200},
		{"unknown action", `{"as":"U0ANA","action":"dance"}`, "no action", 200},
		{"unknown field", `{"as":"U0ANA","action":"say","volume":11}`, "Reload", 400},
		{"not JSON", `as=U0ANA`, "Reload", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, problem := do(t, h, c.body)
			if status != c.status || !strings.Contains(problem, c.problem) || (c.problem == "") != (problem == "") {
				t.Errorf("answer %d %q, want %d %q", status, problem, c.status, c.problem)
			}
		})
	}
	if !w.in(channelRandom, w.Slack.BotUserID()) {
		t.Error("the bot is not in #random after the invitation")
	}
}

func TestEventsTellOfChanges(t *testing.T) {
	w := newWorld(t, WorldOptions{})
	server := httptest.NewServer(Handler(w))
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(soon(t), http.MethodGet, server.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := patient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("type %q", got)
	}
	lines := bufio.NewReader(resp.Body)
	changed := func(after string) {
		t.Helper()
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("no event after %s: %v", after, err)
			}
			if line == "event: changed\n" {
				return
			}
		}
	}
	changed("connecting")
	w.As("Ana").Say("#random", "", "hello")
	changed("a message")
	if err := w.Baseten.SetSwitch("server-error", true); err != nil {
		t.Fatal(err)
	}
	changed("a switch")
}
