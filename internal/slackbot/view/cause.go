package view

import (
	"fmt"
	"slices"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/authz/condition"
)

// CauseText is why the policy decided as it did, in plain words. It reads well after
// "not allowed: ".
func CauseText(c authz.Cause) string { return cause(c).plain() }

// ApproverCauseText is why somebody's approval does not count, in plain words.
func ApproverCauseText(c authz.Cause) string { return approverCause(c).plain() }

// StepText is what came of one rule, in plain words.
func StepText(s authz.Step) string { return step(s).plain() }

var causes = map[authz.CauseCode]func(authz.Cause) prose{
	authz.CauseAllows:    func(c authz.Cause) prose { return because(c, "allows this") },
	authz.CauseConfirms:  func(c authz.Cause) prose { return because(c, "asks you to confirm this") },
	authz.CauseConfirmed: func(c authz.Cause) prose { return say(rule(c) + " allows this, now that you have confirmed it.") },
	authz.CauseLarge: func(c authz.Cause) prose {
		return say(rule(c) + " allows this, and so large a raise is confirmed first.")
	},
	authz.CauseApproves: approves,
	authz.CauseBreakGlass: func(c authz.Cause) prose {
		return say(rule(c)+" lets you use break-glass. It would have needed ", wants(c), ".")
	},
	authz.CauseDenies: denies,
	authz.CauseNoRule: noRule,
	authz.CauseReasonMissing: func(c authz.Cause) prose {
		return say(rule(c)+" wants a reason: add ", code(`reason="…"`), " to the command.")
	},
	authz.CauseForMissing: func(c authz.Cause) prose {
		text := say(rule(c)+" wants an end: add ", code(forAtMost(c)), " or ", code("until=18:00"))
		if c.Max > 0 {
			text = say(text, ", at most "+length(c.Max))
		}
		return say(text, ".")
	},
	authz.CauseTooLong: func(c authz.Cause) prose {
		return say(rule(c)+" lets a change hold for at most "+length(c.Max)+". Give a shorter time, such as ", code(forAtMost(c)), ".")
	},
	authz.CauseTooFew:          tooFew,
	authz.CauseConditionFailed: conditionFailed,
	authz.CauseGroupUnreadable: func(c authz.Cause) prose {
		if c.Rule == "" {
			return say("Who may freeze depends on the user group " + unreadable(c) + ", which could not be read." + tryLater)
		}
		return say(rule(c) + " depends on the user group " + unreadable(c) + ", which could not be read." + tryLater)
	},
	authz.CauseBreakGlassNever: func(c authz.Cause) prose {
		return say(rule(c)+" lets nobody use break-glass. Ask without break-glass: it needs ", wants(c), ".")
	},
	authz.CauseBreakGlassNotYou: func(c authz.Cause) prose {
		return say(rule(c)+" does not let you use break-glass, only ", names(c.Who), ". Ask without break-glass: it needs "+approvals(c.Needed)+".")
	},
	authz.CauseBreakGlassReason: func(c authz.Cause) prose {
		return say(rule(c)+" lets you use break-glass only with a reason: add ", code(`reason="…"`), " to the command.")
	},
	authz.CauseBreakGlassUnreadable: func(c authz.Cause) prose {
		return say(rule(c)+" lets ", names(c.Who), " use break-glass, and the user group "+unreadable(c)+" could not be read. Ask without break-glass.")
	},

	authz.CauseBot:          literally("Bots and workflows cannot change anything."),
	authz.CauseForeign:      literally("People of another organisation cannot change anything here. Ask a member of this workspace."),
	authz.CauseDeactivated:  literally("The Slack account of the person who asks is deactivated."),
	authz.CauseUnidentified: literally("Slack did not say who you are, and the policy needs to know. " + tryAgain),
	authz.CauseChannel: func(c authz.Cause) prose {
		return say("The policy takes commands in other channels only: ", names(c.Who), ".")
	},
	authz.CauseNothing: func(authz.Cause) prose {
		return say("Nothing would change: name a setting, such as ", code("max=4"), ".")
	},
	authz.CauseUnknownSetting: func(c authz.Cause) prose {
		return say("The policy does not know the setting " + name(string(c.Field)) + ".")
	},
	authz.CauseNeverAllowed: literally("No rule of the policy lets you change anything. " + askOwner),
	authz.CauseNotListed:    literally("You are not on the bot's list of people who may change autoscaling (ALLOWED_USERS). " + askOwner),

	authz.CauseNoFreeze: literally("The policy lets nobody freeze or thaw. " + askOwner),
	authz.CauseNotFreezer: func(c authz.Cause) prose {
		text := say("Only ", names(c.Who), " may freeze and thaw.")
		if c.Guest {
			text = say(text, " Guests need to be named there by user ID.")
		}
		return text
	},

	authz.CauseOwnRequest:  func(c authz.Cause) prose { return say("Nobody approves their own request. It needs ", wants(c), ".") },
	authz.CauseNotApprover: notApprover,
	authz.CauseNobodyAsked: literally("This request waits for nobody's approval."),
}

