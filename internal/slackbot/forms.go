package slackbot

import (
	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
)

// explainOffer lets somebody who denied say why.
func explainOffer(id change.ID) message {
	text := "You denied " + id.String() + "."
	return message{text: text, blocks: []slack.Block{
		rich(literal(text)),
		slack.NewActionBlock("", button(actionExplain, "Add a reason", string(id), slack.StyleDefault)),
	}}
}

// mostReason is how long a reason may be, wherever it is given.
const mostReason = 500

// reasonForm asks for a reason.
func reasonForm(callback, title, question string, id change.ID) slack.ModalViewRequest {
	input := slack.NewPlainTextInputBlockElement(nil, inputReason)
	input.Multiline, input.MaxLength = true, mostReason
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: callback, PrivateMetadata: string(id),
		Title: plainText(title), Submit: plainText("Send"), Close: plainText("Back"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock(blockReason, plainText(question), nil, input)}},
	}
}
