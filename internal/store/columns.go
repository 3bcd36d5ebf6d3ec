package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"autoscalebot/internal/change"
)

// column ties a column to the variable that it is read into and written from.
type column struct {
	name string
	// ref is a pointer for Scan. As an argument it stands for its value.
	ref any
}

// requestColumns is the one place that says where each field of a request is kept.
// The same list reads a request and writes it.
func requestColumns(r *change.Request) []column {
	return []column{
		{"id", &r.ID},
		{"version", &r.Version},
		{"kind", &r.Kind},
		{"state", &r.State},
		{"created_at", millis{&r.CreatedAt}},
		{"requester", doc(&r.Requester)},
		{"channel", &r.Channel},
		{"channel_name", &r.ChannelName},
		{"thread", &r.Thread},
		{"envelope", &r.Envelope},
		{"ask", doc(&r.Ask)},
		{"origin", doc(&r.Origin)},
		{"target", doc(&r.Target)},
		{"snapshot", doc(&r.Snapshot)},
		{"decision", doc(&r.Decision)},
		{"audience", doc(&r.Audience)},
		{"votes", doc(&r.Votes)},
		{"tally", doc(&r.Tally)},
		{"beside", doc(&r.Beside)},
		{"expires_at", millis{&r.ExpiresAt}},
		{"remind_at", millis{&r.RemindAt}},
		{"confirmed_by", doc(&r.ConfirmedBy)},
		{"denied_by", doc(&r.DeniedBy)},
		{"canceled_by", doc(&r.CanceledBy)},
		{"replaced_by", &r.ReplacedBy},
		{"asked_again_by", &r.AskedAgainBy},
		{"undone_by", &r.UndoneBy},
		{"owed_since", millis{&r.OwedSince}},
		{"sends", &r.Sends},
		{"sent_at", millis{&r.SentAt}},
		{"applied_at", millis{&r.AppliedAt}},
		{"answer", doc(&r.Answer)},
		{"ended_at", millis{&r.EndedAt}},
		{"reason", doc(&r.Reason)},
		{"outcome", doc(&r.Outcome)},
		{"news", doc(&r.News)},
		{"review", doc(&r.Review)},
		{"review_due_at", millis{&r.ReviewDueAt}},
		{"term", doc(&r.Term)},
		{"messages", doc(&r.Messages)},
		{"told", &r.Told},
		{"attempts", &r.Attempts},
		{"retry_at", millis{&r.RetryAt}},
		{"panics", &r.Panics},
		{"leased_by", &r.LeasedBy},
	}
}

// derivedColumns are written beside requestColumns and never read back: what is
// asked for and stands in a document, or follows from the whole request.
func derivedColumns(r *change.Request) []column {
	var newsAt, reachedAt, endsAt time.Time
	if r.Term.OverAt.IsZero() && r.Kind != change.KindRevert {
		endsAt = r.Term.EndsAt
	}
	if r.Sends > 0 {
		reachedAt = r.SentAt
	}
	if r.News.Code != "" && r.News.With == "" {
		newsAt = r.News.At
	}
	return []column{
		{"due_at", at(r.Due())},
		{"requester_id", r.Requester.ID},
		{"model_id", r.Target.ModelID},
		{"slot", r.Target.Slot()},
		{"deployment_id", r.Target.DeploymentID},
		{"target_name", r.Target.Name()},
		{"news_at", at(newsAt)},
		{"review_open", r.Review.Open},
		{"reached_at", at(reachedAt)},
		{"ends_at", at(endsAt)},
	}
}

