package view

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
)

// pinged are those whom a message notifies: whom it mentions, in its blocks or in its
// text, each once.
func pinged(t *testing.T, m Message) string {
	t.Helper()
	who := map[string]string{ana.ID: "the requester", lea.ID: "the approvers", leo.ID: "the approvers", "U0OTHER": "somebody else"}
	var out []string
	note := func(id string) {
		if !slices.Contains(out, who[id]) {
			out = append(out, who[id])
		}
	}
	for _, id := range fieldOf(t, m, "user", "user_id") {
		note(id)
	}
	marks := regexp.MustCompile(`<@(U[A-Z0-9]+)>`)
	for _, text := range append(fieldOf(t, m, "mrkdwn", "text"), m.Text) {
		for _, found := range marks.FindAllStringSubmatch(text, -1) {
			note(found[1])
		}
	}
	slices.Sort(out)
	if out == nil {
		return "nobody"
	}
	return strings.Join(out, ", ")
}

// Who is notified, and when, is one table in the documentation, and this is it.
func TestWhoIsPinged(t *testing.T) {
	quick := func(r *change.Request) { r.OwedSince = r.EndedAt.Add(-2 * time.Second) }
	byAna := func(r *change.Request) { r.Requester = ana }
	moved := in(change.Stale, change.Reason{Code: change.SettingsMoved, Moved: movedTo5()})
	cases := []struct {
		when string
		part change.Part
		r    *change.Request
	}{
		{"Asked, at once or to be confirmed", change.Card, a(posted)},
		{"Asked, waits for others", change.Card, a(pending)},
		{"Asked again by somebody else", change.Card, a(pending, func(r *change.Request) {
			r.Origin = change.Origin{ID: "9ABCD", Kind: change.OriginAgain, Requester: authz.Person{ID: "U0OTHER"}}
		})},
		{"Half of the time is over", change.Reminder, a(pending)},
		{"Approved, and done", change.Reply, a(agreed, took)},
		{"Done a moment after it was asked", change.Reply, a(took, quick)},
		{"Denied, expired, stale or failed", change.Reply, a(agreed, moved)},
		{"Bad news after the reply", change.BadNews, a(took, became(change.Overruled), func(r *change.Request) { r.News.Code = change.Overruled })},
		{"A temporary change ends in 10 min", change.EndNotice, a(forTime(2*time.Hour), holds)},
		{"It went back at its time", change.Reply, a(ending(change.OriginTimeUp, ana), took)},
		{"Somebody else ended it early", change.Reply, a(ending(change.OriginEndNow, lea), took)},
		{"It did not go back", change.Reply, a(ending(change.OriginTimeUp, ana), in(change.Stale, frozenReason()))},
		{"It still has not gone back, daily", change.EndOverdue, a(forTime(2*time.Hour), holds, overdue)},
		{"Somebody else asks to end it", change.Card, a(pending, ending(change.OriginEndAsked, authz.Person{ID: "U0OTHER", Name: "ben"}))},
		{"Frozen", change.Card, a(freeze, byAna, freezes)},
		{"A freeze was thawed by somebody else", change.Reply, a(freeze, byAna, thawedBy(leo))},
		{"A freeze is over by itself", change.Reply, a(freeze, byAna, thawedBy(authz.Person{}))},
		{"An approval was skipped", change.ReviewCard, a(breakGlass)},
		{"A review is not signed, daily", change.ReviewReminder, a(breakGlass)},
	}
	doc, err := os.ReadFile("../../../docs/how-it-works.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(doc), "## Who is notified")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := 0
	for row := range strings.Lines(table) {
		if strings.HasPrefix(row, "| ") && !strings.HasPrefix(row, "| when") {
			rows++
		}
	}
	if rows != len(cases) {
		t.Errorf("the table has %d rows, want %d", rows, len(cases))
	}
	for _, c := range cases {
		row := "| " + c.when + " | " + c.part.String() + " | " + pinged(t, Request(c.r, c.part)) + " |"
		if !strings.Contains(table, row) {
			t.Errorf("the table lacks: %s", row)
		}
	}
	// Edits notify nobody, and what is seen by one person alone pings nobody else.
	for _, v := range every() {
		if v.part == private {
			continue
		}
		if n := strings.Count(pinged(t, v.m), "somebody else"); n > 0 && v.r.Origin.Requester.ID == "" {
			t.Errorf("%s pings somebody who has no part in it", v.name)
		}
	}
}
