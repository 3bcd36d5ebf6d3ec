package observe_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"autoscalebot/internal/observe"
)

const hook = "https://hooks.slack.com/commands/T0TEAM/123456/SecretPath"

// secretKey has no shape, and holds what JSON, Go and URLs write otherwise.
const secretKey = `k3y"with\odd<bits>&é /+%`

// formats are all that NewLogger knows.
var formats = []string{"json", "console"}

// newLogger returns a logger and what it has written so far.
func newLogger(tb testing.TB, format string, r *observe.Redactor) (*zap.Logger, *bytes.Buffer) {
	tb.Helper()
	var out bytes.Buffer
	log, err := observe.NewLogger("debug", format, zapcore.AddSync(&out), r)
	if err != nil {
		tb.Fatal(err)
	}
	return log, &out
}

type slashCommand struct {
	Token, ResponseURL, TriggerID string
}

type stringer string

func (s stringer) String() string { return string(s) }

type object map[string]string

func (o object) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	for k, v := range o {
		enc.AddString(k, v)
	}
	return nil
}

// verbose is an error that tells more when it is printed with %+v, as zap does.
type verbose struct{ secret string }

func (verbose) Error() string                { return "post message" }
func (v verbose) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "post to "+v.secret) }

// Each way a value can get into an entry is tried with each of these secrets.
var secrets = []struct{ name, text, core string }{
	{"bot token", "xoxb-12-34-AbCdEf", "AbCdEf"},
	{"response_url", hook, "SecretPath"},
	{"registered key", secretKey, secretKey},
}

func TestLoggerLeaksNoSecret(t *testing.T) {
	entries := []struct {
		name string
		log  func(*zap.Logger, string)
	}{
		{"message", func(l *zap.Logger, s string) { l.Info("calling " + s) }},
		{"string", func(l *zap.Logger, s string) { l.Info("m", zap.String("k", s)) }},
		{"strings", func(l *zap.Logger, s string) { l.Info("m", zap.Strings("k", []string{"a", s})) }},
		{"byte string", func(l *zap.Logger, s string) { l.Info("m", zap.ByteString("k", []byte(s))) }},
		{"binary", func(l *zap.Logger, s string) {
			// Only a value that was registered can be known in base64.
			if s == secretKey {
				l.Info("m", zap.Binary("k", []byte("ab"+s+"c")), zap.Any("r", map[string][]byte{"b": []byte("x" + s)}))
			} else {
				l.Info("m")
			}
		}},
		{"stringer", func(l *zap.Logger, s string) { l.Info("m", zap.Stringer("k", stringer(s))) }},
		{"struct", func(l *zap.Logger, s string) { l.Info("m", zap.Any("k", slashCommand{ResponseURL: s})) }},
		{"printed struct", func(l *zap.Logger, s string) { l.Info(fmt.Sprintf("%+v", slashCommand{Token: s})) }},
		{"printed as Go", func(l *zap.Logger, s string) { l.Info(fmt.Sprintf("%#v", slashCommand{Token: s})) }},
		{"map key", func(l *zap.Logger, s string) { l.Info("m", zap.Any("k", map[string]int{s: 1})) }},
		{"object", func(l *zap.Logger, s string) { l.Info("m", zap.Object("k", object{"v": s})) }},
		{"inline object", func(l *zap.Logger, s string) { l.Info("m", zap.Inline(object{"v": s})) }},
		{"namespace", func(l *zap.Logger, s string) { l.Info("m", zap.Namespace("n"), zap.String("k", s)) }},
		{"with", func(l *zap.Logger, s string) { l.With(zap.String("k", s)).Info("m") }},
		{"lazily with", func(l *zap.Logger, s string) { l.WithLazy(zap.Any("k", []string{s})).Info("m") }},
		{"logger name", func(l *zap.Logger, s string) { l.Named(s).Info("m") }},
		{"error", func(l *zap.Logger, s string) { l.Error("m", zap.Error(errors.New("bad "+s))) }},
		{"error chain", func(l *zap.Logger, s string) {
			l.Error("m", zap.Error(fmt.Errorf("post reply: %w", &url.Error{Op: "Post", URL: s, Err: io.EOF})))
		}},
		{"joined errors", func(l *zap.Logger, s string) { l.Error("m", zap.Error(errors.Join(io.EOF, errors.New(s)))) }},
		{"verbose error", func(l *zap.Logger, s string) { l.Error("m", zap.Error(verbose{s})) }},
		{"stack", func(l *zap.Logger, s string) { l.Error("m", zap.String("stacktrace", "panic: "+s+"\n\tmain.go")) }},
		{"sugar", func(l *zap.Logger, s string) { l.Sugar().Infow("m", "k", s) }},
		{"standard logger", func(l *zap.Logger, s string) { zap.NewStdLog(l).Print(s) }},
		{"JSON in a string", func(l *zap.Logger, s string) {
			body, err := json.Marshal(map[string]string{"v": s})
			if err != nil {
				panic(err)
			}
			l.Info("m", zap.ByteString("body", body))
		}},
		{"query", func(l *zap.Logger, s string) { l.Info("m", zap.String("q", url.Values{"v": {s}}.Encode())) }},
	}
	for _, format := range formats {
		for _, entry := range entries {
			for _, secret := range secrets {
				t.Run(format+"/"+entry.name+"/"+secret.name, func(t *testing.T) {
					if entry.name == "query" && secret.text == hook {
						t.Skip("a response_url is nobody's query parameter")
					}
					log, out := newLogger(t, format, observe.NewRedactor(secretKey))
					entry.log(log, secret.text)
					for _, form := range []string{secret.core, jsonText(t, secret.core), url.QueryEscape(secret.core), base64.StdEncoding.EncodeToString([]byte(secret.core))} {
						if strings.Contains(out.String(), form) {
							t.Errorf("got out: %s", out)
						}
					}
					if entry.name != "binary" && !strings.Contains(out.String(), observe.Redacted) {
						t.Errorf("nothing redacted: %s", out)
					}
					if format == "json" && !json.Valid(out.Bytes()) {
						t.Errorf("not JSON any more: %s", out)
					}
				})
			}
		}
	}
}

