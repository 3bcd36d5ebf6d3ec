package authz

import (
	"time"

	"autoscalebot/internal/baseten"
)

// Standing is what Slack says a person is. The zero value counts as StandingUnknown.
type Standing string

// The standings. Only full members and guests can ever be allowed anything, and
// guests only by rules that name them by user ID: whoever edits a user group, or
// says "everyone", is not thinking of people from outside.
const (
	Member      Standing = "member"
	Guest       Standing = "guest"
	Bot         Standing = "bot"
	Foreign     Standing = "foreign" // of another organisation or workspace
	Deactivated Standing = "deactivated"
	Unknown     Standing = "unknown" // the lookup failed
)

// Person is somebody who asks or approves. The ID decides; Name is never compared.
type Person struct {
	ID       string // Slack user ID, U… or W…
	Name     string
	Standing Standing
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

// Kinds of target: which of Baseten's objects the change is written to.
const (
	KindEnvironment = "environment"
	KindDeployment  = "deployment"
)

// Target is what would be changed, resolved: every spelling of one thing must
// come as one Target.
type Target struct {
	ModelID, Model, Team string
	Kind                 string // KindEnvironment or KindDeployment
	// Environment is the environment asked for, "" if a deployment was asked for.
	Environment string
	// DeploymentID and Deployment (its name) are the deployment asked for, or the
	// one that serves the environment asked for.
	DeploymentID, Deployment string
	// Serves is the environment that the deployment serves, "" if none.
	Serves string
	// Promoting holds environments that the deployment is being promoted into.
	Promoting []string
	// Development marks the development deployment.
	Development bool
}

// Cost is in USD per hour: the floor with min replicas running, the ceiling with
// max. Nil is unknown.
type Cost struct {
	FloorBefore, FloorAfter, CeilingBefore, CeilingAfter *float64
}

// Question is one person wanting one change, with all that may decide about it.
type Question struct {
	Person  Person
	Channel string // Slack channel ID, "" if unknown
	Target  Target
	// Before holds the settings in force. A field that is absent is null at
	// Baseten or could not be read.
	Before baseten.Settings
	// Touched holds the values asked for.
	Touched baseten.Settings
	Reason  string
	// BreakGlass asks to skip the approval.
	BreakGlass bool
	// Confirmed tells that the requester has pressed Confirm on the preview of
	// exactly this change.
	Confirmed bool
	Cost      Cost
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

// Decision is the answer to a Question.
type Decision struct {
	Effect Effect
	// Rule is the name of the rule that decided, "" if none did: no rule matched,
	// or the person or the channel was refused before any rule.
	Rule string
	// Reason is one or two plain sentences for the person. Those of a denial name
	// the rule and say who could. They read well after "not allowed: ". People
	// are written as Slack user IDs, groups by their names in the policy.
	Reason string
	// Approvers are the user IDs of those who could approve, in the policy's
	// order, never the requester. Whether each is still active is judged when
	// they act (Tally).
	Approvers []string
	// Needed counts approvals by group; with the key "", of all approvers together.
	Needed map[string]int
	// Expires is how long an approval may be waited for. Set with Approve.
	Expires time.Duration
	// BreakGlass tells that this person may skip this approval, giving a reason.
	BreakGlass bool
	// BrokeGlass tells that the question asked to and the decision honours it:
	// Effect is Allow. Approvers still names who could have approved.
	BrokeGlass bool
	// RequireReason tells that the rule wants a reason. Where none was given,
	// Effect is Deny.
	RequireReason bool
	// NeedsCost tells that a rule asked about a cost that Question.Cost lacks. Ask
	// again with the cost for a better answer.
	NeedsCost bool
	// PolicySHA is the SHA-256 of the policy that decided.
	PolicySHA string
}

// Tally counts approvals under the policy and with the people of this moment.
type Tally struct {
	// Counts holds the user IDs of approvals that count now, in the order given.
	Counts []string
	// Ignored holds, by user ID, why an approval does not count.
	Ignored map[string]string
	// Satisfied tells that the change may go ahead.
	Satisfied bool
	// Missing counts approvals still to be given, keyed as Decision.Needed. Empty
	// when satisfied.
	Missing map[string]int
	// Could holds the user IDs of those who could still give one of the missing
	// approvals, in the policy's order.
	Could []string
}
