package change

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"

	"autoscalebot/internal/baseten"
)

// ID names a request for people: five Crockford base32 characters, shown with a
// leading #. It is random, not secret.
type ID string

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewID draws an ID from random. The store refuses one that exists already.
func NewID(random io.Reader) (ID, error) {
	var b [5]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("draw request id: %w", err)
	}
	n := new(big.Int).SetBytes(b[:]).Uint64()
	out := make([]byte, 5)
	for i := range out {
		out[i] = crockford[n&31]
		n >>= 5
	}
	return ID(out), nil
}

// ParseID reads an ID as people type it on phones: any case, with or without #,
// o for 0, i and l for 1. Letters that only look like these are not read.
func ParseID(text string) (ID, bool) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "#")
	if len(text) != 5 {
		return "", false
	}
	id := make([]byte, 0, 5)
	for _, c := range []byte(text) {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		switch c {
		case 'O':
			c = '0'
		case 'I', 'L':
			c = '1'
		}
		if strings.IndexByte(crockford, c) < 0 {
			return "", false
		}
		id = append(id, c)
	}
	return ID(id), true
}

// String writes the ID as it is shown: #K7Q2M.
func (id ID) String() string { return "#" + string(id) }

// Person is somebody in the workspace. The ID decides; the name is what was shown
// at the time and is kept for the audit only.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// Target is what a request changes, once resolved: IDs, with the names of the time.
type Target struct {
	ModelID   string `json:"model_id"`
	ModelName string `json:"model"`
	Team      string `json:"team,omitempty"`
	// Environment is set when the environment's settings are written. Then
	// DeploymentID names the deployment that serves it, if one does.
	Environment    string `json:"environment,omitempty"`
	DeploymentID   string `json:"deployment_id,omitempty"`
	DeploymentName string `json:"deployment,omitempty"`
	// Serves is the environment that the target deployment serves, "" if none.
	Serves string `json:"serves,omitempty"`
	// Promoting holds environments the deployment is being promoted into.
	Promoting []string `json:"promoting,omitempty"`
	// Development marks the development deployment, whose replicas are fixed.
	Development bool `json:"development,omitempty"`
}

// Kind is "environment" or "deployment": which endpoint is written.
func (t Target) Kind() string {
	if t.Environment != "" {
		return "environment"
	}
	return "deployment"
}

// Name is the environment's or the deployment's name, as people say it.
func (t Target) Name() string {
	if t.Environment != "" {
		return t.Environment
	}
	return t.DeploymentName
}

// Key is equal for any two targets whose changes could overwrite each other: an
// environment and the deployment that serves it. At most one request per key is
// applying.
func (t Target) Key() string {
	if t.DeploymentID != "" {
		return t.ModelID + "/" + t.DeploymentID
	}
	return t.ModelID + "/env:" + t.Environment
}

// MessageRef is where Slack keeps a message. TS is a string: as a number it would
// lose digits.
type MessageRef struct {
	Channel string `json:"channel,omitempty"`
	TS      string `json:"ts,omitempty"`
}

// Ask is what the requester typed, parsed and normalised.
type Ask struct {
	// Text is the command as understood, to be echoed and parsed again by "Ask again".
	Text   string `json:"text"`
	Model  string `json:"model"`
	Target string `json:"target"`
	// TargetKind is "environment" or "deployment" where the requester said which.
	TargetKind string           `json:"target_kind,omitempty"`
	Settings   baseten.Settings `json:"settings"`
	Reason     string           `json:"reason,omitempty"`
	BreakGlass bool             `json:"break_glass,omitempty"`
	// By asked in the requester's name, by pressing "Ask again"; zero otherwise.
	By Person `json:"by,omitzero"`
}

// Vote is one person's answer to a pending request. A later vote of the same
// person replaces the earlier one.
type Vote struct {
	Person  Person    `json:"person"`
	Approve bool      `json:"approve"`
	At      time.Time `json:"at"`
}

// Ruling is what the policy said of the request when it was shown. It is asked
// again, with the policy and the people of that moment, whenever somebody acts.
type Ruling struct {
	// Effect is allow, confirm, approve or deny.
	Effect    string `json:"effect,omitempty"`
	Rule      string `json:"rule,omitempty"`
	Reason    string `json:"reason,omitempty"`
	PolicySHA string `json:"policy_sha256,omitempty"`
	// Needed counts the approvals asked for by group; "" counts all approvers
	// together.
	Needed map[string]int `json:"needed,omitempty"`
	// Approvers are the Slack user IDs of those who can approve, in policy order.
	Approvers []string `json:"approvers,omitempty"`
	// Mentioned are those of them whom the card pings; Outside tells that none of
	// the approvers is in the channel.
	Mentioned []string `json:"mentioned,omitempty"`
	Outside   bool     `json:"outside,omitempty"`
	// Missing is what was still needed after the last vote, in words.
	Missing string `json:"missing,omitempty"`
	// BreakGlass tells that the requester may skip the approval; BrokeGlass that
	// it was skipped.
	BreakGlass bool `json:"break_glass,omitempty"`
	BrokeGlass bool `json:"broke_glass,omitempty"`
}