// jsonText returns s as it stands inside a JSON string.
func jsonText(tb testing.TB, s string) string {
	tb.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b[1 : len(b)-1])
}

func TestLoggerLeaksNoHeader(t *testing.T) {
	header := http.Header{"Authorization": {"Api-Key Sec.ret1"}, "Accept": {"x"}}
	for _, format := range formats {
		log, out := newLogger(t, format, observe.NewRedactor())
		log.Info(fmt.Sprint(header), zap.Any("header", header), zap.String("dump", "GET / HTTP/1.1\r\nAuthorization: Api-Key Sec.ret1\r\nAccept: x\r\n"))
		if strings.Contains(out.String(), "Sec.ret1") {
			t.Errorf("%s: got out: %s", format, out)
		}
		if n := strings.Count(out.String(), "Accept"); n != 3 {
			t.Errorf("%s: the harmless header stands %d times, want 3: %s", format, n, out)
		}
	}
}

func TestLoggerKeepsWhatIsNoSecret(t *testing.T) {
	log, out := newLogger(t, "json", observe.NewRedactor(secretKey))
	log.With(zap.String("request", "#7K2QX")).Warn("patch sent", zap.String("model", "llama-70b"), zap.Error(fmt.Errorf("read settings: %w", io.EOF)))

	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for key, want := range map[string]string{"level": "warn", "msg": "patch sent", "request": "#7K2QX", "model": "llama-70b", "error": "read settings: EOF"} {
		if got[key] != want {
			t.Errorf("%s is %v, want %s", key, got[key], want)
		}
	}
	if got["time"] == nil || got["caller"] == nil {
		t.Errorf("no time or no caller: %s", out)
	}
}

