package pagetest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"autoscalebot/internal/sandbox/pagetest"
)

// broken has each fault that Sound looks for, once.
const broken = `<!doctype html><title>x</title><body data-ready="true" style="background:#fff">
<h1>one</h1><h1>two</h1><p id="p">a</p><p id="p">b</p>
<ol role="log" aria-label="x"><li>stray</li></ol>
<button></button><input aria-describedby="gone"><span role="option">o</span><span role="switch" aria-label="s">s</span>
<p style="color:#aaa">faint</p></body>`

func TestSoundFindsFaults(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(broken))
	}))
	defer server.Close()
	found := pagetest.Open(t, server.URL, 800, 600).Faults()
	for _, want := range []string{
		"id twice: p", "2 h1", "0 main", "li outside of a list", "a list that is a log", "no name: button", "no name: input",
		"aria-describedby names nothing", "option outside of", "no aria-checked", "contrast 2.3",
	} {
		if !strings.Contains(found, want) {
			t.Errorf("%q was not found in:\n%s", want, found)
		}
	}
}
