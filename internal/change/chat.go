package change

import (
	"context"
	"errors"
	"time"

	"autoscalebot/internal/authz"
)

// Part is one of the messages that show a request.
type Part int

// The messages of a request: the card, the one reply that tells the end, the later
// reply for bad news, the reminder before a card expires, the announcement of a
// break-glass with its review, the reminder of that, what the requester alone is told
// (the answer where there is no card, and that the approval need not be waited for), the
// reminder before a temporary change ends, and the question what to do where it could
// not end.
const (
	Card Part = iota
	Reply
	BadNews
	Reminder
	ReviewCard
	ReviewReminder
	Private
	EndNotice
	EndOverdue
)

// String names the message in the log.
func (p Part) String() string {
	return [...]string{Card: "card", Reply: "reply", BadNews: "bad news", Reminder: "reminder", ReviewCard: "review card", ReviewReminder: "review reminder", Private: "private answer", EndNotice: "notice of the end", EndOverdue: "question of the end"}[p]
}

// Urgency orders the edits of messages, which share one budget for the whole
// workspace.
type Urgency int

// Urgencies, most urgent first. The order is strict.
const (
	// RemoveButtons: people could still press what no longer works.
	RemoveButtons Urgency = iota
	// TellEnd: the message does not tell the end yet.
	TellEnd
	// Later: something was learned after the end.
	Later
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
	// ErrNobody: Slack knows nobody of that ID.
	ErrNobody = errors.New("nobody has that ID")
	// ErrDoubtful: no answer told whether the message is there.
	ErrDoubtful = errors.New("may or may not have been posted")
)

// ChatRefusal is an ErrRefused with the cause: Word is what Slack gives for it, such
// as restricted_action; Needed is the scope that the token lacks, where it is
// missing_scope. Words for people are made of both by views.
type ChatRefusal struct{ Word, Needed string }

// Error is for logs.
func (r *ChatRefusal) Error() string {
	if r.Needed != "" {
		return ErrRefused.Error() + ": " + r.Word + " (" + r.Needed + ")"
	}
	return ErrRefused.Error() + ": " + r.Word
}

// Is makes errors.Is(err, ErrRefused) hold.
func (*ChatRefusal) Is(target error) bool { return target == ErrRefused }

// Slot is the right to post one message in a channel now. Return gives it back
// unused, and does nothing once it was used.
type Slot interface {
	// Post posts that part of the request once, and edits nothing. Card and review
	// card start a message of their own; the others go to the card's thread.
	// ErrDoubtful tells that it may be there: whoever repeats it counts. Private is
	// not posted but told, see Chat.
	Post(ctx context.Context, r *Request, part Part) (MessageRef, error)
	Return()
}

// Chat shows requests to people. Slack is behind it; this package knows only that
// messages are posted in turn, can be edited, and are rendered from the request.
type Chat interface {
	// Slot waits for the next message that may be posted in the channel.
	Slot(ctx context.Context, channel string, part Part) (Slot, error)
	// Edit renders a posted part again. It waits for the budget; of several edits
	// of one message only the newest version is sent. An edit may be repeated.
	Edit(ctx context.Context, r *Request, part Part, u Urgency) error
	// Tell tells the requester how the request ended, by that way: privately where
	// they asked (delivery is not certain: Slack shows it only to those who are
	// there), or in a direct message. WayAnnounce posts it to the channel for alarms.
	// ErrDoubtful tells that they may have been told.
	Tell(ctx context.Context, r *Request, by Way) error
	// Reachable asks Slack for a sign of life, by a call that changes nothing; what it
	// said some seconds ago is good enough. It returns nil where Slack answers.
	Reachable(ctx context.Context) error
	// Link is the address of a message; "" if it cannot be had.
	Link(ctx context.Context, m MessageRef) string
}

// Place is what is known of a channel.
type Place struct {
	ID, Name string
	// Direct is a direct message, with one person or a group.
	Direct bool
	// Private is seen by its members only.
	Private bool
	// External is shared with another organisation, or about to be.
	External bool
}

// Directory knows the people and channels of the workspace, at this moment: no
// answer is older than maxAge.
type Directory interface {
	// Person returns who that is, or ErrNobody. A failed look-up is an error, and
	// nobody may be let in on it.
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

// Responder tells the person who typed a command how it ended, by the shortest way
// there is while it lasts. It is kept in memory only. Nil is allowed.
type Responder func(ctx context.Context, r *Request) error