// approverCauses are the causes that read otherwise of an approver.
var approverCauses = map[authz.CauseCode]func(authz.Cause) prose{
	authz.CauseBot:         literally("Bots and workflows cannot approve anything."),
	authz.CauseForeign:     literally("People of another organisation cannot approve anything here."),
	authz.CauseDeactivated: literally("The Slack account of the approver is deactivated."),
}

const tryLater = " Try again in a few minutes."

func literally(text string) func(authz.Cause) prose {
	return func(authz.Cause) prose { return say(text) }
}

func cause(c authz.Cause) prose {
	if words, ok := causes[c.Code]; ok {
		return words(c)
	}
	if c.Code == "" {
		return say("The policy says no.")
	}
	return say("The policy says so (" + oneLine(string(c.Code)) + ").")
}

func approverCause(c authz.Cause) prose {
	if words, ok := approverCauses[c.Code]; ok {
		return words(c)
	}
	return cause(c)
}

func rule(c authz.Cause) string { return `Rule "` + oneLine(c.Rule) + `"` }

// forAtMost is an option that the rule takes.
func forAtMost(c authz.Cause) string {
	if c.Max > 0 && c.Max < 2*time.Hour {
		return "for=" + number(int(c.Max/time.Minute)) + "m"
	}
	return "for=2h"
}

// because says what a rule does, with the policy author's own reason.
func because(c authz.Cause, does string) prose {
	if c.Text == "" {
		return say(rule(c) + " " + does + ".")
	}
	return say(rule(c) + " " + does + ": " + stopped(c.Text))
}

func approves(c authz.Cause) prose {
	text := say(rule(c)+" needs ", wants(c))
	if c.Text == "" {
		return say(text, ".")
	}
	return say(text, ": "+stopped(c.Text))
}

func denies(c authz.Cause) prose {
	text := because(c, "denies this")
	switch {
	case c.Everybody:
		return say(text, " This holds for everybody.")
	case slices.Contains(c.Who, authz.Everyone):
		return say(text, " It can be asked by others: rule \""+oneLine(c.OtherRule)+"\".")
	default:
		return join(" ", text, couldAsk(c))
	}
}

func noRule(c authz.Cause) prose {
	text := say("No rule allows you this.")
	if c.Everybody {
		text = say(text, " Nobody else could do it either.")
	}
	text = join(" ", text, couldAsk(c))
	if c.Guest {
		text = say(text, " Guests need a rule or group that names them by user ID.")
	}
	return text
}

// couldAsk names who could ask instead.
func couldAsk(c authz.Cause) prose {
	if len(c.Who) == 0 {
		return nil
	}
	return say("It can be asked by ", names(c.Who), ": rule \""+oneLine(c.OtherRule)+"\".")
}

func tooFew(c authz.Cause) prose {
	var able []string
	for _, key := range keys(c) {
		text := "nobody"
		switch n := c.Able[key]; {
		case n == 1:
			text = "only 1 person"
		case n > 1:
			text = "only " + number(n) + " people"
		}
		if c.Own {
			text += " besides you"
		}
		text += " could approve"
		if key != "" {
			text += " for " + oneLine(key)
		}
		if c.Able[key] < c.Needed[key] {
			able = append(able, text)
		}
	}
	text := say(rule(c)+" needs ", wants(c), ", but "+joined(" and ", able, "too few could approve")+".")
	if len(c.Unreadable) > 0 {
		text = say(text, " The user group "+unreadable(c)+" could not be read."+tryLater)
	}
	if c.MayBreak {
		text = say(text, " In an emergency you may add ", code(`break-glass reason="…"`), ".")
	}
	return text
}

func conditionFailed(c authz.Cause) prose {
	if c.Value != "" {
		return say(rule(c)+" cannot be judged: it asks for ", code(oneLine(c.Value)), ", which is not known now.")
	}
	return say(rule(c) + " cannot be judged: its condition failed (" + oneLine(c.Trouble) + ").")
}

