package change

import (
	"encoding/json"
	"time"
)

// EventKind says what an event tells of.
type EventKind string

// Kinds of events. Together the events are the audit log: each is written by the
// transaction of what it tells of, and never changed.
const (
	// EventMoved is one step of a request's life; From and To name it.
	EventMoved EventKind = "moved"
	// EventVoted is an approval that was not yet the last, or a changed mind.
	EventVoted EventKind = "voted"
	// EventRefused is a command or click that was not allowed, or came too late.
	EventRefused EventKind = "refused"
	// EventBrokeGlass is an approval that was skipped; EventReviewed its review.
	EventBrokeGlass EventKind = "broke_glass"
	EventReviewed   EventKind = "reviewed"
	// EventOutcome is what was learned after applied.
	EventOutcome EventKind = "outcome"
	// EventPolicy is a policy version that was taken or refused.
	EventPolicy EventKind = "policy"
	// EventStarted is a start of the bot.
	EventStarted EventKind = "started"
)

// Event is one line of the audit log.
type Event struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Kind EventKind `json:"kind"`
	// Request is the request's ID, "" for what concerns none.
	Request ID     `json:"request,omitempty"`
	From    State  `json:"from,omitempty"`
	To      State  `json:"to,omitempty"`
	Actor   Person `json:"actor,omitzero"`
	Why     string `json:"why,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Policy  string `json:"policy_sha256,omitempty"`
	Channel string `json:"channel,omitempty"`
	// ModelID and ModelName stand apart for the audit's filters.
	ModelID   string `json:"model_id,omitempty"`
	ModelName string `json:"model,omitempty"`
	// Detail is what else is known: target, before, after, Baseten's answer,
	// Slack link, the command as typed. JSON, an object or absent.
	Detail json.RawMessage `json:"detail,omitempty"`
}
