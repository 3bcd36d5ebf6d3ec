package view

import (
	"testing"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// For a time.

// forTime is a change that is to hold for so long.
func forTime(d time.Duration) func(*change.Request) {
	return func(r *change.Request) { r.Ask.For, r.Snapshot.Back = d, baseten.Settings{baseten.MaxReplica: 4} }
}

// untilTime is one that is to hold until then, as said by somebody in Berlin.
func untilTime(t time.Time) func(*change.Request) {
	return func(r *change.Request) {
		r.Ask.Until, r.Snapshot.Back, r.Requester.Zone = t, baseten.Settings{baseten.MaxReplica: 4}, "Europe/Berlin"
	}
}

// holds is a temporary change that was applied.
func holds(r *change.Request) {
	took(r)
	ends := r.Ask.Until
	if ends.IsZero() {
		ends = r.AppliedAt.Add(r.Ask.For)
	}
	r.Term = change.Term{EndsAt: ends, Since: r.AppliedAt, DueAt: ends, NoticeAt: ends.Add(-10 * time.Minute)}
}

// ceased is what became of a temporary change.
func ceased(how change.OriginKind, back baseten.Settings) func(*change.Request) {
	return func(r *change.Request) {
		r.Term = change.Term{EndsAt: r.Term.EndsAt, Since: r.Term.Since, OverAt: r.Term.EndsAt, By: "E3NDS", How: how, Back: back}
	}
}

func toFour() baseten.Settings { return baseten.Settings{baseten.MaxReplica: 4} }

// overdue could not go back.
func overdue(r *change.Request) {
	r.Term.DueAt, r.Term.NoticeAt, r.Term.AskAt = time.Time{}, time.Time{}, r.Term.EndsAt.Add(24*time.Hour)
}

// prolongs is one that lets #9ABCD hold longer, or for good.
func prolongs(how change.OriginKind, who authz.Person) func(*change.Request) {
	return func(r *change.Request) {
		r.Requester = who
		r.Origin = change.Origin{ID: "9ABCD", Kind: how, Requester: ana, Link: "https://acme.slack.com/archives/C0/p1"}
		r.Snapshot.Settings = r.Snapshot.Settings.With(baseten.Settings{baseten.MaxReplica: 7})
		r.Snapshot.Cost = &baseten.Cost{FloorBefore: 13, FloorAfter: 13, CeilingBefore: 45.5, CeilingAfter: 45.5}
	}
}

// ending is a request that ends #9ABCD of ana: max 7 → 4.
func ending(how change.OriginKind, who authz.Person) func(*change.Request) {
	return func(r *change.Request) {
		prolongs(how, who)(r)
		r.ID, r.Kind, r.Ask = "E3NDS", change.KindRevert, change.Ask{Text: "end #9ABCD", Model: "3ydn1e43", Target: "production", Settings: toFour()}
		r.Snapshot.Cost = &baseten.Cost{FloorBefore: 13, FloorAfter: 13, CeilingBefore: 45.5, CeilingAfter: 26}
		r.Thread = "1793714520.000100"
		r.OwedSince = asked
	}
}

// freeze is one of lea's, of llama-70b until Monday morning.
func freeze(r *change.Request) {
	r.ID, r.Kind, r.Requester = "FR0ST", change.KindFreeze, authz.Person{ID: lea.ID, Name: "lea", Zone: "Europe/Berlin"}
	r.Ask = change.Ask{Text: `freeze llama-70b until="Mon 08:00" reason=launch`, Model: "llama-70b", Until: asked.Add(138 * time.Hour), Reason: "launch"}
	r.Target, r.Snapshot, r.Decision = baseten.Target{ModelID: "3ydn1e43", Model: "llama-70b"}, change.Snapshot{}, authz.Decision{}
	posted(r)
}

func everything(r *change.Request) {
	r.Target, r.Ask.Model = baseten.Target{}, change.AllModels
}

func freezes(r *change.Request) {
	in(change.Applied, change.Reason{})(r)
	r.AppliedAt = asked
	r.Term = change.Term{EndsAt: r.Ask.Until, Since: asked, DueAt: r.Ask.Until}
}

// thawedBy is over, by itself where nobody thawed it.
func thawedBy(p authz.Person) func(*change.Request) {
	return func(r *change.Request) {
		freezes(r)
		r.CanceledBy, r.Term.OverAt, r.Term.DueAt = p, r.Ask.Until, time.Time{}
		if p.ID != "" {
			r.Term.OverAt = asked.Add(time.Hour)
		}
	}
}

// byLea is that freeze in somebody's way.
func byLea() *change.Freeze {
	return &change.Freeze{
		ID: "FR0ST", By: lea, Model: "llama-70b", Until: asked.Add(138 * time.Hour), Reason: "launch",
		Thaw: []string{"leads", leo.ID}, Link: "https://acme.slack.com/archives/C0/p1",
	}
}

func frozenReason() change.Reason { return change.Reason{Code: change.Frozen, Freeze: byLea()} }

// livingForTime are temporary changes, ends and freezes that have not ended.
func livingForTime() []shown {
	evening := asked.Add(3 * time.Hour)
	return []shown{
		{"for 2 h", a(posted, forTime(2*time.Hour))},
		{"until the evening", a(posted, untilTime(evening))},
		{"until as it was typed", a(posted, func(r *change.Request) { r.Ask.Clock = "Fri 18:00" })},
		{"for 2 h, pending", a(pending, forTime(2*time.Hour), giving("load test"))},
		{"for days, within another one", a(pending, forTime(50*time.Hour), func(r *change.Request) { r.Snapshot.Back = baseten.Settings{baseten.MaxReplica: 7} })},
		{"for 2 h, approved", a(agreed, forTime(2*time.Hour))},
		{"under a temporary change", a(pending, asks(baseten.Settings{baseten.MaxReplica: 29}), noted(change.Note{
			Code: change.NoteHeld, Request: "9ABCD", Until: evening, Moved: []change.Moved{{Field: baseten.MaxReplica, Was: five(), Is: four()}},
		}))},
		{"ends within a schedule", a(posted, forTime(2*time.Hour), noted(change.Note{
			Code: change.NoteEndInWindow, Name: "night", Until: asked.Add(2 * time.Hour), Fields: []baseten.Field{baseten.MaxReplica}, Moved: []change.Moved{{Field: baseten.MaxReplica, Is: five()}},
		}))},
		{"extends, pending", a(pending, untilTime(evening), prolongs(change.OriginExtends, leo))},
		{"keeps, to be confirmed", a(confirm, prolongs(change.OriginKeeps, ana))},
		{"somebody else ends it, pending", a(pending, ending(change.OriginEndAsked, authz.Person{ID: "U0BEN", Name: "ben"}))},
		{"freeze, about to be in force", a(freeze)},
		{"freeze for 2 h, about to be in force", a(freeze, everything, func(r *change.Request) { r.Ask.Until, r.Ask.For = time.Time{}, 2*time.Hour })},
	}
}

// overForTime are temporary changes, ends and freezes that ended.
func overForTime() []shown {
	two := forTime(2 * time.Hour)
	self := func(r *change.Request) { r.Term.OverAt = r.Term.OverAt.Add(-time.Hour) }
	gone := func(code change.Code, steps ...func(*change.Reason)) change.Reason {
		why := only(code)
		for _, step := range steps {
			step(&why)
		}
		return why
	}
	return []shown{
		{"holds", a(two, holds)},
		{"holds until the evening", a(untilTime(asked.Add(3*time.Hour)), holds, became(change.InForce))},
		{"went back at its time", a(two, holds, became(change.InForce), ceased(change.OriginTimeUp, toFour()))},
		{"went back, seen by the follow", a(two, holds, became(change.Superseded, func(o *change.Outcome) { o.Current = toFour() }), ceased(change.OriginTimeUp, toFour()))},
		{"ended early", a(two, holds, ceased(change.OriginEndNow, toFour()), self)},
		{"extended", a(two, holds, ceased(change.OriginExtends, nil), self)},
		{"kept", a(two, holds, ceased(change.OriginKeeps, nil), self)},
		{"over, nothing went back", a(two, holds, ceased(change.OriginTimeUp, nil))},
		{"for 2 h, already done", a(two, in(change.Applied, only(change.AlreadyDone)), posted, func(r *change.Request) { r.Answer = change.Answer{ReadBack: true} })},
		{"frozen at its end", a(two, holds, func(r *change.Request) { r.Term.Frozen = true })},
		{"could not go back", a(two, holds, overdue)},
		{"for 2 h, failed", a(posted, two, in(change.Failed, change.Reason{Code: change.BasetenRefused, HTTP: 400, Text: "no"}), sent(1))},
		{"its until has passed", a(agreed, untilTime(asked.Add(4*time.Minute)), in(change.Stale, change.Reason{Code: change.UntilPassed, Until: asked.Add(4 * time.Minute)}))},
		{"frozen before it was sent", a(agreed, in(change.Stale, frozenReason()))},
		{"extension, applied", a(untilTime(asked.Add(3*time.Hour)), prolongs(change.OriginExtends, ana), holds)},
		{"kept for good", a(prolongs(change.OriginKeeps, ana), applied("UNCHANGED", "Nothing to do."))},

		{"end as planned", a(ending(change.OriginTimeUp, ana), took)},
		{"end, one field does not fit", a(ending(change.OriginTimeUp, ana), took, noted(change.Note{Code: change.NoteDoesNotFit, Fields: []baseten.Field{baseten.MinReplica}}))},
		{"end, one was changed by hand", a(ending(change.OriginTimeUp, ana), took, noted(change.Note{
			Code: change.NoteMovedSince, Moved: movedTo5(), By: baseten.Changer{Name: "terraform", Key: true, Source: "API"},
		}))},
		{"end by its requester", a(ending(change.OriginEndNow, ana), took, func(r *change.Request) { r.OwedSince = r.EndedAt.Add(-2 * time.Second) })},
		{"end by an approver", a(ending(change.OriginEndNow, lea), took)},
		{"end by somebody else, approved", a(agreed, ending(change.OriginEndAsked, authz.Person{ID: "U0BEN", Name: "ben"}), took)},
		{"end: a later change holds it", a(ending(change.OriginTimeUp, ana), in(change.Canceled, gone(change.NothingBack, func(why *change.Reason) { why.Request = "ZZZZZ" })))},
		{"end: changed by hand", a(ending(change.OriginTimeUp, ana), in(change.Canceled, gone(change.NothingBack, func(why *change.Reason) {
			why.Moved, why.By = movedTo5(), baseten.Changer{Name: "grace@example.com", Source: "UI"}
		})))},
		{"end: frozen", a(ending(change.OriginTimeUp, ana), in(change.Stale, frozenReason()))},
		{"end by an approver: frozen", a(ending(change.OriginEndNow, lea), in(change.Stale, frozenReason()))},
		{"end: denied by a rule", a(ending(change.OriginTimeUp, ana), in(change.Stale, change.Reason{Code: change.PolicyDeniesIt, Cause: authz.Cause{Code: authz.CauseDenies, Rule: "launch", Text: "launch week", Everybody: true}}))},
		{"end: given up", a(ending(change.OriginTimeUp, ana), in(change.Stale, change.Reason{Code: change.TooLate, After: time.Hour, Call: curl}))},
		{"end: the target is gone", a(ending(change.OriginTimeUp, ana), in(change.Failed, only(change.TargetGone)))},
		{"end: refused by Baseten", a(ending(change.OriginTimeUp, ana), in(change.Failed, change.Reason{Code: change.BasetenRefused, HTTP: 400, Text: "no"}), sent(1))},

		{"freeze in force", a(freeze, freezes)},
		{"freeze of all", a(freeze, everything, freezes, func(r *change.Request) { r.Ask.BreakGlass = true })},
		{"freeze of a target, ends within", a(freeze, freezes, func(r *change.Request) { r.Target = a().Target }, noted(
			change.Note{Code: change.NoteWaitsForThaw, Request: "9ABCD", Target: a().Target, Until: asked.Add(2 * time.Hour), Link: "https://acme.slack.com/archives/C0/p1"},
			change.Note{Code: change.NoteWaitsForThaw, Request: "K7Q2M", Target: a().Target, Until: asked.Add(30 * time.Hour)}))},
		{"freeze thawed by somebody else", a(freeze, thawedBy(leo))},
		{"freeze thawed by its requester", a(freeze, thawedBy(lea))},
		{"freeze over", a(freeze, thawedBy(authz.Person{}))},
		{"freeze that was refused", a(freeze, in(change.Denied, change.Reason{Code: change.PolicyDenied, Cause: authz.Cause{Code: authz.CauseNotListed, Who: []string{"leads"}}}))},
	}
}

func TestGoldenTerms(t *testing.T) {
	var s sheet
	two := forTime(2 * time.Hour)
	s.add("notice", Request(a(two, holds), change.EndNotice))
	s.add("notice, until", Request(a(untilTime(asked.Add(3*time.Hour)), holds), change.EndNotice))
	s.add("notice, extended since", Request(a(two, holds, ceased(change.OriginExtends, nil)), change.EndNotice))
	s.add("notice, gone back since", Request(a(two, holds, ceased(change.OriginTimeUp, toFour())), change.EndNotice))
	s.add("question", Request(a(two, holds, overdue), change.EndOverdue))

	frozen := a(in(change.Denied, frozenReason()))
	s.add("frozen, in private", Private(frozen))
	s.add("frozen, in a thread", Private(a(in(change.Denied, frozenReason()), func(r *change.Request) { r.Thread = "1.1" })))
	glass := byLea()
	glass.BreakGlass, glass.Model, glass.Thaw = true, change.AllModels, nil
	s.add("frozen, break-glass goes through", Private(a(in(change.Denied, change.Reason{Code: change.Frozen, Freeze: glass}))))
	refusals := []struct {
		name string
		no   change.Refused
	}{
		{"approved under a freeze", change.Refused{Reason: frozenReason(), Request: a(pending)}},
		{"not thawer", change.Refused{Reason: change.Reason{Code: change.NotThawer, Freeze: byLea()}, Request: a(freeze, freezes)}},
		{"not frozen", change.Refused{Reason: change.Reason{Code: change.NotFrozen, Request: "FR0ST"}, Request: a(freeze, thawedBy(leo))}},
		{"not frozen: over by itself", change.Refused{Reason: change.Reason{Code: change.NotFrozen, Request: "FR0ST"}, Request: a(freeze, thawedBy(authz.Person{}))}},
		{"not frozen: a change", change.Refused{Reason: change.Reason{Code: change.NotFrozen, Request: "K7Q2M"}, Request: a(two, holds)}},
		{"not frozen: not yet", change.Refused{Reason: change.Reason{Code: change.NotFrozen, Request: "FR0ST"}, Request: a(freeze, in(change.Requested, change.Reason{}))}},
		{"not frozen: denied", change.Refused{Reason: change.Reason{Code: change.NotFrozen, Request: "FR0ST"}, Request: a(freeze, in(change.Denied, only(change.PolicyDenied)))}},
		{"not held: for good", change.Refused{Reason: change.Reason{Code: change.NotHeld, Request: "K7Q2M", State: change.Applied}, Request: a(took)}},
		{"not held: over", change.Refused{Reason: change.Reason{Code: change.NotHeld, Request: "K7Q2M", State: change.Applied}, Request: a(two, holds, ceased(change.OriginTimeUp, toFour()))}},
		{"not held: kept", change.Refused{Reason: change.Reason{Code: change.NotHeld, Request: "K7Q2M", State: change.Applied}, Request: a(two, holds, ceased(change.OriginKeeps, nil))}},
		{"not held: waits", change.Refused{Reason: change.Reason{Code: change.NotHeld, Request: "K7Q2M", State: change.Pending}, Request: a(pending, two)}},
		{"not held: denied", change.Refused{Reason: change.Reason{Code: change.NotHeld, Request: "K7Q2M", State: change.Denied}, Request: a(pending, two, in(change.Denied, only(change.SaidNo)))}},
		{"not held: a freeze", change.Refused{Reason: change.Reason{Code: change.NotHeld, Request: "FR0ST", State: change.Applied}, Request: a(freeze, freezes)}},
		{"already ending", change.Refused{Reason: change.Reason{Code: change.AlreadyEnding, Request: "E3NDS"}, Request: a(two, holds)}},
	}
	for _, v := range refusals {
		s.add("refused: "+v.name, Refused(&v.no, leo.ID))
	}
	berlin := time.FixedZone("CET", 3600)
	for _, v := range []shown{
		{"until too soon", a(in(change.Failed, change.Reason{Code: change.UntilTooSoon, Until: asked.Add(time.Minute)}))},
		{"until passed", a(in(change.Failed, change.Reason{Code: change.UntilTooSoon, Text: "2026-11-01 18:00"}))},
		{"until too far", a(in(change.Failed, change.Reason{Code: change.UntilTooFar, Until: asked.Add(1000 * time.Hour)}))},
		{"freeze until too far", a(freeze, in(change.Failed, change.Reason{Code: change.UntilTooFar, Until: asked.Add(1000 * time.Hour)}))},
		{"until skipped", a(in(change.Failed, change.Reason{Code: change.UntilSkipped, Text: "02:30", Until: time.Date(2027, 3, 28, 2, 0, 0, 0, berlin), After: time.Hour}))},
		{"cannot go back", a(asks(baseten.Settings{baseten.MaxScaleDownRate: 20}), two, in(change.Failed, change.Reason{Code: change.CannotGoBack, Fields: []baseten.Field{baseten.MaxScaleDownRate}}))},
		{"for missing", a(in(change.Denied, change.Reason{Code: change.PolicyDenied, Cause: authz.Cause{Code: authz.CauseForMissing, Rule: "raises end", Max: 8 * time.Hour}}))},
		{"too long", a(two, in(change.Denied, change.Reason{Code: change.PolicyDenied, Cause: authz.Cause{Code: authz.CauseTooLong, Rule: "raises end", Max: time.Hour}}))},
		{"model not found, for 2 h", a(two, func(r *change.Request) { r.Target, r.Ask.Model = baseten.Target{}, "llama-7b" }, in(change.Failed, change.Reason{Code: change.NameNotFound, Text: "llama-7b", Names: []string{"llama-70b"}}))},
		{"freeze, model not found", a(freeze, func(r *change.Request) {
			r.Target, r.Ask.Model, r.Ask.Until, r.Ask.Clock = baseten.Target{}, "llama-7b", time.Time{}, "Mon 08:00"
		}, in(change.Failed, change.Reason{Code: change.NameNotFound, Text: "llama-7b", Names: []string{"llama-70b"}}))},
		{"freeze, not allowed", a(freeze, in(change.Denied, change.Reason{Code: change.PolicyDenied, Cause: authz.Cause{Code: authz.CauseNotListed, Who: []string{"leads"}}}))},
	} {
		s.add("private: "+v.name, Private(v.r))
	}

	link := "https://acme.slack.com/archives/C0MLONCALL/p1"
	holding := a(two, holds)
	terms := change.Terms{
		Freezes:   []change.Listed{{Request: a(freeze, freezes), Link: link, Thawable: true}, {Request: a(freeze, everything, freezes), Link: link}},
		Temporary: []change.Listed{{Request: holding, Link: link, Own: true}, {Request: a(two, holds, overdue, func(r *change.Request) { r.ID, r.Requester = "OVRD1", leo }), Link: link}},
	}
	s.add("pending", Pending(nil, terms))
	s.add("history: a freeze stopped an end before anything was read", History([]change.Listed{{Request: a(ending(change.OriginEndNow, ana), in(change.Denied, frozenReason()),
		func(r *change.Request) { r.Snapshot = change.Snapshot{} })}}, true))
	s.add("history", History([]change.Listed{
		{Request: holding, Link: link}, {Request: a(two, holds, ceased(change.OriginTimeUp, toFour())), Link: link},
		{Request: a(ending(change.OriginTimeUp, ana), took), Link: link}, {Request: a(freeze, freezes), Link: link}, {Request: a(freeze, thawedBy(leo)), Link: link},
	}, true))
	st := change.ModelStatus{Model: llama, Targets: llamaTargets(), Terms: terms, Last: []change.Listed{{Request: holding, Link: link}}}
	s.add("status", Status(st, nil, asked.Add(time.Hour)))
	s.add("home", Home(change.Home{Own: []change.Listed{{Request: holding, Link: link}}, Terms: terms}, nil, Message{}, asked.Add(time.Hour)))
	s.add("dry run", Preview(a(untilTime(asked.Add(3*time.Hour))), change.Reason{}, nil))
	s.add("dry run: frozen", Preview(a(two), frozenReason(), nil))
	for _, topic := range []string{"for", "until", "extend", "keep", "freeze", "thaw"} {
		s.add("help "+topic, Help(topic))
	}
	s.compare(t, "term")
}
