package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/authz/policyfile"
	"autoscalebot/internal/observe"
	"autoscalebot/internal/slackbot"
)

const (
	// checkWithin bounds each question of a check, waits that Slack or Baseten ask
	// for included.
	checkWithin = 20 * time.Second
	// checkManyWithin bounds a check that asks many questions of a kind.
	checkManyWithin = 2 * time.Minute
)

// Check proves a set-up before it goes live. It writes one line for each item to
// out, beginning with ok, warn or FAIL, and reports whether nothing failed. Every
// item is looked at, whatever became of those before it. It changes nothing, takes
// no lock, and may be used beside a running bot.
func Check(ctx context.Context, environment map[string]string, version string, how CheckOptions, out io.Writer) bool {
	cfg, err := LoadConfig(environment)
	redactor := observe.NewRedactor()
	c := &checkup{
		cfg: cfg, version: version, redactor: redactor,
		report: &report{out: out, json: how.JSON, clean: redactor.String},
		people: make(map[string]authz.Person),
	}
	c.botToken = newSecret(cfg.SlackBotToken, cfg.SlackBotTokenFile, redactor.Add).Value
	c.appToken = newSecret(cfg.SlackAppToken, cfg.SlackAppTokenFile, redactor.Add).Value
	c.basetenKey = newSecret(cfg.BasetenAPIKey, cfg.BasetenAPIKeyFile, redactor.Add).Value
	// A file's content is a secret from the first line on.
	for _, secret := range []func() string{c.botToken, c.appToken, c.basetenKey} {
		redactor.Add(secret())
	}
	c.configuration(err)
	c.loadPolicy()
	c.inSlack(ctx)
	c.inBaseten(ctx)
	c.database(ctx)
	return c.report.end(how.Strict)
}

// CheckOptions say how a check is told.
type CheckOptions struct {
	// Strict counts warnings as failures.
	Strict bool
	// JSON writes one object a line for each item, and no summary.
	JSON bool
}

// checkup is one check of a set-up, and what it found out so far.
type checkup struct {
	cfg      Config
	version  string
	redactor *observe.Redactor
	report   *report
	// broken holds the variables that the configuration complained of.
	broken map[string]bool

	botToken, appToken, basetenKey func() string

	policy *authz.Policy // nil: it did not load
	slack  *slackbot.Slack
	scopes []string // nil: unknown
	people map[string]authz.Person
	groups authz.People
	unread []string // IDs in the policy that could not be looked up
	// splitRoles tells that the tables of the database are another role's.
	splitRoles bool
}

// configuration tells of each problem that LoadConfig found. The bot would not
// start with any of them.
func (c *checkup) configuration(err error) {
	c.broken = make(map[string]bool)
	for _, problem := range unjoin(err) {
		names, what, ok := strings.Cut(problem.Error(), ": ")
		if !ok {
			c.report.fail("configuration", "%s", problem)
			continue
		}
		for _, word := range strings.Fields(names) {
			c.broken[strings.TrimSuffix(word, "_FILE")] = true
		}
		c.report.fail(names, "%s", what)
	}
}

// unjoin takes apart what errors.Join put together.
func unjoin(err error) []error {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		return all.Unwrap()
	}
	if err != nil {
		return []error{err}
	}
	return nil
}

// loadPolicy reads the policy and runs its tests, as the bot does before it takes a
// file. Who and what is in it is looked up later.
func (c *checkup) loadPolicy() {
	switch {
	case c.broken["POLICY_FILE"], c.broken["ALLOWED_USERS"]:
	case len(c.cfg.AllowedUsers) > 0:
		policy, err := authz.AllowedUsers(c.cfg.AllowedUsers)
		if err != nil {
			c.report.fail("ALLOWED_USERS", "%s", err)
			return
		}
		c.policy = policy
		c.report.ok("ALLOWED_USERS", "%s may change anything, nobody else may", count(len(policy.Users()), "person", "people"))
	case c.cfg.PolicyFile != "":
		data, err := os.ReadFile(c.cfg.PolicyFile)
		if err != nil {
			do := "Name the file as it is where the bot runs: in a container, where it is mounted."
			if errors.Is(err, fs.ErrPermission) {
				do = "Let the user who runs the bot read it: 65532 in the image."
			}
			c.report.fail("POLICY_FILE", "%s cannot be read (%s). %s", c.cfg.PolicyFile, reason(err), do)
			return
		}
		policy, err := CheckPolicy(c.cfg.PolicyFile, data, c.cfg.AnnounceChannel != "")
		// A policy that fails its own tests can still be looked through.
		c.policy = policy
		if err != nil {
			c.report.fail("POLICY_FILE", "the bot would not take it:\n%s", err)
			return
		}
		tests := count(len(policyfile.RunTests(policy, ParsePolicyCommand)), "test passes", "tests pass")
		c.report.ok("POLICY_FILE", "%s, %s", count(len(policy.Rules()), "rule", "rules"), tests)
		for _, f := range policy.Lint() {
			c.report.warn("policy lint", "%s", findingText(c.cfg.PolicyFile, f))
		}
	}
}

