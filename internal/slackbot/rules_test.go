package slackbot

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
)

// shown is one view of one request.
type shown struct {
	name string
	r    *change.Request
	part change.Part
	m    message
}

// every is every view of every request.
func every() []shown {
	var out []shown
	for _, v := range views {
		for _, part := range v.parts {
			out = append(out, shown{v.name + "/" + partNames[part], v.r, part, render(v.r, part)})
		}
	}
	return out
}

// texts finds the text objects and rich text elements of a type in a message.
func texts(t *testing.T, m message, kind, field string) []string {
	t.Helper()
	raw, err := json.Marshal(m.blocks)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	var out []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if text, ok := v[field].(string); ok && v["type"] == kind {
				out = append(out, text)
			}
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	walk(tree)
	return out
}

// Messages are a view of the request, and of nothing else.
func TestRenderIsPure(t *testing.T) {
	for _, v := range every() {
		t.Run(v.name, func(t *testing.T) {
			r, part, m := v.r, v.part, v.m
			before := *r
			if diff := cmp.Diff(m.wire(), render(r, part).wire()); diff != "" {
				t.Errorf("rendered again it differs:\n%s", diff)
			}
			if diff := cmp.Diff(&before, r); diff != "" {
				t.Errorf("rendering changed the request:\n%s", diff)
			}
		})
	}
}

// Nothing that a person or Baseten supplied stands where markup is alive.
func TestOnlyMentionsAreMarkup(t *testing.T) {
	alive := regexp.MustCompile(`^by <@[UW][A-Z0-9]+>$`)
	for _, v := range every() {
		t.Run(v.name, func(t *testing.T) {
			m := v.m
			for _, text := range texts(t, m, "mrkdwn", "text") {
				if !alive.MatchString(text) {
					t.Errorf("markup holds %q", text)
				}
			}
			left := regexp.MustCompile(`<@[UW][A-Z0-9]+>|<!date\^\d+\^[^<>|]*\|[^<>|]*>`).ReplaceAllString(m.text, "")
			if strings.ContainsAny(left, "<>\x07\u202e") {
				t.Errorf("text holds live markup: %q", left)
			}
		})
	}
}

// Card and reply name what they are about, in a small line, with the requester.
func TestIdentifiers(t *testing.T) {
	for _, v := range every() {
		t.Run(v.name, func(t *testing.T) {
			r, part, m := v.r, v.part, v.m
			if part != change.Root && part != change.Result {
				return
			}
			last, ok := m.blocks[len(m.blocks)-1].(*slack.ContextBlock)
			if !ok {
				t.Fatalf("the last block is %T, want a context line", m.blocks[len(m.blocks)-1])
			}
			ids := message{blocks: []slack.Block{last}}
			said := strings.Join(append(texts(t, ids, "plain_text", "text"), texts(t, ids, "mrkdwn", "text")...), " ")
			for _, want := range []string{"#" + string(r.ID), r.Target.ModelID, r.Target.DeploymentID, "<@" + r.Requester.ID + ">"} {
				if !strings.Contains(said, want) {
					t.Errorf("the small line does not name %q: %s", want, said)
				}
			}
		})
	}
}

// The reply calls the requester and nobody else.
func TestReplyMentionsTheRequesterAlone(t *testing.T) {
	for _, v := range every() {
		t.Run(v.name, func(t *testing.T) {
			r, part, m := v.r, v.part, v.m
			if part != change.Result {
				return
			}
			called := texts(t, m, "user", "user_id")
			if called = slices.Compact(called); len(called) != 1 || called[0] != r.Requester.ID {
				t.Errorf("the reply mentions %q", called)
			}
		})
	}
}

