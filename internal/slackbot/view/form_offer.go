package view

import (
	"slices"

	"github.com/slack-go/slack"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// changeLabel is on each button that opens the form.
const changeLabel = "Change…"

// changeButton opens the form with what the request asks for.
func changeButton(r *change.Request) *slack.ButtonBlockElement {
	what := r.ID.String()
	if r.Target.ModelID != "" {
		what = title(r.Target)
	}
	return button(ActionChange, changeLabel, r.ID, what)
}

// Reasons, and causes of a denial, that other values, another target or a better reason
// may do away with.
var (
	changeableCodes = []change.Code{
		change.NameNotFound, change.NameAmbiguous, change.InvalidValue, change.SettingsMoved, change.UndoMoved,
		change.BasetenRefused, change.BasetenLimited, change.BasetenAway, change.NotJudgedInTime,
		change.UntilTooSoon, change.UntilTooFar, change.UntilSkipped, change.CannotGoBack,
	}
	changeableCauses = []authz.CauseCode{
		authz.CauseNoRule, authz.CauseDenies, authz.CauseReasonMissing, authz.CauseTooFew, authz.CauseConditionFailed,
		authz.CauseBreakGlassNever, authz.CauseBreakGlassNotYou, authz.CauseBreakGlassReason,
		authz.CauseForMissing, authz.CauseTooLong,
	}
)

// changeable tells that a request which ended without a card may be asked in another way.
// Where the person may change nothing, or nothing can be changed where they asked, a form
// would promise too much.
func changeable(r *change.Request) bool {
	if r.Kind == change.KindFreeze {
		return false
	}
	if r.Reason.Code == change.PolicyDenied {
		return slices.Contains(changeableCauses, r.Reason.Cause.Code)
	}
	return r.Ask.Model != "" && slices.Contains(changeableCodes, r.Reason.Code)
}

// NoForm tells in a form of its own that none opens, where there is no channel to say it
// in.
func NoForm(no *change.Refused, viewer string) slack.ModalViewRequest {
	var d draft
	d.lines(refused(no, viewer))
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plainText(formTitle, mostTitle), Close: plainText("Close", mostTitle),
		Blocks: slack.Blocks{BlockSet: d.blocks},
	}
}

// Words under fields of the form.
const (
	ChooseChannel  = "Choose a channel."
	ChooseModel    = "Choose a model."
	ChooseTarget   = "Choose a target of this model."
	NothingChanged = "Nothing is changed yet. Change a value first."
	ModelNotFound  = "This model was not found. Choose another one."
	TargetNotFound = "This target was not found any more. Choose another one."
	OtherVersion   = "This form is of another version of the bot. Close it, and open it again with /autoscale."
)

// MovedUnder says under a field that the value is not what was shown.
func MovedUnder(m change.Moved) string {
	return moved([]change.Moved{m}) + ". Look at it again; to ask for the same, send it once more."
}

// InvalidUnder says under a field why a value cannot be sent.
func InvalidUnder(e *baseten.InvalidError) string {
	return invalidValue(telling{Reason: change.Reason{Invalid: e}, r: &change.Request{}}).plain()
}
