package baseten

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestErrorBodies(t *testing.T) {
	long := strings.Repeat("long ", 200)
	for _, c := range []struct{ name, body, code, message string }{
		{"code and message", `{"code":"VALIDATION_ERROR","message":"min_replica is too high"}`, "VALIDATION_ERROR", "min_replica is too high"},
		{"error", `{"error":"not found"}`, "", "not found"},
		{"error object", `{"error":{"code":17,"message":"no such model"}}`, "17", "no such model"},
		{"message", `{"message":"Ask support to raise the limit of 10."}`, "", "Ask support to raise the limit of 10."},
		{"message list", `{"message":["one","two"]}`, "", "one; two"},
		{"message before error", `{"error":"e","message":"m"}`, "", "m"},
		{"empty message, then error", `{"message":"","error":"e"}`, "", "e"},
		{"detail", `{"detail":"Invalid key"}`, "", "Invalid key"},
		{"pydantic", `{"detail":[{"type":"extra_forbidden","loc":["body","max_replicas"],"msg":"Extra inputs are not permitted","input":7},{"loc":["body","a",0],"msg":"Bad"}]}`, "",
			"max_replicas: Extra inputs are not permitted; a.0: Bad"},
		{"bare list", `[{"loc":["body"],"msg":"Field required"}]`, "", "Field required"},
		{"code alone", `{"code":"QUOTA"}`, "QUOTA", ""},
		{"unknown object", `{"reason":"because"}`, "", `{"reason":"because"}`},
		{"JSON string", `"just text"`, "", "just text"},
		{"plain text", "upstream connect error\n\tor disconnect", "", "upstream connect error or disconnect"},
		{"control characters", "a\x00b\u202ec", "", "a b c"},
		{"long", long, "", strings.Repeat("long ", 59) + "long…"},
		{"empty", "", "", ""},
		{"empty object", "{}", "", ""},
		{"null", "null", "", ""},
		{"number", "7", "", ""},
		{"bytes", "\xff\xfe\x01", "", ""},
		{"HTML", "<html><head><title>502</title></head></html>", "", ""},
		{"HTML with a doctype", "\n <!DOCTYPE html><p>no", "", ""},
		{"HTML after text", "Bad gateway <HTML>…", "", ""},
		{"HTML in JSON", `{"message":"<html><body>502</body></html>"}`, "", `{"message":"<html><body>502</body></html>"}`},
		{"XML", "<?xml version=\"1.0\"?><Error/>", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "HTML in JSON" {
				c.message = "" // not even as the object's text
			}
			s := script(t, say(400, c.body))
			client, _ := dial(t, s)
			_, err := client.Model(t.Context(), "m1")
			e := failure(t, err)
			if e.Code != c.code || e.Message != c.message {
				t.Errorf("code %q message %q, want %q %q", e.Code, e.Message, c.code, c.message)
			}
			if strings.Contains(err.Error(), "<html") {
				t.Errorf("a page in %q", err)
			}
		})
	}
}

func TestErrorKinds(t *testing.T) {
	for status, want := range map[int]struct {
		kind    Kind
		unknown bool
	}{
		300: {KindRejected, false}, 307: {KindRejected, false},
		400: {KindRejected, false}, 401: {KindAuth, false}, 403: {KindAuth, false}, 404: {KindNotFound, false},
		408: {KindUnreachable, true}, 409: {KindRejected, false}, 422: {KindRejected, false}, 429: {KindLimited, false},
		500: {KindServer, true}, 502: {KindServer, true}, 503: {KindServer, true}, 504: {KindServer, true},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			s := script(t, say(status, `{"error":"no"}`))
			client, _ := dial(t, s)
			_, err := client.UpdateDeployment(t.Context(), "m1", "d1", Settings{MaxReplica: 7})
			e := failure(t, err)
			if e.Kind != want.kind || e.HTTPStatus != status || e.Message != "no" || e.Op != "update_deployment" {
				t.Errorf("got %+v, want kind %v", e, want.kind)
			}
			if e.OutcomeUnknown() != want.unknown {
				t.Errorf("OutcomeUnknown %v, want %v", e.OutcomeUnknown(), want.unknown)
			}
			_, err = client.Model(t.Context(), "m1")
			if failure(t, err).OutcomeUnknown() {
				t.Error("a read left an outcome unknown")
			}
		})
	}
}

