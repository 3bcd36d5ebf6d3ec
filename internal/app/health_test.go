package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"autoscalebot/internal/app"
	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

// page asks the running bot for one of its pages.
func (s *story) page(addr, path string) (code int, body string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+addr+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := (&http.Client{Timeout: patient}).Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// readiness asks until /readyz says what is wanted. Liveness is not touched by it.
func (s *story) readiness(addr, want string) {
	s.t.Helper()
	for {
		code, body := s.page(addr, "/readyz")
		if (code == http.StatusOK) != (body == "ok\n") {
			s.t.Fatalf("/readyz: %d %q", code, body)
		}
		if body == want+"\n" {
			break
		}
		if s.ctx.Err() != nil {
			s.t.Fatalf("/readyz says %q, want %q", body, want)
		}
	}
	if code, body := s.page(addr, "/healthz"); code != http.StatusOK {
		s.t.Errorf("/healthz: %d %q", code, body)
	}
}

// shows asks until /metrics has a line.
func (s *story) shows(addr, line string) {
	s.t.Helper()
	for !strings.Contains(s.metrics(addr), "\n"+line+"\n") {
		if s.ctx.Err() != nil {
			s.t.Fatalf("/metrics does not show %s", line)
		}
	}
}

// cable is the way to a server, and can be cut.
type cable struct {
	t        *testing.T
	addr, to string

	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
}

// lay lays a cable to the server of a URL, and returns the URL by which it is reached.
func lay(t *testing.T, address string) (*cable, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the server's URL cannot be read")
	}
	c := &cable{t: t, addr: "127.0.0.1:0", to: u.Host}
	c.join()
	t.Cleanup(c.cut)
	u.Host = c.addr
	return c, u.String()
}

func (c *cable) join() {
	c.t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", c.addr)
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.listener, c.addr = l, l.Addr().String()
	c.mu.Unlock()
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := new(net.Dialer).DialContext(context.Background(), "tcp", c.to)
			if err != nil {
				_ = from.Close()
				continue
			}
			c.mu.Lock()
			c.conns = append(c.conns, from, to)
			c.mu.Unlock()
			for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
				go func() {
					_, _ = io.Copy(way[0], way[1])
					_ = way[0].Close()
				}()
			}
		}
	}()
}

// cut ends what goes through it, and lets nothing new in.
func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.listener.Close()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// PostgreSQL goes away and comes back: readiness says so, a metric says so, the log says
// each of it once, and what people do afterwards works.
func TestDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	server := os.Getenv(postgresEnv)
	if server == "" {
		t.Skipf("no PostgreSQL server: set %s", postgresEnv)
	}
	line, through := lay(t, newPostgresDatabase(t, server))
	s := stage(t, quietly(), map[string]string{
		"DATABASE_URL": through, "LOG_LEVEL": "info", "SLACK_CONNECTIONS": "1", "POLICY_FILE": "", "ALLOWED_USERS": "U0ANA",
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s.ctx = ctx
	s.Baseten.Fill(20, 1)
	s.start()
	addr := <-s.listening
	s.readiness(addr, "ok")
	s.shows(addr, "autoscalebot_store_up 1")
	s.shows(addr, "autoscalebot_store_errors_total 0")
	// Some are sent and not answered, and some wait, when it goes.
	hang := s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Hang, Op: basetensim.PatchEnvironment})
	for i := range 10 {
		s.slash("Ana", "#ml-oncall", fmt.Sprintf("/autoscale model-%04d production delay=300", i+1))
	}
	if err := s.Baseten.Wait(s.ctx, func(*basetensim.Snapshot) bool { return hang.Hits() >= 3 }); err != nil {
		t.Fatal(err)
	}
	before := strings.Count(s.log.String(), "\n")

	line.cut()
	hang.Clear() // what was answered meanwhile is recorded once it can be
	s.readiness(addr, "the database does not answer")
	s.shows(addr, "autoscalebot_store_up 0")
	lost := s.As("Ana").Slash("#ml-oncall", "/autoscale llama-70b production max=7")
	if err := lost.WaitAck(s.ctx); err == nil {
		t.Error("a command was acknowledged that cannot be recorded")
	}
	s.shows(addr, "autoscalebot_commands_unrecorded_total 1")
	if strings.Contains(s.metrics(addr), "\nautoscalebot_store_errors_total 0\n") {
		t.Error("its errors are not counted")
	}

	line.join()
	s.readiness(addr, "ok")
	s.shows(addr, "autoscalebot_store_up 1")
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7")
	s.shows(addr, `autoscalebot_requests_ended_total{state="applied"} 11`)
	sent := make(map[string]int)
	for _, patch := range s.Baseten.Patches() {
		if sent[patch.Path]++; sent[patch.Path] > 1 {
			t.Errorf("%s was sent twice", patch.Path)
		}
	}
	lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")[before:]
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, `"msg":"request `) })
	// The first that failed, away, the command that was lost, back.
	if len(lines) != 4 {
		t.Errorf("%d lines, want 4:\n%s", len(lines), strings.Join(lines, "\n"))
	}
}

