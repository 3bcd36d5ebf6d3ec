// Package authz decides who may change which autoscaling settings: it loads a
// policy, answers a [Question] with a [Decision], explains it, counts approvals,
// and runs the policy's own tests.
//
// It is pure. It knows no network, no database, no Slack API and no clock: who is
// in a user group, what the settings are and what time it is come with the
// question. The grammar of commands is not its business either (see
// [ParseCommand]). Whatever it is not told counts against the change.
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
//
// # Conditions
//
// A when is an expression of expr-lang/expr, type-checked when the policy loads.
// Values can be absent: settings that are null or unread (before, after, change's
// from, up and down), costs, groups, now. An expression that passed over them in
// silence would be a hole, so every part of a condition comes to one of four
// answers: yes, no, moot (it is about change.FIELD, and FIELD is not touched) and
// failed (it mentions an absent value, or broke while running). At the end:
//
//	answer    a granting rule       a deny
//	yes       matches               matches
//	no        does not match        does not match
//	moot      does not match        does not match
//	failed    the request is denied, and this rule named
//
// Parts are joined as follows; the order of the sides does not matter:
//
//	and     yes     no      moot    failed        or      yes     no      moot    failed
//	yes     yes     no      moot    failed        yes     yes     yes     yes     failed
//	no      no      no      moot    failed        no      yes     no      moot    failed
//	moot    moot    moot    moot    moot          moot    yes     moot    moot    failed
//	failed  failed  failed  moot    failed        failed  failed  failed  failed  failed
//
// A not is carried inwards to the comparisons: `not (a and b)` is `not a or not b`,
// and not of moot is moot, of failed failed. `c ? a : b` is `c and a or not c and b`.
// So an untouched setting never makes a rule match, neither plainly nor under a
// not, but a deny on `change.min_replica.to == 0 || change.max_replica.to > 10`
// still stops max=12 while min is not touched. And an absent value fails the
// condition whatever stands around it, even where expr would not have looked: in
// `kind == "environment" && cost.floor_after < 5` for deployments too.
//
// has(x) asks first. It is yes or no for a value that can be absent, for
// change.FIELD (is it touched?), and for channel, team, serves and reason (is it
// not empty?). What stands to the right of it may mention x if it need not be
// looked at:
//
//	has(cost.floor_after) && cost.floor_after < 5
//	!has(cost.floor_after) || cost.floor_after < 5
//	has(before.max_replica) ? change.max_replica.to <= 2 * before.max_replica : change.max_replica.to <= 4
//
// It must be a condition by itself, not part of a comparison. The language has no
// nil, ?? and ?., no let, no whole objects (before == after), no computed names
// (before[x]), and only functions without side effects. serves, team, reason and
// channel are never absent: without a value they are "". For an environment, serves
// is that environment.
package authz
