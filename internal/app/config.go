package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/observe"
	"autoscalebot/internal/store"

	"github.com/caarlos0/env/v11"
)

// Config is the bot's whole configuration, read from the environment. Each secret
// may stand in a file instead, named by the same variable with _FILE.
type Config struct {
	SlackBotToken     string `env:"SLACK_BOT_TOKEN"`
	SlackBotTokenFile string `env:"SLACK_BOT_TOKEN_FILE"`
	SlackAppToken     string `env:"SLACK_APP_TOKEN"`
	SlackAppTokenFile string `env:"SLACK_APP_TOKEN_FILE"`
	SlackAPIURL       string `env:"SLACK_API_URL" envDefault:"https://slack.com/api/"`
	SlackConnections  int    `env:"SLACK_CONNECTIONS" envDefault:"2"`

	BasetenAPIKey     string `env:"BASETEN_API_KEY"`
	BasetenAPIKeyFile string `env:"BASETEN_API_KEY_FILE"`
	BasetenBaseURL    string `env:"BASETEN_BASE_URL" envDefault:"https://api.baseten.co"`
	BasetenAuthScheme string `env:"BASETEN_AUTH_SCHEME" envDefault:"Api-Key"`

	PolicyFile   string   `env:"POLICY_FILE"`
	AllowedUsers []string `env:"ALLOWED_USERS"`

	DatabaseURL     string `env:"DATABASE_URL" envDefault:"sqlite:autoscale.db"`
	HTTPAddr        string `env:"HTTP_ADDR" envDefault:"127.0.0.1:8080"`
	AnnounceChannel string `env:"ANNOUNCE_CHANNEL"`
	LogLevel        string `env:"LOG_LEVEL" envDefault:"info"`
	LogFormat       string `env:"LOG_FORMAT" envDefault:"json"`
}

// LoadConfig reads the configuration from the given environment. It reports all
// problems at once, each naming its variable, and never a secret's value.
func LoadConfig(environment map[string]string) (Config, error) {
	// A variable that is set but empty counts as not set: compose files and Helm
	// charts pass on what they do not have that way.
	given := make(map[string]string, len(environment))
	for k, v := range environment {
		if v = strings.TrimSpace(v); v != "" {
			given[k] = v
		}
	}
	var cfg Config
	var problems []error
	unread := make(map[string]bool)
	if err := env.ParseWithOptions(&cfg, env.Options{Environment: given}); err != nil {
		problems = named(err, unread)
	}
	problems = append(problems, cfg.problems(unread)...)
	return cfg, errors.Join(problems...)
}

// named says which variables could not be read, instead of which fields.
func named(err error, unread map[string]bool) []error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return []error{err}
	}
	var out []error
	for _, one := range all.Errors {
		var bad env.ParseError
		if !errors.As(one, &bad) {
			out = append(out, one)
			continue
		}
		name := bad.Name
		if f, ok := reflect.TypeFor[Config]().FieldByName(bad.Name); ok {
			name = f.Tag.Get("env")
		}
		unread[name] = true
		kind := bad.Type.String()
		if kind == "int" {
			kind = "a whole number"
		}
		out = append(out, fmt.Errorf("%s: cannot be read as %s", name, kind))
	}
	return out
}

var channelID = regexp.MustCompile(`^[CG][A-Z0-9]{2,}$`)