// A database file that is damaged while the bot runs, and what then is to be done.
func TestDatabaseIsDamaged(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), map[string]string{"LOG_LEVEL": "info"})
	addr := <-s.listening
	s.readiness(addr, "ok")
	path := strings.TrimPrefix(s.env["DATABASE_URL"], "sqlite:")
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err == nil {
			err = os.WriteFile(name, []byte(strings.Repeat("U", int(info.Size()))), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.readiness(addr, "the database file is damaged: restore a backup")
	s.logs("the database file is damaged: restore a backup", 1)
	s.shows(addr, "autoscalebot_store_up 0")
}

// A key that Baseten refuses is found at the start, said in words, and asked for again.
func TestBasetenKeyIsRefused(t *testing.T) {
	s := stage(t, quietly(), nil)
	good := s.Baseten.APIKey()
	s.Baseten.SetAPIKey("another-key")
	s.start()
	addr := <-s.listening
	s.readiness(addr, "Baseten does not accept the API key")
	s.logs("BASETEN_API_KEY: Baseten does not accept this key", 1)
	s.shows(addr, "autoscalebot_baseten_key_refused 1")

	s.Slack.DisableSocketMode(true)
	s.readiness(addr, "no socket to Slack is open; Baseten does not accept the API key")

	s.Slack.DisableSocketMode(false)
	s.Baseten.SetAPIKey(good)
	s.readiness(addr, "ok")
	s.logs("Baseten accepts the API key", 1)
	s.shows(addr, "autoscalebot_baseten_key_refused 0")
	if n := strings.Count(s.log.String(), "BASETEN_API_KEY: "); n != 1 {
		t.Errorf("the log says it %d times, want once", n)
	}
}

// While it starts, readiness says what it waits for.
func TestReadinessWhileStarting(t *testing.T) {
	s := stage(t, quietly(), nil)
	away := s.Slack.Fault(slacksim.Fault{Method: "auth.test", Kind: slacksim.FaultServerError})
	cfg, err := app.LoadConfig(s.env)
	if err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 2)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	run := func() {
		go func() {
			ended <- app.Run(ctx, cfg, app.Options{Version: "test", Log: s.log, Listening: func(addr string) { listening <- addr }})
		}()
	}
	run()
	first := <-listening
	s.readiness(first, "starting: waits for Slack to say who the bot is")
	run()
	second := <-listening
	s.readiness(second, "starting: waits for the database")
	s.logs("another process holds the database; waiting for it to end", 1)
	away()
	s.readiness(first, "ok")
	stop()
	for range 2 {
		if err := <-ended; err != nil {
			t.Errorf("it ended with: %v", err)
		}
	}
}

