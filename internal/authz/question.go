package authz

import (
	"time"

	"autoscalebot/internal/baseten"
)

// Membership is what Slack says a person is to this workspace. The zero value counts
// as Unknown.
type Membership string

// The memberships. Only full members and guests can ever be allowed anything, and
// guests only by rules that name them by user ID: whoever edits a user group, or
// says "everyone", is not thinking of people from outside.
const (
	Member      Membership = "member"
	Guest       Membership = "guest"
	Bot         Membership = "bot"
	Foreign     Membership = "foreign" // of another organisation or workspace
	Deactivated Membership = "deactivated"
	Unknown     Membership = "unknown" // the look-up failed
)

// Ours reports whether it is one that this workspace answers for.
func (m Membership) Ours() bool { return m == Member || m == Guest }

// Person is somebody who asks, approves or acts. The ID decides; Name is what was
// shown at the time and is never compared.
type Person struct {
	ID         string     `json:"id"` // Slack user ID, U… or W…
	Name       string     `json:"name,omitempty"`
	Membership Membership `json:"membership,omitempty"`
	// Zone is the IANA name of the person's time zone as Slack has it, "" where it is not
	// known. It decides nothing: until=18:00 is read in it.
	Zone string `json:"zone,omitempty"`
}

// People is who is in the user groups at the moment of the question.
type People struct {
	// Members maps a user group's ID to user IDs. A user group of the policy that
	// is missing here or has no members counts as unreachable: Slack answers with
	// an empty list for a user group that was disabled.
	Members map[string][]string
	// Unreachable holds user groups that could not be read.
	Unreachable map[string]bool
}

// Question is one person wanting one change, with all that may decide about it.
type Question struct {
	Person  Person
	Channel string // Slack channel ID, "" if unknown
	Target  baseten.Target
	// Before holds the settings in force. A field that is absent is null at
	// Baseten or could not be read.
	Before baseten.Settings
	// Touched holds the values asked for.
	Touched baseten.Settings
	Reason  string
	// Duration is how long the change is to hold, zero for good.
	Duration time.Duration
	// BreakGlass asks to skip the approval.
	BreakGlass bool
	// Confirmed tells that the requester has pressed Confirm on the preview of
	// exactly this change.
	Confirmed bool
	// Cost is nil where the list price is not known.
	Cost *baseten.Cost
	// Now is the moment of the question. Zero is unknown: a condition about the
	// time then fails.
	Now    time.Time
	People People
}

// Effect is what a decision comes to. The zero value is no effect; treat
// anything that is not Allow, Confirm or Approve as Deny.
type Effect string

// The effects, as policies spell them.
const (
	Allow   Effect = "allow"
	Confirm Effect = "confirm" // once the requester has pressed Confirm
	Approve Effect = "approve" // once enough approvers agreed
	Deny    Effect = "deny"
)

// Decision is the answer to a Question. A request keeps it as it is.
type Decision struct {
	Effect Effect `json:"effect,omitempty"`
	// Rule is the name of the rule that decided, "" if none did: no rule matched,
	// or the person or the channel was refused before any rule.
	Rule string `json:"rule,omitempty"`
	// Cause says why, as a code with its data. Only views make words of it.
	Cause Cause `json:"cause,omitzero"`
	// Approvers are the user IDs of those who could approve, in the policy's
	// order, never the requester. Whether each is still active is judged when
	// they act (Tally).
	Approvers []string `json:"approvers,omitempty"`
	// Needed counts approvals by group; with the key "", of all approvers together.
	Needed map[string]int `json:"needed,omitempty"`
	// Expires is how long an approval may be waited for. Set with Approve.
	Expires time.Duration `json:"expires,omitempty"`
	// Mention are those of the approvers whom the card pings, nil for all of them.
	Mention []string `json:"mention,omitempty"`
	// Large tells which raises are so large that they may be a slip. Without an
	// approval such a change waits for Confirm.
	Large Large `json:"large,omitzero"`
	// BreakGlass tells that this person may skip this approval, giving a reason.
	BreakGlass bool `json:"break_glass,omitempty"`
	// BrokeGlass tells that the question asked to and the decision honours it:
	// Effect is Allow. Approvers still names who could have approved.
	BrokeGlass bool `json:"broke_glass,omitempty"`
	// RequireReason tells that the rule wants a reason. Where none was given,
	// Effect is Deny.
	RequireReason bool `json:"require_reason,omitempty"`
	// RequireFor tells that the rule wants an end, MaxFor how long it lets a change hold,
	// zero for any time. Where the question does not fit, Effect is Deny.
	RequireFor bool          `json:"require_for,omitempty"`
	MaxFor     time.Duration `json:"max_for,omitempty"`
	// NeedsCost tells that a rule asked about a cost that Question.Cost lacks. Ask
	// again with the cost for a better answer.
	NeedsCost bool `json:"-"`
	// PolicySHA is the SHA-256 of the policy that decided.
	PolicySHA string `json:"policy_sha256,omitempty"`
}

// Tally counts approvals under the policy and with the people of this moment.
type Tally struct {
	// Counts holds the user IDs of approvals that count now, in the order given.
	Counts []string `json:"counts,omitempty"`
	// Ignored holds, by user ID, why an approval does not count.
	Ignored map[string]Cause `json:"ignored,omitempty"`
	// Satisfied tells that the change may go ahead.
	Satisfied bool `json:"satisfied,omitempty"`
	// Missing counts approvals still to be given, keyed as Decision.Needed. Empty
	// when satisfied.
	Missing map[string]int `json:"missing,omitempty"`
	// Could holds the user IDs of those who could still give one of the missing
	// approvals, in the policy's order.
	Could []string `json:"could,omitempty"`
}