func (c *Config) problems(unread map[string]bool) []error {
	var out []error
	add := func(format string, args ...any) { out = append(out, fmt.Errorf(format, args...)) }

	out = append(out,
		checkSecret("SLACK_BOT_TOKEN", c.SlackBotToken, c.SlackBotTokenFile, "xoxb-", "the bot token (xoxb-…)"),
		checkSecret("SLACK_APP_TOKEN", c.SlackAppToken, c.SlackAppTokenFile, "xapp-", "the app-level token (xapp-…)"),
		checkSecret("BASETEN_API_KEY", c.BasetenAPIKey, c.BasetenAPIKeyFile, "", "a Baseten API key"))

	address := func(name, value string) {
		u, err := url.Parse(value)
		switch {
		case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
			add("%s: this is not a web address", name)
		case u.Scheme == "http" && !loopback(u.Hostname()):
			add("%s: http:// is taken for this machine only (127.0.0.1, localhost), since tokens would go out unencrypted; write https://", name)
		}
	}
	address("SLACK_API_URL", c.SlackAPIURL)
	address("BASETEN_BASE_URL", c.BasetenBaseURL)
	c.SlackAPIURL = strings.TrimSuffix(c.SlackAPIURL, "/") + "/"
	c.BasetenBaseURL = baseten.CleanBaseURL(c.BasetenBaseURL)

	if c.SlackConnections > 10 || c.SlackConnections < 1 && !unread["SLACK_CONNECTIONS"] {
		add("SLACK_CONNECTIONS: must be from 1 to 10, Slack's limit for one app")
	}
	if c.BasetenAuthScheme != "Api-Key" && c.BasetenAuthScheme != "Bearer" {
		add("BASETEN_AUTH_SCHEME: must be Api-Key or Bearer")
	}
	if _, err := observe.NewLogger(c.LogLevel, "json", nil, nil); err != nil {
		add("LOG_LEVEL: %w", err)
	}
	if _, err := observe.NewLogger("info", c.LogFormat, nil, nil); err != nil {
		add("LOG_FORMAT: %w", err)
	}
	if err := store.CheckURL(c.DatabaseURL); err != nil {
		add("DATABASE_URL: %w", err)
	}
	if _, _, err := net.SplitHostPort(c.HTTPAddr); err != nil {
		add("HTTP_ADDR: must be an address and a port, such as 127.0.0.1:8080 or :8080")
	}
	if len(c.AllowedUsers) > 0 {
		if _, err := authz.AllowedUsers(c.AllowedUsers); err != nil {
			add("ALLOWED_USERS: %w", err)
		}
	}
	switch {
	case c.PolicyFile == "" && len(c.AllowedUsers) == 0:
		add("POLICY_FILE or ALLOWED_USERS: set one of them; without a policy nobody may change anything")
	case c.PolicyFile != "" && len(c.AllowedUsers) > 0:
		add("POLICY_FILE and ALLOWED_USERS: set one of them, not both")
	}
	if c.AnnounceChannel != "" && !channelID.MatchString(c.AnnounceChannel) {
		add("ANNOUNCE_CHANNEL: must be a channel's ID (C…), not its name")
	}
	return out
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkSecret says what is wrong with a secret, or returns nil. It never repeats it,
// nor the file's path: people have put the token itself there.
func checkSecret(name, value, file, prefix, what string) error {
	switch {
	case value != "" && file != "":
		return fmt.Errorf("%s and %s_FILE: set one of them, not both", name, name)
	case value == "" && file == "":
		return fmt.Errorf("%s: missing; set it to %s, or %s_FILE to a file that holds it", name, what, name)
	}
	if file != "" {
		text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
		if err != nil {
			return fmt.Errorf("%s_FILE: the file cannot be read (%s)", name, reason(err))
		}
		value = strings.TrimSpace(string(text))
	}
	if !strings.HasPrefix(value, prefix) || value == prefix {
		return fmt.Errorf("%s: this is not %s", name, what)
	}
	return nil
}

func reason(err error) string {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "there is none"
	case errors.Is(err, os.ErrPermission):
		return "permission denied"
	default:
		return "it is not a readable file"
	}
}

// secret is a token that may stand in a file.
type secret struct {
	file   string
	redact func(secret string)

	mu    sync.Mutex
	value string
}

// newSecret reads the secret for the first time.
func newSecret(value, file string, redact func(secret string)) *secret {
	s := &secret{file: file, redact: redact, value: value}
	redact(value)
	s.Refresh()
	return s
}

// Value is the secret as it was read last.
func (s *secret) Value() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value
}

// Refresh reads the file again, for when the other side refuses the secret, and
// reports whether it holds another one now. A file that cannot be read, or is empty
// because it is being written, keeps the last value.
func (s *secret) Refresh() bool {
	if s.file == "" {
		return false
	}
	text, err := os.ReadFile(s.file)
	next := strings.TrimSpace(string(text))
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || next == "" || next == s.value {
		return false
	}
	s.redact(next)
	s.value = next
	return true
}

// Latest reads the file again and returns the secret.
func (s *secret) Latest() string {
	s.Refresh()
	return s.Value()
}
