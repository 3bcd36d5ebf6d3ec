package change

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"

	"autoscalebot/internal/authz"
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

// Kind is what a request is for. Kinds are a contract across versions: a replica
// leaves rows of a kind that it does not know alone.
type Kind string

// The kinds.
const (
	// KindChange is a change that somebody asked for, for good or for a time.
	KindChange Kind = "change"
	// KindRevert is the end of a temporary change: its settings go back to what stands
	// without it. Origin names that change.
	KindRevert Kind = "revert"
	// KindFreeze keeps changes from a model, or from all, until it is over. Nothing of it
	// is sent; applied means that it is in force, until Term says that it is over.
	KindFreeze Kind = "freeze"
)

// Kinds returns the kinds that this version knows how to work on.
func Kinds() []Kind { return []Kind{KindChange, KindRevert, KindFreeze} }

// MessageRef is where Slack keeps a message. TS is a string: as a number it would
// lose digits.
type MessageRef struct {
	Channel string `json:"channel,omitempty"`
	TS      string `json:"ts,omitempty"`
}

// Ask is what the requester typed, parsed and normalised.
type Ask struct {
	// Text is the command as understood, to be echoed.
	Text   string `json:"text"`
	Model  string `json:"model"`
	Target string `json:"target"`
	// TargetKind is "environment" or "deployment" where the requester said which.
	TargetKind string           `json:"target_kind,omitempty"`
	Settings   baseten.Settings `json:"settings"`
	Reason     string           `json:"reason,omitempty"`
	// BreakGlass skips the approval. Of a freeze it tells that the freeze lets changes
	// through that do.
	BreakGlass bool `json:"break_glass,omitempty"`
	// For is how long the change is to hold from when it began, Until until when; one of
	// them at most is not zero, for good both are. Clock is Until as it was typed, as long
	// as nobody looked up in which time zone the person is.
	For   time.Duration `json:"for,omitempty"`
	Until time.Time     `json:"until,omitzero"`
	Clock string        `json:"clock,omitempty"`
	// Shown are the values of those settings that a form showed beside what was asked; one
	// that it lacks was not set. Nil where nothing was shown. What moved since is not sent.
	Shown baseten.Settings `json:"shown,omitzero"`
}

// same reports whether both ask for the same values for the same time.
func (a Ask) same(o Ask) bool {
	return a.Settings.Equal(o.Settings) && a.For == o.For && a.Until.Equal(o.Until)
}

// end is when what was asked for ends if it begins at that time; of what is for good it is
// that time.
func (a Ask) end(began time.Time) time.Time {
	if !a.Until.IsZero() {
		return a.Until
	}
	return began.Add(a.For)
}

// OriginKind is how one request comes from another.
type OriginKind string

// Ways in which one request comes from another.
const (
	OriginUndo     OriginKind = "undo"     // puts back what the other changed
	OriginAgain    OriginKind = "again"    // asks once more for what became stale or expired
	OriginReplaces OriginKind = "replaces" // asks for something else in place of what waits
	OriginExtends  OriginKind = "extends"  // lets a temporary change hold longer
	OriginKeeps    OriginKind = "keeps"    // makes a temporary change one for good

	// Of reverts. Nobody is asked for the first two: what was agreed to was the way there
	// and back.

	OriginTimeUp   OriginKind = "time_up"   // the temporary change has had its time
	OriginEndNow   OriginKind = "end_now"   // its requester, or who could approve it, ends it early
	OriginEndAsked OriginKind = "end_asked" // somebody else asks to end it
)

// Origin is the request that another one comes from; zero where it comes from none.
type Origin struct {
	ID   ID         `json:"id,omitempty"`
	Kind OriginKind `json:"kind,omitempty"`
	// Requester is who asked for the other one.
	Requester authz.Person `json:"requester,omitzero"`
	// Link is the address of the other one's card, "" where Slack did not give it.
	Link string `json:"link,omitempty"`
}

