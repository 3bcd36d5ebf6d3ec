package slackbot

import (
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
)

// result is the one reply that tells how a request ended, with Baseten's status and
// message unchanged. What is learned later is added by editing it. It names the
// requester once, which is their notification.
func result(r *change.Request) message {
	var head []slack.RichTextSectionElement
	var text string
	head = append(head, person(r.Requester.ID), literal(" "))
	switch r.State {
	case change.Applied:
		if r.Answer.ReadBack {
			head = append(head, words(r.Why)...)
			text = r.Why
			break
		}
		head = append(head, literal("Baseten: "))
		head = append(head, bold(statusWord(r.Answer.Status)))
		if r.Answer.Message != "" {
			head = append(head, literal(" — "), literal(r.Answer.Message))
		}
		text = "Baseten: " + escaped(statusWord(r.Answer.Status))
		if r.Answer.Message != "" {
			text += " — " + escaped(r.Answer.Message)
		}
	case change.Applying:
		head = append(head, words(r.Why)...)
		text = fallback(r.Why)
	default:
		sentence := endSentence(r)
		head = append(head, words(sentence)...)
		text = fallback(sentence)
	}
	blocks := []slack.Block{}
	head, byHand := splitCall(head)
	blocks = append(blocks, rich(head...))
	if byHand != "" {
		blocks = append(blocks, preformatted(byHand))
	}
	if r.Outcome.Text != "" {
		icon := "⏱️ "
		if r.Outcome.Ended() {
			icon = ""
		}
		blocks = append(blocks, rich(append([]slack.RichTextSectionElement{literal(icon)}, words(r.Outcome.Text)...)...))
		text += " " + fallback(r.Outcome.Text)
	}
	switch {
	case r.State == change.Stale || r.State == change.Expired:
		blocks = append(blocks, slack.NewActionBlock("", button(actionAskAgain, "Ask again", string(r.ID), slack.StyleDefault)))
	}
	blocks = append(blocks, identifiers(r))
	return message{text: "<@" + r.Requester.ID + "> " + text, blocks: blocks}
}

// statusWord is Baseten's status as it is. Words this version does not know are
// shown as such, for Baseten defines none of them.
func statusWord(status string) string {
	switch status {
	case "":
		return "no status given"
	case "ACCEPTED", "QUEUED", "UNCHANGED":
		return status
	default:
		return "unknown status " + status
	}
}

// endSentence says how a request ended that was not applied.
func endSentence(r *change.Request) string {
	switch r.State {
	case change.Denied:
		if r.EndedBy.ID == "" {
			return orText(r.Why, "not allowed.")
		}
		if r.Why != "" {
			return "Denied by <@" + r.EndedBy.ID + ">: " + plainWords(r.Why)
		}
		return "Denied by <@" + r.EndedBy.ID + ">."
	case change.Canceled:
		return strings.TrimSpace("Canceled by " + orThePolicy(r.EndedBy) + ". " + r.Why)
	case change.Expired:
		return "Expired. " + r.Why + " Nothing was changed."
	case change.Stale:
		return "Stale, so not carried out. " + r.Why
	default:
		return orText(r.Why, string(r.State)+".")
	}
}

// plainWords keeps what a person typed from being read as markup.
func plainWords(s string) string { return strings.ReplaceAll(s, "<", "‹") }

func orText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// splitCall takes the API call that somebody may make by hand out of a sentence, to
// be shown in a block that can be copied.
func splitCall(head []slack.RichTextSectionElement) ([]slack.RichTextSectionElement, string) {
	for i, e := range head {
		text, ok := e.(*slack.RichTextSectionTextElement)
		if !ok {
			continue
		}
		if at := strings.Index(text.Text, "curl "); at >= 0 {
			out := slices.Clone(head[:i])
			return append(out, literal(strings.TrimSpace(text.Text[:at]))), text.Text[at:]
		}
	}
	return head, ""
}

// reminder is one line in the thread before a card expires.
func reminder(r *change.Request) message {
	text := "Still waiting: " + needed(r) + " It expires at " + until(r.ExpiresAt) + "."
	return message{text: fallback(text), blocks: []slack.Block{rich(words(text)...)}}
}

// reviewCard asks somebody who could have approved to look at a broken glass.
func reviewCard(r *change.Request) message {
	head := []slack.RichTextSectionElement{
		literal("🚨 "), person(r.Requester.ID), literal(" broke glass on "), bold(targetName(r.Target)),
		literal(": " + diffText(r) + "."),
	}
	body := [][]slack.RichTextSectionElement{head, {literal("Reason: " + r.Ask.Reason)}}
	text := "<@" + r.Requester.ID + "> broke glass on " + escaped(targetName(r.Target)) + ": " + escaped(diffText(r)) + ". Reason: " + escaped(r.Ask.Reason)
	blocks := []slack.Block{}
	if r.Review.Open {
		body = append(body, words("To be reviewed by somebody else who could have approved it."))
		blocks = append(blocks, lines(body...), slack.NewActionBlock("", button(actionReview, "Sign review", string(r.ID), slack.StylePrimary)))
	} else {
		body = append(body, words("Reviewed by "+orThePolicy(r.Review.By)+"."))
		text += " Reviewed."
		blocks = append(blocks, lines(body...))
	}
	return message{text: text, blocks: append(blocks, identifiers(r))}
}

// explainOffer lets somebody who denied say why.
func explainOffer(id change.ID) message {
	return message{
		text: "You denied " + id.String() + ".",
		blocks: []slack.Block{
			rich(literal("You denied " + id.String() + ".")),
			slack.NewActionBlock("", button(actionExplain, "Add a reason", string(id), slack.StyleDefault)),
		},
	}
}

// reasonForm asks for a reason.
func reasonForm(callback, title, question string, id change.ID) slack.ModalViewRequest {
	plain := func(s string) *slack.TextBlockObject {
		return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
	}
	input := slack.NewPlainTextInputBlockElement(nil, inputReason)
	input.Multiline, input.MaxLength = true, 500
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: callback, PrivateMetadata: string(id),
		Title: plain(title), Submit: plain("Send"), Close: plain("Back"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock(blockReason, plain(question), nil, input)}},
	}
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