// Answer is Baseten's answer to the PATCH, unchanged. Both words may be empty:
// newer versions of the API stop sending them.
type Answer struct {
	Status  string `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
	// ReadBack tells that no answer arrived and that reading the settings showed
	// them as asked.
	ReadBack bool `json:"read_back,omitempty"`
}

// Reading is the state of the target at one moment: what the card shows, what the
// policy judges and what is compared again before the PATCH.
type Reading struct {
	At time.Time `json:"at"`
	// Settings is read from the object that the PATCH writes.
	Settings baseten.Settings `json:"settings"`
	// Status and Replicas are those of the deployment that serves.
	Status   string `json:"status,omitempty"`
	Replicas int    `json:"replicas"`
	// Notes are plain sentences on whether the change will take effect and stick.
	Notes []string `json:"notes,omitempty"`
	// Cost is the list price, nil where it is not known.
	Cost *Cost `json:"cost,omitempty"`
}

// Cost is the list price in USD per hour of the replicas that always run (floor)
// and of those that may run (ceiling), before and after the change.
type Cost struct {
	FloorBefore   float64 `json:"floor_before"`
	FloorAfter    float64 `json:"floor_after"`
	CeilingBefore float64 `json:"ceiling_before"`
	CeilingAfter  float64 `json:"ceiling_after"`
}

// Request is one change request, from the moment it was recorded to its end. The
// store keeps it; messages are rendered from it and from nothing else.
type Request struct {
	ID ID
	// Version grows by one with each write and guards the next.
	Version   int64
	State     State
	CreatedAt time.Time

	// Asked.
	Requester   Person
	Channel     string // Slack channel ID
	ChannelName string
	// Thread is the ts of the thread's root where an app mention asked; "" for a
	// slash command, which gets a root message of its own.
	Thread string
	Ask    Ask
	// From names the request that this one undoes or asks again; "" otherwise.
	From ID
	// FromKind is "undo" or "again".
	FromKind string

	// Resolved, read and judged. Zero until then.
	Target  Target
	Reading Reading
	Ruling  Ruling
	Votes   []Vote

	// ExpiresAt ends a pending request; zero otherwise.
	ExpiresAt time.Time
	// OwedSince is when the PATCH became owed: the command, or the last approval.
	OwedSince time.Time

	// Sends counts the PATCHes that may have reached Baseten: 0, 1 or 2.
	Sends     int
	AppliedAt time.Time
	Answer    Answer
	EndedAt   time.Time
	// EndedBy is who denied or canceled it, or whose approval was the last.
	EndedBy Person
	// Why says in one sentence for people why the request ended as it did.
	Why string

	// Outcome tells what became of an applied change; see outcome.go.
	Outcome Outcome

	// Beside names other pending requests for the same target, at the time shown.
	Beside []ID
	// Review is the review of a broken glass, open until somebody signs it.
	Review Review

	// Root is the card; Result the one reply that tells the end.
	Root   MessageRef
	Result MessageRef
	// RootStale and ResultStale tell that the message shows less than the request
	// now knows, and is owed an edit (the result: a first post, where it has none).
	RootStale   bool
	ResultStale bool
	ReviewStale bool
	// Buttons tells that the card has, or is about to have, buttons to press.
	Buttons bool
	// Elsewhere tells where the end was told when the thread could not be reached.
	Elsewhere string

	// Reminded tells that the approvers were reminded.
	Reminded bool
	// Told tells that the requester got a private answer, so that it is not given
	// twice.
	Told bool

	// Owed tells that something remains to be done or shown which waits for no
	// person: what, the state and the flags above tell. The start-up scan takes up every owed request.
	Owed bool
	// ClaimedBy is the process that works on the request until ClaimedUntil.
	ClaimedBy    string
	ClaimedUntil time.Time
}

// Review is what is left to do after a broken glass: somebody else who could have
// approved looks at it and signs.
type Review struct {
	Open bool       `json:"open,omitempty"`
	Card MessageRef `json:"card,omitzero"`
	By   Person     `json:"by,omitzero"`
	At   time.Time  `json:"at,omitzero"`
}

// After is the full settings as they will stand once the request is applied.
func (r *Request) After() baseten.Settings { return r.Reading.Settings.With(r.Ask.Settings) }

// Become takes one step of the request's life at the time now.
func (r *Request) Become(to State, now time.Time) error {
	if !r.State.CanBecome(to) {
		return fmt.Errorf("request %s: %w: %s → %s", r.ID, ErrState, r.State, to)
	}
	r.State = to
	if to.Ended() {
		r.EndedAt = now
	}
	return nil
}

// ErrState is returned for a step that the request's life does not have: somebody
// else was first.
var ErrState = errors.New("state does not allow it")