// Vote is one person's approval of a pending request.
type Vote struct {
	Person authz.Person `json:"person"`
	At     time.Time    `json:"at"`
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

// Snapshot is the target as it was read at one moment: what the card shows, what the
// policy judges and what is compared again before the PATCH.
type Snapshot struct {
	At time.Time `json:"at"`
	// Settings is read from the object that the PATCH writes.
	Settings baseten.Settings `json:"settings"`
	// Status and Replicas are those of the deployment that serves.
	Status   string `json:"status,omitempty"`
	Replicas int    `json:"replicas"`
	// Notes are what stands in the way of the change taking effect or lasting.
	Notes []Note `json:"notes,omitempty"`
	// Cost is the list price, nil where it is not known.
	Cost *baseten.Cost `json:"cost,omitempty"`
	// Back is what a temporary change goes back to at its end, as things are now.
	Back baseten.Settings `json:"back,omitempty"`
}

// Audience is whom a card that waits for approval speaks to.
type Audience struct {
	// Mentioned are the approvers whom the card pings.
	Mentioned []string `json:"mentioned,omitempty"`
	// Introduced tells that the other requests for the target know of this one.
	Introduced bool `json:"introduced,omitempty"`
	// Absent tells that none of the approvers is in the channel.
	Absent bool `json:"absent,omitempty"`
}

// Review is what is left to do after a break-glass: somebody else who could have
// approved looks at it and signs. It is open until somebody did.
type Review struct {
	Open bool         `json:"open,omitempty"`
	By   authz.Person `json:"by,omitzero"`
	At   time.Time    `json:"at,omitzero"`
	// Card is the address of the request's card, "" where Slack did not give it.
	Card string `json:"card,omitempty"`
}

// Message is one of the messages that show a request.
type Message struct {
	Ref MessageRef `json:"ref,omitzero"`
	// Owed counts the facts that it does not show yet; 0 where it shows all, or is
	// not wanted. Showing it takes off what it was when it was rendered.
	Owed int `json:"owed,omitempty"`
	// Doubts counts its posts of which nobody knows whether they are there. It is
	// written before each repeat; after mostDoubts there is no repeat.
	Doubts int `json:"doubts,omitempty"`
	// GivenUp tells that it was not posted and is not tried any more.
	GivenUp bool `json:"given_up,omitempty"`
}

// Messages are all messages that show a request.
type Messages struct {
	// Card begins the thread, Reply the one reply that tells the end, News the
	// later one for bad news.
	Card  Message `json:"card,omitzero"`
	Reply Message `json:"reply,omitzero"`
	News  Message `json:"news,omitzero"`
	// Review announces a break-glass and asks somebody to sign it.
	Review Message `json:"review,omitzero"`
	// EndNotice tells that a temporary change ends soon.
	EndNotice Message `json:"end_notice,omitzero"`
	// Private tells the requester alone of an end that has no card.
	Private Message `json:"private,omitzero"`
	// Buttons tells that the card has, or is about to have, buttons to press.
	Buttons bool `json:"buttons,omitempty"`
}

// Way is a way of telling somebody something where there is no message to show it.
type Way string

// Ways, in the order in which they are tried.
const (
	WayChannel  Way = "channel"  // a message of its own, where the thread is gone
	WayPrivate  Way = "private"  // seen by that person alone, where they asked
	WayDirect   Way = "direct"   // a direct message
	WayAnnounce Way = "announce" // the channel for alarms
	WayLog      Way = "log"      // the last: Slack took none of the others
)

// Request is one change request, from the moment it was recorded to its end. The
// store keeps it; messages are rendered from it and from nothing else. It holds
// facts, never sentences.
type Request struct {
	ID ID
	// Version grows by one with each write and guards the next.
	Version   int64
	Kind      Kind
	State     State
	CreatedAt time.Time

	// Asked.
	Requester   authz.Person
	Channel     string // Slack channel ID
	ChannelName string
	// Thread is the ts of the thread's root where an app mention asked; "" for a
	// slash command, whose card is a root message of its own.
	Thread string
	// Envelope is the ID of the envelope in which Slack delivered what asked for it. Lines
	// of the log have it.
	Envelope string
	Ask      Ask
	Origin   Origin

	// Resolved, read and judged. Zero until then.
	Target   baseten.Target
	Snapshot Snapshot
	Decision authz.Decision
	Audience Audience
	Votes    []Vote
	// Tally is how the votes counted when the last one was given.
	Tally authz.Tally
	// Beside names other pending requests for the same target, at the time shown.
	Beside []ID

	// ExpiresAt ends a pending request, RemindAt reminds its approvers once before.
	// Both are zero otherwise.
	ExpiresAt time.Time
	RemindAt  time.Time

	// Who acted; zero where nobody did.
	ConfirmedBy authz.Person
	DeniedBy    authz.Person
	CanceledBy  authz.Person // of a freeze: who thawed it
	// What came of it later: the request that replaced it, asks it again, undoes it.
	ReplacedBy   ID
	AskedAgainBy ID
	UndoneBy     ID

	// OwedSince is when the PATCH became owed: the command, or the last approval.
	OwedSince time.Time
	// Sends counts the PATCHes that may have reached Baseten: 0, 1 or 2. SentAt is
	// when the last one began.
	Sends     int
	SentAt    time.Time
	AppliedAt time.Time
	Answer    Answer
	EndedAt   time.Time
	// Reason says why it ended as it did, or what it waits for meanwhile.
	Reason Reason

	// Outcome tells what became of a change that was sent; News is the bad news.
	Outcome Outcome
	News    News
	Review  Review
	// ReviewDueAt is when those who can sign the open review are reminded next; zero
	// where none is open.
	ReviewDueAt time.Time
	// Term is how long it holds; zero for good, and before it began.
	Term Term

	Messages Messages
	// Told is how the requester was told where no message in the channel could; "" if
	// they were not.
	Told Way

	// Attempts counts the tries since the last progress, RetryAt is when the next
	// one may begin (zero: at once). Panics counts those that broke the handler.
	Attempts int
	RetryAt  time.Time
	Panics   int
	// LeasedBy is the owner that works on it, "" for nobody. Whether that process
	// is alive stands in processes.
	LeasedBy string
}

// After is the full settings as they will stand once the request is applied.
func (r *Request) After() baseten.Settings { return r.Snapshot.Settings.With(r.Ask.Settings) }

// BrokeGlass reports whether its approval was skipped.
func (r *Request) BrokeGlass() bool { return r.Decision.BrokeGlass }

// Followed reports whether what became of it is still being looked at.
func (r *Request) Followed() bool { return r.State.Ended() && r.Outcome.Kind != "" && !r.Outcome.Final }

// leavesNothing reports whether only the audit log keeps it: somebody asked who may
// change nothing at all.
func (r *Request) leavesNothing() bool {
	switch r.Decision.Cause.Code {
	case authz.CauseNeverAllowed, authz.CauseNotListed, authz.CauseBot, authz.CauseForeign, authz.CauseDeactivated:
		return r.State == Denied && r.Messages.Card.Ref.TS == ""
	default:
		return false
	}
}

// Message returns one of the request's messages, nil for a part that is not kept.
func (r *Request) Message(part Part) *Message {
	switch part {
	case Card:
		return &r.Messages.Card
	case Reply:
		return &r.Messages.Reply
	case BadNews:
		return &r.Messages.News
	case ReviewCard:
		return &r.Messages.Review
	case EndNotice:
		return &r.Messages.EndNotice
	case Private:
		return &r.Messages.Private
	default: // a reminder is posted once and not kept
		return nil
	}
}

// ErrState is returned for a step that the request's life does not have: somebody
// else was first.
var ErrState = errors.New("state does not allow it")
