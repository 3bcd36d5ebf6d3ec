package slackbot

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"autoscalebot/internal/slackbot/view"
)

// A form that somebody has changed meanwhile shows the last choice, and one that was
// closed is let be.
func TestFormIsUpdated(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []http.HandlerFunc
		newer   bool // something was chosen meanwhile
		hashes  string
		fails   bool
	}{
		{"as it was", []http.HandlerFunc{say(`{"ok":true,"view":{"hash":"h2"}}`)}, false, "h1", false},
		{"changed meanwhile", []http.HandlerFunc{refuse("hash_conflict"), say(`{"ok":true,"view":{"hash":"h2"}}`)}, false, "h1,", false},
		{"chosen meanwhile", []http.HandlerFunc{refuse("hash_conflict")}, true, "h1", false},
		{"closed", []http.HandlerFunc{refuse("not_found")}, false, "h1", false},
		{"broken once", []http.HandlerFunc{status(500), say(`{"ok":true,"view":{"hash":"h2"}}`)}, false, "h1,h1", false},
		{"broken, and shown", []http.HandlerFunc{status(500), refuse("hash_conflict"), say(`{"ok":true,"view":{"hash":"h2"}}`)}, false, "h1,h1,", false},
		{"refused", []http.HandlerFunc{refuse("invalid_arguments")}, false, "h1", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var hashes []string
			api := &wordAPI{answers: map[string][]http.HandlerFunc{}}
			for _, answer := range c.answers {
				api.answers["views.update"] = append(api.answers["views.update"], func(w http.ResponseWriter, r *http.Request) {
					var sent struct{ Hash string }
					if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
						t.Error(err)
					}
					hashes = append(hashes, sent.Hash)
					answer(w, r)
				})
			}
			l := newLab(t, "https://slack.example/api/")
			l.api.http = &http.Client{Transport: handler(api.serve)}
			f := &filling{}
			one := &choice{viewID: "V1", hash: "h1"}
			if c.newer {
				f.newest = &choice{}
			}
			err := l.bot.updateForm(t.Context(), f, one, view.Form{})
			if got := strings.Join(hashes, ","); got != c.hashes || (err != nil) != c.fails {
				t.Errorf("sent with hashes %q, %v; want %q", got, err, c.hashes)
			}
		})
	}
}

// What is chosen before the form was brought up to date goes on from what it became.
func TestFormHashes(t *testing.T) {
	s, f := newForms(), &filling{}
	s.showed(f, &choice{viewID: "V1", hash: "h1"}, "h2")
	for _, c := range []struct{ view, hash, want string }{{"V1", "h1", "h2"}, {"V1", "h2", "h2"}, {"V1", "h3", "h3"}, {"V2", "h1", "h1"}} {
		if got := s.hashFor(f, &choice{viewID: c.view, hash: c.hash}); got != c.want {
			t.Errorf("%v goes on from %s", c, got)
		}
	}
}

func TestSpoken(t *testing.T) {
	m := slack.Msg{Text: "ALERT", Attachments: []slack.Attachment{{
		Title: "p95 latency", Text: "llama-70b is slow", Fields: []slack.AttachmentField{{Title: "model", Value: "3ydn1e43"}},
	}}}
	for _, part := range []string{"ALERT", "p95 latency", "llama-70b is slow", "3ydn1e43"} {
		if !strings.Contains(spoken(m), part) {
			t.Errorf("%q is not spoken of in %q", part, spoken(m))
		}
	}
	m.Text = strings.Repeat("ä", mostSpoken)
	if n := len(spoken(m)); n > mostSpoken {
		t.Errorf("%d bytes are looked through", n)
	}
}

// Changes are not made in direct messages: there the form asks for the channel.
func TestKeptAt(t *testing.T) {
	for channel, want := range map[string]string{"C0OPS": "C0OPS", "G0OPS": "G0OPS", "D0ANA": "", "": ""} {
		if got := keptAt(channel, "1.2").Channel; got != want {
			t.Errorf("in %q the form is for %q", channel, got)
		}
	}
}
