// Package authz decides who may change which autoscaling settings: it answers a
// [Question] with a [Decision], explains it, and counts approvals.
//
// It is pure. It knows no network, no database, no Slack API and no clock: who is
// in a user group, what the settings are and what time it is come with the
// question. It does not read files either (package policyfile makes a policy of one),
// nor make sentences: why something was decided is a [Cause], a code with its data.
// Whatever it is not told counts against the change.
//
// # Rules
//
// Rules are read top down and the first that matches decides; none: denied. A
// rule matches if all of who, models, targets, settings and when match; what it
// leaves out matches everything.
//
//   - Before any rule, bots, people of other organisations, deactivated accounts
//     and people who could not be looked up are denied, and so is every channel
//     that channels does not list.
//   - who lists groups, user IDs, or everyone: every full member. Guests match
//     only where they are listed by user ID, in the rule or in a group's users.
//   - models: a pattern without a slash is held against the model's name and ID, one
//     with a slash against team/name. targets: against every name the target has.
//     Patterns are those of path.Match, but * and ? match slashes too.
//   - If a rule would match but for a user group that could not be read, nobody can
//     tell which rule decides, and the request is denied. User groups of approvers
//     that cannot be read just give no approvers.
//   - approvals are given by different people: {leads: 1, sre: 1} wants two, also if
//     one person is in both groups.
//   - mention names those of the approvers whom the card pings; where it names nobody
//     who could approve, or is left out, all of them.
//   - require lists what a request has to give: reason, for (an end: for= or until=).
//     max_for is the longest that a change may hold, and wants an end too. They refuse
//     what the rule would have granted; no later rule is asked.
//   - freeze says who may freeze models and thaw them; without it nobody may.
//   - A raise that may be a slip of the finger ([ConfirmAbove], confirm_above in the file)
//     waits for the requester's Confirm where the rule allows it at once.
//
// # Conditions
//
// A when is an expression in CEL, see package condition. It comes to one of:
//
//	true        the rule matches
//	false       it does not match
//	untouched   it does not match: the condition is about change.FIELD, and FIELD is
//	            not asked to change
//	failed      the request is denied and this rule named, whatever its effect: a
//	            value is absent (a setting that is null, an unknown price), or the
//	            condition broke (a division by zero)
//
// So an absent value never grants anything and never skips a deny. A condition that
// can do without a value asks for it first: has(cost.floor_after) && cost.floor_after < 5.
package authz
