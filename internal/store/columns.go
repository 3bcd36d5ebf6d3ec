package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"autoscalebot/internal/change"
)

// requestColumns is the one place that says where each field of a request is kept.
// The same list reads a request and writes it.
func requestColumns(r *change.Request) []column {
	return []column{
		{"id", &r.ID},
		{"version", &r.Version},
		{"state", &r.State},
		{"created_at", millis{&r.CreatedAt}},
		{"requester", &r.Requester.ID},
		{"requester_name", &r.Requester.Name},
		{"channel", &r.Channel},
		{"channel_name", &r.ChannelName},
		{"thread", &r.Thread},
		{"ask", doc(&r.Ask)},
		{"origin", &r.From},
		{"origin_kind", &r.FromKind},
		{"target", doc(&r.Target)},
		{"reading", doc(&r.Reading)},
		{"ruling", doc(&r.Ruling)},
		{"votes", doc(&r.Votes)},
		{"beside", doc(&r.Beside)},
		{"expires_at", millis{&r.ExpiresAt}},
		{"owed_since", millis{&r.OwedSince}},
		{"sends", &r.Sends},
		{"applied_at", millis{&r.AppliedAt}},
		{"answer", doc(&r.Answer)},
		{"ended_at", millis{&r.EndedAt}},
		{"ended_by", doc(&r.EndedBy)},
		{"why", &r.Why},
		{"outcome", doc(&r.Outcome)},
		{"review", doc(&r.Review)},
		{"root", doc(&r.Root)},
		{"result", doc(&r.Result)},
		{"root_stale", &r.RootStale},
		{"result_stale", &r.ResultStale},
		{"review_stale", &r.ReviewStale},
		{"buttons", &r.Buttons},
		{"elsewhere", &r.Elsewhere},
		{"reminded", &r.Reminded},
		{"told", &r.Told},
		{"owed", &r.Owed},
		{"claimed_by", &r.ClaimedBy},
		{"claimed_until", millis{&r.ClaimedUntil}},
	}
}

// derivedColumns are written beside requestColumns and never read back: what of the
// target is asked for.
func derivedColumns(r *change.Request) []column {
	if r.Target.ModelID == "" {
		return []column{{"target_key", ""}, {"model_id", ""}, {"target_name", ""}, {"deployment_id", ""}}
	}
	return []column{
		{"target_key", r.Target.Key()},
		{"model_id", r.Target.ModelID},
		{"target_name", r.Target.Name()},
		{"deployment_id", r.Target.DeploymentID},
	}
}

// settle brings the request's times to what the database holds: milliseconds, UTC.
func settle(r *change.Request) {
	r.Votes = slices.Clone(r.Votes) // the caller may still hold them
	for i := range r.Votes {
		r.Votes[i].At = stored(r.Votes[i].At)
	}
	for _, t := range []*time.Time{
		&r.CreatedAt, &r.Reading.At, &r.ExpiresAt, &r.OwedSince, &r.AppliedAt, &r.EndedAt,
		&r.Outcome.At, &r.Outcome.InForceAt, &r.Outcome.ReachedAt, &r.Review.At, &r.ClaimedUntil,
	} {
		*t = stored(*t)
	}
}

func scanRequest(row rows) (*change.Request, error) {
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
		{"why", &e.Why},
		{"rule", &e.Rule},
		{"policy_sha256", &e.Policy},
		{"channel", &e.Channel},
		{"model_id", &e.ModelID},
		{"model", &e.ModelName},
		{"detail", rawJSON{&e.Detail}},
	}
}

func scanEvent(row rows) (change.Event, error) {
	var e change.Event
	err := row.Scan(append([]any{&e.Seq}, refs(eventColumns(&e))...)...)
	return e, err
}

// The statements that follow from the columns.
var (
	requestNames = names(requestColumns(new(change.Request)))
	writtenNames = append(requestNames[:len(requestNames):len(requestNames)],
		names(derivedColumns(new(change.Request)))...)
	eventNames = names(eventColumns(new(change.Event)))

	selectRequest = `SELECT ` + strings.Join(requestNames, `, `) + ` FROM requests `
	selectByID    = selectRequest + `WHERE id = $1`
	selectEvent   = `SELECT seq, ` + strings.Join(eventNames, `, `) + ` FROM events `
	insertRequest = `INSERT INTO requests (` + strings.Join(writtenNames, `, `) + `) VALUES (` +
		places(len(writtenNames)) + `) ON CONFLICT (id) DO NOTHING`
	insertEvent = `INSERT INTO events (` + strings.Join(eventNames, `, `) + `) VALUES (` + places(len(eventNames)) + `)`
	// updateRequest takes the written columns, then the id and the version read.
	updateRequest = `UPDATE requests SET ` + assignments(writtenNames) +
		fmt.Sprintf(` WHERE id = $%d AND version = $%d`, len(writtenNames)+1, len(writtenNames)+2)
)

// places writes "$1, $2, …".
func places(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("$%d", i+1)
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