func TestNewLoggerLevel(t *testing.T) {
	var out bytes.Buffer
	log, err := observe.NewLogger("warn", "console", zapcore.AddSync(&out), observe.NewRedactor())
	if err != nil {
		t.Fatal(err)
	}
	log.Info("quiet")
	log.Warn("loud")
	if got := out.String(); strings.Contains(got, "quiet") || !strings.Contains(got, "loud") {
		t.Errorf("level warn wrote %q", got)
	}
}

func TestNewLoggerRefuses(t *testing.T) {
	for _, test := range []struct{ level, format, want string }{
		{"verbose", "json", `unknown log level "verbose": use debug, info, warn or error`},
		{"", "json", `unknown log level "": use debug, info, warn or error`},
		{"fatal", "json", `unknown log level "fatal": use debug, info, warn or error`},
		{"info", "text", `unknown log format "text": use json or console`},
	} {
		_, err := observe.NewLogger(test.level, test.format, zapcore.AddSync(io.Discard), observe.NewRedactor())
		if err == nil || err.Error() != test.want {
			t.Errorf("NewLogger(%q, %q): %v, want %s", test.level, test.format, err, test.want)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestLoggerTellsThatItCannotWrite(t *testing.T) {
	log, err := observe.NewLogger("info", "json", zapcore.AddSync(brokenPipe{}), observe.NewRedactor())
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Core().Write(zapcore.Entry{Message: "m"}, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write: %v, want %v", err, io.ErrClosedPipe)
	}
}

// FuzzRegisteredSecret holds that a registered secret is in no string of a line,
// whatever stands round it and however it got there.
func FuzzRegisteredSecret(f *testing.F) {
	f.Add("abcdefgh", "before ", " after")
	f.Add(secretKey, `{"a":"`, `"}`)
	f.Add("ticket=1", "&ticket=2", "xoxb-1")
	f.Add("aaaaaaaa", "aaa", "aaaa")
	f.Add("日本語の秘密", "é", "\xff")
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		switch {
		case len(secret) < 8, strings.TrimSpace(secret) != secret:
			t.Skip("not a secret")
		case !utf8.ValidString(secret), strings.ContainsFunc(secret, unicode.IsControl):
			t.Skip("cannot stand in a header")
		case strings.ContainsAny(secret, "[]"), secret == "redacted":
			t.Skip("part of the mark itself")
		}
		text := before + secret + after
		log, out := newLogger(t, "json", observe.NewRedactor(secret))
		log.With(zap.String("w", text)).Error(text,
			zap.String("s", text), zap.ByteString("b", []byte(text)), zap.Any("a", []string{text}),
			zap.Error(fmt.Errorf("post %q: %w", text, errors.New(text))))

		var line struct {
			W, S, B string
			Msg     string
			A       []string
			Error   string
		}
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			// A secret may be made of what JSON is made of, "level":" say. Then the
			// line is spoilt, but nothing gets out.
			if strings.Contains(out.String(), secret) {
				t.Fatalf("%q got out: %s", secret, out)
			}
			return
		}
		for _, got := range append(line.A, line.W, line.S, line.B, line.Msg, line.Error) {
			if strings.Contains(got, secret) {
				t.Errorf("%q got out: %q", secret, got)
			}
		}
	})
}

func BenchmarkLogger(b *testing.B) {
	plain := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zap.DebugLevel), zap.AddCaller())
	redacting, err := observe.NewLogger("debug", "json", zapcore.AddSync(io.Discard), observe.NewRedactor("kP3nV8qw.Zr5tY7uI9oA1sD3fG5hJ7kL9", "postgres-password-1"))
	if err != nil {
		b.Fatal(err)
	}
	for _, test := range []struct {
		name string
		log  *zap.Logger
		text string
	}{
		{"plain zap", plain, "patch sent"},
		{"nothing to redact", redacting, "patch sent"},
		{"a token", redacting, "patch sent xoxb-12-34-AbCdEf"},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				test.log.Info(test.text, zap.String("request", "#7K2QX"), zap.String("user", "U0REQUESTER"), zap.String("model", "llama-70b"), zap.String("target", "production"), zap.Int("attempt", 1))
			}
		})
	}
}