func notApprover(c authz.Cause) prose {
	text := say(rule(c)+" takes approvals by ", names(c.Who), " only.")
	if len(c.Unreadable) > 0 {
		text = say(text, " The user group "+unreadable(c)+" could not be read.")
	}
	return text
}

func unreadable(c authz.Cause) string {
	out := make([]string, 0, len(c.Unreadable))
	for _, id := range c.Unreadable {
		out = append(out, oneLine(id))
	}
	return listed("and", out)
}

// names writes who may, as the policy lists them: groups, people, channels, or
// everyone.
func names(list []string) prose {
	out := make([]any, 0, 2*len(list))
	for i, one := range list {
		switch {
		case i > 0 && i == len(list)-1:
			out = append(out, " or ")
		case i > 0:
			out = append(out, ", ")
		}
		switch {
		case one == authz.Everyone:
			out = append(out, "every full member")
		case userID.MatchString(one):
			out = append(out, user(one))
		case channelID.MatchString(one):
			out = append(out, channel(one))
		default:
			out = append(out, oneLine(one))
		}
	}
	return say(out...)
}

// keys are the groups of whose members so many approvals are wanted, in the policy's
// order; "" where it is all approvers together.
func keys(c authz.Cause) []string {
	if _, together := c.Needed[""]; together {
		return []string{""}
	}
	var out []string
	for _, group := range c.Who {
		if _, wanted := c.Needed[group]; wanted {
			out = append(out, group)
		}
	}
	return out
}

// wants writes what a rule asks for: "2 approvals by leads".
func wants(c authz.Cause) prose {
	parts := make([]prose, 0, len(c.Needed))
	for _, key := range keys(c) {
		who := c.Who
		if key != "" {
			who = []string{key}
		}
		parts = append(parts, say(plural(c.Needed[key], "approval")+" by ", names(who)))
	}
	if len(parts) == 0 {
		return say(approvals(c.Needed))
	}
	return join(" and ", parts...)
}

// approvals counts what is needed: 1 approval, or 2 approvals (1 of leads, 1 of sre).
func approvals(needed map[string]int) string {
	total := 0
	var groups []string
	for group, n := range needed {
		total += n
		if group != "" {
			groups = append(groups, number(n)+" of "+oneLine(group))
		}
	}
	text := plural(total, "approval")
	if len(groups) > 1 {
		slices.Sort(groups)
		text += " (" + joined(", ", groups, "") + ")"
	}
	return text
}

// step says what came of one rule.
func step(s authz.Step) prose {
	switch {
	case s.Trouble.Code != "":
		return cause(s.Trouble)
	case s.Matched && s.Decided:
		return say("matches, and decides")
	case s.Matched:
		return say("matches, and is not reached")
	}
	switch s.Miss {
	case authz.PartModels:
		return say("models: ", names(s.Wanted), " is not this model")
	case authz.PartTargets:
		return say("targets: ", names(s.Wanted), " is not this target")
	case authz.PartSettings:
		return say("settings: " + word(s.Field) + " is not listed")
	case authz.PartWho:
		return say("who: you are not ", names(s.Wanted))
	case authz.PartUntouched:
		return say("when: " + word(s.Field) + " is not being changed")
	case authz.PartWhen:
		return shortfall(s.False)
	default:
		return say("does not match")
	}
}

// shortfall says which part of a condition is false, and what it reads:
// after.max_replica <= 8 is false: after.max_replica is 12.
func shortfall(f condition.Shortfall) prose {
	if f.Part == "" {
		return say("when: its condition does not hold")
	}
	const mostRead, mostPart = 4, 200
	text := say("when: ", code(shorten(oneLine(f.Part), mostPart)), " is false")
	values := make([]prose, 0, mostRead)
	for _, o := range f.Read[:min(len(f.Read), mostRead)] {
		values = append(values, operand(o))
	}
	if len(values) > 0 {
		text = say(text, ": ", join(", ", values...))
	}
	return text
}

// operand says what a variable of a condition is.
func operand(o condition.Operand) prose {
	is := name(o.Name) + " is "
	switch v := o.Value.(type) {
	case nil:
		return say(name(o.Name) + " has no value")
	case int64:
		return say(is + number(int(v)))
	case float64: // costs alone have parts of one
		return say(is + money(v) + "/h")
	case string:
		if v == "" {
			return say(is + "empty")
		}
		return say(is + name(v))
	case []string:
		return say(is + joined(", ", lined(v), "none"))
	case time.Time:
		return say(is, on(v))
	default:
		return say(is + oneLine(fmt.Sprint(v)))
	}
}