// What was typed wrongly is refused, and no failure of a request.
func TestMistakesAreNoFailures(t *testing.T) {
	s := tell(t, quietly(), nil)
	addr := <-s.listening
	for _, line := range []string{"lama production max=7", "llama-70b prod max=7", "llama-70b production max=1", "llama-70b production replicas"} {
		d := s.slash("Ana", "#ml-oncall", "/autoscale "+line)
		if _, err := d.WaitResponse(s.ctx); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	s.shows(addr, `autoscalebot_refusals_total{reason="name_not_found"} 2`)
	s.shows(addr, `autoscalebot_refusals_total{reason="invalid_value"} 1`)
	s.shows(addr, `autoscalebot_commands_total{command="mistake",outcome="misunderstood"} 1`)
	s.shows(addr, `autoscalebot_requests_ended_total{state="failed"} 0`)
}

// All series that may move are there from the start: rate and increase do not see the
// first event of one that begins with it.
func TestSeriesAreThereFromTheStart(t *testing.T) {
	s := tell(t, quietly(), nil)
	addr := <-s.listening
	names := func() map[string]bool {
		out := make(map[string]bool)
		for _, m := range regexp.MustCompile(`(?m)^(autoscalebot_[^ ]+) `).FindAllStringSubmatch(s.metrics(addr), -1) {
			out[m[1]] = true
		}
		return out
	}
	before := names()
	s.slash("Ana", "#ml-oncall", ask)
	s.sees("Lea", "Waits for one of @lea, @leo")
	s.click("Ben", "Approve Change")
	s.click("Lea", "Approve Change")
	s.ends()
	s.sees("Ana", "In force")
	for _, line := range []string{"status llama-70b", "list", "pending", "history", "help", "whoami", "nonsense of all kinds", "can llama-70b production max=9", "llama-70b production min=0"} {
		if _, err := s.slash("Ana", "#ml-oncall", "/autoscale "+line).WaitResponse(s.ctx); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	s.slash("Ana", "#ml-oncall", `/autoscale llama-70b production max=20 break-glass reason="customers are waiting"`)
	s.sees("Lea", "break-glass")
	for name := range names() {
		if !before[name] {
			t.Errorf("%s appears only when it moves", name)
		}
	}
	for _, want := range []string{`requests_ended_total{state="failed"}`, `requests_ended_total{state="unknown"}`, `outcomes_total{outcome="overruled"}`, `requests{state="pending"}`, `baseten_calls_total{op="update_environment",result="auth"}`} {
		if !before["autoscalebot_"+want] {
			t.Errorf("%s is not there at the start", want)
		}
	}
}

// Every replica shows what stands in the database that they share: what waits, and for
// how long.
func TestReplicasShowTheSameRequests(t *testing.T) {
	t.Parallel()
	server := os.Getenv(postgresEnv)
	if server == "" {
		t.Skipf("no PostgreSQL server: set %s", postgresEnv)
	}
	s := tell(t, quietly(), map[string]string{"DATABASE_URL": newPostgresDatabase(t, server)})
	first := <-s.listening
	other := *s
	t.Cleanup(func() { other.end() })
	other.start()
	second := <-other.listening
	s.shows(first, `autoscalebot_requests{state="pending"} 0`)
	s.shows(first, `autoscalebot_oldest_request_seconds{state="pending"} 0`)
	s.slash("Ana", "#ml-oncall", ask)
	s.wait("it waits", func(*slacksim.Snapshot) bool { return s.cards() == 1 })
	admin(t, s.env["DATABASE_URL"], `UPDATE requests SET created_at = created_at - 3600000`)
	for _, addr := range []string{first, second} {
		s.shows(addr, `autoscalebot_requests{state="pending"} 1`)
		if !regexp.MustCompile(`\nautoscalebot_oldest_request_seconds\{state="pending"\} 36\d\d(\.\d+)?\n`).MatchString(s.metrics(addr)) {
			t.Errorf("%s does not show that it waits for an hour", addr)
		}
	}
}

// Every metric that a page, an alarm or a dashboard names is shown by a bot that has
// just started, with the labels that it is asked for.
func TestMetricsThatAreNamedExist(t *testing.T) {
	s := tell(t, quietly(), nil)
	shown := "\n" + s.metrics(<-s.listening)
	root := os.DirFS("../..")
	named := regexp.MustCompile(`autoscalebot_[a-z_]+(\{[a-z_]+="[a-z_]+"\})?`)
	files, found := 0, 0
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == "internal" || path == "cmd" || path == ".git"):
			return fs.SkipDir
		case d.IsDir() || !slices.Contains([]string{".md", ".yaml", ".yml", ".json"}, filepath.Ext(path)):
			return nil
		}
		text, err := fs.ReadFile(root, path)
		files++
		for _, name := range named.FindAllString(string(text), -1) {
			found++
			series := regexp.QuoteMeta(strings.TrimSuffix(name, "_bucket"))
			if !strings.Contains(name, "{") {
				series += `(_bucket)?[ {]`
			}
			if !regexp.MustCompile(`\n` + series).MatchString(shown) {
				t.Errorf("%s: there is no metric %s", path, name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 || found == 0 {
		t.Errorf("%d names in %d files", found, files)
	}
}
