package view

import (
	"regexp"

	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
)

// Action IDs of the buttons. They are a contract across versions: old messages keep
// their buttons. A button's value is the request's ID and nothing else, but for
// ActionChangeTarget: that is a target's, in words that are read as if they were typed.
const (
	ActionApprove    = "approve"
	ActionDeny       = "deny"
	ActionConfirm    = "confirm"
	ActionCancel     = "cancel"
	ActionBreakGlass = "break_glass"
	ActionReview     = "review"
	ActionAskAgain   = "ask_again"
	ActionExplain    = "explain"
	ActionChange     = "change"
	ActionUndo       = "undo"
	ActionStatus     = "status"
	ActionEnd        = "end"
	ActionExtend     = "extend"
	ActionKeep       = "keep"
	ActionThaw       = "thaw"
	// ActionDo runs a corrected command. It stands in private answers alone, and its
	// value is the command, which is parsed and judged as if it had been typed.
	ActionDo = "do"
	// ActionChangeTarget names a target, in words that are read as if they were typed.
	ActionChangeTarget = "change_target"
)

var numbered = regexp.MustCompile(`_[0-9]+$`)

// Action is what a button does, by its action ID, which may have a number.
func Action(id string) string { return numbered.ReplaceAllString(id, "") }

// Callback IDs of the forms, and where the reason stands in what they submit.
const (
	FormBreakGlass = "break_glass"
	FormExplain    = "explain"
	BlockReason    = "reason"
	InputReason    = "text"
)

// mostReason is how long a reason may be, wherever it is given.
const mostReason = 500

// ReasonMissing stands under a form's field that was left empty.
const ReasonMissing = "Please give a reason."

// BreakGlassForm asks why the approval of a request has to be skipped, and says what is
// sent then and who is told.
func BreakGlassForm(r *change.Request) slack.ModalViewRequest {
	form := reasonForm(FormBreakGlass, "Break Glass", "Why can this not wait for an approval?", r.ID)
	form.Submit.Text = "Break Glass"
	var d draft
	d.lines(append([]prose{say("Sent at once, without an approval: ", bold(title(r.Target)))}, wishes(r)...)...)
	d.lines(price(r))
	d.lines(say("You and your reason are announced in the channel for alarms, and somebody who could have approved it reviews it."))
	form.Blocks.BlockSet = append(d.blocks, form.Blocks.BlockSet...)
	return form
}

// ExplainForm asks somebody who denied why.
func ExplainForm(id change.ID) slack.ModalViewRequest {
	return reasonForm(FormExplain, "Reason", "Why was it denied?", id)
}

// ExplainOffer lets somebody who denied say why.
func ExplainOffer(id change.ID) Message {
	var d draft
	d.lines(say("You denied " + id.String() + "."))
	d.buttons(button(ActionExplain, "Add a Reason", id, id.String()))
	return d.message()
}

func reasonForm(callback, title, question string, id change.ID) slack.ModalViewRequest {
	const mostTitle, mostLabel = 24, 2000
	input := slack.NewPlainTextInputBlockElement(nil, InputReason)
	input.Multiline, input.MaxLength = true, mostReason
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: callback, PrivateMetadata: string(id),
		Title: plainText(title, mostTitle), Submit: plainText("Send", mostTitle), Close: plainText("Back", mostTitle),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock(BlockReason, plainText(question, mostLabel), nil, input)}},
	}
}