func TestUpdateWithoutAnswer(t *testing.T) {
	update := func(c *Client) (Answer, error) {
		return c.UpdateEnvironment(t.Context(), "m1", "production", Settings{MaxReplica: 7})
	}
	t.Run("timed out", func(t *testing.T) {
		s := script(t, hang)
		c, _ := dial(t, s, func(c *Config) { c.UpdateTimeout = 30 * time.Millisecond })
		_, err := update(c)
		e := failure(t, err)
		if e.Kind != KindUnreachable || !e.OutcomeUnknown() || !errors.Is(err, context.DeadlineExceeded) || !Down(err) {
			t.Errorf("got %+v", e)
		}
		if n := len(s.requests()); n != 1 {
			t.Errorf("sent %d times", n)
		}
	})
	t.Run("reset after sending", func(t *testing.T) {
		s := script(t, hangUp)
		c, _ := dial(t, s)
		_, err := update(c)
		if e := failure(t, err); e.Kind != KindUnreachable || !e.OutcomeUnknown() {
			t.Errorf("got %+v", e)
		}
		if n := len(s.requests()); n != 1 {
			t.Errorf("sent %d times", n)
		}
	})
	t.Run("refused dial", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := listener.Addr().String()
		listener.Close()
		c := New(Config{BaseURL: "http://" + address, Key: func() string { return testKey }})
		_, err = update(c)
		if e := failure(t, err); e.Kind != KindUnreachable || e.OutcomeUnknown() {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("a transport that tells nothing counts as sent", func(t *testing.T) {
		c := New(Config{Key: func() string { return testKey }, HTTPClient: &http.Client{Transport: silent{}}})
		_, err := update(c)
		if e := failure(t, err); !e.OutcomeUnknown() {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("the caller had gone before", func(t *testing.T) {
		s := script(t, say(200, "{}"))
		c, _ := dial(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := c.UpdateDeployment(ctx, "m1", "d1", Settings{MaxReplica: 7})
		if e := failure(t, err); e.OutcomeUnknown() || !errors.Is(err, context.Canceled) || Down(err) {
			t.Errorf("got %+v", e)
		}
		if n := len(s.requests()); n != 0 {
			t.Errorf("sent %d times", n)
		}
	})
}

type silent struct{}

func (silent) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("lost") }

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name string
		step step
		want Answer
	}{
		{"both words", say(200, `{"status":"UNCHANGED","message":"Same."}`), Answer{"UNCHANGED", "Same.", 200}},
		{"unknown word", say(202, `{"status":"PONDERING","message":"<b>hm</b>\n"}`), Answer{"PONDERING", "<b>hm</b>\n", 202}},
		{"message alone", say(200, `{"message":"Done."}`), Answer{"", "Done.", 200}},
		{"neither", say(200, `{"environment":{}}`), Answer{HTTPStatus: 200}},
		{"nulls", say(200, `{"status":null,"message":null}`), Answer{HTTPStatus: 200}},
		{"other types", say(200, `{"status":3,"message":"m"}`), Answer{"", "m", 200}},
		{"not JSON", say(200, "OK"), Answer{HTTPStatus: 200}},
		{"HTML", say(200, "<html></html>"), Answer{HTTPStatus: 200}},
		{"list", say(200, "[]"), Answer{HTTPStatus: 200}},
		{"no content", say(204, ""), Answer{HTTPStatus: 204}},
		{"cut after the status line", cut, Answer{HTTPStatus: 200}},
		{"endless", say(200, `{"status":"ACCEPTED","message":"`+strings.Repeat("x", answerLimit)+`"}`), Answer{HTTPStatus: 200}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := script(t, c.step)
			client, _ := dial(t, s)
			got, err := client.UpdateDeployment(t.Context(), "m1", "d1", Settings{MaxReplica: 7})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if n := len(s.requests()); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestNoErrorHoldsTheKey(t *testing.T) {
	_, secret, _ := strings.Cut(testKey, ".")
	escaped := `pre12345.\u0073` + secret[1:] // JSON for the same key
	bodies := []string{
		`{"error":"bad key ` + testKey + `"}`, `{"message":"secret ` + secret + ` unknown"}`, `{"code":"` + testKey + `"}`,
		`{"detail":[{"loc":["` + testKey + `"],"msg":"x"}]}`, `{"what":"` + testKey + `"}`, "Authorization: Api-Key " + testKey,
		`{"error":"` + escaped + `"}`, `{"error":"` + strings.Repeat("x", longestMessage-20) + testKey + `"}`, "<p>" + testKey,
	}
	var errs []error
	for _, status := range []int{302, 400, 401, 403, 404, 409, 429, 500, 502} {
		for _, body := range bodies {
			s := script(t, say(status, body, "Location", "http://127.0.0.1:1/?key="+testKey, "WWW-Authenticate", testKey))
			c, _ := dial(t, s)
			_, err := c.Models(t.Context())
			errs = append(errs, err)
			_, err = c.UpdateEnvironment(t.Context(), "m1", "production", Settings{MaxReplica: 7})
			errs = append(errs, err)
			s.Close()
		}
	}
	for _, step := range []step{say(200, testKey), say(200, `{"models":[{"id":5,"name":{"`+testKey+`":1}}]}`), say(200, `{"models":"`+testKey+`"}`), cut, hangUp} {
		c, _ := dial(t, script(t, step))
		_, err := c.Models(t.Context())
		errs = append(errs, err)
	}
	leaky := New(Config{Key: func() string { return testKey }, HTTPClient: &http.Client{Transport: leaking{}}})
	_, err := leaky.UpdateDeployment(t.Context(), "m1", "d1", Settings{MaxReplica: 7})
	errs = append(errs, err)
	broken := New(Config{Key: func() string { return testKey + "\n" + testKey }})
	_, err = broken.Models(t.Context())
	errs = append(errs, err)

	for _, err := range errs {
		e := failure(t, err)
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", e, *e), e.Message, e.Code} {
			if strings.Contains(text, secret) || strings.Contains(text, secret[:8]) {
				t.Errorf("the key is in %q", text)
			}
		}
	}
}

// leaking is a transport whose error repeats the header.
type leaking struct{}

func (leaking) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, errors.New("cannot write " + r.Header.Get("Authorization"))
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			elsewhere := script(t, say(200, modelsJSON()))
			s := script(t, say(status, "", "Location", elsewhere.URL+"/v1/models"))
			c, _ := dial(t, s, func(c *Config) { c.HTTPClient = s.Client() })
			_, err := c.UpdateDeployment(t.Context(), "m1", "d1", Settings{MaxReplica: 7})
			if e := failure(t, err); e.Kind != KindRejected || e.OutcomeUnknown() {
				t.Errorf("got %+v", e)
			}
			if _, err := c.Models(t.Context()); failure(t, err).HTTPStatus != status {
				t.Errorf("got %v", err)
			}
			if got := elsewhere.requests(); len(got) != 0 {
				t.Errorf("followed to another host: %v", got)
			}
			if got := s.requests(); len(got) != 2 {
				t.Errorf("asked %d times, want 2", len(got))
			}
			if s.Client().CheckRedirect != nil {
				t.Error("the given client was changed")
			}
		})
	}
}

func TestPathsAreEscaped(t *testing.T) {
	s := script(t, say(404, ""))
	c, _ := dial(t, s)
	ctx := t.Context()
	_, _ = c.Model(ctx, "a/b?c#d%2e e")
	_, _ = c.Environment(ctx, "../x", "prod/../../users")
	_, _ = c.UpdateDeployment(ctx, "m", "...", Settings{MaxReplica: 1})
	want := []string{
		"GET /v1/models/a%2Fb%3Fc%23d%252e%20e",
		"GET /v1/models/..%2Fx/environments/prod%2F..%2F..%2Fusers",
		"PATCH /v1/models/m/deployments/.../autoscaling_settings",
	}
	if diff := cmp.Diff(want, s.paths()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestRefusedBeforeAnyCall(t *testing.T) {
	s := script(t, say(200, "{}"))
	c, _ := dial(t, s)
	ctx := t.Context()
	change := Settings{MaxReplica: 7}
	second := func(_ any, err error) error { return err }
	calls := map[string]error{
		"no settings":      second(c.UpdateDeployment(ctx, "m", "d", nil)),
		"no settings, env": second(c.UpdateEnvironment(ctx, "m", "e", Settings{})),
		"shortcut":         second(c.UpdateDeployment(ctx, "m", "production", change)),
		"shortcut read":    second(c.Deployment(ctx, "m", "development")),
		"no target":        second(Resolved{ModelID: "m"}.Update(ctx, c, change)),
		"no target read":   second(Resolved{ModelID: "m"}.Reread(ctx, c)),
	}
	for _, id := range []string{"", ".", ".."} {
		calls["model "+id] = second(c.Model(ctx, id))
		calls["deployments "+id] = second(c.Deployments(ctx, id))
		calls["deployment "+id] = second(c.Deployment(ctx, "m", id))
		calls["environments "+id] = second(c.Environments(ctx, id))
		calls["environment "+id] = second(c.Environment(ctx, "m", id))
		calls["update deployment "+id] = second(c.UpdateDeployment(ctx, "m", id, change))
		calls["update environment "+id] = second(c.UpdateEnvironment(ctx, "m", id, change))
		calls["update of model "+id] = second(c.UpdateEnvironment(ctx, id, "e", change))
	}
	for name, err := range calls {
		if e := failure(t, err); e.Kind != KindInvalid || e.OutcomeUnknown() {
			t.Errorf("%s: got %+v", name, e)
		}
	}
	if got := s.requests(); len(got) != 0 {
		t.Errorf("called all the same: %v", got)
	}
}

func TestUnreadableReads(t *testing.T) {
	list := func(c *Client) error { _, err := c.Models(t.Context()); return err }
	one := func(c *Client) error { _, err := c.Environment(t.Context(), "m1", "production"); return err }
	for _, c := range []struct {
		name, body string
		call       func(*Client) error
	}{
		{"HTML", "<html>login</html>", list}, {"empty", "", list}, {"no list", "{}", list}, {"null list", `{"models":null}`, list},
		{"another shape", `{"models":{}}`, list}, {"bare list", `[]`, list}, {"no id", `{"models":[{"name":"x"}]}`, list},
		{"null inside", `{"models":[null]}`, list}, {"no name", `{"model_id":"m1"}`, one}, {"null", "null", one},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := script(t, say(200, c.body))
			client, _ := dial(t, s)
			if e := failure(t, c.call(client)); e.Kind != KindServer || e.HTTPStatus != 200 {
				t.Errorf("got %+v", e)
			}
			if n := len(s.requests()); n != 1 {
				t.Errorf("asked %d times: an answer that cannot be read will not be better", n)
			}
		})
	}
	t.Run("an empty list is a list", func(t *testing.T) {
		client, _ := dial(t, script(t, say(200, modelsJSON())))
		if got, err := client.Models(t.Context()); err != nil || got == nil || len(got) != 0 {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

func TestOneStrangeDeploymentDoesNotSpoilTheList(t *testing.T) {
	s := script(t, say(200, deploymentsJSON(
		deploymentJSON("d1", "old", "", `{"min_replica":0,"max_replica":2,"max_scale_down_rate":1.5}`),
		deploymentJSON("d2", "new", "", `{"min_replica":0,"max_replica":2,"max_scale_down_rate":50.0,"hats":9}`),
		deploymentJSON("d3", "building", "", "null"),
	)))
	c, _ := dial(t, s)
	got, err := c.Deployments(t.Context(), "m1")
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Settings != nil || !strings.Contains(got[0].Unreadable, "max_scale_down_rate") {
		t.Errorf("unreadable one: %+v", got[0])
	}
	if want := (Settings{MinReplica: 0, MaxReplica: 2, MaxScaleDownRate: 50}); !got[1].Settings.Equal(want) || got[1].Unreadable != "" {
		t.Errorf("readable one: %+v", got[1])
	}
	if got[2].Settings != nil || got[2].Unreadable != "" {
		t.Errorf("not yet deployed: %+v", got[2])
	}
}

func TestStrangeSchedulesDoNotHideTheEnvironment(t *testing.T) {
	s := script(t, say(200, environmentJSON("production", "", `,"autoscaling_schedules":{"schedules":"later"}`)))
	c, _ := dial(t, s)
	env, err := c.Environment(t.Context(), "m1", "production")
	if err != nil {
		t.Fatal(err)
	}
	if env.Schedules == nil || !env.Schedules.Unreadable || !env.Settings.Equal(settingsRead) {
		t.Errorf("got %+v", env)
	}
}

func TestScheduleInForce(t *testing.T) {
	one := Schedule{ID: "s1", Name: "peak"}
	for _, c := range []struct {
		name string
		s    *Schedules
		want Schedule
		ok   bool
	}{
		{"none at all", nil, Schedule{}, false},
		{"nothing serves", &Schedules{Schedules: []Schedule{one}}, Schedule{}, false},
		{"baseline", &Schedules{Schedules: []Schedule{one}, Applied: &AppliedState{}}, Schedule{}, false},
		{"in force", &Schedules{Schedules: []Schedule{one}, Applied: &AppliedState{ScheduleID: "s1"}}, one, true},
		{"in force, not listed", &Schedules{Applied: &AppliedState{ScheduleID: "s9"}}, Schedule{ID: "s9"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := c.s.InForce()
			if diff := cmp.Diff(c.want, got); diff != "" || ok != c.ok {
				t.Errorf("ok %v -want +got\n%s", ok, diff)
			}
		})
	}
}

func TestPromotionRunning(t *testing.T) {
	for status, want := range map[string]bool{"RELEASING": true, "PAUSED": true, "NEW_WORD": true, "SUCCEEDED": false, "FAILED": false, "CANCELED": false} {
		if got := (&Promotion{Status: status}).Running(); got != want {
			t.Errorf("%s: %v", status, got)
		}
	}
	if (*Promotion)(nil).Running() {
		t.Error("no promotion runs")
	}
}

func TestLongAnswerIsRefused(t *testing.T) {
	s := script(t, say(200, modelsJSON(modelJSON("m1", "a", "t"))))
	c, _ := dial(t, s)
	_, err := c.call(t.Context(), call{op: "models", method: http.MethodGet, path: "/v1/models", timeout: time.Minute, limit: 20})
	if e := failure(t, err); e.Kind != KindServer || len(s.requests()) != 1 {
		t.Errorf("got %+v after %d requests", e, len(s.requests()))
	}
}

func TestBaseURLThatCannotBeUsed(t *testing.T) {
	c := New(Config{BaseURL: "http://user:hunter2@[::1", Key: func() string { return testKey }})
	_, err := c.UpdateDeployment(t.Context(), "m1", "d1", Settings{MaxReplica: 7})
	if e := failure(t, err); e.Kind != KindInvalid || e.OutcomeUnknown() || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestKindWords(t *testing.T) {
	seen := map[string]bool{}
	for k := KindInvalid; k <= KindUnreachable; k++ {
		word := k.String()
		if seen[word] || word == Kind(0).String() || strings.ContainsAny(word, " -") {
			t.Errorf("kind %d is %q", k, word)
		}
		seen[word] = true
	}
}

func TestErrorText(t *testing.T) {
	for want, err := range map[string]*Error{
		"baseten update_deployment: http 409: CONFLICT: busy": {Kind: KindRejected, Op: "update_deployment", HTTPStatus: 409, Code: "CONFLICT", Message: "busy"},
		"baseten models: unreachable: lost":                   {Kind: KindUnreachable, Op: "models", cause: errors.New("lost")},
		"baseten models: http 502":                            {Kind: KindServer, Op: "models", HTTPStatus: 502},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
