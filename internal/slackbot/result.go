package slackbot

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
)

// result is the one reply that tells how a request ended, with Baseten's status and
// message unchanged. What is learned later is added by editing it. It names the
// requester once, which is their notification, and mentions nobody else: who acted
// knows, and the card names them.
func result(r *change.Request) message {
	said, byHand := splitCall(told(r))
	paragraph := rich(append(line{person(r.Requester.ID), literal(" ")}, said...)...)
	text := fmt.Sprintf("<@%s> %s, %s. %s", r.Requester.ID, escaped(targetName(r.Target)), escaped(diffSpoken(r)), spoken(said))
	if quote := quoted(r); quote != "" {
		paragraph.Elements = append(paragraph.Elements, &slack.RichTextQuote{Type: slack.RTEQuote, Elements: line{literal(quote)}})
		text += " — " + escaped(quote)
	}
	blocks := []slack.Block{paragraph}
	if byHand != "" {
		blocks = append(blocks, preformatted(byHand))
		text += " " + escaped(byHand)
	}
	if r.Outcome.Text != "" {
		blocks = append(blocks, rich(append(line{literal(outcomeIcon(r.Outcome) + " ")}, words(r.Outcome.Text)...)...))
		text += " " + fallback(r.Outcome.Text)
	}
	if r.State == change.Stale || r.State == change.Expired {
		blocks = append(blocks, slack.NewActionBlock("", button(actionAskAgain, "Ask again", string(r.ID), slack.StyleDefault)))
	}
	return message{text: text, blocks: append(blocks, identifiers(r, undoHint(r)...))}
}

// quoted is a message of Baseten's of several lines, of which none may pass for one
// of ours.
func quoted(r *change.Request) string {
	if r.State == change.Applied && !r.Answer.ReadBack && strings.Contains(r.Answer.Message, "\n") {
		return r.Answer.Message
	}
	return ""
}

// told is what is said to the requester.
func told(r *change.Request) line {
	switch r.State {
	case change.Applied:
		if r.Answer.ReadBack {
			return words(r.Why)
		}
		out := line{literal("Baseten: "), bold(statusWord(r.Answer.Status))}
		if r.Answer.Message != "" && quoted(r) == "" {
			out = append(out, literal(" — "), literal(r.Answer.Message))
		}
		return out
	case change.Applying:
		return words(cmp.Or(r.Why, "Still at work."))
	case change.Denied:
		if r.EndedBy.ID == "" {
			return words("This is " + cmp.Or(r.Why, "not allowed."))
		}
		out := line{literal("Denied by "), byName(r.EndedBy)}
		if r.Why != "" {
			return append(out, literal(": "+stopped(oneLine(r.Why))+" Nothing was changed."))
		}
		return append(out, literal(". Nothing was changed."))
	case change.Canceled:
		return words(cmp.Or(r.Why, "Canceled.") + " Nothing was changed.")
	case change.Expired:
		return words("Expired. " + r.Why + " Nothing was changed.")
	case change.Stale:
		return words("This is stale and was not carried out. " + r.Why)
	case change.Unknown:
		return words("The end is unknown. " + r.Why)
	default:
		why, failed := strings.CutPrefix(cmp.Or(r.Why, "failed."), "failed")
		if failed {
			return words("This failed" + why)
		}
		return words("This failed: " + why)
	}
}

// stopped ends as a sentence does.
func stopped(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "!") || strings.HasSuffix(text, "?") || strings.HasSuffix(text, "…") {
		return text
	}
	return text + "."
}

// byName names a person without calling them.
func byName(p change.Person) slack.RichTextSectionElement {
	if name := named(p.Name); name != "" {
		return literal(name)
	}
	return person(p.ID)
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

func outcomeIcon(o change.Outcome) string {
	switch {
	case o.Kind == change.Overruled, o.Kind == change.Invisible, o.Kind == change.Unfollowed:
		return "⚠️"
	case o.Kind == change.Reached, o.Final:
		return "✅"
	default:
		return "⏱️"
	}
}

// undoHint says how to put back what was changed, while that can still help. It is no
// button: a button would have to go once somebody else changed the settings.
func undoHint(r *change.Request) []slack.MixedElement {
	switch {
	case r.State != change.Applied, r.Answer.ReadBack && r.Sends == 0, r.Answer.Status == "UNCHANGED":
		return nil
	case r.Outcome.Kind == change.Overruled, len(r.Reading.Settings.Only(r.Ask.Settings)) == 0:
		return nil
	}
	return []slack.MixedElement{plainText("to undo: /autoscale undo " + string(r.ID))}
}

// callMark is what the change service writes before a call to be made by hand.
const callMark = "by hand:\ncurl "

// splitCall takes the API call that somebody may make by hand out of what is said,
// to be shown in a block that can be copied.
func splitCall(said line) (line, string) {
	if len(said) == 0 {
		return said, ""
	}
	last := len(said) - 1
	text, ok := said[last].(*slack.RichTextSectionTextElement)
	if !ok {
		return said, ""
	}
	at := strings.LastIndex(text.Text, callMark)
	if at < 0 {
		return said, ""
	}
	at += len(callMark) - len("\ncurl ")
	return append(said[:last:last], literal(text.Text[:at])), strings.TrimSpace(text.Text[at:])
}

// reminder is one line in the thread before a card expires, for those who have not
// answered.
func reminder(r *change.Request) message {
	text := needed(r)
	if r.Ruling.Missing != "" {
		text = r.Ruling.Missing
	}
	said := append(line{literal("Still waiting: "), bold(targetName(r.Target)), literal(", " + diffText(r) + ". ")},
		words(text+" Open until "+at(r.ExpiresAt)+".")...)
	return message{text: spoken(said), blocks: []slack.Block{rich(said...)}}
}

// reviewCard asks somebody who could have approved to look at a broken glass.
func reviewCard(r *change.Request) message {
	head := line{literal("🚨 "), person(r.Requester.ID), literal(" broke glass on "), bold(targetName(r.Target))}
	body := append([]line{head}, diffLines(r)...)
	body = append(body, line{literal("Reason: " + oneLine(r.Ask.Reason))})
	standing := "The approval was skipped. Somebody else who could have approved it, please review it."
	if !r.Review.Open {
		standing = "Reviewed by <@" + r.Review.By.ID + ">."
	}
	blocks := []slack.Block{lines(append(body, words(standing))...)}
	if r.Review.Open {
		blocks = append(blocks, slack.NewActionBlock("", button(actionReview, "Sign review", string(r.ID), slack.StylePrimary)))
	}
	text := fmt.Sprintf("%s: %s. Reason: %s. %s", spoken(head[1:]), escaped(diffSpoken(r)), escaped(oneLine(r.Ask.Reason)), fallback(standing))
	return message{text: text, blocks: append(blocks, identifiers(r))}
}