// slackSide is Slack as the bot would use it, except that nothing is logged.
func (c *checkup) slackSide() *slackbot.Slack {
	return slackbot.NewSlack(slackbot.Config{
		BotToken: c.botToken, AppToken: c.appToken, APIURL: c.cfg.SlackAPIURL,
		Connections: 1, Now: time.Now, Log: zap.NewNop(),
	})
}

// report writes one line for each item that was looked at.
type report struct {
	out    io.Writer
	json   bool
	clean  func(string) string
	oks    int
	warns  int
	fails  int
	failed error // of the writing
}

func (r *report) ok(item, format string, args ...any) {
	r.oks++
	r.line("ok", item, fmt.Sprintf(format, args...))
}

// warn tells of what works and may still be a mistake, or could not be found out.
func (r *report) warn(item, format string, args ...any) {
	r.warns++
	r.line("warn", item, fmt.Sprintf(format, args...))
}

// fail tells of what has to be put right before the bot works.
func (r *report) fail(item, format string, args ...any) {
	r.fails++
	r.line("FAIL", item, fmt.Sprintf(format, args...))
}

// checkLine is an item as programs read it. Check is one of a fixed set of names.
type checkLine struct {
	Check  string `json:"check"`
	Result string `json:"result"` // ok, warn or fail
	Text   string `json:"text"`
}

var (
	variable = regexp.MustCompile(`^[A-Z]+(_[A-Z]+)+`)
	noName   = regexp.MustCompile(`[^a-z]+`)
)

// checkName is the name of an item for programs: the variable that it is about, without
// _FILE where the secret stands in one, or its words.
func checkName(item string) string {
	if name := variable.FindString(item); name != "" {
		if name == "POLICY_FILE" {
			return name
		}
		return strings.TrimSuffix(name, "_FILE")
	}
	return strings.Trim(noName.ReplaceAllString(strings.ToLower(item), "_"), "_")
}

// line writes an item. Further lines of the text are shown as they are, below it.
func (r *report) line(level, item, text string) {
	if r.json {
		line, err := json.Marshal(checkLine{checkName(item), strings.ToLower(level), r.clean(text)})
		if err == nil && r.failed == nil {
			_, r.failed = fmt.Fprintln(r.out, string(line))
		}
		return
	}
	first, rest, more := strings.Cut(text, "\n")
	r.print(fmt.Sprintf("%-4s  %-16s  %s", level, item, first))
	if more {
		r.print(rest)
	}
}

func (r *report) print(text string) {
	if r.failed == nil {
		_, r.failed = fmt.Fprintln(r.out, r.clean(text))
	}
}

// end sums up, and reports whether nothing failed; strictly, whether nothing was
// worth a warning either.
func (r *report) end(strict bool) bool {
	verdict := "This set-up works."
	switch {
	case r.fails > 0:
		verdict = "This set-up does not work yet."
	case strict && r.warns > 0:
		verdict = "This set-up works; warnings count as failures here (--strict)."
	}
	if r.json {
		return r.works(strict)
	}
	r.print(fmt.Sprintf("%d ok, %s, %d failed. %s", r.oks, count(r.warns, "warning", "warnings"), r.fails, verdict))
	return r.works(strict)
}

func (r *report) works(strict bool) bool {
	return r.fails == 0 && r.failed == nil && (!strict || r.warns == 0)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
