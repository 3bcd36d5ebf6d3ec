package change_test

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/basetensim"
)

// Whoever is refused stands in the audit log as the actor, as Slack knows them,
// whatever they came with: a command, a click, or the wish to ask again.
func TestRefusalsNameThePerson(t *testing.T) {
	const stranger = "U0XAV"
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sweepPolicy)
		defer w.close()
		w.slack.people[stranger] = authz.Person{ID: stranger, Name: "XAV", Membership: authz.Foreign}
		bot := w.boot(0)
		defer bot.bury()
		ask := func(who, model string, maxReplica int) change.ID {
			t.Helper()
			in := w.asks(who, "production", baseten.Settings{baseten.MaxReplica: maxReplica})
			in.Ask.Model = model
			r, err := bot.Submit(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			bot.Start(r.ID)
			pass(time.Second)
			return r.ID
		}
		press := func(who string, id change.ID, verb change.Verb) error {
			err := bot.Do(t.Context(), change.Act{
				Delivery: w.delivery(), Person: authz.Person{ID: who}, ID: id, Verb: verb, Message: change.MessageRef{Channel: "C0ELSE"},
			})
			synctest.Wait()
			return err
		}
		refused := func(err error) {
			t.Helper()
			var no *change.Refused
			if !errors.As(err, &no) {
				t.Fatalf("error = %v, want a refusal", err)
			}
		}

		nothing := ask(eve, "llama-70b", 5)
		if _, err := w.db.Get(t.Context(), nothing); !errors.Is(err, change.ErrNotFound) {
			t.Errorf("of who may change nothing a request is kept: %v", err)
		}
		ask(ana, "lama-70b", 5)
		waiting := ask(ana, "llama-70b", 12)
		refused(press(eve, waiting, change.VerbApprove))
		refused(press(stranger, waiting, change.VerbApprove))
		refused(press(lea, "ZZZZZ", change.VerbApprove))
		if err := w.baseten.ChangeEnvironmentBehindTheBack(basetensim.DemoLlama, "production", basetensim.Changes{"max_replica": 5}); err != nil {
			t.Fatal(err)
		}
		if err := press(lea, waiting, change.VerbApprove); err != nil {
			t.Fatal(err)
		}
		bot.Start(waiting)
		pass(time.Second)
		if got := w.get(waiting); got.State != change.Stale {
			t.Fatalf("the request is %s, want stale", got.State)
		}
		_, err := bot.AskAgain(t.Context(), change.Submission{Delivery: w.delivery(), Requester: authz.Person{ID: stranger}, Channel: channel}, waiting)
		refused(err)

		type refusal struct {
			Actor      string
			Membership authz.Membership
			Verb       change.Verb
			Code       change.Code
			Requester  string
		}
		var got []refusal
		for _, e := range w.events() {
			if e.Kind != change.EventRefused && e.To != change.Denied && e.To != change.Failed {
				continue
			}
			var d change.EventDetail
			if len(e.Detail) > 0 {
				if err := json.Unmarshal(e.Detail, &d); err != nil {
					t.Fatal(err)
				}
			}
			got = append(got, refusal{e.Actor.Name, e.Actor.Membership, e.Verb, e.Reason.Code, d.Requester.ID})
		}
		want := []refusal{
			{"EVE", authz.Member, "", change.PolicyDenied, eve},
			{"ANA", authz.Member, "", change.NameNotFound, ana},
			{"EVE", authz.Member, change.VerbApprove, change.NotApprover, ana},
			{"XAV", authz.Foreign, change.VerbApprove, change.MembersOnly, ""},
			{"LEA", authz.Member, change.VerbApprove, change.RequestNotFound, ""},
			{"XAV", authz.Foreign, change.VerbAskAgain, change.MembersOnly, ""},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		for _, e := range w.events() {
			if e.Kind == change.EventRefused && e.Actor.ID == "" {
				t.Errorf("event %d has no actor", e.Seq)
			}
		}
	})
}

// The detail of an event is the request as it was then.
func TestEventDetail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sweepPolicy)
		defer w.close()
		bot := w.boot(0)
		defer bot.bury()
		in := w.asks(ana, "production", baseten.Settings{baseten.MaxReplica: 12})
		in.Ask.Reason, in.Ask.BreakGlass = "the queue is on fire", true
		r, err := bot.Submit(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		bot.Start(r.ID)
		pass(time.Second)
		now := w.get(r.ID)
		for _, e := range w.events() {
			if e.To != change.Applied || e.Kind != change.EventMoved {
				continue
			}
			var d change.EventDetail
			if err := json.Unmarshal(e.Detail, &d); err != nil {
				t.Fatal(err)
			}
			want := change.EventDetail{
				Command: in.Ask.Text, Settings: in.Ask.Settings, Before: now.Snapshot.Settings, Reason: in.Ask.Reason,
				Requester: now.Requester, Target: now.Target, BreakGlass: true, Sends: 1, Answer: now.Answer, Outcome: d.Outcome,
				Channel: "ops", Message: now.Messages.Card.Ref,
			}
			if diff := cmp.Diff(want, d); diff != "" || want.Before[baseten.MaxReplica] != 4 || want.Answer.Status == "" {
				t.Errorf("answer %q, before %v (-want +got)\n%s", want.Answer.Status, want.Before, diff)
			}
			return
		}
		t.Errorf("it was not applied: it is %s (%s)", now.State, now.Reason.Code)
	})
}
