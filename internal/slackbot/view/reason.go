package view

import (
	"fmt"
	"net/http"
	"strings"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// A reason is told in the same words everywhere: a table gives each code its opening
// and its sentence. The opening holds the fixed word, in the form that suits where it
// stands.

// telling is a reason with all that its words may need.
type telling struct {
	change.Reason
	// r is the request that it is about, empty where none is known.
	r *change.Request
	// viewer is who reads it, "" for everybody in the channel.
	viewer string
}

// about makes a reason of a request, which may be nil, ready to be told.
func about(r *change.Request, why change.Reason, viewer string) telling {
	if r == nil {
		r = &change.Request{}
	}
	return telling{Reason: why, r: r, viewer: viewer}
}

// ofItself is the reason that the request keeps.
func ofItself(r *change.Request) telling { return about(r, r.Reason, "") }

// spot is where a reason is told.
type spot int

const (
	onCard   spot = iota // for everybody, of a request that the card names
	inAnswer             // in the thread or in private, to who asked
)

// opening is how a reason begins. The zero opening is none: the sentence stands for
// itself.
type opening int

const (
	bare opening = iota
	refusal
	lapse // what was allowed is not any more
	failure
	staleness
	expiry
	ignorance
)

var openings = map[opening][2]string{
	refusal:   {"Denied, not allowed: ", "This is not allowed: "},
	lapse:     {"Not carried out, not allowed any more: ", "This is not allowed any more: "},
	failure:   {"Failed: ", "This failed: "},
	staleness: {"Not carried out: ", "This was not carried out: "},
	expiry:    {"Expired: ", "This has expired: "},
	ignorance: {"Not known: ", "How it ended is not known: "},
}

// wording is how one code is told.
type wording struct {
	opens opening
	body  func(telling) prose
}

// fixed is a body that says the same whatever the data.
func fixed(parts ...any) func(telling) prose {
	text := say(parts...)
	return func(telling) prose { return text }
}

// forSample is what to type instead of a time that does not fit.
const forSample = "for=2h"

const (
	tryAgain = "Please try again in a minute."
	askOwner = "Ask whoever runs the bot."
)

var advice = map[change.Code]string{
	change.WhoUnknown:      tryAgain,
	change.PlaceUnknown:    tryAgain,
	change.NoAnnounce:      askOwner,
	change.NotAnnounced:    askOwner,
	change.CardNotPosted:   tryAgain,
	change.BasetenAuth:     "Whoever runs the bot has to look at BASETEN_API_KEY.",
	change.BasetenLimited:  tryAgain,
	change.BasetenAway:     tryAgain,
	change.SlackAway:       tryAgain,
	change.Broken:          "Please try again; if it stays, tell whoever runs the bot.",
	change.NotJudgedInTime: "Please ask again.",
	change.NeverKnown:      "Please look at Baseten.",
}

var wordings = map[change.Code]wording{
	// Denied.

	change.PolicyDenied:  {refusal, func(t telling) prose { return cause(t.Cause) }},
	change.WhoUnknown:    {failure, fixed("I could not look you up in Slack, so I cannot tell who you are.")},
	change.PlaceUnknown:  {failure, fixed("I could not find out whether this channel is shared with another organisation.")},
	change.NotInDirect:   {refusal, fixed("changes are made in channels, where others can see them. Type the command in a channel.")},
	change.SharedChannel: {refusal, fixed("this channel is shared with another organisation. Type the command in a channel of this workspace alone.")},
	change.MembersOnly:   {refusal, fixed("this is for members of this workspace.")},
	change.NoAnnounce:    {refusal, fixed("break-glass needs ANNOUNCE_CHANNEL to be set.")},

	// Failed, before anything was sent.

	change.NotInvited:  {failure, fixed("I cannot post in this channel. Invite me with ", code("/invite "+atBot), " and type the command again.")},
	change.ChannelGone: {failure, fixed("nothing can be posted in this channel or thread any more. Ask in another channel.")},
	change.TooManyWaiting: {failure, func(t telling) prose {
		return say(fmt.Sprintf("%d of your requests wait in this channel already. Cancel one, or wait for an answer.", t.Tries))
	}},
	change.NotAnnounced:  {failure, notAnnounced},
	change.CardNotPosted: {failure, fixed("Slack did not take my message, so there would be no record.")},
	change.NameNotFound:  {bare, nameNotFound},
	change.ModelSecond: {bare, func(t telling) prose {
		return say(name(t.Text)+" not found. ", choices(t.Names, nil), " is a model, and the model comes first.")
	}},
	change.NameAmbiguous: {bare, func(t telling) prose {
		return say(name(t.Text)+" fits more than one thing. Say which: ", choices(t.Names, t.IDs), ".")
	}},
	change.NameUnreadable: {failure, func(t telling) prose {
		return say("Baseten's data for " + name(t.Text) + " cannot be read, so I do not touch it.")
	}},
	change.SettingsHidden: {failure, func(t telling) prose {
		return say(targetName(t) + " has no autoscaling settings yet: it has not finished deploying. Try again once it is up.")
	}},
	change.SettingsUnclear: {failure, func(t telling) prose {
		return say("Baseten shows settings of " + targetName(t) + " that I cannot read, so I do not change them.")
	}},
	change.InvalidValue: {failure, invalidValue},
	change.Frozen:       {refusal, frozen},
	change.UntilTooSoon: {failure, untilTooSoon},
	change.UntilTooFar:  {failure, untilTooFar},
	change.UntilPassed:  {staleness, func(t telling) prose { return say("it was to hold until ", on(t.Until), " only, and that has passed.") }},
	change.UntilSkipped: {failure, func(t telling) prose {
		return say("there is no " + oneLine(t.Text) + " that night: the clocks go from " + t.Until.Format("15:04") + " to " + t.Until.Add(t.After).Format("15:04") + ". Say another time.")
	}},
	change.CannotGoBack: {failure, func(t telling) prose {
		return say("Baseten cannot clear "+labels(t.Fields)+" once set, so the change could not go back. Without ", code("for="), " or ", code("until="), " it holds for good.")
	}},
	change.NothingBack: {bare, nothingBack},
	change.UndoMoved: {failure, func(t telling) prose {
		return say(other(t), " cannot be undone, because the settings were changed since: "+stands(t.Moved)+".", changedBy(t.By))
	}},
	change.UndoImpossible:  {failure, func(t telling) prose { return say(other(t), " cannot be undone: "+neverSet(t.Fields)+".") }},
	change.NothingToUndo:   {bare, nothingToUndo},
	change.AlreadyUndone:   {bare, func(t telling) prose { return say("It has been undone already, by ", other(t), ".") }},
	change.TargetGone:      {failure, targetGone},
	change.BasetenAuth:     {failure, basetenAuth},
	change.BasetenRefused:  {failure, basetenRefused},
	change.BasetenLimited:  {failure, fixed("Baseten takes no more calls at the moment (HTTP 429).")},
	change.BasetenAway:     {failure, func(t telling) prose { return say(noAnswer(t.HTTP, t.Tries)) }},
	change.SlackAway:       {failure, fixed("Slack did not answer.")},
	change.Broken:          {failure, fixed("something went wrong here.")},
	change.NotJudgedInTime: {failure, fixed("it could not be looked at in time: the bot, Slack or Baseten was away.")},

	// Canceled.

	change.AlreadyAsked:   {bare, func(t telling) prose { return say("You asked for this already: ", other(t), " waits.") }},
	change.NothingChanges: {bare, nothingChanges},
	change.Replaced:       {bare, func(t telling) prose { return say("Replaced by ", other(t), ".") }},
	change.TakenBack:      {bare, func(t telling) prose { return say("Canceled by ", t.who(t.r.CanceledBy), ".") }},

	// Denied and expired, by people.

	change.SaidNo:  {bare, saidNo},
	change.TimeOut: {expiry, timeOut},

	// Stale.

	change.SettingsMoved: {staleness, func(t telling) prose { return say(moved(t.Moved)+".", changedBy(t.By)) }},
	change.Promoted:      {staleness, promoted},
	change.Renamed: {staleness, func(t telling) prose {
		return say("it was called ", bold(name(t.Was)), " when shown, is called ", bold(name(t.Is)), " now.")
	}},
	change.TooLate: {staleness, tooLate},
	change.NeedsConfirm: {staleness, func(t telling) prose {
		return say("the policy changed, and ", t.who(t.r.Requester), " has to confirm it now.")
	}},
	change.NeedsApproval: {staleness, fixed("the policy changed, and it needs an approval now.")},
	change.TooFewNow:     {lapse, fixed("the approvals do not suffice now, since the policy, a group or a person changed.")},
	change.BecameShared:  {lapse, fixed("this channel is shared with another organisation now.")},
	change.RequesterLeft: {lapse, func(t telling) prose {
		return say(t.who(t.r.Requester), " is no longer an active member of this workspace.")
	}},
	change.PolicyDeniesIt: {lapse, func(t telling) prose { return cause(t.Cause) }},

	// Applied, without an answer.

	change.AlreadyDone: {bare, alreadyDone},
	change.ReadBack:    {bare, fixed("Baseten's answer was lost, but the settings read back as asked.")},

	// Failed or unknown, after it was sent.

	change.OverwrittenSince: {failure, func(t telling) prose {
		return say("Baseten's answer was lost, and other values stand there now: " + stands(t.Moved) + ". Somebody else changed them.")
	}},
	change.NotTaken:     {failure, notTaken},
	change.NotSentAgain: {failure, fixed("it was sent once, did not show, and is not sent again.")},
	change.NeverKnown:   {ignorance, fixed("for an hour nobody could tell whether Baseten took this change. It is not sent again.")},

	// Waits.

	change.WaitsForBaseten: {bare, func(t telling) prose {
		if t.HTTP == http.StatusTooManyRequests {
			return say("Baseten takes no more calls at the moment (HTTP 429). It took nothing of this; I keep trying.")
		}
		return say(stillNoAnswer(t.HTTP) + notYet(t.r))
	}},
	change.WaitsForSettings: {bare, func(t telling) prose { return say("Baseten does not show the settings" + notYet(t.r)) }},
	change.WaitsForSlack:    {bare, fixed("Slack does not answer, so I cannot look up who may do this. I keep trying.")},
	change.WaitsForTarget:   {bare, fixed("Another change is being applied to the same target. This one waits for it.")},
	change.WaitsForOutcome: {bare, func(t telling) prose {
		return say(strings.TrimSuffix(noAnswer(t.HTTP, t.Tries), ".") + ", so I do not know yet whether it took this change. I keep looking, for up to an hour.")
	}},

	// Answers to an act that was not carried out.

	change.RequestNotFound: {bare, func(t telling) prose {
		return say(other(t), " not found. ", code(slash+" pending"), " lists what waits, ", code(slash+" history"), " what was.")
	}},
	change.StillJudged:    {bare, func(t telling) prose { return say(this(t), " is still being looked at. Please try again in a moment.") }},
	change.AlreadyDecided: {bare, decided},
	change.HasExpired:     {bare, func(t telling) prose { return say(this(t), " has expired. Nothing was done.") }},
	change.NotYours:       {refusal, notYours},
	change.NotApprover:    {refusal, func(t telling) prose { return join(" ", approverCause(t.Cause), couldApprove(t.r)) }},
	change.VotedAlready:   {bare, func(t telling) prose { return join(" ", say("You approved ", this(t), " already."), stillNeeds(t.r)) }},
	change.ReasonTooShort: {refusal, fixed("break-glass wants a reason of at least 10 characters, which others can understand tomorrow.")},
	change.DeniedLately: {refusal, func(t telling) prose {
		return say("a person denied ", other(t), " within the last hour, so nobody can skip the approval of the same.")
	}},
	change.OwnBreakGlass: {refusal, fixed("nobody reviews their own break-glass.")},
	change.NoBreakGlass:  {bare, func(t telling) prose { return say(this(t), " skipped no approval, so there is nothing to review.") }},
	change.Reviewed: {bare, func(t telling) prose {
		return say(this(t), " has been reviewed by ", t.who(t.r.Review.By), " already.")
	}},
	change.NotReviewer: {refusal, func(t telling) prose {
		return say("only somebody who could have approved ", this(t), " can review it.")
	}},
	change.NotAgain:      {bare, func(t telling) prose { return say(this(t), " cannot be asked again: it "+standing(t.State)+".") }},
	change.AlreadyEnding: {bare, func(t telling) prose { return say(this(t), " is being ended already, by ", other(t), ".") }},
	change.NotHeld:       {bare, notHeld},
	change.NotFrozen:     {bare, notFrozen},
	change.NotThawer:     {refusal, notThawer},
	change.AskedAgain:    {bare, func(t telling) prose { return say(this(t), " has been asked again already: ", other(t), ".") }},

	// Refused before anything was looked at.

	change.TooManyAtOnce: {bare, func(t telling) prose {
		return say(fmt.Sprintf("Too many at once from you: wait %d seconds. Nothing was done.", int(t.After.Seconds())))
	}},
	change.TooOld: {bare, fixed("That was typed more than a minute ago and reached me only now.")},
}

// tell says a reason. A code of a newer version is named as it is.
func (t telling) tell(where spot) prose { return join(" ", t.why(where), t.advice(where)) }

// why says a reason without what to do next.
func (t telling) why(where spot) prose {
	w, ok := wordings[t.Code]
	if !ok {
		w = wording{stateOpening(t.r.State), unworded}
	}
	text := w.body(t)
	if t.Then != nil {
		then := about(t.r, *t.Then, t.viewer)
		text = say(text, " The cause: ", wordings[then.Code].or(unworded)(then))
	}
	if len(text) == 0 {
		return nil
	}
	if t.Code == change.Frozen && t.r.State == change.Stale && t.r.Kind == change.KindChange {
		w.opens = lapse // it was allowed when it was asked
	}
	if trouble(t.Cause) {
		w.opens = failure // Slack's trouble is no matter of permission
	}
	return say(openings[w.opens][where], text)
}

// trouble reports whether the policy said no because Slack did not show who is in a user
// group.
func trouble(c authz.Cause) bool {
	switch c.Code {
	case authz.CauseGroupUnreadable, authz.CauseBreakGlassUnreadable:
		return true
	case authz.CauseTooFew:
		return len(c.Unreadable) > 0
	default:
		return false
	}
}

// advice is what to do next. The card is for everybody and does without.
func (t telling) advice(where spot) prose {
	if where == onCard {
		return nil
	}
	return say(advice[t.Code])
}

// or is the wording's body, or the other one of a wording that is missing.
func (w wording) or(other func(telling) prose) func(telling) prose {
	if w.body == nil {
		return other
	}
	return w.body
}

// unworded tells a code that this version does not know.
func unworded(t telling) prose {
	switch {
	case t.Text != "":
		return say(stopped(t.Text))
	case t.Code != "":
		return say("the reason is " + oneLine(string(t.Code)) + ".")
	default:
		return nil
	}
}

func stateOpening(s change.State) opening {
	switch s {
	case change.Denied:
		return refusal
	case change.Failed:
		return failure
	case change.Stale:
		return staleness
	case change.Expired:
		return expiry
	case change.Unknown:
		return ignorance
	case change.Requested, change.Pending, change.Approved, change.Applying, change.Applied, change.Canceled:
	}
	return bare
}

// ReasonText is a reason in plain words, for a log that people read or a CSV file.
func ReasonText(x change.Reason) string {
	return about(nil, x, "").tell(inAnswer).plain()
}

// who names somebody, and whoever reads it as such.
func (t telling) who(p authz.Person) prose {
	if p.ID != "" && p.ID == t.viewer {
		return say("you")
	}
	return say(person(p))
}

// this is the request that it is about, other the one that the reason names.
func this(t telling) prose {
	if t.r.ID == "" {
		return other(t)
	}
	return say(bold(t.r.ID.String()))
}

func other(t telling) prose {
	if t.Request == "" {
		return say("the request")
	}
	return say(link(t.Request.String(), t.Link))
}

func targetName(t telling) string {
	if t.r.Target.ModelID == "" {
		return "the target"
	}
	return name(t.r.Target.Name())
}

// choices are spellings to type, each with the ID behind it where it is not the same.
func choices(names, ids []string) prose {
	list := make([]prose, 0, len(names))
	for i, n := range names {
		one := say(code(name(n)))
		if i < len(ids) && ids[i] != "" && !strings.HasSuffix(n, ids[i]) {
			one = say(one, " (ID ", code(name(ids[i])), ")")
		}
		list = append(list, one)
	}
	return join(", ", list...)
}

func nameNotFound(t telling) prose {
	text := say(name(t.Text) + " not found.")
	if len(t.Names) > 0 {
		text = say(text, " Did you mean ", choices(t.Names, nil), "?")
	}
	if len(t.Known) > 0 {
		return say(text, " There are: ", choices(t.Known, nil), ".")
	}
	if len(t.Names) > 0 {
		return text
	}
	return say(name(t.Text)+" not found. ", code(slash+" list"), " shows the models, ", code(slash+" status MODEL"), " its environments and deployments.")
}

func invalidValue(t telling) prose {
	if t.Invalid == nil {
		return say("a value is out of range.")
	}
	return say(stopped(t.Invalid.Error()))
}

func untilTooSoon(t telling) prose {
	const instead = ". Give a later time, or how long: "
	if t.Until.IsZero() {
		return say(oneLine(t.Text)+" has passed"+instead, code(forSample), ".")
	}
	return say(on(t.Until), " has passed or is less than 5 min away"+instead, code(forSample), ".")
}

func untilTooFar(t telling) prose {
	if t.r.Kind == change.KindFreeze {
		return say(on(t.Until), " is more than 30 days away. Give an earlier time.")
	}
	return say(on(t.Until), " is more than 30 days away. Give an earlier time, or none to change the settings for good.")
}

func nothingToUndo(t telling) prose {
	if t.State == change.Applied {
		return say(other(t), " changed nothing of its own, so there is nothing to undo.")
	}
	return say(other(t), " was not applied, so there is nothing to undo: it "+standing(t.State)+".")
}

func nothingChanges(t telling) prose {
	what := "these values are in force"
	if fields := t.r.Ask.Settings.Fields(); len(fields) > 0 {
		what = current(t.r.Ask.Settings, fields)
	}
	return say("Nothing would change: " + what + " already. So nobody was asked.")
}

func targetGone(t telling) prose {
	if t.r.Sends > 0 {
		return say("Baseten's answer was lost, and now " + targetName(t) + " is not found there any more.")
	}
	return say(targetName(t) + " not found: Baseten does not have it any more.")
}

// said is Baseten's own sentence.
func said(t telling) string {
	if t.Text == "" {
		return ""
	}
	return " Baseten says: " + stopped(t.Text)
}

func basetenAuth(t telling) prose {
	if t.HTTP == 0 {
		return say("the bot has no API key that it could use.")
	}
	return say("Baseten does not accept the bot's API key for this (HTTP ", t.HTTP, ")."+said(t))
}

func basetenRefused(t telling) prose {
	switch {
	case t.HTTP == 0:
		return say("this change cannot be put to Baseten." + said(t))
	case t.BasetenCode != "":
		return say("Baseten refused the change (HTTP ", t.HTTP, ", "+name(t.BasetenCode)+")."+said(t))
	default:
		return say("Baseten refused the change (HTTP ", t.HTTP, ")."+said(t))
	}
}

// noAnswer says how Baseten could not be reached.
func noAnswer(status, tries int) string {
	switch {
	case status == 0 && tries > 1:
		return "Baseten did not answer (tried" + times(tries) + ")."
	case status == 0:
		return "Baseten did not answer."
	}
	return "Baseten answered " + answered(status) + times(tries) + "."
}

func stillNoAnswer(status int) string {
	if status == 0 {
		return "Baseten does not answer"
	}
	return "Baseten answers " + answered(status)
}

// answered is an answer that did not help: a refusal, or one that cannot be read.
func answered(status int) string {
	if status >= 200 && status < 300 {
		return "with something that cannot be read (HTTP " + number(status) + ")"
	}
	return "HTTP " + number(status)
}

// notYet says what is not known for that, which depends on whether it was sent.
func notYet(r *change.Request) string {
	if r.State == change.Applying {
		return ", so I do not know yet whether it took this change. I keep looking."
	}
	return ", so I cannot look at the settings before I change them. I keep trying."
}

// notAnnounced says why a break-glass could not be announced.
func notAnnounced(t telling) prose {
	why := ""
	switch t.Text {
	case "":
	case "not_in_channel":
		why = " (I am not in it)"
	case "is_archived":
		why = " (it is archived)"
	default:
		why = " (Slack: " + oneLine(t.Text) + ")"
	}
	return say("the channel for alarms took no message" + why + ", so the approval was not skipped.")
}

func saidNo(t telling) prose {
	if t.Text == "" {
		return say("Denied by ", t.who(t.r.DeniedBy), ".")
	}
	return say("Denied by ", t.who(t.r.DeniedBy), ": "+stopped(t.Text))
}

func timeOut(t telling) prose {
	if t.r.Decision.Effect == authz.Confirm {
		return say("it was not confirmed in time.")
	}
	if len(t.r.Votes) == 0 {
		return say("nobody approved in time.")
	}
	return say("not enough people approved in time.")
}

func promoted(t telling) prose {
	deployment := "the deployment"
	if t.r.Target.Deployment != "" {
		deployment = "deployment " + name(t.r.Target.Deployment)
	}
	if t.Is != "" {
		return say(deployment + " was promoted, it serves " + name(t.Is) + " now.")
	}
	return say(deployment + " does not serve " + name(t.Was) + " any more.")
}

func tooLate(t telling) prose {
	return say("too late. For " + length(t.After) + " it could not be sent, because the bot, Slack or Baseten was away.")
}

func alreadyDone(t telling) prose {
	text := say("Already done: the same change was made in the meantime.")
	if t.r.Sends > 0 {
		return text
	}
	return say(text, " Nothing was sent.")
}

func notTaken(t telling) prose {
	text := noAnswer(t.HTTP, t.Tries)
	if fields := t.r.Ask.Settings.Fields(); len(fields) > 0 {
		text += " Read back: " + current(t.r.Snapshot.Settings, fields) + ", as before."
	}
	return say(text)
}

// moved says what is not what it was: max was 4 when shown, is 5 now.
func moved(all []change.Moved) string {
	out := make([]string, 0, len(all))
	for _, m := range all {
		out = append(out, word(m.Field)+" was "+valueOf(m.Field, m.Was)+" when shown, is "+valueOf(m.Field, m.Is)+" now")
	}
	return joined("; ", out, "the settings moved")
}

// stands says what stands there now.
func stands(all []change.Moved) string {
	out := make([]string, 0, len(all))
	for _, m := range all {
		out = append(out, label(m.Field)+" is "+valueOf(m.Field, m.Is))
	}
	return joined(", ", out, "they are not what they were")
}

func neverSet(fields []baseten.Field) string {
	if len(fields) == 1 {
		return label(fields[0]) + " was not set before, and Baseten cannot clear it again"
	}
	return labels(fields) + " were not set before, and Baseten cannot clear them again"
}
