package slackbot

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"autoscalebot/internal/authz"
)

// What people do on a bad night fits into a bucket. What is above it is acknowledged,
// told once in a while, and takes nothing from others.
func TestBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, "https://slack.com/api/")
		acked := 0
		d := &delivery{envelope: &envelope{id: "env-1", received: time.Now()}, ctx: t.Context(), bot: l.bot}
		d.ack = func(context.Context, string, any) error { acked++; return nil }
		try := func(user string, times int) (admitted int) {
			for range times {
				if l.bot.admit(d, asker{person: authz.Person{ID: user}}, "slash", nil) {
					admitted++
				}
			}
			return admitted
		}
		for person := range 100 {
			if got := try(fmt.Sprintf("U%d", person), 5); got != 5 {
				t.Fatalf("of 5 commands of one of 100 people %d were taken", got)
			}
		}
		for range 10 { // 60 approvals within a minute, and again in the next
			if got := try("U0LEAD", 60); got != 60 {
				t.Fatalf("of 60 approvals in a minute %d were taken", got)
			}
			<-time.After(time.Minute)
		}
		if got := try("U0GUEST", actBurst+70); got != actBurst || acked != 70 {
			t.Errorf("of 670 clicks %d were taken, and %d of the others acknowledged", got, acked)
		}
		if waits := l.bot.loop.answers.waits(); waits != 2 {
			t.Errorf("%d things are done about the rest, want an answer and an event", waits)
		}
		<-time.After(pauseFor)
		if got := try("U0GUEST", 130); got != int(pauseFor/actEvery) {
			t.Errorf("after the pause %d were taken, want %d", got, int(pauseFor/actEvery))
		}
		if waits := l.bot.loop.answers.waits(); waits != 3 {
			t.Errorf("%d things are done, want one answer more and no second event within a minute", waits)
		}
		for person := range 2 * mostPeople {
			try(fmt.Sprintf("W%d", person), 1)
		}
		if n := len(l.bot.buckets.of.values); n != mostPeople {
			t.Errorf("%d buckets are kept, want %d", n, mostPeople)
		}
	})
}