// round brings the request's times to what the database holds: milliseconds, UTC.
func round(r *change.Request) {
	// The caller may still hold these.
	r.Votes, r.Snapshot.Notes = slices.Clone(r.Votes), slices.Clone(r.Snapshot.Notes)
	for i := range r.Votes {
		r.Votes[i].At = stored(r.Votes[i].At)
	}
	for i := range r.Snapshot.Notes {
		r.Snapshot.Notes[i].Until = stored(r.Snapshot.Notes[i].Until)
	}
	for _, t := range []*time.Time{
		&r.CreatedAt, &r.Snapshot.At, &r.ExpiresAt, &r.RemindAt, &r.OwedSince, &r.SentAt, &r.AppliedAt, &r.EndedAt,
		&r.Outcome.At, &r.Outcome.InForceAt, &r.Outcome.ReachedAt, &r.News.At, &r.Review.At, &r.ReviewDueAt, &r.RetryAt,
		&r.Ask.Until, &r.Term.EndsAt, &r.Term.Since, &r.Term.OverAt, &r.Term.NoticeAt, &r.Term.DueAt, &r.Term.AskAt,
	} {
		*t = stored(*t)
	}
	for why := &r.Reason; why != nil; why = why.Then {
		roundReason(why)
	}
}

// roundReason rounds the times of a reason, of which the caller may hold parts.
func roundReason(why *change.Reason) {
	why.Until = stored(why.Until)
	if f := why.Freeze; f != nil {
		rounded := *f
		rounded.Until = stored(f.Until)
		why.Freeze = &rounded
	}
	if then := why.Then; then != nil {
		rounded := *then
		why.Then = &rounded
	}
}

func scanRequest(row row) (*change.Request, error) {
	r := new(change.Request)
	err := row.Scan(refs(requestColumns(r))...)
	return r, err
}

// eventColumns says where each field of an event is kept, but for its number.
func eventColumns(e *change.Event) []column {
	return []column{
		{"at", millis{&e.At}},
		{"kind", &e.Kind},
		{"request", &e.Request},
		{"from_state", &e.From},
		{"to_state", &e.To},
		{"actor", &e.Actor.ID},
		{"actor_name", &e.Actor.Name},
		{"actor_membership", &e.Actor.Membership},
		{"verb", &e.Verb},
		{"reason", doc(&e.Reason)},
		{"rule", &e.Rule},
		{"policy_sha256", &e.Policy},
		{"channel", &e.Channel},
		{"model_id", &e.ModelID},
		{"model", &e.Model},
		{"detail", doc(&e.Detail)},
	}
}

func scanEvent(row row) (change.Event, error) {
	var e change.Event
	err := row.Scan(append([]any{&e.Seq}, refs(eventColumns(&e))...)...)
	return e, err
}

// The statements that follow from the columns.
var (
	requestNames = names(requestColumns(new(change.Request)))
	writtenNames = slices.Concat(requestNames, names(derivedColumns(new(change.Request))))
	eventNames   = names(eventColumns(new(change.Event)))
	chainedNames = slices.Concat([]string{"seq", "prev", "hash"}, eventNames)

	selectRequest = `SELECT ` + strings.Join(requestNames, `, `) + ` FROM requests `
	selectEvent   = `SELECT seq, ` + strings.Join(eventNames, `, `) + ` FROM events `
	// lockRequest also returns the database's now.
	lockRequest   = `SELECT ` + strings.Join(requestNames, `, `) + `, {now} FROM requests WHERE id = $2{lock}`
	insertRequest = `INSERT INTO requests (` + strings.Join(writtenNames, `, `) + `) VALUES (` +
		places(1, len(writtenNames)) + `) ON CONFLICT (id) DO NOTHING`
	// updateRequest takes the written columns, then the id and the version read.
	updateRequest = `UPDATE requests SET ` + assignments(writtenNames) +
		fmt.Sprintf(` WHERE id = $%d AND version = $%d`, len(writtenNames)+1, len(writtenNames)+2)
	insertEvent = `INSERT INTO events (` + strings.Join(chainedNames, `, `) + `) VALUES (` + places(1, len(chainedNames)) + `)`
)

func names(cols []column) []string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = c.name
	}
	return out
}

func refs(cols []column) []any {
	out := make([]any, len(cols))
	for i, c := range cols {
		out[i] = c.ref
	}
	return out
}

// places writes n parameters, from the one with that number on: "$3, $4, …".
func places(from, n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("$%d", from+i)
	}
	return strings.Join(out, ", ")
}

// assignments writes "a = $1, b = $2, …".
func assignments(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%s = $%d", n, i+1)
	}
	return strings.Join(out, ", ")
}
