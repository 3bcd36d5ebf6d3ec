package change

import (
	"slices"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// Code names why something is as it is. Codes are kept in rows and in the audit
// log: one is never renamed or given another meaning.
type Code string

// Why a command was not carried out. Each comment names the fields of Reason that
// it comes with.
const (
	// Denied.

	PolicyDenied  Code = "policy_denied"  // Cause
	NotInDirect   Code = "not_in_direct"  // changes are made in channels
	SharedChannel Code = "shared_channel" // shared with another organisation
	MembersOnly   Code = "members_only"
	NoAnnounce    Code = "no_announce" // break-glass needs ANNOUNCE_CHANNEL

	// Failed, before anything was sent.

	WhoUnknown      Code = "who_unknown"   // Slack could not be asked who this is
	PlaceUnknown    Code = "place_unknown" // nor whether the channel is shared
	NotInvited      Code = "not_invited"   // the bot cannot post there
	ChannelGone     Code = "channel_gone"  // nothing can be posted there any more
	CardNotPosted   Code = "card_not_posted"
	NameNotFound    Code = "name_not_found"   // Text: what was typed; Names: suggestions; Known
	ModelSecond     Code = "model_second"     // Text: what stands where the model should; Names: the model; Known: targets it may be about
	NameAmbiguous   Code = "name_ambiguous"   // Text; Names: the choices; IDs: theirs
	NameUnreadable  Code = "name_unreadable"  // Text: what Baseten describes in a way that cannot be read
	SettingsHidden  Code = "settings_hidden"  // Baseten shows none: not deployed yet
	SettingsUnclear Code = "settings_unclear" // Baseten shows some that cannot be read
	InvalidValue    Code = "invalid_value"    // Invalid
	UndoMoved       Code = "undo_moved"       // Request, Moved: not what it set
	UndoImpossible  Code = "undo_impossible"  // Request, Fields: Baseten cannot clear them
	NothingToUndo   Code = "nothing_to_undo"  // Request, State
	AlreadyUndone   Code = "already_undone"   // Request: the one that undoes it
	TargetGone      Code = "target_gone"      // Baseten does not have it any more
	BasetenAuth     Code = "baseten_auth"     // HTTP (0: the bot has no key), Text
	BasetenRefused  Code = "baseten_refused"  // HTTP, Text, BasetenCode
	BasetenLimited  Code = "baseten_limited"  // HTTP 429
	BasetenAway     Code = "baseten_away"     // HTTP, 0 if there was no answer; Tries
	SlackAway       Code = "slack_away"
	TooManyWaiting  Code = "too_many_waiting" // Tries: how many wait for others already
	NotAnnounced    Code = "not_announced"    // Text; Slack's word for why the channel for alarms took no message: nothing is sent
	Broken          Code = "broken"           // the bot itself failed; the log says more
	NotJudgedInTime Code = "not_judged_in_time"

	// Of freezes and times.

	Frozen       Code = "frozen"         // Freeze; denied, stale, or an answer to an act
	UntilPassed  Code = "until_passed"   // stale; Until: when it was to end
	UntilTooSoon Code = "until_too_soon" // failed; Until, or Text as it was typed: it has passed, or less than five minutes are left
	UntilTooFar  Code = "until_too_far"  // failed; Until: more than 30 days are left
	UntilSkipped Code = "until_skipped"  // failed; Text: the time that was typed; Until: when the clocks skip it, After: by how much
	CannotGoBack Code = "cannot_go_back" // failed; Fields: Baseten cannot clear them, so the change cannot be one for a time
	// NothingBack: nothing goes back at the end: Moved are settings that somebody else
	// changed since, By who; Request is the later one that holds the others. Canceled.
	NothingBack Code = "nothing_back"

	// Canceled.

	AlreadyAsked Code = "already_asked" // Request: the one that waits; Link
	// NothingChanges: the values are in force already, and somebody would have to agree.
	NothingChanges Code = "nothing_changes"
	Replaced       Code = "replaced"   // Request: the newer one; Link
	TakenBack      Code = "taken_back" // by whoever CanceledBy names

	// Denied and expired, by people. Text is what the person said.

	SaidNo  Code = "said_no"
	TimeOut Code = "time_out"

	// Stale.

	SettingsMoved  Code = "settings_moved" // Moved
	Promoted       Code = "promoted"       // Was, Is: environments that it served
	Renamed        Code = "renamed"        // Was, Is: names of the model or its team
	TooLate        Code = "too_late"       // After: how long it was owed; Tries
	NeedsConfirm   Code = "needs_confirm"  // the policy of today asks for it
	NeedsApproval  Code = "needs_approval" // the policy of today asks for it
	TooFewNow      Code = "too_few_now"    // the approvals do not suffice any more
	BecameShared   Code = "became_shared"  // the channel is shared with another organisation now
	RequesterLeft  Code = "requester_left"
	PolicyDeniesIt Code = "policy_denies_it" // Cause: not allowed any more

	// Applied, without an answer.

	AlreadyDone Code = "already_done" // somebody else set the same; nothing was sent
	ReadBack    Code = "read_back"    // the answer was lost, the settings show it

	// Failed or unknown, after it was sent.

	OverwrittenSince Code = "overwritten_since" // the answer was lost, other values stand there: Moved
	NotTaken         Code = "not_taken"         // sent twice, never seen: Tries, HTTP
	NotSentAgain     Code = "not_sent_again"    // sent once, not seen; Then says why not again
	NeverKnown       Code = "never_known"       // for an hour nobody could tell

	// Waits. They stand in a request that has not ended and end with it.

	WaitsForBaseten  Code = "waits_for_baseten"  // HTTP, 0 if there was no answer
	WaitsForSettings Code = "waits_for_settings" // Baseten does not show them
	WaitsForSlack    Code = "waits_for_slack"
	WaitsForTarget   Code = "waits_for_target" // another request is applying to it
	WaitsForOutcome  Code = "waits_for_outcome"

	// Answers to an act that was not carried out.

	RequestNotFound Code = "request_not_found"
	StillJudged     Code = "still_judged"
	AlreadyDecided  Code = "already_decided" // the request tells by whom
	HasExpired      Code = "has_expired"
	NotYours        Code = "not_yours"        // Verb: only the requester can
	NotApprover     Code = "not_approver"     // Cause
	VotedAlready    Code = "voted_already"    // Tally
	ReasonTooShort  Code = "reason_too_short" // break-glass wants a reason that says something
	DeniedLately    Code = "denied_lately"    // Request: a person denied it within the last hour
	OwnBreakGlass   Code = "own_break_glass"  // nobody reviews their own break-glass
	NoBreakGlass    Code = "no_break_glass"   // there is nothing to review
	Reviewed        Code = "reviewed"         // by whoever Review.By names
	NotReviewer     Code = "not_reviewer"
	NotAgain        Code = "not_again"      // State: it cannot be asked again
	AlreadyEnding   Code = "already_ending" // Request: the one that ends it
	NotHeld         Code = "not_held"       // Request, State: it is no change for a time, or is one no more
	NotFrozen       Code = "not_frozen"     // Request: it is no freeze, or is over
	NotThawer       Code = "not_thawer"     // Freeze: only these can thaw it
	AskedAgain      Code = "asked_again"    // Request: the one that did

	// Refused before anything was looked at.

	TooManyAtOnce Code = "too_many_at_once" // After: how long to wait
	TooOld        Code = "too_old"          // a mention that arrived too late to be acted on
)

// Mistake reports whether a request that failed for this reason could not have
// succeeded as it was typed: a name that does not exist, a value out of range, an undo
// of nothing. Nothing is wrong with the bot, Slack or Baseten.
func (c Code) Mistake() bool { return slices.Contains(mistakes, c) }

var mistakes = []Code{
	NameNotFound, ModelSecond, NameAmbiguous, InvalidValue,
	UndoMoved, UndoImpossible, NothingToUndo, AlreadyUndone, TooManyWaiting,
	UntilTooSoon, UntilTooFar, UntilSkipped, CannotGoBack,
}

// Refusals are the codes for which a command or a click may be refused.
func Refusals() []Code {
	return slices.Concat(mistakes, []Code{
		PolicyDenied, NotInDirect, SharedChannel, MembersOnly, NoAnnounce, Frozen,
		RequestNotFound, StillJudged, AlreadyDecided, HasExpired, NotYours, NotApprover, VotedAlready, ReasonTooShort,
		DeniedLately, OwnBreakGlass, NoBreakGlass, Reviewed, NotReviewer, NotAgain, AskedAgain,
		AlreadyEnding, NotHeld, NotFrozen, NotThawer, TooManyAtOnce, TooOld,
	})
}

// Reason is a code with its data. Only views make words of it: a reworded sentence
// breaks nothing, and old rows speak today's words.
type Reason struct {
	Code Code `json:"code,omitempty"`
	// Cause is the policy's.
	Cause authz.Cause `json:"cause,omitzero"`
	// Text is somebody else's: a person's words, a name, Baseten's message.
	Text  string   `json:"text,omitempty"`
	Names []string `json:"names,omitempty"`
	// Known are names of what there is.
	Known []string `json:"known,omitempty"`
	// IDs are those of Names, in their order, "" for what has none.
	IDs []string `json:"ids,omitempty"`
	// HTTP is the status that Baseten answered with, 0 for none, and BasetenCode its
	// own code. Tries is how often it was tried.
	HTTP        int    `json:"http,omitempty"`
	BasetenCode string `json:"baseten_code,omitempty"`
	Tries       int    `json:"tries,omitempty"`
	// Moved are settings that are not what they were, By who moved them; zero where
	// Baseten does not tell.
	Moved []Moved         `json:"moved,omitempty"`
	By    baseten.Changer `json:"by,omitzero"`
	// Fields are the settings that it is about.
	Fields  []baseten.Field       `json:"fields,omitempty"`
	Invalid *baseten.InvalidError `json:"invalid,omitempty"`
	// Was and Is name something before and now.
	Was string `json:"was,omitempty"`
	Is  string `json:"is,omitempty"`
	// After is how long it took.
	After time.Duration `json:"after,omitempty"`
	// Request is another request, State its state, Link where it is shown.
	Request ID     `json:"request,omitempty"`
	State   State  `json:"state,omitempty"`
	Link    string `json:"link,omitempty"`
	Verb    Verb   `json:"verb,omitempty"`
	// Freeze is the freeze that it is about.
	Freeze *Freeze `json:"freeze,omitempty"`
	// Until is when something ends.
	Until time.Time `json:"until,omitzero"`
	// Call is the API call that makes the change by hand, with $BASETEN_API_KEY in
	// place of the key. It is set only where trouble, and no refusal, stopped it.
	Call string `json:"call,omitempty"`
	// Then is why it did not go on after that.
	Then *Reason `json:"then,omitempty"`
}

// Moved is one setting that is not what it was. Nil means not set.
type Moved struct {
	Field baseten.Field `json:"field"`
	Was   *int          `json:"was"`
	Is    *int          `json:"is"`
}

// NoteCode names what stands in the way of a change taking effect or lasting.
type NoteCode string

// Notes on a card. Each comment names the fields of Note that it comes with.
const (
	NoteServes        NoteCode = "serves"         // Name: a promotion of that environment overwrites it
	NotePromoting     NoteCode = "promoting"      // Name: on its way into that environment
	NoteNothingServes NoteCode = "nothing_serves" // no deployment serves the environment yet
	NotePromotionRuns NoteCode = "promotion_runs" // Status, Percent
	NoteSchedule      NoteCode = "schedule"       // in force: Name, Until, Zone, Fields: the touched that it masks
	NoteScheduleNext  NoteCode = "schedule_next"  // Name, Until: when it begins, Zone, Fields, Moved: Is is what it sets
	NoteSchedulesOdd  NoteCode = "schedules_odd"  // there are schedules that cannot be read
	NoteOwnSettings   NoteCode = "own_settings"   // Name, Moved: the serving deployment runs with others
	NoteInactive      NoteCode = "inactive"
	NoteScaledToZero  NoteCode = "scaled_to_zero"
	NoteDeploying     NoteCode = "deploying"   // Status
	NoteNotRunning    NoteCode = "not_running" // Status
	NoteMayScaleDown  NoteCode = "may_scale_to_zero"
	NoteTokensRule    NoteCode = "tokens_rule"  // in-flight tokens decide, not concurrency
	NoteCannotClear   NoteCode = "cannot_clear" // Fields: once set, set for ever
	NoteStaysAsItIs   NoteCode = "stays"        // Fields: an undo, or an end, cannot put these back
	// NoteHeld: a temporary change, Request, holds a touched setting until Until. Then the
	// settings go back to Moved's Is, and this could not be sent as it is shown.
	NoteHeld NoteCode = "held"
	// NoteEndInWindow: at the end of the change a schedule is in force: Name, Until: the
	// end, Zone, Fields: the touched that it overrides, Moved: Is is what it sets.
	NoteEndInWindow NoteCode = "end_in_window"

	// Of ends. Fields, or Moved and By who moved them, do not go back.

	NoteDoesNotFit NoteCode = "does_not_fit" // Fields: what they would go back to does not fit to the other settings
	NoteMovedSince NoteCode = "moved_since"  // Moved, By: somebody else changed them since

	// NoteWaitsForThaw: of a freeze: the end of Request, of Target, comes within it: Until,
	// Link.
	NoteWaitsForThaw NoteCode = "waits_for_thaw"
)

// Note is one thing to know about a change before it is made: a code with its data.
type Note struct {
	Code    NoteCode        `json:"code"`
	Name    string          `json:"name,omitempty"`
	Status  string          `json:"status,omitempty"`
	Percent *float64        `json:"percent,omitempty"`
	Until   time.Time       `json:"until,omitzero"`
	Zone    string          `json:"zone,omitempty"`
	Fields  []baseten.Field `json:"fields,omitempty"`
	Moved   []Moved         `json:"moved,omitempty"`
	By      baseten.Changer `json:"by,omitzero"`
	Request ID              `json:"request,omitempty"`
	Target  baseten.Target  `json:"target,omitzero"`
	Link    string          `json:"link,omitempty"`
}
