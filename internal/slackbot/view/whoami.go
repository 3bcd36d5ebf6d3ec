package view

import (
	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
)

// Self is what the bot knows of whoever asks.
type Self struct {
	User, Channel string
	// Membership is Unknown where Slack could not be asked; then nothing is known of
	// groups and rules.
	Membership authz.Membership
	Groups     []string
	Stakes     []authz.Stake
	// Here is why no changes are taken in the channel; its code is "" where they are.
	Here change.Reason
}

// WhoAmI tells somebody what the bot knows of them: what they need to ask for a
// permission, and what they may do already.
func WhoAmI(me Self) Message {
	var d draft
	lines := []prose{say("You: ", code(me.User), ", "+membershipWord(me.Membership))}
	known := me.Membership != authz.Unknown && me.Membership != ""
	if known {
		lines = append(lines, say("Groups: "+joined(", ", lined(me.Groups), "none")))
	}
	lines = append(lines, say("This channel: ", code(me.Channel), takesHere(me, known)))
	if known && len(me.Stakes) == 0 {
		lines = append(lines, say("Rules that name you: none"))
	}
	d.lines(lines...)
	if known && len(me.Stakes) > 0 {
		d.lines(say("Rules that name you, the first that fits decides:"))
		d.list(stakes(me.Stakes), nil)
	}
	return d.message()
}

// takesHere says whether changes are taken in the channel.
func takesHere(me Self, known bool) prose {
	switch {
	case !known:
		return nil
	case me.Here.Code == "":
		return say(", changes are taken here")
	default:
		here := about(nil, me.Here, me.User)
		return say(". No changes here: ", wordings[here.Code].or(unworded)(here))
	}
}

// stakes says of each rule what it lets a person do.
func stakes(all []authz.Stake) []prose {
	out := make([]prose, 0, len(all))
	for _, s := range all {
		out = append(out, stake(s))
	}
	return out
}

// stake is one rule: on-call may raise LLMs up to 8: you may change max of llama-*, at
// once, when …
func stake(s authz.Stake) prose {
	var does []prose
	if s.Asks {
		does = append(does, mayAsk(s))
	}
	if s.Approves {
		does = append(does, say("you may approve what others ask"))
	}
	if s.Skips {
		does = append(does, say("you may skip the approval (break-glass)"))
	}
	if s.Freezes {
		does = append(does, say("you may freeze models and thaw them"))
	}
	text := say(bold(oneLine(s.Rule)), ": ", join("; ", does...))
	if s.When != "" {
		const most = 300
		text = say(text, ", when ", code(shorten(oneLine(s.When), most)))
	}
	return text
}

func mayAsk(s authz.Stake) prose {
	what := "any setting"
	if len(s.Settings) > 0 {
		words := make([]string, 0, len(s.Settings))
		for _, f := range s.Settings {
			words = append(words, word(f))
		}
		what = listed("and", words)
	}
	where := say(what)
	if len(s.Models) > 0 {
		where = say(where, " of ", names(s.Models))
	}
	if len(s.Targets) > 0 {
		where = say(where, " on ", names(s.Targets))
	}
	switch s.Effect {
	case authz.Deny:
		return say("you may not change ", where)
	case authz.Allow:
		return say("you may change ", where, ", at once")
	case authz.Confirm:
		return say("you may change ", where, ", once you confirm it")
	case authz.Approve:
	}
	return say("you may ask to change ", where, ", with "+approvals(s.Needed)+" by ", names(s.Approvers))
}

func lined(words []string) []string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, oneLine(w))
	}
	return out
}

func membershipWord(m authz.Membership) string {
	switch m {
	case authz.Member:
		return "a full member of this workspace"
	case authz.Guest:
		return "a guest in this workspace"
	case authz.Bot:
		return "a bot or workflow"
	case authz.Foreign:
		return "of another organisation"
	case authz.Deactivated:
		return "a deactivated account"
	case authz.Unknown:
	}
	return "and Slack did not say more"
}
