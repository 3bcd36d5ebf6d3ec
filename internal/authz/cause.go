package authz

import (
	"time"

	"autoscalebot/internal/baseten"
)

// CauseCode names why a decision, or one person's approval, came out as it did. The
// codes are kept in rows: one is never renamed or given another meaning.
type CauseCode string

// Causes. Each comment names the fields of Cause that it comes with, beside Rule
// and Text where a rule decided.
const (
	// Of a decision by a rule.

	CauseAllows     CauseCode = "allows"
	CauseConfirms   CauseCode = "confirms"    // the requester has to press Confirm
	CauseConfirmed  CauseCode = "confirmed"   // and did
	CauseLarge      CauseCode = "large"       // the rule allows it, but so large a raise is confirmed: Decision.Large
	CauseApproves   CauseCode = "approves"    // Needed, Who (the approvers)
	CauseBreakGlass CauseCode = "break_glass" // Needed, Who: what it would have taken
	// CauseDenies: a deny rule. Everybody: it binds everybody; else Who and
	// OtherRule name who could ask under which rule, if anybody.
	CauseDenies CauseCode = "denies"
	// CauseNoRule: no rule matches. Who and OtherRule as above; Everybody: nobody
	// else could do it either.
	CauseNoRule               CauseCode = "no_rule"
	CauseReasonMissing        CauseCode = "reason_missing"         // the rule wants a reason
	CauseForMissing           CauseCode = "for_missing"            // the rule wants an end: for= or until=; Max, if there is one
	CauseTooLong              CauseCode = "too_long"               // the change is to hold for longer than Max
	CauseTooFew               CauseCode = "too_few_approvers"      // Needed, Able, Who, Own, Unreadable, MayBreak
	CauseConditionFailed      CauseCode = "condition_failed"       // Value (no value), or Trouble (broke while running)
	CauseGroupUnreadable      CauseCode = "group_unreadable"       // Unreadable; without Rule, of who may freeze
	CauseBreakGlassNever      CauseCode = "break_glass_never"      // Needed, Who (the approvers)
	CauseBreakGlassNotYou     CauseCode = "break_glass_not_you"    // Able is empty; Who may break it; Needed
	CauseBreakGlassReason     CauseCode = "break_glass_reason"     // break-glass needs a reason
	CauseBreakGlassUnreadable CauseCode = "break_glass_unreadable" // Who may break it, Unreadable

	// Before any rule is asked.

	CauseBot            CauseCode = "bot"
	CauseForeign        CauseCode = "foreign"
	CauseDeactivated    CauseCode = "deactivated"
	CauseUnidentified   CauseCode = "unidentified" // Slack did not say who it is
	CauseChannel        CauseCode = "channel"      // Who: channels that the policy takes commands in
	CauseNothing        CauseCode = "nothing"      // no setting is touched
	CauseUnknownSetting CauseCode = "unknown_setting"
	CauseNeverAllowed   CauseCode = "never_allowed" // no rule could ever grant this person anything
	CauseNotListed      CauseCode = "not_listed"    // not in ALLOWED_USERS

	// Of who may freeze and thaw.

	CauseNoFreeze   CauseCode = "no_freeze"   // the policy does not say who
	CauseNotFreezer CauseCode = "not_freezer" // Who, Guest

	// Of one person's approval.

	CauseOwnRequest  CauseCode = "own_request"  // Needed, Who
	CauseNotApprover CauseCode = "not_approver" // Who, Unreadable
	CauseNobodyAsked CauseCode = "nobody_asked" // the request waits for nobody's approval
)

// Cause is a code with its data: facts, of which views make words. Names of groups
// and user IDs stand as the policy writes them.
type Cause struct {
	Code CauseCode `json:"code,omitempty"`
	// Rule names the rule; Text is the policy author's own reason for it.
	Rule string `json:"rule,omitempty"`
	Text string `json:"text,omitempty"`
	// Who is who could instead (groups, user IDs, everyone), or channels.
	Who       []string `json:"who,omitempty"`
	OtherRule string   `json:"other_rule,omitempty"`
	Everybody bool     `json:"everybody,omitempty"`
	// Needed and Able count the approvals wanted and the people who could give
	// them, by key of Decision.Needed. Own tells that the requester is one of them
	// for others' requests.
	Needed map[string]int `json:"needed,omitempty"`
	Able   map[string]int `json:"able,omitempty"`
	Own    bool           `json:"own,omitempty"`
	// MayBreak tells that the person could break the glass instead.
	MayBreak bool `json:"may_break,omitempty"`
	// Guest tells that the person is a guest, whom only a listed user ID helps.
	Guest bool `json:"guest,omitempty"`
	// Max is how long a change may hold under the rule, zero for any time.
	Max time.Duration `json:"max,omitempty"`
	// Unreadable are user groups that Slack did not show.
	Unreadable []string `json:"unreadable,omitempty"`
	// Field is the setting that it is about; Value what has no value, as written in
	// the condition (cost.floor_after); Trouble how a condition broke.
	Field   baseten.Field `json:"field,omitempty"`
	Value   string        `json:"value,omitempty"`
	Trouble string        `json:"trouble,omitempty"`
}