// A card that waits calls those who can act, and nobody twice.
func TestCardMentions(t *testing.T) {
	for _, v := range every() {
		t.Run(v.name, func(t *testing.T) {
			r, part, m := v.r, v.part, v.m
			if part != change.Root || r.State != change.Pending {
				return
			}
			called := texts(t, m, "user", "user_id")
			for _, id := range called {
				if id != r.Requester.ID && !slices.Contains(r.Ruling.Approvers, id) {
					t.Errorf("the card mentions %s, who cannot act", id)
				}
			}
			if len(called) > 8 {
				t.Errorf("the card mentions %d people", len(called))
			}
		})
	}
}

// Buttons go with what they are for.
func TestButtons(t *testing.T) {
	for _, v := range every() {
		t.Run(v.name, func(t *testing.T) {
			r, part, m := v.r, v.part, v.m
			var want []string
			switch {
			case part == change.Root && r.State == change.Pending && r.Ruling.Effect == "confirm":
				want = []string{actionConfirm, actionCancel}
			case part == change.Root && r.State == change.Pending:
				want = []string{actionApprove, actionDeny, actionBreakGlass}
			case part == change.Result && (r.State == change.Stale || r.State == change.Expired):
				want = []string{actionAskAgain}
			case part == change.ReviewCard && r.Review.Open:
				want = []string{actionReview}
			}
			got := texts(t, m, "button", "action_id")
			if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
				t.Errorf("buttons %q, want %q", got, want)
			}
			for _, value := range texts(t, m, "button", "value") {
				if value != string(r.ID) {
					t.Errorf("a button carries %q", value)
				}
			}
		})
	}
}

// A failure says so in lower case, and no status word in capitals.
func TestFailureWords(t *testing.T) {
	for _, v := range every() {
		t.Run(v.name, func(t *testing.T) {
			r, part, m := v.r, v.part, v.m
			if r.State != change.Failed {
				return
			}
			said := m.text + strings.Join(texts(t, m, "text", "text"), " ")
			if !strings.Contains(said, "failed") || regexp.MustCompile(`ACCEPTED|QUEUED|UNCHANGED|FAILED`).MatchString(said) {
				t.Errorf("%s says %q", partNames[part], said)
			}
		})
	}
}

// A card is short enough for a phone: eight lines, buttons included. What the
// requester or Baseten made long is folded by Slack, below what decides.
func TestCardsAreShort(t *testing.T) {
	w := newWorkspace(t)
	for _, v := range views {
		long := strings.HasPrefix(v.name, "long") || strings.HasPrefix(v.name, "hostile") ||
			v.name == "changes-notes" || v.name == "changes-several"
		if v.parts[0] != change.Root || long {
			continue
		}
		read := w.reads(t, render(v.r, change.Root))
		if n := strings.Count(read, "\n") + 1; n > 8 {
			t.Errorf("%s has %d lines:\n%s", v.name, n, read)
		}
	}
}

// Baseten's status and message are shown as they came.
func TestAnswerIsVerbatim(t *testing.T) {
	w := newWorkspace(t)
	for _, c := range []struct{ status, message, want string }{
		{"ACCEPTED", "Autoscaling settings update was accepted.", "@ana Baseten: ACCEPTED — Autoscaling settings update was accepted."},
		{"QUEUED", "", "@ana Baseten: QUEUED"},
		{"UNCHANGED", "*No* <change> & `no` :tada:", "@ana Baseten: UNCHANGED — *No* <change> & `no` :tada:"},
		{"DEFERRED", "Later", "@ana Baseten: unknown status DEFERRED — Later"},
		{"", "", "@ana Baseten: no status given"},
		{"", "Only a message", "@ana Baseten: no status given — Only a message"},
		{"ACCEPTED", "one\ntwo", "@ana Baseten: ACCEPTED\none\ntwo"},
		{"ACCEPTED", strings.Repeat("x", 3000), "@ana Baseten: ACCEPTED — " + strings.Repeat("x", 3000)},
	} {
		got := w.reads(t, render(a(applied(c.status, c.message)), change.Result))
		if got, _, _ := strings.Cut(got, "\n#K7Q2M"); got != c.want {
			t.Errorf("%q %q reads %q, want %q", c.status, c.message, got, c.want)
		}
	}
}
