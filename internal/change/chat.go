package change

import (
	"context"
	"errors"
	"time"

	"autoscalebot/internal/authz"
)

// Part is one of the messages that show a request.
type Part int

// The messages of a request: the card, the one reply that tells the end, the
// reminder before a card expires, and the review of a broken glass.
const (
	Root Part = iota
	Result
	Reminder
	ReviewCard
)

// Urgency orders the edits of messages, which share one budget for the whole
// workspace.
type Urgency int

// Urgencies, most urgent first.
const (
	// RemoveButtons: people could still press what no longer works.
	RemoveButtons Urgency = iota
	// TellEnd: a request ended.
	TellEnd
	// Progress may be late, and is dropped for a later one.
	Progress
)

// Errors of a Chat.
var (
	// ErrNotInvited: the bot cannot post in that channel until it is invited.
	ErrNotInvited = errors.New("not a member of the channel")
	// ErrGone: the channel is archived, or the thread's root was deleted: nothing
	// can be posted there any more.
	ErrGone = errors.New("channel or thread is gone")
	// ErrRefused: Slack says no for another reason that no waiting will mend.
	ErrRefused = errors.New("refused by Slack")
	// ErrDoubtful: it was sent twice and each time no answer told whether it is
	// there. Once more would pile up doubles.
	ErrDoubtful = errors.New("may or may not have been posted")
)

// Turn is the right to post one message in a channel now. Return gives it back
// unused, and does nothing once it was used.
type Turn interface {
	// Post posts that part of the request, and edits nothing. Root and review card
	// start their own message; Result and Reminder go to the root's thread.
	Post(ctx context.Context, r *Request, part Part) (MessageRef, error)
	Return()
}

// Chat shows requests to people. Slack is behind it; this package knows only that
// messages are posted in turn, can be edited, and are rendered from the request.
type Chat interface {
	// Turn waits for the next message that may be posted in the channel. Cards come
	// before results, but no result waits behind cards for more than some seconds.
	Turn(ctx context.Context, channel string, part Part) (Turn, error)
	// Edit renders a posted part again. It waits for the budget; of several edits
	// of one message only the newest version is sent.
	Edit(ctx context.Context, r *Request, part Part, u Urgency) error
	// Whisper tells one person something in a channel or thread, seen by nobody
	// else. Delivery is not certain: Slack shows it only to those who are there.
	Whisper(ctx context.Context, to Whispered, text string) error
	// Direct tells one person something in a direct message.
	Direct(ctx context.Context, user, text string) error
	// Announce posts to the channel for alarms. It does nothing where none is set.
	Announce(ctx context.Context, text string) error
	// Link is the address of a message, for the audit; "" if it cannot be had.
	Link(ctx context.Context, m MessageRef) string
}

// Whispered is who is told, and where.
type Whispered struct{ Channel, Thread, User string }

// Place is what is known of a channel.
type Place struct {
	ID, Name string
	// Direct is a direct message, with one person or a group.
	Direct bool
	// External is shared with another organisation, or about to be.
	External bool
}

// Directory knows the people and channels of the workspace, at this moment: no
// answer is older than maxAge.
type Directory interface {
	// Person returns who that is. A failed look-up is an error, and nobody may be
	// let in on it.
	Person(ctx context.Context, userID string, maxAge time.Duration) (authz.Person, error)
	// Place returns what is known of a channel, or ErrNotInvited where the bot may
	// not even look.
	Place(ctx context.Context, channelID string) (Place, error)
	// Present returns who is a member of the channel.
	Present(ctx context.Context, channelID string) (map[string]bool, error)
	// People returns the members of the user groups; those that could not be read
	// are named in it.
	People(ctx context.Context, usergroups []string) authz.People
}

// Answerer tells the person who typed a command or pressed a button something, by the
// shortest way there is while it lasts. It is kept in memory only. Nil is allowed.
type Answerer func(ctx context.Context, text string) error
