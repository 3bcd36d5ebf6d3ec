package observe_test

import (
	"encoding/base64"
	"strings"
	"sync"
	"testing"

	"autoscalebot/internal/observe"
)

func TestRedactorShapes(t *testing.T) {
	r := observe.NewRedactor()
	for _, test := range []struct{ name, text, want string }{
		{"bot token", "token xoxb-1-2-aB3.", "token [redacted]"},
		{"every kind of token", "xoxa-1a xoxb-1b xoxe-1c xoxp-1d xoxr-1e xoxs-1f", "[redacted] [redacted] [redacted] [redacted] [redacted] [redacted]"},
		{"rotated token", "xoxe.xoxb-1-Mi0yLTk", "[redacted]"},
		{"refresh token", "xoxe-1-My0xLW", "[redacted]"},
		{"upper case", "XOXB-1-2-A", "[redacted]"},
		{"app token", `"xapp-1-A0B1-123-abc"`, `"[redacted]"`},
		{"response_url", `Post "https://hooks.slack.com/commands/T1/2/Ab": dial tcp: refused`, `Post "https://hooks.slack.com/[redacted]": dial tcp: refused`},
		{"mrkdwn link", "<https://hooks.slack.com/services/T1/B2/Ab|x>", "<https://hooks.slack.com/[redacted]|x>"},
		{"action's response_url elsewhere", "http://127.0.0.1:8099/actions/T1/2/Ab?x=1 failed", "http://127.0.0.1:8099/actions/[redacted] failed"},
		{"path alone", "POST /commands/T1/2/Ab 404", "POST /commands/[redacted] 404"},
		{"socket address", "dial wss://wss-primary.slack.com/link/?ticket=ab-12&app_id=A1: EOF", "dial wss://wss-primary.slack.com/link/?ticket=[redacted]&app_id=A1: EOF"},
		{"ticket in JSON with HTML escapes", `{"url":"wss://h/?ticket=ab\u0026app_id=A1"}`, `{"url":"wss://h/?ticket=[redacted]\u0026app_id=A1"}`},
		{"header", "Authorization: Api-Key abc.DEF\nAccept: x", "Authorization: [redacted]\nAccept: x"},
		{"header in lower case", "authorization: bearer abc", "authorization: [redacted]"},
		{"http.Header", "map[Authorization:[Bearer abc] X:[y]]", "map[Authorization:[[redacted]] X:[y]]"},
		{"header in JSON", `{"Authorization":["Api-Key abc"],"X":"y"}`, `{"Authorization":["[redacted]"],"X":"y"}`},
		{"header in JSON in JSON", `{"b":"{\"Authorization\":\"Api-Key abc\"}"}`, `{"b":"{\"Authorization\":\"[redacted]\"}"}`},
		{"key without its header", "sent Api-Key abc.DEF, refused", "sent Api-Key [redacted], refused"},
		{"bearer without its header", "sent BEARER abc.DEF refused", "sent BEARER [redacted] refused"},
		{"trigger_id by name", "trigger_id=12.34.ab", "trigger_id=[redacted]"},
		{"trigger_id in JSON", `{"trigger_id":"12.34.ab","x":1}`, `{"trigger_id":"[redacted]","x":1}`},
		{"trigger_id in a struct", "{TriggerID:12.34.ab Text:max=7}", "{TriggerID:[redacted] Text:max=7}"},
		{"trigger_id by shape", "open view 13345224609.738474920.8088930838d88f008e0 failed", "open view [redacted] failed"},
		{"database address", "postgres://bot:pa55@db:5432/x?sslmode=require", "postgres://bot:[redacted]@db:5432/x?sslmode=require"},
		{"database address, raw password", "postgresql://bot:p@:/ss@db/x", "postgresql://bot:[redacted]@db/x"},
		{"database keywords", "host=db password='a b' user=bot", "host=db password=[redacted] user=bot"},
		{"several", "xoxb-1 and ticket=2 and xapp-3", "[redacted] and ticket=[redacted] and [redacted]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := r.String(test.text); got != test.want {
				t.Errorf("String(%q)\n got %q\nwant %q", test.text, got, test.want)
			}
		})
	}
}

// Ordinary text must stay as it is, or the log tells nothing.
func TestRedactorLeavesTheRest(t *testing.T) {
	r := observe.NewRedactor("S3cretKey!")
	for _, text := range []string{
		"",
		"SLACK_BOT_TOKEN must start with xoxb-",
		"U0REQUESTER asked for llama-70b production max=7 (#7K2QX)",
		"2026-11-22T23:10:55.123456789Z\tinfo\tcommands/parse.go:12\tready",
		"at autoscalebot/internal/commands/parse.go:12",
		"message ts 1732316400.123456 in C0MLOPS",
		"not authorized",
		"release 1.26.8 took 12345.67890 s",
		"postgres://db/x",
		"see https://api.baseten.co/v1/models/m1/deployments/d1/autoscaling_settings",
		"/autoscale llama-70b production max=7",
		"key S3cret",
		"BASETEN_AUTH_SCHEME: must be Api-Key or Bearer",
		"DATABASE_URL: write postgres://USER:PASSWORD@HOST:PORT/NAME, with special characters percent-encoded",
	} {
		if got := r.String(text); got != text {
			t.Errorf("String(%q) = %q", text, got)
		}
	}
}

func TestRedactorAdd(t *testing.T) {
	for _, test := range []struct {
		name    string
		secrets []string
		text    string
		want    string
	}{
		{"by value", []string{"abcd.EFGH"}, "key abcd.EFGH.", "key [redacted]."},
		{"as read from a file", []string{"abcd.EFGH\n"}, "key abcd.EFGH.", "key [redacted]."},
		{"twice in a line", []string{"abcd.EFGH"}, "abcd.EFGHabcd.EFGH", "[redacted][redacted]"},
		{"too short", []string{"max=123", ""}, "max=123", "max=123"},
		{"one within another", []string{"abcdefgh", "xxabcdefghxx"}, "xxabcdefghxx abcdefgh", "[redacted] [redacted]"},
		{"in a query", []string{"ab/cd=ef gh"}, "k=ab%2Fcd%3Def+gh&", "k=[redacted]&"},
		{"in JSON", []string{`ab"cd\efgh`}, `{"k":"ab\"cd\\efgh"}`, `{"k":"[redacted]"}`},
		{"in JSON with HTML escapes", []string{"ab<cd>&efgh"}, `{"k":"ab\u003ccd\u003e\u0026efgh"}`, `{"k":"[redacted]"}`},
		{"in %q in JSON", []string{`ab"cdefgh`}, `{"k":"post \"ab\\\"cdefgh\""}`, `{"k":"post \"[redacted]\""}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := observe.NewRedactor(test.secrets...).String(test.text); got != test.want {
				t.Errorf("String(%q)\n got %q\nwant %q", test.text, got, test.want)
			}
		})
	}
}

// In base64 a secret may stand at any byte of a longer text, and have any length.
func TestRedactorBase64(t *testing.T) {
	for _, secret := range []string{"s3cret-key?", "s3cret-key?x", "s3cret-key?xy"} {
		r := observe.NewRedactor(secret)
		for before := range 4 {
			for after := range 4 {
				text := strings.Repeat("u", before) + secret + strings.Repeat("v", after)
				for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
					if got := r.String(enc.EncodeToString([]byte(text))); !strings.Contains(got, observe.Redacted) {
						t.Errorf("%q stands as %q", text, got)
					}
				}
			}
		}
	}
}

// A key is read again while the bot runs.
func TestRedactorAddWhileInUse(t *testing.T) {
	r := observe.NewRedactor("first-key-1")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				if got := r.String("first-key-1"); got != observe.Redacted {
					t.Errorf("the first key stands as %q", got)
				}
			}
		})
	}
	wg.Go(func() { r.Add("second-key-2") })
	wg.Wait()
	if got := r.String("first-key-1 second-key-2"); got != "[redacted] [redacted]" {
		t.Errorf("after Add: %q", got)
	}
}

func BenchmarkRedactor(b *testing.B) {
	r := observe.NewRedactor("kP3nV8qw.Zr5tY7uI9oA1sD3fG5hJ7kL9", "postgres-password-1", "xoxb-123-456-abcdef")
	line := `{"level":"info","time":"2026-11-22T23:10:55.123456789Z","caller":"change/advance.go:120","msg":"patch sent","request":"#7K2QX","user":"U0REQUESTER","model":"llama-70b","target":"production","attempt":1}`
	for _, test := range []struct{ name, text string }{
		{"nothing to redact", line},
		{"a token", line + "xoxb-12-34-AbCdEf"},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(test.text)))
			for b.Loop() {
				r.String(test.text)
			}
		})
	}
}
